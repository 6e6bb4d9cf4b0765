"""Write docs/reference/encoding_vectors.json by the implementation from the page alone.

python tests/support/make_encoding_vectors.py docs/reference/encoding_vectors.json
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

from encoding_by_hand import ByHand

ROOT, PURPOSE, EPOCH = bytes(range(32)), "vectors", 1
PEOPLE = (
    {
        "forename": "MARY ANN", "surname": "SMITH", "dob": "1980-02-01", "postcode": "NR31AB",
        "sex": "F", "nhs_number": "9990000018",
    },
    {
        "forename": "ANNANNA", "surname": "O" * 30, "dob": "1984-11-11", "postcode": "EC1A1BB",
        "sex": "U", "pnc_id": "2003/0123456L", "local_id": "N0853|C000001",
    },
    {
        "forename_initial": "M", "surname_initial": "S", "sector": "NR31", "dob": "1980-02-01",
        "sex": "F",
    },
    {"forename": "J", "surname": "DE LA CRUZ"},
)  # fmt: skip


def vectors() -> dict:
    """Keys, people and what their encoding is, as the file holds them."""
    by_hand = ByHand(ROOT, PURPOSE, EPOCH)
    return {
        "encoding_version": 4,
        "root": ROOT.hex(),
        "purpose": PURPOSE,
        "epoch": EPOCH,
        "keys": {
            label: by_hand.key(label).hex()
            for label in ("part/name", "token/date_surname", "filter/surname/date")
        },
        "parts": {
            "name MARY ANN": by_hand.mac("part/name", b"MARY ANN").hex(),
            "date 19800201": by_hand.mac("part/date", b"19800201").hex(),
        },
        "people": [
            {"identity": person, "encoded": by_hand.encode(typed(person))} for person in PEOPLE
        ],
    }


def typed(person: dict) -> dict:
    """A person with the date of birth as a date."""
    born = person.get("dob")
    return person | {"dob": date.fromisoformat(born) if born else None}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(vectors(), indent=2) + "\n", encoding="utf-8")
