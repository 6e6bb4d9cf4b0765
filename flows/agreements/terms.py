"""On what terms data are taken in: the agreement in force, the policy and the mapping."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING

from flows.context import RunContext
from flows.files import folder_digest
from flows.intake.contract import contract_digest
from flows.intake.reading import Terms
from flows.settings import Settings
from governance.agreements import (
    Agreement,
    check_covers,
    check_demonstration,
    check_known,
    check_purpose,
    check_recipients,
    load_agreement,
)
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from schemas.mapping import SystemMapping
    from schemas.policy import Policy


def agreement_in_force(settings: Settings, partner: str, today: date) -> Agreement:
    """A partner's agreement, if it is whole, signed, for this purpose and in its dates.

    Raises:
        AgreementError: If it is not.
    """
    agreement = load_agreement(settings.partner(partner).agreement, today)
    check_purpose(agreement, partner, settings.purpose)
    agreement.check_in_force(today)
    check_known(agreement, partner)
    check_covers(agreement, partner)
    check_demonstration(agreement, partner, settings.demonstration)
    check_recipients(agreement, partner, settings.roles)
    return agreement


def tells_days(settings: Settings, agreements: Iterable[Agreement]) -> bool:
    """Whether days of people's lives may be told: every partner's agreement has to list them.

    One without an agreement in force lists nothing. Were the days of the others told while it is
    left out, the next release, which tells weeks again, would show each person's own clock.

    Args:
        settings: The partnership.
        agreements: Those in force.
    """
    return {one.partner for one in agreements if one.exact_dates} >= set(settings.partners)


def encodes_at_source(run: RunContext, partner: str) -> bool:
    """Whether a partner encodes its extract on its own machine."""
    return run.settings.partner(partner).encodes_with is not None


def staged_under(run: RunContext, agreement: Agreement) -> str:
    """A digest of the terms that an extract is staged under."""
    if encodes_at_source(run, agreement.partner):
        return _at_source_under(agreement)
    return _at_the_hub_under(run, agreement)


def _at_the_hub_under(run: RunContext, agreement: Agreement) -> str:
    """A digest of the terms that decide what staged data look like.

    The purpose, treatments and clauses of the agreement, the encoding, the code lists and the
    mapping, what the policy does about broken rules, and the rules of this version of the program:
    when one changes, an extract must be staged again. Of the key, `flows.keys.epochs` keeps
    account.
    """
    from schemas.encoded import ENCODING_VERSION
    from schemas.marks import MARKS_VERSION

    terms = "\n".join(
        (
            agreement.treatment_digest,
            f"encoding {ENCODING_VERSION}, marks {MARKS_VERSION}",
            f"codes {folder_digest(run.settings.codes) if run.settings.codes else 'packaged'}",
            f"policy {policy_of(run).severity.model_dump_json()}",
            f"mapping {mapping_of(run, agreement.partner).digest}",
            f"program {version('cohort-journeys')}",
        )
    )
    return "sha256:" + hashlib.sha256(terms.encode()).hexdigest()


def _at_source_under(agreement: Agreement) -> str:
    """Like `_at_the_hub_under`, of what a partner encoded itself.

    Its mapping, code lists and policy are those of its bundle; the encoding, the contract and the
    treatments have to be the hub's.
    """
    from schemas.encoded import ENCODING_VERSION
    from schemas.marks import MARKS_VERSION

    terms = (
        "at source",
        agreement.treatment_digest,
        f"encoding {ENCODING_VERSION}, marks {MARKS_VERSION}",
        f"contract {contract_digest(agreement.partner)}",
    )
    return "sha256:" + hashlib.sha256("\n".join(terms).encode()).hexdigest()


def reading_terms(run: RunContext, agreement: Agreement) -> Terms:
    """On what terms the hub reads a partner's extract.

    Raises:
        ConfigError: The policy or the mapping cannot be used.
    """
    return Terms(
        agreement=agreement,
        mapping=mapping_of(run, agreement.partner),
        policy=policy_of(run),
        codes=run.settings.codes,
        as_at=run.today,
    )


def mapping_of(run: RunContext, partner: str) -> SystemMapping:
    """How the system that writes a partner's extract names and writes its columns.

    Raises:
        ConfigError: If there is no such mapping, or it cannot be used.
    """
    from schemas.mapping import load_mapping

    system = run.settings.partner(partner).system
    return load_mapping(partner, system, run.settings.mappings, run.settings.codes)


def policy_of(run: RunContext) -> Policy:
    """What broken rules lead to.

    Raises:
        ConfigError: If the partnership's own policy cannot be used.
    """
    from schemas.policy import load_policy

    return load_policy(run.settings.policy)


def check_nobody_left(run: RunContext) -> None:
    """Check that every partner whose extract is staged is still in partnership.yaml.

    Raises:
        ConfigError: If one is not.
    """
    left = sorted(set(run.control.staged_extracts()) - set(run.settings.partners))
    if left:
        raise ConfigError(
            f"The extract of {', '.join(left)} is staged, but partnership.yaml no longer names "
            "that partner.",
            "Put it back under `partners`, or take its data out with `journeys retention "
            f"remove-partner {left[0]}`.",
        )
