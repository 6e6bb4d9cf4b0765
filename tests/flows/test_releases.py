"""Releases: which are kept, what changed between two, going back, and who may ask why."""

from __future__ import annotations

import functools
import json
import resource
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asking import rows_of, write_rows
from copying import copied_whole
from few_counts import few_counts
from made_once import made_once

from flows.context import open_control
from flows.files import remove_folder
from flows.keys.rings import release_key
from flows.readers.query import query_release
from flows.readers.reasons import checked_reason
from flows.refresh import Perform, run_refresh
from flows.releases import kept as releases
from flows.releases.kept import kept_releases, release_path
from flows.settings import load_settings
from governance.agreements import load_agreement
from schemas.errors import ConfigError, RefusedQuery, StoreError
from warehouse.connect import open_release

if TYPE_CHECKING:
    from conftest import Partnership

WHICH = "SELECT run_id FROM release_info"
WHY = ("--reason", "The extract was in part")


def run_again(ran: Path, folder: Path) -> None:
    """A partnership of two runs: in the second there is an arrest more."""
    copied_whole(ran, folder)
    path = folder / "inbox" / "police" / "custody.csv"
    lines = path.read_text().splitlines(keepends=True)
    reference, _, rest = lines[-1].partition(",")
    path.write_text("".join([*lines, f"{reference}X,{rest}"]))
    with few_counts():
        run_refresh(load_settings(folder / "partnership.yaml"))


@pytest.fixture(scope="session")
def twice_original(tmp_path_factory: pytest.TempPathFactory, ran_original: Path) -> Path:
    return made_once(tmp_path_factory, "twice", functools.partial(run_again, ran_original))


@pytest.fixture
def twice(copied, twice_original: Path) -> Partnership:
    return copied(twice_original)


def runs(partnership: Partnership) -> list[str]:
    """Committed runs, newest first."""
    with open_control(partnership.settings) as control:
        return control.committed_runs()


def read(partnership: Partnership) -> str:
    ((run_id,),) = partnership.select(WHICH)
    return str(run_id)


def test_releases_are_listed_and_resolved_by_id(twice: Partnership) -> None:
    newest, first = runs(twice)
    found = twice.journeys("release", "list")
    assert found.exit_code == 0, found.stderr
    lines = found.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [newest, first]
    assert lines[0].endswith("read, newest") and not lines[1].endswith("read")
    for run_id in (newest, first):
        path = release_path(twice.settings, run_id)
        assert path.stat().st_mode & 0o777 == 0o444
        con = open_release(path, release_key(twice.settings, run_id))
        assert con.execute(WHICH).fetchall() == [(run_id,)]
        con.close()


def test_what_changed_is_told_in_counts(twice: Partnership) -> None:
    newest, first = runs(twice)
    out = twice.folder.parent / "changes.json"
    found = twice.journeys("release", "diff", "--json", str(out))
    assert found.exit_code == 0, found.stderr
    said = json.loads(out.read_text())
    assert (said["before"], said["after"]) == (first, newest)
    was, now = said["rows"]["event"]
    assert now > was
    assert said["figures"] and all(0 < one["changed"] <= one["of"] for one in said["figures"])
    assert said["columns"] == [] and said["definitions"] == []
    assert "event" in found.stdout and twice.journeys("release", "diff", newest, newest).stdout
    persons = {str(row[0]) for row in twice.select("SELECT person_id FROM person")}
    assert not any(person in found.stdout + out.read_text() for person in persons)
    with open_control(twice.settings) as control:
        assert control.audit_entries("consultation")[0].detail == {"compared with": first}


def test_nothing_changed_is_said(twice: Partnership) -> None:
    newest, first = runs(twice)
    same = twice.journeys("release", "diff", newest, newest)
    assert "Nothing changed." in same.stdout
    missing = twice.journeys("release", "diff", "20200101-000000-aaaa", newest)
    assert missing.exit_code == 1 and "no such release" in missing.stderr
    backwards = twice.journeys("release", "diff", newest, first)
    assert backwards.exit_code == 0


def test_nobody_goes_back_to_a_release_that_was_altered(twice: Partnership) -> None:
    newest, first = runs(twice)
    path = twice.folder / "releases" / first / "warehouse.duckdb"
    path.chmod(0o600)
    with path.open("ab") as file:
        file.write(b"more")
    refused = twice.journeys("release", "rollback", *WHY)
    assert refused.exit_code == 1 and "not as its run committed it" in refused.stderr
    assert read(twice) == newest


@pytest.mark.usefixtures("slight")
def test_a_rollback_holds_over_the_next_runs_until_it_is_ended(twice: Partnership) -> None:
    newest, first = runs(twice)
    assert read(twice) == newest
    done = twice.journeys("release", "rollback", *WHY)
    assert done.exit_code == 0, done.stderr
    assert read(twice) == first
    assert f"Release read    {first}" in twice.journeys("status").stdout
    # Runs go on from the newest stores, with the next number, and keep what people read.
    twice.config.write_text(
        twice.config.read_text().replace("keep_releases: 5", "keep_releases: 1")
    )
    report = run_refresh(twice.settings)
    assert any(f"still read the release {first}" in said for said in report["warnings"])
    with open_control(twice.settings) as control:
        current = control.current_run()
        assert current is not None and current.run_id == report["run_id"] and current.number == 3
        entry = control.audit_entries("alteration")[-1]
    assert read(twice) == first
    assert [one.run_id for one in kept_releases(twice.settings)] == [current.run_id, first]
    assert any("in part" in str(one) for one in (entry.detail, *_reasons(twice)))
    ended = twice.journeys("release", "rollback", "--newest", *WHY)
    assert ended.exit_code == 0, ended.stderr
    assert read(twice) == current.run_id
    again = twice.journeys("release", "rollback", "--newest", *WHY)
    assert again.exit_code == 1 and "nothing to go forward from" in again.stderr


def _reasons(partnership: Partnership) -> list[dict[str, object]]:
    with open_control(partnership.settings) as control:
        return [dict(one.detail) for one in control.audit_entries("alteration")]


def test_a_rollback_is_of_a_release_that_is_there(twice: Partnership) -> None:
    newest, first = runs(twice)
    for words, problem in (
        ((first, "--newest"), "Both a release and --newest"),
        (("20200101-000000-aaaa",), "no such release"),
    ):
        found = twice.journeys("release", "rollback", *words, *WHY)
        assert found.exit_code in (1, 2) and problem in found.stderr
    assert twice.journeys("release", "rollback", first, *WHY).exit_code == 0
    nothing_before = twice.journeys("release", "rollback", *WHY)
    assert nothing_before.exit_code == 1 and "no earlier release" in nothing_before.stderr
    # One that cannot be opened is not gone to.
    path = release_path(twice.settings, newest)
    path.chmod(0o600)
    path.write_bytes(b"damaged")
    found = twice.journeys("release", "rollback", newest, *WHY)
    assert found.exit_code == 1 and read(twice) == first


@pytest.mark.usefixtures("slight")
def test_whoever_was_erased_does_not_come_back(twice: Partnership) -> None:
    newest, first = runs(twice)
    assert twice.journeys("release", "rollback", *WHY).exit_code == 0
    row = rows_of(twice.inbox("police", "custody"))[0]
    request = write_rows(twice.folder.parent / "request.csv", [{"custody_ref": row["custody_ref"]}])
    asked = twice.journeys("rights", "erase", "--partner", "police", "--file", str(request))
    assert asked.exit_code == 0, asked.stderr
    report = run_refresh(twice.settings)
    assert any("no longer read" in said for said in report["warnings"])
    # The rollback ended by itself, the releases with them are gone, and none can be gone back to.
    assert read(twice) == report["run_id"]
    assert [one.run_id for one in kept_releases(twice.settings)] == [report["run_id"]]
    for run_id in (newest, first):
        found = twice.journeys("release", "rollback", run_id, *WHY)
        assert found.exit_code == 1 and "People were erased since" in found.stderr


def test_a_release_of_other_terms_is_not_gone_back_to(twice: Partnership) -> None:
    with open_control(twice.settings) as control:
        newest = control.current_run()
    assert newest is not None and newest.report is not None
    assert set(newest.report["terms"]) == {"police", "probation", "treatment", "housing"}
    path = twice.folder / "agreements" / "police.yaml"
    before = load_agreement(path).document_digest
    other = path.read_text().replace("offence_code: [keep]", "offence_code: [drop]")
    path.write_text(other)
    path.write_text(other.replace(before, load_agreement(path).document_digest))
    found = twice.journeys("release", "rollback", *WHY)
    assert found.exit_code == 1 and "shares other fields now" in found.stderr


def test_a_question_has_a_reason(ran: Partnership) -> None:
    asked = ran.journeys("sql", "SELECT 1", "--reason", "Needs assessment 2027")
    assert asked.exit_code == 0, asked.stderr
    ran.select("SELECT 2")
    with open_control(ran.settings) as control:
        reasons = [one.detail["reason"] for one in control.audit_entries("consultation")]
    assert reasons == ["Needs assessment 2027"] * 2 + ["Trying out the demonstration"] * 2
    text = ran.config.read_text().replace("sql_reason: Trying out", "# sql_reason: Trying out")
    ran.config.write_text(text)
    found = ran.journeys("sql", "SELECT 1")
    assert found.exit_code == 2 and "No reason was given" in found.stderr
    with pytest.raises(ConfigError):
        query_release(ran.settings, "SELECT 1")


@pytest.mark.parametrize(
    "reason",
    ["", "   ", "a\nb", "x" * 201, "about A123456", "of NR3 1AB", "who is 0f3a9c27be41d806"],
)
def test_a_reason_names_nobody(reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked_reason(reason)
    assert not reason.strip() or reason not in str(caught.value)


def test_a_refused_question_is_recorded_with_its_reason(ran: Partnership) -> None:
    with pytest.raises(RefusedQuery):
        query_release(ran.settings, "COPY person TO 'x'", "Trying")
    with open_control(ran.settings) as control:
        (entry,) = control.audit_entries("consultation")
    assert entry.detail["said"] == "asked" and entry.detail["reason"] == "Trying"


def test_a_release_removed_just_before_it_is_opened_is_no_error(
    twice: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest, first = runs(twice)
    remove_folder(twice.folder / "releases" / first)
    looked = iter((first, newest))
    monkeypatch.setattr(releases, "_read_id", lambda _: next(looked))
    assert read(twice) == newest
    monkeypatch.setattr(releases, "_read_id", lambda _: first)
    with pytest.raises(StoreError):
        read(twice)


def test_a_question_that_would_take_all_memory_ends_itself_only(ran: Partnership) -> None:
    asked = ran.journeys("sql", "SELECT range(1000000000)")
    assert asked.exit_code == 1 and "4GB of memory" in asked.stderr
    assert ran.journeys("sql", "SELECT 1").exit_code == 0
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


def test_a_question_that_does_not_heed_being_interrupted_ends_itself(ran: Partnership) -> None:
    """One call of a function runs to its end, here for an hour."""
    script = (
        "import sys, flows.cli.sql\n"
        "flows.cli.sql.LONGEST_SECONDS = 3.0\n"
        "from flows.cli import main\n"
        "sys.argv[0] = 'journeys'\n"
        "main()\n"
    )
    endless = "SELECT levenshtein(repeat('a', 300000), repeat('b', 300000))"
    asked = subprocess.run(
        [sys.executable, "-c", script, "sql", endless, "--config", str(ran.config)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert asked.returncode == 1 and "could not be interrupted" in asked.stderr


READERS = 20


@pytest.mark.usefixtures("slight")
def test_twenty_readers_see_no_error_while_releases_are_swapped(
    twice: Partnership,
) -> None:
    """Each asks over and over while a run is committed and the old release removed.

    They begin once the new release is drafted: until then there is nothing to be swapped.
    """
    twice.config.write_text(
        twice.config.read_text().replace("keep_releases: 5", "keep_releases: 1")
    )
    settings, over = twice.settings, threading.Event()
    answers: list[tuple[object, ...]] = []
    wrong: list[str] = []

    def ask() -> None:
        while not over.is_set():
            try:
                both = query_release(settings, f"{WHICH} UNION ALL {WHICH}").rows
                answers.append(both[0])
                if len(set(both)) != 1:
                    wrong.append("two releases in one answer")
            except Exception as error:
                wrong.append(repr(error))
            over.wait(0.05)

    readers = [threading.Thread(target=ask) for _ in range(READERS)]
    before = runs(twice)[0]

    def dressed(perform: Perform) -> Perform:
        def once_drafted(step: Any, run: Any, *given: Any) -> Any:
            if step.__name__ == "commit":
                for reader in readers:
                    reader.start()
                while len(answers) < READERS and not wrong:
                    over.wait(0.05)
            return perform(step, run, *given)

        return once_drafted

    after = run_refresh(settings, dress=dressed)["run_id"]
    while (after,) not in answers and any(reader.is_alive() for reader in readers):
        over.wait(0.05)
    over.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert {run_id for (run_id,) in answers} == {before, after}
    assert [one.run_id for one in kept_releases(settings)] == [after]
