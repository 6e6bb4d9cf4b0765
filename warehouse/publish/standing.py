"""How a unit can stand in the measures of a metric at once, which their conditions say.

What is counted in one measure may be all that another is of, as of screenings offered those that
were accepted; two measures may be all there is, or one be part of another. Readers know that from
the definitions, so the gate has to: a unit is never in a state that the conditions rule out.

Each condition is read as a condition on *terms*: columns, numbers that are compared with constants,
and whatever else, which is taken to be true, false or missing as it likes. So what is ruled out is
ruled out of every row there can be, and no row was looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import Any, Final

from warehouse.analyst import syntax_tree

NOT_ASKED, COUNTED, NOT_COUNTED = "not asked", "counted", "not counted"
MOST = 50_000  # combinations of what the terms may be; beyond it nothing is ruled out

Standing = tuple[str, ...]
Truth = bool | None
Values = Mapping[str, Any]
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "COMPARE_EQUAL": lambda a, b: a == b,
    "COMPARE_NOTEQUAL": lambda a, b: a != b,
    "COMPARE_LESSTHAN": lambda a, b: a < b,
    "COMPARE_GREATERTHAN": lambda a, b: a > b,
    "COMPARE_LESSTHANOREQUALTO": lambda a, b: a <= b,
    "COMPARE_GREATERTHANOREQUALTO": lambda a, b: a >= b,
}
_OF_TEXT: Final = ("COMPARE_EQUAL", "COMPARE_NOTEQUAL")
_ANY_OTHER: Final = "\N{NULL}"  # a text that no condition names


@dataclass(frozen=True)
class Asked:
    """A measure by its conditions in SQL: what it counts, and of what; None for a plain count."""

    counts: str
    of: str | None


def standings(groups: Sequence[str | None]) -> tuple[Standing, ...]:
    """Every way that a unit can stand in the measures of a metric, as their denominators go.

    Args:
        groups: The denominator of each measure; those that share one ask about the same units.
            None where the measure is a plain count.
    """
    found = [
        one
        for one in product((NOT_ASKED, COUNTED, NOT_COUNTED), repeat=len(groups))
        if all(
            (a == NOT_ASKED) == (b == NOT_ASKED)
            for a, x in zip(one, groups, strict=True)
            for b, y in zip(one, groups, strict=True)
            if x == y and x is not None
        )
        and not any(a == NOT_COUNTED for a, x in zip(one, groups, strict=True) if x is None)
    ]
    return tuple(one for one in found if set(one) != {NOT_ASKED})


def possible(
    measures: Sequence[Asked], days: Mapping[str, float], *, is_whole: bool
) -> tuple[Standing, ...]:
    """The ways that a unit can stand that the measures' conditions do not rule out.

    Args:
        measures: The measures.
        days: What `policy` says: name → number.
        is_whole: Whether a unit is known in all measures together. Of several units of a person the
            mart says how many each measure counts, not which, and the first are taken to be those;
            so then nothing is ruled out but what that cannot bring about: a unit that is counted
            (or asked about) in one measure and not in another that has all of those.
    """
    every = standings([one.of for one in measures])
    real = _real(measures, days)
    if not real:
        return every
    if is_whole:
        kept = tuple(one for one in every if one in real)
    else:
        marks = [_marks(one) for one in real]
        follows = [
            (a, b)
            for a, b in product(range(2 * len(measures)), repeat=2)
            if a != b and all(mark[b] for mark in marks if mark[a])
        ]
        kept = tuple(
            one for one in every if all(_marks(one)[b] or not _marks(one)[a] for a, b in follows)
        )
    # A measure that nothing can be counted in would be published as a set of no states.
    can = {place for one in kept for place, how in enumerate(one) if how == COUNTED}
    return kept if len(can) == len(measures) else every


def _marks(standing: Standing) -> tuple[bool, ...]:
    """Of each measure whether a unit is asked about, and whether it is counted."""
    return tuple(mark for how in standing for mark in (how != NOT_ASKED, how == COUNTED))


def _real(measures: Sequence[Asked], days: Mapping[str, float]) -> set[Standing]:
    """Every way that a row can stand in some measures; none where there are too many terms."""
    trees = [(_tree(one.counts), None if one.of is None else _tree(one.of)) for one in measures]
    named: dict[str, set[Any]] = {}
    for both in trees:
        for tree in both:
            for term, constant in _terms(tree, days) if tree else ():
                named.setdefault(term, set()).update(constant)
    if any(len({isinstance(one, str) for one in of}) > 1 for of in named.values()):
        return set()
    choices = [_choices(constants) for constants in named.values()]
    if prod(map(len, choices)) > MOST:
        return set()
    found = set()
    for chosen in product(*choices):
        values = dict(zip(named, chosen, strict=True))
        found.add(
            tuple(
                NOT_ASKED
                if (of is not None and not _holds(of, values, days))
                or (of is None and not _holds(counts, values, days))
                else COUNTED
                if _holds(counts, values, days)
                else NOT_COUNTED
                for counts, of in trees
            )
        )
    return found


def _tree(where: str) -> Any:
    """The syntax tree of a condition, without where in the text its parts stand."""
    tree = syntax_tree(f"SELECT * FROM frame WHERE ({where}\n)")
    return _bare(tree["statements"][0]["node"]["where_clause"])


def _bare(part: Any) -> Any:
    if isinstance(part, dict):
        return {k: _bare(v) for k, v in part.items() if k not in ("query_location", "alias")}
    return [_bare(one) for one in part] if isinstance(part, list) else part


def _terms(tree: Any, days: Mapping[str, float]) -> Iterator[tuple[str, list[Any]]]:
    """The terms of a condition, each with the constants that it is compared with."""
    kind = tree["type"]
    if kind in ("CONJUNCTION_AND", "CONJUNCTION_OR", "OPERATOR_NOT"):
        for one in tree["children"]:
            yield from _terms(one, days)
    elif kind in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
        yield _name(tree["children"][0]), []
    elif (constant := _compared_with(tree, days)) is not None:
        yield _name(tree["left"]), [constant]
    elif not _is_plain(tree):
        yield _name(tree), []


def _choices(constants: set[Any]) -> list[Any]:
    """What a term may be, as far as the conditions can tell: missing, or one of each kind."""
    if not constants:
        return [None, True, False]
    if all(isinstance(one, str) for one in constants):
        return [None, _ANY_OTHER, *sorted(constants)]
    steps = sorted({0, *constants})
    between = [(a + b) / 2 for a, b in pairwise(steps)]
    return [None, steps[0] - 1, *steps, *between, steps[-1] + 1]


def _holds(tree: Any, values: Values, days: Mapping[str, float]) -> Truth:
    """Whether a condition holds: true, false or missing, as in SQL."""
    kind = tree["type"]
    if kind in ("CONJUNCTION_AND", "CONJUNCTION_OR"):
        decides = kind == "CONJUNCTION_OR"
        parts = [_holds(one, values, days) for one in tree["children"]]
        return decides if decides in parts else None if None in parts else not decides
    if kind == "OPERATOR_NOT":
        inner = _holds(tree["children"][0], values, days)
        return None if inner is None else not inner
    if kind in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
        return (values[_name(tree["children"][0])] is None) == (kind == "OPERATOR_IS_NULL")
    constant = _compared_with(tree, days)
    if constant is not None:
        value = values[_name(tree["left"])]
        return None if value is None else _COMPARE[kind](value, constant)
    if _is_plain(tree):
        return bool(tree["child"]["value"]["value"] == "t")
    value = values[_name(tree)]
    return value if value is None else bool(value)


def _compared_with(tree: Any, days: Mapping[str, float]) -> float | str | None:
    """The constant that a term is compared with; None where that is not what a condition is."""
    if tree["type"] not in _COMPARE:
        return None
    constant = _constant(tree["right"], days)
    # Which text comes first hangs on the collation.
    is_told = not isinstance(constant, str) or tree["type"] in _OF_TEXT
    return constant if is_told else None


def _constant(tree: Any, days: Mapping[str, float]) -> float | str | None:
    """The constant that a side of a comparison is; None where it is none."""
    if tree.get("function_name") == "policy":
        (name,) = tree["children"]
        return days.get(str(name["value"]["value"]))
    value = tree["value"].get("value") if tree["type"] == "VALUE_CONSTANT" else None
    if not isinstance(value, int | str) or isinstance(value, bool):
        return None
    # A decimal is given as a whole number and a scale.
    scale = (tree["value"]["type"].get("type_info") or {}).get("scale", 0)
    return value / 10**scale if scale and not isinstance(value, str) else value


def _is_plain(tree: Any) -> bool:
    """Whether a condition is TRUE or FALSE, which DuckDB writes as a text that is cast."""
    return (
        tree["type"] == "OPERATOR_CAST"
        and tree["cast_type"]["id"] == "BOOLEAN"
        and tree["child"]["type"] == "VALUE_CONSTANT"
        and tree["child"]["value"].get("value") in ("t", "f")
    )


def _name(tree: Any) -> str:
    """A term by its own text."""
    return json.dumps(tree, sort_keys=True)
