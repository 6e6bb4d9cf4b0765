"""What was pulled from partners' sources, and how each look at one ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from governance.control.database import Database
from governance.control.entries import Pull, SourceLook
from governance.control.tables import PULL, SOURCE_LOOK


class Pulls(Database):
    """The ledger of deliveries that were pulled."""

    def pulls(self, partner: str) -> list[Pull]:
        """What was pulled from a partner's source, in its order."""
        query = sa.select(PULL).where(PULL.c.partner == partner).order_by(PULL.c.pull_id)
        return [
            Pull(**{name: value for name, value in row.items() if name != "pull_id"})
            for row in self._rows(query)
        ]

    def record_look(self, look: SourceLook, pulls: Sequence[Pull] = ()) -> None:
        """Record how a look at a source ended, with what it pulled, all or nothing.

        What landed for a period takes the place of what had landed for it.
        """
        with self._transaction() as connection:
            last = connection.execute(sa.select(sa.func.max(PULL.c.pull_id))).scalar() or 0
            for number, one in enumerate(pulls, last + 1):
                if one.state == "landed":
                    connection.execute(
                        sa.update(PULL)
                        .where(
                            PULL.c.partner == one.partner,
                            PULL.c.period == one.period,
                            PULL.c.state == "landed",
                        )
                        .values(state="replaced")
                    )
                connection.execute(sa.insert(PULL).values(pull_id=number, **asdict(one)))
            connection.execute(sa.delete(SOURCE_LOOK).where(SOURCE_LOOK.c.partner == look.partner))
            connection.execute(sa.insert(SOURCE_LOOK).values(**asdict(look)))

    def source_looks(self) -> dict[str, SourceLook]:
        """How the last look at each partner's source ended."""
        return {row["partner"]: SourceLook(**row) for row in self._rows(sa.select(SOURCE_LOOK))}
