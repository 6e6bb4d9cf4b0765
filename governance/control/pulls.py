"""What was pulled from partners' sources, and how each look at one ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from governance.control.database import Database
from governance.control.entries import AuditEntry, FailedCheck, Pull, SourceLook
from governance.control.log import append
from governance.control.tables import FAILED_CHECK, PULL, SOURCE_LOOK, TAKEN_PERIOD


class Pulls(Database):
    """The ledger of deliveries that were pulled."""

    def pulls(self, partner: str) -> list[Pull]:
        """What was pulled from a partner's source, in its order."""
        query = sa.select(PULL).where(PULL.c.partner == partner).order_by(PULL.c.pull_id)
        return [
            Pull(**{name: value for name, value in row.items() if name != "pull_id"})
            for row in self._rows(query)
        ]

    def record_look(
        self, look: SourceLook, pulls: Sequence[Pull] = (), audit: Sequence[AuditEntry] = ()
    ) -> None:
        """Record how a look at a source ended, with what it pulled, all or nothing.

        What landed for a period takes the place of what had landed for it. What was recorded
        before is not recorded twice.
        """
        with self._transaction() as connection:
            if any(_is_there(connection, one) for one in pulls):
                return
            last = connection.execute(sa.select(sa.func.max(PULL.c.pull_id))).scalar() or 0
            for number, one in enumerate(pulls, last + 1):
                if one.state == "landed":
                    before = {"partner": one.partner, "period": one.period, "state": "landed"}
                    connection.execute(
                        sa.update(PULL).where(*_are(PULL, before)).values(state="replaced")
                    )
                connection.execute(sa.insert(PULL).values(pull_id=number, **asdict(one)))
            append(connection, audit)
            connection.execute(sa.delete(SOURCE_LOOK).where(SOURCE_LOOK.c.partner == look.partner))
            connection.execute(sa.insert(SOURCE_LOOK).values(**asdict(look)))

    def refuse_landed(self, failed: Sequence[FailedCheck], stood: Mapping[str, str]) -> None:
        """Record that what had landed failed its checks, and what stands again instead.

        Args:
            failed: The deliveries, all of one partner.
            stood: The digest that stands again, by period.
        """
        with self._transaction() as connection:
            for one in failed:
                theirs = {"partner": one.partner, "period": one.period, "digest": one.digest}
                connection.execute(
                    sa.update(PULL)
                    .where(*_are(PULL, theirs), PULL.c.state.in_(["landed", "replaced"]))
                    .values(state="refused")
                )
                connection.execute(sa.delete(FAILED_CHECK).where(*_are(FAILED_CHECK, theirs)))
                connection.execute(sa.insert(FAILED_CHECK).values(**asdict(one)))
            for period, digest in stood.items() if failed else ():
                before = {"partner": failed[0].partner, "period": period, "digest": digest}
                last = sa.select(sa.func.max(PULL.c.pull_id)).where(
                    *_are(PULL, {**before, "state": "replaced"})
                )
                number = connection.execute(last).scalar()
                connection.execute(
                    sa.update(PULL).where(PULL.c.pull_id == number).values(state="landed")
                )

    def failed_checks(self, partner: str) -> list[FailedCheck]:
        """The deliveries of a partner that landed and failed their checks."""
        query = sa.select(FAILED_CHECK).where(FAILED_CHECK.c.partner == partner)
        return [FailedCheck(**row) for row in self._rows(query)]

    def taken_periods(self, partner: str) -> set[str]:
        """The periods that a partner's staged extract of increments was put together from."""
        query = sa.select(TAKEN_PERIOD.c.period).where(TAKEN_PERIOD.c.partner == partner)
        return {row["period"] for row in self._rows(query)}

    def source_looks(self) -> dict[str, SourceLook]:
        """How the last look at each partner's source ended."""
        return {row["partner"]: SourceLook(**row) for row in self._rows(sa.select(SOURCE_LOOK))}


def take_periods(connection: sa.Connection, partner: str, periods: Sequence[str]) -> None:
    """Record the periods of a staged extract, in the place of those of the one before."""
    connection.execute(sa.delete(TAKEN_PERIOD).where(TAKEN_PERIOD.c.partner == partner))
    for period in periods:
        connection.execute(sa.insert(TAKEN_PERIOD).values(partner=partner, period=period))


def _is_there(connection: sa.Connection, one: Pull) -> bool:
    same = _are(PULL, {"partner": one.partner, "digest": one.digest, "at": one.at})
    return connection.execute(sa.select(sa.exists().where(*same))).scalar() is True


def _are(table: sa.Table, values: Mapping[str, object]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in values.items()]
