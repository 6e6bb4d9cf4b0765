"""Encoding on a partner's own machine: from its files and a bundle to a sealed file for the hub.

It runs with the bundle alone: no partnership.yaml, database or orchestrator, and no root key.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.clock import local_day
from flows.intake.check import CheckReport, report_of
from flows.intake.contract import contract_digest
from flows.intake.encoding import Encoded, encoded_of
from flows.intake.given import Given, given_files
from flows.intake.inside import strange_columns
from flows.intake.payload import pack
from flows.intake.reading import Read, Terms, read_extract
from flows.keys.bundles import LONGEST, read_bundle
from flows.keys.rings import key_check
from flows.safe_errors import guarded
from flows.sources.inbox import Arrived, stamps_of
from governance.agreements import check_covers, check_purpose, load_agreement
from governance.keys.bundle import Bundle
from governance.keys.files import read_private
from governance.sealing import Manifest, payload_digest, recipient_of, seal
from schemas.encoded import ENCODING_VERSION
from schemas.errors import ConfigError, ExtractRejected, KeyProblem
from schemas.events import HeldTo
from schemas.mapping import load_mapping
from schemas.policy import load_policy

PASSPHRASE_VARIABLE = "JOURNEYS_BUNDLE_PASSPHRASE"  # noqa: S105


@dataclass(frozen=True)
class AtSource:
    """What encoding at source made.

    Args:
        report: What checking found, as `journeys check` tells it.
        manifest: What the sealed file says of itself; None where the extract is refused.
        content: The sealed file; empty where the extract is refused.
    """

    report: CheckReport
    manifest: Manifest | None = None
    content: bytes = field(default=b"", repr=False)

    def as_json(self) -> dict[str, object]:
        """The report, and what the sealed file says of itself."""
        said = {} if self.manifest is None else self.manifest.said()
        return self.report.as_json() | {"sealed": said or None}


def open_with(path: Path, passphrase_file: Path | None) -> Bundle:
    """Open a bundle with the passphrase from a file or from the environment.

    Raises:
        ConfigError: No passphrase was given.
        KeyProblem: The bundle or the passphrase cannot be used, or may be read by others.
    """
    if passphrase_file is not None:
        content = read_private(passphrase_file, "passphrase", LONGEST)
        passphrase = content.decode("utf-8", "replace").strip()
    else:
        passphrase = os.environ.get(PASSPHRASE_VARIABLE, "").strip()
    if not passphrase:
        raise ConfigError(
            "No passphrase was given for the bundle.",
            f"Give --passphrase-file, or set {PASSPHRASE_VARIABLE}.",
        )
    return read_bundle(path, passphrase)


def encode_at_source(
    bundle: Bundle, partner: str, paths: Sequence[Path], *, now: datetime, as_at: date | None = None
) -> AtSource:
    """Read, check and encode an extract in every epoch of a bundle, and seal it to the hub.

    Args:
        bundle: The partner's bundle.
        partner: Whose extract it is.
        paths: A folder, or the files.
        now: The moment.
        as_at: The day of the extract; today if not given.

    Raises:
        AgreementError: The agreement in the bundle is not in force or is another's.
        ConfigError: The files are not clear, or the day has not come.
        KeyProblem: The bundle is another partner's.
    """
    today = local_day(now)
    _require_own(bundle, partner)
    if as_at is not None and as_at > today:
        raise ConfigError("The day of the extract has not come yet.", "Correct --as-at.")
    with _terms(bundle, today, as_at or today) as terms:
        given = given_files(terms.mapping, paths)
        read, reasons = _read(given, terms)
        raw, examined = ({}, None) if read is None else (read.raw, read.examined)
        encoded: Encoded | None = None
        if read is not None and not read.examined.refusals:
            encoded = guarded("encode", encoded_of, read, terms, bundle.keys)
            reasons += _not_taken(partner, encoded, HeldTo(terms.policy, terms.codes, today))
        report = report_of(given, raw, examined, reasons)
    if encoded is None or reasons:
        return AtSource(report)
    payload = pack(encoded)
    manifest = _manifest(bundle, terms, encoded, payload, now)
    return AtSource(
        report, manifest, seal(payload, manifest, hub=bundle.hub, signing=bundle.signing)
    )


def own_records(
    bundle: Bundle, partner: str, paths: Sequence[Path], *, now: datetime
) -> dict[int, tuple[str, str]]:
    """Which of the partner's own records each record id is, in every epoch of its bundle.

    Args:
        bundle: The partner's bundle.
        partner: Whose extract it is.
        paths: A folder, or the files.
        now: The moment.

    Returns:
        Record id → the table and the key of the record.

    Raises:
        ExtractRejected: The extract cannot be used.
        KeyProblem: The bundle is another partner's.
    """
    from governance.pseudonymise import own_records as of_epoch

    _require_own(bundle, partner)
    today = local_day(now)
    with _terms(bundle, today, today) as terms:
        read, reasons = _read(given_files(terms.mapping, paths), terms)
        if read is None or reasons:
            raise ExtractRejected(*reasons[0])
        validated = read.examined.usable()
        return {
            record: own
            for key in bundle.keys.values()
            for record, own in of_epoch(validated, terms.agreement, key).items()
        }


def _require_own(bundle: Bundle, partner: str) -> None:
    if bundle.partner != partner:
        raise KeyProblem(
            f"The bundle is not that of {partner}.", "Use the one that the hub made for you."
        )


@contextmanager
def _terms(bundle: Bundle, today: date, as_at: date) -> Iterator[Terms]:
    """The terms in a bundle. Its documents are laid into a folder for as long; none is personal.

    Raises:
        AgreementError: The agreement is not in force.
        ConfigError: A document cannot be used.
    """
    with TemporaryDirectory(prefix="journeys-") as name:
        folder = Path(name)
        system = _lay_out(bundle.documents, folder)
        agreement = load_agreement(folder / "agreement.yaml")
        check_purpose(agreement, bundle.partner, bundle.purpose)
        check_covers(agreement, bundle.partner)
        agreement.check_in_force(today)
        codes = _folder(folder / "codes")
        yield Terms(
            agreement=agreement,
            mapping=load_mapping(bundle.partner, system, _folder(folder / "mappings"), codes),
            policy=load_policy(folder / "policy.yaml"),
            codes=codes,
            as_at=as_at,
        )


def _lay_out(documents: Mapping[str, str], folder: Path) -> str | None:
    """Write the documents of a bundle; the name of the partner's system, if it has one."""
    for name, text in documents.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise KeyProblem("The bundle is not whole.", "Ask the hub for it again.")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return documents.get("system")


def _folder(path: Path) -> Path | None:
    return path if path.is_dir() else None


def _read(given: Given, terms: Terms) -> tuple[Read | None, list[tuple[str, str]]]:
    """The extract as it was read, and why it cannot be used."""
    if not given.whole:
        return None, [("The extract is not whole.", "Give all its tables together.")]
    arrived = Arrived(
        partner=given.partner,
        files=given.files,
        digest="",
        stamps=stamps_of(given.partner, given.files),
        others=0,
    )
    try:
        read = guarded("read", read_extract, arrived, terms)
    except ExtractRejected as error:
        return None, [(error.problem, error.remedy)]
    advice = "Correct the export and encode again."
    return read, [(said, advice) for said in read.examined.refusals]


def _not_taken(partner: str, encoded: Encoded, held: HeldTo) -> list[tuple[str, str]]:
    """What the hub would refuse the whole file for, told where it can be put right."""
    told = strange_columns(partner, next(iter(encoded.parts.values())), held)
    if not told:
        return []
    return [
        (
            f"The hub takes no text in codes and agencies, nor days out of bounds: {told}.",
            "Correct these columns in the export and encode again.",
        )
    ]


def _manifest(
    bundle: Bundle, terms: Terms, encoded: Encoded, payload: bytes, now: datetime
) -> Manifest:
    return Manifest(
        delivery=secrets.token_hex(16),
        partner=bundle.partner,
        made_at=now,
        purpose=bundle.purpose,
        epochs={epoch: key_check(key) for epoch, key in bundle.keys.items()},
        encoding_version=ENCODING_VERSION,
        program=version("cohort-journeys"),
        contract=contract_digest(bundle.partner),
        agreement=terms.agreement.treatment_digest,
        recipient=recipient_of(bundle.hub),
        data_as_at=encoded.facts.data_as_at,
        rows={name: dict(rows) for name, rows in encoded.facts.rows.items()},
        digest=payload_digest(payload),
        size=len(payload),
    )
