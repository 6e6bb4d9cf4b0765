"""A folder that is put back from before an erasure erases again, and shows nobody until it has."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asking import Someone, dump, record_ids, someone, write_rows
from every_byte import Gone, found_in
from leaving import without

from flows.clock import utc_now
from flows.context import open_control
from flows.refresh import run_refresh
from flows.retention.deleting import remove_partner
from flows.rights import requests as rights
from flows.rights.rectify import put_apart
from flows.rights.register import PutBack, put_back, unknown
from flows.rights.register_files import MARK, read_entries
from schemas.errors import JourneysError, StoreError

if TYPE_CHECKING:
    from conftest import Partnership


def backed_up(partnership: Partnership) -> Path:
    """A copy of the whole folder, as a backup is."""
    copy = partnership.folder.parent / "backup"
    shutil.copytree(partnership.folder, copy)
    return copy


def restored(partnership: Partnership, backup: Path) -> None:
    """The folder as the backup has it, and nothing of what it was."""
    shutil.rmtree(partnership.folder)
    shutil.copytree(backup, partnership.folder)


def erased(partnership: Partnership, one: Someone) -> None:
    file = write_rows(
        partnership.folder.parent / "request.csv", [{"custody_ref": one.row["custody_ref"]}]
    )
    rights.ask(partnership.settings, "erasure", "police", file)
    run_refresh(partnership.settings)


def registered(partnership: Partnership) -> list[str]:
    with open_control(partnership.settings) as control:
        return sorted(one.kind for one in read_entries(partnership.settings, control).values())


@pytest.mark.usefixtures("slight")
def test_a_folder_put_back_from_before_an_erasure_erases_again(ran: Partnership) -> None:
    one, settings = someone(ran), ran.settings
    register = settings.retention.erasures
    assert register is not None and registered(ran) == [] and len(list(register.rglob("*.*"))) == 1
    gone, backup = Gone([one.person], one.records), backed_up(ran)
    erased(ran, one)
    assert found_in(settings, gone, beside=[register]) == {}
    assert registered(ran) == ["erasure"]
    restored(ran, backup)
    assert len(found_in(settings, gone)) >= 3
    # Until a run has been, nobody reads or hands out what was put back.
    with pytest.raises(PutBack, match="erases them again"):
        ran.select("SELECT count(*) FROM person")
    assert ran.journeys("release", "rollback", "--reason", "trying").exit_code == 1
    handed = ran.journeys("release", "key", "treatment-commissioner", "--to", "A", "--reason",
                          "trying", "--out", str(ran.folder.parent / "a.duckdb"))  # fmt: skip
    assert handed.exit_code == 1 and "put back from before an erasure" in handed.stderr
    assert "Retention       This folder was put back" in ran.journeys("status").output
    report = run_refresh(settings)
    assert report["rights"]["people"] >= 1
    assert found_in(settings, gone, beside=[register]) == {}
    assert ran.select("SELECT count(*) FROM person") and registered(ran) == ["erasure"]
    with open_control(settings) as control:
        assert unknown(settings, control) == []
    kept = dump(ran, "suppression")["suppression_token"]
    assert {row[3] for row in kept} >= {"record", "description"}


@pytest.mark.slow
@pytest.mark.usefixtures("slight")
def test_a_partner_taken_out_does_not_come_back_with_a_backup(ran: Partnership) -> None:
    without(ran, "housing")
    backup = backed_up(ran)
    own = {row[0] for row in dump(ran, "identity")["mark"] if row[1] == "housing"}
    gone = Gone([], sorted(own)[:10])
    remove_partner(ran.settings, "housing", "it left")
    assert found_in(ran.settings, gone) == {} and registered(ran) == ["removal"]
    restored(ran, backup)
    assert found_in(ran.settings, gone)
    report = run_refresh(ran.settings)
    assert "housing" not in report["partners"]
    assert found_in(ran.settings, gone) == {} and registered(ran) == ["removal"]
    with open_control(ran.settings) as control:
        assert unknown(ran.settings, control) == []


@pytest.mark.usefixtures("slight")
def test_a_link_put_apart_stays_so_when_a_folder_is_put_back(ran: Partnership) -> None:
    one, settings = someone(ran), ran.settings
    backup = backed_up(ran)
    rows = [{"custody_ref": ref} for ref in sorted(one.refs)[:2]]
    file = write_rows(ran.folder.parent / "request.csv", rows)
    put_apart(settings, "police", file, "A. Name")
    run_refresh(settings)
    assert registered(ran) == ["apart"]
    apart = record_ids(ran, [row["custody_ref"] for row in rows]).values()
    restored(ran, backup)
    with pytest.raises(PutBack, match="records that were put apart are together"):
        ran.select("SELECT count(*) FROM person")
    with open_control(settings) as control:
        assert put_back(settings, control, utc_now) == 1
        # What was cut short may be done again.
        assert put_back(settings, control, utc_now) == 1
    run_refresh(settings)
    person_of = dict(ran.record_person())
    assert len({person_of[record] for record in apart}) == 2
    assert len(dump(ran, "identity")["review_decision"]) == 1 and registered(ran) == ["apart"]
    with open_control(settings) as control:
        assert unknown(settings, control) == []


def test_a_register_that_is_missing_emptied_or_older_is_refused(ran: Partnership) -> None:
    settings, kept = ran.settings, ran.kept()
    assert settings.retention.erasures is not None
    (folder,) = settings.retention.erasures.iterdir()
    whole = (folder / MARK).read_text()

    def refused(why: str) -> None:
        for command in (
            ["run", "--no-server"],
            ["sql", "SELECT 1"],
            ["retention", "apply", "--yes"],
        ):
            told = ran.journeys(*command)
            assert told.exit_code == 1 and why in told.stderr and "Mount its disk" in told.stderr
        status = ran.journeys("status")
        assert status.exit_code == 0 and why in status.output
        assert ran.kept() == kept

    assert ran.journeys("status").exit_code == 0
    assert ran.journeys("retention", "new-register", "--reason", "to try").exit_code == 2
    away = folder.rename(folder.with_name("away"))
    refused("not where `retention: erasures` says")
    folder.mkdir()
    refused("not where `retention: erasures` says")
    folder.rmdir()
    away.rename(folder)
    (folder / MARK).write_text(whole.replace('"entries": 0', '"entries": 2'))
    refused("it has 0 of 2 entries")
    (folder / MARK).write_text(whole)
    text = ran.config.read_text()
    ran.config.write_text(re.sub(r"erasures: .*", "days: {drafts: 200}", text))
    refused("partnership.yaml does not say where it is")
    ran.config.write_text(text)
    with open_control(settings) as control:
        known = control.register_mark()
        assert known is not None and known.entries == 0
        control.note_register(replace(known, entries=1))
    refused("it has 0 of 1 entries")
    begun = ran.journeys("retention", "new-register", "--reason", "the disk is lost")
    assert begun.exit_code == 0 and "0 entries" in begun.stdout
    assert ran.select("SELECT count(*) FROM person") and (folder / MARK).read_text() != whole
    with open_control(settings) as control:
        (told,) = (one for one in control.audit_entries("oversight") if "register" in one.detail)
    assert told.detail["why"] == "the disk is lost"


def test_a_register_in_the_folder_itself_or_damaged_is_refused(ran: Partnership) -> None:
    settings = ran.settings
    assert settings.retention.erasures is not None
    with open_control(settings) as control:
        first = control.first_run()
    folder = settings.retention.erasures / str(first)
    (folder / "erasure-x.json").write_text("{")
    with pytest.raises(StoreError, match="register of erasures cannot be read"):
        run_refresh(settings)
    # That of another partnership which was in the folder before is none of ours.
    folder.rename(folder.with_name("20200101-000000-0000"))
    with open_control(settings) as control:
        assert control.register_mark() is not None
    ran.config.write_text(ran.config.read_text().replace('erasures: "../', 'erasures: "./'))
    with pytest.raises(JourneysError, match="in the partnership folder"):
        ran.settings  # noqa: B018
