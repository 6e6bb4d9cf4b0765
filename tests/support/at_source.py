"""A partnership whose partners encode on their own machines, for the tests of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
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


def deliver(folder: Path, desk: Desk, name: str = "delivery", *more: str) -> Path:
    """Encode a desk's extract straight into the hub's inbox."""
    out = folder / "inbox" / desk.partner / f"{name}.sealed"
    done = desk.encode(out, *more)
    assert done.exit_code == 0, done.output
    return out
