"""The sharing agreement as data: who may share which field, why, under what terms and until when.

An agreement is a YAML file beside `partnership.yaml`. It is in force on a day when its dates
cover that day, both controllers have signed it, and what they signed is what it says now: a
signature carries the digest of the terms, so a term changed afterwards makes it void.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from governance import pace
from schemas.documents import is_present, parse_document, read_document
from schemas.errors import AgreementError

if TYPE_CHECKING:
    import polars as pl

Treatment = Literal["encode", "key", "keep", "generalise", "drop"]
"""What may be done with a column.

encode: into keyed encodings for linkage, then forgotten.
key: into a keyed surrogate that joins tables.
keep: as it came.
generalise: into something coarser (birth year, postcode district).
drop: received by agreement and dropped before anything is stored.
"""

SIGNING_ROLES = ("sharing_controller", "receiving_controller")

# Renewal of a sharing agreement takes controllers about two months, so warn that early.
WARN_DAYS_BEFORE_EXPIRY = 60

LATER_CLAUSES = ("under_18", "pace_63b_purpose", "processing_regime", "exact_dates", "uses")
"""Clauses that agreements signed before 2026-11-22 do not have."""

LAW_ENFORCEMENT = ("police", "probation")
"""Partners whose data are processed under Part 3 unless their agreement says otherwise."""

_BLANK = re.compile(r"^<.*>$", re.DOTALL)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Party(_Part):
    """An organisation in the agreement, and whether it decides why and how data are used."""

    name: str = Field(min_length=1)
    role: Literal["sharing_controller", "receiving_controller", "processor"]
    contact: str = Field(min_length=1)


class LegalGateway(_Part):
    """The law relied on, in the controllers' own words."""

    power_to_share: str = Field(min_length=1)
    lawful_basis: str = Field(min_length=1)
    special_category_condition: str = Field(min_length=1)
    confidentiality: str = Field(min_length=1)
    conditions: tuple[str, ...] = ()


class Signature(_Part):
    """One controller's signature over the terms as their digest names them."""

    role: Literal["sharing_controller", "receiving_controller"]
    signatory: str = Field(min_length=1)
    signed_on: date
    document_digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")


class Agreement(_Part):
    """One partner's sharing agreement.

    `under_18` says whether treatment clients under 18 are shared. `pace_63b_purpose` is the
    purpose for which the police disclose drug-test results; without one none is taken
    (`governance.pace`). `processing_regime` is the part of the Data Protection Act 2018 that the
    data stay under: part_3 is law enforcement processing, of which every consultation is logged.
    `exact_dates` says that the purpose needs the days of people's lives, not only the weeks.
    `uses` names narrower purposes, each with the tables that may be looked at for it.
    """

    partner: str = Field(min_length=1)
    title: str = Field(min_length=1)
    version: int = Field(ge=1)
    demonstration: bool = False
    parties: tuple[Party, ...] = Field(min_length=2)
    purpose: str = Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")
    purpose_in_words: str = Field(min_length=1)
    legal_gateway: LegalGateway
    starts: date | None
    expires: date | None
    retention_days: int = Field(ge=1)
    inbox_after_staging: Literal["remove", "keep"] = "remove"
    under_18: bool = False
    pace_63b_purpose: str | None = None
    processing_regime: Literal["part_2", "part_3"] | None = None
    exact_dates: bool = False
    uses: Mapping[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")], tuple[str, ...]] = {}
    tables: Mapping[str, Mapping[str, Annotated[tuple[Treatment, ...], Field(min_length=1)]]] = (
        Field(min_length=1)
    )
    signatures: tuple[Signature, ...] = ()

    @field_validator("tables", mode="before")
    @classmethod
    def _one_treatment_may_be_a_word(cls, value: object) -> object:
        """Accept `sex: keep` for `sex: [keep]`, and column names in any case."""
        if not isinstance(value, dict):
            return value
        return {
            table: {str(column).lower(): _as_tuple(given) for column, given in columns.items()}
            if isinstance(columns, dict)
            else columns
            for table, columns in value.items()
        }

    @field_validator("tables", mode="after")
    @classmethod
    def _drop_stands_alone(cls, value: Mapping[str, Mapping[str, tuple[str, ...]]]) -> object:
        for columns in value.values():
            if any("drop" in given and len(given) > 1 for given in columns.values()):
                raise ValueError("has a column that is dropped and also used")
        return value

    @field_validator("tables", mode="after")
    @classmethod
    def _a_use_is_of_whole_tables(
        cls, value: Mapping[str, object], so_far: ValidationInfo
    ) -> object:
        """A table is used with those that its rows belong to, or its rows would be of nobody."""
        from schemas.tables import TABLES

        parents = {t.name: set(t.parents.values()) for t in TABLES.get(so_far.data["partner"], ())}
        for tables in so_far.data.get("uses", {}).values():
            if set(tables) - set(value):
                raise ValueError("lacks a table that `uses` names")
            if any(parents.get(table, set()) - set(tables) for table in tables):
                raise ValueError("has a table whose parent `uses` does not name beside it")
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
        """What may be done with each column of a table that may be taken in.

        As {table: {column: treatments}}.
        """
        return {
            table: {column: frozenset(given) for column, given in columns.items()}
            for table, columns in self.tables.items()
            if table not in self.undisclosed
        }

    @property
    def undisclosed(self) -> tuple[str, ...]:
        """Tables that may not be taken in, whatever is listed of them, for want of a purpose."""
        needs_purpose = self.partner == pace.PARTNER and self.pace_63b_purpose is None
        return (pace.RESULT_TABLE,) if needs_purpose else ()

    @property
    def under_part_3(self) -> bool:
        """Whether the data may be reached only where each consultation is logged (section 62)."""
        if self.processing_regime is None:
            return self.partner in LAW_ENFORCEMENT
        return self.processing_regime == "part_3"

    @property
    def taken_columns(self) -> dict[str, frozenset[str]]:
        """The columns that are used, of every table of which any is: {table: columns}."""
        taken = {table: self.shared_columns(table) for table in self.tables}
        return {table: columns for table, columns in taken.items() if columns}

    def shared_columns(self, table: str) -> frozenset[str]:
        """The columns of a table that the partner is to send and that are used."""
        listed = self.treatments.get(table, {})
        return frozenset(column for column in listed if _is_used(listed, column))

    @property
    def document_digest(self) -> str:
        """SHA-256 over every term of the agreement: what a signature is given for.

        A clause that it does not have is no term of it, so one signed before there was such a
        clause stays signed.
        """
        terms = self.model_dump(mode="json", exclude={"signatures"})
        absent = [clause for clause in LATER_CLAUSES if not terms[clause]]
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
        return _digest(
            {
                "purpose": self.purpose,
                "treatments": treatments,
                "under_18": self.under_18,
                "pace_63b_purpose": self.pace_63b_purpose,
            }
        )

    def check_in_force(self, on: date) -> None:
        """Check that the agreement is complete, signed and in its dates.

        Args:
            on: The day on which data would be used.

        Raises:
            AgreementError: If it is not; the remedy says what the controllers must do.
        """
        self._check_complete()
        self._check_dates(on)
        self._check_signed(on)

    def days_left(self, on: date) -> int | None:
        """Days from `on` to the last day in force; None where the agreement has no last day."""
        return None if self.expires is None else (self.expires - on).days

    def expires_soon(self, on: date) -> bool:
        """Whether the controllers should be renewing it by now."""
        left = self.days_left(on)
        return left is not None and left <= WARN_DAYS_BEFORE_EXPIRY

    def _check_complete(self) -> None:
        if _has_blank(self.model_dump(mode="python")):
            raise AgreementError(
                f"The {self.partner} agreement still has parts in <angle brackets>.",
                "Ask the controllers to complete every such part before they sign.",
            )
        if self.starts is None or self.expires is None:
            raise AgreementError(
                f"The {self.partner} agreement does not say when it starts and expires.",
                "Fill in `starts` and `expires`.",
            )

    def _check_dates(self, on: date) -> None:
        if self.starts is not None and on < self.starts:
            raise AgreementError(
                f"The {self.partner} agreement is not in force until {self.starts}.",
                "Wait until then, or ask the controllers to agree an earlier start.",
            )
        if self.expires is not None and on > self.expires:
            raise AgreementError(
                f"The {self.partner} agreement expired on {self.expires}.",
                "Ask the controllers to renew and sign it, then put the new file in its place.",
            )

    def _check_signed(self, on: date) -> None:
        signed = {given.role for given in self.signatures if given.signed_on <= on}
        missing = [role.replace("_", " ") for role in SIGNING_ROLES if role not in signed]
        if missing:
            raise AgreementError(
                f"The {self.partner} agreement is not signed by the {' or the '.join(missing)}.",
                f"Have it signed and add each signature with the digest {self.document_digest}.",
            )
        if any(given.document_digest != self.document_digest for given in self.signatures):
            raise AgreementError(
                f"The {self.partner} agreement was changed after it was signed.",
                "Put the signed text back, or have the new text signed with the digest "
                f"{self.document_digest}.",
            )


def load_agreement(path: Path) -> Agreement:
    """Read an agreement.

    Raises:
        AgreementError: If the file is missing, cannot be read or is no agreement.
    """
    if not is_present(path, AgreementError):
        raise AgreementError(
            f"There is no sharing agreement at {path}.",
            "Put the signed agreement there; `journeys init` writes one to complete.",
        )
    return read_document(path, Agreement, AgreementError)


def parse_agreement(text: str, name: str) -> Agreement:
    """Like `load_agreement`, from text."""
    return parse_document(text, name, Agreement, AgreementError)


def check_purpose(agreement: Agreement, partner: str, purpose: str) -> None:
    """Check that an agreement is this partner's and for this partnership's purpose.

    Raises:
        AgreementError: If it is another partner's, or for another purpose.
    """
    if agreement.partner != partner:
        raise AgreementError(
            f"The agreement given for {partner} is another partner's.",
            "Correct `agreement` under that partner in partnership.yaml.",
        )
    if agreement.purpose != purpose:
        raise AgreementError(
            f"The {partner} agreement is for another purpose than this partnership's.",
            "Share under an agreement for the purpose that partnership.yaml names.",
        )


def check_demonstration(agreement: Agreement, partner: str, demonstration: bool) -> None:
    """Check that demonstration signatures serve a demonstration, and nothing else does.

    Args:
        agreement: The agreement.
        partner: Whose it is.
        demonstration: What partnership.yaml says of itself.

    Raises:
        AgreementError: If one is a demonstration and the other is not.
    """
    if agreement.demonstration != demonstration:
        kind = "a demonstration" if agreement.demonstration else "in earnest"
        raise AgreementError(
            f"The {partner} agreement is {kind}, and partnership.yaml says the partnership is not.",
            "Use signed agreements for real data and demonstration ones for made-up data only; "
            "never mix them.",
        )


def check_covers(agreement: Agreement, partner: str) -> None:
    """Check that an agreement lists every column the pipeline cannot do without.

    An optional table may be left out of it, but not in part: what it lists of one has to do. One
    that may not be taken in (`Agreement.undisclosed`) need not be listed.

    Raises:
        AgreementError: Naming the columns that are not listed, or are to be dropped.
    """
    from schemas.tables import TABLES

    treatments = agreement.treatments
    lacking = [
        f"{table.name}.{column}"
        for table in TABLES[partner]
        if agreement.shared_columns(table.name)
        or not (table.optional or table.name in agreement.undisclosed)
        for column, spec in table.columns.items()
        if (spec.required or spec.role in ("key", "parent"))
        and not _is_used(treatments.get(table.name, {}), column)
    ]
    if lacking:
        raise AgreementError(
            f"The {partner} agreement does not cover {', '.join(lacking)}, "
            "which the pipeline cannot do without.",
            "Ask the controllers to agree those fields, or leave this partner out.",
        )


def minimise(
    agreement: Agreement, frames: Mapping[str, pl.DataFrame]
) -> tuple[dict[str, pl.DataFrame], dict[str, int]]:
    """Drop what the agreement does not share, before anything looks at it.

    Args:
        agreement: The partner's agreement.
        frames: Its raw tables, column names in lower case.

    Returns:
        The tables with only the columns that may be used, in their order (and the numbers of
        their rows in the file, where those came), and the number of
        columns of each table that were sent though the agreement does not list them. A table of
        which it shares nothing, or that may not be taken in, is left out whole.
    """
    from schemas.reading.rows import FILE_ROW

    treatments = agreement.treatments
    kept: dict[str, pl.DataFrame] = {}
    over_shared: dict[str, int] = {}
    for name, frame in frames.items():
        listed = treatments.get(name, {})
        sent = [column for column in frame.columns if column != FILE_ROW]
        if agreement.shared_columns(name):
            kept[name] = frame.drop(column for column in sent if not _is_used(listed, column))
        over_shared[name] = sum(column not in listed for column in sent)
    return kept, over_shared


def _is_used(listed: Mapping[str, frozenset[str]], column: str) -> bool:
    return "drop" not in listed.get(column, frozenset({"drop"}))


def _as_tuple(given: object) -> object:
    return (given,) if isinstance(given, str) else given


def _has_blank(value: object) -> bool:
    if isinstance(value, str):
        return bool(_BLANK.match(value.strip()))
    if isinstance(value, Mapping):
        return any(_has_blank(part) for part in value.values())
    if isinstance(value, tuple | list):
        return any(_has_blank(part) for part in value)
    return False


def _digest(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
