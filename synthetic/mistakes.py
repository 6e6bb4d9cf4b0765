"""Small, human mistakes in one value at a time: typing, sound, scanning, and dates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
SOUNDS = (
    ("ph", "f"), ("ck", "k"), ("ie", "y"), ("ey", "y"), ("ee", "ea"), ("th", "t"), ("gh", "g"),
    ("ou", "o"), ("ai", "a"), ("ll", "l"), ("tt", "t"), ("nn", "n"), ("ss", "s"), ("ei", "ie"),
    ("c", "k"), ("k", "c"), ("y", "i"), ("i", "y"), ("s", "z"), ("z", "s"), ("f", "ff"),
    ("t", "tt"), ("l", "ll"), ("n", "nn"), ("e", "a"), ("a", "e"), ("o", "u"),
)  # fmt: skip
SHAPES = (
    ("rn", "m"), ("cl", "d"), ("vv", "w"), ("m", "rn"), ("h", "b"), ("l", "i"), ("e", "c"),
    ("o", "c"), ("a", "o"), ("u", "v"), ("n", "r"),
)  # fmt: skip


def _neighbours() -> dict[str, str]:
    table: dict[str, str] = {}
    for row in KEYBOARD:
        for at, key in enumerate(row):
            table[key] = row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    return table


NEIGHBOURS = _neighbours()


def _cased(new: str, like: str) -> str:
    return new.upper() if like.isupper() else new


def mistype(name: str, where: float, how: float) -> str:
    """Leave out, double, exchange or hit the key beside one letter, seldom the first."""
    if len(name) < 3:
        return name + "e"
    at = 1 + int(where * (len(name) - 1))
    letter = name[at]
    if how < 0.28:
        return name[:at] + name[at + 1 :]
    if how < 0.45:
        return name[:at] + letter.lower() + name[at:]
    if how < 0.68 and at + 1 < len(name) and name[at + 1] != letter:
        return name[:at] + name[at + 1] + letter + name[at + 2 :]
    keys = NEIGHBOURS.get(letter.lower(), "e")
    return name[:at] + _cased(keys[int(how * 1_000) % len(keys)], letter) + name[at + 1 :]


def _replace_one(name: str, table: tuple[tuple[str, str], ...], where: float) -> str | None:
    fitting = [(old, new) for old, new in table if old in name[1:]]
    if not fitting:
        return None
    old, new = fitting[int(where * len(fitting))]
    at = name.index(old, 1)
    return name[:at] + new + name[at + len(old) :]


def misspell(name: str, kind: float, where: float, how: float) -> str:
    """Return a name as mistyped (55 %), misheard (35 %) or misread by a scanner (10 %)."""
    changed = None
    if kind >= 0.55:
        changed = _replace_one(name, SOUNDS if kind < 0.90 else SHAPES, where)
    return changed if changed is not None else mistype(name, where, how)


def wrong_digit(text: str, where: float, how: float) -> str:
    """Change one digit, seldom to what it was: never."""
    digits = [at for at, letter in enumerate(text) if letter.isdigit()]
    at = digits[int(where * len(digits))]
    digit = (int(text[at]) + 1 + int(how * 9)) % 10
    return text[:at] + str(digit) + text[at + 1 :]


def shorten_double(name: str, where: float) -> str:
    """Return one half of a double-barrelled name, or both run together."""
    first, _, second = name.partition("-")
    if not second:
        return name
    return (first, second, f"{first} {second}", first + second.lower())[int(where * 4)]


def edit(
    rng: np.random.Generator, values: np.ndarray, at: np.ndarray, change: Callable[..., str]
) -> np.ndarray:
    """Return a copy in which `change(value, u1, u2, …)` was applied at true positions of a mask.

    Uniform numbers are drawn for every position, so one more mistake moves no other.
    """
    arguments = change.__code__.co_argcount - 1
    uniform = rng.random((len(values), arguments))
    edited = values.copy()
    for position in np.flatnonzero(at):
        if edited[position] is not None:
            edited[position] = change(edited[position], *uniform[position])
    return edited
