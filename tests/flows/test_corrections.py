"""Quarantined rows are corrected and sent again; the later counts; drift is told or stops."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
import yaml
from copying import copied_whole
from few_counts import few_counts
from made_once import made_once
from slight import make_slight

from flows.context import open_control
from flows.refresh import run_refresh
from flows.safe_errors import Rejected
from flows.settings import load_settings

if TYPE_CHECKING:
    from conftest import Partnership

pytestmark = pytest.mark.usefixtures("slight")

FIRST, LATER = "ZZ00001", "ZZ00002"
HAPPENED = ("arrest_date", "release_date", "outcome_date")  # of a custody, what is an event
"""Offence codes that no other record has, so that one record can be found again."""


def read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def change(path: Path, key: str, **values: str | None) -> None:
    """Give one record, known by its key, other values."""
    frame = read(path)
    at = pl.col(frame.columns[0]) == key
    frame.with_columns(
        pl.when(at).then(pl.lit(value, pl.String)).otherwise(name).alias(name)
        for name, value in values.items()
    ).write_csv(path)


def staged(partnership: Partnership, sql: str) -> list[tuple[object, ...]]:
    from flows.keys.rings import store_keys
    from warehouse.connect import open_store

    with open_control(partnership.settings) as control:
        current = control.current_run()
    assert current is not None
    key = store_keys(partnership.settings, current.run_id)["staging"]
    path = partnership.settings.stores / current.run_id / "staging.duckdb"
    connection = open_store(path, key, read_only=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def found(partnership: Partnership, code: str) -> list[tuple[object, ...]]:
    """The record id of the staged custody records with an offence code."""
    return staged(
        partnership, f"SELECT record_id FROM police_custody WHERE offence_code = '{code}'"
    )


def quarantine_of(partnership: Partnership, run_id: str, partner: str) -> pl.DataFrame:
    return read(partnership.folder / "quarantine" / run_id / f"{partner}.csv")


@pytest.fixture
def custody(ran: Partnership) -> Path:
    return ran.inbox("police", "custody")


def change_one(ran: Path, folder: Path) -> None:
    """A partnership of two runs: before the second a sound record was given another offence."""
    copied_whole(ran, folder)
    sent = {name: folder / "inbox" / "police" / f"{name}.csv" for name in ("custody", "drug_test")}
    change(sent["custody"], first_untested(*sent.values()), offence_code=FIRST)
    with pytest.MonkeyPatch.context() as patch, few_counts():
        make_slight(patch)
        patch.setattr("flows.intake.apart.in_a_child", lambda function, *args: function(*args))
        run_refresh(load_settings(folder / "partnership.yaml"))


@pytest.fixture(scope="module")
def changed_original(tmp_path_factory: pytest.TempPathFactory, ran_original: Path) -> Path:
    return made_once(tmp_path_factory, "changed", functools.partial(change_one, ran_original))


@pytest.fixture
def changed(copied: Callable[[Path], Partnership], changed_original: Path) -> Partnership:
    return copied(changed_original)


def first_untested(custody: Path, drug_test: Path) -> str:
    """The key of the first custody record that no drug test belongs to."""
    tested = set(read(drug_test)["custody_ref"])
    return next(key for key in read(custody)["custody_ref"] if key not in tested)


def untested(ran: Partnership, custody: Path) -> str:
    """The key of a sound custody record that no drug test belongs to."""
    return first_untested(custody, ran.inbox("police", "drug_test"))


def test_a_corrected_record_is_taken_in_and_others_keep_their_person(
    ran: Partnership, custody: Path
) -> None:
    key = untested(ran, custody)
    right_date = read(custody).filter(pl.col("custody_ref") == key)["arrest_date"].item()
    change(custody, key, arrest_date="31/02/2024", offence_code=FIRST)
    wrong = run_refresh(ran.settings)
    assert found(ran, FIRST) == []
    listed = quarantine_of(ran, wrong["run_id"], "police")
    assert ("arrest_date", "not_a_date") in set(listed.select("column", "rule").iter_rows())
    others = set(ran.record_person())

    change(custody, key, arrest_date=right_date)
    right = run_refresh(ran.settings)
    ((record,),) = found(ran, FIRST)
    gone = wrong["partners"]["police"]["quarantined"] - right["partners"]["police"]["quarantined"]
    assert gone == 1
    people = dict(ran.record_person())
    assert record in people
    assert others <= set(people.items())


def test_a_later_good_record_supersedes_the_earlier(changed: Partnership) -> None:
    custody = changed.inbox("police", "custody")
    key = untested(changed, custody)
    before = found(changed, FIRST)
    assert len(before) == 1
    change(custody, key, offence_code=LATER)
    run_refresh(changed.settings)
    assert found(changed, FIRST) == []
    assert found(changed, LATER) == before, "the same record, as it stands now"


def test_a_corrected_row_may_be_added_below_the_wrong_one(ran: Partnership, custody: Path) -> None:
    key = untested(ran, custody)
    frame = read(custody)
    correction = frame.filter(pl.col("custody_ref") == key).with_columns(offence_code=pl.lit(LATER))
    change(custody, key, arrest_date="31/02/2024", offence_code=FIRST)
    pl.concat([read(custody), correction]).write_csv(custody)
    run_refresh(ran.settings)
    assert found(ran, FIRST) == []
    assert len(found(ran, LATER)) == 1


def test_a_good_record_that_becomes_a_bad_one_does_not_linger(changed: Partnership) -> None:
    custody = changed.inbox("police", "custody")
    key = untested(changed, custody)
    assert len(found(changed, FIRST)) == 1
    change(custody, key, arrest_date=None)
    run_refresh(changed.settings)
    assert found(changed, FIRST) == []


def test_a_withdrawn_record_is_removed_everywhere(changed: Partnership) -> None:
    custody = changed.inbox("police", "custody")
    key = untested(changed, custody)
    ((record,),) = found(changed, FIRST)
    assert record in dict(changed.record_person())
    events = changed.select("SELECT count(*) FROM event WHERE partner = 'police'")[0][0]
    sent = read(custody)
    withdrawn = sent.filter(pl.col("custody_ref") == key).select(HAPPENED)
    sent.filter(pl.col("custody_ref") != key).write_csv(custody)
    run_refresh(changed.settings)
    assert found(changed, FIRST) == []
    assert record not in dict(changed.record_person())
    left = changed.select("SELECT count(*) FROM event WHERE partner = 'police'")[0][0]
    assert isinstance(events, int)
    assert events - left == sum(day is not None for day in withdrawn.row(0)) > 0


def test_an_extract_that_shrank_is_stopped_and_can_be_accepted(
    ran: Partnership, custody: Path
) -> None:
    before = ran.kept()
    frame = read(custody)
    frame.head(frame.height // 4).write_csv(custody)
    tests = ran.inbox("police", "drug_test")
    read(tests).join(read(custody), on="custody_ref", how="semi").write_csv(tests)
    stopped = ran.journeys("run", "--no-server")
    assert stopped.exit_code == 1
    assert "too unlike the earlier ones" in stopped.stderr
    assert "fewer than the usual" in stopped.stderr
    assert ran.kept() == before
    digest = next(word for word in stopped.stderr.split() if word.startswith("keyed:"))
    policy = {"drift": {"accepted": [digest]}}
    (ran.folder / "policy.yaml").write_text(yaml.safe_dump(policy))
    report = run_refresh(ran.settings)
    assert report["partners"]["police"]["extract"] == "new"
    assert any("fewer than the usual" in said for said in report["warnings"])


def test_a_column_that_vanished_stops_by_policy_or_is_told(ran: Partnership, custody: Path) -> None:
    read(custody).drop("outcome").write_csv(custody)
    with pytest.raises(Rejected, match="column outcome nothing is sent any more"):
        run_refresh(ran.settings)
    policy = {"drift": {"everyone": {"vanished_column": "warn"}}}
    (ran.folder / "policy.yaml").write_text(yaml.safe_dump(policy))
    report = run_refresh(ran.settings)
    assert any("column outcome nothing is sent" in said for said in report["warnings"])
    assert any("lacks custody.outcome" in said for said in report["warnings"])


def test_a_column_that_says_who_people_are_may_not_be_missing(fresh: Partnership) -> None:
    path = fresh.inbox("police", "custody")
    read(path).drop("surname").write_csv(path)
    with pytest.raises(Rejected, match=r"lacks custody\.surname, which its agreement shares"):
        run_refresh(fresh.settings)
    policy = {"missing_columns": {"identifier": "warn"}}
    (fresh.folder / "policy.yaml").write_text(yaml.safe_dump(policy))
    report = run_refresh(fresh.settings)
    assert any("lacks custody.surname" in said for said in report["warnings"])


def test_an_earlier_extract_sent_again_is_stopped(ran: Partnership, custody: Path) -> None:
    original = custody.read_bytes()
    for code in (FIRST, LATER):
        change(custody, untested(ran, custody), offence_code=code)
        run_refresh(ran.settings)
    custody.write_bytes(original)
    with pytest.raises(Rejected, match="files of an earlier delivery again"):
        run_refresh(ran.settings)


def test_a_refused_extract_leaves_a_list_of_what_to_correct(
    ran: Partnership, custody: Path
) -> None:
    (ran.folder / "policy.yaml").write_text(
        yaml.safe_dump({"thresholds": {"partners": {"police": {"quarantined": 0.0}}}})
    )
    change(custody, untested(ran, custody), arrest_date=None)
    with pytest.raises(Rejected, match="rows of the police custody table"):
        run_refresh(ran.settings)
    with open_control(ran.settings) as control:
        (failed,) = control.failed_runs()
    listed = quarantine_of(ran, failed, "police")
    assert ("arrest_date", "required") in set(listed.select("column", "rule").iter_rows())


def test_a_policy_that_cannot_be_used_is_wrong_use(ran: Partnership) -> None:
    (ran.folder / "policy.yaml").write_text("severity: {rules: {nonsense: empty}}\n")
    told = ran.journeys("run", "--no-server")
    assert told.exit_code == 2 and "severity.rules.nonsense" in told.stderr


def test_a_change_of_severity_has_the_extract_staged_again(ran: Partnership) -> None:
    (ran.folder / "policy.yaml").write_text("severity: {rules: {pnc_id_invalid: quarantine}}\n")
    report = run_refresh(ran.settings)
    assert {one["extract"] for one in report["partners"].values()} == {"new"}
    assert not any("no further" in said for said in report["warnings"]), "the files are the same"


def test_what_is_remembered_of_an_extract_is_counts_and_listed_codes(ran: Partnership) -> None:
    with open_control(ran.settings) as control:
        (past,) = control.past_extracts("police")
    custody_rows = read(ran.inbox("police", "custody"))
    looks = past.profile["custody"]
    assert looks["rows"] == custody_rows.height
    assert looks["empty"]["pnc_id"] == custody_rows["pnc_id"].null_count()
    assert sum(looks["codes"]["sex"].values()) == custody_rows["sex"].drop_nulls().len()
    text = json.dumps(past.profile)
    for column in ("surname", "postcode", "pnc_id", "custody_ref"):
        assert not any(f'"{value}"' in text for value in custody_rows[column].drop_nulls())
