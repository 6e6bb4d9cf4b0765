"""The synthetic partners are hard enough to mean something, and not harder than life."""

from clear_text import make_backtest, read_backtest
from made_once import made_once

from linkage.scoring import CROSS, connected_groups, evaluate


def test_a_good_clear_text_model_neither_fails_nor_finds_it_easy(tmp_path_factory):
    _, linked = read_backtest(made_once(tmp_path_factory, "backtest", make_backtest))
    threshold = evaluate(linked.pairs, connected_groups(linked.pairs, 1e9), linked.truth).threshold
    evaluation = evaluate(linked.pairs, connected_groups(linked.pairs, threshold + 4), linked.truth)
    assert 0.90 < evaluation.f1("pair") < 0.97
    assert 0.90 < evaluation.f1("pair", CROSS) < 0.97
    assert 0.90 < evaluation.f1("group") < 0.99
    # Police and probation share strong ids; police and treatment share none.
    assert evaluation.f1("pair", "police–probation") > evaluation.f1("pair", "police–treatment")
