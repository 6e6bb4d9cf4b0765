"""Whatever stands in a file, a mapping, a code list or a policy, no message repeats it.

Every column, header, sheet, file name, code and value map is poisoned in turn, and all that is
said of it is searched: refusals, findings, what is noted and remembered, every report of a check,
the log, and the errors with all they carry.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from canaries import CANARY
from poison import TYPED, found_in, poison, told_by
from policies import LENIENT
from spreadsheets import ods, xlsx
from typer.testing import CliRunner

from flows.cli import app
from schemas.codes import COLUMNS as CODE_COLUMNS
from schemas.codes import code_frame, code_list, crosswalk, requirement_patterns
from schemas.contract import Examined, examine_extract
from schemas.errors import JourneysError
from schemas.extract import read_table
from schemas.mapping import PACKAGED as MAPPINGS
from schemas.mapping import load_mapping, own_layout
from schemas.policy import PACKAGED as POLICY
from schemas.policy import load_policy
from schemas.tables import TABLES, Table, find_table

AS_AT = date(2026, 6, 30)
CUSTODY = find_table("police", "custody")
PARTNERS = tuple(TABLES)


@pytest.fixture(autouse=True)
def silent(caplog, capfd, recwarn) -> Iterator[None]:
    """Nothing is logged, printed or warned of that gives a value away."""
    yield
    out, err = capfd.readouterr()
    warned = "".join(str(one.message) for one in recwarn.list)
    assert found_in(caplog.text + out + err + warned) == set()


def said_of(run: Callable[[], Any]) -> str:
    """All that doing something says, whether it fails or not."""
    try:
        made = run()
    except JourneysError as error:
        return told_by(error)
    return said_by(made) if isinstance(made, Examined) else ""


def said_by(examined: Examined) -> str:
    """All that is told and remembered of an extract, but its tables."""
    validated = examined.validated
    frames = (examined.findings, validated.quarantine, validated.noted)
    told = "".join(frame.write_csv() + repr(frame) for frame in frames)
    told += json.dumps(examined.profile) + repr(examined.refusals)
    told += repr((validated.partner, validated.rows, validated.withheld, validated.quarantined))
    return told + said_of(examined.usable)


# Tables.


def example(table: Table) -> dict[str, str | None]:
    return {name: column.example for name, column in table.columns.items()}


def one_by_one(table: Table) -> Iterator[dict[str, str | None]]:
    """The example with a poisoned word, and a valid one of its kind, in each column in turn."""
    for name, column in table.columns.items():
        yield example(table) | {name: poison()}
        yield example(table) | {name: f"{poison()} {poison()}"}
        if column.kind in TYPED:
            yield example(table) | {name: TYPED[column.kind]}
            yield example(table) | {name: f"{TYPED[column.kind]}X"}


def at_once(table: Table) -> Iterator[dict[str, str | None]]:
    """Every column poisoned; then all that are of a kind valid, and dates that are not in order."""
    yield {name: poison() for name in table.columns}
    for day in ("2024-01-05", "1931-07-22", "2031-07-23"):
        yield {
            name: TYPED.get(column.kind, day if column.kind == "date" else poison())
            for name, column in table.columns.items()
        }


def frames_of(partner: str, rows: Callable[[Table], Iterator[Any]]) -> dict[str, pl.DataFrame]:
    """Tables of those rows, each with a column that nobody knows."""
    return {
        table.name: pl.DataFrame(
            [{**row, poison().lower(): poison()} for row in rows(table)],
            infer_schema_length=None,
        )
        for table in TABLES[partner]
    }


@pytest.mark.parametrize("policy", [None, LENIENT], ids=["packaged", "lenient"])
@pytest.mark.parametrize("rows", [one_by_one, at_once])
@pytest.mark.parametrize("partner", PARTNERS)
def test_what_is_found_in_tables_is_told_without_a_value(partner, rows, policy):
    frames = frames_of(partner, rows)
    poisoned = "".join(frame.write_csv() for frame in frames.values())
    assert len(found_in(poisoned)) > 100
    said = said_of(lambda: examine_extract(partner, frames, as_at=AS_AT, policy=policy))
    assert "code_unknown" in said
    assert found_in(said) == set()


@pytest.mark.parametrize("partner", PARTNERS)
def test_a_column_or_table_that_is_missing_is_told_without_a_value(partner):
    frames = frames_of(partner, at_once)
    # Without a table that may be missing the rest is examined: that is seen of all such at once.
    missing = [[table.name for table in TABLES[partner] if table.optional]]
    missing += [[table.name] for table in TABLES[partner] if not table.optional]
    for names in missing:
        other = {poison() if name in names else name: frame for name, frame in frames.items()}
        assert found_in(said_of(lambda f=other: examine_extract(partner, f))) == set()
    for table in TABLES[partner]:
        for name in [name for name, column in table.columns.items() if column.required]:
            lacking = {**frames, table.name: frames[table.name].rename({name: poison()})}
            assert found_in(said_of(lambda f=lacking: examine_extract(partner, f))) == set()


def test_a_check_that_breaks_down_is_told_without_a_value(monkeypatch):
    """Errors of polars and pandera quote what they choke on."""
    frames = frames_of("police", at_once)
    named = poison()

    def chokes(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError(f"could not parse {named}")

    for what in ("schemas.standardise.iso_date", "schemas.identifiers.pnc_id"):
        with monkeypatch.context() as patch:
            patch.setattr(what, chokes)
            said = said_of(lambda: examine_extract("police", frames, as_at=AS_AT, policy=LENIENT))
            assert "could not be checked" in said
            assert found_in(said) == set()


# Files.


def text_of(names: list[str], rows: list[list[str]], delimiter: str = ",") -> str:
    made = io.StringIO()
    csv.writer(made, delimiter=delimiter, lineterminator="\n").writerows([names, *rows])
    return made.getvalue()


def grid() -> tuple[list[str], list[list[str]]]:
    """A custody table, poisoned in every cell."""
    return list(CUSTODY.columns), [[poison() for _ in CUSTODY.columns] for _ in range(3)]


def text_files() -> Iterator[tuple[str, bytes]]:
    names, rows = grid()
    good = text_of(names, rows)
    yield "every header another", text_of([poison() for _ in names], rows).encode()
    for at in range(len(names)):
        renamed = [poison() if at == place else name for place, name in enumerate(names)]
        yield f"header {at}", text_of(renamed, rows).encode()
        twice = [names[at - 1] if at == place else name for place, name in enumerate(names)]
        yield f"header {at} twice", text_of(twice, rows).encode()
    yield "one more header twice", text_of([*names, "qz0000vanir", "qz0000vanir"],
                                           [[*row, "", ""] for row in rows]).encode()  # fmt: skip
    yield "long header", text_of([*names[1:], poison() * 9_000], rows).encode()
    yield "no header", text_of(rows[0], rows).encode()
    yield "only a header", text_of([poison()], []).encode()
    yield "ragged", (good + poison()).encode()
    yield "too many fields", (good + ",".join(poison() for _ in range(99)) + "\n").encode()
    yield "open quote", (good + '"' + poison()).encode()
    yield "quote out of place", good.replace("Qz", 'Q"z', 1).encode()
    yield "long value", good.replace(rows[1][3], poison() * 9_000).encode()
    yield "null byte", good.encode() + b"\x00" + poison().encode()
    yield "cut in a character", good.encode() + "é".encode()[:1]
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037"):
        yield encoding, good.encode(encoding)
    yield "latin-1", (good + "é" + poison()).encode("latin-1")
    yield "carriage returns", good.replace("\n", "\r").encode()
    for delimiter in ";\t|:":
        yield f"parted by {delimiter!r}", text_of(names, rows, delimiter).encode()
    yield "html", f"<table><td>{poison()}</td></table>".encode()
    yield "json", json.dumps({poison(): poison()}).encode()
    for magic in (b"%PDF", b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"PK\x03\x04", b"PAR1"):
        yield repr(magic), magic + poison().encode() * 20
    yield "base64", base64.b64encode(good.encode())
    yield "nothing", b""


def workbooks() -> Iterator[tuple[str, bytes]]:
    names, rows = grid()
    for kind, make in (("xlsx", xlsx), ("ods", ods)):
        yield f"{kind}: two sheets", make({poison(): [names, *rows], poison(): [[poison()]]})
        yield f"{kind}: other headers", make({poison(): [[poison() for _ in names], *rows]})
        yield f"{kind}: headers twice", make({poison(): [[poison().lower()] * 9, *rows]})
        yield f"{kind}: no header", make({poison(): [[None] * 3, *rows]})
        yield f"{kind}: empty", make({poison(): []})
        yield f"{kind}: long value", make({poison(): [names, *rows, [poison() * 9_000]]})
        yield f"{kind}: formula", make({"custody": [names, *rows, [f"=1+{poison()}"]]})
        whole = make({poison(): [names, *rows]})
        yield f"{kind}: cut", whole[: len(whole) // 2]


def parquets() -> Iterator[tuple[str, bytes]]:
    names, rows = grid()
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    odd: dict[str, dict[str, Any]] = {
        "other headers": {poison(): values for values in columns.values()},
        "headers twice": columns
        | {f"QZ{at}": ["a"] * 3 for at in "Ss"}
        | {"CUSTODY_REF": ["a"] * 3},
        "nested": columns | {poison(): [[poison()]] * 3},
        "bytes": columns | {poison(): [poison().encode()] * 3},
        "long value": columns | {names[0]: [poison() * 9_000] * 3},
    }
    for name, made in odd.items():
        out = io.BytesIO()
        pl.DataFrame(made).write_parquet(out)
        yield f"parquet: {name}", out.getvalue()
        yield f"parquet: {name}, cut", out.getvalue()[: len(out.getvalue()) - 9]


FILES = [*text_files(), *workbooks(), *parquets()]


@pytest.mark.parametrize("mapped", [False, True], ids=["plain", "mapped"])
@pytest.mark.parametrize("content", [c for _, c in FILES], ids=[name for name, _ in FILES])
def test_a_file_is_refused_or_read_without_a_word_of_it(content, mapped, tmp_path):
    folder = tmp_path / poison()
    folder.mkdir()
    path = folder / f"{poison()}.csv"
    path.write_bytes(content)
    mapping = own_layout("police") if mapped else None
    said = said_of(lambda: read_table(path, CUSTODY, mapping=mapping, as_at=AS_AT))
    assert found_in(said.replace(str(tmp_path), "")) == set()


def test_most_of_those_files_are_refused(tmp_path):
    """If they were read, that nothing was said of them proves nothing."""
    refused = 0
    for _, content in FILES:
        path = tmp_path / "custody.csv"
        path.write_bytes(content)
        refused += bool(
            said_of(lambda p=path: read_table(p, CUSTODY, mapping=own_layout("police")))
        )
    assert refused > 0.6 * len(FILES)


# Mappings, code lists and policies: a value map, a code or a key may be taken from a record.


def spoiled(document: Any, keys: bool = True) -> Iterator[tuple[str, Any]]:
    """A document with poison in the place of each value and, if wanted, as each key."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield f"{key}", document | {key: poison()}
            yield f"{key} as a list", document | {key: [poison(), poison()]}
            for name, inner in spoiled(value, keys):
                yield f"{key}.{name}", document | {key: inner}
            if keys:
                yield f"{key} as a group", document | {key: {poison(): poison()}}
                other = {name: one for name, one in document.items() if name != key}
                yield f"{key} renamed", other | {poison(): value}
        if keys:
            yield "one more", document | {poison(): poison()}
            yield "one more group", document | {poison(): {poison(): [poison()]}}
    elif isinstance(document, list):
        yield "list", [*document, poison()]


MAPPING = {
    "partner": "police",
    "system": "ours",
    "title": "Ours",
    "tables": {
        "custody": {
            "file": "c*.csv",
            "dates": "%d/%m/%Y",
            "columns": {
                "custody_ref": "Ref",
                "arrest_date": "Arrested",
                "dob": {"from": "Born", "dates": ["%d/%m/%Y", "%d/%m/%y"], "empty": ["x"]},
                "sex": {"from": "Sex", "values": {"Man": "M", "Woman": "F"}},
                "forename": {"from": "Name", "match": r",\s*(.+)$"},
                "surname": {"from": ["A", "B"], "join": " "},
            },
            "constants": {"ethnicity": "W1"},
            "empty": ["NULL"],
            "ignore": ["Officer"],
        },
        "drug_test": {
            "file": "t*.csv",
            "columns": {"drug_test_ref": "Ref", "custody_ref": "Custody", "test_date": "Day",
                        "result": "Result"},
        },
    },
}  # fmt: skip


def test_a_mistake_in_a_mapping_is_told_without_what_it_says(tmp_path):
    path = tmp_path / "police-ours.yaml"
    path.write_text(yaml.safe_dump(MAPPING))
    assert said_of(lambda: load_mapping("police", "ours", tmp_path)) == ""
    refused = 0
    for name, made in spoiled(MAPPING):
        path.write_text(yaml.safe_dump(made))
        said = said_of(lambda: load_mapping("police", "ours", tmp_path))
        refused += bool(said)
        assert found_in(said) == set(), name
    assert refused > 60
    value_map = yaml.safe_load(yaml.safe_dump(MAPPING))
    for key in (poison(), poison().lower()):
        for values in ({key: [key]}, {key: None, "x": {key: key}}, {key: "M", key.upper(): "F"}):
            value_map["tables"]["custody"]["columns"]["sex"]["values"] = values
            path.write_text(yaml.safe_dump(value_map))
            assert found_in(said_of(lambda: load_mapping("police", "ours", tmp_path))) == set()
    for said in (
        f"{poison()}: [",
        f"a: {poison()}\na: {poison()}",
        f"\t{poison()}",
        poison(),
        f"&{poison()} a: *{poison()}",
        f"!!python/{poison()} x",
        f"{poison()}: \x00",
    ):
        path.write_text(said)
        assert found_in(said_of(lambda: load_mapping("police", "ours", tmp_path))) == set()
    assert found_in(said_of(lambda: load_mapping("police", poison(), tmp_path))) == set()


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_value_that_a_mapping_does_not_understand_is_not_told(path, tmp_path):
    """Rows of poison under the headers of each supplier's file."""
    partner, _, system = path.stem.partition("-")
    mapping = load_mapping(partner, system)
    for name, mapped in mapping.tables.items():
        table = find_table(partner, name)
        names = list(dict.fromkeys(s for c in mapped.columns.values() for s in c.source))
        rows = [[poison() for _ in names] for _ in range(3)]
        out = io.BytesIO()
        pl.DataFrame(rows, schema=names, orient="row").write_parquet(out)
        file = tmp_path / f"{poison()}.parquet"
        file.write_bytes(out.getvalue())
        said = said_of(lambda f=file, t=table: read_table(f, t, mapping=mapping, as_at=AS_AT))
        assert found_in(said.replace(str(file), "")) == set()


def test_a_mistake_in_a_code_list_is_told_without_what_it_says(tmp_path):
    readers = (code_frame, code_list, crosswalk)
    row = ["W1", "Label", "2020-01-01", "", "confirmed", "Source"]
    for at in range(len(CODE_COLUMNS)):
        headers = [poison() if at == place else name for place, name in enumerate(CODE_COLUMNS)]
        values = [poison() if at == place else value for place, value in enumerate(row)]
        for names, cells in ((headers, row), (CODE_COLUMNS, values), (headers, values)):
            (tmp_path / "ethnicity.csv").write_text(text_of(list(names), [cells]))
            for read in readers:
                assert found_in(said_of(lambda r=read: r("ethnicity", tmp_path))) == set()
    (tmp_path / "ethnicity.csv").write_bytes(b"code,label\n\xff" + poison().encode())
    assert found_in(said_of(lambda: code_list("ethnicity", tmp_path))) == set()
    (tmp_path / "ethnicity.csv").unlink()
    for cells in (
        [poison(), "", ""],
        ["ethnicity", poison(), poison()],
        ["ethnicity", "", poison()],
    ):
        (tmp_path / "lists.csv").write_text(text_of(["list", "title", "unknown"], [cells]))
        assert found_in(said_of(lambda: code_list("ethnicity", tmp_path))) == set()
    for cells in ([poison(), poison(), ""], [f"({poison()}", "DRR", ""], ["", "DRR", poison()]):
        name = "requirement_description.csv"
        (tmp_path / name).write_text(text_of(["pattern", "category", "source"], [cells]))
        assert found_in(said_of(lambda: requirement_patterns(tmp_path))) == set()


def test_a_mistake_in_a_policy_is_told_without_what_it_says(tmp_path):
    path = tmp_path / "policy.yaml"
    packaged = yaml.safe_load(POLICY.read_text("utf-8"))
    packaged["dated"] = str(packaged["dated"])
    packaged["severity"]["columns"] = {"police.custody.pnc_id": {"pnc_id_invalid": "empty"}}
    packaged["thresholds"]["partners"] = {"police": {"quarantined": 0.2}}
    refused = 0
    # Its keys are the data lead's own, and named so that a slip is found; its values are not.
    for name, made in spoiled(packaged, keys=False):
        path.write_text(yaml.safe_dump(made))
        said = said_of(lambda: load_policy(path))
        refused += bool(said)
        assert found_in(said) == set(), name
    assert refused > 50


# What a partner sees on its own desk.


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JOURNEYS_CONFIG", raising=False)
    return tmp_path


def checked(desk: Path, partner: str, *words: object) -> tuple[int, str]:
    """The exit code of a check, and all it prints and writes."""
    reports = [f"--{form}={desk / f'report.{form}'}" for form in ("html", "csv", "json")]
    done = CliRunner().invoke(app, ["check", partner, *map(str, words), *reports])
    said = done.output + (told_by(done.exception) if done.exception else "")
    for path in desk.glob("report.*"):
        said += path.read_text("utf-8")
        path.unlink()
    return done.exit_code, said


@pytest.mark.parametrize(
    ("partner", "kind"),
    [
        # How a spreadsheet is read has nothing to do with whose it is.
        pytest.param(
            partner, kind, marks=pytest.mark.slow if partner != "police" and kind != "csv" else []
        )
        for partner in PARTNERS
        for kind in ("csv", "xlsx", "ods")
    ],
)
def test_a_check_tells_nothing_of_what_it_reads(partner, kind, desk):
    folder = desk / "sent"
    folder.mkdir()
    for table in TABLES[partner]:
        rows = [row for make in (one_by_one, at_once) for row in make(table)]
        names = [*table.columns, poison()]
        cells = [[*(row[name] or "" for name in table.columns), poison()] for row in rows]
        path = folder / f"{table.name}.{kind}"
        if kind == "csv":
            path.write_text(text_of(names, cells))
        else:
            path.write_bytes((xlsx if kind == "xlsx" else ods)({poison(): [names, *cells]}))
    code, said = checked(desk, partner, folder)
    assert code == 1
    assert "code_unknown" in said
    assert found_in(said) == set()


def test_a_check_tells_nothing_of_the_names_of_files(desk):
    folder = desk / poison()
    folder.mkdir()
    path = folder / f"{poison()}.csv"
    path.write_text(text_of(*grid()))
    for words in ([path], [folder], [folder / poison()], [path, path], [path, "--table", "custody"],
                  [path, "--table", poison()], [path, "--system", "niche"],
                  [path, "--system", poison()], [path, "--codes", folder / poison()],
                  [path, "--policy", folder / poison()]):  # fmt: skip
        code, said = checked(desk, "police", *words)
        assert code in (1, 2)
        assert found_in(said) == set(), words[1:2]
    code, said = checked(desk, poison(), path)
    assert code == 2
    assert found_in(said) == set()


# The checks above are worth nothing unless they can fail.


@pytest.mark.parametrize(
    "write",
    [
        str,
        str.upper,
        lambda word: word[::-1],
        lambda word: f"x{word.encode().hex()}x",
        lambda word: word.encode().hex().upper(),
        *(lambda word, n=n: base64.b64encode(b"." * n + word.encode()).decode() for n in range(3)),
        lambda word: base64.urlsafe_b64encode(f"??>{word}".encode()).decode(),
        lambda word: word.encode("utf-16-le").decode("latin-1"),
    ],
)
def test_a_poisoned_word_is_found_however_it_is_written(write):
    assert found_in(f"the value is {write(poison())}, which is unknown")


def test_a_typed_value_is_found_and_plain_words_are_not():
    assert found_in(f"born {CANARY['dob']}") == {CANARY["dob"]}
    assert found_in("The police custody table lacks arrest_date. Ask the partner.") == set()


def test_an_error_is_searched_with_all_it_carries():
    word = poison()
    try:
        try:
            raise ValueError(word)
        except ValueError as inner:
            raise JourneysError("It failed.", "Try again.") from inner
    except JourneysError as error:
        assert found_in(told_by(error))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not found_in(told_by(JourneysError("It failed.", "Try again.")))


def test_a_finding_that_quotes_its_value_turns_the_checks_red(monkeypatch):
    """A rule named after what it found, to be helpful."""
    from schemas import contract

    frames = frames_of("police", at_once)
    whole = contract.examine_extract("police", frames, as_at=AS_AT, policy=LENIENT)
    quoting = whole.findings.with_columns(rule=pl.lit(f"code_unknown: {poison()}"))
    leaky = Examined(whole.validated, quoting, whole.refusals, whole.profile)
    assert found_in(said_by(leaky))
