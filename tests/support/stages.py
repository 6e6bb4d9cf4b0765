"""What lies in the folder in which a page's commands are given, and what its examples stand for."""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
from asking import rows_of, someone, write_rows
from doc_pages import ROOT, blocks
from doc_reader import Examples, quick
from partnerships import Partnership

from flows.clock import local_day, utc_now

ELSEWHERE = frozenset(
    {
        "docs/governance/officers-questions.md",  # tests/flows/test_officers_questions.py
    }
)
"""Pages whose commands another test runs, which is named."""

UNPUBLISHED = frozenset({"docs/how-to/publish.md"})
"""Pages that begin where a draft waits."""

Stage = Callable[[Path], Examples]


def stage(page: str, folder: Path) -> Examples:
    """Prepare a folder for a page.

    Args:
        page: The page, by its path in the repository.
        folder: A partnership's, that has run and published; `demo/` is the same.

    Returns:
        Example → what stands for it here.
    """
    (folder / "demo").symlink_to(".")
    desk = folder.parent / "partner"
    shutil.copytree(folder / "inbox" / "police", desk / "extract")
    shutil.copytree(folder / "inbox" / "police", folder / "extract")
    return STAGES.get(page, _nothing)(folder)


def today() -> date:
    return local_day(utc_now())


def _nothing(folder: Path) -> Examples:
    return {}


def _a_person(folder: Path) -> Examples:
    """Requests about somebody, and the id of a person."""
    partnership = Partnership(folder)
    one = someone(partnership)
    ours, theirs = sorted(one.refs), one.other["custody_ref"]
    custody = [row["custody_ref"] for row in rows_of(partnership.inbox("police", "custody"))]
    another = next(ref for ref in custody if ref not in {*ours, theirs})
    for name, refs in (("request", [theirs]), ("wrong", [another]), ("apart", ours[:2])):
        write_rows(folder / f"{name}.csv", [{"custody_ref": ref} for ref in refs])
    return {"0f3a9c27be41d806": one.person}


def _a_request(folder: Path) -> Examples:
    """What the page's commands are about: a request of each kind, and the partner's bundle."""
    _a_bundle(folder)
    found = _a_person(folder)
    partnership = Partnership(folder)
    patients = rows_of(partnership.inbox("treatment", "episode"))
    patient = next(one for one in patients if one["CONSENT"] == "Y")
    named = {name.lower(): patient[name] for name in ("AGNCY", "CLIENTID", "EPISODID")}
    write_rows(folder / "patient.csv", [named])
    return found


def _a_record_key(folder: Path) -> Examples:
    """The public half of the record key, and where evidence is."""

    def gathered() -> str:
        return next(one.name for one in (folder / "evidence").iterdir())

    return {
        "record-key-1.pub": "checkpoints/record-key-1.pub",
        "evidence-20261122-183000": gathered,
    }


def _a_bundle(folder: Path) -> Examples:
    from flows.keys.bundles import make_bundle

    make_bundle(Partnership(folder).settings, "police", folder / "police.bundle", today())
    return {}


def _a_sample(folder: Path) -> Examples:
    """Pairs of records that people have judged, and the partner's bundle."""
    _a_bundle(folder)
    partnership = Partnership(folder)
    records = [record for record, _ in partnership.record_person()]
    pairs = zip(records[::2], records[1::2], strict=False)
    rows = [{"record_id_l": str(a), "record_id_r": str(b), "same": "no"} for a, b in pairs]
    write_rows(folder / "sample.csv", rows)
    return {}


def _one_partner_less(folder: Path) -> Examples:
    """Housing is taken out of partnership.yaml, as the page says first."""
    config = folder / "partnership.yaml"
    text = re.sub(r"(?m)^  housing(-lead)?: .*\n", "", config.read_text())
    config.write_text(text.replace(", housing]", "]"))
    return {}


def _two_releases(folder: Path) -> Examples:
    from flows.refresh import run_refresh

    with quick():
        run_refresh(Partnership(folder).settings)
    first, newest = sorted(one.name for one in (folder / "releases").iterdir())
    return {"20261120-020010-77ab": first, "20261122-020011-91c4": newest}


def _a_certificate(folder: Path) -> Examples:
    def name() -> str:
        return next(one.name for one in (folder / "certificates").glob("*/*.certificate"))

    return {"everyone.certificate": name}


def _nothing_yet(folder: Path) -> Examples:
    """The reader begins in an empty folder, with the program installed."""
    empty = folder.parent / "empty"
    empty.mkdir()
    os.chdir(empty)
    return {"/opt/journeys/current": str(ROOT)}


def _labelled_people(folder: Path) -> Examples:
    from flows.linking.train import labelled_identities

    labelled_identities(folder).select(
        "sex",
        "postcode",
        source="partner",
        true_id="person",
        first_name="forename",
        last_name="surname",
        dob=pl.col("dob").dt.to_string("%Y-%m-%d"),
    ).write_parquet(folder / "labelled.parquet")
    return {}


def _a_detention_export(folder: Path) -> Examples:
    """The page's mapping beside an export that it fits."""
    text = next(
        one.text for one in blocks("docs/reference/mappings.md") if "system: ours" in one.text
    )
    (folder / "police-ours.yaml").write_text(text)
    sexes = {"M": "Male", "F": "Female", "N": "Not known"}
    with (folder / "detentions.csv").open("w", newline="", encoding="cp1252") as file:
        out = csv.writer(file)
        out.writerow(
            [
                "Detention No",
                "First Name",
                "Middle Name",
                "Last Name",
                "Born",
                "Gender",
                "Address",
                "Arrested",
                "Officer",
                "Cell",
            ]
        )
        for row in rows_of(folder / "inbox" / "police" / "custody.csv"):
            out.writerow(
                [
                    row["custody_ref"],
                    row["forename"],
                    "",
                    row["surname"],
                    row["dob"].replace("-", ""),
                    sexes.get(row["sex"], ""),
                    row["postcode"],
                    row["arrest_date"],
                    "seen",
                    "4",
                ]
            )
    return {}


def _a_share(folder: Path) -> Examples:
    """The police keep their extract on a share, and have not changed it for an hour."""
    import os
    import time

    import yaml

    there, config = folder.parent / "share", folder / "partnership.yaml"
    shutil.copytree(folder / "inbox" / "police", there)
    for path in there.iterdir():
        os.utime(path, (time.time() - 3600,) * 2)
    said = yaml.safe_load(config.read_text())
    said["partners"]["police"]["source"] = {"kind": "folder", "folder": str(there)}
    config.write_text(yaml.safe_dump(said, sort_keys=False))
    return {}


STAGES: dict[str, Stage] = {
    "README.md": _a_person,
    "docs/how-to/check-the-record.md": _a_record_key,
    "docs/how-to/follow-a-person-id.md": _a_person,
    "docs/how-to/gather-evidence.md": _a_record_key,
    "docs/how-to/handle-a-rights-request.md": _a_request,
    "docs/how-to/judge-and-review-links.md": _a_sample,
    "docs/how-to/keep-and-delete.md": _one_partner_less,
    "docs/how-to/manage-releases.md": _two_releases,
    "docs/how-to/measure-linkage.md": _labelled_people,
    "docs/how-to/publish.md": _a_certificate,
    "docs/how-to/pull-from-a-source.md": _a_share,
    "docs/tutorial/first-publication.md": _nothing_yet,
    "docs/reference/mappings.md": _a_detention_export,
}
