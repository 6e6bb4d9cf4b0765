"""Partners agree in what the hub keeps as the page says: by the implementation from it alone."""

from __future__ import annotations

import random
from itertools import cycle

import consistency_by_hand
import polars as pl
import pytest
from made_up_kin import COLUMNS, PARTNERS, kin

from governance.attacks.scenario import as_stored
from governance.encoding.anchored import encode, encoding_keys
from governance.encoding.consistent import consistent
from governance.encoding.shared import shared_values, without_shared
from governance.keys import RootKey
from schemas.encoded import encoded_schema

KEYS = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)


def families(seed: int) -> pl.DataFrame:
    """What the hub keeps of kin, before partners agree."""
    found = pl.DataFrame(kin(random.Random(seed), 50), COLUMNS).with_columns(
        record_id=pl.int_range(pl.len(), dtype=pl.Int64).hash(seed).reinterpret(signed=True)
    )
    parts = encode(as_stored(found), KEYS).partition_by("partner")
    left = pl.concat(without_shared(part, shared_values(part)) for part in parts)
    return left.select(list(encoded_schema())).sample(fraction=1, shuffle=True, seed=seed)


def numbers(seed: int) -> pl.DataFrame:
    """Records of no meaning, in which few values come together in every way."""
    rng = random.Random(seed)
    some = [rng.randrange(-(2**63), 2**63) for _ in range(12)]
    rows = []
    for _ in range(64):
        row: dict[str, int | str | None] = {}
        for column in encoded_schema():
            row[column] = rng.choice(some) if rng.random() < 0.9 else None
            if column.startswith("sex"):
                row[column] = rng.choice((0, 1))
            elif column.endswith("_1"):
                row[column] = row[f"{column[:-1]}0"] and rng.choice(some[:2])
        rows.append(row | {"record_id": rng.randrange(2**63), "partner": rng.choice(PARTNERS)})
    return pl.DataFrame(rows, encoded_schema())


def crowd(size: int) -> pl.DataFrame:
    """Records that share a date and two names, and in each partner a value that these show."""
    shown = {"housing": 5, "police": 6}
    rows = [
        {"record_id": at, "partner": partner, "t_initials_either_date": shown[partner]}
        for at, partner in zip(range(size), cycle(shown), strict=False)
    ]
    found = pl.DataFrame(rows).with_columns(t_date_names_either=4)
    return pl.concat([pl.DataFrame(schema=encoded_schema()), found], how="diagonal_relaxed").cast(
        encoded_schema()
    )


# Seeds of which each shows a rule that the others do not.
CASES = (
    *((families, 1, True), (numbers, 0, True), (numbers, 1, True), (numbers, 4, True)),
    *((numbers, 24, True), (crowd, 2, True), (crowd, 60, True), (crowd, 61, False)),
)


@pytest.mark.parametrize(("made", "number", "change"), CASES)
def test_partners_agree_as_the_page_says(made, number, change):
    frame = made(number)
    rows = frame.to_dicts()
    by_hand = consistency_by_hand.consistent(rows)
    assert consistent(frame).to_dicts() == by_hand
    assert (by_hand != rows) == change
