"""Whether a release may be read on a day hangs on the agreements of that day, and on its terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.agreements.readable import check_readable, why_not_readable
from flows.settings import Settings, load_settings
from flows.start import start
from governance.agreements import load_agreement
from schemas.errors import NotReadable

TODAY = date(2026, 11, 22)
COLUMNS = {"custody_ref": ["key"], "arrest_date": ["keep"], "dob": ["encode"]}
USE = {"in_words": "To see.", "recipients": ["analyst"], "tables": {"custody": COLUMNS}}


@dataclass
class Made:
    """A run as far as it is asked for: its report."""

    report: dict[str, Any]


def agreed(settings: Settings, **changes: object) -> None:
    """Change clauses of the police agreement and have it signed as it then stands."""
    path = settings.partner("police").agreement
    content = yaml.safe_load(path.read_text()) | changes
    path.write_text(yaml.safe_dump(content))
    for one in content["signatures"]:
        one["document_digest"] = load_agreement(path).document_digest
    path.write_text(yaml.safe_dump(content))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    start(tmp_path, demo=True, today=TODAY)
    return load_settings(tmp_path / "partnership.yaml")


def made_now(settings: Settings) -> Any:
    found = {name: load_agreement(one.agreement) for name, one in settings.partners.items()}
    return Made(
        {
            "terms": {name: one.release_digest for name, one in found.items()},
            "uses": {
                name: {use: one.use_digest(use) for use in one.uses} for name, one in found.items()
            },
        }
    )


def test_a_part_for_a_use_is_read_while_the_use_is_agreed_and_no_longer(settings: Settings) -> None:
    agreed(settings, uses={"review": USE})
    run = made_now(settings)
    check_readable(settings, run, TODAY, use="review")
    tables = {"custody": {**COLUMNS, "sex": ["keep"]}}
    for uses in ({"review": USE | {"tables": tables}}, {}):
        agreed(settings, uses=uses)
        check_readable(settings, run, TODAY)
        with pytest.raises(NotReadable, match="other fields now"):
            check_readable(settings, run, TODAY, use="review")


def test_what_only_counts_asks_for_agreements_and_not_for_the_same_terms(
    settings: Settings,
) -> None:
    run = made_now(settings)
    assert why_not_readable(settings, run, TODAY) is None
    agreed(settings, exact_dates=True)
    assert "other fields now" in str(why_not_readable(settings, run, TODAY))
    check_readable(settings, run, TODAY, same_terms=False)
    late = TODAY + timedelta(days=400)
    with pytest.raises(NotReadable, match="expired"):
        check_readable(settings, run, late, same_terms=False)


def test_whoever_is_not_in_the_release_or_the_partnership_is_not_read_from_it(
    settings: Settings,
) -> None:
    run = made_now(settings)
    del run.report["terms"]["housing"]
    check_readable(settings, run, TODAY, ["police"])
    with pytest.raises(NotReadable, match="made without it"):
        check_readable(settings, run, TODAY, ["housing"])
    run.report["terms"]["ambulance"] = "sha256:0"
    with pytest.raises(NotReadable, match="no longer names it"):
        check_readable(settings, run, TODAY)
