"""What leaves a partner that encodes at source, and what a hub then holds, has no canary in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from at_source import Desk, to_source
from canaries import KEYS, NEEDLES, plant
from few_counts import few_counts
from leak_scan import scan_bytes, scan_store, scan_tree
from slight import make_slight

import governance.pseudonymise
from flows.clock import local_day, utc_now
from flows.intake.payload import unpack
from flows.keys.rings import ring_of, store_keys
from flows.refresh import run_refresh
from flows.settings import load_settings
from flows.start import start
from governance.sealing import read_manifest, unseal
from synthetic import write_extracts
from warehouse.connect import open_store


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    folder = tmp_path / "hub"
    write_extracts(150, 3, folder)
    assert plant(folder / "inbox") > 100
    start(folder, demo=True, today=local_day(utc_now()))
    return folder


def encoded(hub: Path, desk: Desk, out: Path) -> str:
    """Encode with every report there is into a folder of their own; what the command said."""
    out.mkdir(exist_ok=True)
    reports = [f"--{form}={out / f'{desk.partner}.{form}'}" for form in ("json", "html", "csv")]
    done = desk.encode(out / f"{desk.partner}.sealed", *reports)
    assert done.exit_code == 0, done.output
    return done.output + done.stderr


def inside(hub: Path, desk: Desk, sealed: Path) -> set[str]:
    """The canaries in what a sealed file holds, once the hub has opened it."""
    content = sealed.read_bytes()
    manifest = read_manifest(content, desk.bundle.verifying)
    settings = load_settings(hub / "partnership.yaml")
    opened = unpack(unseal(content, manifest, ring_of(settings, "seal")))
    (part,) = opened.parts.values()
    frames = [part.encoded, *part.events.values()]
    said = [repr(opened.facts), *(frame.write_csv() for frame in frames)]
    return set().union(*(scan_bytes(text.encode(), NEEDLES) for text in said))


def test_nothing_that_leaves_the_partner_holds_a_canary(hub: Path, tmp_path: Path) -> None:
    desks = to_source(hub, tmp_path / "desks")
    out = tmp_path / "out"
    said = "".join(encoded(hub, desk, out) for desk in desks.values())
    assert NEEDLES.in_bytes(said.encode()) == set()
    assert scan_tree(out, NEEDLES) == {}
    # The bundle, its passphrase and the public key; the extract itself is at home there.
    assert scan_tree(tmp_path / "desks", NEEDLES, [f"{name}/extract" for name in desks]) == {}
    assert scan_tree(hub / "keys", NEEDLES) == {}
    for partner, desk in desks.items():
        assert inside(hub, desk, out / f"{partner}.sealed") == set()
        (out / f"{partner}.sealed").rename(hub / "inbox" / partner / "x.sealed")
    settings = load_settings(hub / "partnership.yaml")
    # What is built of the stores and drafted of it is looked through in test_no_value_leaks.py.
    with few_counts(), pytest.MonkeyPatch.context() as patch:
        make_slight(patch)
        run_id = run_refresh(settings)["run_id"]
    assert scan_tree(hub, NEEDLES, ["truth"]) == {}
    for name, key in store_keys(settings, run_id).items():
        path = hub / "stores" / run_id / f"{name}.duckdb"
        if path.exists():
            connection = open_store(path, key, read_only=True)
            assert scan_store(connection, NEEDLES) == {}
            connection.close()


def test_a_leak_at_the_source_would_be_found(hub: Path, tmp_path: Path, monkeypatch) -> None:
    desk = to_source(hub, tmp_path / "desks", ["police"])["police"]
    # What is held to codes and shapes at the source would stop it before there is anything to find.
    monkeypatch.setattr("flows.intake.at_source.strange_columns", lambda *_: "")
    whole = governance.pseudonymise.pseudonymise

    def leaks(validated, *args):
        parted = whole(validated, *args)
        own = validated.frames["custody"]["custody_ref"].alias("offence_code")
        custody = parted.events["police_custody"].with_columns(own)
        parted.events["police_custody"] = custody
        return parted

    monkeypatch.setattr("governance.pseudonymise.pseudonymise", leaks)
    encoded(hub, desk, tmp_path / "out")
    assert KEYS["custody_ref"].lower() in {
        found.lower() for found in inside(hub, desk, tmp_path / "out" / "police.sealed")
    }
