"""How long clkhash takes over people in a CSV file; run by encode_speed.py, needs clkhash alone.

    python clkhash_speed.py PEOPLE.csv GOES

Settings are those of clkhash's own tutorial: 1,024 bits, bigrams of names, 200 bits a field, its
default pool of processes over all cores. Prints the shortest time in seconds.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

from clkhash.clk import generate_clks
from clkhash.schema import from_json_dict

BIGRAMS = {"type": "ngram", "n": 2}
PLACES = {"type": "ngram", "n": 1, "positional": True}
FIELDS = {
    "forename": (BIGRAMS, 200),
    "surname": (BIGRAMS, 200),
    "dob": (PLACES, 200),
    "postcode": (PLACES, 200),
    "sex": ({"type": "ngram", "n": 1}, 50),
}
SCHEMA = {
    "version": 3,
    "clkConfig": {
        "l": 1024,
        "kdf": {"type": "HKDF", "hash": "SHA256", "info": "", "salt": "", "keySize": 64},
    },
    "features": [
        {
            "identifier": name,
            "format": {"type": "string", "encoding": "utf-8"},
            "hashing": {
                "comparison": comparison,
                "strategy": {"bitsPerFeature": bits},
                "hash": {"type": "doubleHash"},
            },
        }
        for name, (comparison, bits) in FIELDS.items()
    ],
}


def main() -> None:
    """Print the shortest time of a few goes."""
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as file:
        people = [tuple(row[name] for name in FIELDS) for row in csv.DictReader(file)]
    schema, times = from_json_dict(SCHEMA), []
    for _ in range(int(sys.argv[2])):
        start = time.perf_counter()
        generate_clks(people, schema, "benchmark", validate=False)
        times.append(time.perf_counter() - start)
    print(min(times))


if __name__ == "__main__":
    main()
