"""The attacks as turned on the shipped encoding. Columns come from its schema, never by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from governance.attacks import budgets, dictionary, frequency, graphs, groups, insider, patterns
from governance.attacks.bits import words_of
from governance.attacks.result import RECORDS, SHIPPED, Result, judge_column, judge_rows
from governance.attacks.scenario import Scenario, own_encoding, smaller
from governance.attacks.scoring import Score, score_people
from governance.attacks.token_graph import CLEAR, TOKENS, colours, match_graphs, token_graph
from governance.attacks.weak import grams_of
from governance.encoding.anchored import encode
from schemas.encoded import FILTERS, filter_columns

MOST_NODES: Final = 2_000  # similarities of all pairs are held, so a sample of records is attacked
ANCHORED: Final = {"date": "dob", "postcode": "postcode"}
"""Anchors whose groups are looked for, and the field that is the anchor; names are the third."""
Tell = Callable[[str], Any]


@dataclass(frozen=True)
class Store:
    """The stolen store, and who in it shares an anchor as far as the attacker can find.

    Args:
        encoded: The columns of the encoding.
        found: The group of each record by anchor; empty where there are too many records to
            compare them all.
    """

    encoded: pl.DataFrame
    found: dict[str, pl.Series]


@dataclass(frozen=True)
class Stolen:
    """What the attacker holds: the store, and its own list encoded under its own key."""

    store: Store
    own: pl.DataFrame

    @property
    def target(self) -> pl.DataFrame:
        """The store's encoded columns."""
        return self.store.encoded


def store_of(people: pl.DataFrame) -> Store:
    """Encode the people of the target under a key that nobody keeps, and look for groups."""
    encoded = own_encoding(people)
    few = people.height <= groups.MOST_RECORDS
    found = {anchor: pl.Series(groups.discover(encoded, anchor)) for anchor in ANCHORED if few}
    return Store(encoded, found)


def attack(scenario: Scenario, store: Store, tell: Tell) -> Iterator[Result]:
    """Run every attack at one overlap."""
    told = f"{scenario.overlap:.0%} known"
    tell(f"{told}: encoding the list under the attacker's key")
    stolen = Stolen(store, own_encoding(scenario.known))
    steps: dict[str, Callable[[Scenario, Stolen], Iterator[Result]]] = {
        "dictionary": _dictionary,
        "frequencies": _frequencies,
        "token graph": _token_graph,
        "anchor groups": _groups,
        "insider": _insider,
        "similarity graphs": _graphs,
        "patterns": _patterns,
    }
    for name, step in steps.items():
        tell(f"{told}: {name}")
        yield from step(scenario, stolen)


def attack_by_area(scenario: Scenario, store: Store) -> Iterator[Result]:
    """The token graph, where the attacker knows everybody in some postcodes."""
    stolen = Stolen(store, own_encoding(scenario.known))
    rows = _matched(stolen.target, stolen.own, scenario.overlap, TOKENS)
    yield from judge_rows("token graph, known by area", scenario, [rows])


def _dictionary(scenario: Scenario, stolen: Stolen) -> Iterator[Result]:
    columns = [*TOKENS, *(filter_columns(*pair)[0] for pair in FILTERS)]
    keyless = encode(scenario.known, lambda label: bytes(32))
    for name, listed in (("no key", keyless), ("wrong key", stolen.own)):
        rows = dictionary.look_up(stolen.target, listed, columns)
        yield from judge_rows(f"dictionary, {name}", scenario, [rows], budget=budgets.DICTIONARY)


def _frequencies(scenario: Scenario, stolen: Stolen) -> Iterator[Result]:
    """Every token and filter, by rank and by likelihood."""
    within, among = colours(stolen.target, CLEAR), colours(stolen.own, CLEAR)
    guesses = [
        align(stolen.target[column], _first_rows(stolen.own[column]), within, among)
        for column in [*TOKENS, *(filter_columns(*pair)[0] for pair in FILTERS)]
        for align in (frequency.align_by_rank, frequency.align_by_likelihood)
    ]
    yield from judge_rows("frequency", scenario, guesses)


def _first_rows(codes: pl.Series) -> pl.Series:
    """A row of the list that stands for each code."""
    rows = pl.DataFrame({"code": codes}).with_row_index("row")
    first = rows.select(
        pl.when(pl.col("code").is_not_null()).then(pl.col("row").first().over("code"))
    )
    return first.to_series()


def _token_graph(scenario: Scenario, stolen: Stolen) -> Iterator[Result]:
    rows = _matched(stolen.target, stolen.own, scenario.overlap, TOKENS)
    yield from judge_rows("token graph", scenario, [rows])


def _matched(
    target: pl.DataFrame,
    own: pl.DataFrame,
    overlap: float,
    tokens: tuple[str, ...],
    known: tuple[str, ...] = CLEAR,
) -> pl.Series:
    """The row of the list for each record, by the graph of tokens and what else is known."""
    found = match_graphs(
        token_graph(target, tokens, known), token_graph(own, tokens, known), overlap
    )
    records = pl.DataFrame({"u": pl.int_range(target.height, dtype=pl.UInt32, eager=True)})
    return records.join(found, on="u", how="left", maintain_order="left")["a"]


def _groups(scenario: Scenario, stolen: Stolen) -> Iterator[Result]:
    """Groups that were found, then groups given away, as one more token of each anchor."""
    truths = {ANCHORED[anchor]: f"group_{anchor}" for anchor in ANCHORED}
    tokens = (*TOKENS, *truths.values())
    own = _with_groups(stolen.own, {c: _codes(scenario.known[v]) for v, c in truths.items()})
    given = {column: _codes(scenario.target[value]) for value, column in truths.items()}
    found = {f"group_{anchor}": group for anchor, group in stolen.store.found.items()}
    for name, known in (("found", found), ("given", given)):
        if known:
            target = _with_groups(stolen.target, known)
            rows = _matched(target, own, scenario.overlap, tokens)
            yield from judge_rows(f"anchor groups, {name}", scenario, [rows])


def _with_groups(encoded: pl.DataFrame, numbers: dict[str, pl.Series]) -> pl.DataFrame:
    return encoded.with_columns(group.alias(column) for column, group in numbers.items())


def _codes(values: pl.Series) -> pl.Series:
    return values.rank("dense").cast(pl.Int64)


def _insider(scenario: Scenario, stolen: Stolen) -> Iterator[Result]:
    """What staging names alone, and what it names as the colours of the token graph."""
    seen, listed = insider.staged(scenario.target), insider.staged(scenario.known)
    alone = insider.name_by_columns(seen, listed)
    target, own = stolen.target.hstack(seen), stolen.own.hstack(listed)
    graph = _matched(target, own, scenario.overlap, TOKENS, insider.STAGED).cast(alone.dtype)
    before = score_people(scenario, alone)
    mixed = (graph.fill_null(alone), alone.fill_null(graph))
    after = max((score_people(scenario, rows) for rows in mixed), key=lambda s: s.reidentified)
    added = Score(
        after.guessed, after.correct, after.chance + before.correct - before.chance, after.of
    )
    allowed = budgets.budget_for(RECORDS, scenario.overlap)
    note = (
        f"staging alone names {before.reidentified:.1%}, with the encoding "
        f"{after.reidentified:.1%}; {insider.narrowed_to(seen):.0f} records look like one there"
    )
    yield Result("insider", SHIPPED, RECORDS, scenario.overlap, added, allowed, False, note)


def _graphs(scenario: Scenario, _: Stolen) -> Iterator[Result]:
    """Each filter as if it were a column, and all of them as whole records."""
    some = smaller(scenario, MOST_NODES)
    mixed, listed = some.rehearsal()
    target, known, others = (own_encoding(people) for people in (some.target, some.known, mixed))
    every = tuple(column for pair in FILTERS for column in filter_columns(*pair))
    named = {pair[0]: filter_columns(*pair) for pair in reversed(FILTERS)}
    for part, columns in {RECORDS: every, **named}.items():
        sides = (words_of(target, columns), words_of(known, columns), words_of(others, columns))
        rows = graphs.match_rows(sides, listed)
        results = judge_rows("graph matching", some, [rows])
        yield from (result for result in results if result.part == part)


def _patterns(scenario: Scenario, stolen: Stolen) -> Iterator[Result]:
    """The first filter of each field, as if it were a plain one."""
    some = smaller(scenario, MOST_NODES)
    for field in ("forename", "surname"):
        columns = next(filter_columns(*pair) for pair in FILTERS if pair[0] == field)
        words = words_of(stolen.target.head(some.target.height), columns)
        guess = patterns.mine(words, some.public[field], grams_of)
        yield judge_column("pattern mining", some, field, [guess])
