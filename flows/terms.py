"""On what terms data are taken in: the agreement in force, the policy, the mapping and the key."""

from __future__ import annotations

import hashlib
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING

from flows.context import RunContext
from flows.files import folder_digest
from flows.settings import Settings
from governance.agreements import (
    Agreement,
    check_covers,
    check_demonstration,
    check_purpose,
    load_agreement,
)
from schemas.errors import ConfigError, KeyProblem

if TYPE_CHECKING:
    from schemas.mapping import SystemMapping
    from schemas.policy import Policy


def agreement_in_force(settings: Settings, partner: str, today: date) -> Agreement:
    """A partner's agreement, if it is whole, signed, for this purpose and in its dates.

    Raises:
        AgreementError: If it is not.
    """
    agreement = load_agreement(settings.partner(partner).agreement)
    check_purpose(agreement, partner, settings.purpose)
    check_covers(agreement, partner)
    check_demonstration(agreement, partner, settings.demonstration)
    agreement.check_in_force(today)
    return agreement


def staged_under(run: RunContext, agreement: Agreement) -> str:
    """A digest of the terms that decide what staged data look like.

    The purpose, treatments and clauses of the agreement, the key and its epoch, the encoding, the
    code lists and the mapping, what the policy does about broken rules, and the rules of this
    version of the program: when one changes, an extract must be staged again.
    """
    from schemas.encoded import ENCODING_VERSION

    terms = "\n".join(
        (
            agreement.treatment_digest,
            f"epoch {run.settings.key_epoch}",
            f"key {key_check(run)}",
            f"encoding {ENCODING_VERSION}",
            f"codes {folder_digest(run.settings.codes) if run.settings.codes else 'packaged'}",
            f"policy {policy_of(run).severity.model_dump_json()}",
            f"mapping {mapping_of(run, agreement.partner).digest}",
            f"program {version('cohort-journeys')}",
        )
    )
    return "sha256:" + hashlib.sha256(terms.encode()).hexdigest()


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


def key_check(run: RunContext) -> str:
    """A value that tells one identifier key from another and gives nothing else away.

    Raises:
        KeyProblem: If the identifier key is missing, loose or unsound.
    """
    from governance.keys import load_root

    root = load_root(run.settings.keys.identifier)
    return root.derive(
        "key-check", purpose=run.settings.purpose, epoch=run.settings.key_epoch
    ).hex()[:16]


def check_same_key(run: RunContext) -> None:
    """Check that the identifier key is the one the staged data were encoded with.

    Another key would encode everybody anew and end every person id without a word.

    Raises:
        KeyProblem: If it is another.
    """
    for staged in run.control.staged_extracts().values():
        if staged.key_epoch != run.settings.key_epoch:
            raise KeyProblem(
                f"partnership.yaml says key epoch {run.settings.key_epoch}, and the staged data "
                f"are of epoch {staged.key_epoch}.",
                f"Set `key_epoch` back to {staged.key_epoch}: this version cannot rotate keys.",
            )
        if staged.key_check != key_check(run):
            raise KeyProblem(
                "The identifier key is not the one this partnership's data were encoded with.",
                "Put the right key back from its custodian; with another, every person id would "
                "be lost.",
            )


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
            "Put it back under `partners`, or begin a new folder without it.",
        )
