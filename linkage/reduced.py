"""Link clients known by initials only (NDTMS-shaped extracts) to people: one client, one person.

Initials, date of birth, sex and postcode sector are all there is, so a link here is weaker than
one on names. A client is therefore linked to one person at most, has to fit that person clearly
better than any other, and no other client of its partner may fit that person nearly as well. It is
never linked where a strong id says otherwise.

What a person is known to be is what all of their records say together: one may hold the surname
that the client still has, another the sector. So levels are of a client and a person, not of two
records. Everything is a function of the whole set of records and of their full-view groups: the
order they came in cannot matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from schemas.encoded import FILTERS, STRONG_IDS, filter_columns, sex_column, token_column
from schemas.errors import ModelError

if TYPE_CHECKING:
    from linkage.model import ReducedView

IN_EITHER_ORDER: Final = token_column("initials_either_date")
DATE_EXCHANGED: Final = token_column("initials_date_either")
SEX_BIT: Final = sex_column("initials_either_date")
WITH_SEX: Final = token_column("initials_date_sex")
INITIAL: Final = token_column("date_initial_sex")
SECTOR: Final = token_column("date_sector")
MET_BY: Final = (IN_EITHER_ORDER, DATE_EXCHANGED, INITIAL, SECTOR)
"""Tokens that both views hold; a client and a person who share none are not compared."""

LEVELS: Final = {
    "initials": (
        "both",
        "exchanged",
        "both, with day and month exchanged",
        "of the forename",
        "neither",
    ),
    "sector": ("same", "different"),
    "sex": ("same", "different"),
}
"""The comparisons of a client and a person, and their levels, best first."""

MOST_ALIKE: Final = 100
"""What more people have than this singles nobody out and is passed over (policy, 2026-11-22)."""

FEWEST_PEOPLE: Final = 5_000
"""A client is looked for among no fewer: a smaller set says little of who else there is
(policy, 2026-11-22)."""

LINKS: Final = {
    "record_id_l": pl.Int64(),
    "record_id_r": pl.Int64(),
    "match_weight": pl.Float64(),
}
OWN_ID: Final = token_column("local_id")
OTHER_IDS: Final = tuple(token_column(name) for name in STRONG_IDS if name != "local_id")


@dataclass(frozen=True)
class Attached:
    """What linking clients to people found.

    Attributes:
        links: ``record_id_l`` < ``record_id_r``, ``match_weight``: the lowest record of a client
            and the lowest of the person whom the client is.
        groups: ``record_id``, ``group``: the groups once each such client is in its person's.
        clients: How many clients there were to link.
        unsure: Clients who fit somebody, but nobody clearly.
        refused: Clients whom a strong id parts from the person whom they fit.
    """

    links: pl.DataFrame = field(repr=False)
    groups: pl.DataFrame = field(repr=False)
    clients: int
    unsure: int
    refused: int


def is_named() -> pl.Expr:
    """True for a record whose name can be compared."""
    names = [filter_columns(*pair)[0] for pair in FILTERS if pair[0] in ("forename", "surname")]
    return pl.any_horizontal(pl.col(names).is_not_null())


def is_reduced() -> pl.Expr:
    """True for a record with initials and a date of birth, and no name.

    The full view has only the date to tell such a record by, so it may join it by strong id alone.
    """
    return pl.col(DATE_EXCHANGED).is_not_null() & ~is_named()


def attach(encoded: pl.DataFrame, groups: pl.DataFrame, view: ReducedView | None) -> Attached:
    """Link each client to the one person whom it fits, if there is one.

    Args:
        encoded: The columns of ``schemas.encoded.encoded_schema()``.
        groups: ``record_id``, ``group``: what the full view made of the same records, each group
            named by its lowest record.
        view: The reduced view of a trained model, which may lack one if there are no clients.

    Raises:
        ModelError: There are clients, and the model has no reduced view.
    """
    if not encoded.select(is_reduced().any()).item():
        return Attached(pl.DataFrame(schema=LINKS), groups, clients=0, unsure=0, refused=0)
    if view is None:
        raise ModelError(
            "Some records hold initials only, and the linkage model has no reduced view.",
            "Train a model that has one with `journeys link train`.",
        )
    clients, people = clients_and_people(encoded, groups)
    fitting = _weighed(compare(clients, people), view, people["group"].n_unique())
    likely = fitting.filter(pl.col("match_weight") >= view.thresholds.link)
    leading = _leading(fitting, clients, view.thresholds.lead)
    clear = likely.join(leading, on=["client", "person"], how="semi")
    links = _without_odds(clear, _strong_ids(encoded, _members(groups, clear)))
    return Attached(
        links=links.select(
            record_id_l=pl.min_horizontal("client", "person"),
            record_id_r=pl.max_horizontal("client", "person"),
            match_weight="match_weight",
        ).sort("record_id_l", "record_id_r"),
        groups=_joined(groups, links),
        clients=clients["group"].n_unique(),
        unsure=likely["client"].n_unique() - clear.height,
        refused=clear.height - links.height,
    )


def clients_and_people(
    encoded: pl.DataFrame, groups: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The records of clients and those of people, each with its ``group``.

    A person is a group with a name; a client is one without, which a strong id made, most often
    the partner's own.

    Args:
        encoded: Encoded records.
        groups: ``record_id``, ``group``.
    """
    columns = ["record_id", "partner", *MET_BY, WITH_SEX, SEX_BIT, OWN_ID]
    # A join of one column and not of all: the others need not be copied.
    group = encoded.select("record_id").join(
        groups, on="record_id", how="left", maintain_order="left"
    )
    held = encoded.select(*columns, group["group"], named=is_named()).drop_nulls("group")
    # Those with a nameless record are few, and only they may lack a name.
    asked = held.filter(~pl.col("named")).select("group").unique()
    person = held.filter("named").join(asked, on="group", how="semi").select("group")
    nameless = asked.join(person, on="group", how="anti")
    without = held.join(nameless, on="group", how="semi")
    client = without.filter(pl.col(DATE_EXCHANGED).is_not_null()).select("group").unique()
    return (
        without.join(client, on="group", how="semi"),
        held.join(nameless, on="group", how="anti"),
    )


def compare(clients: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """The clients and people who share a token, and how much they agree.

    Args:
        clients: From :func:`clients_and_people`.
        people: Likewise.

    Returns:
        ``client``, ``person`` (groups) and for each comparison of `LEVELS` the place of its level,
        null where it says nothing.
    """
    agreed = (
        pl.concat(_sharing(clients, people, token) for token in MET_BY)
        .group_by("client", "person")
        .agg(
            *((pl.col("token") == token).any().alias(token) for token in MET_BY),
            sexes=pl.col("same_sex").count(),
            same_sex=pl.col("same_sex").any(),
        )
    )
    agreed = agreed.join(_placed(clients, agreed["client"]), on="client").join(
        _placed(people, agreed["person"]), on="person"
    )
    initials = (
        pl.when(pl.col(IN_EITHER_ORDER) & pl.col(DATE_EXCHANGED))
        .then(0)
        .when(IN_EITHER_ORDER)
        .then(1)
        .when(DATE_EXCHANGED)
        .then(2)
        .when(INITIAL)
        .then(3)
        .otherwise(4)
    )
    # A sector shows only under an equal date, and who shares nothing else was met by it.
    comparable = pl.col("client_placed") & pl.col("person_placed") & initials.is_in([0, 1, 3])
    return agreed.select(
        "client",
        "person",
        initials=initials.cast(pl.Int8),
        sector=pl.when(comparable).then((~pl.col(SECTOR)).cast(pl.Int8)),
        sex=pl.when(pl.col("sexes") > 0).then((~pl.col("same_sex")).cast(pl.Int8)),
    )


def _sharing(clients: pl.DataFrame, people: pl.DataFrame, token: str) -> pl.DataFrame:
    """The clients and people who share a value of a token, and whether their sex bits agree."""
    ours = clients.select("group", SEX_BIT, value=token).drop_nulls("value").unique()
    met = people.select("group", SEX_BIT, value=token)
    theirs = met.join(ours.select("value").unique(), on="value", how="semi").unique()
    crowd = pl.col("group").n_unique().over("value") > MOST_ALIKE
    shared = ours.filter(~crowd).join(theirs.filter(~crowd), on="value")
    # The bit is masked by initials and date, which others do not settle; one holds sex itself.
    bits_agree = pl.col(SEX_BIT) == pl.col(f"{SEX_BIT}_right")
    told = {IN_EITHER_ORDER: bits_agree, INITIAL: pl.lit(value=True)}
    return shared.select(
        client="group",
        person="group_right",
        token=pl.lit(token),
        same_sex=told.get(token, pl.lit(None, pl.Boolean)),
    )


def _placed(side: pl.DataFrame, met: pl.Series) -> pl.DataFrame:
    """Which of the groups that met have a sector to compare."""
    any_sector = pl.col(SECTOR).is_not_null().any()
    return (
        side.select(SECTOR, pl.col("group").alias(met.name))
        .join(met.unique().to_frame(), on=met.name, how="semi")
        .group_by(met.name)
        .agg(any_sector.alias(f"{met.name}_placed"))
    )


def _weighed(compared: pl.DataFrame, view: ReducedView, people: int) -> pl.DataFrame:
    """``client``, ``person``, ``match_weight`` in log2 odds.

    The chance that a client is a given person, before anything is compared, falls with the number
    of people there are.
    """
    evidence = [
        pl.col(comparison).replace_strict(
            dict(enumerate(levels.values())), default=0.0, return_dtype=pl.Float64
        )
        for comparison, levels in view.weights().items()
    ]
    prior = math.log2(view.known / max(people, FEWEST_PEOPLE))
    return compared.select("client", "person", match_weight=pl.sum_horizontal(evidence) + prior)


def _leading(fitting: pl.DataFrame, clients: pl.DataFrame, lead: float) -> pl.DataFrame:
    """Those who fit each other better than they fit anybody else, by the lead or more.

    A client's rivals are its partner's other clients, unless they are alike. A record without the
    partner's own id is nobody's rival, since one person may have many such.
    """
    rivals = fitting.join(_alike(clients), on="client")
    pressed = _lead(rivals, ("partner", "person"), "alike").filter(pl.col("lead") < lead)
    return (
        _lead(fitting, ("client",), "person")
        .filter(pl.col("lead") >= lead)
        .join(pressed, on=["client", "person"], how="anti")
    )


def _alike(clients: pl.DataFrame) -> pl.DataFrame:
    """``partner``, ``client``, ``alike``: equal where a partner's clients are as good as one.

    They have one date of birth, the same initials in either order, and no two known sexes among
    them; where there are two, only those who are known to be of one sex are alike. (NDTMS counts
    clients of the same initials, date of birth and sex as one.)
    """
    one = (
        clients.group_by("partner", client="group")
        .agg(
            initials=pl.col(IN_EITHER_ORDER).min(),
            # It is masked by initials and date, so it compares where they are equal.
            sex=pl.col(SEX_BIT).min(),
            own=pl.col(OWN_ID).is_not_null().any(),
        )
        .filter("own")
    )
    of_one_sex = pl.col("sex").drop_nulls().n_unique().over("partner", "initials") <= 1
    sex = pl.when(of_one_sex).then(pl.lit("")).otherwise(pl.col("sex").cast(pl.String))
    return one.select(
        "partner",
        "client",
        alike=pl.coalesce(
            pl.concat_str("initials", sex, separator="/"), pl.col("client").cast(pl.String)
        ),
    )


def _lead(rows: pl.DataFrame, within: tuple[str, ...], rival: str) -> pl.DataFrame:
    """Each row with its ``lead``: its match weight over the best of any other rival."""
    best = rows.group_by(*within, rival).agg(own=pl.col("match_weight").max())
    two = best.group_by(within).agg(
        top=pl.col("own").max(), second=pl.col("own").sort(descending=True).slice(1, 1).first()
    )
    # Where two are equal at the top, the second is the top, and neither leads.
    other = pl.when(pl.col("own") == pl.col("top")).then("second").otherwise("top")
    return (
        rows.join(best, on=[*within, rival])
        .join(two, on=within)
        .with_columns(lead=pl.col("match_weight") - other.fill_null(-math.inf))
    )


def _members(groups: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The groups that some links name, record by record."""
    named = pl.concat([links["client"], links["person"]]).unique()
    return groups.join(named.to_frame("group"), on="group", how="semi")


def _strong_ids(encoded: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """``group``, ``id``, ``value``: the strong ids that each group holds, a partner's own aside."""
    held = encoded.select("record_id", *OTHER_IDS).join(groups, on="record_id")
    return (
        held.unpivot(on=OTHER_IDS, index="group", variable_name="id").drop_nulls("value").unique()
    )


def _without_odds(links: pl.DataFrame, ids: pl.DataFrame) -> pl.DataFrame:
    """The links that bring together no two groups of different strong ids.

    Where two clients of one person are at odds, there is no telling which is wrong, so none of the
    person's clients is linked.
    """
    kept = links.join(_at_odds(links, "client", "person", ids), on=["client", "person"], how="anti")
    both = kept.join(kept, on="person").filter(pl.col("client") < pl.col("client_right"))
    torn = both.join(_at_odds(both, "client", "client_right", ids), on=["client", "client_right"])
    return kept.join(torn, on="person", how="anti")


def _at_odds(pairs: pl.DataFrame, one: str, other: str, ids: pl.DataFrame) -> pl.DataFrame:
    """The pairs of groups that both hold an id of one kind, and no value of it in common."""
    return (
        pairs.select(one, other)
        .unique()
        .join(ids, left_on=one, right_on="group")
        .join(ids, left_on=[other, "id"], right_on=["group", "id"])
        .group_by(one, other, "id")
        .agg(agree=(pl.col("value") == pl.col("value_right")).any())
        .filter(~pl.col("agree"))
        .select(one, other)
        .unique()
    )


def _joined(groups: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The groups once each client is in its person's, named by the lowest record still."""
    lowest = pl.min_horizontal("person", pl.col("client").min().over("person"))
    named = links.select("client", "person", lowest=lowest)
    moves = pl.concat(
        [named.select(group=side, lowest="lowest") for side in ("client", "person")]
    ).unique()
    return (
        groups.join(moves, on="group", how="left")
        .select("record_id", group=pl.coalesce("lowest", "group"))
        .sort("record_id")
    )
