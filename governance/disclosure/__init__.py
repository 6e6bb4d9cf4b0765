"""The publication gate: no table leaves the partnership but through here."""

from governance.disclosure.gate import (
    MASKED,
    NOT_APPLICABLE,
    NOT_AVAILABLE,
    DisclosureError,
    gate,
    percentage,
)

__all__ = [
    "MASKED",
    "NOT_APPLICABLE",
    "NOT_AVAILABLE",
    "DisclosureError",
    "gate",
    "percentage",
]
