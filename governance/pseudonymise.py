"""Part a partner's identities from its events: one safe verb over the tools in ``encoding/``.

Identities become encodings, keys become keyed surrogates, and events keep only what the agreement
keeps or generalises. Only the record id is on both sides (the split-file rule).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from governance.agreements import Agreement
from governance.encoding.anchored import SEPARATOR, KeyOf, encode, working_keys
from governance.encoding.crowded import without_crowds
from governance.encoding.prf import tokens
from governance.keys.root import PurposeKey
from schemas.columns import Column
from schemas.contract import Validated
from schemas.errors import ExtractRejected
from schemas.identity import identity_frame
from schemas.standardise import generalise
from schemas.tables import TABLES, Table, find_table

# A surrogate key is named after its table, but homelessness calls an application a case.
SURROGATE_NAMES = {"application": "case_key"}

# An agency is an organisation: the one part of a key that may be kept as it is.
KEPT_KEYS = frozenset({"agncy"})
# What `generalise` makes coarser, and of what columns. No other identifier goes among the events in
# any form.
GENERALISED: dict[str, tuple[str, ...]] = {
    "dob": ("birth_year",),
    "postcode": ("postcode_district", "no_fixed_abode"),
    "pc": (),
}
RENAMED = {"ethnic": ("ethnicity",)}


@dataclass(frozen=True)
class Pseudonymised:
    """One partner's extract, parted.

    Attributes:
        encoded: One row for each record that names a person, with the columns of
            ``schemas.encoded.delivered_schema()``.
        events: ``<partner>_<table>`` → its rows, with surrogate keys in place of keys.
    """

    encoded: pl.DataFrame = field(repr=False)
    events: dict[str, pl.DataFrame] = field(repr=False)


def pseudonymise(validated: Validated, agreement: Agreement, key: PurposeKey) -> Pseudonymised:
    """Replace every identifier in a validated extract.

    Args:
        validated: The extract's valid rows, standardised.
        agreement: What may be done with each column.
        key: The identifier key of the agreement's purpose in one epoch; encodings differ between
            purposes and between epochs.

    Raises:
        ExtractRejected: Two records took the same surrogate, which only a damaged extract or an
            astronomically unlucky key can bring about.
    """
    key_of = working_keys(key)
    partner, treatments = agreement.partner, agreement.treatments
    identity = without_crowds(agreed_identity(partner, validated.frames, treatments))
    records = _record_ids(partner, identity, key_of)
    if records.n_unique() != len(records):
        raise ExtractRejected(
            f"Two {partner} records cannot be told apart by their keys.",
            "Check the extract for repeated record keys and send it again.",
        )
    encoded = encode(
        identity.with_columns(record_id=records, partner=pl.lit(partner)).drop(
            "table", "record_key"
        ),
        key_of,
    )
    events = {
        f"{partner}_{table.name}": _events(
            table, validated.frames[table.name], treatments.get(table.name, {}), key_of
        )
        for table in TABLES[partner]
    }
    return Pseudonymised(encoded, events)


def own_records(
    validated: Validated, agreement: Agreement, key: PurposeKey
) -> dict[int, tuple[str, str]]:
    """Which of a partner's own records each record id is: for the partner's own desk alone.

    Args:
        validated: The extract's valid rows, standardised.
        agreement: Whose it is.
        key: The identifier key that the ids were made with.

    Returns:
        Record id → the table and the key of the record.
    """
    identity = agreed_identity(agreement.partner, validated.frames, agreement.treatments)
    records = _record_ids(agreement.partner, identity, working_keys(key))
    own = zip(identity["table"], identity["record_key"], strict=True)
    return dict(zip(records, own, strict=True))


def in_keyed_order(parts: Mapping[int, Pseudonymised]) -> dict[int, Pseudonymised]:
    """Put the rows of every epoch in one order that says nothing of the file's.

    A partner's file is often sorted by name or address, and a row's place in it would then nearly
    name who it is of. Keyed ids are in no order that anybody can know without the key.

    Args:
        parts: One extract in each epoch, its rows in the same order in all.

    Returns:
        The same rows in the order of the earliest epoch's ids, so still in one order in all.
    """
    first = parts[min(parts)]
    records = keyed_order(parts)
    rows = {name: frame.to_series().arg_sort() for name, frame in first.events.items()}
    return {
        epoch: Pseudonymised(
            part.encoded[records], {name: part.events[name][order] for name, order in rows.items()}
        )
        for epoch, part in parts.items()
    }


def unshared(parts: Mapping[int, Pseudonymised]) -> dict[int, Pseudonymised]:
    """Put stand-ins in the place of the values of a delivery that more than one person has.

    Args:
        parts: One delivery in each epoch, its rows in the same order in all.

    Returns:
        The same, and of each record the same values in every epoch: those of the earliest decide.
        Secret words are still there, for what is replaced when it is stored.
    """
    # It is the hub's: a partner's kit has no SciPy.
    from governance.encoding.shared import shared_values, without_shared

    shared = shared_values(parts[min(parts)].encoded)
    return {
        epoch: Pseudonymised(without_shared(part.encoded, shared), part.events)
        for epoch, part in parts.items()
    }


def keyed_order(parts: Mapping[int, Pseudonymised]) -> pl.Series:
    """The places of an extract's records in the order of the earliest epoch's ids."""
    return parts[min(parts)].encoded["record_id"].arg_sort()


def event_columns(table: Table, treatments: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The columns that a table has among the events, by what may be done with each of its own.

    Args:
        table: The table.
        treatments: What the agreement lets be done with each of its columns.
    """
    keys = {_surrogate_name(table), "record_id"} if table.identity else {_surrogate_name(table)}
    keys |= {_surrogate_name(find_table(table.partner, name)) for name in table.parents.values()}
    changed = GENERALISED | RENAMED
    kept = {
        name
        for source in _passing(table, treatments)
        for name in changed.get(source, (table.columns[source].becomes or source,))
    }
    return frozenset(keys | kept)


def agreed_identity(
    partner: str,
    frames: Mapping[str, pl.DataFrame],
    treatments: Mapping[str, Mapping[str, frozenset[str]]],
) -> pl.DataFrame:
    """The identities of a partner's records, without what the agreement does not let us encode.

    Args:
        partner: Whose records they are.
        frames: Its tables, standardised.
        treatments: What the agreement lets be done with each column.

    Returns:
        As `schemas.identity.identity_frame`.
    """
    identity = identity_frame(partner, frames)
    withheld = [
        pl.when(pl.col("table") != table.name).then(pl.col(part)).alias(part)
        for table in TABLES[partner]
        for part in _withheld(table, treatments.get(table.name, {}))
    ]
    for column in withheld:
        identity = identity.with_columns(column)
    return identity


def _withheld(table: Table, treatments: Mapping[str, frozenset[str]]) -> list[str]:
    """The parts of an identity that no column of the table may be encoded for."""
    if table.identity is None:
        return []
    sources = {
        part: (source,) if isinstance(source, str) else source
        for part, source in vars(table.identity).items()
        if source
    }
    return [
        part
        for part, columns in sources.items()
        if not any("encode" in treatments.get(column, frozenset()) for column in columns)
    ]


def made_from(table: Table) -> dict[str, tuple[str, ...]]:
    """Which columns of an extract each column of its staging table is made from.

    A table that names people has ``record_id`` as well, a keyed id made from its key.

    Returns:
        Staged column → columns of the extract, in the order the extract has them.
    """
    found = {"record_id": table.key} if table.identity else {}
    found[_surrogate_name(table)] = table.key
    for columns, parent in table.parents.items():
        found[_surrogate_name(find_table(table.partner, parent))] = columns
    for name, column in table.columns.items():
        kept = (column.becomes or name,) if column.role == "attribute" or name in KEPT_KEYS else ()
        for staged in GENERALISED.get(name, RENAMED.get(name, kept)):
            found[staged] = (*found.get(staged, ()), name)
    return found


def _record_ids(partner: str, identity: pl.DataFrame, key_of: KeyOf) -> pl.Series:
    """A keyed id for each record: the same every time the partner sends the record."""
    text = identity.select(
        pl.concat_str(pl.lit(partner), "table", "record_key", separator=SEPARATOR)
    ).to_series()
    return tokens(text, key_of("record"))


def _surrogate(
    table: Table, frame: pl.DataFrame, columns: tuple[str, ...], key_of: KeyOf
) -> pl.Series:
    """The keyed surrogate of a table's key as it stands in ``columns`` of a frame."""
    text = frame.select(
        pl.concat_str(pl.lit(table.partner), pl.lit(table.name), *columns, separator=SEPARATOR)
    ).to_series()
    return tokens(text, key_of("surrogate")).alias(_surrogate_name(table))


def _surrogate_name(table: Table) -> str:
    return SURROGATE_NAMES.get(table.name, f"{table.name}_key")


def _events(
    table: Table,
    frame: pl.DataFrame,
    treatments: Mapping[str, frozenset[str]],
    key_of: KeyOf,
) -> pl.DataFrame:
    """A table's rows with surrogate keys and only the columns the agreement keeps."""
    surrogates = [_surrogate(table, frame, table.key, key_of)]
    surrogates += [
        _surrogate(find_table(table.partner, parent), frame, columns, key_of)
        for columns, parent in table.parents.items()
    ]
    if table.identity is not None:
        key = pl.concat_str(table.key, separator="|").alias("record_key")
        records = frame.select(key, table=pl.lit(table.name))
        surrogates.insert(0, _record_ids(table.partner, records, key_of).alias("record_id"))
    named = [table.columns[source].becomes or source for source in _passing(table, treatments)]
    kept = [name for name in named if name in frame.columns]
    return pl.DataFrame(surrogates).hstack(generalise(frame.select(kept)))


def _passing(table: Table, treatments: Mapping[str, frozenset[str]]) -> list[str]:
    """The columns of a table that go among the events, as they are or generalised."""
    return [
        source
        for source, column in table.columns.items()
        if _may_pass(source, column, treatments.get(source, frozenset()))
    ]


def _may_pass(name: str, column: Column, treatment: frozenset[str]) -> bool:
    """Whether a column goes among the events, kept or generalised by what it is."""
    if column.role == "attribute":
        # What a supplier's free text becomes, its category, is the text made coarser.
        return "keep" in treatment or (column.becomes is not None and "generalise" in treatment)
    if column.role == "identifier":
        return name in GENERALISED and "generalise" in treatment
    return name in KEPT_KEYS and "keep" in treatment
