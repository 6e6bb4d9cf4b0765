"""Two versions of an agreement compared, in the words of whoever has to approve the later one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from governance.agreements.model import LATER_CLAUSES, Agreement

LOOSENESS = ("drop", "key", "encode", "generalise", "keep")
"""The treatments, each letting more be known than the one before."""

PLAIN = (
    "title", "demonstration", "purpose", "purpose_in_words", "starts", "expires", "review",
    "retention_days", "inbox_after_staging", "under_18", "pace_63b_purpose", "processing_regime",
    "exact_dates",
)  # fmt: skip
"""Clauses that are one value each."""


def differences(before: Agreement, after: Agreement) -> list[str]:
    """What the one agreement says that the other does not, a sentence each.

    Args:
        before: The one.
        after: The other, which is told as what comes of it.

    Returns:
        What is shared first, then on what terms; nothing where they say the same.
    """
    return [
        *_fields("", before.tables, after.tables),
        *_uses(before, after),
        *(line for name in PLAIN for line in _clause(name, before, after)),
        *_entries("retention", dict(before.retention), dict(after.retention), " days"),
        *_parts("law", _flat(before.law), _flat(after.law)),
        *_parts("dpia", _flat(before.dpia), _flat(after.dpia)),
        *_parts("legal_gateway", _flat(before.legal_gateway), _flat(after.legal_gateway)),
        *_members("party", before.parties, after.parties),
        *_members("recipient", before.recipients, after.recipients),
        *_members("decision", before.decisions, after.decisions),
        *_entries("signing_keys", dict(before.signing_keys), dict(after.signing_keys), ""),
        *_version(before, after),
    ]


def _version(before: Agreement, after: Agreement) -> Iterator[str]:
    if before.partner != after.partner:
        yield f"The one is with {before.partner} and the other with {after.partner}."
    if before.version != after.version:
        yield f"Version {before.version} becomes version {after.version}."


def _fields(
    of: str,
    before: Mapping[str, Mapping[str, tuple[str, ...]]],
    after: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> Iterator[str]:
    for table in sorted(before.keys() | after.keys()):
        was, now = before.get(table, {}), after.get(table, {})
        for column in sorted(was.keys() | now.keys()):
            if was.get(column) != now.get(column):
                yield _field(f"{of}{table}.{column}", was.get(column), now.get(column))


def _field(field: str, was: tuple[str, ...] | None, now: tuple[str, ...] | None) -> str:
    if was is None:
        return f"Field added: {field}, {_joined(now)}."
    if now is None:
        return f"Field removed: {field}, which was {_joined(was)}."
    looser, tighter = set(now) - set(was), set(was) - set(now)
    step = _most(now) - _most(was)
    how = "loosened" if step > 0 or (step == 0 and looser and not tighter) else "tightened"
    return f"Treatment {how}: {field}, {_joined(was)} → {_joined(now)}."


def _most(given: tuple[str, ...]) -> int:
    return max(LOOSENESS.index(one) for one in given)


def _joined(given: tuple[str, ...] | None) -> str:
    return " and ".join(given or ())


def _uses(before: Agreement, after: Agreement) -> Iterator[str]:
    for use in sorted(before.uses.keys() | after.uses.keys()):
        if use not in before.uses:
            yield f"Use added: {use}, of {', '.join(sorted(after.of_use(use)))}."
        elif use not in after.uses:
            yield f"Use removed: {use}."
        elif before.uses[use] != after.uses[use]:
            was, now = _listed(before, use), _listed(after, use)
            yield from _fields(f"{use}, ", was, now)
            yield from _parts(f"uses.{use}", _who(before, use), _who(after, use))


def _listed(agreement: Agreement, use: str) -> dict[str, dict[str, tuple[str, ...]]]:
    return {
        table: {column: tuple(sorted(given)) for column, given in columns.items()}
        for table, columns in agreement.of_use(use).items()
    }


def _who(agreement: Agreement, use: str) -> dict[str, Any]:
    told = _flat(agreement.uses[use])
    return {name: said for name, said in told.items() if name != "tables"}


def _clause(name: str, before: Agreement, after: Agreement) -> Iterator[str]:
    was, now = getattr(before, name), getattr(after, name)
    if was == now:
        return
    if name in LATER_CLAUSES and was is None:
        yield f"Clause added: {name}, {_said(now)}."
    elif name in LATER_CLAUSES and now is None:
        yield f"Clause removed: {name}, which was {_said(was)}."
    else:
        yield f"Changed: {name}, {_said(was)} → {_said(now)}."


def _entries(name: str, was: Mapping[Any, Any], now: Mapping[Any, Any], unit: str) -> Iterator[str]:
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) != now.get(key):
            old = f"{was[key]}{unit}" if key in was else "nothing"
            new = f"{now[key]}{unit}" if key in now else "nothing"
            yield f"Changed: {name}.{key}, {old} → {new}."


def _parts(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in [*was, *(key for key in now if key not in was)]:
        if was.get(key) != now.get(key):
            yield f"Changed: {name}.{key}, {_said(was.get(key))} → {_said(now.get(key))}."


def _members(name: str, was: tuple[Any, ...], now: tuple[Any, ...]) -> Iterator[str]:
    yield from (f"{name.capitalize()} added: {_of(one)}." for one in now if one not in was)
    yield from (f"{name.capitalize()} removed: {_of(one)}." for one in was if one not in now)


def _of(one: Any) -> str:
    return ", ".join(_said(said) for said in one.model_dump().values())


def _flat(part: Any) -> dict[str, Any]:
    """A part as its keys; whatever is not given is left out."""
    if part is None:
        return {}
    if isinstance(part, tuple):
        return {"tables": part}
    return dict(part.model_dump(exclude_defaults=True))


def _said(value: Any) -> str:
    if value is None or value in ((), {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {said}" for key, said in value.items())
    return str(value)
