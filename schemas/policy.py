"""What is done about what is wrong with an extract, as data a partnership can change.

`policy.yaml` beside this module holds every number and outcome; a `policy.yaml` beside
partnership.yaml is laid over it. Rules themselves are in the contracts; here is what each leads to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    field_validator,
    model_validator,
)

from schemas.columns import Column
from schemas.documents import check_document, read_mapping
from schemas.errors import ConfigError
from schemas.rules import (
    CODE_RULES,
    GENERAL_RULES,
    NEVER_KEPT,
    NEVER_PASSED,
    NO_CONSENT,
    SAYS_UNKNOWN,
    UNUSABLE,
    rules_of,
)
from schemas.tables import TABLES, Table

Severity = Literal["reject", "quarantine", "empty", "note"]
Response = Literal["ignore", "warn", "stop"]
Number = Annotated[float, Strict()]
Whole = Annotated[int, Strict()]
"""Strictly, as YAML's yes and no would else be read as 1 and 0."""
Digest = Annotated[str, Field(pattern=r"^(?:keyed:)?[0-9a-f]{64}$")]
"""An extract's, as the message that stopped it gave it."""

PACKAGED = Path(__file__).with_name("policy.yaml")
FILE_NAME = "policy.yaml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Severities(_Part):
    """What a broken rule leads to, from the general to the particular."""

    default: Severity
    rules: dict[str, Severity]
    kinds: dict[str, dict[str, Severity]]
    columns: dict[str, dict[str, Severity]]

    @field_validator("default")
    @classmethod
    def _holds_for_every_rule(cls, value: Severity) -> Severity:
        if value not in ("reject", "quarantine"):
            raise ValueError("must be reject or quarantine, which every rule allows")
        return value


class MissingColumns(_Part):
    """What follows where a column that is shared, and need not be filled, is not in the file."""

    identifier: Response
    attribute: Response


class Thresholds(_Part):
    """Beyond what an extract is refused whole."""

    quarantined: Number = Field(ge=0, le=1)
    emptied: Number = Field(ge=0, le=1)
    judged_from: Whole = Field(ge=1)


class Limit(_Part):
    """From where a change is told, and from where it stops the extract; None for never."""

    warn: Number | None = Field(default=None, ge=0)
    stop: Number | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _warns_first(self) -> Limit:
        if self.warn is not None and self.stop is not None and self.warn > self.stop:
            raise ValueError("has a `warn` that is beyond its `stop`")
        return self

    def response(self, change: float) -> Response:
        """What a change of that size leads to."""
        if self.stop is not None and change > self.stop:
            return "stop"
        return "warn" if self.warn is not None and change > self.warn else "ignore"


class DriftLimits(_Part):
    """How far an extract may be from what the partner sent before."""

    deliveries: Whole = Field(ge=1, le=100)
    first_deliveries: Whole = Field(ge=1)
    judged_from: Whole = Field(ge=1)
    rows: Limit
    null_share: Limit
    code_share: Limit
    vanished_column: Response
    vanished_table: Response
    days_late: Limit
    earlier_extract: Response
    period_repeated: Response
    period_back: Response


class _ThresholdsByPartner(_Part):
    everyone: Thresholds
    partners: dict[str, dict[str, Any]]


class _DriftByPartner(_Part):
    everyone: DriftLimits
    partners: dict[str, dict[str, Any]]
    accepted: tuple[Digest, ...]


class Policy(_Part):
    """A whole policy: the packaged one with a partnership's own lines laid over it."""

    dated: date
    severity: Severities
    missing_columns: MissingColumns
    thresholds: _ThresholdsByPartner
    drift: _DriftByPartner

    @model_validator(mode="after")
    def _particulars_fit(self) -> Policy:
        for partner in (*self.thresholds.partners, *self.drift.partners):
            if partner not in TABLES:
                raise ValueError("names a partner under `partners` that does not exist")
        for partner in TABLES:
            # A fault of pydantic's may quote what it found, so its kind alone is told.
            if not (
                _fits(self.thresholds.partners.get(partner, {}), self.thresholds.everyone)
                and _fits(self.drift.partners.get(partner, {}), self.drift.everyone)
            ):
                raise ValueError(f"has limits for {partner} that do not fit")
        return self

    def severity_of(self, table: Table, column: str, rule: str) -> Severity:
        """What breaking a rule in a column of a table leads to."""
        spec = table.columns[column]
        said = self._said(table, column, spec, rule)
        if said == "empty" and (_must_stay(spec, rule) or _is_judged_last(table, rule)):
            return "quarantine"
        if said == "note" and column == table.consent:
            # An answer that cannot be read is not a consent.
            return "quarantine"
        return said

    def response_to_missing(self, spec: Column) -> Response:
        """What follows where a column that is shared is not in the file."""
        given = self.missing_columns
        return given.identifier if spec.role == "identifier" else given.attribute

    def thresholds_of(self, partner: str) -> Thresholds:
        """The thresholds of a partner."""
        everyone = self.thresholds.everyone.model_dump()
        return Thresholds.model_validate(
            laid_over(everyone, self.thresholds.partners.get(partner, {}))
        )

    def drift_of(self, partner: str) -> DriftLimits:
        """How far a partner's extract may be from what it sent before."""
        everyone = self.drift.everyone.model_dump()
        return DriftLimits.model_validate(laid_over(everyone, self.drift.partners.get(partner, {})))

    def _said(self, table: Table, column: str, spec: Column, rule: str) -> Severity:
        particular = self.severity.columns.get(f"{table.partner}.{table.name}.{column}", {})
        if rule in particular:
            return particular[rule]
        kind = self.severity.kinds.get(spec.kind, {})
        return kind.get(rule) or self.severity.rules.get(rule) or self.severity.default


def load_policy(path: Path | None = None) -> Policy:
    """The packaged policy, with a partnership's own laid over it.

    Args:
        path: The partnership's own; the packaged one alone if it is None or not there.

    Raises:
        ConfigError: It does not read as a policy, or names a rule, column or partner that
            does not exist. The message names the key at fault.
    """
    if path is None or not path.exists():
        return packaged_policy()
    return _own_policy(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _own_policy(path: Path, _: int) -> Policy:
    """A partnership's own policy; read again once its file has changed."""
    own = read_mapping(path, ConfigError)
    content = laid_over(read_mapping(PACKAGED, ConfigError), own)
    policy = check_document(content, path.name, Policy, ConfigError)
    _refuse_unfit(policy, path.name)
    return policy


@cache
def packaged_policy() -> Policy:
    """The policy that comes with the program."""
    content = read_mapping(PACKAGED, ConfigError)
    return check_document(content, PACKAGED.name, Policy, ConfigError)


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """A document with another's lines in the place of its own, key by key."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[key] = laid_over(under, value)
        else:
            merged[key] = value
    return merged


def _fits(own: Mapping[str, Any], everyone: Thresholds | DriftLimits) -> bool:
    try:
        type(everyone).model_validate(laid_over(everyone.model_dump(), own))
    except ValidationError:
        return False
    return True


def _must_stay(spec: Column, rule: str) -> bool:
    return rule not in SAYS_UNKNOWN and (spec.required or spec.role in ("key", "parent"))


def _is_judged_last(table: Table, rule: str) -> bool:
    """Whether a rule is judged once every value is settled, when none can be emptied any more."""
    return rule == "after_the_extract" or any(one.rule == rule for one in table.cross_rules)


def _refuse_unfit(policy: Policy, name: str) -> None:
    """Refuse a policy that names what does not exist, or passes what cannot stay."""
    # A rule that a column does not have is told once, whatever is said of it.
    faults = [*_unknown_names(policy)] or [*_too_mild(policy)]
    if faults:
        raise ConfigError(
            f"{name} cannot be used: {'; '.join(faults[:5])}.",
            "Correct those keys; docs/reference/contracts names every rule and column.",
        )


def _unknown_names(policy: Policy) -> Iterator[str]:
    tables = {f"{t.partner}.{t.name}": t for some in TABLES.values() for t in some}
    columns = {f"{name}.{c}": t for name, t in tables.items() for c in t.columns}
    specs = [spec for table in tables.values() for spec in table.columns.values()]
    rules = {rule for table in tables.values() for _, rule, _ in rules_of(table)}
    rules = {*rules, *GENERAL_RULES, *UNUSABLE.values()} - {NO_CONSENT}
    said = policy.severity
    yield from _not_in("severity.rules", said.rules, rules)
    yield from _not_in("severity.kinds", said.kinds, {spec.kind for spec in specs})
    yield from _not_in("severity.columns", said.columns, columns)
    for kind, given in said.kinds.items():
        yield from _not_in(f"severity.kinds.{kind}", given, rules)
    for column, given in said.columns.items():
        if column in columns:
            own = _rules_of_column(columns[column], column.rpartition(".")[2])
            yield from _not_in(f"severity.columns.{column}", given, own)


def _rules_of_column(table: Table, name: str) -> set[str]:
    """The rules a policy may name of a column; its code list may be the partnership's own."""
    rules = {rule for column, rule, _ in rules_of(table) if column == name}
    return (rules | CODE_RULES if table.columns[name].codes else rules) - {NO_CONSENT}


def _not_in(where: str, given: Mapping[str, object], known: Any) -> Iterator[str]:
    for name in given:
        if name not in known:
            yield f"`{where}.{name}` does not exist"


def _too_mild(policy: Policy) -> Iterator[str]:
    said = policy.severity
    groups = [("severity.rules", said.rules)]
    groups += [(f"severity.kinds.{kind}", given) for kind, given in said.kinds.items()]
    groups += [(f"severity.columns.{column}", given) for column, given in said.columns.items()]
    for where, given in groups:
        for rule, severity in given.items():
            if rule in NEVER_PASSED and severity in ("empty", "note"):
                yield f"`{where}.{rule}` must be reject or quarantine"
            if rule in NEVER_KEPT and severity == "note":
                yield f"`{where}.{rule}` must be reject, quarantine or empty"
