"""The synthetic partners are hard enough to mean something, and not harder than life."""

import pytest
from clear_text import clear_text_model, make_identities, train

from linkage.scoring import CROSS, connected_groups, evaluate


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return train(make_identities(3_000, 101, tmp_path_factory.mktemp("training")))


def test_a_good_clear_text_model_neither_fails_nor_finds_it_easy(settings, tmp_path, capfd):
    linked = clear_text_model(make_identities(5_000, 1, tmp_path), settings)
    threshold = evaluate(linked.pairs, connected_groups(linked.pairs, 1e9), linked.truth).threshold
    evaluation = evaluate(linked.pairs, connected_groups(linked.pairs, threshold + 4), linked.truth)
    assert 0.90 < evaluation.f1("pair") < 0.97
    assert 0.90 < evaluation.f1("pair", CROSS) < 0.97
    assert 0.90 < evaluation.f1("group") < 0.99
    # Police and probation share strong ids; police and treatment share none.
    assert evaluation.f1("pair", "police–probation") > evaluation.f1("pair", "police–treatment")
    printed = capfd.readouterr()
    assert not printed.out
    assert not printed.err
