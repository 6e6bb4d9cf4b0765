"""Where extracts come from: a source that they are pulled from, and the inbox that they lie in."""

from __future__ import annotations

from flows.sources.inbox import (
    Arrived,
    check_untouched,
    contents_of,
    find_extract,
    remove,
    stamps_of,
)

__all__ = ["Arrived", "check_untouched", "contents_of", "find_extract", "remove", "stamps_of"]
