"""The attacks as turned on the shipped encoding. Columns come from its schema, never by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from governance.attacks import (
    budgets,
    contradictions,
    dictionary,
    frequency,
    graphs,
    groups,
    in_groups,
    insider,
    kin,
    patterns,
    weighing,
)
from governance.attacks.bits import Indices, words_of
from governance.attacks.form import anchor_values, composites, shipped_form
from governance.attacks.result import (
    RECORDS,
    SHIPPED,
    Result,
    judge_beyond,
    judge_column,
    judge_rows,
)
from governance.attacks.scenario import (
    Scenario,
    as_stored,
    like_stored,
    own_encoding,
    smaller,
)
from governance.attacks.scoring import Score, score_people
from governance.attacks.token_graph import (
    CLEAR,
    TOKENS,
    colours,
    match_graphs,
    missing,
    token_graph,
)
from governance.attacks.weak import grams_of
from governance.encoding.anchored import encode
from governance.encoding.kept import kept
from schemas.encoded import FILTERS, filter_columns

MOST_NODES: Final = 2_000  # similarities of all pairs are held, so a sample of records is attacked
GIVEN: Final = ("dob", "postcode")
"""Columns of which the token graph is told who shares a value, in the bound of that name."""
FORM: Final = shipped_form()
COMPOSITES: Final = composites()
Tell = Callable[[str], Any]
Both = tuple[pl.DataFrame, pl.DataFrame]  # of the store and of the list
Way = tuple[pl.Series, Both]  # guesses of staging, and what is clear


@dataclass(frozen=True)
class Store:
    """The stolen store, and who in it seems to share an anchor or to be one person.

    Args:
        encoded: The columns of the encoding.
        found: The group of each record by anchor; empty where there are too many records to
            compare them all.
        persons: Which records seem to be one person's.
        told: For each record and composite whether another is told to have that value: by each
            attack that asks who has kin, in each of its ways.
    """

    encoded: pl.DataFrame
    found: dict[str, Indices]
    persons: Indices
    told: dict[str, list[pl.DataFrame]]


@dataclass(frozen=True)
class Stolen:
    """What the attacker holds.

    Args:
        store: The store.
        known: Its plain list, as the hub would have encoded it.
        own: That list encoded under its own key, and kept as the hub keeps a delivery.
    """

    store: Store
    known: pl.DataFrame
    own: pl.DataFrame

    @property
    def target(self) -> pl.DataFrame:
        """The store's encoded columns."""
        return self.store.encoded


def store_of(people: pl.DataFrame) -> Store:
    """Encode the people of the target under a key that nobody keeps, and look for groups."""
    encoded = kept(own_encoding(as_stored(people)))
    few = people.height <= groups.MOST_RECORDS
    found = in_groups.found(encoded, FORM) if few else {}
    persons = in_groups.persons(encoded)
    told = {
        kin.NAME: [kin.shared_in_store(encoded, persons)],
        contradictions.NAME: contradictions.told_by_each(encoded, persons),
    }
    return Store(encoded, found, persons, told)


def stolen(scenario: Scenario, store: Store) -> Stolen:
    """What somebody holds who steals the store and knows the list."""
    known = like_stored(scenario.known, scenario.target)
    return Stolen(store, known, kept(own_encoding(known)))


def attack(scenario: Scenario, store: Store, tell: Tell) -> Iterator[Result]:
    """Run every attack at one overlap."""
    told = f"{scenario.overlap:.0%} known"
    tell(f"{told}: encoding the list under the attacker's key")
    held = stolen(scenario, store)
    steps: dict[str, Callable[[Scenario, Stolen], Iterator[Result]]] = {
        "dictionary": _dictionary,
        "frequencies": _frequencies,
        "token graph": _token_graph,
        "anchor groups": _groups,
        "distances in groups": _distances,
        "insider": _insider,
        "similarity graphs": _graphs,
        "patterns": _patterns,
    }
    for name, step in steps.items():
        tell(f"{told}: {name}")
        yield from step(scenario, held)


def attack_where(where: str, scenario: Scenario, store: Store) -> Iterator[Result]:
    """The attacks that live on who is near whom, where the attacker knows people of a special kind.

    The insider is among them, since it lives on that too: what the encoding adds to staging is who
    shares a date with whom.

    Args:
        where: What is special, as it is added to the attacks' names.
        scenario: Whom the attacker knows.
        store: The store.
    """
    held = stolen(scenario, store)
    for result in (
        *_token_graph(scenario, held),
        *_placed("found", scenario, held, store.found),
        *_insider(scenario, held),
    ):
        attack = result.attack.removesuffix(", found")
        yield replace(result, attack=f"{attack}, {where}")


def _dictionary(scenario: Scenario, held: Stolen) -> Iterator[Result]:
    columns = [*TOKENS, *(filter_columns(*pair)[0] for pair in FILTERS)]
    keyless = encode(held.known, lambda label: bytes(32))
    for name, listed in (("no key", keyless), ("wrong key", held.own)):
        rows = dictionary.look_up(held.target, listed, columns)
        yield from judge_rows(f"dictionary, {name}", scenario, [rows], budget=budgets.DICTIONARY)


def _frequencies(scenario: Scenario, held: Stolen) -> Iterator[Result]:
    """Every token and filter, by rank and by likelihood."""
    within, among = colours(held.target, CLEAR), colours(held.own, CLEAR)
    guesses = [
        align(held.target[column], _first_rows(held.own[column]), within, among)
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


def _token_graph(scenario: Scenario, held: Stolen) -> Iterator[Result]:
    """With one colour for all, and coloured by what records lack."""
    lacking = missing(held.target), missing(held.own)
    rows = [_matched(held, scenario.overlap, clear=clear) for clear in (None, lacking)]
    yield from judge_rows("token graph", scenario, rows)


def _matched(
    held: Stolen,
    overlap: float,
    shared: tuple[pl.DataFrame, pl.DataFrame] | None = None,
    clear: tuple[pl.DataFrame, pl.DataFrame] | None = None,
) -> pl.Series:
    """The row of the list for each record, by the graph of tokens and what else is known.

    Args:
        held: What the attacker holds.
        overlap: The share of the store's people on the list.
        shared: Further columns of the store and of the list whose equal values show.
        clear: Columns of both that are known of each record by itself.
    """
    persons = held.store.persons
    tokens, seen = TOKENS, CLEAR
    target, own = held.target, held.own
    if shared is not None:
        target, own = target.hstack(shared[0]), own.hstack(shared[1])
        tokens = (*TOKENS, *shared[0].columns)
    if clear is not None:
        target, own = target.hstack(clear[0]), own.hstack(clear[1])
        seen = tuple(clear[0].columns)
    found = match_graphs(
        token_graph(target, tokens, seen, persons), token_graph(own, tokens, seen), overlap
    )
    records = pl.DataFrame({"u": pl.Series(persons, dtype=pl.UInt32)})
    return records.join(found, on="u", how="left", maintain_order="left")["a"]


def _groups(scenario: Scenario, held: Stolen) -> Iterator[Result]:
    """Groups that were found, then groups given away, as one more token of each anchor."""
    if held.store.found:
        target = pl.DataFrame({f"group_{a}": group for a, group in held.store.found.items()})
        own = pl.DataFrame(
            {
                f"group_{a}": anchor_values(held.known, FORM.anchors[a].parts)
                for a in held.store.found
            }
        )
        rows = _matched(held, scenario.overlap, (target, own))
        yield from judge_rows("anchor groups, found", scenario, [rows])
    numbers = [
        pl.col(column).rank("dense").cast(pl.Int64).alias(f"group_{column}") for column in GIVEN
    ]
    told = scenario.target.select(numbers), scenario.known.select(numbers)
    rows = _matched(held, scenario.overlap, told)
    yield from judge_rows("anchor groups, given", scenario, [rows])


def _distances(scenario: Scenario, held: Stolen) -> Iterator[Result]:
    yield from _placed("found", scenario, held, held.store.found)
    given = in_groups.given(as_stored(scenario.target), FORM)
    yield from _placed("given", scenario, held, given)


def _placed(
    how: str, scenario: Scenario, held: Stolen, of_anchor: dict[str, Indices]
) -> Iterator[Result]:
    """The list's groups placed in the store's, and what of it an attacker would believe."""
    if not of_anchor:
        return
    rows, sure = in_groups.match(held.target, held.known, FORM, of_anchor)
    named = score_people(scenario, sure)
    whole, *columns = judge_rows(f"distances in groups, {how}", scenario, [rows])
    note = f"{named.correct} of {named.guessed} sure guesses are right"
    yield replace(whole, note=note if named.guessed else "")
    yield from columns


def _insider(scenario: Scenario, held: Stolen) -> Iterator[Result]:
    """What the encoding adds to staging alone, by each way to look for it."""
    seen, listed = insider.staged(scenario.target), insider.staged(scenario.known)
    alone = insider.name_by_columns(seen, listed)
    before = score_people(scenario, alone)
    more = seen.hstack(missing(held.target)), listed.hstack(missing(held.own))
    lacking = insider.name_by_columns(*more)
    ways: dict[str, Way] = {
        "insider": (alone, (seen, listed)),
        "insider, with what is missing": (lacking, more),
    }
    for attack, (told, clear) in ways.items():
        graph = _matched(held, scenario.overlap, clear=clear).cast(alone.dtype)
        after = _best(scenario, (graph.fill_null(told), told.fill_null(graph)))
        added = Score(
            after.guessed, after.correct, after.chance + before.correct - before.chance, after.of
        )
        allowed = budgets.budget_for(RECORDS, scenario.overlap)
        note = (
            f"staging alone names {before.reidentified:.1%}, with the encoding "
            f"{after.reidentified:.1%}; {insider.narrowed_to(clear[0]):.0f} records look like one"
        )
        yield Result(attack, SHIPPED, RECORDS, scenario.overlap, added, allowed, False, note)
    yield _weighed(scenario, held, (seen, listed))
    yield from _kin(scenario, held, (seen, listed))


def _weighed(scenario: Scenario, held: Stolen, staging: Both) -> Result:
    """What the distance of every filter of every two people of the list adds to staging."""
    again = [kept(own_encoding(held.known)) for _ in range(1, weighing.KEYS)]
    listed = weighing.Listed(held.known, [held.own, *again], scenario.overlap)
    rows = weighing.weigh(held.target, listed, staging, COMPOSITES, held.store.persons)
    return judge_beyond(weighing.NAME, scenario, [rows], staging)


def _kin(scenario: Scenario, held: Stolen, staging: Both) -> Iterator[Result]:
    """What is told of who has kin adds to staging."""
    for attack, told in held.store.told.items():
        rows, staged = kin.name_by_each(told, held.store.persons, held.known, staging)
        yield judge_beyond(attack, scenario, rows, staged)


def _best(scenario: Scenario, guesses: Sequence[pl.Series]) -> Score:
    scores = [score_people(scenario, rows) for rows in guesses]
    return max(scores, key=lambda score: score.reidentified)


def _graphs(scenario: Scenario, _: Stolen) -> Iterator[Result]:
    """Each filter as if it were a column, and all of them as whole records."""
    some = smaller(scenario, MOST_NODES)
    mixed, listed = some.rehearsal()
    target = kept(own_encoding(as_stored(some.target)))
    own = [(kept(own_encoding(some.known)), kept(own_encoding(mixed))) for _ in range(graphs.TRIES)]
    every = tuple(column for pair in FILTERS for column in filter_columns(*pair))
    named = {pair[0]: filter_columns(*pair) for pair in reversed(FILTERS)}
    for part, columns in {RECORDS: every, **named}.items():
        tries = [
            graphs.match_rows(
                (words_of(target, columns), words_of(known, columns), words_of(others, columns)),
                listed,
            )
            for known, others in own
        ]
        results = judge_rows("graph matching", some, tries)
        yield from (result for result in results if result.part == part)


def _patterns(scenario: Scenario, held: Stolen) -> Iterator[Result]:
    """The first filter of each field, as if it were a plain one."""
    some = smaller(scenario, MOST_NODES)
    for field in ("forename", "surname"):
        columns = next(filter_columns(*pair) for pair in FILTERS if pair[0] == field)
        words = words_of(held.target.head(some.target.height), columns)
        guess = patterns.mine(words, some.public[field], grams_of)
        yield judge_column("pattern mining", some, field, [guess])
