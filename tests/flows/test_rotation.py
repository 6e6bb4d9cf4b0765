"""Keys are rotated without anybody's id changing, and destroyed only when nothing needs them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dying import killed_before

from flows.context import open_control, run_lock
from flows.keys import destruction, rotation
from flows.keys.destruction import destroy
from flows.keys.receipts import receipts
from flows.keys.rings import store_keys
from flows.keys.rotation import key_states, new_keys, rotate
from flows.refresh import run_refresh
from governance.control import Control
from governance.keys import custody
from schemas.errors import JourneysError, KeyProblem

if TYPE_CHECKING:
    from conftest import Partnership

pytestmark = pytest.mark.usefixtures("slight")

PERSONS = "SELECT person_id, age_band, sex FROM person ORDER BY ALL"
WEEKS = "SELECT person_id, min(event_week), max(event_week) FROM event GROUP BY 1 ORDER BY 1"
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
        "suppression.duckdb",
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
    weeks = ran.select(WEEKS)
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
    assert ran.select(WEEKS) == weeks  # two releases tell no more of a day than one


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
    told = [(one.detail["key"], one.detail["state"]) for one in erased if "key" in one.detail]
    assert told == [(kind, s) for kind in ("release", "store") for s in ("begun", "destroyed")]


def test_an_analyst_needs_the_release_key_only(ran: Partnership) -> None:
    for name in ("identifier", "store", "seal"):
        (ran.folder / "keys" / f"{name}.key").unlink()
    assert ran.select(PERSONS)


def test_the_epoch_that_the_data_are_in_cannot_be_lost_quietly(ran: Partnership) -> None:
    from governance.keys.custody import add_epoch, remove_epochs
    from governance.keys.sources import FileSource

    source = FileSource(ran.folder / "keys" / "identifier.key")
    add_epoch(source, "identifier", date(2026, 11, 22))
    remove_epochs(source, [1])
    with pytest.raises(JourneysError, match="no epoch 1"):
        run_refresh(ran.settings)


def test_the_commands_say_what_they_do(ran: Partnership) -> None:
    shown = ran.journeys("keys", "status")
    assert shown.exit_code == 0
    for kind in ("identifier", "store", "release", "seal", "record"):
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


def test_two_keys_with_one_secret_are_told_and_make_no_bundle(fresh: Partnership) -> None:
    keys = fresh.folder / "keys"
    secret = (keys / "identifier.key").read_text().split()[-1]
    seal = (keys / "seal.key").read_text().split()
    (keys / "seal.key").write_text(" ".join([*seal[:-1], secret]) + "\n")
    shown = fresh.journeys("keys", "status")
    assert shown.exit_code == 1
    assert shown.output.count("are the same") == 1
    assert secret not in shown.output
    out = fresh.folder.parent / "police.bundle"
    refused = fresh.journeys("keys", "bundle", "police", "--out", str(out))
    assert refused.exit_code == 1 and "are the same" in refused.output + refused.stderr
    assert not out.exists()


def test_a_bundle_opens_with_its_passphrase_and_holds_no_root(ran: Partnership) -> None:
    from flows.keys.bundles import read_bundle, read_public_key

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


def test_a_bundle_is_audited_takes_the_lock_and_lies_among_no_keys(ran: Partnership) -> None:
    out = ran.folder.parent / "police.bundle"
    with run_lock(ran.settings):
        busy = ran.journeys("keys", "bundle", "police", "--out", str(out))
    assert busy.exit_code == 1 and "at work" in busy.stderr
    assert not out.exists()
    for target in ("keys/partners/police.pub", "keys/x", "receipts/x", "inbox/police/x"):
        among = ran.journeys("keys", "bundle", "police", "--out", str(ran.folder / target))
        assert among.exit_code == 2, target
        assert not (ran.folder / target).exists()
    first = ran.journeys("keys", "bundle", "police", "--out", str(out))
    assert first.exit_code == 0 and "earlier bundle" not in first.output
    again = ran.journeys("keys", "bundle", "police", "--out", f"{out}.2")
    assert again.exit_code == 0 and "earlier bundle is refused" in again.output
    with open_control(ran.settings) as control:
        told = [one for one in control.audit_entries("disclosure") if "bundle" in one.detail]
    assert [(one.partner, one.recipients, one.detail["renewed"]) for one in told] == [
        ("police", "police", 0),
        ("police", "police", 1),
    ]
    assert told[0].detail["bundle"] == "sha256:" + hashlib.sha256(out.read_bytes()).hexdigest()


def test_a_report_is_written_over_no_bundle_key_or_receipt(ran: Partnership) -> None:
    outside = ran.folder.parent
    out = outside / "police.bundle"
    for name in ("police.bundle", "police.bundle.passphrase"):
        told = ran.journeys(
            "keys", "bundle", "police", "--out", str(out), "--json", str(outside / name)
        )
        assert told.exit_code == 2, told.output
    assert not out.exists()
    made = ran.journeys("keys", "bundle", "police", "--out", str(out))
    assert made.exit_code == 0
    half = outside / "somewhere.key"
    half.write_bytes((ran.folder / "keys" / "store.key").read_bytes())
    run = ran.settings.stores / current_run(ran)
    ours = [
        *sorted((ran.folder / "keys").rglob("*.*")),
        *sorted((ran.folder / "inbox").rglob("*.csv"))[:1],
        *sorted((ran.folder / "agreements").iterdir())[:1],
        *(ran.folder / name for name in ("partnership.yaml", "control.db", "ledger-key.json")),
        *(run / name for name in ("identity.duckdb", "keys.json")),
        *(half, out, Path(f"{out}.passphrase")),
    ]
    for target in ours:
        if target.is_dir():
            continue
        before = target.read_bytes()
        for words in (("keys", "status"), ("status",), ("agreements",), ("keys", "new")):
            told = ran.journeys(*words, "--json", str(target))
            assert told.exit_code == 2, (words, target.name, told.output)
        assert target.read_bytes() == before, target.name
    report = ran.folder / "keys.json"
    for _ in range(2):
        assert ran.journeys("keys", "status", "--json", str(report)).exit_code == 0
    # A key that the command itself makes there is not written over afterwards either.
    config = ran.config.read_text()
    ran.config.write_text(config.replace("keys/seal.key", str(outside / "s.json")))
    assert ran.journeys("keys", "new", "--json", str(outside / "s.json")).exit_code == 1
    assert (outside / "s.json").read_text().startswith("cohort-journeys-key")


STEPS: list[tuple[object, str]] = [
    (destruction, "write_receipt"),
    (custody, "remove_epochs"),
    (custody, "strike_out"),
    (Control, "add_audit"),
    (custody, "tidy"),
]


def cut_short(act: Callable[[], object], number: int) -> bool:
    """Act in a child that is killed before the step of that number; whether it was."""
    return killed_before(number, STEPS, act)


def seal_secrets(partnership: Partnership) -> list[str]:
    path = partnership.folder / "keys" / "seal.key"
    return [line.split()[-1] for line in path.read_text().splitlines()]


def leftovers(partnership: Partnership, secret: str) -> list[str]:
    keys = (partnership.folder / "keys").rglob("*")
    return [path.name for path in keys if path.is_file() and secret in path.read_text()]


def receipts_and_audit_agree(partnership: Partnership) -> None:
    with open_control(partnership.settings) as control:
        audited = [
            entry.detail["receipt"]
            for entry in control.audit_entries("erasure")
            if entry.detail.get("state") == "destroyed"
        ]
    assert audited == [one.digest for one in receipts(partnership.settings)]
    assert {one.state for one in receipts(partnership.settings)} <= {"destroyed"}


def test_a_destruction_cut_short_is_told_and_the_same_command_finishes_it(
    fresh: Partnership,
) -> None:
    settings, deaths, was_killed = fresh.settings, 0, True
    while was_killed:
        old = rotate(settings, "seal") - 1
        secret = next(one for one in seal_secrets(fresh) if "#" not in one)

        def act(old: int = old) -> object:
            return destroy(settings, "seal", old, why="test")

        was_killed = cut_short(act, deaths + 1)
        deaths += was_killed
        (seal,) = [one for one in key_states(settings) if one.kind == "seal"]
        assert not seal.problem
        begun = [one for one in receipts(settings) if one.state == "begun"]
        assert bool(seal.notes) == bool(begun)
        if begun:
            assert f"--epoch {old}" in seal.notes[0]
        if was_killed and (begun or old in {one.epoch for one in seal.epochs}):
            act()
        assert leftovers(fresh, secret) == []
        receipts_and_audit_agree(fresh)
        assert old in receipts(settings)[-1].epochs
    assert deaths >= 6


def test_the_end_of_a_key_cut_short_is_finished_and_the_next_key_is_let_be(
    fresh: Partnership,
) -> None:
    settings, deaths, was_killed = fresh.settings, 0, True
    path = fresh.folder / "keys" / "seal.key"
    while was_killed:
        secret = seal_secrets(fresh)[0]

        def act() -> object:
            return destroy(settings, "seal", None, why="test")

        was_killed = cut_short(act, deaths + 1)
        deaths += was_killed
        key_states(settings)
        if path.exists():
            act()
        assert leftovers(fresh, secret) == [] and not path.exists()
        receipts_and_audit_agree(fresh)
        assert new_keys(settings, date(2026, 11, 22))["seal"]
        assert path.exists()
    numbers = [one.number for one in receipts(settings)]
    assert numbers == list(range(1, deaths + 2))


def test_a_destruction_is_finished_only_on_the_key_it_was_begun_of(fresh: Partnership) -> None:
    settings, path = fresh.settings, fresh.folder / "keys" / "seal.key"
    assert cut_short(lambda: destroy(settings, "seal", None, why="test"), 3)
    old = path.read_bytes()
    path.unlink()
    with pytest.raises(KeyProblem, match="missing"):
        destroy(settings, "seal", None, why="test")
    new_keys(settings, date(2026, 11, 22))
    new = path.read_bytes()
    with pytest.raises(KeyProblem, match="not the one"):
        destroy(settings, "seal", None, why="test")
    assert path.read_bytes() == new
    path.write_bytes(old)
    destroy(settings, "seal", None, why="test")
    assert not path.exists()
    receipts_and_audit_agree(fresh)


def test_who_ends_a_key_ends_what_was_begun_of_it(fresh: Partnership) -> None:
    settings = fresh.settings
    rotate(settings, "seal")
    assert cut_short(lambda: destroy(settings, "seal", 1, why="test"), 3)
    destroy(settings, "seal", None, why="test")
    assert [tuple(one.epochs) for one in receipts(settings)] == [(1,), (2,)]
    receipts_and_audit_agree(fresh)
    assert not (fresh.folder / "keys" / "seal.key").exists()


def test_a_destruction_that_is_done_shows_its_receipt_again(fresh: Partnership) -> None:
    settings, path = fresh.settings, fresh.folder / "keys" / "seal.key"
    rotate(settings, "seal")
    of_one = destroy(settings, "seal", 1, why="rotated")
    assert destroy(settings, "seal", 1, why="again") == of_one
    of_all = destroy(settings, "seal", None, why="the end")
    before = of_all.read_text()
    assert destroy(settings, "seal", None, why="again") == of_all != of_one
    assert destroy(settings, "seal", 2, why="again") == of_all and of_all.read_text() == before
    said = fresh.journeys("keys", "destroy", "seal", "--epoch", "1", "--why", "x", "--yes")
    assert said.exit_code == 0 and of_one.name in "".join(said.output.split())
    with pytest.raises(KeyProblem, match=r"seal\.key could not"):
        destroy(settings, "seal", 3, why="never there")
    # A key that was made since is another, and so is its end.
    new_keys(settings, date(2026, 11, 22))
    assert destroy(settings, "seal", None, why="the next") != of_all
    assert not path.exists() and len(receipts(settings)) == 3


def test_a_receipt_that_cannot_be_read_is_told_and_the_rest_too(fresh: Partnership) -> None:
    settings = fresh.settings
    rotate(settings, "seal")
    spoilt = destroy(settings, "seal", 1, why="rotated")
    spoilt.write_text("{")
    states = {one.kind: one for one in key_states(settings)}
    assert len(states) == 5 and not any(one.problem for one in states.values())
    (note,) = states["seal"].notes
    assert f"{spoilt.name} cannot be read" in note
    assert not any(one.notes for kind, one in states.items() if kind != "seal")
    shown = fresh.journeys("keys", "status")
    assert shown.exit_code == 0 and spoilt.name in shown.output
    # Where a key could be destroyed twice it stays in the way.
    with pytest.raises(JourneysError, match="cannot be read"):
        destroy(settings, "seal", None, why="test")


def test_an_extract_sent_again_is_known_after_its_store_key_went(ran: Partnership) -> None:
    settings = ran.settings
    rotate(settings, "store")
    destroy(settings, "store", 1, why="rotated")
    report = run_refresh(settings)
    assert {one["extract"] for one in report["partners"].values()} == {"unchanged"}
    assert not [one for one in report["warnings"] if "drift" in one.lower()]


def test_a_rotation_killed_before_it_wrapped_anew_is_done_again(ran: Partnership) -> None:
    assert killed_before(1, [(rotation, "rewrap")], lambda: rotate(ran.settings, "store"))
    assert state_of(ran, "store", 1) == ("old", "still wraps data keys")
    with pytest.raises(KeyProblem, match="still needed"):
        destroy(ran.settings, "store", 1, why="too early")
    assert rotate(ran.settings, "store") == 3
    assert state_of(ran, "store", 1) == ("idle", "may be destroyed")
    with open_control(ran.settings) as control:
        made = [
            one.detail["epoch"]
            for one in control.audit_entries("oversight")
            if one.detail.get("key") == "store" and "epoch" in one.detail
        ]
    assert made == [2, 3]


def test_a_run_with_an_old_copy_of_a_half_is_refused_until_the_next_rotation(
    ran: Partnership,
) -> None:
    config = ran.config.read_text()
    ran.config.write_text(
        config.replace("seal: keys/seal.key", "seal: {halves: [keys/a.half, keys/b.half]}")
    )
    settings, second = ran.settings, ran.folder / "keys" / "b.half"
    new_keys(settings, date(2026, 11, 22))
    old = second.read_bytes()
    rotate(settings, "seal")
    second.write_bytes(old)
    with pytest.raises(KeyProblem, match="newer epoch"):
        run_refresh(settings)
    (told,) = [one for one in key_states(settings) if one.kind == "seal"]
    assert "newer epoch" in told.problem
    assert rotate(settings, "seal") == 3
    (told,) = [one for one in key_states(settings) if one.kind == "seal"]
    assert not told.problem and "epoch 2" in told.notes[0]
    assert [one.epoch for one in told.epochs] == [1, 3]
    run_refresh(settings)


def test_every_command_keeps_its_memory_to_itself(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    monkeypatch.setattr("flows.intake.apart.keep_to_itself", lambda: kept.append("kept"))
    for words in (("keys", "status"), ("sql", "SELECT 1")):
        assert ran.journeys(*words).exit_code == 0
    ran.inbox("police", "custody").write_text("")  # so that the run ends soon
    assert ran.journeys("run", "--no-server").exit_code == 1
    assert len(kept) == 3
