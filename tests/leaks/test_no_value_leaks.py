"""Canaries run through everything a partnership does must be found nowhere but in the inbox."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
import traceback
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from canaries import CANARY, KEYS, NEEDLES, REFUSED, plant
from copying import copied_whole
from few_counts import few_counts
from leak_scan import scan_bytes, scan_store, scan_tree, store_words, words_in
from listening import mail_server
from slight import in_this_process, make_slight

import flows.ingest
import governance.pseudonymise
from flows.keys.rings import release_key, store_keys
from flows.refresh import run_refresh
from flows.settings import load_settings
from linkage import store
from linkage.quality import ESTIMATES
from schemas.encoded import encoded_schema
from schemas.errors import JourneysError
from schemas.mapping import own_layout
from schemas.marks import GROUNDS
from schemas.tables import TABLES
from synthetic import write_extracts
from warehouse import staging
from warehouse.connect import open_release, open_store

# Identifiers are at home here and nowhere else.
LEAVE_OUT = ("inbox", "truth")
JOURNEYS = Path(sys.executable).with_name("journeys")
SUPPORT = Path(__file__).parents[1] / "support"
IN_TURN = """
import json, os, sys
from flows.cli import main

sys.path.append(sys.argv[2])
if sys.argv[3:]:
    import deeds
    os.environ["REAL_CHILD"] = "1"
    deeds.prepare()
else:
    import pytest, slight
    slight.trust_the_extension(pytest.MonkeyPatch())

def exit_of(words):
    sys.argv = ["journeys", *words]
    try:
        main()
    except SystemExit as done:
        return done.code or 0
    return 0

commands = json.loads(sys.argv[1])
print("\\n" + json.dumps([exit_of(words) for words in commands]))
"""


def identifiers_in(inbox: Path) -> set[str]:
    """Every key, identifier and postcode in a folder of extracts, but names, dates and initials."""
    found: set[str] = set()
    for partner, tables in TABLES.items():
        for table in tables:
            path = inbox / partner / f"{table.name}.csv"
            if table.optional and not path.exists():
                continue
            frame = pl.read_csv(path, infer_schema=False, encoding="utf8-lossy")
            for column in frame.columns:
                spec = table.columns.get(column.lower())
                told = spec is None or spec.role == "attribute"
                if not told and spec.kind not in ("name", "dob", "initial"):
                    found |= set(frame[column].drop_nulls().to_list())
    return {value.replace(" ", "").lower() for value in found if len(value) > 6}


def zipped(content: bytes) -> bytes:
    """A zip file with one member."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", content)
    return packed.getvalue()


def journeys(folder: Path, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command as a data lead would, with a home and a temporary folder of its own."""
    home, temporary = folder / "home", folder / "tmp"
    home.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PREFECT")},
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "JOURNEYS_CONFIG": str(folder / "partnership.yaml"),
    }
    command = [sys.executable, "-c", *args] if args[0] == IN_TURN else [JOURNEYS, *args]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=280, cwd=folder
    )
    (folder / f"output-{len(list(folder.glob('output-*')))}.txt").write_text(
        done.stdout + done.stderr
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


def one_after_another(
    folder: Path, commands: list[list[str]], *, slight: bool = False
) -> list[int]:
    """Run commands in one process, which is started and imports what it needs once; their exits.

    What is slight builds a few marts and drafts few counts: for what is told before either.
    """
    done = journeys(folder, IN_TURN, json.dumps(commands), str(SUPPORT), *["slight"] * slight)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(autouse=True)
def _encode_in_this_process(monkeypatch) -> None:
    """A leak planted in this process would not be in a child; commands do run with one."""
    in_this_process(monkeypatch)


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    """A demonstration partnership of few people with canaries among them, that has not run."""
    folder = tmp_path_factory.mktemp("planted")
    write_extracts(150, 3, folder)
    assert plant(folder / "inbox") > 100
    journeys(folder, "init", "--out", str(folder), "--demo")
    config = folder / "partnership.yaml"
    config.write_text(config.read_text().replace(": half-year", ": year"))
    return folder


@pytest.fixture
def partnership(planted, tmp_path) -> Path:
    """A test's own copy of it."""
    return shutil.copytree(planted, tmp_path / "partnership")


@pytest.fixture(scope="module")
def travelled(planted, tmp_path_factory) -> Path:
    """A partnership whose canaries have been everywhere: run with Prefect, queried, published."""
    folder = shutil.copytree(planted, tmp_path_factory.mktemp("travelled") / "partnership")
    journeys(folder, "run")
    asked = [
        ["sql", "SELECT * FROM person LIMIT 500"],
        ["status"],
        ["publish", "--demo-officers"],
        *audit_words(folder),
        *(check_words(folder, partner) for partner in TABLES),
        *rights_words(folder),
        *upkeep_words(folder),
    ]
    done = [*([0] * 8), *(1 for _ in TABLES), 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    with much_to_tell(folder):
        assert one_after_another(folder, asked) == done
    (published,) = (folder / "publications").iterdir()
    (proof,) = (folder / "certificates").rglob("*.certificate")
    journeys(folder, "verify", str(published), "--certificate", str(proof))
    return folder


@contextlib.contextmanager
def much_to_tell(folder: Path) -> Iterator[None]:
    """Something is amiss, and there is somebody to tell; `letters.txt` is what they were sent."""
    stray = folder / "drafts" / f"{CANARY['surname']} {CANARY['crn']}.txt"
    stray.write_text(CANARY["nhsno"])
    config = folder / "partnership.yaml"
    text = config.read_text()
    people = "sender: hub@here.example, recipients: [lead@here.example]"
    with mail_server() as mail:
        there = f"host: 127.0.0.1, port: {mail.port}, security: none, {people}"
        config.write_text(f"{text}\nalerts:\n  email: {{{there}}}\n")
        yield
    config.write_text(text)
    stray.unlink()
    letters = [f"{one['Subject']}\n{one.get_content()}" for one in mail.taken]
    (folder / "letters.txt").write_text("\n\n".join(letters))


def upkeep_words(folder: Path) -> list[list[str]]:
    """The words of who looks after a partnership folder; the reports lie in it."""
    custodian = folder.parent / "custodian"
    backups, nowhere = str(custodian / "backups"), str(custodian / "backup.key" / "backups")
    return [
        ["backup", "key", "--out", str(custodian / "backup.key")],
        ["backup", "make", "--alert", "--out", backups, "--json", str(folder / "backup.json")],
        ["backup", "make", "--alert", "--out", nowhere],
        ["doctor", "--all", "--digests", "--sources", "--json", str(folder / "doctor.json")],
        ["schedule", "housekeeping", "--json", str(folder / "looked-after.json")],
        ["schedule", "status", "--alert", "--json", str(folder / "standing.json")],
        ["schedule", "settings"],
    ]


def audit_words(folder: Path) -> list[list[str]]:
    """The words that show the record, prove it and give it away; the files lie in the folder."""
    witness = str(folder / "checkpoint.txt")
    return [
        ["audit", "list", "--last", "500"],
        ["audit", "checkpoint", "--out", witness],
        ["audit", "export", "--out", str(folder / "record.jsonl")],
        ["audit", "export", "--out", str(folder / "record.csv")],
        ["audit", "verify", "--witness", witness, "--json", str(folder / "verified.json")],
    ]


def rights_words(folder: Path) -> list[list[str]]:
    """The words of requests that name a canary; the answer to one of them lies in the folder."""
    requests = folder / "inbox" / "requests"
    requests.mkdir()
    named = {"police": ("pnc_id",), "treatment": ("nhsno",), "housing": ("favourite", "nino")}
    files = {}
    for partner, columns in named.items():
        files[partner] = requests / f"{partner}.csv"
        given = [CANARY.get(column, CANARY["surname"]) for column in columns]
        files[partner].write_text(",".join(columns) + "\n" + ",".join(given) + "\n")

    def asked(what: str, partner: str, *words: str) -> list[str]:
        return ["rights", what, "--partner", partner, "--file", str(files[partner]), *words]

    answer = ("--to", "A. Officer", "--out", str(folder / "answer.duckdb"))
    officer = ("--officer", "A. Officer")
    return [
        asked("access", "police", *answer),
        asked("rectify", "police", "--what", "values", "--preview"),
        asked("rectify", "police", "--what", "link", *officer),
        asked("opt-out", "treatment"),
        asked("erase", "housing"),
    ]


def check_words(folder: Path, partner: str) -> list[str]:
    """The words that check a partner's inbox, with every report there is."""
    out = folder / "checks"
    out.mkdir(exist_ok=True)
    reports = [f"--{form}={out / f'{partner}.{form}'}" for form in ("html", "csv", "json")]
    return ["check", partner, str(folder / "inbox" / partner), *reports]


def open_stores(folder: Path) -> list[duckdb.DuckDBPyConnection]:
    """Every encrypted store and release of a partnership, opened with its key."""
    settings = load_settings(folder / "partnership.yaml")
    stores = [
        open_store(path, store_keys(settings, path.parent.name)[path.stem], read_only=True)
        for path in sorted((folder / "stores").glob("*/*.duckdb"))
    ]
    releases = sorted((folder / "releases").glob("*/warehouse.duckdb"))
    answers = [
        open_store(path, path.with_name(f"{path.name}.key").read_text().strip(), read_only=True)
        for path in folder.glob("answer.duckdb")
    ]
    return (
        answers
        + stores
        + [open_release(path, release_key(settings, path.parent.name)) for path in releases]
    )


def test_the_canaries_travelled(travelled):
    """If they were all refused at the door, finding none proves nothing."""
    settings = load_settings(travelled / "partnership.yaml")
    path = next((travelled / "stores").glob("*/staging.duckdb"))
    keys = store_keys(settings, path.parent.name)
    staging = open_store(path, keys["staging"], read_only=True)
    born = staging.execute(
        """SELECT count(*) FROM (
            SELECT birth_year, postcode_district FROM police_custody
            UNION ALL SELECT birth_year, postcode_district FROM probation_sentence
            UNION ALL SELECT birth_year, postcode_district FROM treatment_episode
            UNION ALL SELECT birth_year, postcode_district FROM housing_person)
        WHERE birth_year = 1931 AND postcode_district = 'NR7'"""
    ).fetchone()
    staging.close()
    assert born is not None and born[0] == 4
    assert list((travelled / "publications").rglob("*.csv"))
    assert (travelled / ".prefect").exists()
    quarantined = "".join(p.read_text() for p in travelled.glob("quarantine/*/*.csv"))
    assert "code_unknown" in quarantined


def test_prefect_was_told_something(travelled):
    """Were its tables empty, finding nothing in them would prove nothing."""
    with contextlib.closing(sqlite3.connect(travelled / ".prefect" / "prefect.db")) as database:
        tables = ("flow_run", "task_run", "flow_run_state", "log", "events", "artifact")
        told = {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone() for name in tables
        }
        shown = [str(row) for row in database.execute("SELECT key, data FROM artifact")]
    assert all(count > 0 for (count,) in told.values()), told
    assert len(shown) == 4 and any("code_unknown" in one for one in shown)
    assert NEEDLES.in_bytes("".join(shown).encode()) == set()


def test_those_who_look_after_it_were_told_something(travelled):
    """The scans below read it too: what was told, and what was found amiss."""
    letters = (travelled / "letters.txt").read_text()
    assert "backup-failed" in letters and "housekeeping" in letters
    findings = json.loads((travelled / "doctor.json").read_text())
    said = json.dumps(findings)
    assert "belong to no run" in said and "folders-above" in said
    custodian = travelled.parent / "custodian"
    assert len(list(custodian.rglob("*"))) > 2 and scan_tree(custodian, NEEDLES) == {}


def test_no_file_holds_a_value(travelled):
    assert scan_tree(travelled, NEEDLES, LEAVE_OUT) == {}


def test_no_open_store_holds_a_value(travelled):
    found = {}
    for connection in open_stores(travelled):
        found |= scan_store(connection, NEEDLES)
        connection.close()
    assert found == {}


def test_no_id_of_anybody_is_anywhere(travelled):
    """Not the canaries alone: every id, key and postcode that any partner sent."""
    everybody = identifiers_in(travelled / "inbox")
    assert len(everybody) > 500
    assert everybody & words_in((travelled / "inbox/police/custody.csv").read_bytes())
    left_out = {travelled / name for name in LEAVE_OUT}
    for path in travelled.rglob("*"):
        if path.is_file() and not left_out & set(path.parents):
            assert everybody & words_in(path.read_bytes()) == set(), path.relative_to(travelled)
    for connection in open_stores(travelled):
        assert everybody & store_words(connection) == set()
        connection.close()


def test_the_stores_hold_only_the_tables_and_columns_they_are_meant_to(travelled):
    """What no needle finds, a derived value in a new column, is found by its being there."""
    found: dict[str, dict[str, set[str]]] = {"identity": {}, "staging": {}, "suppression": {}}
    settings = load_settings(travelled / "partnership.yaml")
    for name, tables in found.items():
        path = next((travelled / "stores").glob(f"*/{name}.duckdb"))
        key = store_keys(settings, path.parent.name)[name]
        connection = open_store(path, key, read_only=True)
        columns = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'store'"
        ).fetchall()
        for table, column in columns:
            tables.setdefault(table, set()).add(column)
        connection.close()
    assert found["staging"] == {
        **{name: set(columns) for name, columns in staging.TABLES.items()},
        "extract": set(staging.EXTRACT),
    }
    assert found["identity"] == {
        "encoded_record": set(encoded_schema()),
        "candidate_link": {
            "record_id_l", "record_id_r", "match_weight", "guarded", "linked"
        },
        "attached_link": {"record_id_l", "record_id_r", "match_weight"},
        "person": {"person_id", "created_at", "created_run", "retired_run"},
        "person_record": {"record_id", "person_id"},
        "person_history": {
            "happened_at", "run_id", "cause", "person_before", "person_after", "records"
        },
        "bridge": {"record_id_before", "record_id_after"},
        "delivered_record": {"record_id", "partner", "fingerprint"},
        "linked_record": {"record_id", "fingerprint", "record_id_first"},
        "crowded_block": {"block", "token"},
        "linked_by": {"method"},
        "mark": {"record_id", "partner", *GROUNDS},
        "review_pair": {"pair", "asked", "record_id_l", "record_id_r", "why"},
        "review_decision": {
            "number", "record_id_l", "record_id_r", "decision", "reason", "officer", "decided_at"
        },
        "quality_estimate": {"made_of", *ESTIMATES},
    }  # fmt: skip
    assert found["suppression"] == {
        "suppression_token": {"request_id", "line", "value_id", "ground", "epoch", "token"}
    }


SPOILT = {
    "other encoding": lambda text: text.encode("utf-16-le"),
    "cut short": lambda text: text[: len(text) // 2].encode() + b'"' + CANARY["surname"].encode(),
    "null byte": lambda text: text.encode() + b"\x00" + CANARY["surname"].encode(),
    "renamed column": lambda text: text.replace("surname", CANARY["surname"], 1).encode(),
    "ragged": lambda text: text.replace("\n", f',"{CANARY["nino"]}\n', 3).encode(),
    "mostly wrong": lambda text: text.replace("2", REFUSED).encode(),
}

SENT = {"police": "custody", "probation": "sentence", "housing": "person"}
IN_RUNS = {
    "one": ["other encoding", "cut short", "renamed column"],
    "two": ["mostly wrong", "null byte", "ragged"],
}


def copies(travelled: Path, beside: Path, names: Iterable[str]) -> dict[str, Path]:
    """Copies of a partnership by name, to be run one after another."""
    but = ("home", "tmp", ".prefect")
    return {name: copied_whole(travelled, beside / name, but) for name in names}


def run_in_turn(beside: Path, folders: Iterable[Path]) -> list[int]:
    """Run several partnerships, each with a child that encodes; how each run ended."""
    configs = [str(folder / "partnership.yaml") for folder in folders]
    commands = [["run", "--no-server", "--config", at] for at in configs]
    return one_after_another(beside, commands, slight=True)


def test_a_refused_extract_is_not_echoed(travelled, tmp_path):
    """Each run is refused for what several partners sent, and tells of every one of them."""
    folders = copies(travelled, tmp_path, ["one", "two"])
    spoilt = {folders[one]: dict(zip(SENT, some, strict=True)) for one, some in IN_RUNS.items()}
    for folder, hows in spoilt.items():
        for partner, how in hows.items():
            path = folder / "inbox" / partner / f"{SENT[partner]}.csv"
            path.write_bytes(SPOILT[how](path.read_text()))
    assert run_in_turn(tmp_path, folders.values()) == [1, 1]
    (said,) = (path.read_text() for path in tmp_path.glob("output-*.txt"))
    assert {partner: said.count(f"{partner}: ") for partner in SENT} == dict.fromkeys(SENT, 2)
    left_out = [f"{name}/{place}" for name in folders for place in LEAVE_OUT]
    assert scan_tree(tmp_path, NEEDLES, left_out) == {}


def test_checks_tell_of_the_canaries_by_rule_alone(travelled):
    """If the checks found nothing wrong, that they echo nothing proves nothing."""
    for partner in TABLES:
        told = (travelled / "checks" / f"{partner}.csv").read_text()
        assert "quarantine" in told
        page = (travelled / "checks" / f"{partner}.html").read_text()
        assert NEEDLES.in_bytes((told + page).encode()) == set()


def test_a_hub_shows_no_record_key(travelled):
    words = check_words(travelled, "police")
    done = journeys(travelled, *words, "--show-keys", check=False)
    assert done.returncode == 2
    assert NEEDLES.in_bytes((done.stdout + done.stderr).encode()) == set()


def test_drift_is_told_without_a_value(travelled, tmp_path):
    folders = copies(travelled, tmp_path, ("stop", "warn"))
    for response, folder in folders.items():
        (folder / "policy.yaml").write_text(
            f"drift: {{everyone: {{vanished_column: {response}, rows: {{warn: 0.01, stop: 0.9}}}}}}"
        )
        path = folder / "inbox" / "probation" / "sentence.csv"
        frame = pl.read_csv(path, infer_schema=False)
        frame.drop("rosh").tail(frame.height - 8).write_csv(path)
    assert run_in_turn(tmp_path, folders.values()) == [1, 0]
    (said,) = (path.read_text() for path in tmp_path.glob("output-*.txt"))
    assert " ".join(said.split()).count("column rosh nothing is sent") >= 2
    left_out = [f"{name}/{place}" for name in folders for place in LEAVE_OUT]
    assert scan_tree(tmp_path, NEEDLES, left_out) == {}


def test_a_fault_nobody_foresaw_is_not_echoed(partnership, monkeypatch, caplog, capsys):
    """An exception that quotes a person's details loses them before anyone sees it."""

    def fails(*args: object, **kwargs: object) -> None:
        try:
            raise KeyError(CANARY["surname"])
        except KeyError as error:
            raise ValueError(f"{CANARY['forename']} {KEYS['custody_ref']}") from error

    monkeypatch.setattr("governance.pseudonymise.pseudonymise", fails)
    with pytest.raises(JourneysError) as raised:
        run_refresh(load_settings(partnership / "partnership.yaml"))
    said = "".join(traceback.format_exception(raised.value)) + caplog.text
    said += "".join(capsys.readouterr()) + repr(vars(raised.value))
    assert NEEDLES.in_bytes(said.encode()) == set()
    assert scan_tree(partnership, NEEDLES, LEAVE_OUT) == {}


# The checks above are worth nothing unless they can fail.


@pytest.mark.parametrize(
    "content",
    [
        CANARY["surname"].upper().encode(),
        CANARY["forename"].encode("utf-16-le"),
        b"log: NR79QX",
        base64.b64encode(f"....{CANARY['crn']}....padding".encode()),
        base64.urlsafe_b64encode(pickle.dumps({"who": [CANARY["nhsno"]]})),
        pickle.dumps((1, {"dob": CANARY["dob"]})),
        zlib.compress(b"x" * 500 + KEYS["clientid"].encode()),
        base64.b64encode(zlib.compress(pickle.dumps([CANARY["pnc_id"]]))),
        json.dumps(
            {"data": base64.encodebytes(b"." * 50 + pickle.dumps(CANARY)).decode()}
        ).encode(),
        repr({"born": date(1931, 7, 23)}).encode(),
        b"https://maps/?q=NR7%209QX",
        hashlib.sha256(CANARY["nhsno"].encode()).hexdigest().encode(),
        str(
            int.from_bytes(hashlib.md5(CANARY["surname"].upper().encode()).digest()[:8], "little")
        ).encode(),
        zipped(CANARY["crn"].encode()),
    ],
)
def test_the_scan_finds_a_value_however_it_is_packed(content):
    assert scan_bytes(content, NEEDLES)


def test_the_scan_finds_every_form_wherever_it_stands_in_much_else():
    noise = random.Random(1).randbytes(6_000)
    assert NEEDLES.in_bytes(noise) == set()
    for value, form in NEEDLES._forms:
        for before in range(4_500, 4_504):
            assert value in NEEDLES.in_bytes(noise[:before] + form.upper() + noise[before:])


def test_the_scan_finds_a_value_in_a_database_and_in_a_file_name(tmp_path):
    with sqlite3.connect(tmp_path / "prefect.db") as database:
        database.execute("CREATE TABLE log (message TEXT)")
        database.execute("INSERT INTO log VALUES (?)", [base64.b64encode(pickle.dumps(CANARY))])
    (tmp_path / f"{CANARY['crn']}.csv").touch()
    found = scan_tree(tmp_path, NEEDLES)
    assert set(found) == {"prefect.db", f"{CANARY['crn']}.csv"}


def test_the_scan_finds_a_value_in_a_store(tmp_path):
    connection = open_store(tmp_path / "a.duckdb", "ab" * 32)
    connection.execute("CREATE TABLE t AS SELECT 'x' AS a, ? AS b", [CANARY["surname"].upper()])
    assert set(scan_store(connection, NEEDLES)) == {"t"}
    for told in (
        f"COMMENT ON TABLE t IS '{CANARY['crn']}'",
        f'CREATE TABLE "{CANARY["crn"]}" (i INTEGER)',
        f"CREATE VIEW v AS SELECT '{CANARY['crn']}' AS x",
        f"CREATE TABLE b AS SELECT '{CANARY['crn']}'::BLOB AS x",
        f"CREATE TABLE l AS SELECT ['{CANARY['crn']}'] AS x",
        f"CREATE TABLE p AS SELECT to_base64('padded {CANARY['crn']} padded'::BLOB) AS x",
    ):
        other = open_store(tmp_path / "b.duckdb", "ab" * 32)
        other.execute(told if "COMMENT" not in told else f"CREATE TABLE t (i INTEGER); {told}")
        assert scan_store(other, NEEDLES), told
        other.close()
        (tmp_path / "b.duckdb").unlink()
    connection.close()
    assert scan_tree(tmp_path, NEEDLES) == {}, "the store is encrypted, so the file alone is mute"


def leak_in_the_log(monkeypatch, folder: Path) -> None:
    """A debugging line left in."""
    whole = governance.pseudonymise.pseudonymise

    def leaks(validated, *args, **kwargs):
        (folder / "run.log").write_text(next(iter(validated.frames.values())).write_csv())
        return whole(validated, *args, **kwargs)

    monkeypatch.setattr("governance.pseudonymise.pseudonymise", leaks)


def leak_in_quarantine(monkeypatch, folder: Path) -> None:
    """The refused value written beside the rule, to be helpful."""
    written = flows.ingest._write_quarantine
    monkeypatch.setattr(
        "flows.ingest._write_quarantine",
        lambda run, partner, frame: written(
            run, partner, frame.with_columns(rule=pl.lit(f"code_unknown: {REFUSED}"))
        ),
    )


def leak_in_staging(monkeypatch, folder: Path) -> None:
    """A partner's own key kept among the events."""
    whole = governance.pseudonymise.pseudonymise

    def leaks(validated, *args, **kwargs):
        parted = whole(validated, *args, **kwargs)
        if "custody" in validated.frames:
            own = validated.frames["custody"]["custody_ref"].alias("offence_code")
            parted.events["police_custody"] = parted.events["police_custody"].with_columns(own)
        return parted

    monkeypatch.setattr("governance.pseudonymise.pseudonymise", leaks)


def leak_in_identity(monkeypatch, folder: Path) -> None:
    """A name kept beside its encoding."""
    create = store.create

    def leaks(connection):
        create(connection)
        name = CANARY["surname"].upper()
        connection.execute("CREATE OR REPLACE TABLE note AS SELECT ? AS surname", [name])

    monkeypatch.setattr("linkage.store.create", leaks)


def leak_in_history(monkeypatch, folder: Path) -> None:
    """Codes remembered as they came, whether or not a list holds them."""
    monkeypatch.setattr(
        "schemas.drift._code_counts",
        lambda values, *_: dict(values.drop_nulls().value_counts().iter_rows()),
    )


LEAKS = {
    leak_in_the_log: "run.log",
    leak_in_quarantine: "quarantine/",
    leak_in_staging: "police_custody",
    leak_in_identity: "note",
    leak_in_history: "control.db",
}
"""Ways a careless change could leak, and where each is found."""


def test_leaks_planted_in_the_flow_are_found_each_in_its_place(partnership, monkeypatch):
    make_slight(monkeypatch)
    for leak in LEAKS:
        leak(monkeypatch, partnership)
    with few_counts():
        run_refresh(load_settings(partnership / "partnership.yaml"))
    found = dict(scan_tree(partnership, NEEDLES, LEAVE_OUT))
    for connection in open_stores(partnership):
        found |= scan_store(connection, NEEDLES)
        connection.close()
    missed = [place for place in LEAKS.values() if not any(at.startswith(place) for at in found)]
    assert missed == []


def test_a_leak_planted_in_a_check_turns_the_checks_red(partnership):
    """The record key put into a report, to be helpful."""
    import flows.intake.check
    from flows.intake.given import given_files

    inbox = partnership / "inbox" / "police"
    given = given_files(own_layout("police"), [inbox])
    report, frames = flows.intake.check.check_files(given, today=date(2026, 6, 30))
    assert NEEDLES.in_bytes(flows.intake.check.csv_report(report).encode()) == set()
    # The last custody record is the one that was made to break a rule.
    bad = frames["custody"].with_columns(custody_ref=pl.lit(KEYS["custody_ref"]))
    shown = list(flows.intake.check.own_keys(report, {**frames, "custody": bad}))
    assert NEEDLES.in_bytes(repr(shown).encode()) == {KEYS["custody_ref"]}
