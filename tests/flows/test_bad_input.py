"""Bad input: one clear message, exit code 1, and everything as it was."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from flows.clock import local_day, utc_now
from flows.context import run_lock
from flows.ingest import agree, pull
from flows.refresh import begun_run
from flows.start import agreement_text

if TYPE_CHECKING:
    from conftest import Partnership

CANARY = "XANTHIPPEQUILLFEATHER"


def custody(folder: Path) -> Path:
    return folder / "inbox" / "police" / "custody.csv"


def empty_file(folder: Path) -> None:
    custody(folder).write_bytes(b"")


def header_only(folder: Path) -> None:
    custody(folder).write_text(custody(folder).read_text().splitlines()[0] + "\n")


def truncated(folder: Path) -> None:
    content = custody(folder).read_bytes().rstrip()
    custody(folder).write_bytes(content[: content.rindex(b",") - 12])


def wrong_encoding(folder: Path) -> None:
    text = custody(folder).read_text()
    custody(folder).write_bytes(text.encode("utf-16-le"))


def latin_1(folder: Path) -> None:
    lines = custody(folder).read_text().splitlines()
    lines[1] = lines[1] + "é"
    custody(folder).write_bytes("\n".join(lines).encode("latin-1") + b"\n")


def wrong_column(folder: Path) -> None:
    text = custody(folder).read_text()
    custody(folder).write_text(text.replace("arrest_date", CANARY, 1))


def binary(folder: Path) -> None:
    custody(folder).write_bytes(b"PK\x03\x04" + bytes(range(256)) * 20)


def a_folder(folder: Path) -> None:
    custody(folder).unlink()
    custody(folder).mkdir()


def missing_table(folder: Path) -> None:
    custody(folder).unlink()


def mostly_invalid(folder: Path) -> None:
    lines = custody(folder).read_text().splitlines()
    at = lines[0].lower().split(",").index("outcome")
    broken = [lines[0]]
    for line in lines[1:]:
        cells = line.split(",")
        cells[at] = CANARY
        broken.append(",".join(cells))
    custody(folder).write_text("\n".join(broken) + "\n")


def no_agreement(folder: Path) -> None:
    (folder / "agreements" / "police.yaml").unlink()


def expired_agreement(folder: Path) -> None:
    long_ago = local_day(utc_now()) - timedelta(days=500)
    text = agreement_text("police", True, long_ago)
    (folder / "agreements" / "police.yaml").write_text(text)


def agreement_not_begun(folder: Path) -> None:
    later = local_day(utc_now()) + timedelta(days=5)
    text = agreement_text("police", True, later)
    (folder / "agreements" / "police.yaml").write_text(text)


def unsigned_agreement(folder: Path) -> None:
    path = folder / "agreements" / "police.yaml"
    terms = yaml.safe_load(path.read_text())
    terms["signatures"] = []
    path.write_text(yaml.safe_dump(terms))


def altered_agreement(folder: Path) -> None:
    path = folder / "agreements" / "police.yaml"
    path.write_text(path.read_text().replace("retention_days: 1095", "retention_days: 10950"))


def broken_agreement(folder: Path) -> None:
    (folder / "agreements" / "police.yaml").write_text(f"partner: [{CANARY}\n")


def key_file(folder: Path, name: str) -> Path:
    return folder / "keys" / f"{name}.key"


def no_identifier_key(folder: Path) -> None:
    key_file(folder, "identifier").unlink()


def loose_identifier_key(folder: Path) -> None:
    key_file(folder, "identifier").chmod(0o644)


def no_store_key(folder: Path) -> None:
    key_file(folder, "store").unlink()


def loose_store_key(folder: Path) -> None:
    key_file(folder, "store").chmod(0o640)


def another_store_key(folder: Path) -> None:
    from governance.keys.custody import FileSource, new_ring

    key_file(folder, "store").unlink()
    new_ring(FileSource(key_file(folder, "store")), "store", date(2026, 11, 22))


def short_key(folder: Path) -> None:
    key_file(folder, "identifier").write_text("changeme\n")


def the_store(folder: Path, name: str) -> Path:
    return next((folder / "stores").glob(f"*/{name}.duckdb"))


def corrupt_identity_store(folder: Path) -> None:
    path = the_store(folder, "identity")
    content = bytearray(path.read_bytes())
    content[64 : len(content) // 2] = os.urandom(len(content) // 2 - 64)
    path.write_bytes(content)


def cut_staging_store(folder: Path) -> None:
    path = the_store(folder, "staging")
    path.write_bytes(path.read_bytes()[:5000])


def missing_store(folder: Path) -> None:
    the_store(folder, "staging").unlink()


EXTRACTS = [
    (empty_file, "is empty"),
    (header_only, "no rows"),
    (truncated, "stops in the middle of its last row"),
    (wrong_encoding, "null bytes"),
    (latin_1, "is not in UTF-8"),
    (wrong_column, "lacks arrest_date"),
    (binary, "damaged"),
    (a_folder, "is not whole"),
    (missing_table, "its custody file is not in its inbox"),
    (mostly_invalid, "are invalid"),
]
AGREEMENTS = [
    (no_agreement, "no sharing agreement"),
    (expired_agreement, "expired on"),
    (agreement_not_begun, "not in force until"),
    (unsigned_agreement, "is not signed by"),
    (altered_agreement, "changed after it was signed"),
    (broken_agreement, "not valid YAML"),
]
KEYS_AND_STORES = [
    (no_identifier_key, "identifier.key is missing"),
    (loose_identifier_key, "identifier.key can be read by others"),
    (short_key, "does not hold a whole key"),
    (no_store_key, "store.key is missing"),
    (loose_store_key, "store.key can be read by others"),
    (another_store_key, "cannot be opened with this root key"),
    (corrupt_identity_store, "identity"),
    (cut_staging_store, "staging"),
    (missing_store, "The staging store of the current run is missing"),
]


@pytest.mark.parametrize(
    ("spoil", "said"),
    EXTRACTS + KEYS_AND_STORES,
    ids=lambda case: case.__name__ if callable(case) else "",
)
def test_bad_input_is_told_and_changes_nothing(
    ran: Partnership, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(ran.folder)
    before = ran.kept()
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 1
    assert said in found.stderr
    assert found.stderr.count("Error:") == 1
    assert "Traceback" not in found.output and CANARY not in found.output
    assert found.stdout == ""
    assert ran.kept() == before
    assert CANARY not in (ran.last_problem() or "")


@pytest.mark.parametrize(
    ("spoil", "said"), AGREEMENTS, ids=lambda case: getattr(case, "__name__", "")
)
def test_without_a_sound_agreement_that_partner_only_is_stopped(
    ran: Partnership, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(ran.folder)
    with pytest.raises(ZeroDivisionError), begun_run(ran.settings, None, utc_now) as run:
        agreed = agree(run, pull(run))
        assert set(agreed.agreements) == {"probation", "treatment", "housing"}
        assert said in str(agreed.stopped["police"]) and CANARY not in str(agreed.stopped["police"])
        assert "police" not in agreed.problems
        raise ZeroDivisionError


def test_every_partners_problems_are_told_together(ran: Partnership) -> None:
    empty_file(ran.folder)
    (ran.folder / "agreements" / "housing.yaml").unlink()
    ran.inbox("treatment", "episode").unlink()
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 1
    assert "3 partners cannot be taken in" in found.stderr
    for partner in ("police: ", "housing: ", "treatment: "):
        assert partner in found.stderr


def test_a_partner_that_never_sent_anything_is_told(fresh: Partnership) -> None:
    for path in (fresh.folder / "inbox" / "police").iterdir():
        path.unlink()
    found = fresh.journeys("run", "--no-server")
    assert found.exit_code == 1 and "No extract has ever come from police" in found.stderr


def test_a_held_lock_is_told_and_changes_nothing(ran: Partnership) -> None:
    before = ran.kept()
    with run_lock(ran.settings):
        found = ran.journeys("run", "--no-server")
        published = ran.journeys("publish", "--demo-officers")
    assert found.exit_code == published.exit_code == 1
    assert "Another run is at work" in found.stderr
    assert ran.kept() == before


@pytest.mark.usefixtures("slight")
def test_a_partner_that_left_is_told(ran: Partnership) -> None:
    content = yaml.safe_load(ran.config.read_text())
    del content["partners"]["housing"]
    ran.config.write_text(yaml.safe_dump(content))
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 2 and "housing is staged" in found.stderr


@pytest.mark.usefixtures("all_anew")
def test_validation_that_is_switched_off_is_refused(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = ran.inbox("housing", "duty")
    empty.write_text(empty.read_text() + "\n")
    monkeypatch.setenv("PANDERA_VALIDATION_ENABLED", "False")
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 1 and "switches validation off" in found.stderr


def test_wrong_use_is_exit_code_2(ran: Partnership, tmp_path: Path) -> None:
    assert ran.journeys("publish", "--approve").exit_code == 2
    assert ran.journeys("run", "--surprise").exit_code == 2
    ran.config.write_text(f"surprise: {CANARY}\n")
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 2 and CANARY not in found.output
