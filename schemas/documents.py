"""Reading the YAML that people write: a fault names its key and never shows its value."""

from __future__ import annotations

import re
import stat
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from schemas.errors import JourneysError

Document = TypeVar("Document", bound=BaseModel)

# What is wrong, by pydantic's own kind of fault. Pydantic's messages may quote the value, so
# only its kinds are used.
FAULTS = {
    "missing": "is missing",
    "extra_forbidden": "is not a key this document has",
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_parsing": "is not a number",
    "float_type": "is not a number",
    "finite_number": "is not a number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "string_type": "is not text",
    "string_pattern_mismatch": "is not in the expected form",
    "string_too_short": "is empty",
    "date_from_datetime_parsing": "is not a date such as 2026-04-01",
    "date_parsing": "is not a date such as 2026-04-01",
    "date_type": "is not a date such as 2026-04-01",
    "date_from_datetime_inexact": "is not a date such as 2026-04-01",
    "literal_error": "is not one of the values allowed",
    "greater_than_equal": "is smaller than is allowed",
    "less_than_equal": "is larger than is allowed",
    "too_short": "has too few entries",
    "too_long": "has too many entries",
    "tuple_type": "is not a list",
    "model_type": "is not a group of keys",
    "dict_type": "is not a group of keys",
}


LIKE_A_KEY = re.compile(r"[a-z0-9][a-z0-9_.]{0,80}")
VALUE_MAP = "values"
"""The key under which a mapping translates a supplier's values: they are not to be told."""

MAX_BYTES = 1024**2
"""The longest document; people write a few hundred lines."""

MAX_VALUES = 200_000
"""The most values in a document, each counted as often as an alias repeats it."""


# YAML 1.1 reads `no` as false, 010 as eight, 1:30 as ninety and 1_000 as a thousand.
_PLAIN = {
    "tag:yaml.org,2002:bool": re.compile(r"true|false", re.IGNORECASE),
    "tag:yaml.org,2002:int": re.compile(r"-?(0|[1-9][0-9]*)"),
    "tag:yaml.org,2002:float": re.compile(r"[^_:]*"),
}


class _AnotherMeaning(yaml.MarkedYAMLError):
    """A plain value that YAML takes for another than it looks like."""


class _UniqueKeys(yaml.SafeLoader):
    """YAML that refuses a key given twice, where PyYAML would silently keep the last.

    It refuses a word or number that YAML 1.1 takes for another (`no`, 010, 1:30). It also refuses
    to merge (`<<`) and to repeat by alias beyond all reason: a dozen lines can stand for more
    values than a machine has room for.
    """

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse a merge; there is nothing else to flatten."""
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(problem_mark=key.start_mark)

    def get_single_node(self) -> Any:
        """The document, once it is known not to be larger than it looks."""
        root = super().get_single_node()
        if root is not None and _values_in(root, {}) > MAX_VALUES:
            raise yaml.MarkedYAMLError(problem_mark=root.end_mark)
        return root

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable) or key in seen:
                raise yaml.MarkedYAMLError(problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Build a value; a date or number that is none gets its line, as other faults have."""
        if node.tag in _PLAIN and not _PLAIN[node.tag].fullmatch(node.value):
            raise _AnotherMeaning(problem_mark=node.start_mark)
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, LookupError, AttributeError):
            where = node.start_mark
        raise yaml.MarkedYAMLError(problem_mark=where)


def _values_in(node: yaml.Node, counted: dict[int, int]) -> int:
    """How many values a node stands for; one that holds itself stands for too many."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    known = counted.get(id(node))
    if known is not None:
        return known
    counted[id(node)] = MAX_VALUES
    entries = (entry if isinstance(entry, tuple) else (entry,) for entry in node.value)
    counted[id(node)] = 1 + sum(_values_in(part, counted) for parts in entries for part in parts)
    return counted[id(node)]


class _AsText(_UniqueKeys):
    """The same, with every plain value as text: a code `No` is not the answer no."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


def read_document(path: Path, model: type[Document], error: type[JourneysError]) -> Document:
    """Read a YAML document into its model.

    Args:
        path: The document.
        model: The pydantic model it must satisfy.
        error: The kind of error to raise, so that the caller's room is named.

    Raises:
        error: If the file cannot be read, is not YAML, or does not fit the model. The message
            holds the file's name, a line number or a key, and nothing else from the file.
    """
    return parse_document(read_text(path, error), path.name, model, error)


def parse_document(
    text: str, name: str, model: type[Document], error: type[JourneysError]
) -> Document:
    """Like `read_document`, from text already read; `name` is what messages call it."""
    return check_document(_parse(text, name, error), name, model, error)


def read_mapping(path: Path, error: type[JourneysError]) -> dict[str, Any]:
    """Read a YAML document as plain keys and values, to be checked later.

    Raises:
        error: If the file cannot be read or is not YAML.
    """
    return _parse(read_text(path, error), path.name, error)


def read_text_document(path: Path, error: type[JourneysError]) -> dict[str, Any]:
    """Like `read_mapping`, with every value as it is written: `No`, `01` and `1.0` stay text.

    Raises:
        error: If the file cannot be read or is not YAML.
    """
    return _parse(read_text(path, error), path.name, error, _AsText)


def check_document(
    content: dict[str, Any], name: str, model: type[Document], error: type[JourneysError]
) -> Document:
    """Fit keys and values to their model.

    Raises:
        error: If they do not fit; the message holds the document's name and the keys at fault.
    """
    faults: list[str] = []
    try:
        return model.model_validate(content)
    except ValidationError as problem:
        faults = [_fault(found) for found in problem.errors(include_input=False)]
    raise error(
        f"{name} cannot be used: {'; '.join(faults[:5])}.",
        "Correct those keys and run the command again.",
    )


def is_present(path: Path, error: type[JourneysError]) -> bool:
    """Whether a document is there at all.

    Raises:
        error: If the system will not say, for want of a permission.
    """
    try:
        return path.is_file()
    except OSError:
        pass
    raise error(f"{path} cannot be read.", "Check the path and the permissions of its folder.")


def read_text(path: Path, error: type[JourneysError], most_bytes: int = MAX_BYTES) -> str:
    """Read a file that a person wrote.

    Args:
        path: The file.
        error: The kind of error to raise.
        most_bytes: The longest that it may be.

    Raises:
        error: It is no file, is too long, cannot be read, or is not UTF-8.
    """
    reason = ""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            reason = "is no file"  # Reading a pipe might never end.
        elif found.st_size > most_bytes:
            reason = "is longer than any that people write"
        else:
            return path.read_text(encoding="utf-8-sig")  # which spreadsheets write
    except FileNotFoundError:
        reason = "does not exist"
    except UnicodeDecodeError:
        reason = "is not UTF-8 text"
    except OSError:
        reason = "cannot be read"
    raise error(f"{path} {reason}.", "Check the path and the permissions of the file.")


def _parse(
    text: str, name: str, error: type[JourneysError], loader: type[_UniqueKeys] = _UniqueKeys
) -> Any:
    where, remedy = (
        "",
        (
            "Correct it there: look for a stray tab, a missing colon, a key given twice, a name or "
            "pattern that wants quotation marks, or a date that no calendar has."
        ),
    )
    try:
        # A SafeLoader subclass builds only plain values.
        content = yaml.load(text, Loader=loader)  # noqa: S506
    except _AnotherMeaning as problem:
        where = f"{_line(problem, text)}: a word or number there is one that YAML takes for another"
        remedy = (
            "Write true or false, a number in plain digits (10, not 010, 1_000 or 1:30), and put "
            "what is text, such as no or a code, in quotation marks."
        )
    except yaml.YAMLError as problem:
        where = _line(problem, text)
    except RecursionError:
        where = ": it is nested too deeply"
    except (ValueError, TypeError):
        where = ": a date, number or key in it is none"
    else:
        if isinstance(content, dict):
            return content
        raise error(f"{name} holds no keys.", "Write it as `key: value` lines of YAML.")
    raise error(f"{name} is not valid YAML{where}.", remedy)


def _line(problem: yaml.YAMLError, text: str) -> str:
    """Where the text is not YAML, as far as PyYAML knows."""
    if isinstance(problem, yaml.MarkedYAMLError) and problem.problem_mark is not None:
        return f" at line {problem.problem_mark.line + 1}"
    if isinstance(problem, yaml.reader.ReaderError):
        return f" at line {text.count(chr(10), 0, problem.position) + 1}"
    return ""


def _fault(found: Any) -> str:
    """One fault as `key` and what is wrong. Our own validators' sentences carry no value."""
    key = ".".join(_shown(found["loc"]))
    where = f"`{key}`" if key else "it"
    if found["type"] == "value_error":
        return f"{where} {found['ctx']['error']}"
    return f"{where} {FAULTS.get(found['type'], 'is not of the expected kind')}"


def _shown(place: Iterable[str | int]) -> Iterator[str]:
    """The keys that lead to a fault, but none that could be data.

    The keys of a value map are a supplier's values, and so may be any that does not look like ours.
    """
    for part in place:
        yield as_told(str(part))
        if part == VALUE_MAP:
            return


def as_told(key: str) -> str:
    """A key as messages tell it: one that does not look like a key may be a value."""
    return key if LIKE_A_KEY.fullmatch(key) else "…"
