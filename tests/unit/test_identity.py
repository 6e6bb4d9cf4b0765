"""What an identity frame carries of an extract without names, and what the encoding makes of it."""

from datetime import date

import polars as pl
import pytest

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from schemas.encoded import FILTERS, REDUCED_TOKENS, filter_columns, token_column
from schemas.identity import IDENTITY_SCHEMA, identity_frame
from schemas.tables import TABLES

KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
SENT = {
    "agncy": "N0853", "clientid": "C1", "episodid": "E1", "sex": "F",
    "finitial": "M", "sinitial": "S", "dob": date(1980, 2, 1), "pc": "NR3 1",
}  # fmt: skip
NAMED = SENT | {"forename": "MARY", "surname": "SMITH", "postcode": "NR31AB"}


def frames(*rows: dict) -> dict[str, pl.DataFrame]:
    """A treatment extract with one table of episodes; its other tables are empty."""
    made = {}
    for table in TABLES["treatment"]:
        of_table = rows if table.name == "episode" else ()
        schema = {name: pl.Date if name == "dob" else pl.String for name in table.validated_columns}
        made[table.name] = pl.DataFrame(
            [{name: row.get(name) for name in schema} for row in of_table], schema=schema
        )
    return made


def test_initials_and_sector_are_carried_as_they_were_sent():
    frame = identity_frame("treatment", frames(SENT))
    assert dict(frame.schema) == IDENTITY_SCHEMA
    row = frame.row(0, named=True)
    assert (row["forename_initial"], row["surname_initial"], row["sector"]) == ("M", "S", "NR31")
    assert row["forename"] is row["surname"] is row["postcode"] is None


@pytest.mark.parametrize("sector", ["ZZ99 3", "NF1 1", None])
def test_a_sector_that_names_no_place_is_none(sector):
    frame = identity_frame("treatment", frames(SENT | {"pc": sector}))
    assert frame["sector"].to_list() == [None]


def test_a_partner_without_initials_carries_none():
    for partner in ("police", "probation", "housing"):
        for table in TABLES[partner]:
            if table.identity is not None:
                assert table.identity.forename_initial is table.identity.sector is None, table.name


def test_an_extract_of_initials_meets_one_of_names_in_the_reduced_view_alone():
    identity = identity_frame("treatment", frames(SENT, NAMED)).with_columns(
        record_id=pl.int_range(pl.len(), dtype=pl.Int64),
        partner=pl.lit("treatment"),
        lone=pl.lit("LONE"),
    )
    encoded = encode(identity, KEY_OF)
    reduced = encoded.select(map(token_column, REDUCED_TOKENS))
    assert reduced.row(0) == reduced.row(1)
    assert None not in reduced.row(0)
    words = [column for pair in FILTERS for column in filter_columns(*pair)]
    assert encoded.select(words).row(0) == (None,) * len(words)
    assert None not in encoded.select(words).row(1)
