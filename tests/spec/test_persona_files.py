"""Every persona is counted as its file says: one release a file, one test an expectation."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb
import personas
import pytest

EXPECTED = list(personas.expectations())


@pytest.fixture(scope="module")
def release_of(tmp_path_factory: pytest.TempPathFactory):
    """The release of a file of personas, built when it is first asked for."""

    @cache
    def opened(file: str) -> duckdb.DuckDBPyConnection:
        path: Path = personas.FOLDER / f"{file}.yaml"
        return personas.build(tmp_path_factory.mktemp(file), path)

    return opened


@pytest.mark.parametrize("expected", EXPECTED, ids=str)
def test_a_persona_is_counted_as_its_file_says(release_of, expected) -> None:
    assert personas.told(release_of(expected.file), expected.persona, expected.key) == (
        expected.wanted
    )


@pytest.mark.parametrize("path", personas.files(), ids=lambda path: path.stem)
def test_every_persona_says_its_story_and_has_a_name_of_its_own(path) -> None:
    told = personas.read(path)["personas"]
    assert all(persona["says"] and persona["expect"] for persona in told)
    names = [persona["persona"] for persona in told]
    assert len(set(names)) == len(names)
