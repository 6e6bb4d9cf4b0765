"""Keys are rotated without anybody's id changing, and destroyed only when nothing needs them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from flows.context import open_control
from flows.keys import store_keys
from flows.refresh import run_refresh
from flows.rotation import destroy, key_states, rotate
from schemas.errors import JourneysError, KeyProblem

if TYPE_CHECKING:
    from conftest import Partnership

PERSONS = "SELECT person_id, age_band, sex FROM person ORDER BY ALL"
EVENTS = "SELECT event_type, count(*) FROM event GROUP BY ALL ORDER BY ALL"


def state_of(partnership: Partnership, kind: str, epoch: int) -> tuple[str, str]:
    (found,) = [state for state in key_states(partnership.settings) if state.kind == kind]
    (one,) = [one for one in found.epochs if one.epoch == epoch]
    return one.state, one.said


def key_epoch(partnership: Partnership) -> int | None:
    with open_control(partnership.settings) as control:
        current = control.current_run()
    assert current is not None
    return current.key_epoch


def test_a_rotation_keeps_every_person_id_and_the_old_key_may_then_go(ran: Partnership) -> None:
    settings = ran.settings
    persons, events, records = ran.select(PERSONS), ran.select(EVENTS), ran.record_person()
    with pytest.raises(KeyProblem, match="still needed"):
        destroy(settings, "identifier", 1, why="too early")
    assert rotate(settings, "identifier") == 2
    assert state_of(ran, "identifier", 2)[1].count(",") == 3
    with pytest.raises(KeyProblem, match="still crossing"):
        rotate(settings, "identifier")
    # Two partners send nothing: the stores stay as they are, and the run goes on.
    away = {name: ran.folder / "inbox" / name for name in ("treatment", "housing")}
    for name, inbox in away.items():
        inbox.rename(ran.folder / f"{name}-away")
        inbox.mkdir()
    report = run_refresh(settings)
    assert key_epoch(ran) == 1
    assert report["linkage"]["created"] == 0
    assert state_of(ran, "identifier", 2) == ("coming", "still to supply: treatment, housing")
    with pytest.raises(KeyProblem, match="treatment, housing"):
        destroy(settings, "identifier", 1, why="too early")
    for name, inbox in away.items():
        inbox.rmdir()
        (ran.folder / f"{name}-away").rename(inbox)
    report = run_refresh(settings)
    assert key_epoch(ran) == 2
    changed = {name: report["linkage"][name] for name in ("created", "merged", "split", "retired")}
    assert set(changed.values()) == {0}, changed
    assert ran.select(PERSONS) == persons
    assert ran.select(EVENTS) == events
    assert {person for _, person in ran.record_person()} == {person for _, person in records}
    assert not {record for record, _ in ran.record_person()} & {record for record, _ in records}
    assert state_of(ran, "identifier", 1) == ("idle", "may be destroyed")
    receipt = destroy(settings, "identifier", 1, why="rotated")
    assert json.loads(receipt.read_text())["epochs"].keys() == {"1"}
    assert run_refresh(settings)["linkage"]["created"] == 0
    assert sorted(path.name for path in (settings.stores / current_run(ran)).iterdir()) == [
        "identity.duckdb",
        "keys.json",
        "staging.duckdb",
    ]


def current_run(partnership: Partnership) -> str:
    with open_control(partnership.settings) as control:
        current = control.current_run()
    assert current is not None
    return current.run_id


def test_a_store_key_is_rotated_without_writing_a_store(ran: Partnership) -> None:
    settings, run_id = ran.settings, current_run(ran)
    store = settings.stores / run_id / "identity.duckdb"
    before, keys, persons = store.read_bytes(), store_keys(settings, run_id), ran.select(PERSONS)
    for kind in ("store", "release"):
        with pytest.raises(KeyProblem, match="still needed"):
            destroy(settings, kind, 1, why="too early")  # type: ignore[arg-type]
        rotate(settings, kind)  # type: ignore[arg-type]
        assert state_of(ran, kind, 1) == ("idle", "may be destroyed")
        destroy(settings, kind, 1, why="rotated")  # type: ignore[arg-type]
    assert store.read_bytes() == before
    assert store_keys(settings, run_id) == keys
    assert ran.select(PERSONS) == persons
    assert run_refresh(settings)["linkage"]["created"] == 0


def test_what_a_destroyed_key_protected_cannot_be_read(ran: Partnership) -> None:
    settings = ran.settings
    receipt = destroy(settings, "release", None, why="the partnership ends")
    assert "cannot be opened again" in receipt.read_text()
    assert not (ran.folder / "keys" / "release.key").exists()
    with pytest.raises(JourneysError, match=r"release\.key is missing"):
        ran.select(PERSONS)
    assert ran.record_person()
    destroy(settings, "store", None, why="the partnership ends")
    with pytest.raises(JourneysError, match=r"store\.key is missing"):
        ran.record_person()
    with open_control(settings) as control:
        erased = control.audit_entries("erasure")
    assert [one.detail["key"] for one in erased if "key" in one.detail] == ["release", "store"]


def test_an_analyst_needs_the_release_key_only(ran: Partnership) -> None:
    for name in ("identifier", "store", "seal"):
        (ran.folder / "keys" / f"{name}.key").unlink()
    assert ran.select(PERSONS)


def test_the_epoch_that_the_data_are_in_cannot_be_lost_quietly(ran: Partnership) -> None:
    from governance.keys.custody import FileSource, add_epoch, remove_epoch

    source = FileSource(ran.folder / "keys" / "identifier.key")
    from datetime import date

    add_epoch(source, "identifier", date(2026, 11, 22))
    remove_epoch(source, "identifier", 1)
    with pytest.raises(JourneysError, match="no epoch 1"):
        run_refresh(ran.settings)


def test_the_commands_say_what_they_do(ran: Partnership) -> None:
    shown = ran.journeys("keys", "status")
    assert shown.exit_code == 0
    for kind in ("identifier", "store", "release", "seal"):
        assert kind in shown.output
    rotated = ran.journeys("keys", "rotate", "seal")
    assert rotated.exit_code == 0 and "epoch 2" in rotated.output
    for words, said in [
        (("keys", "rotate", "nothing"), "no such kind"),
        (("keys", "destroy", "seal", "--why", "x"), "which epoch"),
        (("keys", "destroy", "seal", "--epoch", "1", "--why", "x"), "--yes"),
        (("keys", "destroy", "seal", "--everything", "--why", "x", "--yes"), "--confirm"),
    ]:
        refused = ran.journeys(*words)
        assert refused.exit_code == 2, words
        assert said in refused.output + refused.stderr, words
    gone = ran.journeys("keys", "destroy", "seal", "--epoch", "1", "--why", "rotated", "--yes")
    assert gone.exit_code == 0 and "receipt" in gone.output


def test_a_bundle_opens_with_its_passphrase_and_holds_no_root(ran: Partnership) -> None:
    from flows.bundles import read_bundle, read_public_key

    out = ran.folder / "police.bundle"
    made = ran.journeys("keys", "bundle", "police", "--out", str(out))
    assert made.exit_code == 0, made.output
    passphrase = out.with_name("police.bundle.passphrase").read_text().strip()
    bundle = read_bundle(out, passphrase)
    assert bundle.partner == "police" and set(bundle.keys) == {1}
    assert read_public_key(ran.folder / "keys" / "partners" / "police.pub") == bundle.verifying
    root = (ran.folder / "keys" / "identifier.key").read_text().split()[-1]
    assert bundle.keys[1].secret.hex() != root
    assert passphrase not in made.output
    assert "agreement.yaml" in bundle.documents
    out.chmod(0o644)
    with pytest.raises(KeyProblem, match="read by others"):
        read_bundle(out, passphrase)
    again = ran.journeys("keys", "bundle", "police", "--out", str(out))
    assert again.exit_code == 1 and "overwrite nothing" in again.stderr
