"""The threshold of a model is judged on the groups that a run would make."""

from itertools import combinations

import polars as pl

from linkage.train import best_threshold

STRONG, WEAK = 10.5, 1.5


def people(*sizes: int) -> pl.DataFrame:
    """The records of people who have so many each."""
    person = [number for number, size in enumerate(sizes) for _ in range(size)]
    return pl.DataFrame({"record_id": range(len(person)), "person": person})


def pairs(*weighed: tuple[int, int, float]) -> pl.DataFrame:
    return pl.DataFrame(
        weighed, schema=["record_id_l", "record_id_r", "match_weight"], orient="row"
    )


def test_a_link_that_chains_two_people_does_not_raise_it_if_the_chain_is_parted():
    of_four = [(*both, STRONG) for both in combinations(range(4), 2)]
    of_four_others = [(*both, STRONG) for both in combinations(range(4, 8), 2)]
    chain, true = (3, 4, WEAK), (8, 9, WEAK)
    scored = pairs(*of_four, *of_four_others, chain, true)
    assert best_threshold(scored, people(4, 4, 2)) == 1


def test_the_highest_of_thresholds_that_do_as_well_is_taken():
    assert best_threshold(pairs((0, 1, STRONG)), people(2, 1)) == 10
