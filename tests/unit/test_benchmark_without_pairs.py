"""A labelled file in which no two records can be compared is still reported, in sound JSON."""

import json

import polars as pl

from flows.linking.benchmark import Steps, _judged, _Linked
from linkage import scoring


def test_a_file_without_pairs_has_finite_thresholds():
    truth = pl.DataFrame({"record_id": [1, 2], "partner": ["a", "a"], "person": [1, 1]})
    ends = {"record_id_l": pl.Int64, "record_id_r": pl.Int64, "match_weight": pl.Float64}
    pairs = pl.DataFrame(schema={**ends, "joins": pl.Boolean})
    alone = truth.select("record_id", group="record_id")
    linked = _Linked(pairs, 2.0, alone, Steps())
    judged = _judged(linked, truth, scoring.count_pairs(truth, ["person"]), scoring.ALL)
    json.dumps(judged, allow_nan=False)
    assert judged["pairs"]["best"]["threshold"] == 2.0
