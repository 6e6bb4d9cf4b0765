"""How good the links are, and for whom, estimated without being told who anybody is.

Pairs of records that both hold a verified strong id of one kind judge themselves: it agrees or it
does not. So the records are linked once more with every strong id left out of the model, and what
the rest of the evidence then decides is held against the ids. *Precision* is the share of linked
pairs whose ids agree, *recall* the share of pairs whose ids agree that are linked.

Partners that hold no id in common cannot be judged in this way, and no other pair's figure stands
in for theirs. Where ids differ and all else speaks for one person, the id may have been recorded
wrongly (a National Insurance number has no check digit): such a pair is *disputed*. The figure and
the lower end of its interval count it as a wrong link, the upper end as a right one. Records that
hold an id may be better kept than those that do not, which no figure here can show.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations_with_replacement
from typing import Final

import polars as pl

from linkage.blocking import candidate_pairs, crowded_blocks, full_view_blocks
from linkage.groups import groups
from linkage.match import judged
from linkage.model import Model
from linkage.rates import BY_IDS, BY_PEOPLE, rates_of, told
from linkage.reduced import is_reduced
from schemas.encoded import STRONG_IDS, token_column

VERIFIED: Final = tuple(token_column(name) for name in STRONG_IDS if name != "local_id")
"""The ids that judge. A partner's own id is none: one person may have several of them."""

MOST_JUDGED: Final = 100_000
"""Of more records that hold an id a part is judged, chosen by record id (policy, 2026-11-22)."""

MOST_SHARING: Final = 100
"""An id that more records share is nobody's in particular, and judges no pair (2026-11-22)."""

DISPUTED_FROM: Final = 10.0
"""The match weight, without ids, from which an id that differs is doubted (policy, 2026-11-22)."""

PAIR: Final = ["record_id_l", "record_id_r"]

ESTIMATES: Final = {
    "split": pl.String,
    "slice": pl.String,
    "partner_a": pl.String,
    "partner_b": pl.String,
    "measure": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "judged": pl.Int64,
    "note": pl.String,
}
"""The columns of estimates; `value`, `low` and `high` are null where there is none."""


def judge(encoded: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Link records without their strong ids, and hold the outcome against the ids.

    Records of initials only are left out: they are linked by another model, one to one.

    Args:
        encoded: Encoded records of all partners.
        model: The trained model whose link threshold holds.

    Returns:
        One row for each pair that ids can judge and that is linked or should be:
        ``record_id_l`` < ``record_id_r``, ``partner_l``, ``partner_r``, ``same`` (an id agrees and
        none differs), ``linked`` (without ids), ``disputed``, and ``cluster``, which pairs that
        hang together share. Pairs of which one id agrees and another differs judge nothing.

    Raises:
        ModelError: The model does not fit the encoding.
    """
    known = _without_crowded_ids(encoded)
    holds_one = pl.any_horizontal(pl.col(VERIFIED).is_not_null())
    some = _sampled(known.filter(holds_one, ~is_reduced()))
    linked = _linked_without_ids(some, model)
    pairs = pl.concat([_sharing_an_id(some), linked.select(PAIR)]).unique()
    ids = some.select("record_id", "partner", *VERIFIED)
    held = pairs.join(ids, left_on="record_id_l", right_on="record_id").join(
        ids, left_on="record_id_r", right_on="record_id", suffix="_r"
    )
    agree = _any(pl.col(c) == pl.col(f"{c}_r") for c in VERIFIED)
    differ = _any(pl.col(c) != pl.col(f"{c}_r") for c in VERIFIED)
    found = (
        held.filter(agree != differ)
        .select(
            "record_id_l",
            "record_id_r",
            partner_l="partner",
            partner_r="partner_r",
            same=agree,
        )
        .join(linked, on=PAIR, how="left")
        .with_columns(
            linked=pl.col("match_weight").is_not_null(),
            disputed=~pl.col("same") & (pl.col("match_weight") >= DISPUTED_FROM),
        )
        .drop("match_weight")
        .sort(PAIR)
    )
    return _clustered(found)


def _any(conditions: Iterable[pl.Expr]) -> pl.Expr:
    """True where one of the conditions holds; one that cannot be told does not."""
    return pl.any_horizontal(conditions).fill_null(value=False)


def _without_crowded_ids(encoded: pl.DataFrame) -> pl.DataFrame:
    return encoded.with_columns(
        pl.when(pl.len().over(c) <= MOST_SHARING).then(pl.col(c)).alias(c) for c in VERIFIED
    )


def _sampled(records: pl.DataFrame) -> pl.DataFrame:
    """About as many records as are judged. Record ids are keyed, so any part is a fair one."""
    parts = -(-records.height // MOST_JUDGED)
    return records if parts < 2 else records.filter(pl.col("record_id") % parts == 0)


def _linked_without_ids(records: pl.DataFrame, model: Model) -> pl.DataFrame:
    nobody = [pl.lit(None, pl.Int64).alias(token_column(name)) for name in STRONG_IDS]
    bare = records.with_columns(nobody)
    # Alike records are each compared with each here: they would otherwise count as one.
    each = records.select("record_id", first="record_id")
    blocks = full_view_blocks(bare, crowded_blocks(bare))
    candidates = candidate_pairs(blocks, each, records["record_id"])
    return judged(bare, candidates, model).filter("linked").select(*PAIR, "match_weight")


def _sharing_an_id(records: pl.DataFrame) -> pl.DataFrame:
    """Every two records that hold one value of an id."""
    found = []
    for column in VERIFIED:
        held = records.select("record_id", column).drop_nulls()
        found.append(
            held.join(held, on=column, suffix="_r")
            .filter(pl.col("record_id") < pl.col("record_id_r"))
            .select(record_id_l="record_id", record_id_r="record_id_r")
        )
    return pl.concat(found)


def _clustered(judged: pl.DataFrame) -> pl.DataFrame:
    members = pl.concat([judged["record_id_l"], judged["record_id_r"]]).unique()
    if members.is_empty():
        return judged.with_columns(cluster=pl.lit(None, pl.Int64))
    whole = groups(members, judged).select(record_id_l="record_id", cluster="group")
    return judged.join(whole, on="record_id_l", how="left")


def estimate(
    judged: pl.DataFrame, encoded: pl.DataFrame, described: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Precision and recall of all pairs, of each two partners, and of each kind of record.

    A pair counts in every kind that one of its records is of.

    Args:
        judged: From :func:`judge`.
        encoded: The encoded records it was made of.
        described: ``record_id``, and a column for each way of splitting records: sex, age band
            and the like.

    Returns:
        The columns of :data:`ESTIMATES`, a row for each measure of each split and slice.
    """
    partners = judged.with_columns(
        partner_a=pl.min_horizontal("partner_l", "partner_r"),
        partner_b=pl.max_horizontal("partner_l", "partner_r"),
    )
    estimable = _pairs_with_an_id(encoded)
    of_all = rates_of(judged.with_columns(slice=pl.lit("all")), pl.DataFrame({"slice": ["all"]}))
    of_partners = rates_of(partners, estimable)
    tables = [
        of_all.with_columns(split=pl.lit("all"), partner_a=pl.lit("all")),
        of_partners.with_columns(split=pl.lit("partners"), slice=pl.lit("all")),
    ]
    kinds = (
        completeness(encoded)
        if described is None
        else completeness(encoded).join(described, on="record_id", how="left")
    )
    for split in (name for name in kinds.columns if name != "record_id"):
        of_records = kinds.select("record_id", slice=split)
        slices = of_records.select("slice").drop_nulls().unique()
        made = rates_of(_sliced(judged, of_records), slices)
        tables.append(made.with_columns(split=pl.lit(split), partner_a=pl.lit("all")))
    whole = pl.concat(tables, how="diagonal_relaxed")
    return told(whole).select(pl.col(name).cast(kind) for name, kind in ESTIMATES.items())


def completeness(encoded: pl.DataFrame) -> pl.DataFrame:
    """What each record can be linked by: ``record_id``, ``completeness``."""
    dated = pl.any_horizontal(pl.col("^(f_.*|t)_date_.*$").is_not_null())
    placed = pl.any_horizontal(pl.col("^t_postcode_.*$").is_not_null())
    named = pl.any_horizontal(pl.col("^f_(forename|surname)_.*$").is_not_null())
    return encoded.select(
        "record_id",
        completeness=pl.when(named & dated & placed)
        .then(pl.lit("names, date of birth and postcode"))
        .when(named & dated)
        .then(pl.lit("no usable postcode"))
        .when(named & placed)
        .then(pl.lit("no date of birth"))
        .otherwise(pl.lit("less than that")),
    )


def _pairs_with_an_id(encoded: pl.DataFrame) -> pl.DataFrame:
    """Each two partners, and whether they hold a strong id in common."""
    held = encoded.group_by("partner").agg(pl.col(VERIFIED).is_not_null().any())
    has = {row.pop("partner"): row for row in held.to_dicts()}
    both = list(combinations_with_replacement(sorted(has), 2))
    return pl.DataFrame(
        {
            "partner_a": [a for a, _ in both],
            "partner_b": [b for _, b in both],
            "shares_an_id": [any(has[a][c] and has[b][c] for c in VERIFIED) for a, b in both],
        },
        schema={"partner_a": pl.String, "partner_b": pl.String, "shares_an_id": pl.Boolean},
    )


def _sliced(judged: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """Each pair once for every kind that one of its records is of."""
    sides = [judged.join(kinds, left_on=f"record_id_{side}", right_on="record_id") for side in "lr"]
    return pl.concat(sides).drop_nulls("slice").unique([*PAIR, "slice"])


def against_labels(labelled: pl.DataFrame, grouped: pl.DataFrame) -> pl.DataFrame:
    """Precision and recall of the groups as they are, by a sample that people have judged.

    Precision is that of the sample: of the links only where it was drawn from them at random.

    Args:
        labelled: ``record_id_l``, ``record_id_r``, ``same``.
        grouped: ``record_id``, ``partner``, ``group``; pairs of other records are passed over.

    Returns:
        ``partner_a``, ``partner_b``, ``measure``, ``value``, ``low``, ``high``, ``judged``,
        ``note``: both measures of each two partners in the sample.
    """
    held = labelled.join(grouped, left_on="record_id_l", right_on="record_id").join(
        grouped, left_on="record_id_r", right_on="record_id", suffix="_r"
    )
    pairs = held.select(
        "same",
        partner_a=pl.min_horizontal("partner", "partner_r"),
        partner_b=pl.max_horizontal("partner", "partner_r"),
        linked=pl.col("group") == pl.col("group_r"),
        disputed=pl.lit(value=False),
        cluster=pl.int_range(pl.len()),
    )
    sampled = pairs.select("partner_a", "partner_b", shares_an_id=pl.lit(value=True)).unique()
    rates = told(
        rates_of(pairs, sampled).with_columns(slice=pl.lit("all"), split=pl.lit("partners"))
    )
    measured = ("partner_a", "partner_b", "measure", "value", "low", "high", "judged")
    return rates.select(*measured, note=pl.col("note").replace(BY_IDS, BY_PEOPLE))
