"""partnership.yaml, typed and frozen: where everything is and on what terms it is used.

Paths in it are relative to the file, so a partnership folder can be copied whole and run where
it lands. Nothing in it is ever printed; a fault names its key.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from flows.orchestration.options import Alerts, Schedule
from flows.sources.choosing import Delivery, Resupplies
from flows.sources.naming import expression
from flows.sources.said import Source
from governance.keys.ring import KINDS, Kind
from governance.keys.sources import KeySource, key_source
from governance.retention import LONGEST, OWN, check_classes
from schemas.documents import is_present, read_document
from schemas.errors import ConfigError

FILE_NAME = "partnership.yaml"
LOCATION_VARIABLE = "JOURNEYS_CONFIG"

Partner = Literal["police", "probation", "treatment", "housing"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _KeysDocument(_Part):
    """What partnership.yaml says of each key: a file, `env:NAME`, two halves, or a key service."""

    identifier: Any = None
    store: Any
    release: Any
    seal: Any = None
    record: Any = None

    @field_validator("*")
    @classmethod
    def _is_a_source(cls, value: Any) -> Any:
        if value is not None:
            key_source(value, Path())
        return value

    @model_validator(mode="after")
    def _are_apart(self) -> _KeysDocument:
        named = [str(one) for one in (getattr(self, kind) for kind in KINDS) if one]
        if len(set(named)) < len(named):
            raise ValueError("names one place twice; every key needs a place of its own")
        return self


@dataclass(frozen=True)
class Keys:
    """Where each key is kept; None where the partnership has none of that kind."""

    identifier: KeySource | None
    store: KeySource
    release: KeySource
    seal: KeySource | None
    record: KeySource | None = None

    def source(self, kind: Kind) -> KeySource | None:
        """Where the key of a kind is kept."""
        return cast("KeySource | None", getattr(self, kind))

    @property
    def named(self) -> tuple[Kind, ...]:
        """The kinds that there is a key of."""
        return tuple(kind for kind in KINDS if self.source(kind) is not None)


class PartnerSettings(_Part):
    """Where one partner's extract arrives, the agreement it arrives under and what writes it.

    `system` names the mapping by which its files are read; without it they are in our own layout.
    A partner that encodes on its own machine has its public key in `encodes_with`; then only sealed
    files that are signed with it are taken in. `data_from` is the first day that its data are
    complete from; without it they are taken to be complete from the beginning. `complete_to` is the
    last such day, its data-as-at date; without it the latest events tell. `cadence_days` is its
    cadence: so many days old its data may become before the next extract is to have come.

    `source` is where its extract is pulled from into the inbox, if it is. Each `delivery` is the
    whole (`snapshot`) or the records of one period (`increment`); `files` is how its files are
    named where their names bear a period, and `resupplies` says whether the `newest` of two
    extracts of one period counts, or the second is refused.
    """

    inbox: Path
    agreement: Path
    system: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    encodes_with: Path | None = None
    data_from: date | None = None
    complete_to: date | None = None
    cadence_days: int | None = Field(default=None, ge=1, le=732, strict=True)
    source: Source | None = None
    delivery: Delivery = "snapshot"
    files: str | None = Field(default=None, min_length=1)
    resupplies: Resupplies = "refuse"

    @field_validator("files")
    @classmethod
    def _bears_a_period(cls, value: str | None) -> str | None:
        if value is not None:
            expression(value, ())
        return value

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> PartnerSettings:
        if self.delivery == "increment" and (self.files is None or self.encodes_with is not None):
            raise ValueError(
                "sends increments, so it needs `files` and cannot encode at source, which is done "
                "of the whole"
            )
        return self


class Role(_Part):
    """Who may be given a release as a file, and what is in it.

    `partners` are those whose records are in it, but for any whose data stay under Part 3; `tables`
    the marts, all of them by default.
    """

    partners: frozenset[Partner] = Field(min_length=1)
    tables: frozenset[str] | None = Field(default=None, min_length=1)


class Retention(_Part):
    """How long the hub keeps what is its own, and what is kept where no restore reaches it.

    `days` are laid over the packaged policy (`governance.retention`), null keeps for good.
    `backups` is the folder that backups are in, which is only looked at. `erasures` is a folder
    outside this one where every erasure that was carried out is entered (`flows.rights.register`).
    """

    days: dict[str, Annotated[int, Field(ge=1, le=LONGEST, strict=True)] | None] = {}
    backups: Path | None = None
    erasures: Path | None = None

    @field_validator("days")
    @classmethod
    def _are_of_our_own(cls, value: dict[str, int | None]) -> dict[str, int | None]:
        check_classes(value, OWN)
        return value


class Disclosure(_Part):
    """The publication gate: counts below the threshold are masked, others rounded."""

    threshold: Literal[5, 8, 10] = 5
    rounding_base: Literal[5, 10] = 5


class _Settled(_Part):
    """The keys of partnership.yaml that are taken as they stand."""

    partnership: str = Field(min_length=1)
    contact: str = Field(default="the partnership's data lead", min_length=1)
    data_protection_officer: str | None = Field(default=None, min_length=1)
    purpose: str = Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")
    demonstration: bool = False
    control_database: SecretStr
    partners: dict[Partner, PartnerSettings] = Field(min_length=1)
    disclosure: Disclosure = Disclosure()
    publication_period: Literal["quarter", "half-year", "year"] = "quarter"
    publication_minutes: int = Field(default=30, ge=1, le=600, strict=True)
    model: Path | None = None
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark: dict[str, str] = {}
    keep_releases: int = Field(default=5, ge=1, le=100, strict=True)
    restricted_metrics: tuple[str, ...] = ()
    sql_reason: str | None = Field(default=None, min_length=1)
    roles: dict[str, Role] = {}
    retention: Retention = Retention()
    schedule: Schedule = Schedule()
    alerts: Alerts = Alerts()

    @field_validator("spark", mode="before")
    @classmethod
    def _as_spark_reads_it(cls, value: Any) -> Any:
        """Numbers and truth values as text: Spark's properties are all texts."""
        if not isinstance(value, dict):
            return value
        return {name: _as_text(said) for name, said in value.items()}

    @field_validator("control_database")
    @classmethod
    def _is_a_url(cls, value: SecretStr) -> SecretStr:
        if "://" not in value.get_secret_value():
            raise ValueError("is not a database URL such as sqlite:///control.db")
        return value


def _as_text(said: Any) -> Any:
    return str(said).lower() if isinstance(said, bool | int | float) else said


class _Document(_Settled):
    """The keys of partnership.yaml."""

    keys: _KeysDocument

    @model_validator(mode="after")
    def _has_the_keys_it_needs(self) -> _Document:
        at_source = [part.encodes_with is not None for part in self.partners.values()]
        if self.keys.identifier is None and not all(at_source):
            raise ValueError("needs `keys.identifier` unless every partner encodes at source")
        if self.keys.seal is None and any(at_source):
            raise ValueError("needs `keys.seal` where a partner encodes at source")
        return self


class Settings(_Settled):
    """A partnership: its settings with every path made absolute, and its folder."""

    folder: Path
    keys: Keys

    def partner(self, name: str) -> PartnerSettings:
        """The settings of the partner of that name."""
        return {str(key): part for key, part in self.partners.items()}[name]

    @property
    def lock(self) -> Path:
        """The lock that the one writer holds."""
        return self.folder / "run.lock"

    @property
    def stores(self) -> Path:
        """Where each run's encrypted stores are."""
        return self.folder / "stores"

    @property
    def releases(self) -> Path:
        """Where each run's warehouse is."""
        return self.folder / "releases"

    @property
    def drafts(self) -> Path:
        """Where gated tables await approval."""
        return self.folder / "drafts"

    @property
    def publications(self) -> Path:
        """Where approved tables are."""
        return self.folder / "publications"

    @property
    def certificates(self) -> Path:
        """Where the proof of each draft is, encrypted: true counts are in it."""
        return self.folder / "certificates"

    @property
    def withdrawn(self) -> Path:
        """Where publications are that are public no longer."""
        return self.folder / "withdrawn"

    @property
    def quarantine(self) -> Path:
        """Where each run says which rows it could not use, and why."""
        return self.folder / "quarantine"

    @property
    def checkpoints(self) -> Path:
        """Where signed checkpoints of the audit record are, and the keys to check them with."""
        return self.folder / "checkpoints"

    @property
    def over_sharing(self) -> Path:
        """Where each run tells a partner which columns it sent that its agreement does not list."""
        return self.folder / "over-sharing"

    @property
    def logs(self) -> Path:
        """Where each run says what it did, in times and counts."""
        return self.folder / "logs"

    @property
    def codes(self) -> Path | None:
        """The partnership's own code lists, which win over the packaged ones; None without."""
        folder = self.folder / "codes"
        return folder if folder.is_dir() else None

    @property
    def policy(self) -> Path:
        """The partnership's own lines of policy, laid over the packaged ones; it need not exist."""
        return self.folder / "policy.yaml"

    @property
    def mappings(self) -> Path | None:
        """The partnership's own column mappings, which win over the packaged; None without."""
        folder = self.folder / "mappings"
        return folder if folder.is_dir() else None

    @property
    def prefect_home(self) -> Path:
        """Where Prefect keeps its own record of runs."""
        return self.folder / ".prefect"


def locate(given: Path | None) -> Path:
    """Where partnership.yaml is: as given, else by JOURNEYS_CONFIG, else in this folder."""
    if given is not None:
        return given
    named = os.environ.get(LOCATION_VARIABLE)
    return Path(named) if named else Path(FILE_NAME)


def beside(given: Path | None) -> Path:
    """The folder of the partnership.yaml that was given or named, not of one taken for granted.

    Raises:
        ConfigError: None was given or named. Keys and extracts are not strewn about by default.
    """
    if given is None and not os.environ.get(LOCATION_VARIABLE):
        raise ConfigError("No folder was given.", "Give --out DIR.")
    return locate(given).parent


def load_settings(path: Path) -> Settings:
    """Read partnership.yaml.

    Args:
        path: The file, as `locate` gives it.

    Raises:
        ConfigError: If it is missing or does not read as a partnership; the message names the
            key at fault, never its value.
    """
    if not is_present(path, ConfigError):
        raise ConfigError(
            f"There is no {FILE_NAME} at {path}.",
            f"Give --config, set {LOCATION_VARIABLE}, or make one with `journeys init --out DIR`.",
        )
    document = read_document(path, _Document, ConfigError)
    return _resolved(document, path.resolve().parent)


def _resolved(document: _Document, folder: Path) -> Settings:
    """The same settings with every relative path taken from the folder of the file."""
    url = document.control_database.get_secret_value()
    return Settings(
        partnership=document.partnership,
        contact=document.contact,
        data_protection_officer=document.data_protection_officer,
        purpose=document.purpose,
        demonstration=document.demonstration,
        keys=_key_sources(document.keys, folder),
        control_database=SecretStr(_resolved_url(url, folder)),
        partners={
            name: PartnerSettings(
                inbox=folder / part.inbox,
                agreement=folder / part.agreement,
                system=part.system,
                encodes_with=folder / part.encodes_with if part.encodes_with else None,
                data_from=part.data_from,
                complete_to=part.complete_to,
                cadence_days=part.cadence_days,
                source=part.source.within(folder) if part.source else None,
                delivery=part.delivery,
                files=part.files,
                resupplies=part.resupplies,
            )
            for name, part in document.partners.items()
        },
        disclosure=document.disclosure,
        publication_period=document.publication_period,
        publication_minutes=document.publication_minutes,
        model=folder / document.model if document.model else None,
        engine=document.engine,
        spark=document.spark,
        keep_releases=document.keep_releases,
        restricted_metrics=document.restricted_metrics,
        sql_reason=document.sql_reason,
        roles=document.roles,
        retention=_kept_where(document.retention, folder),
        schedule=document.schedule,
        alerts=document.alerts,
        folder=folder,
    )


def _kept_where(said: Retention, folder: Path) -> Retention:
    """The same with absolute paths.

    Raises:
        ConfigError: The register would be restored with the folder whose restores it is to tell.
    """
    backups, erasures = (
        None if path is None else (folder / path).resolve()
        for path in (said.backups, said.erasures)
    )
    if erasures is not None and erasures.is_relative_to(folder.resolve()):
        raise ConfigError(
            "`retention: erasures` is in the partnership folder, so a restore would take it back "
            "too.",
            "Name a folder outside it, best on another disk, and leave that out of its backups.",
        )
    return Retention(days=said.days, backups=backups, erasures=erasures)


def _key_sources(said: _KeysDocument, folder: Path) -> Keys:
    def optional(value: Any) -> KeySource | None:
        return None if value is None else key_source(value, folder)

    return Keys(
        identifier=optional(said.identifier),
        store=key_source(said.store, folder),
        release=key_source(said.release, folder),
        seal=optional(said.seal),
        record=optional(said.record),
    )


def _resolved_url(url: str, folder: Path) -> str:
    """A SQLite URL with a relative path made absolute; any other URL as it is."""
    scheme, _, path = url.partition(":///")
    if not scheme.startswith("sqlite") or not path or path.startswith((":memory:", "/")):
        return url
    return f"{scheme}:///{folder / path}"
