"""Rules of the house that neither the linter nor the import contracts can see."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("flows", "governance", "linkage", "schemas", "synthetic", "warehouse")
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def texts_of_the_house() -> list[Path]:
    """Every file that people read, but for what is made or fetched."""
    left_out = {".git", ".venv", ".venv-anonlink", "build", "demo", "dist"}
    kinds = {".py", ".md", ".yaml", ".toml", ".txt", ".sql", ".csv", ".html", ".json"}
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.suffix in kinds
        and not left_out & set(path.relative_to(ROOT).parts)
        and path.is_file()
    ]


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """A file, parsed once for all that is asked of it."""
    return ast.parse(path.read_text(encoding="utf-8"))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(tree_of(path))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_behaviour_is_not_guarded_by_assert():
    guarded = [p for p in SOURCES if any(isinstance(node, ast.Assert) for node in nodes(p))]
    assert [name_of(path) for path in guarded] == []


def test_every_module_says_what_it_is():
    meant = [path for path in SOURCES if path.name != "__init__.py" or path.stat().st_size]
    assert [name_of(path) for path in meant if not ast.get_docstring(tree_of(path))] == []


def test_every_public_name_has_a_docstring():
    public = [
        (name_of(path), node)
        for path in SOURCES
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    assert len(public) > 500
    assert [(name, node.name) for name, node in public if not ast.get_docstring(node)] == []


def test_splink_is_used_by_its_front_door():
    assert [p for p in SOURCES if any(m.startswith("splink.internals") for m in imported(p))] == []


def test_databases_are_opened_in_the_rooms_that_may():
    """Persistent files are opened in warehouse.connect alone; linkage works in memory."""
    opening = re.compile(r"duckdb\.connect\((?!\)|\":memory:\")")
    assert [name_of(p) for p in SOURCES if opening.search(p.read_text())] == []


def test_every_audit_entry_becomes_a_leaf_of_the_record():
    """What is inserted elsewhere would stand outside the record, without proof."""
    inserting = [name_of(p) for p in SOURCES if "insert(AUDIT_ENTRY)" in p.read_text()]
    assert inserting == ["governance/control/log.py"]


def test_nothing_turns_encryption_weak():
    told_off = [p for p in SOURCES if "force_mbedtls_unsafe" in p.read_text()]
    assert told_off == []


def test_no_random_stream_that_must_be_written_again_comes_from_numpy():
    """NumPy's streams change between versions: nothing but synthetic people may come from them."""
    allowed = {"synthetic"}
    using = {p.relative_to(ROOT).parts[0] for p in SOURCES if "np.random" in p.read_text()}
    assert using <= allowed


def test_flows_is_imported_by_nobody_and_tests_have_no_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_unfinished_mark():
    marks = ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", "X" * 3 + " ")
    texts = {path: path.read_text(encoding="utf-8") for path in texts_of_the_house()}
    assert len(texts) > 500
    assert [(name_of(p), mark) for p, text in texts.items() for mark in marks if mark in text] == []
