"""Who objected or was erased is gone from everything that is kept, and does not come in again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asking import Someone, current_run, dump, released, rows_of, someone, write_rows
from at_source import deliver, to_source
from every_byte import Gone, found_in, readable_stores
from slight import make_slight

import flows.stores
from flows.committed import changed_store
from flows.context import open_control
from flows.keys.destruction import destroy
from flows.keys.rotation import key_states, rotate
from flows.refresh import run_refresh
from flows.rights import requests as rights
from flows.rights import status as rights_status
from governance.control import Control
from schemas.errors import JourneysError, KeyProblem

if TYPE_CHECKING:
    from conftest import Partnership

NOBODY = {"custody_ref": "CU9999999"}
NOBODYS_PNC = "1995/1234567Q"

KILLED_IN_ERASE = """
import os, signal, sys
import deeds, flows.rights.erasing, flows.refresh
from collections.abc import Mapping
from pathlib import Path
from flows.settings import load_settings

done = flows.rights.erasing._delete

def killed(*args):
    done(*args)
    os.kill(os.getpid(), signal.SIGKILL)

flows.rights.erasing._delete = killed
deeds.prepare()
flows.refresh.run_refresh(load_settings(Path(sys.argv[1])))
"""


def asked_for(partnership: Partnership, *rows: Mapping[str, str]) -> Path:
    """A request file with a line for each row."""
    return write_rows(partnership.folder.parent / "request.csv", rows)


def again(partnership: Partnership, partner: str = "police", table: str = "custody") -> None:
    """The partner sends the same rows once more, in another order."""
    path = partnership.inbox(partner, table)
    write_rows(path, rows_of(path)[::-1])


def values(partnership: Partnership) -> set[Any]:
    """Every value in every table of the current run's stores, but for tokens, and its release."""
    stores = partnership.settings.stores / current_run(partnership)
    names = {path.stem for path in stores.glob("*.duckdb")} - {"suppression"}
    assert names >= {"identity", "staging"}
    kept = [dump(partnership, name) for name in names] + [released(partnership)]
    rows = [row for tables in kept for table in tables.values() for row in table]
    return {value for row in rows for value in row if isinstance(value, int | str)}


def assert_gone(partnership: Partnership, one: Someone) -> None:
    """Nothing of somebody is left, and nothing that is left has a token."""
    kept = {row[5] for row in dump(partnership, "suppression")["suppression_token"]}
    assert kept and not kept & one.records
    assert not values(partnership) & {one.person, *one.records, *kept}


# At the hub


def kept_of(partnership: Partnership, gone: Gone, *beside: Path) -> dict[str, set[str]]:
    """Where anything of somebody is, but in what the partners sent and in the truth."""
    found = found_in(partnership.settings, gone, beside)
    sent = tuple(str(partnership.folder / name) for name in ("inbox", "truth"))
    return {place: what for place, what in found.items() if not place.startswith(sent)}


@pytest.mark.parametrize("marts", ["few", pytest.param("all", marks=pytest.mark.slow)])
def test_whoever_is_erased_is_in_no_byte_of_what_is_kept(
    fresh: Partnership, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marts: str
) -> None:
    """Every time of the stores, a release of few marts and what is handed out of it."""
    if marts == "few":
        make_slight(monkeypatch)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    readable_stores(monkeypatch)
    run_refresh(fresh.settings)
    assert fresh.journeys("publish", "--demo-officers").exit_code == 0
    one = someone(fresh)
    row, person, records = one.row, one.person, one.records
    encoded = dump(fresh, "identity")["encoded_record"]
    with changed_store(fresh.settings, current_run(fresh), "identity") as store:
        merged = "INSERT INTO person_history VALUES (now(), 'r', 'merged', ?, ?, 1)"
        store.execute(merged, ["a" * 16, person])
    others = {value for each in encoded if each[0] not in records for value in each}
    theirs = {value for each in encoded if each[0] in records for value in each[2:]} - others
    own = {value for value in theirs if isinstance(value, int)}
    assert len(records) >= 3 and len(own) > 20
    sent = [row["pnc_id"], *one.refs, "ZEBEDEE", "QUILL", "EBENEZER"]
    gone = Gone([person, *sent], records | own)
    out = tmp_path / "handed" / "analyst.duckdb"
    handed = ("--to", "B. Recipient", "--reason", "Commissioning", "--out", str(out))
    assert fresh.journeys("release", "key", "analyst", *handed).exit_code == 0
    before = kept_of(fresh, gone, out.parent)
    inside = {place for place in before if place.startswith(str(fresh.folder))}
    assert len(inside) == 2 * 3 and str(out) in before
    somebody = {"forename": "ZEBEDEE", "surname": "QUILL", "dob": "1981-02-03", "sex": "M"}
    nothing = dict.fromkeys(("pnc_id", *somebody), "")
    file = asked_for(fresh, {**nothing, "pnc_id": row["pnc_id"]}, {**nothing, **somebody})
    answered = rights.ask(fresh.settings, "erasure", "police", file, keep_unknown=True)
    assert (answered.found.known, answered.found.unknown) == (1, (2,))
    assert len(answered.found.tables) >= 3
    report = run_refresh(fresh.settings)
    assert report["rights"]["people"] == 1
    assert report["rights"]["tables"] == answered.found.tables
    kept = dump(fresh, "suppression")["suppression_token"]
    assert {one[3] for one in kept} >= {"record", "pnc_id", "description"}
    # Both are sent, in records that the hub never saw, and so is the second one's brother.
    custody = fresh.inbox("police", "custody")
    new = {**row, **somebody, "pnc_id": "", "cro_number": "", "custody_ref": "CU7777777"}
    brother = {**new, "forename": "EBENEZER", "custody_ref": "CU7777778"}
    other = {**row, "custody_ref": "CU7777779", "forename": "ANOTHER", "cro_number": ""}
    write_rows(custody, [*rows_of(custody), new, brother, other])
    report = run_refresh(fresh.settings)
    assert report["rights"]["withheld"]["police"] == len(one.refs) + 2
    assert report["partners"]["police"]["withheld"] >= len(one.refs) + 2
    assert any("objected or were erased" in said for said in report["warnings"])
    assert kept_of(fresh, gone, temporary) == {}
    with open_control(fresh.settings) as control:
        told = [one.detail for one in control.audit_entries() if "request" in one.detail]
        (request,) = control.rights_requests()
    assert [one.get("said", one.get("records")) for one in told] == ["taken in", len(records)]
    assert request.applied_run is not None and request.records == len(records)
    # The file that was handed out before is beyond reach, and told of; one made now is clean.
    assert any(
        "B. Recipient" in said for said in rights_status.status(fresh.settings)["handed_out"]
    )
    out.unlink()
    out.with_name(f"{out.name}.key").unlink()
    assert fresh.journeys("release", "key", "analyst", *handed).exit_code == 0
    assert kept_of(fresh, gone, out.parent) == {}
    listed = fresh.journeys("rights", "status").output
    assert "applied by run" in listed and "ZEBEDEE" not in listed


def test_a_request_is_looked_up_and_refused_in_numbers_and_lines(ran: Partnership) -> None:
    row, other = someone(ran).row, someone(ran).other
    before, names = ran.kept(), ("forename", "surname", "dob", "sex")
    whole = {"custody_ref": "", **dict.fromkeys(names, "")}
    cases: list[tuple[dict[str, str], str]] = [
        (NOBODY, "is known by line 1 "),
        ({**whole, "custody_ref": row["custody_ref"], **{n: other[n] for n in names}}, "More than"),
        (
            {**whole, "custody_ref": row["custody_ref"], "forename": "ZEBEDEE", "surname": "QUILL",
             "dob": "1981-02-03", "sex": "M"},
            "are not those of the person",
        ),
        ({"pnc_id": row["pnc_id"], **NOBODY}, "are not those of the person"),
        ({"custody_ref": row["custody_ref"], "pnc_id": NOBODYS_PNC}, "are not those of the person"),
        (
            {**whole, "custody_ref": row["custody_ref"], "forename": "ZEBEDEE", "surname": "QUILL",
             "dob": "1981-01-01", "sex": "M"},
            "by which nobody is known in line 1 ",
        ),
        ({"custody_ref": "", "forename": row["forename"]}, "a part of forename, surname, dob, sex"),
        ({"pnc_id": "1999/0000001A"}, "values of pnc_id that cannot be used in line 1 "),
        ({"custody_ref": "  "}, "nothing that a person is known by in line 1 "),
        ({"favourite_colour": "BLUE"}, "1 column(s) that no request of police has"),
    ]  # fmt: skip
    for given, said in cases:
        refused = ran.journeys("rights", "object", "--partner", "police", "--file",
                               str(asked_for(ran, given)))  # fmt: skip
        assert refused.exit_code == 1 and said in refused.stderr, refused.output
        values_given = {one for one in given.values() if len(one.strip()) > 2}
        assert not any(value in refused.output for value in values_given), said
    assert ran.kept() == before
    with open_control(ran.settings) as control:
        assert control.rights_requests() == []
        refusals = [one.detail.get("said") for one in control.audit_entries("consultation")]
    assert refusals == ["refused"] * 5
    out = ran.folder.parent / "told.json"
    looked = ran.journeys("rights", "object", "--partner", "police", "--preview", "--file",
                          str(asked_for(ran, {"custody_ref": row["custody_ref"]})),
                          "--json", str(out))  # fmt: skip
    assert looked.exit_code == 0, looked.output
    assert json.loads(out.read_text())["found"]["known"] == 1
    assert "Nothing was kept" in looked.output and ran.kept() == before
    assert row["custody_ref"] not in looked.output + out.read_text()


def test_a_partner_cannot_ask_whether_somebody_is_known_to_others_only(ran: Partnership) -> None:
    file = asked_for(ran, {"custody_ref": someone(ran).row["custody_ref"]})
    with changed_store(ran.settings, current_run(ran), "identity") as store:
        store.execute("UPDATE mark SET partner = 'probation' WHERE partner = 'police'")
    answered = rights.ask(ran.settings, "erasure", "police", file, preview=True)
    assert (answered.found.known, answered.found.unknown) == (1, (1,))
    with pytest.raises(JourneysError, match="Nobody with a record of this partner"):
        rights.ask(ran.settings, "erasure", "police", file)
    rights.ask(ran.settings, "erasure", "police", file, keep_unknown=True)


@pytest.mark.usefixtures("slight")
def test_a_request_that_waits_can_be_taken_back(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = asked_for(ran, {"custody_ref": someone(ran).row["custody_ref"]})
    first, second = (rights.ask(ran.settings, "erasure", "police", file) for _ in range(2))
    assert ran.journeys("rights", "withdraw", "").exit_code == 2
    assert ran.journeys("rights", "withdraw", "0" * 32).exit_code == 2
    done = ran.journeys("rights", "withdraw", first.request_id[:8])
    assert done.exit_code == 0 and "no run will apply it" in done.output
    assert [one["request_id"] for one in rights_status.status(ran.settings)["requests"]] == [
        second.request_id
    ]
    third = rights.ask(ran.settings, "erasure", "police", file)
    kept = {row[0] for row in dump(ran, "suppression")["suppression_token"]}
    assert kept == {second.request_id, third.request_id}
    with open_control(ran.settings) as control:
        told = [one.detail for one in control.audit_entries("alteration")]
        control.withdraw_request(second.request_id, control.audit_entries("alteration")[0])
        control.withdraw_request(second.request_id, control.audit_entries("alteration")[0])
        again = control.audit_entries("alteration")
    of_first = [one["said"] for one in told if one.get("request") == first.request_id]
    assert of_first == ["taken in", "withdrawn"] and len(again) == len(told) + 1
    # The next run writes the store of tokens anew: deleted rows would survive in it.
    anew: list[str] = []
    rewritten = flows.stores.rewritten
    monkeypatch.setattr(
        flows.stores, "rewritten", lambda path, key: anew.append(path.stem) or rewritten(path, key)
    )
    rights.withdraw(ran.settings, third.request_id)
    run_refresh(ran.settings)
    assert anew == ["suppression"] and dump(ran, "suppression")["suppression_token"] == []


# Stopped in the middle


@pytest.mark.usefixtures("slight")
def test_what_is_killed_is_done_by_the_next_run(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = someone(ran)
    row = one.row
    file = asked_for(ran, {"custody_ref": row["custody_ref"]})

    def fails(*_: Any) -> None:
        raise OSError("stopped")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="stopped"):
        patched.setattr(Control, "add_request", fails)
        rights.ask(ran.settings, "erasure", "police", file)
    # Its tokens are there, and no request: they count for nothing.
    assert dump(ran, "suppression")["suppression_token"]
    assert rights_status.status(ran.settings)["requests"] == []
    rights.ask(ran.settings, "erasure", "police", file)
    before = ran.kept()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_IN_ERASE, str(ran.config)],
        capture_output=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert before.items() <= ran.kept().items()
    assert one.person in values(ran)
    # By then the police send nothing of the person, by whose record alone the others were found.
    for name in ("custody", "drug_test"):
        path = ran.inbox("police", name)
        write_rows(path, [each for each in rows_of(path) if each["custody_ref"] not in one.refs])
    report = run_refresh(ran.settings)
    # Without the records that held them together, those of one person may be two groups.
    assert report["rights"]["people"] >= 1 and report["rights"]["tables"].keys() != {"police"}
    assert_gone(ran, one)
    assert len(list((ran.folder / "stores").iterdir())) == 1
    assert len(list((ran.folder / "releases").iterdir())) == 1


# At the source


@pytest.mark.usefixtures("slight")
def test_a_partner_that_encodes_at_source_seals_its_requests(
    ran: Partnership, tmp_path: Path
) -> None:
    one = someone(ran)
    row = one.row
    desk = to_source(ran.folder, tmp_path / "desks", ["police"])["police"]
    file, sealed = asked_for(ran, {"custody_ref": row["custody_ref"]}), tmp_path / "a.request"
    object_ = ("rights", "object", "--partner", "police", "--file")
    refused = ran.journeys(*object_, str(file))
    assert refused.exit_code == 1 and "no identifier of its people may come" in refused.stderr
    from typer.testing import CliRunner

    from flows.cli import app

    words = ["rights", "seal", "police", str(file), "--keys", str(desk.keys),
             "--passphrase-file", str(desk.passphrase), "--out", str(sealed)]  # fmt: skip
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 0, made.output
    content = sealed.read_bytes()
    assert row["custody_ref"].encode() not in content
    sealed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert ran.journeys(*object_, str(sealed)).exit_code == 1
    sealed.write_bytes(content)
    assert ran.journeys(*object_, str(sealed)).exit_code == 0
    twice = ran.journeys(*object_, str(sealed))
    assert twice.exit_code == 1 and "taken in before" in twice.stderr
    delivered = deliver(ran.folder, desk)
    assert ran.journeys(*object_, str(delivered)).exit_code == 1
    report = run_refresh(ran.settings)
    assert report["rights"]["people"] == 1
    assert_gone(ran, one)
    delivered.unlink()
    deliver(ran.folder, desk, "next")
    report = run_refresh(ran.settings)
    assert report["rights"]["withheld"]["police"] >= 1
    assert_gone(ran, one)
    # A sealed request in the inbox is no extract.
    (ran.folder / "inbox" / "police" / "next.sealed").write_bytes(content)
    with pytest.raises(JourneysError, match="police"):
        run_refresh(ran.settings)


# When keys are rotated


def tokens_of(partnership: Partnership) -> dict[tuple[str, int], set[int]]:
    """Ground and key epoch → the tokens kept."""
    found: dict[tuple[str, int], set[int]] = {}
    for row in dump(partnership, "suppression")["suppression_token"]:
        found.setdefault((row[3], row[4]), set()).add(row[5])
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("slight")
def test_tokens_cross_with_those_who_are_sent_again_and_hold_the_old_key_until_then(
    ran: Partnership,
) -> None:
    settings, one = ran.settings, someone(ran)
    row = one.row
    inbox, away = ran.folder / "inbox" / "police", ran.folder / "away"
    file = asked_for(ran, {"custody_ref": row["custody_ref"]}, NOBODY)
    rights.ask(settings, "erasure", "police", file, keep_unknown=True)
    rotate(settings, "identifier")
    # Everybody but the police supplies in both epochs, and the request is applied meanwhile.
    inbox.rename(away)
    inbox.mkdir()
    report = run_refresh(settings)
    assert report["rights"]["people"] == 1
    assert_gone(ran, one)
    assert {epoch for ground, epoch in tokens_of(ran) if ground == "record"} == {1, 2}
    behind = report["rights"]["tokens_behind"]["1"]
    # Then the police too, but without one of the person's records: its token cannot cross.
    inbox.rmdir()
    away.rename(inbox)
    tables = {name: rows_of(ran.inbox("police", name)) for name in ("custody", "drug_test")}
    for name, rows in tables.items():
        left = [each for each in rows if each["custody_ref"] != row["custody_ref"]]
        write_rows(ran.inbox("police", name), left)
    report = run_refresh(settings)
    assert report["rights"]["withheld"]["police"] == len(one.refs) - 1
    assert_gone(ran, one)
    still = report["rights"]["tokens_behind"]["1"]
    assert 2 <= still < behind
    assert {epoch for ground, epoch in tokens_of(ran) if ground == "pnc_id"} == {2}
    (state,) = [one for one in key_states(settings) if one.kind == "identifier"]
    assert state.epochs[0].said == f"{still} suppression tokens are in no newer epoch"
    with pytest.raises(KeyProblem, match="taken in again"):
        destroy(settings, "identifier", 1, why="rotated")
    # Long after the crossing the record comes back: it is met in its old epoch, and crosses.
    for name, rows in tables.items():
        write_rows(ran.inbox("police", name), rows)
    report = run_refresh(settings)
    assert report["rights"]["tokens_behind"] == {"1": 1}
    assert_gone(ran, one)
    # Nobody ever sends the one who was not known. Only a word to that effect lets the key go.
    refused = ran.journeys("keys", "destroy", "identifier", "--epoch", "1", "--why", "x", "--yes")
    assert refused.exit_code == 1 and "--lose-tokens" in refused.stderr
    receipt = destroy(settings, "identifier", 1, why="rotated", lose_tokens=True)
    assert "1 suppression tokens are lost" in json.loads(receipt.read_text())["consequence"]
    again(ran)
    report = run_refresh(settings)
    assert report["rights"]["withheld"]["police"] == len(one.refs)
    assert report["rights"]["tokens_behind"] == {}
    assert {epoch for _, epoch in tokens_of(ran)} == {2}
