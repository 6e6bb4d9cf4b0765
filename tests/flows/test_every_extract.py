"""The whole journey with the extracts that few partners send, and treatment without names."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from few_counts import few_counts
from slight import make_slight

from flows.clock import local_day, utc_now
from flows.context import open_control
from flows.keys.rings import store_keys
from flows.readers.query import query_release
from flows.refresh import run_refresh
from flows.settings import Settings, load_settings
from flows.start import start
from governance.agreements import load_agreement
from synthetic import write_extracts
from synthetic.extracts import LOCAL_ONLY
from warehouse import staging
from warehouse.connect import open_store


def _without_names(path: Path) -> None:
    """Agree the NDTMS shape: what only a local export has is not shared."""
    terms = yaml.safe_load(path.read_text())
    for columns in terms["tables"].values():
        columns |= {name.lower(): ["drop"] for name in LOCAL_ONLY if name.lower() in columns}
    path.write_text(yaml.safe_dump(terms))
    digest = load_agreement(path).document_digest
    for signature in terms["signatures"]:
        signature["document_digest"] = digest
    path.write_text(yaml.safe_dump(terms))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("whole") / "partnership"
    write_extracts(400, 11, folder, extras=True, shape="ndtms")
    start(folder, demo=True, today=local_day(utc_now()))
    _without_names(folder / "agreements" / "treatment.yaml")
    settings = load_settings(folder / "partnership.yaml")
    with few_counts(), pytest.MonkeyPatch.context() as patch:
        make_slight(patch)
        run_refresh(settings)
    return settings


def staged(settings: Settings) -> dict[str, int]:
    """Rows of each table of the staging store."""
    with open_control(settings) as control:
        current = control.current_run()
    assert current is not None
    key = store_keys(settings, current.run_id)["staging"]
    path = settings.stores / current.run_id / "staging.duckdb"
    connection = open_store(path, key, read_only=True)
    counts = {}
    for table in staging.TABLES:
        found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert found is not None
        counts[table] = found[0]
    connection.close()
    return counts


def test_every_agreed_table_is_staged_and_a_restricted_one_is_not(whole: Settings) -> None:
    empty = {table for table, rows in staged(whole).items() if rows == 0}
    assert empty == {"police_suspected_drug_death"}
    assert (whole.partner("police").inbox / "suspected_drug_death.csv").exists()


def test_whom_only_an_optional_extract_names_is_in_the_release(whole: Settings) -> None:
    ((records,),) = query_release(whole, "SELECT sum(records) FROM person").rows
    counts = staged(whole)
    naming = [table for table, columns in staging.TABLES.items() if "record_id" in columns]
    assert records == sum(counts[table] for table in naming)


def test_clients_without_names_are_people_of_their_agency(whole: Settings) -> None:
    """One client's episodes stay together by the agency's own number."""
    asked = "SELECT count(*), sum(records) FROM person WHERE known_to_treatment AND partners = 1"
    ((people, records),) = query_release(whole, asked).rows
    assert 0 < people < records
