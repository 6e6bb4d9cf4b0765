"""Whatever partners send, the release is made, every row is accounted for and what is odd named."""

from __future__ import annotations

from pathlib import Path

import warehouse_rows as rows
from odd_rows import odd_persons

from warehouse import connect, staging
from warehouse.deaths import DEATHS
from warehouse.given import Given

# Of the registry of persons, of a cohort that nobody fits, of a promise that nobody made, of a year
# of birth that all records share, and of ten years.
NOT_DRAWN = {
    "cohort_of_nobody",
    "extract_overdue",
    "person_merged",
    "person_split",
    "person_retired",
    "event_before_birth",
    "endless_spell",
}


def test_rows_in_which_nothing_fits_make_a_release(tmp_path: Path) -> None:
    persons = odd_persons(seed=1)
    path, _ = rows.release(tmp_path, persons, given=Given(restricted_metrics=DEATHS))
    con = connect.open_release(path, rows.RELEASE_KEY)
    staged = con.execute(
        "SELECT partner || '_' || table_name, rows_staged, "
        "rows_used + rows_unplaced + rows_undated + rows_ahead FROM data_quality"
    ).fetchall()
    found = con.execute("SELECT DISTINCT issue FROM data_issue WHERE rows = 0").fetchall()
    con.close()
    sent = {table: sum(len(told[table]) for told in persons.values()) for table in staging.TABLES}
    assert {name: count for name, count, _ in staged} == sent
    assert {name: count for name, _, count in staged} == sent
    # In rows in which nothing fits there is something of everything that can be odd.
    assert {issue for (issue,) in found} <= NOT_DRAWN
