"""The encoding written again from docs/reference/encoding.md, one value and one bit at a time.

It shares nothing with the product: the standard library and `cryptography` only. Where the two
disagree, the page is wrong or one of them is.
"""

from __future__ import annotations

from datetime import date
from hashlib import sha256, shake_128

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

COMPOSITES = {
    "date_surname": ("date", "surname"),
    "date_sector": ("date", "sector"),
    "postcode_initials": ("postcode", "initial", "surname_initial"),
    "names_year": ("forename", "surname", "year"),
    "date_names_either": ("date", "lower name", "higher name"),
    "names_daymonth": ("forename", "surname", "daymonth"),
    "date_initial_sex": ("date", "initial", "sex"),
    "names_either_sector": ("lower name", "higher name", "home_sector"),
    "names_lone": ("forename", "surname", "lone"),
    "postcode_surname": ("postcode", "surname"),
    "postcode_forename": ("postcode", "forename"),
    "surname_initial_sector": ("surname", "initial", "home_sector"),
    "forename_initial_sector": ("forename", "surname_initial", "home_sector"),
    "initials_date_sex": ("initial", "surname_initial", "date", "sex"),
    "initials_date_sector": ("initial", "surname_initial", "date", "sector"),
    "initials_either_date": ("lower initial", "higher initial", "date"),
    "initials_date_either": ("initial", "surname_initial", "date_either"),
}
STRONG_IDS = ("nhs_number", "nino", "pnc_id", "cro_number", "noms_number", "local_id")
FILTERS = (
    ("forename", "date_surname"),
    ("forename", "date_sector"),
    ("forename", "date_initial_sex"),
    ("forename", "initials_either_date"),
    ("forename", "postcode_initials"),
    ("surname", "date_sector"),
    ("surname", "date_initial_sex"),
    ("surname", "initials_either_date"),
    ("surname", "postcode_initials"),
    ("dob", "postcode_initials"),
    ("forename", "initials_date_either"),
    ("surname", "initials_date_either"),
    ("forename", "postcode_surname"),
    ("dob", "postcode_surname"),
    ("surname", "postcode_forename"),
    ("dob", "postcode_forename"),
    ("forename", "surname_initial_sector"),
    ("dob", "surname_initial_sector"),
    ("surname", "forename_initial_sector"),
    ("dob", "forename_initial_sector"),
    ("dob", "names_year"),
    ("dob", "names_daymonth"),
    ("dob", "names_either_sector"),
    ("dob", "names_lone"),
    ("postcode", "date_sector"),
)
KINDS = {
    "forename": "name",
    "surname": "name",
    "surname_initial": "initial",
    "home_sector": "sector",
}


class ByHand:
    """The encoding under one root key, purpose and epoch."""

    def __init__(self, root: bytes, purpose: str, epoch: int) -> None:
        self.root, self.purpose, self.epoch = root, purpose, epoch

    def key(self, label: str) -> bytes:
        """32 bytes for a label."""
        purpose_key = hkdf(self.root, "purpose", self.purpose, str(self.epoch))
        return hkdf(purpose_key, "working", f"encoding/6/{label}")

    def mac(self, label: str, message: bytes) -> bytes:
        """The first eight bytes of AES-256-CMAC."""
        cmac = CMAC(AES256(self.key(label)))
        cmac.update(message)
        return cmac.finalize()[:8]

    def parts(self, person: dict) -> dict[str, bytes | None]:
        """The eight-byte token of every part, None where the person lacks it."""
        forename, surname, postcode = (person.get(n) for n in ("forename", "surname", "postcode"))
        dob: date | None = person.get("dob")
        day = f"{dob:%Y%m%d}" if dob else None
        texts = {
            "forename": forename,
            "surname": surname,
            "initial": forename[0] if forename else person.get("forename_initial"),
            "surname_initial": surname[0] if surname else person.get("surname_initial"),
            "date": day,
            "year": day and day[:4],
            "daymonth": day and day[4:],
            "date_either": day and day[:4] + "".join(sorted((day[4:6], day[6:]))),
            "postcode": postcode,
            "home_sector": postcode[:-2] if postcode else None,
            "sector": postcode[:-2] if postcode else person.get("sector"),
            "lone": person.get("lone"),
            "sex": person.get("sex") if person.get("sex") in ("M", "F") else "U",
        }
        found = {
            name: None if text is None else self.mac(f"part/{KINDS.get(name, name)}", text.encode())
            for name, text in texts.items()
        }
        for kind, one, other in (
            ("name", "forename", "surname"),
            ("initial", "initial", "surname_initial"),
        ):
            pair = [found[one], found[other]]
            ordered = sorted(pair, key=signed) if None not in pair else (None, None)
            found[f"lower {kind}"], found[f"higher {kind}"] = ordered
        return found

    def composite(self, label: str, parts: list[bytes | None]) -> bytes | None:
        """The token of several parts."""
        return None if None in parts else self.mac(label, b"".join(parts))

    def filter(self, field: str, anchor: str, grams: list[int], salt: bytes) -> list[int]:
        """The two words of one filter."""
        encryptor = Cipher(AES256(self.key(f"filter/{field}/{anchor}")), ECB()).encryptor()
        streams = [
            int.from_bytes(encryptor.update(salt + gram.to_bytes(8, "little")), "little")
            for gram in sorted(grams, reverse=True)
        ]
        bits = 0
        for place in range(128):
            votes = [stream >> place & 1 for stream in streams]
            tied = 2 * sum(votes) == len(votes)
            bits |= (votes[0] if tied else int(2 * sum(votes) > len(votes))) << place
        packed = bits.to_bytes(16, "little")
        return [signed(packed[start : start + 8]) for start in (0, 8)]

    def record_id(self, partner: str, table: str, key: list[str]) -> int:
        """The id of a record that names a person."""
        return signed(self.mac("record", joined(partner, table, "|".join(key))))

    def stand_in(self, record_id: int) -> list[int]:
        """The two secret words of a record."""
        message = record_id.to_bytes(8, "little", signed=True)
        return [signed(self.mac(f"stand_in_{word}", message)) for word in range(2)]

    def surrogate(self, partner: str, table: str, key: list[str]) -> int:
        """What stands for a key among the events, wherever it is referred to."""
        return signed(self.mac("surrogate", joined(partner, table, *key)))

    def encode(self, person: dict) -> dict[str, int | None]:
        """The sex bit, every token and filter word of one person, by column."""
        parts = self.parts(person)
        row: dict[str, int | None] = {}
        tokens = {
            name: self.composite(f"token/{name}", [parts[part] for part in of])
            for name, of in COMPOSITES.items()
        }
        for name in ("date_surname", "initials_either_date"):
            mask = self.composite(f"sex/{name}", [tokens[name]])
            known = mask is not None and person.get("sex") in ("M", "F")
            row[f"sex_{name}"] = mask[0] % 2 ^ (person["sex"] == "F") if known else None
        for name, token in tokens.items():
            row[f"t_{name}"] = None if token is None else signed(token)
        for name in STRONG_IDS:
            value = person.get(name)
            row[f"t_{name}"] = (
                None if value is None else signed(self.mac(f"strong/{name}", value.encode()))
            )
        for field, anchor in FILTERS:
            value, salt = person.get(field), tokens[anchor]
            words = [None] * 2
            if value is not None and salt is not None:
                words = self.filter(field, anchor, grams_of(field, value), salt)
            row |= {f"f_{field}_{anchor}_{word}": words[word] for word in range(2)}
        return row


def hkdf(secret: bytes, *parts: str) -> bytes:
    """HKDF-SHA256 without salt, its info the parts each behind its length in two bytes."""
    coded = [part.encode() for part in ("cohort-journeys", *parts)]
    info = b"".join(len(part).to_bytes(2, "big") + part for part in coded)
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)


def joined(*texts: str) -> bytes:
    """Texts in UTF-8 with the byte 0x1F between them."""
    return b"\x1f".join(text.encode() for text in texts)


def without_crowds(delivery: list[dict]) -> list[tuple[str | None, str | None, str | None]]:
    """The postcode, sector and `lone` that are encoded of each record of one partner's delivery."""
    residents: dict[str, set] = {}
    born: dict[tuple, list] = {}
    for person in delivery:
        who = tuple(person.get(name) for name in ("forename", "surname", "dob"))
        residents.setdefault(person.get("postcode") or "", set()).add(who)
        born.setdefault(who[:2], []).append((who[2], person.get("postcode")))
    homes = [len(people) for postcode, people in residents.items() if postcode]
    usual = 6 * sum(homes) if len(homes) >= 1000 else 0  # times as many as there are postcodes
    left = []
    for person in delivery:
        postcode, dob = person.get("postcode"), person.get("dob")
        same = born[person.get("forename"), person.get("surname")]
        undated = [place for date_of_birth, place in same if date_of_birth is None]
        places = len(set(undated) - {None}) + undated.count(None)
        one = len({day for day, _ in same} - {None}) <= 1 and places <= 5
        lone = "LONE" if one else dob and dob.replace("-", "")
        many = len(residents.get(postcode, ()))
        crowded = bool(postcode) and many > 20 and many * len(homes) > usual
        sector = postcode[:-2] if crowded else person.get("sector")
        left.append((made_up(person) if crowded else postcode, sector, lone))
    return left


def made_up(person: dict) -> str | None:
    """What a person at a crowded postcode has in its place."""
    names = [person.get("forename"), person.get("surname")]
    if person.get("dob"):
        sent = [person.get("forename_initial"), person.get("surname_initial")]
        initials = [
            name[0] if name else other or "" for name, other in zip(names, sent, strict=True)
        ]
        parts = [person["postcode"], person["dob"].replace("-", ""), *initials]
    elif None in names:
        return None
    else:
        parts = [person["postcode"], "", *names]
    number = int.from_bytes(sha256(joined(*parts)).digest()[:8], "little") % 625
    characters = "0123456789abcdefghijklmno"
    return person["postcode"][:-2] + characters[number // 25] + characters[number % 25]


def in_place_of(value: str, stand_in: list[int], words: list[int]) -> list[int]:
    """What the hub keeps in the place of a value that two people share."""
    message = b"".join(n.to_bytes(8, "little", signed=True) for n in (*stand_in, *words))
    made = shake_128(value.encode() + message).digest(8 * len(words))
    return [signed(made[at : at + 8]) for at in range(0, len(made), 8)]


def signed(eight: bytes) -> int:
    """Eight bytes, little-endian, as a signed integer."""
    return int.from_bytes(eight, "little", signed=True)


def grams_of(field: str, value: str | date) -> list[int]:
    """The grams of a value."""
    if field == "dob":
        day = f"{value:%Y%m%d}"
        digits = [1 + int(day[place]) + 64 * place for place in range(2, 8)]
        year, month, number = int(day[:4]), int(day[4:6]), int(day[6:])
        second = (8192 if month == number else 4096) + number
        return [*digits, 1024 + year, 4096 + month, second]
    if field == "postcode":
        padded = value[:-3].ljust(4, "\0") + value[-3:]
        return [1 + ord(c) - 48 + 64 * place for place, c in enumerate(padded) if c != "\0"]
    codes = [27 if c == " " else ord(c) - 64 if "A" <= c <= "Z" else 28 for c in value[:24]]
    padded = [0, 0, *codes, 0, 0]
    trigrams = [
        a + 32 * b + 1024 * c for a, b, c in zip(padded, padded[1:], padded[2:], strict=False)
    ]
    return [1 + t + 32768 * trigrams[:place].count(t) for place, t in enumerate(trigrams)]
