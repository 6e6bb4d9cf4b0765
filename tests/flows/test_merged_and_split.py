"""Persons merged and split between two runs: what changed is what the release says changed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl
import pytest
from few_counts import few_counts
from slight import MARTS, make_slight

from flows.refresh import run_refresh

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Partnership

NOBODY = {
    "forename": "Zebedee",
    "surname": "Quillfeather",
    "dob": "1961-02-03",
    "postcode": "ZZ99 3VZ",
    "pnc_id": None,
    "cro": None,
}


def part_and_join(path: Path) -> None:
    """Make one custody of somebody with several another's, and give all of a second to a third."""
    custody = pl.read_csv(path, infer_schema=False)
    who = [name for name in NOBODY if name in custody.columns] + ["sex", "ethnicity"]
    often = custody.group_by("surname", "dob").len().sort("len", "surname", descending=True)
    parted, third = often.rows()[0], often.rows()[1]
    rows = custody.to_dicts()
    first = next(row for row in rows if (row["surname"], row["dob"]) == parted[:2])
    like = next(row for row in rows if (row["surname"], row["dob"]) == third[:2])
    first.update({name: NOBODY[name] for name in who if name in NOBODY})
    for surname, dob, _ in often.filter(pl.col("len") == 1).rows()[:8]:
        joined = next(row for row in rows if (row["surname"], row["dob"]) == (surname, dob))
        joined.update({name: like[name] for name in who})
    pl.DataFrame(rows, schema=custody.schema).write_csv(path)


@pytest.fixture
def before_and_after(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> tuple[Partnership, dict[object, object], dict]:
    make_slight(monkeypatch, MARTS | {"data_issue", "person_history"})
    before = dict(ran.record_person())
    part_and_join(ran.inbox("police", "custody"))
    with few_counts():
        run_refresh(ran.settings)
    return ran, before, dict(ran.record_person())


def test_every_record_that_moved_is_told_of_by_the_ids_it_moved_between(before_and_after) -> None:
    partnership, before, after = before_and_after
    moved = Counter(
        (before[record], after[record])
        for record in before.keys() & after.keys()
        if before[record] != after[record]
    )
    ((run_id,),) = partnership.select("SELECT run_id FROM release_info")
    told = partnership.select(
        "SELECT cause, person_before, person_after, records FROM person_history "
        f"WHERE run_id = '{run_id}' AND cause <> 'retired'"
    )
    assert {(old, new): records for _, old, new, records in told} == moved
    still = set(after.values())
    assert {cause for cause, *_ in told} == {"merged", "split"}
    for cause, old, new, _ in told:
        assert (old in still) == (cause == "split")
        assert new in still

    # The release names it among what may be wrong, and tells of nobody under an id that is gone.
    issues = partnership.select(
        "SELECT issue, rows, people, what_was_done FROM data_issue WHERE issue LIKE 'person_%'"
    )
    for cause in ("merged", "split"):
        of = [(old, records) for kind, old, _, records in told if kind == cause]
        assert (
            f"person_{cause}",
            sum(records for _, records in of),
            len({old for old, _ in of}),
            "Told under the ids in person_history",
        ) in issues
    people = {person for (person,) in partnership.select("SELECT person_id FROM person")}
    assert people == still
