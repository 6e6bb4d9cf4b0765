"""What a broken rule leads to is data: read whole, laid over the packaged, refused where unfit."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml
from policies import policy_with, severe

from schemas.contract import examine_extract, validate_extract
from schemas.errors import ConfigError, ExtractRejected
from schemas.policy import Policy, load_policy, packaged_policy
from schemas.rules import in_words, rules_of
from schemas.tables import TABLES, find_table

CANARY = "Xanthippe-Quillfeather"
ROWS = 4


def police(rows: int = ROWS, **changed: str | None) -> dict[str, pl.DataFrame]:
    """Valid police tables of the required columns; the second custody record is changed."""
    columns = find_table("police", "custody").columns
    custody = [
        {"custody_ref": f"C{n}", "arrest_date": "2024-01-05", "dob": "1980-05-06"}
        for n in range(1, rows + 1)
    ]
    custody[1] |= changed
    tests = [
        {
            "drug_test_ref": f"T{n}",
            "custody_ref": f"C{n}",
            "test_date": "2024-01-05",
            "result": "NEG",
        }
        for n in range(1, rows + 1)
    ]
    names = [name for name in columns if name in {*custody[0], *changed}]
    return {
        "custody": pl.DataFrame(custody, dict.fromkeys(names, pl.String)),
        "drug_test": pl.DataFrame(tests, dict.fromkeys(tests[0], pl.String)),
    }


def outcomes(frames: dict[str, pl.DataFrame], policy: Policy) -> set[tuple[int, str, str, str]]:
    examined = examine_extract("police", frames, policy=policy)
    found = examined.findings.filter(pl.col("table") == "custody")
    return set(found.select("row", "column", "rule", "outcome").iter_rows())


BROKEN = [
    ({"outcome": "?"}, "outcome", "code_unknown"),
    ({"offence_code": "THEFT"}, "offence_code", "offence_code_malformed"),
    ({"dob": "2024-01-05"}, "dob", "born_after_arrest"),
    ({"pnc_id": "1979/0163001C"}, "pnc_id", "pnc_id_invalid"),
    ({"dob": "05/06/1980"}, "dob", "not_a_date"),
]


@pytest.mark.parametrize(("changed", "column", "rule"), BROKEN, ids=lambda case: str(case))
@pytest.mark.parametrize("severity", ["reject", "quarantine", "empty"])
def test_each_severity_does_what_it_says(changed, column, rule, severity):
    policy = policy_with(severity={"columns": {f"police.custody.{column}": {rule: severity}}})
    frames = police(**changed)
    assert outcomes(frames, policy) == {(2, column, rule, severity)}
    if severity == "reject":
        with pytest.raises(ExtractRejected, match=f"refuse the whole extract .{rule} in {column}"):
            validate_extract("police", frames, policy=policy)
        return
    validated = validate_extract("police", frames, policy=policy)
    if severity == "quarantine":
        assert validated.frames["custody"].height == ROWS - 1
        assert validated.noted.is_empty()
    else:
        assert validated.frames["custody"][column].to_list()[1] is None
        assert validated.frames["custody"].height == ROWS
        assert validated.noted.rows() == [("custody", column, rule, 1)]


@pytest.mark.parametrize(("value", "stays"), [("TH123", True), ("THEFT", False), ("x", False)])
def test_a_value_that_is_only_noted_stays_where_it_looks_like_a_code(value, stays):
    frames = police(offence_code=value)
    validated = validate_extract("police", frames, policy=severe(offence_code_malformed="note"))
    kept = validated.frames["custody"]["offence_code"].to_list()[1]
    assert kept == (value if stays else None)
    assert validated.noted.rows() == [("custody", "offence_code", "offence_code_malformed", 1)]
    assert validated.quarantine.is_empty()


def test_a_word_that_is_no_code_is_not_let_pass_where_one_is_required():
    frames = police()
    frames["drug_test"] = frames["drug_test"].with_columns(result=pl.lit(CANARY))
    policy = policy_with(
        severity={"rules": {"code_unknown": "note"}},
        thresholds={"everyone": {"quarantined": 1.0}},
    )
    validated = validate_extract("police", frames, policy=policy)
    assert validated.quarantined["drug_test"] == ROWS


def test_a_required_value_is_not_emptied_but_its_record_is_quarantined():
    policy = severe(not_a_date="empty")
    frames = police(arrest_date="05/01/2024")
    assert outcomes(frames, policy) == {(2, "arrest_date", "not_a_date", "quarantine")}


def test_a_record_that_breaks_a_rule_once_a_value_is_emptied_is_quarantined():
    """An intervention whose end is emptied would have a way of ending and no end."""
    from schemas.contract import _settled, _Terms

    table = find_table("treatment", "intervention")
    good = {
        "modid": "M1", "agncy": "N0853", "clientid": "K1", "episodid": "E1", "modal": "94",
        "refmoddt": "2024-01-08", "modst": "2024-01-12", "modend": "2024-01-11", "modexit": "A",
    }  # fmt: skip
    frame = pl.DataFrame([{"__row": 1, **dict.fromkeys(table.columns), **good}])
    dates = [name for name, column in table.columns.items() if column.kind == "date"]
    typed = frame.with_columns(pl.col(dates).cast(pl.String).str.to_date("%Y-%m-%d"))
    typed = typed.with_columns(pl.col(pl.Null).cast(pl.String))
    policy = severe(
        intervention_ends_before_start="empty", intervention_end_and_exit_differ="empty"
    )
    undated = pl.DataFrame(schema={"__row": pl.Int64, "column": pl.String, "rule": pl.String})
    _, found = _settled(table, typed, undated, _Terms(None, date(2024, 6, 30), policy))
    assert set(found.select("rule", "outcome").iter_rows()) == {
        ("intervention_ends_before_start", "empty"),
        ("intervention_end_and_exit_differ", "quarantine"),
    }


def test_a_rule_between_two_records_never_empties():
    policy = severe(test_before_arrest="empty", intervention_before_triage="empty")
    intervention = find_table("treatment", "intervention")
    said = policy.severity_of(intervention, "modst", "intervention_before_triage")
    assert said == "quarantine" and not intervention.columns["modst"].required
    frames = police()
    late = pl.when(pl.col("custody_ref") == "C2").then(pl.lit("2024-01-04"))
    frames["drug_test"] = frames["drug_test"].with_columns(
        late.otherwise("test_date").alias("test_date")
    )
    examined = examine_extract("police", frames, policy=policy)
    assert examined.findings.rows() == [
        ("drug_test", 2, "test_date", "test_before_arrest", "quarantine")
    ]


def test_an_identifier_may_cost_the_record_by_policy():
    frames = police(pnc_id="1979/0163001C")
    validated = validate_extract("police", frames, policy=severe(pnc_id_invalid="quarantine"))
    assert validated.quarantined == {
        **dict.fromkeys(validated.rows, 0),
        "custody": 1,
        "drug_test": 1,
    }
    assert validated.noted.is_empty()


def test_the_share_that_stops_an_extract_is_a_partners_own():
    frames = police(outcome="?")
    assert validate_extract("police", frames).quarantined["custody"] == 1
    strict = policy_with(thresholds={"partners": {"police": {"quarantined": 0.2}}})
    with pytest.raises(ExtractRejected, match="Of 4 rows of the police custody table, 1 are"):
        validate_extract("police", frames, policy=strict)
    other = policy_with(thresholds={"partners": {"housing": {"quarantined": 0.2}}})
    assert validate_extract("police", frames, policy=other).quarantined["custody"] == 1


def test_a_column_whose_values_are_nearly_all_unusable_stops_the_extract():
    frames = police(rows=60, pnc_id="x")
    frames["custody"] = frames["custody"].with_columns(pnc_id=pl.lit(CANARY))
    with pytest.raises(
        ExtractRejected, match="Of 60 values of pnc_id in the police cust"
    ) as caught:
        validate_extract("police", frames)
    assert CANARY not in str(caught.value)
    few = {name: frame.head(49) for name, frame in frames.items()}
    assert validate_extract("police", few).frames["custody"].height == 49


def test_what_is_refused_is_still_told_row_by_row():
    frames = police()
    frames["custody"] = frames["custody"].with_columns(outcome=pl.lit(CANARY))
    examined = examine_extract("police", frames)
    assert len(examined.refusals) == 1 and "custody" in examined.refusals[0]
    assert examined.validated.quarantined["custody"] == ROWS
    assert CANARY not in examined.findings.write_csv() and CANARY not in examined.refusals[0]
    with pytest.raises(ExtractRejected):
        examined.usable()


def test_a_part_of_an_extract_can_be_looked_at_alone():
    tests = {"drug_test": police()["drug_test"]}
    with pytest.raises(ExtractRejected, match="lacks custody"):
        examine_extract("police", tests)
    examined = examine_extract("police", tests, whole=False)
    assert examined.findings.is_empty() and set(examined.validated.frames) == {"drug_test"}


def written(folder: Path, content: object) -> Path:
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_partnerships_own_lines_are_laid_over_the_packaged(tmp_path):
    assert load_policy(tmp_path / "policy.yaml") == load_policy(None) == packaged_policy()
    own = load_policy(
        written(
            tmp_path,
            {
                "severity": {"rules": {"nino_invalid": "quarantine"}},
                "drift": {"partners": {"police": {"rows": {"warn": 0.5}}}},
            },
        )
    )
    person = find_table("housing", "person")
    assert own.severity_of(person, "nino", "nino_invalid") == "quarantine"
    assert own.severity_of(person, "postcode", "postcode_invalid") == "empty"
    assert own.drift_of("police").rows.warn == 0.5
    assert own.drift_of("police").rows.stop == packaged_policy().drift_of("police").rows.stop
    assert own.drift_of("housing") == packaged_policy().drift_of("housing")


def test_a_policy_that_changed_is_read_again(tmp_path):
    import os

    person = find_table("housing", "person")
    path = written(tmp_path, {"severity": {"rules": {"nino_invalid": "quarantine"}}})
    assert load_policy(path).severity_of(person, "nino", "nino_invalid") == "quarantine"
    path = written(tmp_path, {"severity": {"rules": {"nino_invalid": "reject"}}})
    os.utime(path, ns=(1, 1))
    assert load_policy(path).severity_of(person, "nino", "nino_invalid") == "reject"


UNFIT = [
    ({"surprise": CANARY}, "`surprise` is not a key"),
    (
        {"severity": {"rules": {"nino_wrong": "empty"}}},
        "`severity.rules.nino_wrong` does not exist",
    ),
    ({"severity": {"rules": {"nino_invalid": CANARY}}}, "`severity.rules.nino_invalid` is not one"),
    ({"severity": {"rules": {"nino_invalid": "note"}}}, "must be reject, quarantine or empty"),
    ({"severity": {"rules": {"duplicate_key": "note"}}}, "must be reject or quarantine"),
    ({"severity": {"rules": {"data_without_consent": "empty"}}}, "must be reject or quarantine"),
    ({"severity": {"default": "note"}}, "`severity.default`"),
    ({"severity": {"kinds": {"dob": {"nonsense": "empty"}}}}, "kinds.dob.nonsense` does not exist"),
    ({"severity": {"kinds": {"colour": {}}}}, "`severity.kinds.colour` does not exist"),
    ({"severity": {"columns": {"police.custody.x": {}}}}, "columns.police.custody.x` does not"),
    (
        {"severity": {"columns": {"police.custody.dob": {"nino_invalid": "empty"}}}},
        "columns.police.custody.dob.nino_invalid` does not exist",
    ),
    (
        {"thresholds": {"everyone": {"quarantined": 2}}},
        "thresholds.everyone.quarantined` is larger",
    ),
    (
        {"thresholds": {"partners": {"police": {"quarantined": CANARY}}}},
        "limits for police that do",
    ),
    ({"thresholds": {"partners": {"fire": {}}}}, "a partner under `partners` that does not exist"),
    ({"thresholds": {"everyone": {"quarantined": True}}}, "thresholds.everyone.quarantined`"),
    ({"drift": {"everyone": {"deliveries": True}}}, "drift.everyone.deliveries`"),
    ({"drift": {"everyone": {"rows": {"warn": 0.9, "stop": 0.1}}}}, "`warn` that is beyond"),
    ({"drift": {"accepted": [CANARY]}}, "drift.accepted"),
    (
        {"drift": {"everyone": {"vanished_column": "shout"}}},
        "drift.everyone.vanished_column` is not",
    ),
]


@pytest.mark.parametrize(("content", "said"), UNFIT, ids=lambda case: str(case)[:60])
def test_a_policy_that_does_not_fit_is_refused_by_its_key(content, said, tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_policy(written(tmp_path, content))
    assert said in caught.value.problem
    assert CANARY not in str(caught.value)


def test_a_rule_that_a_column_does_not_have_is_told_once(tmp_path):
    severity = {"columns": {"housing.person.nino": {"parent_missing": "note"}}}
    with pytest.raises(ConfigError) as caught:
        load_policy(written(tmp_path, {"severity": severity}))
    assert caught.value.problem.count("parent_missing") == 1


def test_the_packaged_policy_fits_and_says_something_of_every_rule():
    from schemas import policy as module

    module._refuse_unfit(packaged_policy(), "policy.yaml")
    for tables in TABLES.values():
        for table in tables:
            for column, rule, asks in rules_of(table):
                assert packaged_policy().severity_of(table, column, rule)
                assert not asks[0].islower() and asks.endswith(".")
                assert asks != in_words(rule), "each rule says what it asks for"


# Rules whose names say all there is to say; a new one is given a wording or put here knowingly.
SAID_BY_NAME: frozenset[str] = frozenset()


def test_every_rule_has_a_wording_of_its_own():
    asked = {
        rule: asks
        for some in TABLES.values()
        for table in some
        for _, rule, asks in rules_of(table)
    }
    bare = {rule for rule, asks in asked.items() if asks == in_words(rule)}
    assert bare == SAID_BY_NAME
    assert all(asks.endswith(".") for asks in asked.values())


def test_a_policy_may_name_the_rules_that_a_code_list_of_its_own_makes(tmp_path):
    own = tmp_path / "policy.yaml"
    column = "treatment.episode.disrsn"
    given = dict.fromkeys(("code_unknown_passed", "code_not_in_force_passed"), "quarantine")
    own.write_text(f"severity: {{columns: {{{column}: {json.dumps(given)}}}}}\n", "utf-8")
    policy = load_policy(own)
    assert policy.severity.columns[column] == given


@pytest.mark.parametrize("where", ["rules", "columns: {treatment.episode.consent"])
def test_a_policy_says_nothing_of_a_person_s_refusal(tmp_path, where):
    own = tmp_path / "policy.yaml"
    closing = "}" * (where.count("{") + 2)
    own.write_text(f"severity: {{{where}: {{no_consent: note{closing}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="no_consent` does not exist"):
        load_policy(own)
