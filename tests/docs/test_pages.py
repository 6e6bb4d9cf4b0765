"""Every command of the documentation is run, in the order of its page, and does what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from doc_pages import ROOT, RUN, Block, blocks, pages, problem
from doc_reader import Reader
from stages import ELSEWHERE, stage

PAGES = [page for page in pages() if page not in ELSEWHERE]

DEAR = {
    "docs/how-to/handle-a-rights-request.md": "test_rights.py, test_rights_cases.py",
    "docs/how-to/keep-and-delete.md": "test_retention.py",
    "docs/how-to/manage-releases.md": "test_releases.py",
}
"""Pages of several runs, followed by `make test-slow`: the tests of tests/flows that try the same
commands every time."""


def followed(page: str, *, slow: bool) -> list[Block]:
    return [one for one in blocks(page) if one.is_run and (slow or one.mark != "slow")]


def has(page: str, *, slow: bool) -> bool:
    found = followed(page, slow=slow)
    return any(one.mark == "slow" for one in found) if slow else bool(found)


def follow(page: str, folder: Path, *, slow: bool) -> None:
    reader = Reader(folder, stage(page, folder))
    with reader.at_the_desk():
        wrong = [said for one in followed(page, slow=slow) for said in reader.follow(one)]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(one, marks=[pytest.mark.slow] if one in DEAR else [])
        for one in PAGES
        if has(one, slow=False)
    ],
)
def test_a_page_does_what_it_says(page: str, folder: Path) -> None:
    follow(page, folder, slow=False)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", [one for one in PAGES if has(one, slow=True)])
def test_what_takes_minutes_does_what_it_says(page: str, folder: Path) -> None:
    follow(page, folder, slow=True)


def test_dear_pages_are_there_and_so_are_those_tests() -> None:
    tried = {name for names in DEAR.values() for name in names.split(", ")}
    assert set(PAGES) >= DEAR.keys()
    assert all((ROOT / "tests" / "flows" / name).is_file() for name in tried)


def test_every_block_is_run_or_says_why_not() -> None:
    wrong = [
        f"{block.place} {said}"
        for page in pages()
        for block in blocks(page)
        if (said := problem(block))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_fence_is_the_end_of_a_block_that_was_read() -> None:
    """A block that the pattern misses would be run by nobody."""
    for page in pages():
        text = (ROOT / page).read_text("utf-8")
        fences = [line for line in text.splitlines() if line.strip().startswith("```")]
        assert len(fences) == 2 * len(blocks(page)), page


def test_what_is_not_run_says_so_of_little() -> None:
    every = [one for page in pages() for one in blocks(page) if one.language in RUN]
    assert sum(one.is_run for one in every) >= 3 * sum(not one.is_run for one in every)


def test_data_on_a_page_can_be_read() -> None:
    read = {
        "yaml": yaml.safe_load,
        "json": json.loads,
        "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    }
    for page in pages():
        for block in blocks(page):
            if block.language in read:
                assert read[block.language](block.text) is not None, block.place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```\nls\n```\n", "names no language"),
        ("```bash\nls\n```\n", "nobody reads"),
        ("```powershell\nls\n```\n", "no comment says why"),
        ("```console\nls\n```\n", "after `$ `"),
        ("<!-- not run: needs Windows -->\n```powershell\nls\n```\n", None),
        ("```sh\nls\n```\n", None),
    ],
)
def test_a_block_that_nobody_runs_is_found(text: str, said: str | None) -> None:
    (block,) = blocks("page.md", text)
    found = problem(block)
    assert (said in found) if said and found else found is said


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("```sh\njourneys keys status\n```\n", True),
        ("```sh\njourneys keys statis\n```\n", False),
        ("```sh\nmake lock   # as ever\n```\n", True),
        ("```sh\nmake luck\n```\n", False),
        ("```sh\ncurl example.org\n```\n", False),
        ("```console\n$ ls keys/store.key\nkeys/store.key\n```\n", True),
        ("```console\n$ ls keys/store.key\nkeys/stone.key\n```\n", False),
        ("```console\n$ journeys sql SELEC\n```\n", False),
    ],
)
def test_a_page_that_is_wrong_is_found(text: str, is_so: bool, folder: Path) -> None:
    reader = Reader(folder)
    with reader.at_the_desk():
        wrong = [said for one in blocks("page.md", text) for said in reader.follow(one)]
    assert (not wrong) is is_so
