"""The identity store, and what it makes of one that an earlier version of the encoding left."""

import duckdb
import polars as pl
import pytest

from flows.linking.review import _encoded_of
from linkage import store
from linkage.incremental import PAIRS
from schemas.encoded import encoded_schema
from schemas.errors import ConfigError


@pytest.fixture
def earlier():
    """A store whose encoded records have another column, and a person."""
    connection = duckdb.connect(":memory:")
    store.create(connection)
    connection.execute("ALTER TABLE encoded_record RENAME COLUMN t_names_lone TO t_gone")
    connection.execute("INSERT INTO encoded_record (record_id, partner) VALUES (1, 'police')")
    connection.execute("INSERT INTO person_record VALUES (1, 'a person')")
    yield connection
    connection.close()


def test_records_of_an_earlier_encoding_make_way_and_people_stay(earlier):
    assert not store.of_this_encoding(earlier)
    store.create(earlier)
    assert store.of_this_encoding(earlier)
    assert store.read_encoded(earlier).is_empty()
    assert earlier.execute("SELECT person_id FROM person_record").fetchall() == [("a person",)]
    new = pl.DataFrame([{"record_id": 1, "partner": "police"}], schema=encoded_schema())
    store.replace_partner(earlier, "police", new)
    assert store.read_encoded(earlier)["record_id"].to_list() == [1]


def test_records_of_this_encoding_stay(earlier):
    earlier.execute("ALTER TABLE encoded_record RENAME COLUMN t_gone TO t_names_lone")
    store.create(earlier)
    assert store.read_encoded(earlier).height == 1


def test_pairs_of_an_earlier_encoding_are_not_shown(earlier):
    with pytest.raises(ConfigError, match="earlier version"):
        _encoded_of(earlier, pl.DataFrame(schema=PAIRS))
