"""The gate as a library: what its page shows can be run as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "disclosure-control.md"


def test_the_example_of_the_documentation_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    told: dict[str, Any] = {}
    exec(compile(example, PAGE.name, "exec"), told)
    table = told["table"]
    assert table.columns == ["age", "area", "count"]
    assert table["count"][0] == "120" and told["shares"][0] == "100"
    assert told["made"].release.earlier == (told["first"].digest,)
