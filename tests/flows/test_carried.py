"""A night without anything new carries the stores and the release over, and only such a night."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from asking import someone, write_rows
from partnerships import Partnership
from renewing import renewed

from flows import carried
from flows.carried import made_from, still_stands
from flows.clock import Clock, local_day, utc_now
from flows.context import open_control
from flows.ingest import agree, encode, pull
from flows.keys.rings import release_key, store_keys
from flows.linking.review import decide, waiting
from flows.refresh import Perform, begun_run, run_refresh
from flows.releases.kept import kept_releases
from governance.control import Run
from linkage.review_store import Decided, add_decision
from schemas.errors import JourneysError
from warehouse.connect import open_store

WHO = {"reason": "pattern", "officer": "A. Name"}
CARRIED = ("stores/{}/identity.duckdb", "stores/{}/staging.duckdb", "releases/{}/warehouse.duckdb")


def current(partnership: Partnership) -> Run:
    with open_control(partnership.settings) as control:
        run = control.current_run()
    assert run is not None
    return run


def files(partnership: Partnership, run_id: str) -> list[int]:
    """The files of a run that may be carried over, as the disk knows them."""
    return [(partnership.folder / name.format(run_id)).stat().st_ino for name in CARRIED]


def stands(partnership: Partnership, clock: Clock = utc_now) -> bool:
    """Whether a run that begins now would carry over; it goes no further."""
    found: list[bool] = []
    with pytest.raises(InterruptedError), begun_run(partnership.settings, None, clock) as run:
        try:
            parted = encode(run, agree(run, pull(run)))
            made = made_from(run, parted.agreed)
            found.append(still_stands(run, parted, made) is not None)
        except JourneysError as error:
            pytest.fail(str(error))
        raise InterruptedError
    return found == [True]


@pytest.mark.usefixtures("slight")
def test_a_night_without_anything_new_carries_over_what_is_read_as_before(
    ran: Partnership,
) -> None:
    first = run_refresh(ran.settings)  # made from settings of another folder, so made anew
    before, run_id = ran.record_person(), first["run_id"]
    people = ran.select("SELECT * FROM person ORDER BY person_id")
    was = files(ran, run_id)
    assert files(ran, run_id) != []
    report = run_refresh(ran.settings)
    assert files(ran, report["run_id"]) == was
    assert report["release"] | {"path": ""} == first["release"] | {
        "path": "", "checks": 0, "taken_over": len(first["release"]["tables"]),
        "carried_over": True,
    }  # fmt: skip
    assert first["release"]["carried_over"] is False
    assert report["rows"] == first["rows"] and report["made_from"] == first["made_from"]
    changed = dict.fromkeys(("compared", "created", "merged", "split", "retired"), 0)
    assert report["linkage"] == first["linkage"] | changed
    assert ran.record_person() == before
    assert ran.select("SELECT * FROM person ORDER BY person_id") == people
    built = {one.run_id: one.built_at for one in kept_releases(ran.settings)}
    assert built[report["run_id"]] == built[run_id], "it is as old as when it was built"
    # Each run has data keys of its own place, and the older run's stores are gone.
    settings = ran.settings
    assert store_keys(settings, report["run_id"])["identity"] and release_key(settings, run_id)
    assert [path.name for path in settings.stores.iterdir()] == [report["run_id"]]
    assert "it was carried over" in " ".join(ran.journeys("run", "--no-server").stdout.split())
    told = ran.folder.parent / "doctor.json"
    ran.journeys("doctor", "--digests", "--json", str(told))
    found = {one["code"]: one["state"] for one in json.loads(told.read_text("utf-8"))}
    assert found["releases"] == "ok", found
    assert stands(ran), "and so would the next one"


@pytest.mark.usefixtures("slight")
def test_many_nights_without_anything_new_push_out_no_earlier_release_and_no_draft(
    ran: Partnership,
) -> None:
    two = ran.settings.model_copy(update={"keep_releases": 2})
    other = two.model_copy(update={"publication_minutes": 31})  # one night of all the work
    nights = [run_refresh(settings)["run_id"] for settings in (two, two, other, other, other)]
    with open_control(other) as control:
        drafted = control.waiting_drafts()[0].run_id
    assert {one.run_id for one in kept_releases(other)} == {nights[-1], nights[1], drafted}


@pytest.mark.usefixtures("slight")
def test_whatever_a_run_is_made_from_has_all_the_work_done_when_it_changes(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_refresh(ran.settings)
    run_id = current(ran).run_id
    release = ran.folder / "releases" / run_id / "warehouse.duckdb"
    store = ran.folder / "stores" / run_id / "identity.duckdb"
    metrics, population = ran.folder / "cohorts" / "own.yaml", ran.folder / "population.csv"
    config, agreement = ran.config, ran.folder / "agreements" / "police.yaml"

    def written(path: Path, change: Callable[[str], str]) -> Callable[[], None]:
        return lambda: path.write_text(change(path.read_text("utf-8")))

    def damaged(path: Path) -> Callable[[], None]:
        def flip() -> None:
            path.chmod(0o600)
            content = bytearray(path.read_bytes())
            content[-1] ^= 1
            path.write_bytes(content)

        return flip

    def a_cohort() -> None:
        metrics.parent.mkdir()
        packaged = Path(carried.__file__).parent.parent / "warehouse/cohorts/positive_test.yaml"
        text = packaged.read_text("utf-8")
        metrics.write_text(text.replace("positive_test", "own", 1))

    def program() -> None:
        monkeypatch.setattr(carried, "_program", lambda: "another")

    def setting(text: str) -> str:
        return yaml.safe_dump(yaml.safe_load(text) | {"keep_releases": 9})

    changes: dict[str, tuple[Callable[[], None], Path | None]] = {
        "a setting": (written(config, setting), config),
        "the population": (
            written(population, lambda text: text.strip().rpartition("\n")[0] + "\n"),
            population,
        ),
        "a cohort": (a_cohort, metrics.parent),
        "an agreement": (
            lambda: renewed(ran.folder, "police", title="The same under another title"),
            agreement,
        ),
        "a store": (damaged(store), store),
        "the release": (damaged(release), release),
        "the program": (program, None),
    }
    assert stands(ran)
    for what, (change, path) in changes.items():
        aside = ran.folder.parent / "aside"
        if path is not None and path.exists():
            shutil.copy2(path, aside)
        change()
        assert not stands(ran), what
        if path is None:
            monkeypatch.undo()
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.chmod(0o600)
            shutil.copy2(aside, path)
        assert stands(ran), f"{what} put back"


@pytest.mark.usefixtures("slight")
def test_what_was_decided_since_and_a_day_on_which_data_become_overdue_count_too(
    ran: Partnership,
) -> None:
    with open_control(ran.settings) as control:
        reached = control.staged_extracts()["housing"].data_as_at
    text = yaml.safe_load(ran.config.read_text("utf-8"))
    text["partners"]["housing"]["cadence_days"] = max(1, (local_day(utc_now()) - reached).days)
    ran.config.write_text(yaml.safe_dump(text), "utf-8")
    run_refresh(ran.settings)
    assert stands(ran)
    refs = [{"custody_ref": one} for one in someone(ran).refs]
    asked = write_rows(ran.folder.parent / "asked.csv", refs)
    done = ran.journeys("rights", "object", "--partner", "police", "--file", str(asked))
    assert done.exit_code == 0 and not stands(ran)
    run_refresh(ran.settings)
    decide(ran.settings, str(waiting(ran.settings)[0]["pair"]), "different", **WHO)
    assert not stands(ran)
    run_refresh(ran.settings)
    assert stands(ran)
    assert not stands(ran, lambda: utc_now() + timedelta(days=2)), "housing is overdue by then"


@pytest.mark.usefixtures("slight")
def test_what_changes_while_a_run_is_at_work_is_the_next_ones_to_see(ran: Partnership) -> None:
    """The release was built by what was there then, and must not be carried over by what is now."""
    population = ran.folder / "population.csv"

    def dressed(perform: Perform) -> Perform:
        def before_drafting(step: Any, run: Any, *given: Any) -> Any:
            if step.__name__ == "draft":
                text = population.read_text("utf-8")
                population.write_text(text.strip().rpartition("\n")[0] + "\n", "utf-8")
            return perform(step, run, *given)

        return before_drafting

    run_refresh(ran.settings, dress=dressed)
    assert not stands(ran), "the release was built by another population"


@pytest.mark.usefixtures("slight")
def test_a_decision_that_a_killed_command_left_in_the_log_of_a_store_is_not_lost(
    ran: Partnership,
) -> None:
    run_id = run_refresh(ran.settings)["run_id"]
    assert stands(ran)
    pair = ran.identity("SELECT record_id_l, record_id_r FROM review_pair ORDER BY ALL")[0]
    store = ran.folder / "stores" / run_id / "identity.duckdb"
    log, aside = store.with_name(f"{store.name}.wal"), ran.folder.parent / "aside"
    before = store.read_bytes()
    connection = open_store(store, store_keys(ran.settings, run_id)["identity"])
    add_decision(
        connection, *pair, Decided("different", "pattern", "A. Name", datetime(2026, 1, 1))
    )
    shutil.copy2(log, aside)
    connection.close()
    store.write_bytes(before)
    shutil.move(aside, log)
    assert not stands(ran), "what was decided is in the log alone"
    run_refresh(ran.settings)
    assert ran.identity("SELECT count(*) FROM review_decision") == [(1,)]
