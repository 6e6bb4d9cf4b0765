"""Which level of a comparison two records reach, seen on the real engine."""

import datetime as dt

import polars as pl
import pytest

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage.comparisons import COMPARISONS
from linkage.match import score
from linkage.model import splink_settings
from schemas.encoded import STRONG_IDS

KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
LEVELS = {c.name: [level.name for level in c.levels] for c in COMPARISONS}
NO_EVIDENCE = "no evidence"
BORN, ANOTHER_DAY = dt.date(1984, 11, 3), dt.date(1984, 6, 27)
HERE, ELSEWHERE = "NR21AB", "LN65QT"
SCHEMA = {
    "forename": pl.String, "surname": pl.String, "dob": pl.Date, "postcode": pl.String,
    "sex": pl.String, **dict.fromkeys(STRONG_IDS, pl.String),
}  # fmt: skip
PERSON = {"forename": "DERMOT", "surname": "HOLLOWAY", "dob": BORN, "postcode": HERE, "sex": "M"}


def level(comparison: str, **other: object) -> str:
    """The level that `PERSON` and the same person changed in some fields reach."""
    rows = [{name: person.get(name) for name in SCHEMA} for person in (PERSON, PERSON | other)]
    identity = pl.DataFrame(rows, schema=SCHEMA).with_columns(
        record_id=pl.int_range(1, pl.len() + 1, dtype=pl.Int64), partner=pl.lit("police")
    )
    scored = score(encode(identity, KEY_OF), splink_settings(None, 1e-4, retain_levels=True))
    reached = scored[f"gamma_{comparison}"].item()
    names = LEVELS[comparison]
    return NO_EVIDENCE if reached < 0 else names[len(names) - 1 - reached]


def test_a_postcode_and_both_initials_show_the_postcode_equal():
    only_those = {"forename": "DONAL", "surname": "HARRIS", "dob": ANOTHER_DAY}
    assert level("postcode", **only_those) == "exact"


def test_a_postcode_that_is_another_one_is_different_where_the_date_agrees():
    assert level("postcode", postcode=ELSEWHERE) == "different"


@pytest.mark.parametrize(
    ("sex", "reached"), [("M", "same"), ("F", "different"), ("U", NO_EVIDENCE), (None, NO_EVIDENCE)]
)
def test_sex_compares_where_the_date_agrees(sex, reached):
    assert level("sex", sex=sex) == reached


@pytest.mark.parametrize("sex", ["M", "F"])
def test_sex_says_nothing_where_the_date_does_not_agree(sex):
    for day in (1, 8, 21):
        assert level("sex", dob=dt.date(1984, 5, day), sex=sex) == NO_EVIDENCE


@pytest.mark.parametrize("name", ["forename", "surname"])
def test_a_name_is_exact_whether_it_is_rare_or_common(name):
    assert level(name) == "exact"
