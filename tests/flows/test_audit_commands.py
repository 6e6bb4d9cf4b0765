"""`journeys audit`: the record is verified, witnessed, listed and given away."""

from __future__ import annotations

import csv
import json
import shutil
from contextlib import suppress
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from copying import copied_whole
from record_log import by_hand
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.clock import utc_now
from flows.context import open_control
from flows.keys.destruction import destroy
from flows.keys.rotation import key_states, new_keys, rotate
from flows.record.checkpoints import verify_record
from flows.settings import Settings, load_settings
from flows.start import start
from governance.audit import Recorder
from governance.record.leaves import RESTORED, RESTORED_AT, TAKEN_IN
from schemas.errors import ConfigError, RecordProblem, StoreError

ACTS = [("collection", "police"), ("collection", "housing"), ("combination", None)] * 4


def add(settings: Settings) -> None:
    """What a night's work leaves in the record."""
    with open_control(settings) as control:
        for at, (action, partner) in enumerate(ACTS):
            control.add_audit(
                Recorder("someone", "cohort-journeys").entry(
                    action, utc_now(), partner=partner, detail={"rows": at}
                )
            )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "partnership"
    start(folder, demo=True, today=date(2026, 11, 22))
    add(load_settings(folder / "partnership.yaml"))
    return folder


@pytest.fixture
def settings(made: Path, tmp_path: Path) -> Settings:
    copied_whole(made, tmp_path / "partnership")
    return load_settings(tmp_path / "partnership" / "partnership.yaml")


def audit(settings: Settings, *words: str) -> Result:
    config = ["--config", str(settings.folder / "partnership.yaml")]
    return CliRunner().invoke(
        app, ["audit", *words, *([] if words[0] == "verify-export" else config)]
    )


def test_a_partner_s_witness_outlives_what_the_operator_does(
    settings: Settings, tmp_path: Path
) -> None:
    witness, key = tmp_path / "witness.txt", tmp_path / "record-key.pub"
    given = audit(settings, "checkpoint", "--out", str(witness))
    assert given.exit_code == 0 and "entries: 12" in given.output, given.output
    shutil.copy(settings.checkpoints / "record-key-1.pub", key)
    words = ("verify", "--witness", str(witness), "--public-key", str(key))
    earlier = shutil.copy(settings.folder / "control.db", tmp_path / "earlier.db")
    add(settings)
    rotate(settings, "record")
    assert audit(settings, "checkpoint").exit_code == 0
    sound = audit(settings, *words)
    assert sound.exit_code == 0 and "The record is sound." in sound.output, sound.output
    assert "25 entries" in sound.output and "2 checkpoints of our own and 1" in sound.output

    shutil.copy(earlier, settings.folder / "control.db")
    assert "cut short or taken back" in audit(settings, "verify").output
    grown = Path(shutil.copy(earlier, tmp_path / "grown.db"))
    for _ in range(2):
        add(settings)
    refused = audit(settings, "checkpoint")
    assert refused.exit_code == 1 and "an earlier copy" in refused.output, refused.output
    shutil.copy(grown, settings.folder / "control.db")
    by_hand(settings.folder / "control.db", "DELETE FROM record_leaf", "DELETE FROM record_head")
    assert "12 entries stand outside the record" in audit(settings, "verify").output
    shutil.rmtree(settings.checkpoints)
    out = tmp_path / "found.json"
    forged = audit(settings, *words, "--json", str(out))
    assert forged.exit_code == 1 and "NOT sound" in forged.output
    assert any("witness.txt" in fault for fault in json.loads(out.read_text())["faults"])


def test_another_key_or_a_signature_that_is_not_ours_is_told(
    settings: Settings, tmp_path: Path
) -> None:
    audit(settings, "checkpoint")
    (path,) = settings.checkpoints.glob("checkpoint-*.txt")
    text = path.read_text()
    for changed, told in [
        (text.replace("epoch 1", "epoch 7"), "epoch 7"),
        (
            text[:-4] + ("00" if text[-4:-2] != "00" else "11") + text[-2:],
            "does not bear the signature",
        ),
        (text[: text.index("signature:")], "is not signed, though"),
        ("nothing", "holds no whole checkpoint"),
    ]:
        path.write_text(changed)
        found = audit(settings, "verify")
        assert found.exit_code == 1 and told in found.output
    path.write_text("nothing")
    assert "Put `checkpoints/` back" in audit(settings, "checkpoint").output
    path.write_text(text)
    elsewhere = tmp_path / "elsewhere"
    start(elsewhere, demo=True, today=date(2026, 11, 22))
    other = load_settings(elsewhere / "partnership.yaml")
    add(other)
    audit(other, "checkpoint")
    pinned = str(other.checkpoints / "record-key-1.pub")
    assert "not the one that is kept" in audit(settings, "verify", "--public-key", pinned).output
    strange = audit(settings, "verify", "--witness", str(next(other.checkpoints.glob("c*.txt"))))
    assert strange.exit_code == 1 and "another one" in strange.output
    (settings.checkpoints / "record-key-1.pub").unlink()
    assert "whose public half is not kept" in audit(settings, "verify").output


def test_what_concerns_a_partner_is_given_to_it_and_checked_without_a_key(
    settings: Settings, tmp_path: Path
) -> None:
    witness, export, table = tmp_path / "w.txt", tmp_path / "police.jsonl", tmp_path / "all.csv"
    audit(settings, "checkpoint", "--out", str(witness))
    given = audit(settings, "export", "--partner", "police", "--out", str(export))
    assert given.exit_code == 0 and "9 entries" in given.output, given.output
    checked = audit(settings, "verify-export", str(export), "--witness", str(witness))
    assert checked.exit_code == 0 and "9 entries are in the record of 13" in checked.output
    assert "housing" not in export.read_text()
    key = str(settings.checkpoints / "record-key-1.pub")
    words = ("verify-export", str(export), "--witness", str(witness), "--public-key", key)
    assert audit(settings, *words).exit_code == 0
    witness.write_text(witness.read_text()[: witness.read_text().index("signature")])
    assert "was not signed with the key" in audit(settings, *words).output
    export.write_text(export.read_text().replace('"someone"', '"another"', 1))
    told = audit(settings, "verify-export", str(export), "--witness", str(witness))
    assert told.exit_code == 1 and "1 entries are not in the record" in told.output
    assert audit(settings, "verify-export", str(export)).exit_code == 2
    assert audit(settings, "export", "--out", str(table)).exit_code == 0
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == 14 and rows[0]["actor"] == "someone" and rows[-1]["action"] == "oversight"
    assert audit(settings, "export", "--out", str(settings.folder / "keys" / "x")).exit_code == 2


def test_a_checkpoint_under_another_s_name_is_neither_given_away_nor_passed_over(
    settings: Settings, tmp_path: Path
) -> None:
    audit(settings, "checkpoint")
    (early,) = settings.checkpoints.glob("checkpoint-*.txt")
    add(settings)
    shutil.copy(early, settings.checkpoints / "checkpoint-000000024.txt")
    given = audit(settings, "checkpoint", "--out", str(tmp_path / "given.txt"))
    assert given.exit_code == 1 and "is not a checkpoint of the record" in given.output
    assert not (tmp_path / "given.txt").exists()
    told = audit(settings, "verify")
    assert told.exit_code == 1
    assert "checkpoint-000000024.txt does not hold the checkpoint that its name" in told.output


SWALLOWED = (
    "CREATE TRIGGER one BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER two BEFORE INSERT ON record_leaf BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER three BEFORE UPDATE OF size ON record_head BEGIN SELECT RAISE(IGNORE); END",
)


def test_a_database_that_swallows_what_is_recorded_is_told(settings: Settings) -> None:
    by_hand(settings.folder / "control.db", *SWALLOWED)
    with pytest.raises(RecordProblem, match="not whole"):
        add(settings)
    told = audit(settings, "verify")
    assert told.exit_code == 1 and "holds 3 triggers" in told.output, told.output


@pytest.mark.parametrize(
    ("table", "statements"),
    [
        (
            "audit_entry",
            ("ALTER TABLE audit_entry RENAME TO kept",
             "CREATE VIEW audit_entry AS SELECT * FROM kept"),
        ),
        ("audit_entry", ("ALTER TABLE audit_entry ADD COLUMN more TEXT",)),
        (
            "record_leaf",
            ("ALTER TABLE record_leaf RENAME TO kept",
             "CREATE TABLE record_leaf (number INTEGER PRIMARY KEY ON CONFLICT IGNORE, "
             "commitment BLOB NOT NULL, salt BLOB)",
             "INSERT INTO record_leaf SELECT * FROM kept"),
        ),
        (
            "record_leaf",
            ("ALTER TABLE record_leaf RENAME TO kept",
             "CREATE TABLE record_leaf (number INTEGER PRIMARY KEY, commitment BLOB NOT NULL, "
             "salt BLOB, UNIQUE (commitment) ON/**/CONFLICT IGNORE)",
             "INSERT INTO record_leaf SELECT * FROM kept"),
        ),
        ("audit_entry", ("CREATE UNIQUE INDEX some ON audit_entry (at) WHERE actor = 'me'",)),
    ],
)  # fmt: skip
def test_a_table_that_was_exchanged_for_another_is_told(
    settings: Settings, table: str, statements: tuple[str, ...]
) -> None:
    assert verify_record(settings).sound
    by_hand(settings.folder / "control.db", *statements)
    (fault,) = verify_record(settings).faults
    assert f"The table {table} is not as this program makes it" in fault


@pytest.mark.parametrize(
    "change",
    [
        "actor = cast(x'ff41' AS TEXT)",
        f"action = 'oversight', detail = cast(x'ff' AS TEXT) || '\"{RESTORED}\"'",
        f"action = 'oversight', detail = '{{\"{RESTORED}\": '",
        f"action = 'oversight', detail = '[\"{RESTORED}\"]'",
        f'action = \'oversight\', detail = \'{{"{RESTORED}": 1, "{RESTORED_AT}": "x"}}\'',
        "at = 'soon'",
    ],
)
def test_an_entry_that_cannot_be_read_is_told_like_any_that_was_changed(
    settings: Settings, change: str
) -> None:
    by_hand(settings.folder / "control.db", f"UPDATE audit_entry SET {change} WHERE entry_id = 12")
    told = audit(settings, "verify")
    assert "FAULT  Entry 12 does not say what was recorded." in told.output, told.output
    assert audit(settings, "list").exit_code == 0
    with open_control(settings) as control, suppress(RecordProblem, StoreError):
        control.audit_entries()


def test_nothing_is_added_after_an_entry_whose_time_is_none(settings: Settings) -> None:
    by_hand(settings.folder / "control.db", "UPDATE audit_entry SET at = 'soon'")
    with pytest.raises(RecordProblem, match="not whole"):
        add(settings)


def test_nobody_excuses_early_entries_as_an_earlier_version_s(settings: Settings) -> None:
    """An entry on the taking in is the first that this version writes, so before any checkpoint."""
    audit(settings, "checkpoint")
    for told in ("was written to excuse them", "a second time"):
        with open_control(settings) as control:
            head = control.head()
            assert head is not None
            entry = Recorder("someone", "cohort-journeys").entry(
                "oversight", utc_now(), detail={TAKEN_IN: head.size}
            )
            control.add_audit(entry)
        assert told in " ".join(verify_record(settings).faults)


def test_a_name_is_no_formula_in_a_spreadsheet(settings: Settings, tmp_path: Path) -> None:
    with open_control(settings) as control:
        control.add_audit(
            Recorder("someone", "cohort-journeys").entry(
                "disclosure", utc_now(), recipients="=HYPERLINK(1), analyst"
            )
        )
    audit(settings, "export", "--action", "disclosure", "--out", str(tmp_path / "some.csv"))
    (row,) = csv.DictReader((tmp_path / "some.csv").open())
    assert row["recipients"] == "'=HYPERLINK(1), analyst"


def test_the_record_is_read_on_the_screen(settings: Settings) -> None:
    shown = audit(settings, "list", "--action", "combination", "--last", "3")
    assert shown.exit_code == 0 and shown.output.count("combination") == 3
    assert "collection" in audit(settings, "list", "--partner", "housing").output
    assert audit(settings, "list", "--from", "20270101").output.count("someone") == 0
    assert audit(settings, "list", "--from", "20260101").output.count("someone") == len(ACTS)
    for words in (("--from", "soon"), ("--action", "reading")):
        assert audit(settings, "list", *words).exit_code == 2


def test_an_empty_record_and_one_without_a_key_say_what_to_do(
    settings: Settings, tmp_path: Path
) -> None:
    start(tmp_path / "new", demo=True, today=date(2026, 11, 22))
    new = load_settings(tmp_path / "new" / "partnership.yaml")
    assert "Run `journeys run` first." in audit(new, "checkpoint").output
    assert audit(new, "verify").exit_code == 0
    config = settings.folder / "partnership.yaml"
    config.write_text(config.read_text().replace("  record: keys/record.key\n", ""))
    unsigned = audit(settings, "checkpoint")
    assert unsigned.exit_code == 0 and "It is not signed" in unsigned.output
    assert "journeys keys new" in audit(settings, "verify").output
    assert verify_record(load_settings(config)).sound


def test_checkpoints_of_before_there_was_a_record_key_need_no_signature(settings: Settings) -> None:
    config, key = settings.folder / "partnership.yaml", settings.folder / "keys" / "record.key"
    named = config.read_text()
    config.write_text(named.replace("  record: keys/record.key\n", ""))
    shutil.rmtree(settings.checkpoints, ignore_errors=True)
    key.unlink()
    assert audit(settings, "checkpoint").exit_code == 0
    config.write_text(named)
    new_keys(settings, date(2026, 11, 22))
    assert audit(settings, "checkpoint").exit_code == 0
    told = audit(settings, "verify")
    assert told.exit_code == 0 and "1 checkpoints are not signed" in told.output, told.output
    last = max(settings.checkpoints.glob("checkpoint-*.txt"))
    last.write_text(last.read_text()[: last.read_text().index("signature:")])
    assert "is not signed, though" in audit(settings, "verify").output


def test_a_clock_that_was_ahead_is_told_to_be_right(settings: Settings) -> None:
    with open_control(settings) as control:
        ahead = utc_now() + timedelta(days=400)
        control.add_audit(Recorder("someone", "cohort-journeys").entry("collection", ahead))
    assert audit(settings, "clock", "--why", "About CU0000017").exit_code == 2
    assert audit(settings, "clock", "--why", "it was a year ahead").exit_code == 0
    add(settings)
    told = audit(settings, "verify")
    assert told.exit_code == 0
    assert "Entry 14 says that the clock was right though entries lie 399 days ahead" in " ".join(
        told.output.split()
    )


def test_a_witness_without_signature_is_compared_and_noted(
    settings: Settings, tmp_path: Path
) -> None:
    audit(settings, "checkpoint")
    (path,) = settings.checkpoints.glob("checkpoint-*.txt")
    bare = tmp_path / "witness.txt"
    bare.write_text(path.read_text().partition("signature:")[0])
    found = audit(settings, "verify", "--witness", str(bare))
    assert found.exit_code == 0 and "witness.txt bears no signature" in found.output, found.output
    by_hand(settings.folder / "control.db", "UPDATE audit_entry SET actor = 'x' WHERE entry_id = 3")
    shutil.rmtree(settings.checkpoints)
    assert audit(settings, "verify", "--witness", str(bare)).exit_code == 1


def test_a_witness_is_read_out_of_an_e_mail_however_it_was_encoded(
    settings: Settings, tmp_path: Path
) -> None:
    audit(settings, "checkpoint")
    (path,) = settings.checkpoints.glob("checkpoint-*.txt")
    text, kept = path.read_text(), tmp_path / "witness.eml"
    words = ("verify", "--witness", str(kept))
    for how in ("base64", "quoted-printable"):
        mail = EmailMessage()
        mail.set_content(f"Hello,\n\n{text}", cte=how)
        kept.write_bytes(mail.as_bytes())
        assert audit(settings, *words).exit_code == 0
    mail = EmailMessage()
    mail.set_content("See the file.")
    page = "<html><p>" + text.replace("\n", "<br>\r\n") + "</p></html>"
    mail.add_alternative(page, subtype="html", cte="base64")
    mail.add_attachment(text.encode(), maintype="application", subtype="octet-stream")
    kept.write_bytes(mail.as_bytes())
    found = audit(settings, *words)
    assert found.exit_code == 0 and "and 1 of witnesses" in found.output, found.output
    kept.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600)
    assert "as Outlook saves it (.msg), which is not read" in audit(settings, *words).output


def test_a_key_is_known_by_what_its_signatures_bear(settings: Settings) -> None:
    audit(settings, "checkpoint")
    (path,) = settings.checkpoints.glob("checkpoint-*.txt")
    mark = path.read_text().partition("key: epoch 1, ")[2][:16]
    rotate(settings, "record")
    (record,) = (one for one in key_states(settings) if one.kind == "record")
    assert [one.epoch for one in record.epochs if one.fingerprint == mark] == [1]
    with open_control(settings) as control:
        last = control.audit_entries("oversight")[-1]
    assert last.detail == {"key": "record", "epoch": 2}, "a key is no data that were altered"
    with pytest.raises(ConfigError, match="looks like an identifier"):
        destroy(settings, "record", 1, why="About CU0000017")
