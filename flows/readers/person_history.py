"""What a person id became, for whoever holds an old one, and the record that it was asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flows.clock import Clock, utc_now
from flows.context import actor, open_control
from flows.keys.rings import store_keys
from flows.settings import Settings
from governance.audit import Recorder
from schemas.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from linkage.lineage import Lineage

PERSON_ID = re.compile(r"[0-9a-f]{16}")


def history_of(settings: Settings, person_id: str, clock: Clock = utc_now) -> Lineage:
    """What became of a person id, from the registry of the current run.

    Raises:
        ConfigError: It has not the shape of a person id.
        StoreError: There is no registry yet, it cannot be read, or it never gave out that id.
        KeyProblem: The store key is missing or loose.
    """
    from linkage.lineage import lineage
    from warehouse.connect import open_store

    if not PERSON_ID.fullmatch(person_id):
        raise ConfigError(
            "That is not a person id.",
            "Give the 16 hexadecimal digits of a `person_id`, as the warehouse has them.",
        )
    with open_control(settings) as control:
        current = control.current_run()
        if current is None:
            raise StoreError("There are no persons yet.", "Run `journeys run` to link records.")
        path = settings.stores / current.run_id / "identity.duckdb"
        key = store_keys(settings, current.run_id)["identity"]
        recorder = Recorder(actor(), settings.purpose, current.run_id)
        recipients = "the holder of a person id"
        control.add_audit(
            recorder.entry("consultation", clock(), recipients=recipients, detail={"persons": 1})
        )
        connection = open_store(path, key, read_only=True)
        try:
            found = lineage(connection, person_id)
        finally:
            connection.close()
    if found is None:
        raise StoreError(
            "No person of this partnership has ever had that id.",
            "Compare it with where it came from; an id of another partnership is not known here.",
        )
    return found
