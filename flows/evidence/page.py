"""The evidence as a page that needs nothing else, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING

from flows.evidence.folder import Evidence
from governance.controls.mapping import mapped, schemes

if TYPE_CHECKING:
    from markupsafe import Markup

STATES = {"found": "Found", "failed": "Check failed", "missing": "Missing"}

DISCLAIMER = (
    "This folder says what was found on the day. It is no certificate, and no owner of a list of "
    "controls has looked at it."
)


def as_page(evidence: Evidence) -> str:
    """One page for a browser, without scripts or anything from a network."""
    from jinja2 import Environment, StrictUndefined

    template = resources.files("flows").joinpath("templates", "evidence.html.j2").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["code"] = _with_code
    return environment.from_string(template).render(
        evidence=evidence,
        states=STATES,
        disclaimer=DISCLAIMER,
        schemes=[
            (scheme, [one for one in mapped() if one.scheme == scheme.scheme])
            for scheme in schemes()
        ],
    )


def _with_code(sentence: str) -> Markup:
    """A sentence with what stands between backticks as code."""
    from markupsafe import Markup

    parts = sentence.split("`")
    marked = (
        Markup("<code>{}</code>").format(one) if n % 2 else one for n, one in enumerate(parts)
    )
    return Markup("").join(marked)


def as_markdown(evidence: Evidence) -> str:
    """The same as text."""
    return "\n\n".join(_sections(evidence)) + "\n"


def _sections(evidence: Evidence) -> Iterator[str]:
    from warehouse.reference.markdown import table

    made_up = "Made-up data: " if evidence.demonstration else ""
    yield f"# {made_up}Evidence of {evidence.partnership}"
    yield f"Gathered on {evidence.day}. {DISCLAIMER}"
    yield table(("Part", "State"), [(one.title, STATES[one.state]) for one in evidence.parts])
    for part in evidence.parts:
        yield f"## {part.title}"
        yield "\n".join(f"- {sentence}" for sentence in (f"**{STATES[part.state]}.**", *part.said))
        if part.rows:
            texts = [["" if cell is None else str(cell) for cell in row] for row in part.rows]
            yield table(part.columns, texts)
    for scheme in schemes():
        yield f"## {scheme.title}"
        yield f"{scheme.owner}; {scheme.version}, {scheme.dated}. {scheme.note}"
        rows = [
            (
                one.ref,
                one.outcome,
                one.answer,
                one.here,
                ", ".join(one.parts),
                one.more,
                one.remains,
                f"{one.status}: {one.source}" if one.source else one.status,
            )
            for one in mapped()
            if one.scheme == scheme.scheme
        ]
        heads = (
            "Ref",
            "Outcome",
            "Answer",
            "What is here",
            "Shown in",
            "Read",
            "What is not",
            "Checked",
        )
        yield table(heads, rows)
