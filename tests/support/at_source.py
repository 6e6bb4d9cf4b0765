"""A partnership whose partners encode on their own machines, for the tests of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from copying import copied_whole
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.clock import local_day, utc_now
from flows.keys.bundles import make_bundle, read_bundle
from flows.settings import load_settings
from governance.keys.bundle import Bundle

PARTNERS = ("police", "probation", "treatment", "housing")


@dataclass(frozen=True)
class Desk:
    """A partner's own machine: its extract, its bundle and the passphrase."""

    folder: Path
    partner: str

    @property
    def extract(self) -> Path:
        return self.folder / "extract"

    @property
    def keys(self) -> Path:
        return self.folder / "hub.bundle"

    @property
    def passphrase(self) -> Path:
        return self.folder / "hub.bundle.passphrase"

    @property
    def sound(self) -> Path:
        """What the desk sealed of its extract once, where that was kept."""
        return self.folder / "sound.sealed"

    @property
    def bundle(self) -> Bundle:
        return read_bundle(self.keys, self.passphrase.read_text().strip())

    def words(self, out: Path, *more: str) -> list[str]:
        """The words of the command that encodes."""
        passphrase = ["--passphrase-file", str(self.passphrase)]
        keys = ["--keys", str(self.keys), *passphrase, "--out", str(out)]
        return ["encode", self.partner, str(self.extract), *keys, *more]

    def encode(self, out: Path, *more: str) -> Result:
        return CliRunner().invoke(app, self.words(out, *more))


def to_source(folder: Path, desks: Path, partners: Iterable[str] = PARTNERS) -> dict[str, Desk]:
    """Have partners encode at source: their extracts move to desks of their own.

    Where all do, the hub no longer holds the identifier key: it is moved beside the desks.
    """
    config = folder / "partnership.yaml"
    made = {}
    for partner in partners:
        desk = Desk(desks / partner, partner)
        desk.folder.mkdir(parents=True)
        inbox = folder / "inbox" / partner
        shutil.move(inbox, desk.extract)
        inbox.mkdir()
        make_bundle(load_settings(config), partner, desk.keys, local_day(utc_now()))
        made[partner] = desk
    document = yaml.safe_load(config.read_text())
    for partner in made:
        document["partners"][partner]["encodes_with"] = f"keys/partners/{partner}.pub"
    if len(made) == len(PARTNERS):
        shutil.move(folder / document["keys"].pop("identifier"), desks / "identifier.key")
    config.write_text(yaml.safe_dump(document, sort_keys=False))
    return made


def moved_to_source(ran: Path, folder: Path, partners: Iterable[str] = PARTNERS) -> None:
    """Make, in a folder, a copy of a partnership whose partners encode at source, and their desks.

    Each desk keeps what it sealed once. To make a bundle is to stretch a passphrase, so this is
    done once, and `copied_desks` copies it.
    """
    copied_whole(ran, folder / "partnership")
    for desk in to_source(folder / "partnership", folder / "desks", partners).values():
        deliver(folder / "partnership", desk).rename(desk.sound)


def copied_desks(original: Path, desks: Path) -> dict[str, Desk]:
    """Copy the desks of what `moved_to_source` made, and the identifier key beside them."""
    shutil.copytree(original / "desks", desks)
    return {name: Desk(desks / name, name) for name in PARTNERS if (desks / name).is_dir()}


def hand_in(folder: Path, desk: Desk) -> Path:
    """Put what a desk sealed once into the hub's inbox, where `deliver` would seal it anew."""
    out = folder / "inbox" / desk.partner / "delivery.sealed"
    shutil.copyfile(desk.sound, out)
    return out


def deliver(folder: Path, desk: Desk, name: str = "delivery", *more: str) -> Path:
    """Encode a desk's extract straight into the hub's inbox."""
    out = folder / "inbox" / desk.partner / f"{name}.sealed"
    done = desk.encode(out, *more)
    assert done.exit_code == 0, done.output
    return out
