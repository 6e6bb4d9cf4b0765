"""The product gives the published test vectors, and the page quotes them as they are."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from encoding_by_hand import ByHand
from encoding_by_hand import without_crowds as by_hand_without_crowds
from make_encoding_vectors import typed, vectors, written

from governance.encoding.anchored import OF_THE_EXTRACT, SENT_INSTEAD, encode, encoding_keys
from governance.encoding.crowded import without_crowds
from governance.encoding.shared import Shared, shared_values, without_shared
from governance.encoding.stand_ins import COMPOSITES, HANGING
from governance.keys import RootKey
from schemas.encoded import (
    ENCODING_VERSION,
    STAND_IN,
    STRONG_IDS,
    delivered_schema,
    encoded_schema,
    filter_columns,
)

PAGES = Path(__file__).parents[2] / "docs" / "reference"
VECTORS = json.loads((PAGES / "encoding_vectors.json").read_text("utf-8"))
DELIVERY = VECTORS["delivery"]
TEXTS = ("forename", "surname", "postcode", "sex", *STRONG_IDS, *SENT_INSTEAD, *OF_THE_EXTRACT)
SCHEMA = {"dob": pl.Date, **dict.fromkeys(TEXTS, pl.String)}


def test_the_file_is_what_the_page_alone_gives():
    assert written(vectors()) == (PAGES / "encoding_vectors.json").read_text("utf-8")
    assert VECTORS["encoding_version"] == ENCODING_VERSION


@pytest.mark.parametrize("vector", VECTORS["people"])
def test_the_product_gives_the_vectors(vector):
    identity = pl.DataFrame([typed(vector["identity"])], schema=SCHEMA).with_columns(
        record_id=pl.lit(1, pl.Int64), partner=pl.lit("police")
    )
    root = RootKey(bytes.fromhex(VECTORS["root"]))
    key_of = encoding_keys(root, purpose=VECTORS["purpose"], epoch=VECTORS["epoch"])
    row = encode(identity, key_of).row(0, named=True)
    assert {name: row[name] for name in vector["encoded"]} == vector["encoded"]
    for label, key in VECTORS["keys"].items():
        assert key_of(label).hex() == key


def test_the_product_leaves_the_same_postcodes_and_lone_names_of_a_delivery():
    given = [{name: row.get(name) for name in row if name != "encoded_as"} for row in DELIVERY]
    identity = pl.DataFrame(list(map(typed, given)), schema=SCHEMA)
    told = without_crowds(identity.drop("lone")).select("postcode", "sector", "lone").rows()
    assert told == [tuple(row["encoded_as"]) for row in DELIVERY]
    others = {"NR31AB", "NR22BB", None}
    made = [postcode for postcode, _, _ in told if postcode not in others]
    assert {place[:-2] for place in made} == {"NR11", "EC1A1"} and len(set(made)) > 35
    assert others < {postcode for postcode, _, _ in told}
    assert {"LONE", "19800201", "19810201", None} == {lone for _, _, lone in told}


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda vector: vector["table"])
def test_the_product_gives_each_record_its_secret_words(vector):
    identity = pl.DataFrame([{}], schema=SCHEMA).with_columns(
        record_id=pl.lit(vector["record_id"], pl.Int64), partner=pl.lit(vector["partner"])
    )
    root = RootKey(bytes.fromhex(VECTORS["root"]))
    key_of = encoding_keys(root, purpose=VECTORS["purpose"], epoch=VECTORS["epoch"])
    assert encode(identity, key_of).select(STAND_IN).row(0) == tuple(vector["stand_in"])


@pytest.mark.parametrize("vector", VECTORS["shared"], ids=lambda vector: vector["value"])
def test_the_product_puts_the_same_in_the_place_of_what_two_people_share(vector):
    hung = {(name,): name for name in COMPOSITES} | HANGING
    columns = next(c for c in hung if c[0].removesuffix("_0") == vector["value"])
    delivered = pl.DataFrame(
        {name: [None] for name in delivered_schema()}, schema=delivered_schema()
    ).with_columns(
        pl.Series(name, [word], dtype=pl.Int64)
        for names, words in ((columns, vector["words"]), (STAND_IN, vector["stand_in"]))
        for name, word in zip(names, words, strict=True)
    )
    told = pl.DataFrame({name: [name == hung[columns]] for name in COMPOSITES})
    left = without_shared(delivered, Shared(told, np.zeros(1, np.uint32)))
    assert left.select(columns).row(0) == tuple(vector["in_its_place"])
    assert left.null_count().sum_horizontal().item() == left.width - len((*columns, *STAND_IN))


def test_the_product_keeps_the_same_of_a_delivery():
    given = VECTORS["hub_keeps"]
    people = [typed(one["identity"]) for one in given]
    identity = pl.DataFrame(people, schema=SCHEMA).with_columns(
        pl.Series("record_id", [one["kept"]["record_id"] for one in given], dtype=pl.Int64),
        partner=pl.lit("police"),
    )
    root = RootKey(bytes.fromhex(VECTORS["root"]))
    key_of = encoding_keys(root, purpose=VECTORS["purpose"], epoch=VECTORS["epoch"])
    encoded = encode(without_crowds(identity.drop("lone")), key_of)
    left = without_shared(encoded, shared_values(encoded)).drop("partner", *STAND_IN)
    assert left.to_dicts() == [one["kept"] for one in given]
    # All that the rule can come to is there: replaced, replaced alike, and kept.
    surnames = left["t_date_surname"].to_list()
    assert surnames[0] == surnames[2] != surnames[1] and len(set(surnames[10:13])) == 1
    names = left["f_forename_date_surname_0"].to_list()
    assert names[0] == names[2] not in {names[1], encoded["f_forename_date_surname_0"][0]}
    told = encoded.select(left.columns).to_dicts()
    assert [at for at, one in enumerate(told) if one == left.row(at, named=True)] == [
        4, 5, 6, 7, 10, 11, 12, 27, 28, 35, 36, 41, 42
    ]  # fmt: skip


def test_the_page_tells_in_whose_place_something_stands():
    by_hand = ByHand(bytes.fromhex(VECTORS["root"]), VECTORS["purpose"], VECTORS["epoch"])
    given = [one["identity"] for one in VECTORS["hub_keeps"]]
    for number, (one, left) in enumerate(
        zip(VECTORS["hub_keeps"], by_hand_without_crowds(given), strict=True), 1
    ):
        named = dict(zip(("postcode", "sector", "lone"), left, strict=True))
        encoded = by_hand.encode(typed(one["identity"] | named))
        kept = one["kept"]
        made = [name for name in COMPOSITES if encoded[name] != kept[name]]
        for words, anchor in HANGING.items():
            same = [encoded[word] == kept[word] for word in words]
            assert same == [anchor not in made or encoded[words[0]] is None] * len(words)
        told = ", ".join(f"`{name}`" for name in made) or "none"
        assert f"| {number} | `{one['key'][0]}` |" in whole()
        (row,) = [line for line in whole().splitlines() if line.startswith(f"| {number} | `CU")]
        assert row.endswith(f"| {told} |"), (row, told)


def test_the_page_quotes_the_vectors():
    page = (PAGES / "encoding.md").read_text("utf-8")
    quoted = dict(re.findall(r"^\| `((?:[tf]|sex)_\w+)` \| (-?\d+) \|$", page, re.MULTILINE))
    assert len(quoted) > 9
    first = VECTORS["people"][0]["encoded"]
    assert quoted == {name: str(first[name]) for name in quoted}
    for value in (*VECTORS["keys"].values(), *VECTORS["parts"].values()):
        assert f"`{value}`" in page
    for one in VECTORS["hub_keeps"]:
        kept = {f"{one['key'][0]}, `{name}`": value for name, value in one["kept"].items()}
        quoted = dict(
            re.findall(rf"^\| ({one['key'][0]}, `\w+`) \| (-?\d+) \|$", page, re.MULTILINE)
        )
        assert quoted == {name: str(kept[name]) for name in quoted}
    for one in VECTORS["shared"]:
        assert f"| {', '.join(map(str, one['in_its_place']))} |" in page
    for record in VECTORS["records"]:
        assert f"| {record['record_id']} | {record['surrogate']} |" in page


def test_the_page_names_the_columns_in_their_order():
    tokens = [f"t_{n}" for n in re.findall(r"^\| `(\w+)` \| `\w+`, `", page(), re.MULTILINE)]
    coded = [name for name in encoded_schema() if name.startswith("t_")]
    assert tokens == coded[: len(tokens)]
    filters = re.findall(r"^\| \d+ \| `(\w+)` \| `(\w+)` \|$", whole(), re.MULTILINE)
    assert [name for pair in filters for name in filter_columns(*pair)] == [
        name for name in encoded_schema() if name.startswith("f_")
    ]
    assert f"makes {len(encoded_schema())} columns" in whole()
    assert list(VECTORS["people"][0]["encoded"]) == [
        name for name in encoded_schema() if name not in {"record_id", "partner"}
    ]


def whole() -> str:
    return (PAGES / "encoding.md").read_text("utf-8")


def page() -> str:
    return whole().split("## Tokens")[1].split("## Grams")[0]


def test_another_key_gives_none_of_the_vectors():
    other = ByHand(bytes(range(1, 33)), "vectors", 1).encode(
        typed(VECTORS["people"][0]["identity"])
    )
    first = VECTORS["people"][0]["encoded"]
    bits = {None, 0, 1}  # of sex, which agree by chance
    assert not (set(other.values()) & set(first.values())) - bits
