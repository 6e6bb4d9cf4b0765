"""The parts that an agreement is made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from governance.agreements import codes

Treatment = Literal["encode", "key", "keep", "generalise", "drop"]
"""What may be done with a column.

encode: into keyed encodings for linkage, then forgotten.
key: into a keyed surrogate that joins tables.
keep: as it came.
generalise: into something coarser (birth year, postcode district).
drop: received by agreement and dropped before anything is stored.
"""

Treatments = Mapping[str, Annotated[tuple[Treatment, ...], Field(min_length=1)]]
"""What may be done with each column of a table."""

Controller = Literal["sharing_controller", "receiving_controller"]
SIGNING_ROLES: tuple[Controller, ...] = ("sharing_controller", "receiving_controller")

OFFICERS = {
    "caldicott_guardian": "Caldicott Guardian",
    "siro": "senior information risk owner",
    "dpo": "data protection officer",
}
"""Whose decisions an agreement may carry, and what they are called."""

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Words = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
"""The name of a purpose or a role."""


class Part(BaseModel):
    """A part of an agreement: frozen, and with no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Party(Part):
    """An organisation in the agreement, and whether it decides why and how data are used."""

    name: Words
    role: Literal["sharing_controller", "receiving_controller", "processor"]
    contact: Words


class LegalGateway(Part):
    """The law relied on, in the controllers' own words."""

    power_to_share: Words
    lawful_basis: Words
    special_category_condition: Words
    confidentiality: Words
    conditions: tuple[str, ...] = ()


class Document(Part):
    """A document that the agreement rests on: where it is found, and of which day it is."""

    reference: Words
    dated: date


class Law(Part):
    """The law relied on, by the codes of `governance/law`.

    `collected_under` is the part of the Data Protection Act 2018 under which the partner holds the
    data. Where that is Part 3 and the purpose is not law enforcement, `section_36_4` names the
    enactment that authorises the other use, to which Part 2 then applies. `policy_document` is the
    appropriate policy document that some conditions ask for.
    """

    collected_under: Literal["part_2", "part_3"]
    law_enforcement_purpose: bool = False
    gateways: tuple[str, ...] = Field(min_length=1)
    section_35: str | None = None
    schedule_8: tuple[str, ...] = ()
    section_36_4: str | None = None
    article_6: str | None = None
    article_9: tuple[str, ...] = ()
    article_10: str | None = None
    schedule_1: tuple[str, ...] = ()
    policy_document: Document | None = None
    confidentiality: str | None = None
    opt_out: str | None = None

    @field_validator(
        "section_35", "schedule_8", "article_6", "article_9", "article_10", "schedule_1",
        "confidentiality", "opt_out",
        mode="after",
    )  # fmt: skip
    @classmethod
    def _is_a_condition(
        cls, value: str | tuple[str, ...] | None, which: ValidationInfo
    ) -> str | tuple[str, ...] | None:
        return _listed(value, tuple(codes.conditions(str(which.field_name))))

    @field_validator("gateways", "section_36_4", mode="after")
    @classmethod
    def _is_a_gateway(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        return _listed(value, tuple(codes.gateways()))

    @property
    def part(self) -> Literal["part_2", "part_3"]:
        """The part of the Act whose conditions the purpose has to meet."""
        enforces = self.collected_under == "part_3" and self.law_enforcement_purpose
        return "part_3" if enforces else "part_2"


class Decision(Part):
    """What an officer decided of the sharing, by role: who in person is in the reference."""

    role: Literal["caldicott_guardian", "siro", "dpo"]
    decision: Literal["approved", "advised", "refused"]
    decided_on: date
    reference: Words


class Recipient(Part):
    """Who may be given what comes of the data: a role of partnership.yaml, and whose it is."""

    role: Name
    organisation: Words


class Use(Part):
    """A narrower purpose: the fields that may be looked at for it, and by whom.

    `tables` has what may be done with each column, never more than the agreement says of it; a
    column that is not listed is empty in the part of a release that is made for this use.
    """

    in_words: Words
    recipients: tuple[Name, ...] = Field(min_length=1)
    tables: Mapping[str, Treatments] = Field(min_length=1)


class Signature(Part):
    """One controller's signature over the terms as their digest names them.

    Directors sign a paper: `pdf_digest` is that of the signed file, and `attested_by` is the
    officer who compared it with this one on `attested_on`. `ed25519` is a cryptographic signature,
    in hexadecimal, over the text of `document_digest`, for whoever wants to give one.
    """

    role: Controller
    signatory: Words
    signed_on: date
    document_digest: Digest
    pdf_digest: Digest | None = None
    attested_by: Words | None = None
    attested_on: date | None = Field(default=None, validate_default=True)
    ed25519: str | None = Field(default=None, pattern=r"^[0-9a-f]{128}$")

    @field_validator("attested_on", mode="after")
    @classmethod
    def _attested_whole(cls, value: date | None, so_far: ValidationInfo) -> date | None:
        if (value is None) != (so_far.data.get("attested_by") is None):
            raise ValueError("is given where `attested_by` is not, or the other way round")
        if value is not None and value < so_far.data.get("signed_on", value):
            raise ValueError("lies before `signed_on`")
        return value


def _listed(
    value: str | tuple[str, ...] | None, known: tuple[str, ...]
) -> str | tuple[str, ...] | None:
    given = (value,) if isinstance(value, str) else value or ()
    if any(one not in known for one in given):
        raise ValueError(f"names what is not on its list: {', '.join(known)}")
    return value
