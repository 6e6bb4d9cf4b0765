"""Reading cohort files, the packaged ones and a partnership's own; a mistake is one sentence."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from schemas.documents import read_document
from schemas.errors import ConfigError
from warehouse.cohorts.definition import Cohort, Stage
from warehouse.cohorts.vocabulary import Vocabulary, vocabulary
from warehouse.given_files import yaml_files
from warehouse.models import SQL_FOLDER
from warehouse.staging import TABLES

FOLDER: Final = Path(__file__).parent
MOST_WAYS: Final = 64
"""In so many ways the stages of a published cohort may be reached; each of them is proved safe."""
_MOST_LISTED: Final = 5
_DISTRICT: Final = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?")


def load_cohorts(own: Path | None = None) -> tuple[Cohort, ...]:
    """Read every cohort, in the order of their names.

    Args:
        own: The folder of the partnership's own files, which win over packaged ones of the same
            name; None without.

    Raises:
        ConfigError: A file cannot be used; the message names it and the keys at fault.
    """
    files = {path.stem: path for folder in (FOLDER, own) if folder for path in yaml_files(folder)}
    return tuple(
        _packaged(path) if path.parent == FOLDER else read_cohort(path)
        for _, path in sorted(files.items())
    )


@cache
def _packaged(path: Path) -> Cohort:
    """Read a packaged cohort once a process: it does not change."""
    return read_cohort(path)


def read_cohort(path: Path) -> Cohort:
    """Read one cohort file.

    Raises:
        ConfigError: It cannot be used; the message names it and the keys at fault.
    """
    cohort = read_document(path, Cohort, ConfigError)
    faults = _faults(cohort, vocabulary())
    if cohort.cohort != path.stem:
        faults.insert(0, "`cohort` is not the name of the file")
    if faults:
        raise ConfigError(
            f"{path.name} cannot be used: {'; '.join(faults[:_MOST_LISTED])}.",
            "Correct those keys; `journeys cohorts words` lists every step, spell and number of "
            "days.",
        )
    return cohort


def _told(stage: Stage) -> str:
    """A stage's title with its days, by name or number, so that titles can be told apart."""
    return stage.title.replace("{within}", str(stage.within)).replace(
        "{lasting}", str(stage.lasting)
    )


def _faults(cohort: Cohort, words: Vocabulary) -> list[str]:
    """What is wrong with the words a cohort uses, sentence by sentence."""
    kinds = {"step": "a kind of step", "spell": "a kind of spell", "policy": "a name in policy"}
    faults = [
        f"`{place}` is not {kinds[kind]}"
        for place, kind, word in cohort.named()
        if word not in words.known(kind)
    ]
    faults += [
        f"`{place}` is a restricted step, which no cohort may follow"
        for place, kind, word in cohort.named()
        if kind == "step" and word in words.restricted
    ]
    faults += [
        f"`sources.{place}` is not a partner and a table, such as police custody"
        for place, source in enumerate(cohort.sources)
        if source.replace(" ", "_", 1) not in TABLES
    ]
    for place, rule in enumerate(cohort.entry):
        if not all(_DISTRICT.fullmatch(area) for area in rule.area or ()):
            faults.append(f"`entry.{place}.area` is not a postcode district, such as NR3")
        if set(rule.ethnicity_group or ()) - words.ethnicity_groups:
            groups = ", ".join(sorted(words.ethnicity_groups))
            faults.append(f"`entry.{place}.ethnicity_group` is not one of {groups}")
    if (SQL_FOLDER / "intermediate" / f"int_cohort_{cohort.cohort}.sql").exists():
        faults.append("`cohort` is a name that the warehouse uses itself")
    if cohort.publish and cohort.ways() > MOST_WAYS:
        faults.append(
            f"`publish` is true, though its stages can be reached in {cohort.ways()} ways and at "
            f"most {MOST_WAYS} can be proved safe, so fewer stages may be a part"
        )
    titles = [cohort.index.title, *(_told(stage) for stage in cohort.stages)]
    if cohort.publish and len(set(titles)) < len(titles):
        faults.append("`publish` is true, though two of its steps have one title")
    if not faults:
        used = set(words.recorded_by(cohort).values())
        told = {source.split(" ", 1)[0] for source in cohort.sources}
        faults = [
            f"`{key}` leaves out {name}, whose records it uses"
            for key, said in (("partners", set(cohort.partners)), ("sources", told))
            for name in sorted(used - said)
        ]
    return faults
