"""Synthetic partners send what the contract asks for, but for the little they break on purpose."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from schemas.contract import validate_extract
from schemas.extract import read_table
from schemas.identity import identity_frame
from schemas.tables import TABLES

synthetic = pytest.importorskip("synthetic")

AS_AT = date(2026, 6, 30)
MOST_QUARANTINED = 0.03


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if not hasattr(synthetic, "write_extracts"):
        pytest.skip("there is no generator yet")
    out = tmp_path_factory.mktemp("synthetic")
    synthetic.write_extracts(2000, 1, out, AS_AT)
    return out


@pytest.mark.parametrize("partner", TABLES)
def test_a_synthetic_extract_is_valid_but_for_a_few_rows(partner, folder):
    raw = {
        table.name: read_table(folder / "inbox" / partner / f"{table.name}.csv", table)
        for table in TABLES[partner]
    }
    validated = validate_extract(partner, raw, as_at=AS_AT)
    for table in TABLES[partner]:
        received = validated.rows[table.name]
        quarantined = validated.quarantined[table.name]
        assert quarantined <= max(3, MOST_QUARANTINED * received), table.name
        kept = validated.frames[table.name].height
        assert kept + quarantined + validated.withheld[table.name] == received
    truth = pl.read_csv(folder / "truth" / "record.csv", infer_schema=False)
    known = truth.filter(pl.col("partner") == partner)
    identity = identity_frame(partner, validated.frames)
    assert identity.join(known, on=["table", "record_key"], how="anti").is_empty()
