"""Partner extracts that look real and belong to nobody, with their truth."""

from synthetic.extracts import Summary, World, make_world, write_extracts

__all__ = ["Summary", "World", "make_world", "write_extracts"]
