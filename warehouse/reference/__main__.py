"""`python -m warehouse.reference docs/reference` writes every page that the warehouse describes."""

from __future__ import annotations

import sys
from pathlib import Path

from warehouse.reference import write_pages

if __name__ == "__main__":
    for page in write_pages(Path(sys.argv[1])):
        sys.stdout.write(f"{page}\n")
