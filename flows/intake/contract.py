"""Whether two installations mean the same by a partner's extract."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache


@cache
def contract_digest(partner: str) -> str:
    """A digest of a partner's contract: its tables, keys and columns, and the rules of each."""
    from schemas.rules import rules_of
    from schemas.tables import TABLES

    said = [
        {
            "table": table.name,
            "key": table.key,
            "parents": sorted((list(columns), name) for columns, name in table.parents.items()),
            "identity": asdict(table.identity) if table.identity else None,
            "consent": table.consent,
            "optional": table.optional,
            "columns": {
                name: [spec.role, spec.kind, spec.required, spec.codes, spec.becomes]
                for name, spec in table.columns.items()
            },
            "rules": sorted((column, rule) for column, rule, _ in rules_of(table)),
        }
        for table in TABLES[partner]
    ]
    return "sha256:" + hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
