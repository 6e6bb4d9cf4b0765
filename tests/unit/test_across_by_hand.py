"""What is kept of a delivery beside other partners is as the page says.

By the implementation from the page alone: `across_by_hand`, and for what comes before and after it
`sharing_by_hand` and `consistency_by_hand`.
"""

from __future__ import annotations

import random

import across_by_hand
import polars as pl
import pytest
import sharing_by_hand
from consistency_by_hand import consistent
from made_up_kin import COLUMNS, kin
from sharing_by_hand import TOKENS

from governance.attacks.scenario import as_stored
from governance.encoding.across import without_shared_across
from governance.encoding.anchored import encode, encoding_keys
from governance.encoding.kept import kept, settled
from governance.encoding.shared import shared_values, without_shared
from governance.encoding.standing import FINGERPRINTS, fingerprints
from governance.keys import RootKey
from schemas.encoded import STAND_IN, STRONG_IDS, delivered_schema, encoded_schema

KEYS = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
KEPT = list(encoded_schema())
TAKEN = ("forename", "surname", "dob", "postcode", *STRONG_IDS)
UNLIKE = ("ODGER", "STONE")
"""Surnames with the initials of others that kin have, and unlike those."""


def families(seed: int) -> pl.DataFrame:
    """Whole deliveries of partners who know kin of each other's, before anything is replaced."""
    rng = random.Random(seed)
    people = [dict.fromkeys(COLUMNS) | one for one in kin(rng, 30)]
    found = pl.DataFrame([one | strange(rng, one, people) for one in people], COLUMNS)
    ids = pl.int_range(pl.len(), dtype=pl.Int64).hash(seed).reinterpret(signed=True)
    encoded = encode(as_stored(found.with_columns(record_id=ids)), KEYS)
    return encoded.with_columns(some_of(rng, column, len(found)) for column in TOKENS)


def some_of(rng: random.Random, column: str, records: int) -> pl.Expr:
    """A column without a fifth of its values, so that they come together in every way."""
    there = pl.Series([rng.random() < 0.8 for _ in range(records)])
    return pl.when(there).then(column)


def strange(rng: random.Random, one: dict, people: list[dict]) -> dict:
    """What of a record is another's, as kin have it or by mistake."""
    taken = {name: rng.choice(people)[name] for name in rng.sample(TAKEN, k=3)}
    own = {"local_id": str(rng.randrange(30)), "surname": rng.choice((one["surname"], *UNLIKE))}
    later = {"dob": one["dob"] and one["dob"].replace(year=rng.randrange(1980, 2000))}
    return rng.choice(({}, {}, {}, taken, own, own | taken, later, later | own))


def by_partner(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    parts = frame.partition_by("partner", as_dict=True)
    return {partner: parts[partner,] for (partner,) in sorted(parts)}


def left(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Each partner's delivery after points 1 to 6."""
    return {
        name: without_shared(part, shared_values(part)) for name, part in by_partner(frame).items()
    }


def in_rows(delivery: pl.DataFrame) -> across_by_hand.Delivery:
    words = delivery.select(STAND_IN).rows()
    return delivery.select(KEPT).to_dicts(), [list(pair) for pair in words]


def in_order(rows: list[dict]) -> list[dict]:
    return sorted(rows, key=lambda row: (row["partner"], row["record_id"]))


def rows_of(stores: dict[str, pl.DataFrame]) -> list[dict]:
    return in_order([row for store in stores.values() for row in store.to_dicts()])


LATER = ((("police",), 0), (("housing",), 3), (("probation", "treatment"), 0))
"""Who delivers on later nights, and how many records they leave out."""

# Each line of the rule decides something in one of these.
SEEDS = (27, 13, 20)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_delivery_is_kept_beside_others_as_the_page_says(seed):
    deliveries = left(families(seed))
    for partner, coming in deliveries.items():
        others = [part for other, part in deliveries.items() if other != partner]
        held = pl.concat(others).select(KEPT)
        by_hand = across_by_hand.beside(*in_rows(coming), held.to_dicts())
        assert without_shared_across(coming, held).to_dicts() == by_hand
        assert by_hand != coming.select(KEPT).to_dicts()


def test_what_is_kept_of_deliveries_that_come_together_is_as_the_page_says():
    frame = families(SEEDS[0])
    deliveries = {}
    for partner, delivery in by_partner(frame).items():
        rows, words = in_rows(delivery)
        deliveries[partner] = sharing_by_hand.kept(rows, words), words
    by_hand = consistent(across_by_hand.beside_each_other(deliveries, []))
    assert in_order(kept(frame).to_dicts()) == in_order(by_hand)


def test_what_is_kept_of_deliveries_beside_a_store_is_as_the_page_says():
    deliveries = left(families(SEEDS[0]))
    store: dict[str, pl.DataFrame] = {}
    by_hand: list[dict] = []
    prints, before = pl.DataFrame(schema=FINGERPRINTS), {}
    for night, dropped in ((("housing", "treatment"), 0), (("police", "probation"), 5), *LATER):
        coming = {partner: deliveries[partner][dropped:] for partner in night}
        store = settled(coming, store, prints)
        prints = pl.concat([prints, *map(fingerprints, coming.values())])
        prints = prints.unique("record_id", keep="last")
        came = {partner: in_rows(delivery) for partner, delivery in coming.items()}
        by_hand = consistent(across_by_hand.beside_each_other(came, by_hand, before))
        before |= came
        assert rows_of(store) == in_order(by_hand)


SURNAMES = ("f_surname_date_initial_sex_0", "f_surname_date_initial_sex_1")
FORENAMES = ("f_forename_date_initial_sex_0", "f_forename_date_initial_sex_1")


@pytest.mark.parametrize("unlike", (("t_nhs_number", *SURNAMES), (*FORENAMES, *SURNAMES)))
@pytest.mark.parametrize("home", (("t_postcode_initials",), ()))
def test_a_home_is_one_by_its_postcode_where_the_sector_is_not_kept(unlike, home):
    shared = dict.fromkeys(("t_date_initial_sex", *home), 5)
    police, housing = (
        pl.DataFrame(
            [{"record_id": 1, "partner": partner, **shared, **dict.fromkeys(unlike, bits)}],
            delivered_schema(),
        ).with_columns(stand_in_0=7, stand_in_1=8)
        for partner, bits in (("police", 0), ("housing", -1))
    )
    by_hand = across_by_hand.beside(*in_rows(police), housing.to_dicts())
    assert without_shared_across(police, housing.select(KEPT)).to_dicts() == by_hand
    assert (by_hand == police.select(KEPT).to_dicts()) == bool(home)
