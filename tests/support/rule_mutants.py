"""Take rules out of the contracts, or move their edges, and see whether the cases notice.

    removals    each rule, taken out of what is declared: model, table, cross rules
    changes     each named constant, comparison and pattern, moved by one, in a fresh import

Nothing on disk is touched. `python tests/support/rule_mutants.py` prints every mutant and whether
it was killed, and ends with 1 where one survived.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest
from rule_spec import PARTNERS, Case, Rule, event_days, every_case, faults, write_lists

PACKAGE = "schemas"
CHANGED_MODULES = ("models", "identifiers", "standardise", "columns", *PARTNERS)
PATTERN_OF_CODES = "LIKE_A_CODE"
"""Of the modules that run the rules, the one constant that judges a value."""


# fmt: off
EQUIVALENT: Mapping[str, str] = {
    'identifiers: _full_year: LtE to Lt: year < current_year % 100': 'The century of a normal form: test_identifiers.',  # noqa: E501
    'identifiers: _full_year: 100 to 101': 'The century of a normal form: test_identifiers.',
    "identifiers: LONG_CRO: '^[0-9]{6}/[0-9]{2}[A-Z]$' to '^[0-8]{6}/[0-9]{2}[A-Z]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_CRO: '^[0-9]{6}/[0-9]{2}[A-Z]$' to '^[0-9]{5}/[0-9]{2}[A-Z]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_CRO: '^[0-9]{6}/[0-9]{2}[A-Z]$' to '^[0-9]{6}/[0-8]{2}[A-Z]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_CRO: '^[0-9]{6}/[0-9]{2}[A-Z]$' to '^[0-9]{6}/[0-9]{1}[A-Z]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_CRO: '^[0-9]{6}/[0-9]{2}[A-Z]$' to '^[0-9]{6}/[0-9]{2}[A-Y]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_CRO: '^[0-9]{6}/[0-9]{2}[A-Z]$' to '^[0-9]{6}/[0-9]{3}[A-Z]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_CRO: '^[0-9]{6}/[0-9]{2}[A-Z]$' to '^[0-9]{7}/[0-9]{2}[A-Z]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_PNC: '^[0-9]{4}/[0-9]{7}[A-Z]$' to '^[0-8]{4}/[0-9]{7}[A-Z]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_PNC: '^[0-9]{4}/[0-9]{7}[A-Z]$' to '^[0-9]{3}/[0-9]{7}[A-Z]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_PNC: '^[0-9]{4}/[0-9]{7}[A-Z]$' to '^[0-9]{4}/[0-8]{7}[A-Z]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_PNC: '^[0-9]{4}/[0-9]{7}[A-Z]$' to '^[0-9]{4}/[0-9]{7}[A-Y]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    "identifiers: LONG_PNC: '^[0-9]{4}/[0-9]{7}[A-Z]$' to '^[0-9]{5}/[0-9]{7}[A-Z]$'": 'What is not read as long is taken apart, and comes to the same.',  # noqa: E501
    'identifiers: NHS_DIGITS: 10 to 11': 'The eleventh place of ten digits is nought.',
    "identifiers: _long_cro: '^(?<serial>[0-9]{1,6})/(?<rest>[0-9]{2}[A-Z])$' to '^(?<serial>[0-9]{0,6})/(?<rest>[0-9]{2}[A-Z])$'": 'A serial of no digits is no number, and refused as that.',  # noqa: E501
    "identifiers: _long_pnc: '^(?<year>[0-9]{4}|[0-9]{2})/(?<serial>[0-9]{1,7})(?<letter>[A-Z])$' to '^(?<year>[0-9]{4}|[0-9]{2})/(?<serial>[0-9]{0,7})(?<letter>[A-Z])$'": 'A serial of no digits is no number, and refused as that.',  # noqa: E501
    "identifiers: _long_cro: '^(?<serial>[0-9]{1,6})/(?<rest>[0-9]{2}[A-Z])$' to '^(?<serial>[0-9]{1,7})/(?<rest>[0-9]{2}[A-Z])$'": 'Longer than the form is long, and refused as that.',  # noqa: E501
}
# fmt: on
"""Changes that change no verdict, by their description, each with why."""

KILLED, REFUSED, SURVIVED = "killed", "killed (cannot be checked)", "SURVIVED"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: a rule taken out, or an edge moved."""

    mutant: str
    became: str


# Taking a rule out of what is declared.


@contextmanager
def without(rule: Rule) -> Iterator[None]:
    """The contracts without one rule."""
    with pytest.MonkeyPatch.context() as patch:
        _take_out(patch, *rule)
        _forget()
        yield
    _forget()


def _take_out(patch: pytest.MonkeyPatch, partner: str, name: str, column: str, rule: str) -> None:
    from schemas.rules import UNUSABLE
    from schemas.tables import find_table

    table = find_table(partner, name)
    if any((one.column, one.rule) == (column, rule) for one in table.cross_rules):
        module = importlib.import_module(f"{PACKAGE}.{partner}")
        left = tuple(one for one in module.CROSS_RULES if (one.table, one.rule) != (name, rule))
        patch.setattr(module, "CROSS_RULES", left)
    elif rule == "after_the_extract":
        _patch_property(
            patch, table, "past_dates", lambda names: {n: names[n] for n in names if n != column}
        )
    elif rule in table.expected.values():
        _swap(patch, table, expected={})
    elif rule == "duplicate_key":
        from schemas.contract import ROW

        _swap(patch, table, key=(*table.key, ROW))
    elif rule == "parent_missing":
        _swap(patch, table, parents={})
    elif rule == "data_without_consent":
        _swap(patch, table, consent=None)
    elif rule == "not_a_date" or rule in UNUSABLE.values():
        kind = "date" if rule == "dummy_date_of_birth" else "code"
        _patch_property(patch, table, "columns", lambda columns: {
            **columns, column: replace(columns[column], kind=kind)})  # fmt: skip
    else:
        _patch_schema(patch, table, column, rule)


def _swap(patch: pytest.MonkeyPatch, table: Any, **changed: Any) -> None:
    """Another table in the place of one."""
    from schemas.tables import TABLES

    tables = [replace(one, **changed) if one is table else one for one in TABLES[table.partner]]
    patch.setitem(TABLES, table.partner, tuple(tables))


def _patch_property(
    patch: pytest.MonkeyPatch, table: Any, name: str, change: Callable[[Any], Any]
) -> None:
    whole = getattr(type(table), name).fget
    patch.setattr(
        type(table),
        name,
        property(lambda self: change(whole(self)) if self == table else whole(self)),
    )


def _patch_schema(patch: pytest.MonkeyPatch, table: Any, column: str, rule: str) -> None:
    """A pandera schema without one check, wherever it is asked for."""
    from schemas import models

    whole = models.schema_of

    def schema_of(model: Any, folder: Path | None = None) -> Any:
        schema = whole(model, folder)
        if model is not table.model:
            return schema
        left = [check for check in schema.columns[column].checks if check.name != rule]
        changed = schema.update_columns({column: {"checks": left}})
        changed.checks = [c for c in schema.checks if (c.title, c.name) != (column, rule)]
        return changed

    for module in _loaded():
        if getattr(module, "schema_of", None) is whole:
            patch.setattr(module, "schema_of", schema_of)


def _loaded() -> list[ModuleType]:
    return [module for name, module in list(sys.modules.items())
            if name == PACKAGE or name.startswith(f"{PACKAGE}.")]  # fmt: skip


def _forget() -> None:
    """Drop what the contracts have worked out and kept."""
    for module in _loaded():
        for made in list(vars(module).values()):
            if callable(getattr(made, "cache_clear", None)):
                made.cache_clear()


def removals(
    cases: Sequence[Case], folders: Mapping[str, Path | None], rules: Iterable[Rule] | None = None
) -> Iterator[Outcome]:
    """Take out each rule in turn and run its own cases."""
    own: dict[Rule, list[Case]] = {}
    for case in cases:
        own.setdefault(case.rule, []).append(case)
    for rule in sorted(own if rules is None else rules):
        with without(rule):
            yield Outcome(" ".join(rule), _became([rule[0]], own[rule], folders))


def _became(
    partners: Iterable[str], cases: Sequence[Case], folders: Mapping[str, Path | None]
) -> str:
    try:
        red = any(True for partner in partners for _ in faults(partner, cases, folders))
    except Exception:  # whatever stops the check stops the tests
        return REFUSED
    return KILLED if red else SURVIVED


# Moving an edge in the source.


@dataclass(frozen=True)
class Change:
    """A module's source with one thing changed."""

    module: str
    where: str
    said: str
    source: str


@contextmanager
def imported_with(change: Change) -> Iterator[None]:
    """The contracts imported afresh, one module with its change."""
    kept = {module.__name__: module for module in _loaded()}
    finder = _Finder(change)
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for module in _loaded():
            del sys.modules[module.__name__]
        sys.modules.update(kept)


class _Finder(MetaPathFinder):
    def __init__(self, change: Change) -> None:
        self.change = change

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != f"{PACKAGE}.{self.change.module}":
            return None
        file = _path(self.change.module)
        loader = _Loader(fullname, str(file))
        loader.source = self.change.source
        return importlib.util.spec_from_file_location(fullname, file, loader=loader)


class _Loader(SourceFileLoader):
    source = ""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec")


def _path(module: str) -> Path:
    import schemas

    return Path(str(schemas.__file__)).parent.joinpath(*module.split(".")).with_suffix(".py")


def changes(modules: Collection[str] = CHANGED_MODULES) -> Iterator[Change]:
    """Every edge of some modules moved by one, and every listed value left out, one at a time."""
    for module in (*modules, *_with_pattern_of_codes()):
        tree = ast.parse(_path(module).read_text("utf-8"))
        for node, where in _judging(tree):
            if module not in modules and where != PATTERN_OF_CODES:
                continue
            for said, undo in _moves(node):
                source = ast.unparse(tree)
                undo()
                yield Change(module, where, f"{module}: {where}: {said}", source)


def _with_pattern_of_codes() -> list[str]:
    folder = _path("contract").parent
    return [
        ".".join(path.relative_to(folder).with_suffix("").parts)
        for path in sorted(folder.rglob("*.py"))
        if f"\n{PATTERN_OF_CODES} = " in path.read_text("utf-8")
    ]


def _judging(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """The parts of a module that judge a value: constants, patterns, rules."""
    for statement in tree.body:
        where = _name_of(statement)
        if where in NOT_RULES:
            continue
        whole = isinstance(statement, ast.Assign | ast.AnnAssign)
        passed_over = _annotations(statement) | _pairs(statement)
        for node in ast.walk(statement):
            if node in passed_over:
                continue
            listed = isinstance(node, ast.Tuple | ast.Set | ast.List)
            number = isinstance(node, ast.Constant) and type(node.value) is int
            named = whole and where.isupper()
            if (
                (named and (listed or number))
                or (named and node is statement.value and _is_text(node))
                or (where in COMPUTED and number)
                or isinstance(node, ast.Compare | ast.BinOp | ast.UnaryOp)
                or _is_pattern(node)
            ):
                yield node, where


NOT_RULES = frozenset(
    {
        "EXAMPLES",
        "SEX",
        "NAME_STAGES",
        "Role",
        "Kind",
        "columns_of",
        "schema_of",
        "postcode_district",
        "sector_district",
        "is_no_fixed_abode",
        "NO_FIXED_ABODE",
        "linkable_postcode",
        "RAW",
        "_with_example",
        "_field",
    }
)
"""What brings to a form, shows or describes, and judges nothing."""

COMPUTED = frozenset({"nhs_number", "pnc_id", "_modern_cro", "_old_cro", "_full_year",
                      "_check_letter"})  # fmt: skip
"""Functions whose numbers are part of a check digit or letter."""


def _annotations(statement: ast.stmt) -> set[ast.AST]:
    """What a statement says of types, which is never run."""
    found: set[ast.AST] = set()
    for node in ast.walk(statement):
        for said in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            found |= set(ast.walk(said)) if said is not None else set()
    return found


def _pairs(statement: ast.stmt) -> set[ast.AST]:
    """Tuples that are no list but a value of several parts: none of them can be left out."""
    of_dicts = [value for node in ast.walk(statement) if isinstance(node, ast.Dict)
                for value in node.values]  # fmt: skip
    named = [node.value for node in ast.walk(statement)
             if isinstance(node, ast.keyword) and node.arg == "parent_columns"]  # fmt: skip
    return {node for node in (*of_dicts, *named) if isinstance(node, ast.Tuple)}


def _name_of(statement: ast.stmt) -> str:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return statement.name
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        return "_".join(part.id for part in parts if isinstance(part, ast.Name))
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    return ""


def _is_text(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_pattern(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return False
    return node.value.startswith("^") and node.value.endswith("$")


SWAPPED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
           ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}  # fmt: skip
JOINED = {ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}


def _moves(node: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    """Each way of changing a part, made; with what it is and how it is put back."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
        op = node.ops[0]
        node.ops[0] = SWAPPED[type(op)]()
        yield (
            f"{type(op).__name__} to {type(node.ops[0]).__name__}: {ast.unparse(node)}",
            (lambda: node.ops.__setitem__(0, op)),
        )
    elif isinstance(node, ast.Tuple | ast.Set | ast.List):
        for place, element in enumerate(list(node.elts)):
            if (isinstance(element, ast.Constant) and type(element.value) is str) or (
                isinstance(element, ast.Call)
            ):  # fmt: skip
                if _is_pattern(element) or any(map(_is_pattern, node.elts)):
                    continue
                said = f"without {ast.unparse(element)}"
                del node.elts[place]
                yield said, lambda p=place, e=element: node.elts.insert(p, e)
    elif isinstance(node, ast.BinOp) and type(node.op) in JOINED:
        joint = node.op
        node.op = JOINED[type(joint)]()
        yield (
            f"{type(joint).__name__} to {type(node.op).__name__}: {ast.unparse(node)}",
            (lambda: setattr(node, "op", joint)),
        )
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        node.op = ast.UAdd()  # an expression of polars is the same with a plus before it
        yield f"without ~: {ast.unparse(node)}", lambda: setattr(node, "op", ast.Invert())
    elif isinstance(node, ast.Constant):
        value = node.value
        for other in _others(value):
            node.value = other
            yield f"{value!r} to {other!r}", lambda: setattr(node, "value", value)


def _others(value: int | str) -> list[Any]:
    if isinstance(value, int):
        return [value - 1, value + 1]
    if value.startswith("^"):
        return list(_patterns(value))
    turned = value[1:] + value[0]
    return [turned if turned != value else 2 * value]


def _patterns(pattern: str) -> Iterator[str]:
    """A regular expression with one count or the end of one range moved by one."""
    for found in re.finditer(r"(?<=[{,])\d+(?=[,}])", pattern):
        for number in (int(found[0]) - 1, int(found[0]) + 1):
            made = f"{pattern[: found.start()]}{number}{pattern[found.end() :]}"
            if number >= 0 and _compiles(made):
                yield made
    for found in re.finditer(r"(?<=[A-Za-z0-9])-(?=[A-Za-z0-9])", pattern):
        at = found.end()
        fewer = chr(ord(pattern[at]) - 1)
        yield f"{pattern[:at]}{fewer}{pattern[at + 1 :]}"
        if pattern[at] not in "Z9z":
            yield f"{pattern[:at]}{chr(ord(pattern[at]) + 1)}{pattern[at + 1 :]}"


def _compiles(pattern: str) -> bool:
    try:
        re.compile(re.sub(r"\\p\{\w+\}", "x", pattern).replace("(?<", "(?P<"))
    except re.error:
        return False
    return True


def moved(
    cases: Sequence[Case], folders: Mapping[str, Path | None], some: Iterable[Change]
) -> Iterator[Outcome]:
    """Run the cases that a change could touch, the likeliest first, under each change."""
    for change in some:
        touched = _touched(change, cases)
        with imported_with(change):
            yield Outcome(change.said, _became(PARTNERS, touched, folders))


def _touched(change: Change, cases: Sequence[Case]) -> list[Case]:
    """The cases of the rules that a change could touch; of a general rule, one column of a kind."""
    from schemas.tables import find_table

    wanted = _rules_touched(change, {case.rule[3] for case in cases})
    general = wanted & _general_rules()
    chosen: dict[tuple[str, str], Rule] = {}
    for case in cases:
        partner, table, column, rule = case.rule
        if rule in general:
            kind = find_table(partner, table).columns[column].kind
            by = column if change.module in ("columns", "standardise") else kind
            chosen.setdefault((by, rule), case.rule)
    rules = set(chosen.values())
    partners = {change.module} if change.module in PARTNERS else set(PARTNERS)
    return [case for case in cases if case.rule[0] in partners
            and (case.rule in rules or case.rule[3] in wanted - general)]  # fmt: skip


def _rules_touched(change: Change, rules: set[str]) -> set[str]:
    from schemas.models import SHAPES
    from schemas.rules import UNUSABLE

    births = {"born_too_early", "dummy_date_of_birth"}
    codes = {rule for rule in rules if rule.startswith("code_")}
    match change.module, change.where:
        case "models", "SHAPES" | "LONGEST_KEY":
            return {name for name, _ in SHAPES.values()}
        case "models", "LAST_IMPOSSIBLE_BIRTH_YEAR" | "_possible_birth":
            return births
        case "models", "_checks" | "_code_checks":
            return {*codes, *births, "required"}
        case "standardise", _:
            return {*births, "not_a_date", "name_placeholder"}
        case "columns", _:
            return {"after_the_extract", "not_a_date"}
        case "identifiers", where:
            checked = set(UNUSABLE.values()) - births - {"name_placeholder"}
            parts = [part for part in where.lower().split("_") if len(part) > 2]
            named = {rule for rule in checked if any(part in rule for part in parts)}
            return named or checked
        case module, _ if module in CHANGED_MODULES:
            return rules - _general_rules()
        case _:
            return {"code_unknown_passed"}


def _general_rules() -> set[str]:
    from schemas.models import SHAPES
    from schemas.rules import GENERAL_RULES, UNUSABLE

    return {*GENERAL_RULES, *UNUSABLE.values(), *(name for name, _ in SHAPES.values())}


def main() -> int:
    """Run every mutant and print what became of it."""
    with tempfile.TemporaryDirectory() as folder:
        folders = write_lists(Path(folder))
        cases = every_case(event_days())
        began, counts = time.monotonic(), Counter[str]()
        for outcome in _all(cases, folders):
            became = "equivalent" if outcome.mutant in EQUIVALENT else outcome.became
            counts[became] += 1
            sys.stdout.write(f"{became:28} {outcome.mutant}\n")
            sys.stdout.flush()
    told = ", ".join(f"{count} {became}" for became, count in sorted(counts.items()))
    sys.stdout.write(f"{counts.total()} mutants: {told}; {time.monotonic() - began:.0f} s\n")
    return 1 if counts[SURVIVED] else 0


def _all(cases: Sequence[Case], folders: Mapping[str, Path | None]) -> Iterator[Outcome]:
    yield from removals(cases, folders)
    yield from moved(cases, folders, changes())


if __name__ == "__main__":
    sys.exit(main())
