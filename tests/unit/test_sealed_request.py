"""What is inside a sealed rights request is marks in their form, or it is refused."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from flows.rights.asked import Asked
from flows.rights.sealed_request import _packed, _unpacked
from schemas.marks import GROUNDS, marks_schema

LOWEST, HIGHEST = -(2**63), 2**63 - 1


def asked() -> Asked:
    rows = [{"record": LOWEST, "description": 3}, {"record": None, "nino": HIGHEST}, {"record": 4}]
    frame = pl.DataFrame(rows, schema=marks_schema()).select(
        pl.Series("line", [1, 1, 2], dtype=pl.Int32), *GROUNDS
    )
    return Asked(2, {1: frame, 2: frame.with_columns(nino=pl.lit(7, pl.Int64))})


def test_what_is_packed_is_what_is_unpacked() -> None:
    given = asked()
    found = _unpacked(_packed(given), [1, 2])
    assert found is not None and found.people == 2
    assert all(found.marks[epoch].equals(frame) for epoch, frame in given.marks.items())


def changed(**more: Any) -> bytes:
    said = json.loads(_packed(asked()))
    for path, value in more.items():
        at = said
        *above, last = path.split("__")
        for name in above:
            at = at[name]
        at[last] = value
    return json.dumps(said).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"\xff\xfe",
        _packed(asked())[:-1],
        changed(people=3),
        changed(people=0),
        changed(people=2.0),
        changed(names=["A"]),
        changed(epochs__1__line=[1, 1, 3]),
        changed(epochs__1__line=[1, 2, 2]),
        changed(epochs__1__line=[1, 2]),
        changed(epochs__1__marks__nino=[1, 2]),
        changed(epochs__1__marks__nino=[1, 2, "AB123456C"]),
        changed(epochs__1__marks__nino=[1, 2, 2**63]),
        changed(epochs__1__marks__surname=[1, 2, 3]),
        changed(epochs={}),
        changed(epochs__3=json.loads(_packed(asked()))["epochs"]["1"]),
        changed(epochs={"01": json.loads(_packed(asked()))["epochs"]["1"]}),
    ],
)
def test_anything_else_is_no_request(payload: bytes) -> None:
    assert _unpacked(payload, [1, 2]) is None
