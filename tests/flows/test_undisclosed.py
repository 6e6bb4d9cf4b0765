"""Drug tests are off until the police agreement names a purpose; under-18s until one lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from renewing import renewed

from flows.committed import opened_store
from flows.context import open_control
from flows.refresh import run_refresh
from governance.agreements import load_agreement

if TYPE_CHECKING:
    from conftest import Partnership

pytestmark = pytest.mark.usefixtures("slight")


def agreed(partnership: Partnership, partner: str, **clauses: Any) -> None:
    """Change clauses of an agreement and have it signed as it then stands."""
    renewed(partnership.folder, partner, **clauses)


def staged(partnership: Partnership, table: str, column: str) -> int:
    """How many rows of a staged table have something in a column."""
    with open_control(partnership.settings) as control:
        run = control.current_run()
    assert run is not None
    with opened_store(partnership.settings, run.run_id, "staging") as connection:
        (count,) = connection.execute(f"SELECT count({column}) FROM {table}").fetchone()
    return int(count)


def events_of_tests(partnership: Partnership) -> int:
    ((count,),) = partnership.select("SELECT count(*) FROM event WHERE event_type = 'drug_test'")
    assert isinstance(count, int)
    return count


def test_results_staged_for_a_purpose_go_when_it_goes_and_come_back_with_it(
    ran: Partnership,
) -> None:
    sent = pl.read_csv(ran.inbox("police", "drug_test"), infer_schema=False).height
    before = events_of_tests(ran)
    assert before > 0

    agreed(ran, "police", pace_63b_purpose=None)
    law = load_agreement(ran.folder / "agreements" / "housing.yaml").model_dump(mode="json")["law"]
    agreed(ran, "housing", law=law | {"article_9": []})
    report = run_refresh(ran.settings)
    told = [one for one in report["warnings"] if "lacks a condition of Article 9" in one]
    assert len(told) == 1 and "housing" in told[0] and "person.ethnicity" in told[0]
    assert report["partners"]["housing"]["extract"] == "new"
    assert report["partners"]["housing"]["over_shared_columns"] == 0, (
        "it was agreed, but may not be"
    )
    assert staged(ran, "housing_person", "ethnicity") == 0 < staged(ran, "housing_person", "sex")
    police = report["partners"]["police"]
    assert events_of_tests(ran) == 0
    assert police["extract"] == "new" and police["not_taken"] == {"drug_test": sent}
    (told,) = [one for one in report["warnings"] if "63B(7)" in one]
    assert f"{sent:,} row(s) of drug_test" in told
    assert not [one for one in report["warnings"] if one.startswith("The police drug_test")]
    with open_control(ran.settings) as control:
        latest = control.past_extracts("police")[0]
    assert "drug_test" not in latest.profile and "custody" in latest.profile
    for command in ("agreements", "status"):
        said = ran.journeys(command)
        assert said.exit_code == 0
        assert "drug_test is not taken in: its agreement names no purpose" in said.stdout

    agreed(ran, "police", pace_63b_purpose="advice_and_treatment")
    report = run_refresh(ran.settings)
    assert events_of_tests(ran) == before
    assert report["partners"]["police"]["not_taken"] == {}
    assert not [one for one in report["warnings"] if "63B(7)" in one]


def test_people_under_18_are_taken_in_only_where_the_agreement_lists_them(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    import schemas.contract

    whole = schemas.contract.examine_extract
    asked: list[tuple[str, bool]] = []

    def examine(partner: str, *args: Any, **given: Any) -> Any:
        asked.append((partner, given["under_18"]))
        return whole(partner, *args, **given)

    monkeypatch.setattr(schemas.contract, "examine_extract", examine)
    agreed(ran, "treatment", under_18=True)
    run_refresh(ran.settings)
    assert asked == [("treatment", True)], "one is staged again, and the others are as they were"
