"""When two names of officers are one person's."""

from __future__ import annotations

import unicodedata


def officer_key(name: str) -> str:
    """A name without what a person may write differently and still be the same person.

    Letter case, spaces, compatibility forms (Unicode NFKC) and invisible characters are left out of
    account. It cannot tell that two really different names are one person's.
    """
    visible = "".join(
        character
        for character in unicodedata.normalize("NFKC", name)
        if unicodedata.category(character) not in ("Cf", "Cc") or character.isspace()
    )
    return " ".join(visible.split()).casefold()
