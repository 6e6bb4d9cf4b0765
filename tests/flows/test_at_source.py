"""A partner encodes on its own machine: the same values, and nothing is taken on trust."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from at_source import PARTNERS, Desk, deliver, hand_in, to_source
from forging import each_refused, refused, resealed, with_encodings, with_events, with_part

from flows.clock import local_day, utc_now
from flows.context import open_control
from flows.intake.at_source import encode_at_source
from flows.intake.encoding import Encoded
from flows.keys.bundles import make_bundle, read_issued
from flows.keys.rings import store_keys
from flows.keys.rotation import key_states, rotate
from flows.refresh import Perform, run_refresh
from flows.safe_errors import Rejected
from governance.encoding.shared import shared_values
from governance.sealing import (
    LENGTH_BYTES,
    MAGIC,
    SIGNATURE_BYTES,
    claimed_delivery,
    hub_public_key,
)
from schemas.encoded import ENCODING_VERSION, STAND_IN, encoded_schema
from schemas.errors import JourneysError, KeyProblem

if TYPE_CHECKING:
    from conftest import Partnership

pytestmark = pytest.mark.usefixtures("slight")


def stores(partnership: Partnership) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of the current run's stores."""
    from warehouse.connect import open_store

    with open_control(partnership.settings) as control:
        current = control.current_run()
    assert current is not None
    found = {}
    for name in ("identity", "staging"):
        key = store_keys(partnership.settings, current.run_id)[name]
        path = partnership.settings.stores / current.run_id / f"{name}.duckdb"
        connection = open_store(path, key, read_only=True)
        listed = "SELECT database_name, table_name FROM duckdb_tables() WHERE NOT internal"
        for database, table in connection.execute(listed).fetchall():
            if table != "extract":  # which run brought an extract
                rows = f'SELECT * FROM "{database}"."{table}" ORDER BY ALL'
                found[table] = connection.execute(rows).fetchall()
        connection.close()
    return found


@pytest.mark.usefixtures("all_anew")
def test_the_two_ways_give_the_same_stores_and_person_ids(at_source) -> None:
    hub, desks = at_source
    before, persons = stores(hub), hub.record_person()
    assert len(before["encoded_record"]) > 300 and len(before) > 15
    # Neither way keeps what two people share, such as the date and surname of twins.
    rows = pl.DataFrame(before["encoded_record"], schema=encoded_schema(), orient="row")
    for part in rows.partition_by("partner"):
        assert not shared_values(part).values.sum().sum_horizontal().item()
    assert not (hub.folder / "keys" / "identifier.key").exists()
    for desk in desks.values():
        deliver(hub.folder, desk)
    report = run_refresh(hub.settings)
    assert {one["extract"] for one in report["partners"].values()} == {"new"}
    assert {report["linkage"][n] for n in ("created", "merged", "split", "retired")} == {0}
    assert stores(hub) == before
    assert hub.record_person() == persons
    again = run_refresh(hub.settings)
    assert {one["extract"] for one in again["partners"].values()} == {"unchanged"}
    with open_control(hub.settings) as control:
        staged = control.staged_extracts()["police"]
    assert staged.delivery is not None and staged.made_at is not None
    assert hub.journeys("status").output.count("encoded at source") == 4
    (key,) = [one for one in key_states(hub.settings) if one.kind == "identifier"]
    assert "not at this hub" in key.source and key.problem == ""


def with_secret_words() -> int:
    """How many records there are in memory that have their secret words."""
    gc.collect()
    frames = [one for one in gc.get_objects() if isinstance(one, pl.DataFrame)]
    return sum(one.height for one in frames if set(STAND_IN) <= set(one.columns))


def test_secret_words_go_with_the_step_that_stores_them(ran, tmp_path: Path) -> None:
    desk = to_source(ran.folder, tmp_path / "desks", ["treatment"])["treatment"]
    deliver(ran.folder, desk)
    found: dict[str, int] = {}

    def watching(perform: Perform) -> Perform:
        def watched(step: Callable[..., Any], *given: Any) -> Any:
            found[step.__name__] = with_secret_words()
            return perform(step, *given)

        return watched

    run_refresh(ran.settings, dress=watching)
    assert found["stage"] > 50
    assert found["link"] == found["build"] == found["commit"] == found["encode"]


def test_a_hub_may_encode_for_some_and_others_at_source(ran, tmp_path: Path) -> None:
    before = stores(ran)
    desk = to_source(ran.folder, tmp_path / "desks", ["treatment"])["treatment"]
    deliver(ran.folder, desk)
    assert run_refresh(ran.settings)["partners"]["treatment"]["extract"] == "new"
    assert stores(ran) == before


def test_a_first_run_needs_no_identifier_key(fresh, tmp_path: Path) -> None:
    for desk in to_source(fresh.folder, tmp_path / "desks").values():
        deliver(fresh.folder, desk)
    assert run_refresh(fresh.settings)["linkage"]["people"] > 50


# The partner's machine


def test_nothing_that_is_read_is_written_over(at_source, tmp_path: Path) -> None:
    _, desks = at_source
    desk, out = desks["police"], tmp_path / "x.sealed"
    custody = desk.extract / "custody.csv"
    before = {path: path.read_bytes() for path in (custody, desk.keys, desk.passphrase)}
    for place, more in [
        (out, (f"--csv={custody}",)),
        (out, (f"--json={out}",)),
        (custody, ()),
        (desk.keys, ()),
        (desk.passphrase, ()),
    ]:
        refused = desk.encode(place, *more)
        assert refused.exit_code == 2 and "would replace" in refused.stderr
    assert {path: path.read_bytes() for path in before} == before
    assert not out.exists()


def test_the_partner_is_told_as_check_tells_it(at_source, tmp_path: Path) -> None:
    _, desks = at_source
    out, told = tmp_path / "x.sealed", tmp_path / "x.json"
    page, rows = tmp_path / "x.html", tmp_path / "x.csv"
    done = desks["police"].encode(out, f"--json={told}", f"--html={page}", f"--csv={rows}")
    assert done.exit_code == 0, done.output
    said = json.loads(told.read_text())
    assert said["verdict"] in ("accepted", "quarantined")
    assert said["sealed"]["partner"] == "police" and said["sealed"]["epochs"].keys() == {"1"}
    assert "custody" in page.read_text() and rows.read_text().startswith("table,row,column")
    assert "Sealed" in done.output and (out.stat().st_mode & 0o077) == 0
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_an_extract_that_is_refused_leaves_no_file(at_source, tmp_path: Path) -> None:
    _, desks = at_source
    custody = desks["police"].extract / "custody.csv"
    pl.read_csv(custody, infer_schema=False).with_columns(outcome=pl.lit("?")).write_csv(custody)
    out, told = tmp_path / "x.sealed", tmp_path / "x.json"
    done = desks["police"].encode(out, f"--json={told}")
    assert done.exit_code == 1 and "Nothing was encoded" in done.output
    assert not out.exists() and json.loads(told.read_text())["sealed"] is None


def test_what_is_wrong_with_the_use_is_said(at_source, tmp_path: Path, monkeypatch) -> None:
    _, desks = at_source
    police, out = desks["police"], tmp_path / "x.sealed"
    monkeypatch.delenv("JOURNEYS_BUNDLE_PASSPHRASE", raising=False)
    police.passphrase.write_text("a wrong passphrase of some length")
    for desk, code, said in [
        (replace(police, partner="nobody"), 2, "no such partner"),
        (police, 1, "does not open"),
        (Desk(tmp_path, "police"), 1, "missing"),
    ]:
        done = desk.encode(out)
        assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
    assert desks["housing"].encode(tmp_path / "no" / "x.sealed").exit_code == 2
    assert desks["housing"].encode(out, "--as-at", "2999-01-01").exit_code == 2
    words = [word for word in police.words(out) if "passphrase" not in word]
    from typer.testing import CliRunner

    from flows.cli import app

    assert "JOURNEYS_BUNDLE_PASSPHRASE" in CliRunner().invoke(app, words).stderr
    assert not out.exists()


def test_a_bundle_of_another_partner_is_refused(at_source, tmp_path: Path) -> None:
    _, desks = at_source
    with pytest.raises(KeyProblem, match="not that of housing"):
        encode_at_source(desks["police"].bundle, "housing", [tmp_path], now=utc_now())


def test_an_agreement_that_has_run_out_encodes_nothing(at_source) -> None:
    _, desks = at_source
    desk = desks["police"]
    with pytest.raises(JourneysError, match="expired"):
        later = utc_now() + timedelta(days=800)
        encode_at_source(desk.bundle, "police", [desk.extract], now=later)


@pytest.mark.usefixtures("all_anew")
def test_the_same_extract_is_the_same_inside_and_another_delivery(at_source) -> None:
    _, desks = at_source
    desk, now = desks["housing"], utc_now()
    first, second = (
        encode_at_source(desk.bundle, "housing", [desk.extract], now=now).manifest for _ in range(2)
    )
    assert first is not None and second is not None
    assert first.digest == second.digest and first.delivery != second.delivery


def test_only_columns_that_are_shared_are_looked_at(at_source, tmp_path: Path) -> None:
    _, desks = at_source
    custody = desks["police"].extract / "custody.csv"
    frame = pl.read_csv(custody, infer_schema=False)
    frame.with_columns(shoe_size=pl.lit("44")).write_csv(custody)
    told = tmp_path / "x.json"
    done = desks["police"].encode(tmp_path / "x.sealed", f"--json={told}")
    assert done.exit_code == 0 and json.loads(told.read_text())["tables"][0]["not_known"] == 1


NOT_NEEDED = ("prefect", "duckdb", "splink", "sqlalchemy", "linkage", "warehouse", "flows.context")


def test_encoding_needs_no_orchestrator_database_or_linkage(at_source, tmp_path: Path) -> None:
    _, desks = at_source
    program = (
        "import sys\n"
        "from flows.cli import app\n"
        "try:\n    app()\nexcept SystemExit as done:\n    code = done.code\n"
        f"found = sorted(m for m in {NOT_NEEDED} if m in sys.modules)\n"
        "print('LOADED', found)\nsys.exit(code)"
    )
    words = desks["police"].words(tmp_path / "x.sealed")
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED []"


# What the hub refuses

SAYINGS: list[tuple[dict[str, Any], str]] = [
    ({"partner": "housing"}, "another partner or purpose"),
    ({"purpose": "another-purpose"}, "another partner or purpose"),
    ({"encoding_version": ENCODING_VERSION - 1}, f"version {ENCODING_VERSION - 1} of the encoding"),
    ({"encoding_version": ENCODING_VERSION + 1}, f"version {ENCODING_VERSION + 1} of the encoding"),
    ({"contract": "sha256:" + "0" * 64}, "whose contract is not"),
    ({"agreement": "sha256:" + "0" * 64}, "another agreement"),
    ({"recipient": "0" * 16}, "does not hold"),
    ({"data_as_at": local_day(utc_now()) + timedelta(days=1)}, "has not come"),
    ({"made_at": utc_now() + timedelta(minutes=30)}, "has not come"),
    ({"epochs": {2: "0" * 16}}, "other than those of the bundle"),
    ({"epochs": {1: "0" * 16}}, "other than those of the bundle"),
    ({"epochs": {}}, "other than those of the bundle"),
    ({"rows": {}}, "in the form agreed"),
    ({"size": 1}, "what its manifest says"),
]


def test_a_manifest_that_does_not_match_is_refused(police_apart) -> None:
    hub, desks = police_apart
    police = desks["police"]
    each_refused(
        hub, [(partial(resealed, hub, police, **said), problem) for said, problem in SAYINGS]
    )


def test_encodings_or_events_of_another_shape_are_refused(police_apart) -> None:
    hub, desks = police_apart

    def with_custody(encoded: Encoded, make: Callable[[pl.DataFrame], pl.DataFrame]) -> Encoded:
        return with_events(encoded, "police_custody", make)

    changes: list[Callable[[Encoded], Encoded]] = [
        lambda e: with_encodings(e, lambda f: f.drop(f.columns[-1])),
        lambda e: with_encodings(e, lambda f: f.drop(STAND_IN)),  # as version 6 was
        lambda e: with_encodings(e, lambda f: f.with_columns(stand_in_0=pl.lit(None, pl.Int64))),
        lambda e: with_encodings(e, lambda f: f.with_columns(surname=pl.lit("x"))),
        lambda e: with_encodings(e, lambda f: f.head(3)),
        lambda e: with_encodings(e, lambda f: pl.concat([f, f.head(1)])),
        lambda e: with_encodings(e, lambda f: f.with_columns(partner=pl.lit("housing"))),
        lambda e: with_custody(e, lambda f: f.head(3)),
        lambda e: with_custody(e, lambda f: f.with_columns(surname=pl.lit("x"))),
        lambda e: with_custody(e, lambda f: f.with_columns(custody_key=pl.lit(1))),
        lambda e: with_custody(e, lambda f: f.with_columns(record_id=pl.col("record_id") + 1)),
        lambda e: with_part(e, events={}),
        lambda e: replace(e, facts=replace(e.facts, top_rules=[{"rule": "A Name\x1b[2J"}])),
        lambda e: replace(e, facts=replace(e.facts, missing=("Zyxforena Qwcanaryson",))),
    ]
    police = desks["police"]
    each_refused(
        hub,
        [(partial(resealed, hub, police, change=one), "in the form agreed") for one in changes],
    )


def flipped(content: bytes, place: int) -> bytes:
    """The same with the lowest bit of one byte exchanged."""
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def test_a_file_that_was_cut_or_changed_or_signed_by_another_is_refused(police_apart) -> None:
    hub, desks = police_apart
    path = hand_in(hub.folder, desks["police"])
    whole = path.read_bytes()
    start = len(MAGIC) + LENGTH_BYTES
    body = start + int.from_bytes(whole[len(MAGIC) : start], "big") + SIGNATURE_BYTES
    contents = [
        (whole[:100], "cut short"),
        (whole[:body], "cut short or was changed"),
        (whole[: (body + len(whole)) // 2], "cut short or was changed"),
        (whole[:-1], "cut short or was changed"),
        (whole + b"\0", "cut short or was changed"),
        (flipped(whole, 0), "none of ours"),
        (flipped(whole, body - 100), "not signed"),  # the manifest's end, and the signature
        (flipped(whole, body - 1), "not signed"),
        (flipped(whole, body), "cut short or was changed"),  # the key that was agreed on
        (flipped(whole, (body + len(whole)) // 2), "cut short or was changed"),
        (flipped(whole, -1), "cut short or was changed"),
        (whole.replace(b'"partner":"police"', b'"partner":"policf"'), "not signed"),
        (b"", "is empty"),
        (b"record_id,surname\n", "none of ours"),
    ]
    each_refused(hub, [(partial(path.write_bytes, one), said) for one, said in contents])
    path.unlink()
    strange = replace(desks["police"].bundle, signing=b"\1" * 32)
    resealed(hub, desks["police"], bundle=strange)
    refused(hub, "not signed")


def test_a_file_for_another_hub_is_refused(police_apart) -> None:
    from governance.keys.ring import KeyRing, new_secret
    from governance.keys.root import RootKey

    hub, desks = police_apart
    today = local_day(utc_now())
    strange = hub_public_key(KeyRing("seal", {1: RootKey(new_secret())}, {1: today}))
    resealed(hub, desks["police"], bundle=replace(desks["police"].bundle, hub=strange))
    refused(hub, "cut short or was changed")


def test_what_is_not_sealed_is_refused_and_not_read(police_apart) -> None:
    hub, desks = police_apart
    inbox = hub.folder / "inbox" / "police"
    hand_in(hub.folder, desks["police"])
    shutil.copy(desks["police"].extract / "custody.csv", inbox)
    refused(hub, "not sealed")


def test_a_delivery_is_taken_in_once_and_the_newest_first(at_source, tmp_path: Path) -> None:
    hub, desks = at_source
    for desk in desks.values():
        hand_in(hub.folder, desk)
    old = (hub.folder / "inbox" / "police" / "delivery.sealed").read_bytes()
    deliver(hub.folder, desks["police"], "later")
    report = run_refresh(hub.settings)
    assert any("holds 2 sealed files: the newest" in said for said in report["warnings"])
    inbox = hub.folder / "inbox" / "police"
    (inbox / "later.sealed").unlink()
    refused(hub, "is older than the one staged")
    (inbox / "delivery.sealed").unlink()
    assert run_refresh(hub.settings)["partners"]["police"]["extract"] == "no new extract"
    deliver(hub.folder, desks["police"], "later still")
    (inbox / "broken.sealed").write_bytes(old[:-10])
    (inbox / "cut.sealed").write_bytes(old[:100])
    report = run_refresh(hub.settings)
    assert report["partners"]["police"]["extract"] == "new"
    assert any("1 other sealed file(s) of police cannot" in said for said in report["warnings"])


def test_what_was_taken_in_is_not_taken_in_again(police_apart) -> None:
    """The same file twice changes nothing, and an older one is refused, taken in or not."""
    hub, desks = police_apart
    inbox, older = hub.folder / "inbox" / "police", deliver(hub.folder, desks["police"], "older")
    assert run_refresh(hub.settings)["partners"]["police"]["extract"] == "new"
    shutil.copy(older, inbox / "the same again.sealed")
    older.unlink()
    assert run_refresh(hub.settings)["partners"]["police"]["extract"] == "unchanged"
    first = (inbox / "the same again.sealed").read_bytes()
    (inbox / "the same again.sealed").unlink()
    newer = deliver(hub.folder, desks["police"], "newer")
    assert run_refresh(hub.settings)["partners"]["police"]["extract"] == "new"
    newer.unlink()
    older.write_bytes(first)
    refused(hub, "was taken in before, or is older than the one staged")


@pytest.mark.slow
def test_what_was_taken_in_before_a_new_bundle_is_passed_over(police_apart) -> None:
    hub, desks = police_apart
    old = deliver(hub.folder, desks["police"])
    run_refresh(hub.settings)
    desks["police"].keys.unlink()
    desks["police"].passphrase.unlink()
    make_bundle(hub.settings, "police", desks["police"].keys, local_day(utc_now()))
    report = run_refresh(hub.settings)
    assert report["partners"]["police"]["extract"] == "no new extract"
    assert any("1 sealed file(s) in the inbox of police are" in one for one in report["warnings"])
    deliver(hub.folder, desks["police"], "renewed")
    report = run_refresh(hub.settings)
    assert report["partners"]["police"]["extract"] == "new"
    assert any("1 sealed file(s) in the inbox of police are" in one for one in report["warnings"])
    (hub.folder / "inbox" / "police" / "renewed.sealed").unlink()
    # What says that it is another is not believed, nor passed over.
    content = old.read_bytes()
    delivery = claimed_delivery(content)
    assert delivery is not None
    old.write_bytes(content.replace(delivery.encode(), b"0" * len(delivery)))
    refused(hub, "not signed")


def test_partners_that_encode_with_two_keys_of_one_epoch_are_refused(fresh, tmp_path) -> None:
    desks = to_source(fresh.folder, tmp_path / "desks")
    for desk in desks.values():
        deliver(fresh.folder, desk)
    resealed(fresh, desks["housing"], epochs={1: "0" * 16})
    # As if the bundle had been made with another identifier key.
    public = fresh.folder / "keys" / "partners" / "housing.pub"
    issued = replace(read_issued(public), epochs={1: "0" * 16})
    public.write_text(issued.text())
    with pytest.raises(Rejected, match="another key of epoch 1"):
        run_refresh(fresh.settings)


def with_identifier_key(partnership: Partnership, desks: dict[str, Desk], do: Callable[[], None]):
    """Do something for which the custodian brings the identifier key to the hub for a moment."""
    config, key = partnership.config, partnership.folder / "keys" / "identifier.key"
    kept = next(iter(desks.values())).folder.parent / "identifier.key"
    without = config.read_text()
    shutil.move(kept, key)
    config.write_text(without.replace("keys:\n", "keys:\n  identifier: keys/identifier.key\n"))
    do()
    config.write_text(without)
    shutil.move(key, kept)


@pytest.mark.slow
def test_a_rotation_at_source_carries_the_person_ids_over(at_source) -> None:
    hub, desks = at_source
    for desk in desks.values():
        deliver(hub.folder, desk)
    run_refresh(hub.settings)
    persons = hub.select("SELECT person_id FROM person ORDER BY ALL")

    def renew(partners: tuple[str, ...]) -> None:
        for partner in partners:
            desks[partner].keys.unlink()
            desks[partner].passphrase.unlink()
            today = local_day(utc_now())
            make_bundle(hub.settings, partner, desks[partner].keys, today)

    def rotated() -> None:
        rotate(hub.settings, "identifier")
        renew(PARTNERS[:3])

    with_identifier_key(hub, desks, rotated)
    for desk in desks.values():
        deliver(hub.folder, desk)
    run_refresh(hub.settings)
    assert "still to supply in epoch 2: housing" in identifier_state(hub)
    with_identifier_key(hub, desks, lambda: renew(PARTNERS[3:]))
    deliver(hub.folder, desks["housing"])
    report = run_refresh(hub.settings)
    assert {report["linkage"][n] for n in ("created", "merged", "split", "retired")} == {0}
    assert hub.select("SELECT person_id FROM person ORDER BY ALL") == persons
    assert "epoch 2" in identifier_state(hub)
    # Bundles of both epochs still serve; one of the old epoch alone does not.
    deliver(hub.folder, desks["housing"])
    assert run_refresh(hub.settings)["partners"]["housing"]["extract"] == "new"


def identifier_state(partnership: Partnership) -> str:
    (found,) = [one for one in key_states(partnership.settings) if one.kind == "identifier"]
    return found.source
