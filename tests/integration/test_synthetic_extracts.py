"""Synthetic partners send what the contract asks for, but for the little they break on purpose."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from schemas.contract import validate_extract
from schemas.extract import read_table
from schemas.identity import identity_frame
from schemas.tables import TABLES
from synthetic import write_extracts
from synthetic.extracts import LOCAL_ONLY

AS_AT = date(2026, 6, 30)
MOST_QUARANTINED = 0.03


@pytest.fixture(scope="module", params=["local", "ndtms"])
def folder(tmp_path_factory, request):
    """Every extract there is, treatment in each of its shapes."""
    out = tmp_path_factory.mktemp("synthetic")
    write_extracts(2000, 1, out, AS_AT, extras=True, shape=request.param)
    return out


@pytest.mark.parametrize("partner", TABLES)
def test_a_synthetic_extract_is_valid_but_for_a_few_rows(partner, folder):
    raw = {}
    for table in TABLES[partner]:
        path = folder / "inbox" / partner / f"{table.name}.csv"
        header = path.read_text(encoding="utf-8").split("\n", 1)[0].lower().split(",")
        left_out = [name for name in table.columns if name not in header]
        assert set(left_out) <= {name.lower() for name in LOCAL_ONLY}
        raw[table.name] = read_table(path, table, columns=header)
    validated = validate_extract(partner, raw, as_at=AS_AT)
    for table in TABLES[partner]:
        received = validated.rows[table.name]
        quarantined = validated.quarantined[table.name]
        assert received > 0, table.name
        assert quarantined <= max(3, MOST_QUARANTINED * received), table.name
        kept = validated.frames[table.name].height
        assert kept + quarantined + validated.withheld[table.name] == received
    truth = pl.read_csv(folder / "truth" / "record.csv", infer_schema=False)
    known = truth.filter(pl.col("partner") == partner)
    identity = identity_frame(partner, validated.frames)
    assert identity.join(known, on=["table", "record_key"], how="anti").is_empty()
