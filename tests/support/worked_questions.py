"""The worked questions as the page has them: each with its SQL and the shape of its answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "worked-questions.md"
_QUESTION = re.compile(
    r"^### (\d+)\. (.+?)\n.*?```sql\n(.*?)```\n\nAnswer: (.*?)(?=\n#{2,3} |\Z)", re.DOTALL | re.M
)
_COLUMN = re.compile(r"`(\w+)`\s([A-Z]+(?:\[\])?)\b")


@dataclass(frozen=True)
class Question:
    """One question of the page."""

    number: int
    title: str
    sql: str
    answer: str

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The columns that the answer is said to have, with their types."""
        return _COLUMN.findall(self.answer)

    @property
    def rows(self) -> int | None:
        """How many rows it is said to have; None for any number but none."""
        said = {"one row:": 1, "seven rows": 7}
        return next((n for words, n in said.items() if self.answer.startswith(words)), None)


def questions() -> list[Question]:
    """Every question of the page, in its order."""
    text = PAGE.read_text("utf-8")
    return [Question(int(n), title, sql, said) for n, title, sql, said in _QUESTION.findall(text)]
