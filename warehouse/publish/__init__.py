"""What the board receives: gated tables and one page, approved by two people, then published."""

from warehouse.publish.files import Approval, draft_digest, write_draft, write_publication
from warehouse.publish.tables import Draft, draft_tables

__all__ = [
    "Approval",
    "Draft",
    "draft_digest",
    "draft_tables",
    "write_draft",
    "write_publication",
]
