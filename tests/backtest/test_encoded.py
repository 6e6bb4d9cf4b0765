"""The product's own linkage against the synthetic truth, beside a good clear-text model.

Both were trained on other people than the ones they are judged on. The clear-text model is given
its best threshold on the very truth it is judged by; the product has only the one in its model.
"""

from __future__ import annotations

import polars as pl
import pytest
from clear_text import PEOPLE, Linked, make_backtest, read_backtest
from made_once import made_once

from governance.encoding.anchored import encode, encoding_keys
from governance.encoding.crowded import without_crowds
from governance.keys import RootKey
from linkage.blocking import BLOCKING_COLUMNS, BLOCKS
from linkage.match import link
from linkage.model import load_model
from linkage.scoring import ALL, CROSS, Evaluation, connected_groups, evaluate
from schemas.encoded import token_column

MAY_TRAIL_BY = 0.01
ROOT = RootKey(bytes(range(32)))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[pl.DataFrame, Linked]:
    return read_backtest(made_once(tmp_path_factory, "backtest", make_backtest))


@pytest.fixture(scope="module")
def people(made) -> pl.DataFrame:
    return made[0]


@pytest.fixture(scope="module")
def encoded(people) -> pl.DataFrame:
    return encode(uncrowded(people), encoding_keys(ROOT, purpose="backtest", epoch=1))


def uncrowded(people: pl.DataFrame) -> pl.DataFrame:
    """The identities as each partner's extract is encoded."""
    extracts = people.partition_by("partner", maintain_order=True)
    return pl.concat([without_crowds(extract) for extract in extracts])


@pytest.fixture(scope="module")
def clear(made) -> Evaluation:
    _, linked = made
    tried = [
        evaluate(linked.pairs, connected_groups(linked.pairs, weight), linked.truth)
        for weight in range(-4, 12)
    ]
    return max(tried, key=lambda evaluation: evaluation.f1("group"))


def judge(people: pl.DataFrame, encoded: pl.DataFrame) -> Evaluation:
    links = link(encoded, load_model())
    truth = people.select("record_id", "partner", "person")
    return evaluate(links.pairs.filter("linked"), links.groups, truth)


@pytest.fixture(scope="module")
def ours(people, encoded) -> Evaluation:
    return judge(people, encoded)


def test_groups_are_nearly_as_good_as_in_clear_text(ours, clear, capsys):
    columns = ["scope", "true_pairs", "precision", "recall", "f1"]
    both = ours.scores.filter(kind="group").select(columns).join(
        clear.scores.filter(kind="group").select("scope", clear_f1="f1"), on="scope"
    )  # fmt: skip
    with capsys.disabled(), pl.Config(tbl_rows=20, float_precision=3):
        print(
            f"\nBack-test of {PEOPLE:,} people, groups: encoded, and clear text at its best\n{both}"
        )
    assert ours.f1("group") >= clear.f1("group") - MAY_TRAIL_BY
    assert ours.f1("group", CROSS) >= clear.f1("group", CROSS) - 2 * MAY_TRAIL_BY


def test_wrong_links_are_few_between_any_two_partners(ours):
    groups = ours.scores.filter(kind="group")
    assert groups["scope"].to_list()[:2] == [ALL, CROSS]
    assert groups.filter(scope=ALL)["precision"].item() >= 0.98
    assert groups["precision"].min() >= 0.95


def test_blocking_is_not_the_bottleneck(people, encoded):
    """Of the true pairs that clear text links at all, blocking lets nearly every one meet."""
    whose = encoded.select("record_id", *BLOCKING_COLUMNS).join(
        people.select("record_id", "person"), on="record_id"
    )
    pairs = whose.join(whose, on="person", suffix="_r").filter(
        pl.col("record_id") < pl.col("record_id_r")
    )
    met = pl.any_horizontal([pl.col(c) == pl.col(f"{c}_r") for c in BLOCKING_COLUMNS])
    recall = pairs.select(met.fill_null(value=False).mean()).item()
    assert recall >= 0.92


def test_no_block_token_says_much_by_its_frequency(encoded):
    """A token shared by many records is a frequency to attack; strong ids are a person's own."""
    for column in map(token_column, BLOCKS):
        by_person = encoded[column].drop_nulls().value_counts()["count"]
        assert by_person.max() / encoded.height < 0.01, column


def test_partners_with_different_keys_do_not_link(people, encoded, ours):
    """The back-test can fail: break one partner's key, and its links are gone."""
    other = encode(uncrowded(people), encoding_keys(ROOT, purpose="another", epoch=1))
    broken = pl.concat(
        [encoded.filter(pl.col("partner") != "treatment"), other.filter(partner="treatment")]
    ).sort("record_id")
    assert judge(people, broken).f1("group", "police–treatment") == 0
    assert judge(people, broken).f1("group") < ours.f1("group") - MAY_TRAIL_BY
