"""The same attacks on encodings known to be weak: they must name more than any budget allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import polars as pl

from governance.attacks import (
    contradictions,
    dictionary,
    frequency,
    graphs,
    in_groups,
    insider,
    kin,
    patterns,
    weak,
    weighing,
)
from governance.attacks.bits import Words
from governance.attacks.result import RECORDS, Result, judge_beyond, judge_column, judge_rows
from governance.attacks.scenario import (
    Scenario,
    as_stored,
    like_stored,
    own_encoding,
    smaller,
)
from governance.encoding.kept import kept_by_delivery

MOST_NODES: Final = 3_000
COLUMNS: Final = ("forename", "surname")
TOGETHER: Final = ("forename", "surname", "dob")  # of a whole-record filter
DIFFUSED_ROOT: Final = 0.4  # undoes most of the sharpening of distances by ten-fold diffusion
Tell = Callable[[str], Any]


def attack(scenario: Scenario, tell: Tell) -> Iterator[Result]:
    """Attack each weak encoding with what is known to break it."""
    tell("Weak encodings: unkeyed hash and bare token")
    for column in COLUMNS:
        yield _hash(scenario, column)
        yield _token(scenario, column)
    tell("Weak encodings: anchored by bare postcode")
    yield place_in_groups("found", scenario)
    some = smaller(scenario, MOST_NODES)
    tell("Weak encodings: plain filter")
    yield from attack_records(some)
    for column in COLUMNS:
        yield _patterns(some, column)
    yield match_column(some, "surname", "plain filter", _plain, 1.0)
    for hashes in (weak.FEWEST, weak.MOST):
        name = f"diffused column, {hashes} hashes"
        tell(f"Weak encodings: {name}")
        yield match_column(some, "surname", name, _diffused(hashes), DIFFUSED_ROOT)


def _hash(scenario: Scenario, column: str) -> Result:
    target = weak.unkeyed_hash(scenario.target[column]).alias(column).to_frame()
    listed = weak.unkeyed_hash(scenario.public[column]).alias(column).to_frame()
    rows = dictionary.look_up(target, listed, [column], repeated=True)
    guess = scenario.public[column].gather(rows)
    return judge_column("dictionary, no key", scenario, column, [guess], "unkeyed hash", 0.0)


def _token(scenario: Scenario, column: str) -> Result:
    codes = weak.bare_token(scenario.target[column], weak.new_key())
    within, among = scenario.target["sex"].fill_null("-"), scenario.public["sex"].fill_null("-")
    guesses = [
        align(codes, scenario.public[column], one, other)
        for align in (frequency.align_by_rank, frequency.align_by_likelihood)
        for one, other in ((within, among), (_one_colour(within), _one_colour(among)))
    ]
    return judge_column("frequency", scenario, column, guesses, "bare token")


def _one_colour(colours: pl.Series) -> pl.Series:
    return pl.repeat("", len(colours), eager=True)


def place_in_groups(how: str, scenario: Scenario) -> Result:
    """Find hostels by what hangs on the bare postcode, and place people of the list in them."""
    form = weak.bare_postcode_form()
    encoded = form.encode(scenario.target)
    rows, _ = in_groups.match(encoded, scenario.known, form, in_groups.found(encoded, form))
    name = f"distances in groups, {how}"
    return judge_rows(name, scenario, [rows], "anchored by bare postcode")[0]


def weigh(scenario: Scenario, where: str) -> Result:
    """Weigh distances of filters that hang on the bare date and on both names, as an insider."""
    form = weak.bare_date_form()
    target = form.encode(scenario.target)
    own = [form.encode(scenario.known) for _ in range(weighing.KEYS)]
    listed = weighing.Listed(scenario.known, own, scenario.overlap)
    everybody = np.arange(target.height)
    staging = insider.staged(scenario.target), insider.staged(scenario.known)
    anchors = list(form.anchors.values())
    rows = weighing.weigh(target, listed, staging, anchors, everybody)
    name = f"{weighing.NAME}, {where}"
    return judge_beyond(name, scenario, [rows], staging, "anchored by bare date and names")


def contradict(scenario: Scenario, where: str) -> Result:
    """Read, as an insider, which stand-ins of one delivery another partner's records betray."""
    target = kept_by_delivery(own_encoding(as_stored(scenario.target)))
    persons = in_groups.persons(target)
    told = contradictions.told_by_each(target, persons)
    known = like_stored(scenario.known, scenario.target)
    staging = insider.staged(scenario.target), insider.staged(scenario.known)
    rows, staged = kin.name_by_each(told, persons, known, staging)
    name = f"{contradictions.NAME}, {where}"
    return judge_beyond(name, scenario, rows, staged, "stand-ins of each delivery by itself")


def _plain(values: pl.Series, hashes: int = weak.USUAL) -> Words:
    return weak.bloom_filters([values], weak.new_key(), hashes)


def _diffused(hashes: int) -> Callable[[pl.Series], Words]:
    return lambda values: weak.diffused(_plain(values, hashes), weak.new_key())


def attack_records(scenario: Scenario) -> Iterator[Result]:
    """Match whole-record filters of a sample, as Schäfer and Armknecht did."""
    scenario = smaller(scenario, MOST_NODES)
    tries = _graph_rows(
        scenario,
        lambda people: weak.bloom_filters(
            [people[name] for name in TOGETHER], weak.new_key(), weak.USUAL
        ),
    )
    results = judge_rows("graph matching", scenario, tries, "plain filter of records")
    yield from (result for result in results if result.part == RECORDS)


def match_column(
    scenario: Scenario, column: str, name: str, encoded: Callable[[pl.Series], Words], root: float
) -> Result:
    """Match the similarity graph of one column's values.

    Args:
        scenario: Whom the attacker knows.
        column: Which column.
        name: Of the encoding.
        encoded: Encodes values, each time under another key.
        root: As for `graphs.similarity_graph`.
    """
    tries = _graph_rows(scenario, lambda people: encoded(people[column]), root)
    guesses = [scenario.known[column].gather(rows) for rows in tries]
    return judge_column("graph matching", scenario, column, guesses, name)


def _graph_rows(
    scenario: Scenario, encoded: Callable[[pl.DataFrame], Words], root: float = 1.0
) -> list[pl.Series]:
    mixed, listed = scenario.rehearsal()
    target = encoded(scenario.target)
    return [
        graphs.match_rows((target, encoded(scenario.known), encoded(mixed)), listed, root)
        for _ in range(graphs.TRIES)
    ]


def _patterns(scenario: Scenario, column: str) -> Result:
    guess = patterns.mine(_plain(scenario.target[column]), scenario.public[column], weak.grams_of)
    return judge_column("pattern mining", scenario, column, [guess], "plain filter")
