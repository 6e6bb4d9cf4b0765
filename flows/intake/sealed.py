"""The hub's side of encoding at source: which sealed file is taken, and whether it may be.

A file is taken for what its manifest says only after the partner's signature on it holds, and what
is inside only after it was held to the manifest, the agreement and the contract
(`flows.intake.inside`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flows.agreements.terms import policy_of
from flows.clock import local_day
from flows.context import RunContext
from flows.intake.contract import contract_digest
from flows.intake.encoding import Encoded
from flows.intake.inside import check_inside
from flows.intake.payload import not_as_said, unpack
from flows.keys.bundles import Issued, read_issued
from flows.keys.epochs import Epochs
from flows.keys.rings import key_check, keyed_digest, ring_of
from flows.sources.inbox import Arrived, check_untouched, contents_of, stamps_of
from governance.agreements import Agreement
from governance.sealing import (
    ASK_AGAIN,
    Manifest,
    beginning,
    claimed_delivery,
    read_manifest,
    unseal,
)
from schemas.errors import ExtractRejected, JourneysError, KeyProblem, NotSigned

SUFFIX = ".sealed"
SEALED = "sealed"

# How far a partner's clock may be ahead of the hub's. What is made once it is put right is taken as
# soon as so much time has passed; until then it is older than what is staged.
CLOCKS_DIFFER = timedelta(minutes=10)

LARGEST = 2 * 1024**3
"""The largest sealed file read: it is held in memory several times over."""

NEW_BUNDLE = (
    "Give the partner a new bundle (`journeys keys bundle`) and ask it to encode again with it."
)


@dataclass(frozen=True)
class Found:
    """What is in the inbox of a partner that encodes at source.

    Args:
        arrived: The file to be taken; None where there is none.
        passed_over: Files of an earlier bundle that were taken in before.
    """

    arrived: Arrived | None
    passed_over: int = 0


def find_sealed(run: RunContext, partner: str) -> Found:
    """The newest sealed file in a partner's inbox that the partner signed and that fits this hub.

    Once a partner has a new bundle, what it sealed with the earlier one and was taken in is passed
    over.

    Raises:
        ExtractRejected: Something that is not sealed lies there, or no sealed file can be used.
        KeyProblem: The partner's public key is missing.
    """
    part = run.settings.partner(partner)
    present, folders = contents_of(partner, part.inbox)
    paths = [path for found in present.values() for path in found]
    sealed = [path for path in paths if path.name.lower().endswith(SUFFIX)]
    if folders or len(sealed) < len(paths):
        raise _not_sealed(partner, len(paths) - len(sealed) + folders)
    if not sealed or part.encodes_with is None:
        return Found(None)
    issued = read_issued(part.encodes_with)
    looked_at = {path: _looked_at(run, partner, path, issued) for path in sealed}
    sound = [(found, path) for path, found in looked_at.items() if isinstance(found, Manifest)]
    faults = [found for found in looked_at.values() if isinstance(found, JourneysError)]
    passed_over = len(sealed) - len(sound) - len(faults)
    if faults and not sound:
        raise faults[0]
    return Found(_arrived(run, partner, sound, faults) if sound else None, passed_over)


def check_arrived(
    run: RunContext, manifest: Manifest, agreement: Agreement, epochs: Epochs
) -> None:
    """Check that what a manifest says may be staged now.

    Raises:
        ExtractRejected: It was made under another agreement, is of the future, or was taken in
            before.
        KeyProblem: It is in no epoch that is in use, or in another key than the hub's.
    """
    partner = agreement.partner
    if manifest.agreement != agreement.treatment_digest:
        raise ExtractRejected(
            f"{partner} encoded its extract under another agreement than the one in force.",
            NEW_BUNDLE,
        )
    if manifest.data_as_at > run.today or manifest.made_at > run.clock() + CLOCKS_DIFFER:
        raise ExtractRejected(
            f"The sealed file of {partner} is of a day or an hour that has not come.",
            "Ask the partner to check the clock of the machine it encodes on and encode again; "
            "check this machine's too.",
        )
    _refuse_replayed(run, manifest)
    _check_epochs(run, manifest, epochs)


def check_one_key(
    run: RunContext, manifests: Mapping[str, Manifest], epochs: Epochs
) -> dict[str, JourneysError]:
    """What is wrong where partners encoded with different keys of one epoch.

    Two keys of one epoch would let nobody be found at two partners, without a word.

    Args:
        run: The run.
        manifests: What the sealed files to be staged say.
        epochs: The epochs in use.
    """
    staged = run.control.staged_extracts()
    wrong: dict[str, JourneysError] = {}
    for epoch in epochs.wanted:
        said = {name: one.epochs[epoch] for name, one in manifests.items() if epoch in one.epochs}
        standing = {one.key_check for one in staged.values() if one.key_epoch == epoch}
        known = _own_check(run, epoch) or standing or set(said.values())
        if len(known) == 1:
            said = {name: check for name, check in said.items() if check not in known}
        for name in said:
            wrong[name] = KeyProblem(
                f"{name} encoded with another key of epoch {epoch} than the others.",
                "Give every partner a bundle made with one identifier key and ask for new files.",
            )
    return wrong


def open_arrived(
    run: RunContext, arrived: Arrived, agreement: Agreement, epochs: Epochs
) -> Encoded:
    """Open a sealed file and hold what is inside to what was said and agreed.

    Returns:
        The extract in the epochs that are wanted.

    Raises:
        ExtractRejected: It was cut short, changed, or holds something else.
        KeyProblem: It was sealed to a key that the hub does not hold.
    """
    from schemas.events import HeldTo

    manifest = arrived.manifest
    if manifest is None:
        raise not_as_said()
    content = _read(arrived.partner, arrived.files[SEALED])
    check_untouched(arrived)
    encoded = unpack(unseal(content, manifest, ring_of(run.settings, "seal")))
    held = HeldTo(policy_of(run), run.settings.codes, local_day(manifest.made_at))
    check_inside(encoded, manifest, agreement, held)
    parts = {epoch: encoded.parts[epoch] for epoch in epochs.wanted if epoch in encoded.parts}
    return Encoded(parts, encoded.facts, encoded.marks)


def _looked_at(
    run: RunContext, partner: str, path: Path, issued: Issued
) -> Manifest | JourneysError | None:
    """What a file says of itself, why it cannot be used, or None for one that is passed over."""
    try:
        content = _read(partner, path, whole=False)
        try:
            manifest = read_manifest(content, issued.verifying)
        except NotSigned:
            # Whoever signed it, nothing is taken from it, and its delivery is here already.
            if claimed_delivery(content) in _deliveries(run, partner):
                return None
            raise
        _check_fits(run, partner, manifest, issued)
    except JourneysError as error:
        return error
    return manifest


def _deliveries(run: RunContext, partner: str) -> set[str]:
    """The sealed files of a partner that were taken in."""
    past = {one.extract.delivery for one in run.control.past_extracts(partner)}
    return {delivery for delivery in past if delivery is not None}


def _check_fits(run: RunContext, partner: str, manifest: Manifest, issued: Issued) -> None:
    from schemas.encoded import ENCODING_VERSION

    if (manifest.partner, manifest.purpose) != (partner, run.settings.purpose):
        raise ExtractRejected(
            f"A sealed file in the inbox of {partner} is of another partner or purpose.",
            "Move it to the inbox it belongs in, or ask who put it there.",
        )
    if manifest.encoding_version != ENCODING_VERSION:
        raise ExtractRejected(
            f"{partner} encoded with version {manifest.encoding_version} of the encoding; this "
            f"hub works with version {ENCODING_VERSION}.",
            "Give the partner the partner kit of this hub's version, or bring the hub to the "
            "partner's, and ask it to encode again.",
        )
    if manifest.epochs != issued.epochs:
        raise KeyProblem(
            f"{partner} encoded in key epochs, or with keys, other than those of the bundle that "
            "it was given last.",
            NEW_BUNDLE,
        )
    if manifest.contract != contract_digest(partner):
        raise ExtractRejected(
            f"{partner} encoded with a program of another version, whose contract is not this "
            "hub's.",
            "Give the partner the partner kit of this hub's version and ask it to encode again.",
        )


def _arrived(
    run: RunContext,
    partner: str,
    sound: list[tuple[Manifest, Path]],
    faults: list[JourneysError],
) -> Arrived:
    sound = sorted(sound, key=lambda one: (one[0].made_at, one[0].delivery), reverse=True)
    manifest, newest = sound[0]
    older = [path for _, path in sound[1:]]
    files = {SEALED: newest} | {f"older {n}": path for n, path in enumerate(older, 1)}
    said = []
    if older:
        said.append(
            f"The inbox of {partner} holds {len(sound)} sealed files: the newest was taken, made "
            f"on {manifest.made_at:%-d %B %Y at %H:%M} UTC."
        )
    if faults:
        said.append(
            f"{len(faults)} other sealed file(s) of {partner} cannot be used. {faults[0].problem}"
        )
    return Arrived(
        partner=partner,
        files=files,
        digest=keyed_digest(run.settings, manifest.digest),
        stamps=stamps_of(partner, files),
        others=len(faults),
        manifest=manifest,
        said=tuple(said),
    )


def _refuse_replayed(run: RunContext, manifest: Manifest) -> None:
    """Refuse what was taken in before, or is older than what is staged now."""
    partner = manifest.partner
    staged = run.control.staged_extracts().get(partner)
    if staged is not None and staged.delivery == manifest.delivery:
        return
    made_at = staged.made_at if staged is not None else None
    if manifest.delivery in _deliveries(run, partner) or (
        made_at is not None and manifest.made_at <= made_at
    ):
        raise ExtractRejected(
            f"The sealed file of {partner} was taken in before, or is older than the one staged.",
            f"Take it out of the inbox. {ASK_AGAIN}",
        )


def _check_epochs(run: RunContext, manifest: Manifest, epochs: Epochs) -> None:
    """Refuse what is not in the epoch that the stores are in, or in one that nobody knows."""
    strange = sorted(epoch for epoch in manifest.epochs if epoch > epochs.newest)
    if epochs.in_use not in manifest.epochs or strange:
        held = ", ".join(str(epoch) for epoch in sorted(manifest.epochs))
        raise KeyProblem(
            f"{manifest.partner} encoded in key epoch {held}; the partnership's data are in epoch "
            f"{epochs.in_use}.",
            NEW_BUNDLE,
        )


def _own_check(run: RunContext, epoch: int) -> set[str]:
    """The check of the hub's own identifier key, where it holds one."""
    if run.settings.keys.identifier is None:
        return set()
    root = ring_of(run.settings, "identifier").root(epoch)
    return {key_check(root.purpose_key(run.settings.purpose, epoch))}


def _not_sealed(partner: str, number: int) -> ExtractRejected:
    return ExtractRejected(
        f"The inbox of {partner}, which encodes at source, holds {number} file(s) or folder(s) "
        "that are not sealed.",
        "Remove them safely, since names may be in them, and tell the partner to send nothing but "
        "what `journeys encode` made; or take `encodes_with` out of partnership.yaml.",
    )


def _read(partner: str, path: Path, *, whole: bool = True) -> bytes:
    from schemas.reading.guard import require_file

    require_file(path, f"A sealed file of {partner}", LARGEST)
    try:
        with path.open("rb") as file:
            return file.read() if whole else beginning(file)
    except OSError:
        raise ExtractRejected(
            f"A sealed file of {partner} cannot be read.", "Check its permissions."
        ) from None
