"""The table of roles as a part of a page, kept between two marks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from governance.controls.roles import Right, Role, may_read, rights, roles

BEGIN = "<!-- roles: begin; `make reference` writes what follows from governance/controls -->"
END = "<!-- roles: end -->"

HEADINGS = {
    "key": "Which keys a role uses in its work, or keeps in custody and uses for nothing:",
    "zone": "Which zones a role reads. Where one is encrypted that takes both, the files and the "
    "key; **file only** says that the key is lacking:",
    "command": "Which commands a role gives, or approves as an officer who is named:",
}


def roles_part() -> str:
    """The roles, and for each kind of thing a table of what each role may."""
    return "\n\n".join([BEGIN, *_part(), END])


def with_roles(page: str) -> str:
    """A page with what stands between the marks renewed.

    Raises:
        ValueError: The page has not each mark once.
    """
    before, mark, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end or BEGIN in rest or END in after:
        raise ValueError("the page has not each mark of the roles once")
    return before + roles_part() + after


def answer(role: Role, right: Right) -> str:
    """What a role may do with a thing, in a word or two; empty where it may not."""
    said = right.may[role.name]
    if right.kind != "zone":
        return "" if said == "no" else said
    if may_read(role.name, right):
        return "yes"
    return "file only" if said == "yes" else ""


def _part() -> Iterator[str]:
    from warehouse.reference.markdown import table

    yield table(("Role", "Who"), [(one.title, one.who) for one in roles()])
    for kind, heading in HEADINGS.items():
        yield heading
        head = (kind.capitalize(), *(one.title for one in roles()), "What it is")
        chosen = [one for one in rights() if one.kind == kind]
        yield table(
            head,
            [(_name(one), *(answer(role, one) for role in roles()), _note(one)) for one in chosen],
        )


def _name(right: Right) -> str:
    return f"`{right.thing}`" if right.kind != "zone" else right.thing


def _note(right: Right) -> str:
    key = f"encrypted, by the {right.keys[0]} key" if right.kind == "zone" and right.keys else ""
    needs = f"needs {', '.join(right.keys)}" if right.kind == "command" and right.keys else ""
    where = f"`{right.where}`" if right.where else ""
    return "; ".join(part for part in (where, key, needs, right.note) if part)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_roles(path.read_text("utf-8")), encoding="utf-8")
    sys.stdout.write(f"{path}\n")
