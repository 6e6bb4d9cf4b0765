"""Write docs/reference/encoding_vectors.json by the implementation from the page alone.

python tests/support/make_encoding_vectors.py docs/reference/encoding_vectors.json
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path

from encoding_by_hand import ByHand, in_place_of, without_crowds
from sharing_by_hand import kept

ROOT, PURPOSE, EPOCH = bytes(range(32)), "vectors", 1
ONE_A_LINE = ("hub_keeps", "delivery")
LEFT = ("postcode", "sector", "lone")
PEOPLE = (
    {
        "forename": "MARY ANN", "surname": "SMITH", "dob": "1980-02-01", "postcode": "NR31AB",
        "sex": "F", "nhs_number": "9990000018", "lone": "LONE",
    },
    {
        "forename": "ANNANNA", "surname": "O" * 30, "dob": "1984-11-11", "postcode": "EC1A1BB",
        "sex": "U", "pnc_id": "2003/0123456L", "local_id": "N0853|C000001",
        "lone": "19841111",
    },
    {
        "forename_initial": "M", "surname_initial": "S", "sector": "NR31", "dob": "1980-02-01",
        "sex": "F",
    },
    {"forename": "J", "surname": "DE LA CRUZ"},
)  # fmt: skip

KEYS = (
    {"partner": "police", "table": "custody", "key": ["CU000001"]},
    {"partner": "treatment", "table": "episode", "key": ["N0853", "C000001", "1"]},
)
BORN = "1980-02-01"
# One delivery: a postcode of 21 people, one of them twice, one with initials alone, one with names
# and no date and one with a forename alone; one of 20, one of them three times; and
# one of 20 names, one of which is there with a date of birth and without. Then names of two dates,
# of one date and none, and without a date at five places and at six.
DELIVERY = (
    *({"forename": name, "dob": BORN, "postcode": "NR11AA"} for name in "ABCDEFGHIJKLMNOPQRA"),
    {"forename_initial": "A", "surname_initial": "B", "dob": BORN, "postcode": "NR11AA"},
    {"forename": "ANN", "surname": "BELL", "dob": None, "postcode": "NR11AA"},
    {"forename": "ANN", "dob": None, "postcode": "NR11AA"},
    *({"forename": name, "dob": BORN, "postcode": "NR31AB"} for name in "ABCDEFGHIJKLMNOPQRSTAA"),
    *({"forename": name, "dob": BORN, "postcode": "EC1A1BB"} for name in "ABCDEFGHIJKLMNOPQRST"),
    {"forename": "A", "dob": None, "postcode": "EC1A1BB", "sector": "E16"},
    {"forename": "A", "dob": BORN, "postcode": None, "sector": "E16"},
    *({"forename": "ANN", "surname": "TWO", "dob": born} for born in (BORN, "1981-02-01", None)),
    *({"forename": "ANN", "surname": "ONE", "dob": born} for born in (BORN, BORN, None)),
    *({"forename": "ANN", "surname": "FIVE", "dob": None} for _ in range(4)),
    *({"forename": "ANN", "surname": "FIVE", "dob": None, "postcode": "NR22BB"} for _ in range(2)),
    *({"forename": "ANN", "surname": "SIX", "dob": born} for born in (BORN, *(None,) * 5)),
    {"forename": "ANN", "surname": "SIX", "dob": None, "postcode": "NR22BB"},
)
# Values that two people share, and the secret words of the record that stands for the person.
SHARED = (
    {"value": "t_date_surname", "stand_in": [1, -2], "words": [3]},
    {"value": "f_postcode_date_sector", "stand_in": [-1, 2], "words": [4, -5]},
)
# One delivery of the police, from records to what the hub keeps: twins, one of them there twice;
# the father of one, of his name; a person written in two ways; one NHS number under two names;
# cousins of one postcode and the same initials; two with ids of their own, whom a third without
# a forename joins; two of one name and year with ids of their own; two who share date, initial and
# sex, and four pairs who do and are strangers; two with initials alone and an exchanged date; two
# of one date and surname and of two sexes, one without a forename; two of one postcode and surname,
# one without a date; two of one forename and sector; two of like dates with ids of their own, and
# two more who are at one home; two of an exchanged date and other names; two of one date and
# forename with ids of their own; and two of one date at like postcodes.
HOME, TWINS = {"surname": "OKONKWO", "postcode": "NR31AB"}, "1980-02-11"
GIVEN = (
    {"forename": "THEODORE", **HOME, "dob": TWINS, "sex": "M", "local_id": "A1"},
    {"forename": "JACQUELINE", **HOME, "dob": TWINS, "sex": "F", "local_id": "A2"},
    {"forename": "THEODORE", **HOME, "dob": TWINS, "sex": "M", "postcode": None, "local_id": "A1"},
    {"forename": "THEODORE", **HOME, "dob": "1951-12-30", "sex": "M"},
    {"forename": "KATHERINE", "surname": "LE BRUN", "dob": "1990-07-15", "postcode": "NR22BB"},
    {"forename": "CATHERINE", "surname": "LE BRUN", "dob": "1990-07-15", "postcode": "IP14AA"},
    {"forename": "ANNA", "surname": "BELL", "dob": "1975-03-04", "nhs_number": "9990000018"},
    {"forename": "MIRIAM", "surname": "STONE", "dob": "1975-04-03", "nhs_number": "9990000018"},
    {"forename": "OLIVER", "surname": "HART", "dob": "2001-05-06", "postcode": "NR70RT"},
    {"forename": "OSCAR", "surname": "HUGHES", "dob": "1983-11-28", "postcode": "NR70RT"},
    {"forename": "PETER", "surname": "GREEN", "dob": "1968-10-09", "pnc_id": "2001/0000001A"},
    {"forename": "MICHAEL", "surname": "GREEN", "dob": "1968-10-09", "pnc_id": "2002/0000002B"},
    {"surname": "GREEN", "dob": "1968-10-09"},
    {"forename": "ROSA", "surname": "MARSH", "dob": "1992-04-04", "pnc_id": "2003/0000003C"},
    {"forename": "ROSA", "surname": "MARSH", "dob": "1992-06-19", "pnc_id": "2004/0000004D"},
    {"forename": "GRACE", "surname": "DOYLE", "dob": "1988-08-08", "sex": "F"},
    {"forename": "GRACE", "surname": "PATTERSON", "dob": "1988-08-08", "sex": "F"},
    {"forename": "HELEN", "surname": "BRIGGS", "dob": "1970-01-02", "sex": "F"},
    {"forename": "HARRIET", "surname": "CROSS", "dob": "1970-01-02", "sex": "F"},
    {"forename": "STUART", "surname": "NOLAN", "dob": "1971-02-03", "sex": "M"},
    {"forename": "SIMON", "surname": "FISHER", "dob": "1971-02-03", "sex": "M"},
    {"forename": "DAVID", "surname": "YATES", "dob": "1972-03-14", "sex": "M"},
    {"forename": "DESMOND", "surname": "POOLE", "dob": "1972-03-14", "sex": "M"},
    {"forename": "BRIDGET", "surname": "ALLEN", "dob": "1973-04-15", "sex": "F"},
    {"forename": "BEVERLEY", "surname": "QUIGLEY", "dob": "1973-04-15", "sex": "F"},
    {"forename_initial": "L", "surname_initial": "W", "dob": "1979-03-05"},
    {"forename_initial": "L", "surname_initial": "W", "dob": "1979-05-03"},
    {"forename": "HANNAH", "surname": "FROST", "dob": "1986-09-17", "sex": "F"},
    {"surname": "FROST", "dob": "1986-09-17", "sex": "M"},
    {"forename": "NORA", "surname": "PIKE", "dob": "1960-06-21", "postcode": "NR55EE"},
    {"forename": "WALTER", "surname": "PIKE", "postcode": "NR55EE"},
    {"forename": "AGNES", "surname": "DALE", "dob": "1963-01-25", "postcode": "NR93JJ"},
    {"forename": "AGNES", "surname": "DUFFY", "postcode": "NR93JK"},
    {"forename": "IVAN", "surname": "COLE", "dob": "1985-03-12", "pnc_id": "2005/0000005E"},
    {"forename": "IVAN", "surname": "COLE", "dob": "1985-03-13", "pnc_id": "2006/0000006F"},
    {"forename": "ELSIE", "surname": "WARD", "dob": "1966-07-01", "postcode": "NR66FF",
     "cro_number": "1/66A"},
    {"forename": "ELSIE", "surname": "WARD", "dob": "1966-07-02", "postcode": "NR66FF",
     "cro_number": "2/66B"},
    {"forename": "LIAM", "surname": "CRANE", "dob": "1979-08-02"},
    {"forename": "LUKE", "surname": "COX", "dob": "1979-02-08"},
    {"forename": "CLARA", "surname": "NEWTON", "dob": "1981-11-02", "sex": "F",
     "pnc_id": "2007/0000007G"},
    {"forename": "CLARA", "surname": "NORMAN", "dob": "1981-11-02", "pnc_id": "2008/0000008H"},
    {"forename": "RUTH", "surname": "LAMB", "dob": "1977-01-09", "postcode": "NR188GG"},
    {"forename": "OWEN", "surname": "SHARP", "dob": "1977-01-09", "postcode": "NR188GH"},
)  # fmt: skip


def hub_keeps(by_hand: ByHand) -> list[dict]:
    """Each record of a delivery that is given, and all that the hub keeps of it."""
    keys = [["police", "custody", [f"CU{at:06}"]] for at in range(1, len(GIVEN) + 1)]
    ids = [by_hand.record_id(*key) for key in keys]
    left = without_crowds(GIVEN)
    rows = [
        {"record_id": number, **by_hand.encode(typed(person | dict(zip(LEFT, one, strict=True))))}
        for number, person, one in zip(ids, GIVEN, left, strict=True)
    ]
    words = [by_hand.stand_in(number) for number in ids]
    return [
        {"key": key[2], "identity": person, "kept": row}
        for key, person, row in zip(keys, GIVEN, kept(rows, words), strict=True)
    ]


def vectors() -> dict:
    """Keys, people and what their encoding is, as the file holds them."""
    by_hand = ByHand(ROOT, PURPOSE, EPOCH)
    return {
        "encoding_version": 9,
        "root": ROOT.hex(),
        "purpose": PURPOSE,
        "epoch": EPOCH,
        "keys": {
            label: by_hand.key(label).hex()
            for label in ("part/name", "token/date_surname", "filter/surname/date_sector")
        },
        "parts": {
            "name MARY ANN": by_hand.mac("part/name", b"MARY ANN").hex(),
            "date 19800201": by_hand.mac("part/date", b"19800201").hex(),
        },
        "records": [
            one
            | {"record_id": by_hand.record_id(**one), "surrogate": by_hand.surrogate(**one)}
            | {"stand_in": by_hand.stand_in(by_hand.record_id(**one))}
            for one in KEYS
        ],
        "shared": [one | {"in_its_place": in_place_of(**one)} for one in SHARED],
        "hub_keeps": hub_keeps(by_hand),
        "delivery": [
            person | {"encoded_as": encoded}
            for person, encoded in zip(DELIVERY, map(list, without_crowds(DELIVERY)), strict=True)
        ],
        "people": [
            {"identity": person, "encoded": by_hand.encode(typed(person))} for person in PEOPLE
        ],
    }


def typed(person: dict) -> dict:
    """A person with the date of birth as a date."""
    born = person.get("dob")
    return person | {"dob": date.fromisoformat(born) if born else None}


def written(content: dict) -> str:
    """JSON with the records of deliveries one a line."""
    lines = {name: [json.dumps(row) for row in content[name]] for name in ONE_A_LINE}
    text = json.dumps(content | dict.fromkeys(lines, "HERE"), indent=2)
    for name, rows in lines.items():
        listed = "[\n    " + ",\n    ".join(rows) + "\n  ]"
        text = text.replace(f'"{name}": "HERE"', f'"{name}": {listed}')
    return text + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(written(vectors()), encoding="utf-8")
