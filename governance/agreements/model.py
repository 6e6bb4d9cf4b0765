"""The agreement itself: its clauses, what may be done by them, and its digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from governance import pace
from governance.agreements import codes
from governance.agreements.in_force import check_in_force
from governance.agreements.law import NO_LAW, field_gaps, tables_stopped
from governance.agreements.parts import (
    Controller,
    Decision,
    Document,
    Law,
    LegalGateway,
    Name,
    Part,
    Party,
    Recipient,
    Signature,
    Treatments,
    Use,
    Words,
)
from governance.retention import CLASSES

# Renewal of a sharing agreement takes controllers about two months, so warn that early.
WARN_DAYS_BEFORE_EXPIRY = 60

LATER_CLAUSES = (
    "under_18",
    "pace_63b_purpose",
    "processing_regime",
    "exact_dates",
    "uses",
    "review",
    "retention",
    "law",
    "decisions",
    "dpia",
    "recipients",
    "signing_keys",
)
"""Clauses that agreements signed before 2026-11-22 do not have."""

LAW_ENFORCEMENT = ("police", "probation")
"""Partners whose data are processed under Part 3 unless their agreement says otherwise."""


class Agreement(Part):
    """One partner's sharing agreement.

    Attributes:
        under_18: Whether treatment clients under 18 are shared.
        pace_63b_purpose: The purpose for which the police disclose drug-test results; without one
            none is taken (`governance.pace`).
        processing_regime: The part of the Data Protection Act 2018 that the data stay under here:
            part_3 is law enforcement processing, of which every consultation is logged.
        exact_dates: Whether the purpose needs the days of people's lives, not only the weeks.
        review: The day by which the controllers look at it again; nothing stops when it passes.
        retention: For how many days each class of data is kept; of a class that is not named,
            `retention_days`.
        uses: Narrower purposes, each with the tables, or the fields, that may be looked at for it.
        law: The law relied on, by codes; `governance.agreements.law` says what it lacks.
        decisions: What the Caldicott Guardian, the SIRO and the DPO decided.
        dpia: The data protection impact assessment.
        recipients: Who may be given files and figures of the data.
        signing_keys: A controller's public Ed25519 key, in hexadecimal, where it signs with one.
    """

    partner: Words
    title: Words
    version: int = Field(ge=1)
    demonstration: bool = False
    parties: tuple[Party, ...] = Field(min_length=2)
    purpose: Name
    purpose_in_words: Words
    legal_gateway: LegalGateway
    starts: date | None
    expires: date | None
    review: date | None = None
    retention_days: int = Field(ge=1)
    retention: Mapping[str, Annotated[int, Field(ge=1)]] = {}
    inbox_after_staging: Literal["remove", "keep"] = "remove"
    under_18: bool = False
    pace_63b_purpose: str | None = None
    processing_regime: Literal["part_2", "part_3"] | None = None
    exact_dates: bool = False
    law: Law | None = None
    decisions: tuple[Decision, ...] = ()
    dpia: Document | None = None
    recipients: tuple[Recipient, ...] = ()
    signing_keys: Mapping[Controller, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = {}
    tables: Mapping[str, Treatments] = Field(min_length=1)
    uses: Mapping[Name, tuple[str, ...] | Use] = {}
    signatures: tuple[Signature, ...] = ()

    @field_validator("tables", mode="before")
    @classmethod
    def _one_treatment_may_be_a_word(cls, value: object) -> object:
        return _plainly(value)

    @field_validator("uses", mode="before")
    @classmethod
    def _so_it_may_in_a_use(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {
            name: {**use, "tables": _plainly(use["tables"])}
            if isinstance(use, dict) and "tables" in use
            else use
            for name, use in value.items()
        }

    @field_validator("tables", mode="after")
    @classmethod
    def _drop_stands_alone(cls, value: Mapping[str, Mapping[str, tuple[str, ...]]]) -> object:
        for columns in value.values():
            if any("drop" in given and len(given) > 1 for given in columns.values()):
                raise ValueError("has a column that is dropped and also used")
        return value

    @field_validator("uses", mode="after")
    @classmethod
    def _a_use_is_of_what_is_shared(
        cls, value: Mapping[str, tuple[str, ...] | Use], so_far: ValidationInfo
    ) -> object:
        """A table is used with those that its rows belong to, or its rows would be of nobody."""
        from schemas.tables import TABLES

        shared = so_far.data.get("tables", {})
        parents = {
            table.name: set(table.parents.values())
            for table in TABLES.get(so_far.data.get("partner", ""), ())
        }
        for use in value.values():
            tables = set(use.tables if isinstance(use, Use) else use)
            if tables - set(shared):
                raise ValueError("names a table that `tables` lacks")
            if any(parents.get(table, set()) - tables for table in tables):
                raise ValueError("names a table without the one that its rows belong to")
            if isinstance(use, Use) and not _within(use.tables, shared):
                raise ValueError("lets more be done with a column than `tables` does")
        return value

    @field_validator("expires", mode="after")
    @classmethod
    def _ends_after_it_starts(cls, value: date | None, so_far: ValidationInfo) -> date | None:
        starts = so_far.data.get("starts")
        if value is not None and starts is not None and value < starts:
            raise ValueError("lies before `starts`")
        return value

    @field_validator("review", mode="after")
    @classmethod
    def _is_reviewed_after_it_starts(
        cls, value: date | None, so_far: ValidationInfo
    ) -> date | None:
        starts = so_far.data.get("starts")
        if value is not None and starts is not None and value < starts:
            raise ValueError("lies before `starts`")
        return value

    @field_validator("retention", mode="after")
    @classmethod
    def _is_of_classes_that_are_kept(cls, value: Mapping[str, int]) -> Mapping[str, int]:
        if set(value) - set(CLASSES):
            raise ValueError(f"names what is no class of data: {', '.join(CLASSES)}")
        return value

    @field_validator("pace_63b_purpose", mode="after")
    @classmethod
    def _the_police_name_a_lawful_purpose(cls, value: str | None, so_far: ValidationInfo) -> object:
        if value is not None and so_far.data.get("partner") != pace.PARTNER:
            raise ValueError("is a clause of the police agreement only")
        if value is not None and value not in pace.disclosure_purposes():
            raise ValueError(
                "is none of the purposes that PACE 1984 section 63B(7) lists: "
                + ", ".join(pace.disclosure_purposes())
            )
        return value

    @property
    def treatments(self) -> dict[str, dict[str, frozenset[str]]]:
        """What may be done with each column that may be taken in.

        As {table: {column: treatments}}.
        """
        gaps, left_out = self.gaps, self.undisclosed
        return {
            table: {
                column: frozenset(given)
                for column, given in columns.items()
                if (table, column) not in gaps
            }
            for table, columns in self.tables.items()
            if table not in left_out
        }

    @property
    def gaps(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """What the law lacks for fields that are listed for use: {(table, column): what}.

        Such a field is not taken in, whatever is listed of it.
        """
        fields = [
            (table, column)
            for table, columns in self.tables.items()
            for column, given in columns.items()
            if "drop" not in given
        ]
        if self.law is None:
            return dict.fromkeys(fields, (NO_LAW,))
        kinds, law = codes.columns(self.partner), self.law
        # Some hundreds of fields are of a dozen kinds, and each is asked for many times a run.
        of_kinds = cache(lambda some: field_gaps(law, self.decisions, some))
        found = {field: of_kinds(kinds.get(field, ())) for field in fields}
        return {field: lacking for field, lacking in found.items() if lacking}

    @property
    def not_taken(self) -> dict[str, str]:
        """Tables that may not be taken in, whatever is listed of them, and what each is wanting."""
        wanting: dict[str, str] = {}
        if self.partner == pace.PARTNER and self.pace_63b_purpose is None:
            wanting[pace.RESULT_TABLE] = pace.NO_PURPOSE
        gaps = self.gaps
        return (tables_stopped(self.partner, gaps) if gaps else {}) | wanting

    @property
    def undisclosed(self) -> tuple[str, ...]:
        """The tables that may not be taken in."""
        return tuple(self.not_taken)

    @property
    def under_part_3(self) -> bool:
        """Whether the data may be reached only where each consultation is logged (section 62)."""
        if self.processing_regime is None:
            return self.partner in LAW_ENFORCEMENT
        return self.processing_regime == "part_3"

    @property
    def opt_outs_apply(self) -> bool:
        """Whether the national data opt-out applies to the data: where nothing is said, not."""
        return self.law is not None and self.law.opt_out in codes.OPT_OUTS_APPLY

    @property
    def taken_columns(self) -> dict[str, frozenset[str]]:
        """The columns that are used, of every table of which any is: {table: columns}."""
        taken = {table: self.shared_columns(table) for table in self.tables}
        return {table: columns for table, columns in taken.items() if columns}

    def shared_columns(self, table: str) -> frozenset[str]:
        """The columns of a table that the partner is to send and that are used."""
        listed = self.treatments.get(table, {})
        return frozenset(column for column in listed if is_used(listed, column))

    def of_use(self, use: str) -> dict[str, dict[str, frozenset[str]]]:
        """What may be done with each column for a narrower purpose, as `treatments` has it."""
        allowed, named = self.treatments, self.uses.get(use, ())
        if not isinstance(named, Use):
            return {table: allowed[table] for table in named if table in allowed}
        return {
            table: {
                column: frozenset(given)
                for column, given in columns.items()
                if column in allowed[table]
            }
            for table, columns in named.tables.items()
            if table in allowed
        }

    @property
    def document_digest(self) -> str:
        """SHA-256 over every term of the agreement: what a signature is given for.

        A clause that it does not have is no term of it, so one signed before there was such a
        clause stays signed.
        """
        terms = self.model_dump(mode="json", exclude={"signatures"})
        absent = [clause for clause in LATER_CLAUSES if not terms[clause]]
        if self.law is not None:
            terms["law"] = self.law.model_dump(mode="json", exclude_defaults=True)
        return _digest({name: term for name, term in terms.items() if name not in absent})

    @property
    def treatment_digest(self) -> str:
        """SHA-256 over the purposes, the treatments and whom they are of: what data are staged by.

        A renewal that changes only dates or signatures leaves it as it was.
        """
        treatments = {
            table: {column: sorted(given) for column, given in columns.items()}
            for table, columns in self.tables.items()
        }
        gaps = sorted(f"{table}.{column}" for table, column in self.gaps)
        return _digest(
            {
                "purpose": self.purpose,
                "treatments": treatments,
                "under_18": self.under_18,
                "pace_63b_purpose": self.pace_63b_purpose,
                **({"gaps": gaps} if gaps else {}),
            }
        )

    @property
    def release_digest(self) -> str:
        """SHA-256 over what decides what a release may show: what is staged, and days."""
        return _digest([self.treatment_digest, self.exact_dates])

    def use_digest(self, use: str) -> str:
        """The same of the part of a release for one use."""
        listed = {
            table: {column: sorted(given) for column, given in columns.items()}
            for table, columns in self.of_use(use).items()
        }
        return _digest([self.release_digest, listed])

    def check_in_force(self, on: date) -> None:
        """Check that the agreement is complete, signed, in its dates and by some law.

        Args:
            on: The day on which data would be used.

        Raises:
            AgreementError: If it is not; the remedy says what the controllers must do.
        """
        check_in_force(self, on)

    @property
    def changed_since_signed(self) -> bool:
        """Whether somebody signed another text than this."""
        return any(one.document_digest != self.document_digest for one in self.signatures)

    def days_left(self, on: date) -> int | None:
        """Days from `on` to the last day in force; None where the agreement has no last day."""
        return None if self.expires is None else (self.expires - on).days

    def expires_soon(self, on: date) -> bool:
        """Whether the controllers should be renewing it by now."""
        left = self.days_left(on)
        return left is not None and left <= WARN_DAYS_BEFORE_EXPIRY

    def review_passed(self, on: date) -> bool:
        """Whether the controllers should have looked at it again by now."""
        return self.review is not None and on > self.review


def is_used(listed: Mapping[str, frozenset[str]], column: str) -> bool:
    """Whether a column is listed for more than to be dropped."""
    return "drop" not in listed.get(column, frozenset({"drop"}))


def _plainly(value: object) -> object:
    """Accept `sex: keep` for `sex: [keep]`, and column names in any case."""
    if not isinstance(value, dict):
        return value
    return {
        table: {str(column).lower(): _as_tuple(given) for column, given in columns.items()}
        if isinstance(columns, dict)
        else columns
        for table, columns in value.items()
    }


def _within(
    inner: Mapping[str, Mapping[str, tuple[str, ...]]],
    outer: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> bool:
    """Whether no column has a treatment in the one that it has not in the other."""
    return all(
        set(given) <= {"drop", *outer.get(table, {}).get(column, ())}
        for table, columns in inner.items()
        for column, given in columns.items()
    )


def _as_tuple(given: object) -> object:
    return (given,) if isinstance(given, str) else given


def _digest(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
