"""The page that says every clause of an agreement and every code it may name.

`python -m flows.agreements.page docs/reference/agreement.md` writes it; a test holds it to the
model and the lists of law.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from governance.agreements import LATER_CLAUSES, Agreement, codes
from governance.agreements.parts import Decision, Document, Law, Party, Recipient, Signature, Use
from governance.retention import CLASSES

HEADING: Final = """# What an agreement says

An agreement is a YAML file beside `partnership.yaml`, or a folder of its versions, of which exactly
one is in force on a day. [Complete an agreement](../how-to/complete-an-agreement.md) goes through
it; `journeys agreements check FILE` examines one. This page is made from the program and its lists
of law; `make reference` renews it.

The lists stand in `governance/law/*.csv`, each line with its source, date and status. *Unconfirmed*
means that the wording is ours: have your advisers confirm it. None of this is legal advice.
"""

MEANING: Final = {
    "partner": "whose agreement it is: police, probation, treatment or housing",
    "title": "what it is called",
    "version": "its number; a folder holds each number once",
    "demonstration": "true only where nobody has signed anything and all data are made up",
    "parties": "the organisations, with their roles",
    "purpose": "the name of the purpose; keys and person ids differ from one to another",
    "purpose_in_words": "the purpose as the controllers say it",
    "legal_gateway": "the law in the controllers' own words, for people to read",
    "starts": "the first day in force",
    "expires": "the last day in force; from the next on, the partner is stopped",
    "review": "the day by which the controllers look at it again; once passed, it warns",
    "retention_days": "for how many days everything is kept",
    "retention": "other numbers of days by class of data",
    "inbox_after_staging": "`remove` or `keep` the extract once it is staged",
    "under_18": "whether treatment clients under 18 are shared",
    "pace_63b_purpose": "police only: why drug-test results may be disclosed",
    "processing_regime": "`part_2` or `part_3` of the Data Protection Act 2018, for data held here",
    "exact_dates": "whether the purpose needs the days of people's lives",
    "law": "the law by its codes: what a field needs and is not named stops that field; without "
    "the clause every field",
    "decisions": "what officers decided; one that refuses stops the partner",
    "dpia": "the impact assessment: `reference` and `dated`",
    "recipients": "who may be given files and tables: roles of partnership.yaml, and `board`",
    "signing_keys": "by role, a public Ed25519 key in hexadecimal",
    "tables": "table → column → treatments; what is not listed is dropped on arrival",
    "uses": "narrower purposes: a list of tables, or the keys below",
    "signatures": "one of each controller, no term of the agreement",
}

PARTS: Final[tuple[tuple[str, type[Any], str], ...]] = (
    ("parties", Party, ""),
    ("law", Law, "`collected_under` is how the partner holds the data. Where that is Part 3 and "
     "the purpose is not law enforcement, `section_36_4` names the enactment that authorises it, "
     "and Part 2 applies to the use."),
    ("decisions", Decision, "`role` is caldicott_guardian, siro or dpo; `decision` is approved, "
     "advised or refused."),
    ("recipients", Recipient, ""),
    ("dpia and law.policy_document", Document, ""),
    ("uses", Use, "A column that a use does not list is empty in its part of a release."),
    ("signatures", Signature, "`document_digest` is what `journeys agreements` prints; "
     "`pdf_digest` is that of the signed paper, which the officer `attested_by` compared with this "
     "file; `ed25519` signs the text of `document_digest`."),
)  # fmt: skip

NEEDS: Final = {
    "special": "a condition of Article 9, or of Schedule 8 under Part 3",
    "offence": "a condition of Article 10; under Part 3 section 35 is enough",
    "confidence": "a route through the duty of confidentiality, a stance on the opt-out, and the "
    "Caldicott Guardian's approval",
    "schedule_1": "a condition of Schedule 1",
    "policy_document": "an appropriate policy document",
}


def agreement_page() -> str:
    """The page as Markdown."""
    return "\n".join([HEADING, *_clauses(), *_parts(), *_law(), *_kinds(), *_classes()])


def _clauses() -> Iterator[str]:
    yield "## Clauses\n"
    rows = (
        (f"`{name}`", MEANING[name], "yes" if field.is_required() else "", _since(name))
        for name, field in Agreement.model_fields.items()
    )
    yield from _table(("Clause", "What it says", "Required", "Earlier agreements"), rows)
    yield (
        "A clause that an agreement does not have is no term of it, so an agreement signed before "
        "there was such a clause stays signed.\n"
    )


def _since(name: str) -> str:
    if name == "law":
        return "stay signed without it, and are stopped"
    return "may lack it" if name in LATER_CLAUSES else ""


def _parts() -> Iterator[str]:
    for name, part, said in PARTS:
        yield f"### `{name}`\n" if " " not in name else f"### {name}\n"
        fields = part.model_fields.items()
        needed = ", ".join(f"`{key}`" for key, field in fields if field.is_required())
        others = ", ".join(f"`{key}`" for key, field in fields if not field.is_required())
        may = f"; may have {others}" if others else ""
        yield f"Has {needed}{may}. {said}".rstrip() + "\n"


def _law() -> Iterator[str]:
    yield "## Codes of the law\n"
    yield "### `law.gateways` and `law.section_36_4`: powers and duties\n"
    yield from _provisions(codes.gateways().values())
    for clause in ("article_6", "article_9", "article_10", "schedule_1", "section_35", "schedule_8",
                   "confidentiality", "opt_out"):  # fmt: skip
        yield f"### `law.{clause}`\n"
        yield from _provisions(codes.conditions(clause).values())


def _provisions(given: Iterable[codes.Provision]) -> Iterator[str]:
    rows = (
        (f"`{one.code}`", one.provision, one.label, "; ".join(NEEDS[need] for need in one.needs))
        for one in given
    )
    yield from _table(("Code", "Provision", "What it is", "Needs beside it"), rows)


def _kinds() -> Iterator[str]:
    yield "## Kinds of data, and what each needs\n"
    rows = (
        (one.name.replace("_", " "), one.label, "; ".join(NEEDS[need] for need in one.needs))
        for one in codes.categories().values()
    )
    yield from _table(("Kind", "What it is", "Needs"), rows)
    yield (
        "Every field needs a basis: Article 6, or section 35 where the partner holds the data "
        "under Part 3. Which kinds each column is stands in `governance/law/columns.csv`; "
        "`journeys agreements show PARTNER` prints it.\n"
    )


def _classes() -> Iterator[str]:
    yield "## Classes of `retention`\n"
    yield from _table(
        ("Class", "What it is"), ((f"`{name}`", said) for name, said in CLASSES.items())
    )


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(agreement_page(), encoding="utf-8")
