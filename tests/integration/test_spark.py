"""The same model and the same encoded columns on real Spark find what DuckDB finds.

`make test-slow` installs Spark. Where that or Java cannot be had these tests are skipped, and say
so in capitals; under CI they fail instead.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows.linking.train import labelled_identities
from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage.engines import EngineProblem, check_engine, engine_named
from linkage.match import link, score
from linkage.model import load_model
from synthetic import write_extracts

# Half of the time went into compiling what runs once.
SMALL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.io.encryption.enabled": "false",
}
WITHIN = 1e-9

# It compiles for long on a busy machine.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def spark():
    """The engine, where it can be had."""
    try:
        check_engine("spark")
    except EngineProblem as problem:
        missing = f"SPARK IS NOT TESTED. {problem}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return engine_named("spark", SMALL)


@pytest.fixture(scope="module")
def encoded(tmp_path_factory) -> pl.DataFrame:
    """Encoded records of made-up people with four partners."""
    folder = tmp_path_factory.mktemp("people")
    write_extracts(250, 11, folder)
    key_of = encoding_keys(RootKey(bytes(range(32))), purpose="tests", epoch=1)
    return encode(labelled_identities(folder), key_of)


@pytest.fixture(scope="module")
def on_spark(spark, encoded):
    """What linking on Spark found, and what Spark was meanwhile. It is started once."""
    said = {}

    @contextmanager
    def watched():
        with spark() as api:
            context = api.spark.sparkContext
            said.update(context.getConf().getAll(), java=context._gateway.proc)
            said["private"] = Path(said["spark.local.dir"]).stat().st_mode & 0o077 == 0
            yield api

    return link(encoded, load_model(), engine=watched), said


def test_spark_finds_the_same_groups_with_the_same_weights(on_spark, encoded):
    ours, (theirs, _) = link(encoded, load_model()), on_spark
    assert ours.pairs["linked"].sum() > 300
    assert_frame_equal(theirs.groups, ours.groups)
    assert_frame_equal(theirs.pairs, ours.pairs, check_exact=False, rel_tol=0, abs_tol=WITHIN)
    assert theirs.compared == ours.compared


def test_what_spills_is_encrypted_and_spark_leaves_nothing_behind(on_spark):
    _, said = on_spark
    assert said["spark.io.encryption.enabled"] == "true"  # whatever the partnership said
    assert said["spark.log.level"] == "OFF"
    assert said["spark.driver.host"] == "127.0.0.1"
    assert said["private"]
    assert said["java"].poll() is not None
    assert not Path(said["spark.local.dir"]).exists()
    assert not Path("spark-warehouse").exists()


@pytest.mark.slow
def test_every_weight_is_the_same_where_spark_blocks_too(spark, encoded):
    settings = load_model().settings()
    ours, theirs = score(encoded, settings), score(encoded, settings, engine=spark)
    assert ours.height > 1_000
    assert_frame_equal(theirs, ours, check_exact=False, rel_tol=0, abs_tol=WITHIN)
