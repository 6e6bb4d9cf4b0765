"""A run says so when linked records agree otherwise than the model learnt."""

from __future__ import annotations

import polars as pl
import pytest

from flows.linking.train import labelled_identities
from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage import drift
from linkage.drift import drifted
from linkage.match import link
from linkage.model import load_model
from synthetic import write_extracts

KEY_OF = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
MODEL = load_model()


@pytest.fixture(scope="module")
def identities(tmp_path_factory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("people")
    write_extracts(1_200, 13, folder)
    return labelled_identities(folder)


def found(identities: pl.DataFrame) -> list[drift.Drift]:
    encoded = encode(identities, KEY_OF)
    return drifted(encoded, link(encoded, MODEL).pairs.filter("linked"), MODEL)


def test_people_like_those_it_was_trained_on_are_no_drift(identities):
    assert found(identities) == []


def test_a_partner_that_shortens_names_is_drift(identities):
    shortened = pl.when(partner="police").then(pl.col("forename").str.head(3)).otherwise("forename")
    (one,) = found(identities.with_columns(forename=shortened))
    assert one.comparison == "forename"
    assert one.level == "exact"
    assert one.seen < one.learnt - drift.DEPARTS_BY
    assert str(one).startswith("Of linked pairs")


def test_few_pairs_say_nothing(identities):
    encoded = encode(identities, KEY_OF)
    few = pl.DataFrame({"record_id_l": [0], "record_id_r": [1]})
    assert drifted(encoded, few, MODEL) == []
