"""The one SQL condition of a metric's rule: what may stand in it, and what it speaks of.

A condition is asked of one row and must give the same answer on every night and every machine. So
it is made of columns, constants, comparisons and the functions listed here, which depend on
nothing else; and a number of days is a name in `policy`, with its source and date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from schemas.errors import RefusedQuery
from warehouse.analyst import nodes, syntax_tree

POLICY: Final = "policy"
PURE_FUNCTIONS: Final = frozenset(
    {
        "+", "-", "*", "/", "//", "%",
        "abs", "floor", "ceil", "round",
        "greatest", "least",
        "~~", "!~~",  # LIKE
        "lower", "upper", "starts_with", "contains",
        "list_contains", "list_has_any", "list_value", "len",
        "year", "quarter", "month",
    }
)  # fmt: skip
"""What a condition may call beside policy(); DuckDB 1.5.5 lists each as CONSISTENT."""

_PARTS: Final = frozenset(
    {"BETWEEN", "CASE", "CAST", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION",
     "OPERATOR"}
)  # fmt: skip
_OPERATORS: Final = frozenset(
    {"COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_COALESCE", "OPERATOR_IS_NOT_NULL",
     "OPERATOR_IS_NULL", "OPERATOR_NOT"}
)  # fmt: skip
# Names that mean something without being a column.
_OF_THE_SESSION: Final = frozenset(
    {"current_catalog", "current_database", "current_date", "current_role", "current_schema",
     "current_time", "current_timestamp", "current_user", "localtime", "localtimestamp",
     "session_user", "user"}
)  # fmt: skip
# Of these a comparison of days may be made; any other call has an answer of its own kind.
_OF_DAYS: Final = frozenset({"+", "-", "*", "/", "//", "abs", "greatest", "least"})
_DAYS = re.compile(r"(^|_)(days|date|start|end)(_|$)")
_MORE_THAN_A_ROW: Final = (
    "is more than a condition on one row: no other table and no window can be asked"
)


@cache
def condition_problem(where: str) -> str:
    """Say why a text is not one condition on a row; nothing when it is."""
    try:
        syntax_tree(f"SELECT * FROM frame WHERE {where}")  # its parentheses are in pairs
        tree = _tree(where)
    except RefusedQuery:
        return "is not a condition in SQL"
    statement = tree["statements"][0]["node"]
    kinds = {str(node.get("class")) for node in nodes(statement)}
    if (
        statement.get("type") != "SELECT_NODE"
        or statement["from_table"].get("table_name") != "frame"
        or kinds & {"SUBQUERY", "WINDOW"}
    ):
        return _MORE_THAN_A_ROW
    return next(_problems(statement["where_clause"]), "")


@cache
def policies_in(where: str) -> tuple[str, ...]:
    """Return the names that a condition passes to policy(), each once."""
    named = (_policy(node) for node in nodes(_tree(where)) if node.get("function_name") == POLICY)
    return tuple(dict.fromkeys(name for name in named if name))


@cache
def columns_in(where: str) -> tuple[str, ...]:
    """Return the columns that a condition names, each once."""
    named = (
        ".".join(node["column_names"])
        for node in _expressions(_tree(where)["statements"][0]["node"]["where_clause"])
        if node["class"] == "COLUMN_REF"
    )
    return tuple(dict.fromkeys(named))


@cache
def day_numbers(where: str) -> tuple[float, ...]:
    """Return the numbers of days in a condition: what columns of days and dates are held against.

    Nought is none: it is the day itself.
    """
    compared = (
        node
        for node in _expressions(_tree(where)["statements"][0]["node"]["where_clause"])
        if node["class"] in {"BETWEEN", "COMPARISON"}
        or node["type"] in {"COMPARE_IN", "COMPARE_NOT_IN"}
    )
    return tuple(dict.fromkeys(number for node in compared for number in _days_of(node)))


def texts_compared(where: str) -> tuple[tuple[str, str], ...]:
    """Return the columns that are held against a text to be the same or not, each with the text."""
    found = []
    for node in _expressions(_tree(where)["statements"][0]["node"]["where_clause"]):
        if node["type"] in {"COMPARE_EQUAL", "COMPARE_NOTEQUAL"}:
            sides = [node["left"], node["right"]]
        elif node["type"] in {"COMPARE_IN", "COMPARE_NOT_IN"}:
            sides = node["children"]
        else:
            continue
        names = [one["column_names"][-1] for one in sides if one["class"] == "COLUMN_REF"]
        said = [one["value"]["value"] for one in sides if one["class"] == "CONSTANT"
                and isinstance(one["value"].get("value"), str)]  # fmt: skip
        found += [(name, text) for name in names for text in said]
    return tuple(dict.fromkeys(found))


@cache
def _tree(where: str) -> Any:
    """Return the syntax tree of a condition that is known to be SQL."""
    return syntax_tree(f"SELECT * FROM frame WHERE ({where}\n)")


def _expressions(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield the expressions of a tree, one before those within it."""
    return (node for node in nodes(tree) if "class" in node)


def _problems(tree: Any) -> Iterator[str]:
    """Yield what may not stand in a condition."""
    for node in _expressions(tree):
        kind, name = node["class"], str(node.get("function_name", ""))
        if kind == "FUNCTION" and name == POLICY:
            if not _policy(node):
                yield "calls policy() with something other than one name in quotation marks"
        elif kind == "FUNCTION" and name not in PURE_FUNCTIONS:
            yield _refusal(name)
        elif kind == "CAST" and not _is_harmless(node):
            yield "changes the type of a column, which may fail for some row; let the frame do it"
        elif kind not in _PARTS or (kind == "OPERATOR" and node["type"] not in _OPERATORS):
            yield "has a part that a condition may not have; docs/how-to/add-a-metric.md lists them"
        elif kind == "COLUMN_REF":
            yield from _name_problems(node["column_names"])


def _name_problems(names: list[str]) -> Iterator[str]:
    """Yield what is wrong with the name of a column, as far as its frame need not be known."""
    if len(names) > 1:
        yield "names a column together with a table; name the column alone"
    elif names[0].lower() in _OF_THE_SESSION:
        yield f"names {names[0].lower()}, which is not the same every night; use period_end"


def _is_harmless(cast: dict[str, Any]) -> bool:
    """Whether a change of type is that of a constant, or of IS TRUE, which DuckDB writes as one."""
    return cast["child"]["class"] == "CONSTANT" or cast["cast_type"]["id"] == "BOOLEAN"


def _refusal(name: str) -> str:
    """Say of a function that it may not be called."""
    if name.startswith("to_"):  # which is what INTERVAL 28 DAY calls
        return "has an interval in it; say a number of days by policy('name')"
    shown = f"{name}()" if re.fullmatch(r"[a-z_0-9]{1,40}", name) else "an operator"
    return (
        f"calls {shown}, which is not one of the functions of a single row that give the same "
        "answer every night"
    )


def _policy(call: dict[str, Any]) -> str:
    """Return the name that one call of policy() passes; nothing where it passes no name."""
    passed = [child for child in call.get("children", []) if child["class"] == "CONSTANT"]
    if len(passed) != 1 or len(call["children"]) != 1:
        return ""
    value = passed[0]["value"]["value"] if not passed[0]["value"]["is_null"] else ""
    return value if isinstance(value, str) else ""


def _days_of(comparison: dict[str, Any]) -> list[float]:
    """Return the numbers on either side of a comparison in which a number of days stands."""
    found = list(_sides(comparison))
    named = [name for node in found for name in node.get("column_names", [])]
    if not any(_DAYS.search(name) for name in named):
        return []
    values = (_number(node["value"]) for node in found if node["class"] == "CONSTANT")
    return [value for value in values if value]


def _number(constant: dict[str, Any]) -> float:
    """Return a constant as a number; nought where it is none."""
    value = constant.get("value")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return 0
    scale = (constant["type"]["type_info"] or {}).get("scale", 0)
    return value / 10**scale if scale else value


def _sides(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the columns and constants that a comparison works out days from."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one["class"] in {"COLUMN_REF", "CONSTANT"}:
            yield one
        elif one["class"] == "FUNCTION" and one["function_name"] not in _OF_DAYS:
            continue
        for part in one.values():
            for inner in part if isinstance(part, list) else [part]:
                if isinstance(inner, dict) and "class" in inner:
                    waiting.append(inner)
