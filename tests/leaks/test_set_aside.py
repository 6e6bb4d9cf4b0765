"""What a pull sets aside holds names until the next run ends: it goes nowhere, and goes in time."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from canaries import CANARY, NEEDLES
from copying import copied_whole
from leak_scan import scan_tree
from slight import in_this_process

from flows.backup.contents import contents_of
from flows.clock import local_day, utc_now
from flows.context import actor, open_control
from flows.retention.contribution import inbox_files, remove_extract
from flows.retention.deleting import _inboxes
from flows.retention.held import _extracts
from flows.settings import Settings, load_settings
from flows.sources.places import Places
from flows.sources.pulling import pull_sources
from flows.start import start
from governance.audit import Recorder
from governance.retention import Term, plan

LONG_AGO = 1_700_000_000
NAMED = "custody_ref,surname\n1," + CANARY["surname"] + "\n"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A partnership whose police had sent names, and have been pulled from since."""
    at = tmp_path_factory.mktemp("aside")
    folder, share = at / "hub", at / "share"
    start(folder, demo=True, today=local_day(utc_now()))
    share.mkdir()
    for table in ("custody", "drug_test"):
        (share / f"{table}.csv").write_text("nobody\n")
        (folder / "inbox" / "police" / f"{table}.csv").write_text(NAMED)
        for place in (share, folder / "inbox" / "police"):
            os.utime(place / f"{table}.csv", (LONG_AGO, LONG_AGO))
    config = folder / "partnership.yaml"
    said = yaml.safe_load(config.read_text())
    source = {"kind": "folder", "folder": str(share), "settle_seconds": 0}
    said["partners"]["police"]["source"] = source
    config.write_text(yaml.safe_dump(said, sort_keys=False))
    settings = load_settings(config)
    with open_control(settings) as control, pytest.MonkeyPatch.context() as patch:
        in_this_process(patch)
        who = Recorder(actor(), settings.purpose)
        assert pull_sources(settings, control, who, utc_now)["police"].state == "pulled"
    return folder


@pytest.fixture
def partnership(original: Path, tmp_path: Path) -> Settings:
    """A test's own copy of it."""
    copied_whole(original, tmp_path / "hub")
    return load_settings(tmp_path / "hub" / "partnership.yaml")


def where(settings: Settings) -> set[str]:
    """The folders in which a name is found."""
    found = scan_tree(settings.folder, NEEDLES)
    return {str(Path(name).parent) for name in found}


def test_what_is_set_aside_is_private_and_the_only_place_of_it(partnership: Settings) -> None:
    aside = Places(partnership.partner("police").inbox).aside
    assert aside.stat().st_mode & 0o777 == 0o700
    assert where(partnership) == {"inbox/.police.aside"}


def test_no_hidden_folder_of_an_inbox_is_in_a_backup(partnership: Settings) -> None:
    for place in Places(partnership.partner("police").inbox).hidden:
        place.mkdir(exist_ok=True)
        (place / "0").write_text(NAMED)
    names = [item.name for item in contents_of(partnership).items]
    assert "partnership.yaml" in names and "inbox/police" in names
    assert not [name for name in names if name.startswith("inbox/.")]


def test_retention_deletes_what_is_set_aside_once_it_is_due(partnership: Settings) -> None:
    with open_control(partnership) as control:
        on = local_day(utc_now()) + timedelta(days=40)
        terms = {("extracts", "police"): Term(30, "the agreement")}
        due = [one for one in plan(list(_extracts(partnership, control)), terms, on) if one.due]
        _inboxes(partnership, control, due, on, utc_now)
    assert where(partnership) == set()


def test_of_a_partner_that_left_nothing_is_left_beside_its_inbox(partnership: Settings) -> None:
    held = [one / "0" for one in Places(partnership.partner("police").inbox).hidden]
    for path in held:
        path.parent.mkdir(exist_ok=True)
        path.write_text(NAMED)
    others = {name: one for name, one in partnership.partners.items() if name != "police"}
    left = partnership.model_copy(update={"partners": others})
    assert set(held) <= set(inbox_files(left, "police"))
    with open_control(left) as control:
        remove_extract(left, control, "police", None)
    assert where(left) == set()
    assert not list((left.folder / "inbox").glob(".police*"))
