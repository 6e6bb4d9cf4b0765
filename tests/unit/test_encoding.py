"""The anchored encoding against a slow reference written from its description."""

import datetime as dt
import hmac
import itertools
import random

import numpy as np
import polars as pl
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.encoding.anchored import COMPOSITES, encode, encoding_keys
from governance.encoding.filters import majority
from governance.encoding.grams import name_grams
from governance.keys import RootKey
from schemas.encoded import (
    BLOCK_TOKENS,
    FILTERS,
    STRONG_IDS,
    encoded_schema,
    filter_columns,
    token_column,
)

ROOT = RootKey(bytes(range(32)))
KEY_OF = encoding_keys(ROOT, purpose="tests", epoch=1)

letters = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ ", min_size=1, max_size=30).filter(str.strip)
identities = st.fixed_dictionaries(
    {
        "forename": st.none() | letters,
        "surname": st.none() | letters,
        "dob": st.none() | st.dates(dt.date(1910, 1, 1), dt.date(2010, 1, 1)),
        "postcode": st.none() | st.sampled_from(["NR11AA", "NR311AB", "E16AN", "EC1A1BB"]),
        "nhs_number": st.none() | st.sampled_from(["9990000018", "9990000026"]),
    }
)


def frame(people: list[dict]) -> pl.DataFrame:
    schema = {"forename": pl.String, "surname": pl.String, "dob": pl.Date, "postcode": pl.String}
    schema |= {"sex": pl.String}
    schema |= dict.fromkeys(STRONG_IDS, pl.String)
    rows = [{name: person.get(name) for name in schema} for person in people]
    return pl.DataFrame(rows, schema=schema).with_columns(
        record_id=pl.int_range(pl.len(), dtype=pl.Int64), partner=pl.lit("police")
    )


def person(forename="MARY", surname="SMITH", dob=dt.date(1980, 2, 1), postcode="NR11AA", **ids):
    return {"forename": forename, "surname": surname, "dob": dob, "postcode": postcode, **ids}


def signed(eight: bytes) -> int:
    return int.from_bytes(eight, "little", signed=True)


def reference_token(text: str, label: str) -> int:
    return signed(hmac.digest(KEY_OF(label), text.encode(), "sha256")[:8])


def reference_name_filter(name: str, anchor_text: str, field: str, anchor: str) -> list[int]:
    """One value at a time, one bit at a time."""
    codes = [27 if c == " " else ord(c) - 64 for c in name[:24]]
    padded = [0, *codes, 0]
    bigrams = [a + 32 * b for a, b in itertools.pairwise(padded)]
    grams = [1 + b + 1024 * bigrams[:i].count(b) for i, b in enumerate(bigrams)]
    salt = hmac.digest(KEY_OF(f"salt/{field}/{anchor}"), anchor_text.encode(), "sha256")[:8]
    cipher = Cipher(AES256(KEY_OF(f"filter/{field}/{anchor}")), ECB()).encryptor()
    streams = []
    for gram in sorted(grams, reverse=True):
        blocks = b"".join(
            cipher.update(salt + ((gram << 8) | block).to_bytes(8, "little")) for block in (0, 1)
        )
        streams.append(int.from_bytes(blocks, "little"))
    bits = 0
    for place in range(256):
        votes = [stream >> place & 1 for stream in streams]
        ones = sum(votes)
        winner = votes[0] if 2 * ones == len(votes) else int(2 * ones > len(votes))
        bits |= winner << place
    return [signed(bits.to_bytes(32, "little")[8 * w : 8 * w + 8]) for w in range(4)]


@pytest.mark.parametrize("name", ["A", "ANNA", "MARY ANN", "SUBRAMANIAN", "X" * 30])
def test_name_filters_agree_with_the_reference(name):
    encoded = encode(frame([person(forename=name)]), KEY_OF).row(0, named=True)
    words = [encoded[column] for column in filter_columns("forename", "date")]
    assert words == reference_name_filter(name, "19800201", "forename", "date")


def test_block_tokens_agree_with_the_reference():
    encoded = encode(frame([person(postcode="NR31AB")]), KEY_OF).row(0, named=True)
    parts = {
        "forename": "MARY", "surname": "SMITH", "date": "19800201", "postcode": "NR31AB",
        "sector": "NR31", "initial": "M", "year": "1980", "daymonth": "0201",
        "name_low": "MARY", "name_high": "SMITH",
    }  # fmt: skip
    for name in BLOCK_TOKENS:
        text = "\x1f".join(parts[part] for part in COMPOSITES[name])
        assert encoded[token_column(name)] == reference_token(text, f"token/{name}")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_majority_counts_every_bit(grams, seed):
    streams = np.random.default_rng(seed).integers(0, 2**64, (3, grams, 4), dtype=np.uint64)
    bits = np.unpackbits(streams.view(np.uint8), axis=-1).astype(int)
    ones = bits.sum(axis=1)
    wanted = np.where(2 * ones == grams, bits[:, 0], 2 * ones > grams)
    assert (np.unpackbits(majority(streams).view(np.uint8), axis=-1) == wanted).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(identities, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_order_and_batching_change_nothing(people, shuffle):
    whole = encode(frame(people), KEY_OF)
    rows = list(range(len(people)))
    shuffle.shuffle(rows)
    for row in rows:
        alone = encode(frame([people[row]]), KEY_OF).drop("record_id")
        assert alone.equals(whole[[row]].drop("record_id"))


@settings(max_examples=40, deadline=None)
@given(identities)
def test_what_is_missing_stays_missing_and_what_is_there_is_encoded(values):
    encoded = encode(frame([values]), KEY_OF)
    assert dict(encoded.schema) == encoded_schema()
    row = encoded.row(0, named=True)
    anchors = {
        "date": values["dob"], "postcode": values["postcode"],
        "names": values["forename"] and values["surname"],
    }  # fmt: skip
    for field, anchor in FILTERS:
        present = values[field] is not None and anchors[anchor] is not None
        assert all((row[column] is not None) == present for column in filter_columns(field, anchor))
    assert (row["t_date_surname"] is not None) == bool(values["dob"] and values["surname"])
    assert (row["t_date_names_either"] is not None) == bool(values["dob"] and anchors["names"])


def test_names_in_either_order_share_a_token():
    tokens = encode(
        frame([person("JOHN", "DAVID"), person("DAVID", "JOHN"), person("DAVID", "JON")]), KEY_OF
    )["t_date_names_either"]
    assert tokens[0] == tokens[1] != tokens[2]


def distance(encoded: pl.DataFrame, field: str, anchor: str) -> int:
    columns = filter_columns(field, anchor)
    left, right = encoded.select(columns).rows()
    return sum((a ^ b if (a ^ b) >= 0 else (a ^ b) + 2**64).bit_count()
               for a, b in zip(left, right, strict=True))  # fmt: skip


def test_distance_follows_the_value_inside_an_anchor_and_is_noise_across_anchors():
    def pair(*, other: str, dob=dt.date(1980, 2, 1)):
        return encode(frame([person(surname="HARRIS"), person(surname=other, dob=dob)]), KEY_OF)

    assert distance(pair(other="HARRIS"), "surname", "date") == 0
    assert 20 < distance(pair(other="HARRYS"), "surname", "date") < 100
    assert distance(pair(other="OCKWELL"), "surname", "date") > 90
    across = [
        distance(pair(other="HARRIS", dob=dt.date(1981, 1, day)), "surname", "date")
        for day in range(1, 20)
    ]
    assert 110 < sum(across) / len(across) < 146


def test_one_value_looks_different_in_every_column_and_under_every_key():
    row = encode(frame([person(forename="SMITH", surname="SMITH")]), KEY_OF).row(0, named=True)
    coded = [v for k, v in row.items() if k.startswith(("t_", "f_")) and v is not None]
    assert len(set(coded)) == len(coded)
    elsewhere = encoding_keys(ROOT, purpose="other", epoch=1)
    other = encode(frame([person(forename="SMITH", surname="SMITH")]), elsewhere).row(0, named=True)
    assert not set(coded) & {v for k, v in other.items() if k.startswith(("t_", "f_"))}


def test_no_bare_field_is_encoded():
    """Only strong ids, which carry no frequency, may stand alone; all else needs two parts."""
    assert all(len(parts) > 1 for parts in COMPOSITES.values())
    alike = encode(
        frame([person(), person(dob=dt.date(1990, 5, 5), postcode="NR22BB")]), KEY_OF
    ).drop("record_id", "partner", "forename_band", "surname_band")
    same = [c for c in alike.columns if alike[c][0] is not None and alike[c][0] == alike[c][1]]
    assert same == []


def test_grams_of_one_value_are_distinct():
    rng = random.Random(1)
    names = ["".join(rng.choices("AB ", k=rng.randint(1, 24))) for _ in range(200)]
    for row in name_grams(pl.Series(names)):
        present = row[row > 0]
        assert len(set(present.tolist())) == len(present)


def test_bands_are_coarse_and_missing_names_have_none():
    encoded = encode(
        frame([person("DAVID", "SMITH"), person("ZEBEDEE", "QUILLFEATHER"), person(None, None)]),
        KEY_OF,
    )
    assert encoded["surname_band"].to_list() == [1, 6, None]
    assert encoded["forename_band"].to_list() == [1, 6, None]
