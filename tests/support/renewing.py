"""An agreement that is changed, and signed as it then stands."""

from __future__ import annotations

from pathlib import Path

import yaml

from governance.agreements import load_agreement


def renewed(folder: Path, partner: str, **changes: object) -> None:
    """Change clauses of an agreement of a partnership folder, and have it signed."""
    path = folder / "agreements" / f"{partner}.yaml"
    content = yaml.safe_load(path.read_text()) | changes
    path.write_text(yaml.safe_dump(content))
    digest = load_agreement(path).document_digest
    for signature in content["signatures"]:
        signature["document_digest"] = digest
    path.write_text(yaml.safe_dump(content))
