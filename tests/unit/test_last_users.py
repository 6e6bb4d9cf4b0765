"""When a table in memory may go: all who make it or read it have done so."""

from __future__ import annotations

from dataclasses import replace

from warehouse.models import last_users, parse_model


def test_a_table_may_go_when_all_have_read_it_through_a_view_too() -> None:
    part, other, view = (parse_model(name, "metrics", "SELECT 1 AS a") for name in "poV")
    needs = {
        "V": {"p", "o"},
        "mart": {"V"},
        "checks of p": {"p", "mart"},
        "checks of mart": {"mart", "V"},
    }
    assert last_users([part, other, replace(view, is_view=True)], needs) == {
        "p": {"p", "V", "mart", "checks of p", "checks of mart"},
        "o": {"o", "V", "mart", "checks of mart"},
    }
