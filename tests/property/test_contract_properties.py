"""Whatever is broken in an extract, no row is lost from the count and no bad one is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from policies import LENIENT

from flows.accounting import arrived
from schemas.codes import crosswalk, load_codes
from schemas.contract import Validated, validate_extract
from schemas.identity import identity_frame
from schemas.tables import TABLES, Table

AS_AT = date(2026, 6, 30)
slow = settings(
    max_examples=settings().max_examples // 8,  # each example is a whole extract
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

# Values that break some rule, or none, or are emptied: whatever a column may be given in anger.
ANYTHING = st.one_of(
    st.sampled_from(["A|B", "", None, "?", "2025-02-29", "1900-01-01", "01/02/2024", "2023-12-31"]),
    st.sampled_from(["UNKNOWN", "MIG_ERROR_X", "O'Brien", "N", "Y", "1", "SC", "DRR", "A1", "A2"]),
    st.text(max_size=8),
)
USUAL = {
    "date": "2024-01-05",
    "dob": "1980-05-06",
    "name": "Mc Leod-Éa",
    "initial": "m",
    "requirement": "DRR",
}
CHOSEN = {"sentence_type": "COEW", "consent": "Y", "drug2": "1011", "drug3": "7000"}


def usual(table: Table, name: str) -> str | None:
    """A value that keeps the contract; all dates of events are the same, so all are in order."""
    column = table.columns[name]
    if column.codes:
        return CHOSEN.get(name, sorted(load_codes(column.codes))[0])
    return USUAL.get(column.kind)


def row_of(table: Table, place: int, changes: dict[str, str | None]) -> dict[str, str | None]:
    """A row that keeps the contract but for its changes; records of a place belong together."""
    keys = {name for name, column in table.columns.items() if column.role in ("key", "parent")}
    row = {name: f"A{place}" if name in keys else usual(table, name) for name in table.columns}
    if changes.get(table.consent or "") == "N":
        row |= {name: None for name in row if name not in table.given_without_consent}
    return row | changes


@st.composite
def frames_of(draw: st.DrawFn, partner: str) -> dict[str, pl.DataFrame]:
    frames = {}
    for table in TABLES[partner]:
        names = st.sampled_from(list(table.columns))
        changes = st.just({}) | st.dictionaries(names, ANYTHING, max_size=2)
        if table.consent:
            changes |= st.just({table.consent: "N"})
        drawn = draw(st.lists(st.tuples(st.integers(0, 5), changes), min_size=1, max_size=8))
        rows = [row_of(table, place, changed) for place, changed in drawn]
        frames[table.name] = pl.DataFrame(rows, dict.fromkeys(table.columns, pl.String))
    return frames


extracts = st.sampled_from(sorted(TABLES)).flatmap(
    lambda partner: st.tuples(st.just(partner), frames_of(partner))
)


def validate(partner: str, frames: dict[str, pl.DataFrame]) -> Validated:
    return validate_extract(partner, frames, as_at=AS_AT, policy=LENIENT)


@slow
@given(extracts)
def test_every_row_received_is_kept_or_quarantined_or_withheld(extract):
    partner, frames = extract
    validated = validate(partner, frames)
    for table in TABLES[partner]:
        kept = validated.frames[table.name].height
        quarantined = validated.quarantined[table.name]
        withheld = validated.withheld[table.name]
        assert validated.rows[table.name] == frames[table.name].height
        assert kept + quarantined + withheld == validated.rows[table.name]
    rows = validated.quarantine.join(
        pl.DataFrame({"table": list(validated.rows), "rows": list(validated.rows.values())}),
        on="table",
    )
    assert rows.height == validated.quarantine.height == rows.unique().height
    assert rows.select(pl.col("row").is_between(1, pl.col("rows")).all()).item()


@slow
@given(extracts)
def test_what_is_kept_keeps_the_contract(extract):
    partner, frames = extract
    validated = validate(partner, frames)
    for table in TABLES[partner]:
        kept = validated.frames[table.name]
        assert kept.select(pl.struct(table.key).is_unique().all()).item()
        for name, column in table.columns.items():
            if column.required and column.kind != "dob":
                assert kept[column.becomes or name].null_count() == 0
        for columns, parent in table.parents.items():
            assert kept.join(validated.frames[parent], on=columns, how="anti").is_empty()
        if table.consent:
            assert kept[table.consent].to_list() == ["Y"] * kept.height


@slow
@given(extracts)
def test_what_is_kept_is_kept_whole_when_it_is_sent_again(extract):
    partner, frames = extract
    once = validate(partner, frames)
    if any(frame.is_empty() for frame in once.frames.values()):
        return
    again = validate(partner, {name: as_sent(frame, once) for name, frame in once.frames.items()})
    assert again.quarantine.is_empty()
    for name, frame in once.frames.items():
        assert again.frames[name].equals(frame)


def as_sent(frame: pl.DataFrame, validated: Validated) -> pl.DataFrame:
    """A kept frame as strings, its harmonised codes put back as the partner writes them."""
    back = frame.with_columns(pl.all().cast(pl.String))
    if validated.partner == "treatment" and "sex" in frame.columns:
        return back.with_columns(
            pl.col("sex").replace({"M": "1", "F": "2", "U": "9"}),
            pl.col("ethnic").replace(
                {to: code for code, to in crosswalk("ndtms_ethnicity").items()}
            ),
            pl.col("dob").fill_null("1900-01-01"),
        )
    if "sex" in frame.columns:
        return back.with_columns(pl.col("sex").replace({"U": "N"}))
    return back.rename({"category": "description"}, strict=False)


@slow
@given(extracts, st.randoms(use_true_random=False))
def test_the_order_of_columns_does_not_matter(extract, random):
    partner, frames = extract
    mixed = {}
    for name, frame in frames.items():
        columns = frame.columns
        random.shuffle(columns)
        mixed[name] = frame.select(columns)
    one, other = validate(partner, frames), validate(partner, mixed)
    assert one.quarantine.equals(other.quarantine)
    assert one.noted.equals(other.noted)
    for name in frames:
        assert one.frames[name].equals(other.frames[name])


@slow
@given(extracts)
def test_identities_are_one_for_one_with_the_rows_that_bear_them(extract):
    partner, frames = extract
    validated = validate(partner, frames)
    identity = identity_frame(partner, validated.frames)
    bearing = [table.name for table in TABLES[partner] if table.identity is not None]
    assert identity.height == sum(validated.frames[name].height for name in bearing)
    assert identity.select("table", "record_key").is_unique().all()
    assert identity["record_key"].null_count() == 0


@slow
@given(extracts)
def test_poisoned_extracts_are_accounted_for_row_by_row(extract: Any) -> None:
    """Rows are counted here from what came and from what is left, not by what validation says."""
    partner, frames = extract
    found = validate(partner, frames)
    facts = SimpleNamespace(
        rows={
            name: {
                "received": received,
                "kept": found.frames[name].height,
                "quarantined": found.quarantined[name],
                "withheld": found.withheld[name],
            }
            for name, received in found.rows.items()
        },
        not_taken={},
    )
    one = SimpleNamespace(facts=facts, withheld=SimpleNamespace(tables={}))
    counts = arrived({partner: one})[partner]  # type: ignore[dict-item]
    assert set(counts) == {table.name for table in TABLES[partner]}
    for name, rows in counts.items():
        assert rows.received == frames[name].height
        left = replace(rows, staged=found.frames[name].height, used=found.frames[name].height)
        assert left.balances
        # One row taken out of what is left behind validation's back.
        if left.staged:
            short = replace(left, staged=left.staged - 1, used=left.used - 1)
            assert short.unaccounted == (1, 0)
