"""Every part of an evidence folder, in the order of its page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flows.evidence import done, set_up
from flows.evidence.part import Asked, Part
from flows.settings import Settings

Find = Callable[[Settings, Asked, date], Part]

GATHERED: dict[str, Find] = {
    "agreements": set_up.agreements,
    "record": done.record,
    "acts": done.acts,
    "glass": done.glass,
    "rights": done.rights,
    "retention": done.retention,
    "keys": set_up.keys,
    "roles": set_up.roles,
    "runs": done.runs,
    "extracts": done.extracts,
    "releases": done.releases,
    "publications": done.publications,
    "attack": set_up.attack,
    "tests": set_up.tests,
    "configuration": set_up.configuration,
    "versions": set_up.versions,
    "controls": set_up.controls,
}
"""The name of each part, and what finds it in a partnership."""
