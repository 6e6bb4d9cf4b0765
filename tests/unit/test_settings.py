"""partnership.yaml: read whole, refused with the key at fault, never with its value."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from flows.build import given_of
from flows.settings import Settings, load_settings, locate
from governance.keys.custody import EnvironmentSource, FileSource
from schemas.errors import ConfigError

CANARY = "Xanthippe-Quillfeather"


def written(folder: Path, **changes: object) -> Path:
    content: dict[str, object] = {
        "partnership": "A partnership",
        "purpose": "journeys",
        "keys": {
            "identifier": "keys/identifier.key",
            "store": "keys/store.key",
            "release": "env:RELEASE_KEY",
        },
        "control_database": "sqlite:///control.db",
        "partners": {"police": {"inbox": "inbox/police", "agreement": "agreements/police.yaml"}},
    }
    content.update(changes)
    path = folder / "partnership.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not ...}))
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    settings = load_settings(written(tmp_path))
    assert settings.keys.store == FileSource(tmp_path / "keys/store.key")
    assert settings.keys.release == EnvironmentSource("RELEASE_KEY")
    assert settings.keys.named == ("identifier", "store", "release")
    assert settings.partner("police").inbox == tmp_path / "inbox/police"
    url = settings.control_database.get_secret_value()
    assert url == f"sqlite:///{tmp_path / 'control.db'}"
    assert settings.disclosure.threshold == 5
    assert settings.keep_releases == 5


def test_the_packaged_model_is_used_unless_another_is_named(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path)).model is None
    named = load_settings(written(tmp_path, model="models/ours.json"))
    assert named.model == tmp_path / "models" / "ours.json"


def test_spark_is_told_what_it_is_to_know_as_texts(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path)).engine == "duckdb"
    said = {"spark.master": "yarn", "spark.sql.shuffle.partitions": 200, "spark.ui.enabled": True}
    settings = load_settings(written(tmp_path, engine="spark", spark=said))
    assert settings.engine == "spark"
    assert settings.spark == {
        "spark.master": "yarn",
        "spark.sql.shuffle.partitions": "200",
        "spark.ui.enabled": "true",
    }


@pytest.mark.parametrize(
    "url", ["sqlite:////var/lib/control.db", "sqlite:///:memory:", "postgresql+psycopg://u:p@h/d"]
)
def test_other_database_urls_are_left_as_they_are(tmp_path: Path, url: str) -> None:
    settings = load_settings(written(tmp_path, control_database=url))
    assert settings.control_database.get_secret_value() == url


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, control_database=f"postgresql://u:{CANARY}@h/d"))
    assert CANARY not in repr(settings) and CANARY not in str(settings)
    assert CANARY not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"surprise": CANARY}, "surprise"),
        ({"keys": {"identifier": "a.key", "release": "c.key"}}, "keys.store"),
        ({"keys": {"identifier": "a.key", "store": "a.key", "release": "c.key"}}, "keys"),
        ({"keys": {"store": "b.key", "release": "c.key", "other": CANARY}}, "keys.other"),
        ({"keys": {"store": ["b.key", CANARY], "release": "c.key"}}, "keys.store"),
        ({"keys": {"store": "b.key", "release": "c.key"}}, "keys.identifier"),
        ({"purpose": ...}, "purpose"),
        ({"purpose": f"{CANARY} and more"}, "purpose"),
        ({"control_database": CANARY}, "control_database"),
        ({"partners": {}}, "partners"),
        ({"partners": {"police": {"inbox": "x"}}}, "partners.police.agreement"),
        ({"disclosure": {"threshold": 2}}, "disclosure.threshold"),
        ({"keep_releases": 0}, "keep_releases"),
        ({"keep_releases": True}, "keep_releases"),
        ({"demonstration": CANARY}, "demonstration"),
    ],
)
def test_a_fault_names_its_key_and_not_its_value(
    tmp_path: Path, changes: dict[str, object], key: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(tmp_path, **changes))
    assert f"`{key}`" in str(caught.value)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"partnership: [{CANARY}\n", "line"),
        ("", "no keys"),
        (f"- {CANARY}\n", "no keys"),
        (f"purpose: a\npurpose: {CANARY}\n", "line 2"),
        (f"purpose: !!python/object/apply:os.system ['{CANARY}']\n", "line 1"),
    ],
)
def test_a_file_that_is_not_yaml_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "partnership.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert said in str(caught.value)
    assert CANARY not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no partnership\.yaml"):
        load_settings(tmp_path / "partnership.yaml")
    (tmp_path / "partnership.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_settings(tmp_path / "partnership.yaml")


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path))
    with pytest.raises(ValueError, match="frozen"):
        settings.purpose = "other"  # type: ignore[misc]
    assert isinstance(settings, Settings)


def test_the_file_is_found_by_option_then_variable_then_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOURNEYS_CONFIG", raising=False)
    assert locate(None) == Path("partnership.yaml")
    monkeypatch.setenv("JOURNEYS_CONFIG", str(tmp_path / "elsewhere.yaml"))
    assert locate(None) == tmp_path / "elsewhere.yaml"
    assert locate(tmp_path / "given.yaml") == tmp_path / "given.yaml"


def test_a_partners_system_is_named_or_not(tmp_path: Path) -> None:
    police = {"inbox": "inbox/police", "agreement": "agreements/police.yaml"}
    assert load_settings(written(tmp_path)).partner("police").system is None
    named = load_settings(written(tmp_path, partners={"police": {**police, "system": "niche"}}))
    assert named.partner("police").system == "niche"
    assert named.mappings is None
    (tmp_path / "mappings").mkdir()
    assert named.mappings == tmp_path / "mappings"


@pytest.mark.parametrize("system", [f"../{CANARY}", "", "a/b", "Niche RMS", 7])
def test_a_system_is_a_plain_name(tmp_path: Path, system: object) -> None:
    police = {"inbox": "i", "agreement": "a", "system": system}
    with pytest.raises(ConfigError, match=r"`partners\.police\.system`") as caught:
        load_settings(written(tmp_path, partners={"police": police}))
    assert CANARY not in str(caught.value)


def test_what_is_said_of_the_warehouse_reaches_its_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partners = {
        "police": {"inbox": "in", "agreement": "a.yaml", "data_from": date(2025, 4, 1)},
        "treatment": {"inbox": "in", "agreement": "b.yaml", "complete_to": date(2026, 6, 30)},
        "housing": {"inbox": "in", "agreement": "c.yaml", "cadence_days": 38},
    }
    path = written(tmp_path, partners=partners, restricted_metrics=["deaths_in_treatment"])
    monkeypatch.setattr("flows.build.clock_key", lambda _: b"a key that is none")
    given = given_of(load_settings(path), [])
    assert not given.exact_dates
    assert given.data_from == {"police": date(2025, 4, 1)}
    assert given.complete_to == {"treatment": date(2026, 6, 30)}
    assert given.cadence_days == {"housing": 38}
    assert given.restricted_metrics == {"deaths_in_treatment"}
    assert given.cohorts is None and given.population is None


def test_a_first_day_that_is_none_is_named(tmp_path: Path) -> None:
    partners = {"police": {"inbox": "in", "agreement": "a.yaml", "data_from": CANARY}}
    with pytest.raises(ConfigError) as caught:
        load_settings(written(tmp_path, partners=partners))
    assert "`partners.police.data_from`" in caught.value.problem
    assert CANARY not in str(caught.value)
