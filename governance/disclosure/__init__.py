"""The publication gate: no table leaves the partnership but through here.

``certify`` puts counts through it, with the audit of everything still public; ``check`` holds a
release against its certificate without a solver; ``advise`` says which categories to bring together
first. They are imported from their own modules, because the solver takes time to load;
docs/explanation/disclosure-control.md has an example of all of them.
"""

from governance.disclosure.derived import median_band, percentage, rate, survival
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
    "median_band",
    "percentage",
    "rate",
    "survival",
]
