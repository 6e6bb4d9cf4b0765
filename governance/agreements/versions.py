"""An agreement's file, or the folder of its versions, and which of them is in force on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from governance.agreements.model import Agreement
from schemas.documents import is_present, parse_document, read_document
from schemas.errors import AgreementError

ENDINGS = (".yaml", ".yml")


def load_agreement(path: Path, on: date | None = None) -> Agreement:
    """Read an agreement: the file, or of a folder of versions the one that holds on a day.

    Args:
        path: The file or the folder.
        on: The day; by default the last of them that is signed counts.

    Returns:
        The version in force. Where none is, the last that began, whose own check says what is
        wrong; it may still be needed, as to obey a request.

    Raises:
        AgreementError: If there is none, one cannot be read or is no agreement, or two are in
            force at once.
    """
    return of_day(load_versions(path), on)


def load_versions(path: Path) -> tuple[Agreement, ...]:
    """Every version of an agreement, in the order of their numbers.

    Raises:
        AgreementError: If there is none, one cannot be read or is no agreement, two have one
            number, or they are of different partners.
    """
    versions = sorted(_read(path).values(), key=lambda one: one.version)
    numbers = [one.version for one in versions]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise AgreementError(
            f"Two files of {path.name} are version {twice[0]}.",
            "Give every version a number of its own.",
        )
    if len({one.partner for one in versions}) > 1:
        raise AgreementError(
            f"The files of {path.name} are agreements of different partners.",
            "Keep the versions of one partner's agreement in a folder of their own.",
        )
    return tuple(versions)


def agreement_files(path: Path) -> list[Path]:
    """The files of an agreement: itself, or those of its folder.

    Raises:
        AgreementError: If there is none.
    """
    try:
        found = sorted(filter(is_version, path.iterdir())) if path.is_dir() else []
    except OSError:
        found = []
    if not found and not is_present(path, AgreementError):
        raise AgreementError(
            f"There is no sharing agreement at {path}.",
            "Put the signed agreement there; `journeys init` writes one to complete.",
            rule="missing",
        )
    return found or [path]


def file_of_day(path: Path, on: date) -> Path:
    """The file of the version that `load_agreement` gives for a day.

    Raises:
        AgreementError: As that does.
    """
    version = load_agreement(path, on).version
    return next(file for file, one in _read(path).items() if one.version == version)


def is_version(path: Path) -> bool:
    """Whether a file of a folder is a version: YAML by either ending, and not hidden."""
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def _read(path: Path) -> dict[Path, Agreement]:
    """Every file of an agreement, read."""
    files = agreement_files(path)
    if files == [path]:
        return {path: read_document(path, Agreement, AgreementError)}
    return {file: _read_version(file) for file in files}


def _read_version(file: Path) -> Agreement:
    """A version from its file; of a name that is no number nothing is told, for it may be one."""
    try:
        return read_document(file, Agreement, AgreementError)
    except AgreementError:
        name = (
            f"Version file {int(file.stem)}" if file.stem.isdecimal() else "A file without number"
        )
    raise AgreementError(
        f"{name} of the agreement folder {file.parent.name} cannot be read as an "
        "agreement, so which version is in force is not known.",
        "`journeys agreements check FILE` says what is amiss with it; mend it, or take it out of "
        "the folder.",
    )


def of_day(versions: Sequence[Agreement], on: date | None) -> Agreement:
    """The version that holds on a day, as `load_agreement` says.

    Raises:
        AgreementError: Two are in force, naming both.
    """
    day = on or max((one.starts or date.min for one in versions), default=date.min)
    in_force = [one for one in versions if problem_with(one, day) is None]
    if len(in_force) > 1:
        first, second = in_force[:2]
        raise AgreementError(
            f"Versions {first.version} and {second.version} of the {first.partner} agreement are "
            f"both in force on {day}.",
            "Take the file of the one that no longer holds out of the folder and keep it with the "
            "signed papers; one that ends before the next starts may stay.",
            rule="two in force",
        )
    if in_force:
        return in_force[0]
    begun = [one for one in versions if one.starts is not None and one.starts <= day]
    return (begun or list(versions)[:1])[-1]


def coming(versions: Sequence[Agreement], on: date) -> Agreement | None:
    """The next version that is to come into force after a day, signed or not yet."""
    later = [one for one in versions if one.starts is not None and one.starts > on]
    return min(later, key=lambda one: one.starts or date.max, default=None)


def problem_with(agreement: Agreement, on: date) -> AgreementError | None:
    """Why an agreement is not in force on a day; None where it is."""
    try:
        agreement.check_in_force(on)
    except AgreementError as problem:
        return problem
    return None


def parse_agreement(text: str, name: str) -> Agreement:
    """An agreement from text; `name` is what messages call it.

    Raises:
        AgreementError: If it is no agreement.
    """
    return parse_document(text, name, Agreement, AgreementError)
