"""What an analyst, or someone at an analyst's keyboard, tries on a real release."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest
import warehouse_rows as rows

from schemas.errors import RefusedQuery, StoreError
from warehouse import analyst, connect

secret_frame = [1, 2, 3]  # a Python variable that no query may read


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    persons = {f"person-{n}": {"police_custody": [{"arrest_date": "2026-01-01"}]} for n in range(9)}
    path, _ = rows.release(tmp_path_factory.mktemp("lockdown"), persons)
    return path


@pytest.fixture
def tried(release: Path, as_shipped: None, monkeypatch: pytest.MonkeyPatch):
    """A connection; afterwards the release and its folder must be as they were."""
    monkeypatch.chdir(release.parent)
    before = hashlib.sha256(release.read_bytes()).hexdigest()
    listing = sorted(release.parent.rglob("*"))
    release.chmod(0o644)  # the mode must not be what saves it
    con = connect.open_release(release, rows.RELEASE_KEY)
    yield con
    con.close()
    release.chmod(0o444)
    assert hashlib.sha256(release.read_bytes()).hexdigest() == before
    assert sorted(release.parent.rglob("*")) == listing


REFUSED = [
    # Writing
    "COPY person TO '{release}'",
    "COPY (SELECT 1) TO 'warehouse.duckdb'",
    "COPY person TO '/dev/stdout'",
    "EXPORT DATABASE 'out'",
    "CREATE TABLE stolen AS SELECT * FROM person",
    "CREATE TEMP TABLE stolen AS SELECT * FROM person",
    "CREATE TABLE memory.main.stolen AS SELECT * FROM person",
    "INSERT INTO person SELECT * FROM person",
    "FROM person INSERT INTO person",
    "DELETE FROM person",
    "UPDATE person SET sex = 'U'",
    "DROP TABLE person",
    "WITH gone AS (DELETE FROM person RETURNING *) SELECT * FROM gone",
    "COMMENT ON TABLE person IS 'mine'",
    "CHECKPOINT",
    "VACUUM",
    "SELECT * FROM checkpoint('release')",
    "SELECT * FROM force_checkpoint()",
    # Other files, databases and networks
    "ATTACH 'other.duckdb'",
    "ATTACH ':memory:' AS other",
    "DETACH release",
    "USE memory",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('{release}')",
    "SELECT * FROM read_text('warehouse.duckdb')",
    "SELECT * FROM read_duckdb('{release}')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM read_parquet('https://example.org/a.parquet')",
    "SELECT * FROM parquet_metadata('s3://bucket/a')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '{release}'",
    "SELECT * FROM 'a.csv'",
    "IMPORT DATABASE 'out'",
    # Extensions and settings
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{httpfs}'",
    "SET lock_configuration = false",
    "SET enable_external_access = true",
    "SET temp_directory = '/tmp'",
    "RESET enable_external_access",
    "PRAGMA enable_profiling",
    "PRAGMA database_list",
    "PRAGMA add_parquet_key('k', '0123456789112345')",
    "SELECT current_setting('temp_directory')",
    "SELECT * FROM duckdb_settings()",
    "SELECT getvariable('x')",
    "SET VARIABLE x = 1",
    # Logging and profiling write files even when all settings are locked
    "CALL enable_logging(storage = 'file', storage_path = 'log')",
    "SELECT * FROM enable_logging(storage = 'file', storage_path = 'log')",
    "SELECT * FROM enable_profiling(save_location = 'profile.txt')",
    "WITH a AS (FROM enable_profiling(save_location = 'profile.txt')) FROM a",
    "SELECT (SELECT count(*) FROM enable_logging())",
    "DESCRIBE SELECT * FROM enable_logging()",
    "SUMMARIZE FROM enable_logging()",
    "SELECT write_log('x')",
    "SELECT person_id FROM person WHERE write_log(person_id) IS NULL",
    "SELECT * FROM duckdb_logs()",
    "SELECT * FROM main.enable_logging()",
    "SELECT * FROM system.main.ENABLE_LOGGING()",
    'SELECT * FROM "enable_logging"()',
    "FROM person, LATERAL (FROM enable_logging())",
    "SELECT 1 WHERE EXISTS (FROM enable_logging())",
    "SELECT 1 LIMIT (SELECT count(*) FROM enable_logging())",
    "SELECT 1 UNION ALL SELECT 1 FROM enable_logging()",
    # SQL hidden in a string
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query('COPY person TO ''{release}''')",
    "SELECT * FROM query_table('person')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "EXECUTE IMMEDIATE 'SELECT 1'",
    # Not one SELECT
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY person TO '{release}'",
    "",
    "-- nothing",
    ";",
    "EXPLAIN ANALYZE SELECT * FROM person",
    "BEGIN",
    "CALL pragma_version()",
    # Secrets, memory and Python
    "CREATE SECRET s (TYPE s3)",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM which_secret('s3://a', 's3')",
    "SELECT * FROM secret_frame",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM pandas_scan(1)",
    "SELECT * FROM python_map_function(1)",
    "SELECT sleep_ms(1)",
    # By other names, from inside, and after what ends a string
    "SELECT 1\0; COPY person TO 'x'",
    "SELECT * FROM (COPY person TO 'x')",
    "FROM (CALL enable_logging())",
    "FROM (INSERT INTO person SELECT * FROM person RETURNING *)",
    "WITH x AS MATERIALIZED (UPDATE person SET sex = 'M' RETURNING *) FROM x",
    "MERGE INTO person USING person AS p ON true WHEN MATCHED THEN DELETE",
    "EXPLAIN ANALYZE COPY person TO 'x'",
    "PREPARE p AS COPY person TO 'x'",
    "COPY FROM DATABASE release TO memory",
    "COPY DATABASE FROM release TO memory",
    "EXPORT DATABASE '.' (FORMAT parquet)",
    "COPY (SELECT 1) TO '/proc/self/fd/1'",
    "FROM '/proc/self/environ'",
    "FROM 'file:///etc/passwd'",
    "FROM $$/etc/passwd$$",
    "SELECT content FROM '/etc/hostname'",
    "SELECT * FROM read_csv_auto(getenv('HOME'))",
    "SELECT getenv('HOME')",
    "ATTACH OR REPLACE ':memory:' AS release",
    "ATTACH '/tmp/x.db' AS x (TYPE sqlite)",
    "ALTER DATABASE release SET ALIAS TO other",
    "ALTER TABLE person ADD COLUMN mine INTEGER",
    "FORCE INSTALL httpfs",
    "UPDATE EXTENSIONS",
    "CALL start_ui()",
    "SELECT * FROM start_ui_server()",
    "SET GLOBAL lock_configuration = false",
    "SET enable_logging = true",
    "SET profiling_output = 'p.json'",
    "PRAGMA profiling_output = 'p.json'",
    "SET file_search_path = '/'",
    "SET search_path = 'memory'",
    "RESET memory_limit",
    "CALL truncate_duckdb_logs()",
    "CREATE TEMP VIEW v AS SELECT 1",
    "CREATE TEMP MACRO f() AS 1",
    "CREATE SCHEMA memory.mine",
    "CREATE PERSISTENT SECRET s (TYPE s3)",
    "SELECT add_parquet_key('k', '0123456789112345')",
    "SELECT nextval('x')",
    "SELECT * FROM pragma_storage_info('person')",
    "SELECT * FROM seq_scan('person')",
    "SELECT * FROM duckdb_temporary_files()",
    "SELECT * FROM duckdb_external_file_cache()",
    "SELECT $1",
    # What is not in a release
    "SELECT record_id FROM person",
    "SELECT * FROM stg_custody",
    "SELECT * FROM police_custody",
    "SELECT * FROM record_person",
]


@pytest.mark.parametrize("attempt", REFUSED)
def test_an_attempt_is_refused_and_changes_nothing(tried, release: Path, attempt: str) -> None:
    sql = attempt.format(release=release, httpfs=connect.httpfs_path())
    with pytest.raises(RefusedQuery) as caught:
        analyst.select(tried, sql)
    told = caught.value
    assert told.__context__ is None
    assert told.__cause__ is None
    assert rows.RELEASE_KEY not in str(told)


ALLOWED = [
    "SELECT count(*) FROM person",
    "FROM person LIMIT 1",
    "TABLE person",
    "VALUES (1)",
    "DESCRIBE person",
    "SHOW TABLES",
    "SHOW ALL TABLES",
    "SUMMARIZE person",
    "WITH p AS (SELECT * FROM person) SELECT count(*) FROM p",
    "SELECT * FROM range(3), unnest([1, 2])",
    "SELECT table_name, comment FROM duckdb_tables()",
    "SELECT column_name FROM information_schema.columns",
    "SELECT person_id, row_number() OVER (ORDER BY person_id) FROM person QUALIFY 1 = 1",
    "SELECT sum(records), avg(partners), list(sex) FROM person GROUP BY ALL",
    "SELECT 1;",
    "  /* note */ SELECT 1 -- end",
]


@pytest.mark.parametrize("sql", ALLOWED)
def test_an_analyst_can_work(tried, sql: str) -> None:
    found = analyst.select(tried, sql)
    assert found.columns
    assert found.rows


def test_the_session_cannot_see_its_key(tried) -> None:
    for view in ("duckdb_databases", "duckdb_settings", "duckdb_secrets", "duckdb_variables"):
        # Straight to the connection: the view itself must not hold it, whoever may read it.
        assert rows.RELEASE_KEY not in repr(tried.execute(f"FROM {view}()").fetchall())


def test_the_session_tried_is_the_product_s_own(tried) -> None:
    """Other tests have the signature of the extension checked once; what is tried here has not."""
    asked = "SELECT value FROM duckdb_settings() WHERE name = 'allow_unsigned_extensions'"
    assert tried.execute(asked).fetchall() == [("false",)]


def test_no_function_outside_the_list_can_be_named(tried) -> None:
    known = tried.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE function_type IN ('table', 'table_macro') ORDER BY 1"
    ).fetchall()
    for (name,) in known:
        if name not in analyst.ANALYST_TABLE_FUNCTIONS:
            with pytest.raises(RefusedQuery, match="may not be used"):
                analyst.select(tried, f'SELECT * FROM "{name}"()')


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT person_id::INTEGER FROM person",
        "SELECT strptime(person_id, '%Y') FROM person",
        "SELECT error(person_id) FROM person",
        "SELECT CAST(person_id AS DATE) FROM person",
        "SELECT json(person_id) FROM person",
        "SELECT date_part(person_id, DATE '2020-01-01') FROM person",
    ],
)
def test_an_error_does_not_quote_the_data(tried, sql: str) -> None:
    with pytest.raises(RefusedQuery) as caught:
        analyst.select(tried, sql)
    assert "person-" not in str(caught.value)


def test_an_analyst_s_own_mistake_is_explained(tried) -> None:
    with pytest.raises(RefusedQuery, match="persn"):
        analyst.select(tried, "SELECT persn FROM person")


def test_the_release_is_read_only_on_disk_and_encrypted(release: Path) -> None:
    assert release.stat().st_mode & 0o777 == 0o444
    content = release.read_bytes()
    for word in (b"person_id", b"arrest_date", b"Drug possession", b"person-1"):
        assert word not in content
    with pytest.raises(duckdb.Error):
        duckdb.connect(str(release), read_only=True)


@pytest.mark.parametrize("key", ["00" * 32, "", "'; DROP", "zz" * 32])
def test_a_wrong_key_is_refused_without_being_repeated(release: Path, key: str) -> None:
    with pytest.raises(StoreError) as caught:
        connect.open_release(release, key)
    assert not key or key not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT json_structure(repeat('[', 100000) || repeat(']', 100000))",
        "SELECT json_contains(repeat('[', 1000000) || repeat(']', 1000000), '1')",
        "SELECT json_transform('1', repeat('[', 1000000) || repeat(']', 1000000))",
        "SELECT from_json('1', repeat('[', 1000000) || repeat(']', 1000000))",
        "SELECT json_merge_patch('{}', repeat('{\"a\":', 1000000) || '1' || repeat('}', 1000000))",
        "SELECT " + "[" * 900 + "1" + "]" * 900,
        "SELECT * FROM " + "(SELECT * FROM " * 400 + "person" + ")" * 400,
        "SELECT json_serialize_plan('SELECT current_setting(''secret_directory'')')",
        "FROM pg_catalog.pg_settings",
        "FROM pg_settings",
        "FROM duckdb_databases",
        "FROM duckdb_logs",
        "FROM pragma_database_list",
        "SELECT '\udc80'",
    ],
)
def test_what_ends_the_process_or_shows_the_server_is_refused(tried, sql: str) -> None:
    with pytest.raises(RefusedQuery):
        analyst.select(tried, sql)


def test_a_question_may_not_take_for_ever_or_everything(tried, monkeypatch) -> None:
    endless = "WITH RECURSIVE t AS (SELECT 1 a UNION ALL SELECT a + 1 FROM t) SELECT max(a) FROM t"
    with pytest.raises(RefusedQuery, match="longer than"):
        analyst.select(tried, endless, seconds=0.5)
    monkeypatch.setattr(analyst, "MOST_ROWS", 100)
    with pytest.raises(RefusedQuery, match="more than 100 rows"):
        analyst.select(tried, "FROM range(101)")
    assert len(analyst.select(tried, "FROM range(100)").rows) == 100


def test_a_refused_query_does_not_spoil_the_session(tried) -> None:
    for sql in ("SELECT nothing", "PRAGMA import_database('x')", "SELECT 'a'::INTEGER", "SELEC"):
        with pytest.raises(RefusedQuery):
            analyst.select(tried, sql)
    assert analyst.select(tried, "SELECT count(*) FROM person").rows == [(9,)]
