"""The publication gate: no table leaves the partnership but through here.

``certify`` puts counts through it, with the audit of everything still public; ``check`` holds a
release against its certificate without a solver. ``gate`` masks and rounds one table alone.
Both ``certify`` and ``check`` are imported from their own modules, because the solver takes time to
load.
"""

from governance.disclosure.derived import median_band, percentage, rate, survival
from governance.disclosure.gate import gate
from governance.disclosure.rules import (
    MASKED,
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    DisclosureError,
    Rule,
)

__all__ = [
    "MASKED",
    "NOT_APPLICABLE",
    "NOT_AVAILABLE",
    "DisclosureError",
    "Rule",
    "gate",
    "median_band",
    "percentage",
    "rate",
    "survival",
]
