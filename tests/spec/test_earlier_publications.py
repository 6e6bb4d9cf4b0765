"""Publications of earlier versions of this software, kept as they were made, are still verified.

One folder a format of the tables of counts. None is ever made anew: what partnerships have
published does not change either.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from warehouse.publish import verify as verifying
from warehouse.publish.release_file import RELEASE_FILE, TABLES
from warehouse.publish.verify import READERS, NotVerified, verify

FOLDER = Path(__file__).parent / "publications"


def test_there_is_one_of_each_format() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(map(str, READERS))
    assert max(READERS) == TABLES


@pytest.mark.parametrize("made", sorted(READERS))
def test_an_earlier_publication_is_verified_still(made: int) -> None:
    told = verify(FOLDER / str(made))
    assert told.tables == 4 and told.files == 6


def test_one_of_a_later_version_is_not_called_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are as approved, but this version cannot tell what its releases show."""
    folder = tmp_path / "later"
    shutil.copytree(FOLDER / "1", folder)
    record = json.loads((folder / "publication.json").read_text("utf-8"))
    document = json.loads((folder / RELEASE_FILE).read_text("utf-8"))
    (folder / RELEASE_FILE).write_text(json.dumps(document | {"tables": TABLES + 1}), "utf-8")
    monkeypatch.setattr(verifying, "_record", lambda _: record)
    with pytest.raises(NotVerified, match="later version"):
        verify(folder)
