"""What the hub believes of the inside of a sealed file: no more than it can check itself.

Names of tables, columns and rules are those it knows, values are those that its contract has room
for, counts are those that the tables show, and every row belongs to one that is there. What cannot
be checked is what the partner says happened: a real code in the wrong row looks like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from flows.intake.encoding import Encoded
from flows.intake.payload import not_as_said
from flows.intake.reading import COUNTS, TOP_RULES, Facts
from governance.agreements import Agreement
from governance.sealing import Manifest
from schemas.errors import ExtractRejected
from schemas.tables import TABLES, Table

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from governance.pseudonymise import Pseudonymised
    from schemas.drift import TableProfile
    from schemas.events import HeldTo

# Of made-up people no token but that of a strong id is shared by one record in a hundred
# (tests/backtest). Reviewed 2026-11-22; to be reviewed with every version of the encoding.
FEWEST_TO_JUDGE = 50
MOST_ALIKE = 0.5
# In standard deviations; of keyed words two bits in a billion are as uneven (2026-11-23).
MOST_UNEVEN = 6


def check_inside(encoded: Encoded, manifest: Manifest, agreement: Agreement, held: HeldTo) -> None:
    """Hold an opened sealed file to its manifest, the agreement and the hub's own contract.

    Args:
        encoded: What was in it.
        manifest: What it said of itself.
        agreement: What the partner agreed to send.
        held: The hub's policy and code lists, and the day the file was made.

    Raises:
        ExtractRejected: It holds something else than it may; a value is told by column and count.
        ConfigError: A code list of the hub's cannot be used.
    """
    if not _is_as_said(encoded, manifest):
        raise not_as_said()
    parts = encoded.parts.values()
    sound = all(_is_in_shape(part, agreement, encoded.facts) for part in parts)
    alike = sound and same_events(encoded.parts) and _are_marks(encoded)
    if not (alike and _are_stand_in_words([part.encoded for part in parts])):
        raise not_as_said()
    part = next(iter(parts))
    _check_values(agreement.partner, part, held)
    _check_differ(agreement.partner, part.encoded)
    whole = _is_in_its_days(encoded.facts, part, held) and _may_be_linked(part, agreement, held)
    if not (whole and _are_known(encoded.facts, agreement, held.codes)):
        raise not_as_said()


def _check_differ(partner: str, encoded: pl.DataFrame) -> None:
    """Refuse tokens most of which are one: the hub would compare every record with every other.

    Raises:
        ExtractRejected: Some are.
    """
    tokens = encoded.select("^t_.*$")
    alike = [column.name for column in tokens if _are_alike(column.drop_nulls())]
    if alike:
        raise ExtractRejected(
            f"In {len(alike)} of the tokens in the sealed file of {partner}, over half of the "
            "records have one and the same value.",
            "Ask the partner whether its export repeats one person or one date of birth, and to "
            "encode a right one with the partner kit of this hub's version.",
        )


def _are_alike(values: pl.Series) -> bool:
    """Whether more than `MOST_ALIKE` of some values are one; a few records may be one person's."""
    if values.len() < FEWEST_TO_JUDGE:
        return False
    commonest = values.value_counts()["count"].max()
    return isinstance(commonest, int) and commonest > MOST_ALIKE * values.len()


def same_events(parts: Mapping[int, Pseudonymised]) -> bool:
    """Whether the epochs tell the same events in the same order, under keys of their own."""
    import polars as pl

    told = [
        {
            table: frame.select(pl.exclude("record_id", "^.*_key$"))
            for table, frame in sorted(part.events.items())
        }
        for part in parts.values()
    ]
    first = told[0]
    return all(
        one.keys() == first.keys() and all(one[name].equals(first[name]) for name in one)
        for one in told[1:]
    )


def _are_marks(encoded: Encoded) -> bool:
    """Whether every record is marked, in every epoch alike."""
    import polars as pl

    from schemas.marks import marks_schema

    told = [frame.select(pl.all().is_null()) for frame in encoded.marks.values()]
    return (
        encoded.marks.keys() == encoded.parts.keys()
        and all(dict(frame.schema) == marks_schema() for frame in encoded.marks.values())
        and all(
            frame.height == encoded.parts[epoch].encoded.height
            and frame["record"].null_count() == 0
            and frame["record"].is_unique().all()
            for epoch, frame in encoded.marks.items()
        )
        and all(one.equals(told[0]) for one in told)
    )


def _is_as_said(encoded: Encoded, manifest: Manifest) -> bool:
    facts = encoded.facts
    return (
        set(encoded.parts) == set(manifest.epochs)
        and facts.data_as_at == manifest.data_as_at
        and {name: dict(rows) for name, rows in facts.rows.items()} == manifest.rows
        and all(set(rows) == set(COUNTS) for rows in manifest.rows.values())
    )


# Tables and keys


def _is_in_shape(part: Pseudonymised, agreement: Agreement, facts: Facts) -> bool:
    """Whether encodings and events are as `governance.pseudonymise` makes them."""
    from governance.pseudonymise import event_columns
    from schemas.encoded import delivered_schema
    from warehouse.staging import tables_of

    partner = agreement.partner
    tables = {f"{partner}_{table.name}": table for table in TABLES[partner]}
    staging = tables_of(partner)
    if dict(part.encoded.schema) != delivered_schema() or set(part.events) != set(tables):
        return False
    in_shape = all(
        set(frame.columns) == event_columns(table, agreement.treatments.get(table.name, {}))
        and frame.height == facts.rows.get(table.name, {}).get("kept")
        and all(_holds(frame[column], staging[name].get(column, "")) for column in frame.columns)
        for name, table in tables.items()
        for frame in (part.events[name],)
    )
    return (
        in_shape
        and all(_belongs(table, part.events) for table in tables.values())
        and _same_records(partner, part)
        and _are_bits(part.encoded)
    )


def _holds(values: pl.Series, kind: str) -> bool:
    """Whether a column of a staging table can hold some values."""
    import polars as pl

    name, _, needed = kind.partition(" ")
    kinds = {"VARCHAR": pl.String, "DATE": pl.Date, "BOOLEAN": pl.Boolean, "BIGINT": pl.Int64}
    fits = values.dtype.is_integer() if name == "INTEGER" else values.dtype == kinds.get(name)
    return fits and not (needed and values.null_count())


def _belongs(table: Table, events: Mapping[str, pl.DataFrame]) -> bool:
    """Whether no key of a table comes twice, and every row's parent is there."""
    from warehouse.staging import key_of

    name = f"{table.partner}_{table.name}"
    own = events[name]
    parents = [f"{table.partner}_{parent}" for parent in table.parents.values()]
    return own[key_of(name)].is_unique().all() and all(
        own[key_of(parent)].is_in(events[parent][key_of(parent)].implode()).all()
        for parent in parents
    )


def _same_records(partner: str, part: Pseudonymised) -> bool:
    """Whether each record is once among the encodings and once among the events."""
    import polars as pl

    records = part.encoded["record_id"]
    frames: Iterable[pl.DataFrame] = part.events.values()
    among = [frame["record_id"] for frame in frames if "record_id" in frame.columns]
    among_events = pl.concat([records.clear(), *among])
    return (
        records.null_count() == 0
        and records.is_unique().all()
        and (part.encoded["partner"] == partner).all()
        and not part.encoded["partner"].null_count()
        and among_events.sort().equals(records.sort(), check_names=False)
    )


def _are_stand_in_words(epochs: Sequence[pl.DataFrame]) -> bool:
    """Whether the secret words of records are as keyed words of their ids are, as far as it shows.

    Every record has two, one person's records too. All differ, in every epoch, and none is a record
    id, which a store holds. Whoever sent one word for many would have the people of one value share
    another in its place, and be seen to. Words made of what a store holds in some other way, or
    anew for every delivery, look like these. Of some ten million keyed words two are alike once in
    400,000 deliveries.
    """
    import polars as pl

    from schemas.encoded import STAND_IN

    words = [encoded[name] for encoded in epochs for name in STAND_IN]
    all_told = pl.concat([*words, *(encoded["record_id"] for encoded in epochs)], rechunk=False)
    return not any(one.null_count() for one in words) and (
        all_told.n_unique() == all_told.len() and all(map(_are_even, words))
    )


def _are_even(words: pl.Series) -> bool:
    """Whether each bit of some words is set about as often as not; of a counter few are."""
    if words.len() < FEWEST_TO_JUDGE:
        return True
    numbers = words.to_numpy()
    within = MOST_UNEVEN * words.len() ** 0.5
    return all(
        abs(2 * int((numbers >> bit & 1).sum()) - words.len()) <= within for bit in range(64)
    )


def _are_bits(encoded: pl.DataFrame) -> bool:
    """Whether what is told in one bit is told in one bit."""
    import polars as pl

    return all((one.is_null() | one.is_in([0, 1])).all() for one in encoded.select(pl.col(pl.Int8)))


def _may_be_linked(part: Pseudonymised, agreement: Agreement, held: HeldTo) -> bool:
    """Whether there is an encoding at all, where there are rows enough to judge by."""
    import polars as pl

    encodings = part.encoded.select(pl.col("^[tf]_.*$"))
    judged_from = held.policy.thresholds_of(agreement.partner).judged_from
    return encodings.height < judged_from or any(one.null_count() < len(one) for one in encodings)


# Values


def strange_columns(partner: str, part: Pseudonymised, held: HeldTo) -> str:
    """Which columns of the events hold values that a hub has no room for, and how many.

    Args:
        partner: Whose events they are.
        part: The extract in one epoch.
        held: What the hub holds values to.

    Returns:
        Such as `episode.agncy (1)`; nothing where all is well.
    """
    from schemas.events import strange_values

    return ", ".join(
        f"{table.name}.{column} ({count})"
        for table in TABLES[partner]
        for column, count in strange_values(
            table, part.events[f"{partner}_{table.name}"], held
        ).items()
    )


def _check_values(partner: str, part: Pseudonymised, held: HeldTo) -> None:
    """Refuse values that the contract has no room for."""
    told = strange_columns(partner, part, held)
    if told:
        raise ExtractRejected(
            f"The sealed file of {partner} holds values that are no code, number or day which "
            f"this hub takes in that column: {told}.",
            "Ask the partner to encode again with the kit that the hub gave it; where code lists "
            "or the policy were changed since its bundle was made, give it a new one first.",
        )


def _is_in_its_days(facts: Facts, part: Pseudonymised, held: HeldTo) -> bool:
    """Whether the day that the data reach to is one that the events can reach to."""
    from flows.intake.reading import event_days
    from schemas.events import FIRST_DAY

    reach, days = facts.data_as_at, event_days(part.events.values(), held.made_on)
    among = days.is_empty() or ((days <= reach).any() and (days >= reach).any())
    return among and FIRST_DAY <= reach <= held.made_on


# What is told


def _are_known(facts: Facts, agreement: Agreement, codes: Path | None) -> bool:
    """Whether what is told beside the tables names what there is, and counts what can be."""
    tables = {table.name: table for table in TABLES[agreement.partner]}
    shared = {name: agreement.shared_columns(name) for name in tables}
    columns = {f"{name}.{column}" for name, listed in shared.items() for column in listed}
    return (
        set(facts.rows) == set(tables)
        and all(_adds_up(tables[n], rows, bool(shared[n])) for n, rows in facts.rows.items())
        and set(facts.profile) <= {name for name, listed in shared.items() if listed}
        and all(
            _is_a_profile(tables[name], one, facts.rows[name]["received"], shared[name], codes)
            for name, one in facts.profile.items()
        )
        and set(facts.missing) <= columns
        and len(facts.top_rules) <= TOP_RULES
        and all(_are_rules(found, tables, facts) for found in (facts.top_rules, facts.noted))
        and set(facts.not_taken) <= set(agreement.undisclosed)
    )


def _adds_up(table: Table, rows: Mapping[str, int], shared: bool) -> bool:
    """Whether every row received is accounted for, and none came of a table that is not shared."""
    accounted = rows["kept"] + rows["quarantined"] + rows["withheld"]
    without_consent = table.withheld_by is not None or not rows["withheld"]
    return rows["received"] == accounted and without_consent and (shared or not rows["received"])


def _is_a_profile(
    table: Table, said: TableProfile, received: int, shared: frozenset[str], codes: Path | None
) -> bool:
    """Whether a profile counts what was received: empty values, and codes of the hub's lists."""
    from schemas.codes import load_codes
    from schemas.drift import UNLISTED

    coded = {name: spec.codes for name, spec in table.columns.items() if spec.codes}
    empty = said["empty"]
    return (
        said["rows"] == received
        and set(empty) <= shared & set(table.columns)
        and set(said["codes"]) == set(coded) & set(empty)
        and all(count <= received for count in empty.values())
        and all(
            set(counts) <= {*load_codes(coded[name], codes), UNLISTED}
            and sum(counts.values()) + empty[name] == received
            for name, counts in said["codes"].items()
        )
    )


def _are_rules(
    found: Iterable[Mapping[str, str | int]], tables: Mapping[str, Table], facts: Facts
) -> bool:
    """Whether what was broken are rules that there are, each told once and no oftener than rows."""
    told = [(str(one["table"]), str(one["column"]), str(one["rule"])) for one in found]
    return (
        len(set(told)) == len(told)
        and all(
            table in tables and (column, rule) in _rules(tables[table])
            for table, column, rule in told
        )
        and all(int(one["count"]) <= facts.rows[str(one["table"])]["received"] for one in found)
    )


def _rules(table: Table) -> set[tuple[str, str]]:
    """Column and rule of all that a table can break; a code list may be the partnership's own."""
    from schemas.rules import CODE_RULES, rules_of

    coded = [name for name, spec in table.columns.items() if spec.codes]
    own = {(column, rule) for column, rule, _ in rules_of(table)}
    return own | {(column, rule) for column in coded for rule in CODE_RULES}
