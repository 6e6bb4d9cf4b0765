"""The recipes for opening a release: what can be run here is run as it stands on the page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import warehouse_rows as rows

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PERSONS = {"one": {"police_custody": [{"arrest_date": "2026-01-01"}]}}


def block(page: str, language: str) -> str:
    """The first block of a language on a page."""
    text = (HOW_TO / f"{page}.md").read_text("utf-8")
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found, f"{page} has no {language}"
    return "\n".join(line.removeprefix("   ") for line in found[1].splitlines())


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rows.release(tmp_path_factory.mktemp("release"), PERSONS, marts=("person",))[0]


def run(script: str, release: Path, key: Path) -> subprocess.CompletedProcess[str]:
    told = {"RELEASE_FILE": str(release), "RELEASE_KEY_FILE": str(key)}
    return subprocess.run(
        [sys.executable, "-c", script], env=told, capture_output=True, text=True, check=False
    )


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "release.key"
    path.write_text(rows.RELEASE_KEY + "\n")
    return path


def test_the_python_recipe_reads_and_is_closed_behind_itself(release, key, tmp_path) -> None:
    script = block("open-a-release-in-python", "python")
    read = run(script, release, key)
    assert read.returncode == 0, read.stderr
    assert "age_band" in read.stdout and "One row per person" in read.stdout
    target = tmp_path / "copied.csv"
    copied = run(f"{script}\ncon.execute(\"COPY person TO '{target}'\")", release, key)
    assert copied.returncode != 0 and not target.exists()
    written = run(f"{script}\ncon.execute('DELETE FROM person')", release, key)
    assert written.returncode != 0


@pytest.mark.parametrize("page", ["open-a-release-in-duckdb-cli", "open-a-release-in-dbeaver"])
def test_the_session_file_opens_the_release(release, page) -> None:
    script = block(page, "sql")
    script = re.sub(r"getenv\('RELEASE_KEY'\)|'…[^']*'", f"'{rows.RELEASE_KEY}'", script)
    script = re.sub(r"'[^']*warehouse\.duckdb'", f"'{release}'", script)
    with duckdb.connect() as con:
        con.execute(script)
        assert con.execute("SELECT count(*) FROM person").fetchone() == (1,)
        with pytest.raises(duckdb.Error):
            con.execute("DELETE FROM person")


def test_every_recipe_says_whether_it_was_tried_and_leads_on() -> None:
    pages = sorted(HOW_TO.glob("open-a-release-in-*.md"))
    assert len(pages) == 6
    listed = (HOW_TO / "open-a-release.md").read_text("utf-8")
    for page in pages:
        text = page.read_text("utf-8")
        row = next(line for line in listed.splitlines() if f"({page.name})" in line)
        assert ("has not been tried here" in text) == row.endswith("| no |")
