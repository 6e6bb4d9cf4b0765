"""With only a role's keys, what belongs to others cannot be opened: real stores, every role."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from flows.cli import app
from flows.context import open_control
from flows.keys.rings import release_key, ring_of, store_keys
from flows.publication.certificates import open_certificate
from flows.readers.roles_page import roles_part, with_roles
from governance.controls.roles import ANSWERS, keys_of, may_read, rights, roles
from governance.keys.ring import KINDS
from schemas.errors import JourneysError, KeyProblem, StoreError
from warehouse.connect import open_release

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "who-can-read-what.md"
OFFICERS = ("--officer", "A. Name", "--officer", "B. Name")
ROLES = [role.name for role in roles()]
ZONES = {one.thing: one for one in rights() if one.kind == "zone"}


@pytest.fixture
def with_keys_of(ran) -> Any:
    """A partnership in which only some kinds of key are at hand; its files are all there."""

    def keep(kinds: frozenset[str]):
        for kind in KINDS:
            if kind not in kinds:
                (ran.folder / "keys" / f"{kind}.key").unlink(missing_ok=True)
        return ran

    return keep


def openers(partnership) -> Mapping[str, Callable[[], object]]:
    """How each encrypted zone is opened."""
    settings = partnership.settings
    with open_control(settings) as control:
        run = control.current_run()
    assert run is not None
    stores, release = settings.stores / run.run_id, settings.releases / run.run_id
    certificate = next((settings.certificates / run.run_id).glob("*.certificate"))

    def store(name: str) -> Callable[[], object]:
        return lambda: open_release(
            stores / f"{name}.duckdb", store_keys(settings, run.run_id)[name]
        ).close()

    return {
        "identity store": store("identity"),
        "staging store": store("staging"),
        "suppression tokens": store("suppression"),
        "releases": lambda: open_release(
            release / "warehouse.duckdb", release_key(settings, run.run_id)
        ).close(),
        "certificates": lambda: open_certificate(settings, certificate),
    }


def opens(how: Callable[[], object]) -> bool:
    try:
        how()
    except KeyProblem:
        return False
    return True


@pytest.mark.parametrize("role", ROLES)
def test_with_every_file_and_only_its_keys_a_role_opens_what_its_keys_are_for(
    role: str, with_keys_of
) -> None:
    """Kinder to the role than life, where it has not the files either."""
    ways = openers(with_keys_of(keys_of(role)))
    found = {zone: opens(how) for zone, how in ways.items()}
    assert found == {zone: keys_of(role) >= set(ZONES[zone].keys) for zone in ways}


def test_every_encrypted_zone_is_tried(ran) -> None:
    assert set(openers(ran)) == {name for name, zone in ZONES.items() if zone.keys}


@pytest.mark.parametrize("role", [one for one in ROLES if keys_of(one)])
def test_no_data_key_that_a_role_can_unwrap_opens_another_s_file(role: str, with_keys_of) -> None:
    settings = with_keys_of(keys_of(role)).settings
    with open_control(settings) as control:
        run = control.current_run()
    assert run is not None
    files = {
        path: "release" if path.parent.parent == settings.releases else "store"
        for zone in (settings.stores, settings.releases)
        for path in zone.rglob("*.duckdb")
    }
    assert len(files) == 4
    held: list[str] = []
    if "store" in keys_of(role):
        held += store_keys(settings, run.run_id).values()
    if "release" in keys_of(role):
        held.append(release_key(settings, run.run_id))
    assert held
    for path, kind in files.items():
        if kind not in keys_of(role):
            for key in held:
                with pytest.raises(StoreError):
                    open_release(path, key)


def test_nobody_but_the_operator_uses_the_keys_of_encoding_and_of_stores() -> None:
    assert {role for role in ROLES if keys_of(role) & {"identifier", "store"}} == {
        "linkage_operator"
    }


def test_who_keeps_keys_has_no_files_and_the_board_has_only_what_is_public() -> None:
    assert not [name for name, zone in ZONES.items() if zone.may["key_custodian"] == "yes"]
    assert [name for name, zone in ZONES.items() if may_read("board", zone)] == ["publications"]
    assert not keys_of("board") and not keys_of("key_custodian")


def test_the_table_says_nothing_but_what_may_be_said_and_has_every_key() -> None:
    for one in rights():
        assert set(one.may.values()) <= ANSWERS[one.kind], one.thing
        assert set(one.keys) <= {key.thing for key in rights() if key.kind == "key"}, one.thing
    assert set(KINDS) <= {one.thing for one in rights() if one.kind == "key"}


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (("sql", "SELECT count(*) FROM person", "--reason", "Trying"), {"release"}),
        (("link", "review", "list"), {"store"}),
        (
            ("break-glass", "open", "--store", "staging", "--reason", "Trying", *OFFICERS),
            {"store"},
        ),
    ],
)
def test_a_command_needs_the_keys_that_the_table_says(words, kinds, with_keys_of) -> None:
    name = " ".join(words[: 2 if words[0] == "link" else 1])
    said = next(one for one in rights() if one.thing == f"journeys {name}")
    assert set(said.keys) == kinds
    partnership = with_keys_of(frozenset(kinds))
    assert partnership.journeys(*words).exit_code == 0
    for kind in kinds:
        (partnership.folder / "keys" / f"{kind}.key").unlink()
    assert partnership.journeys(*words).exit_code != 0
    with pytest.raises(JourneysError):
        ring_of(partnership.settings, next(iter(kinds)))


def test_the_page_says_what_the_table_says() -> None:
    text = PAGE.read_text("utf-8")
    assert with_roles(text) == text, "run `make reference` to renew it"
    assert all(role.title in roles_part() for role in roles())


AT_ANYBODYS_DESK = {"init", "synthesise", "check", "encode", "attack", "linkage-benchmark"} | {
    "metrics",
    "cohorts",
    "lineage",
}
"""Commands that open nothing of a partnership."""


def test_every_command_is_in_the_table() -> None:
    nouns = {one.name for one in app.registered_commands} | {
        one.name for one in app.registered_groups
    }
    told = {one.thing.split()[1] for one in rights() if one.kind == "command"}
    assert nouns - AT_ANYBODYS_DESK == told, "add a line to governance/controls/rights.csv"
