"""What the agreements in force oblige a partnership to write down, written from them.

The record of processing activities (UK GDPR Article 30; Data Protection Act 2018, section 61), the
data-flow annex of an impact assessment, and what a privacy notice has to say. The same agreements
give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flows.agreements.words import held_under, shared_by, used_under
from governance.agreements import Agreement, codes
from governance.retention import CLASSES
from schemas.errors import ConfigError, JourneysError

if TYPE_CHECKING:
    from flows.settings import Settings
    from governance.agreements.parts import Party

Row = Mapping[str, str]

SECURITY: Final = (
    "Identifiers become keyed encodings in memory and are forgotten; encodings and events are kept "
    "apart; stores and releases are encrypted at rest, each with a key of its own; every "
    "consultation is recorded; only tables proved safe are published, approved by two people."
)
ABROAD: Final = "None by this system. Say here in which country its machine and backups stand."


@dataclass(frozen=True)
class Notice:
    """A document made of the agreements.

    Attributes:
        title: What it is.
        said: What stands above its table.
        rows: Its table; every row has the same keys.
        by: The key whose value heads each row, where every row is a section; None for one table.
        figure: An SVG that stands first in the page, if any.
    """

    title: str
    said: tuple[str, ...]
    rows: Sequence[Row]
    by: str | None = None
    figure: str | None = None


def agreements_told(settings: Settings, today: date) -> tuple[dict[str, Agreement], list[str]]:
    """The agreements in force by partner, and the partners that have none."""
    from flows.agreements.terms import agreement_in_force

    told: dict[str, Agreement] = {}
    for partner in settings.partners:
        try:
            told[partner] = agreement_in_force(settings, partner, today)
        except JourneysError:
            continue
    return told, [partner for partner in settings.partners if partner not in told]


def record_of_processing(settings: Settings, told: Mapping[str, Agreement]) -> Notice:
    """The record of processing activities, a part for each partner's data."""
    rows = [
        {
            "Data of": partner,
            "Controllers": "; ".join(
                f"{one.name} ({one.role.replace('_', ' ')}, {one.contact})"
                for one in agreed.parties
            ),
            "Purpose": f"{agreed.purpose}: {agreed.purpose_in_words}",
            "Held by the partner under": held_under(agreed),
            "Shared by": "; ".join(shared_by(agreed)),
            "Used here under": "; ".join(used_under(agreed)),
            "Handled here": _handled(agreed),
            "People": people(agreed),
            "Kinds of data": _kinds(agreed),
            "Fields": "; ".join(_fields(agreed)),
            "Recipients": recipients(agreed) or "the partnership's analysts",
            "Sent abroad": ABROAD,
            "Kept": _kept(agreed),
            "Security": SECURITY,
            "Impact assessment": _document(agreed),
            "Decided by": _decided(agreed),
            "In force": f"{agreed.starts} to {agreed.expires}, version {agreed.version}",
        }
        for partner, agreed in told.items()
    ]
    said = (
        f"{settings.partnership}, for the purpose {settings.purpose}. Contact: {settings.contact}.",
        "Made from the sharing agreements in force. It is the record of UK GDPR Article 30. What a "
        "partner holds under Part 3 of the Data Protection Act 2018 is in the partner's own record "
        "of section 61 too; here section 36(4) authorises its use under UK GDPR, where it says so.",
    )
    return Notice("Record of processing activities", said, rows, by="Data of")


def data_flow(settings: Settings, told: Mapping[str, Agreement]) -> Notice:
    """The data-flow annex of an impact assessment: where everything comes from and goes to."""
    from flows.agreements.figure import figure

    rows = [
        dict(zip(("From", "To", "What", "How"), one, strict=True))
        for one in [*_flows_in(settings, told), *_flows_out(settings, told)]
    ]
    said = (
        f"{settings.partnership}, for the purpose {settings.purpose}.",
        "Made from the sharing agreements in force and partnership.yaml. What no agreement lists "
        "is dropped on arrival and is in no line of this table.",
    )
    return Notice("Data flows", said, rows, figure=figure(list(told), _readers(settings, told)))


def write_notice(notice: Notice, out: Path) -> None:
    """Write a notice in the form that the name of the file says.

    Raises:
        ConfigError: It says none.
        StoreError: It cannot be written.
    """
    from flows.agreements.forms import FORMS
    from flows.files import write_text

    if out.suffix not in FORMS:
        raise ConfigError(
            "The file's name does not say in which form it is to be.",
            f"Name it with one of {', '.join(FORMS)}.",
        )
    write_text(out, FORMS[out.suffix](notice))


def _flows_in(
    settings: Settings, told: Mapping[str, Agreement]
) -> Iterator[tuple[str, str, str, str]]:
    for partner, one in told.items():
        at_source = settings.partner(partner).encodes_with is not None
        taken = one.treatments
        by = {
            treatment: [
                f"{table}.{column}"
                for table, columns in taken.items()
                for column, given in columns.items()
                if treatment in given
            ]
            for treatment in ("encode", "keep", "generalise", "drop")
        }
        if at_source:
            yield (
                partner, "inbox", "a sealed file: encodings and events, no name",
                "encoded on the partner's own machine, signed and encrypted for the hub",
            )  # fmt: skip
        else:
            sent = sum(len(columns) for columns in taken.values())
            yield (
                partner, "inbox", f"an extract: {len(taken)} tables, {sent} fields",
                "removed once staged" if one.inbox_after_staging == "remove" else "stays there",
            )  # fmt: skip
        yield (
            "inbox", "identity store", f"{partner}: {_listed(by['encode'])}",
            "keyed encodings only; encrypted at rest; read by linkage alone",
        )  # fmt: skip
        kept = by["keep"] + [f"{field} (coarser)" for field in by["generalise"]]
        yield (
            "inbox", "staging store", f"{partner}: {_listed(kept)}",
            "under keyed surrogates; encrypted at rest; no encodings",
        )  # fmt: skip
        if by["drop"]:
            yield "inbox", "nowhere", f"{partner}: {_listed(by['drop'])}", "dropped on arrival"
        if one.gaps:
            stopped = [f"{table}.{column}" for table, column in one.gaps]
            yield (
                "inbox", "nowhere", f"{partner}: {_listed(stopped)}",
                "not taken in: the agreement lacks a condition of law",
            )  # fmt: skip


def _flows_out(
    settings: Settings, told: Mapping[str, Agreement]
) -> Iterator[tuple[str, str, str, str]]:
    from flows.agreements.terms import tells_days

    yield (
        "identity store", "release", "which records are of one person, under a random id",
        "no encoding and no identifier",
    )  # fmt: skip
    days = "exact days" if tells_days(settings, told.values()) else "weeks"
    yield (
        "staging store", "release", f"events, spells and outcomes by person id, told in {days}",
        "encrypted at rest; read with `journeys sql`, which records each consultation",
    )  # fmt: skip
    for name, role in settings.roles.items():
        may = [one for one in sorted(role.partners) if one in told]
        shared = [one for one in may if not told[one].under_part_3 and _receives(told[one], name)]
        if shared:
            yield (
                "release", name, f"a file with the records of {', '.join(shared)}",
                "encrypted, with a key of its own; the disclosure is recorded first",
            )  # fmt: skip
    for use in sorted({use for one in told.values() for use in one.uses}):
        listed = [
            f"{p}: {', '.join(one.of_use(use))}" for p, one in told.items() if use in one.uses
        ]
        yield "release", f"use {use}", "; ".join(listed), "a part of the release with nothing else"
    yield (
        "release", "board", "counts of people, masked and rounded",
        "proved safe together with all that is public; approved by two people",
    )  # fmt: skip


def _readers(settings: Settings, told: Mapping[str, Agreement]) -> list[str]:
    files = [to for _, to, _, _ in _flows_out(settings, told) if to in settings.roles]
    return [*files, "board"]


def _receives(agreement: Agreement, role: str) -> bool:
    return not agreement.recipients or role in {one.role for one in agreement.recipients}


def recipients(agreement: Agreement) -> str:
    """Who receives what an agreement shares, and for which uses, in one line."""
    named = [f"{one.role} ({one.organisation})" for one in agreement.recipients]
    of_uses = sorted(agreement.uses)
    return "; ".join([*named, *(f"for the use {use}" for use in of_uses)])


def sharing(agreement: Agreement) -> Party:
    """The party that shares, which people ask."""
    sharing = [one for one in agreement.parties if one.role == "sharing_controller"]
    return (sharing or list(agreement.parties))[0]


def people(agreement: Agreement) -> str:
    """Whom an agreement shares records of, by the tables that it lists."""
    from schemas.tables import find_table

    taken = [find_table(agreement.partner, table) for table in agreement.taken_columns]
    said = "; ".join(table.title for table in taken)
    return said + ("; clients under 18 included" if agreement.under_18 else "")


def _kinds(agreement: Agreement) -> str:
    return "; ".join(codes.categories()[kind].label for kind in kinds_taken(agreement))


def kinds_taken(agreement: Agreement) -> list[str]:
    """The kinds of data in the columns that an agreement lists, in the order of the law's list."""
    kinds = codes.columns(agreement.partner)
    taken = {
        kind
        for table, columns in agreement.taken_columns.items()
        for column in columns
        for kind in kinds.get((table, column), ())
    }
    return [name for name in codes.categories() if name in taken]


def _fields(agreement: Agreement) -> list[str]:
    return [
        f"{table}: {', '.join(sorted(columns))}"
        for table, columns in agreement.taken_columns.items()
    ]


def _kept(agreement: Agreement) -> str:
    others = [f"{CLASSES[kind]} {days:,} days" for kind, days in agreement.retention.items()]
    return "; ".join([f"{agreement.retention_days:,} days", *others])


def _handled(agreement: Agreement) -> str:
    if not agreement.under_part_3:
        return "as other data under UK GDPR"
    return (
        "each consultation is logged as section 62 asks, and no file handed out holds a record: so "
        "the agreement has it, whatever law the use is under"
    )


def _document(agreement: Agreement) -> str:
    one = agreement.dpia
    return f"{one.reference}, {one.dated}" if one is not None else "none is named"


def _decided(agreement: Agreement) -> str:
    from governance.agreements.parts import OFFICERS

    said = [
        f"{OFFICERS[one.role]}: {one.decision}, {one.decided_on} ({one.reference})"
        for one in agreement.decisions
    ]
    return "; ".join(said) or "none is named"


def _listed(fields: Sequence[str]) -> str:
    return ", ".join(fields) if fields else "nothing"
