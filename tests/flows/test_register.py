"""A folder that is put back from before an erasure erases again, and shows nobody until it has."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asking import Someone, dump, someone, write_rows
from every_byte import Gone, found_in
from leaving import without

from flows.context import open_control
from flows.refresh import run_refresh
from flows.retention.due import remove_partner
from flows.rights import requests as rights
from flows.rights.register import PutBack, entries, unknown
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
        return sorted(one.kind for one in entries(partnership.settings, control).values())


@pytest.mark.usefixtures("slight")
def test_a_folder_put_back_from_before_an_erasure_erases_again(ran: Partnership) -> None:
    one, settings = someone(ran), ran.settings
    register = settings.retention.erasures
    assert register is not None and not register.exists()
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


def test_a_register_in_the_folder_itself_or_damaged_is_refused(ran: Partnership) -> None:
    settings = ran.settings
    assert settings.retention.erasures is not None
    with open_control(settings) as control:
        first = control.first_run()
    folder = settings.retention.erasures / str(first)
    folder.mkdir(parents=True)
    (folder / "erasure-x.json").write_text("{")
    with pytest.raises(StoreError, match="register of erasures cannot be read"):
        run_refresh(settings)
    # That of another partnership which was in the folder before is none of ours.
    folder.rename(folder.with_name("20200101-000000-0000"))
    with open_control(settings) as control:
        assert entries(settings, control) == {}
    ran.config.write_text(ran.config.read_text().replace('erasures: "../', 'erasures: "./'))
    with pytest.raises(JourneysError, match="in the partnership folder"):
        ran.settings  # noqa: B018
