"""Pulling from PostgreSQL itself: one moment, reading only, in streams."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import psycopg
import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from servers import cutting
from sources import CANARY, contents, fetched, source

from flows.sources.problems import LackingExtra, SourceAway, SourceRefused

if TYPE_CHECKING:
    from servers import PostgresServer

ROWS = 30_000


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer) -> str:
    made = postgres_server.new_database()
    postgres_server.execute(
        "CREATE TABLE custody (id int, surname text, born date, share numeric)",
        f"INSERT INTO custody VALUES (1, '{CANARY}, \"the 50% one:x\"', '1990-02-01', 1.50)",
        "INSERT INTO custody VALUES (2, NULL, NULL, NULL)",
        "CREATE SEQUENCE numbers",
        "CREATE TABLE drug_test AS SELECT n AS id, repeat('x', 40) AS note "
        f"FROM generate_series(1, {ROWS}) AS n",
        database=made.rpartition("/")[2],
    )
    return made


@pytest.fixture
def given(url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("THE_URL", url)
    return {
        "kind": "database",
        "url": "env:THE_URL",
        "queries": {
            "custody": "SELECT * FROM custody WHERE surname LIKE '%:x%' OR id = 2 ORDER BY id",
            "drug_test": "WITH all_of AS (SELECT * FROM drug_test) SELECT * FROM all_of ORDER BY 1",
        },
        "batch_rows": 1_000,
    }


def refusal(kind: type[Exception], given: dict[str, Any], into: Path) -> str:
    with pytest.raises(kind) as caught:
        fetched(source(**given), into)
    told = str(caught.value)
    assert not any(word in told for word in (CANARY, "surname", "127.0.0.1", "wrong-word"))
    return told


def test_each_query_becomes_a_file(given, tmp_path: Path) -> None:
    found = fetched(source(**given), tmp_path / "i")
    got = contents(found, tmp_path / "i")
    assert got["custody.csv"].splitlines() == [
        "id,surname,born,share",
        f'1,"{CANARY}, ""the 50% one:x""",1990-02-01,1.50',
        "2,,,",
    ]
    assert got["drug_test.csv"].count("\n") == ROWS + 1
    again = fetched(source(**given), tmp_path / "j")
    assert [one.digest for one in again.deliveries] == [one.digest for one in found.deliveries]


def test_a_query_that_would_write_does_not(given, url: str, tmp_path: Path) -> None:
    deleting = "WITH gone AS (DELETE FROM custody RETURNING *) SELECT * FROM gone"
    for writing in (deleting, "SELECT nextval('numbers')"):
        both = given["queries"] | {"custody": writing}
        refusal(SourceRefused, given | {"queries": both}, tmp_path / "i")
    for query in ("DELETE FROM custody", f"SELECT 1; DROP TABLE custody -- {CANARY}"):
        with pytest.raises(ValidationError):
            source(**given | {"queries": {"custody": query}})


def test_a_query_that_cannot_be_carried_out(given, tmp_path: Path) -> None:
    broken = f"SELECT cast(surname AS int) FROM custody WHERE surname > '{CANARY}'"
    for query in (broken, broken.replace(" >", " >="), f'SELECT "{CANARY}" FROM custody'):
        both = given["queries"] | {"custody": query}
        told = refusal(SourceRefused, given | {"queries": both}, tmp_path / "i")
        assert "query" in told


def test_a_wrong_password_and_no_server(given, url: str, monkeypatch, tmp_path: Path) -> None:
    user, _, rest = url.partition("@")
    monkeypatch.setenv("THE_URL", f"{user.rpartition(':')[0]}:wrong-word@{rest}")
    assert "password" in refusal(SourceRefused, given | {"attempts": 4}, tmp_path / "i")
    monkeypatch.setenv("THE_URL", "postgresql+psycopg://u:wrong-word@127.0.0.1:1/x")
    refusal(SourceAway, given, tmp_path / "i")
    monkeypatch.setenv("THE_URL", f"{CANARY}://wrong-word")
    refusal(SourceRefused, given, tmp_path / "i")


def test_a_driver_that_is_not_installed_is_named(given, monkeypatch, tmp_path: Path) -> None:
    for url, extra in {
        "oracle+oracledb://u:wrong-word@host/?service_name=x": "oracle",
        "mssql+pyodbc://u:wrong-word@host/x?driver=ODBC+Driver+18+for+SQL+Server": "sqlserver",
        "mysql+pymysql://u:wrong-word@host/x": "mysql",
        "mariadb://u:wrong-word@host/x": "mysql",
    }.items():
        monkeypatch.setenv("THE_URL", url)
        for module in ("oracledb", "pyodbc", "pymysql"):
            monkeypatch.setitem(sys.modules, module, None)
        assert f"`{extra}`" in refusal(LackingExtra, given, tmp_path / "i")
    # Its extra would not bring a driver that is not the one of the documentation.
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    monkeypatch.setenv("THE_URL", "postgresql+psycopg2://u:wrong-word@host/x")
    assert "postgresql+psycopg://" in refusal(SourceRefused, given, tmp_path / "i")


def test_a_url_without_a_driver_means_ours(url: str, given, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THE_URL", url.replace("+psycopg", ""))
    assert fetched(source(**given), tmp_path / "i").deliveries


@pytest.mark.parametrize(
    ("raised", "word"),
    [
        (sqlite3.InterfaceError("IM002", f"no driver for {CANARY}"), "odbcinst"),
        (sqlite3.InterfaceError("28000", f"Login failed for {CANARY}"), "password"),
        (sqlite3.DatabaseError(SimpleNamespace(code=1017)), "password"),
        (sqlite3.OperationalError("HYT00", CANARY), "network"),
    ],
)
def test_what_a_driver_says_while_it_connects(
    raised: Exception, word: str, given, monkeypatch, tmp_path: Path
) -> None:
    def fails() -> NoReturn:
        raise raised

    engine = sa.create_engine("sqlite://", creator=fails)
    monkeypatch.setattr("flows.sources.database._engine", lambda url: engine)
    kind = SourceAway if word == "network" else SourceRefused
    assert word in refusal(kind, given, tmp_path / "i")


def test_a_connection_that_is_cut_is_begun_anew(
    given, url: str, postgres_server: PostgresServer, monkeypatch, tmp_path: Path, caplog
) -> None:
    def fails(cursor: object) -> NoReturn:
        raise psycopg.OperationalError(CANARY)

    # SQLAlchemy tells a log of it, with what the driver quotes.
    monkeypatch.setattr(psycopg.ServerCursor, "close", fails)
    with cutting(postgres_server.port, after=200_000, cuts=1) as proxy:
        through = url.replace(f":{postgres_server.port}/", f":{proxy.port}/")
        monkeypatch.setenv("THE_URL", through)
        found = fetched(source(**given | {"attempts": 2}), tmp_path / "i")
        assert proxy.made == 2
    assert not [one for one in caplog.records if one.name.startswith("sqlalchemy")]
    assert contents(found, tmp_path / "i")["drug_test.csv"].count("\n") == ROWS + 1
