"""From a cohort's file to SQL: one model a cohort, and two that bring all cohorts together.

``int_cohort_<cohort>``   one row per person and quarter: the index day and the day each stage was
                          reached
``int_cohort``            all of them, the days in a list whose first is the index day
``int_time_to_event``     per cohort, stage and person: the day counted from, and the event
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from warehouse.cohorts.definition import INDEX, Cohort, Entry, Stage
from warehouse.cohorts.vocabulary import Vocabulary, vocabulary
from warehouse.models import Model, reads

FOREVER: Final = "DATE '9999-12-31'"

# Gives the columns, where no stage has a time to tell.
_NO_EVENT: Final = (
    "SELECT NULL::VARCHAR AS cohort, NULL::VARCHAR AS stage, NULL::VARCHAR AS person_id, "
    "NULL::DATE AS start_date, NULL::DATE AS event_date, FALSE AS is_good_end WHERE FALSE"
)


def cohort_models(cohorts: Sequence[Cohort]) -> tuple[Model, ...]:
    """Compile cohorts into intermediate models.

    Returns:
        One a cohort, then ``int_cohort`` and ``int_time_to_event``.
    """
    words = vocabulary()
    together = "\nUNION ALL\n"
    members = [
        _model(
            _table(one),
            "One row per person and quarter.",
            index_sql(one, words),
            "unique person_id, quarter_start",
            f"rows = SELECT count(DISTINCT (person_id, date_trunc('quarter', index_date))) "
            f"FROM {_entered(one, words)}",
        )
        for one in cohorts
    ]
    days = _model(
        "int_cohort",
        "One row per cohort, person and quarter: the days of the stages, the index day first.",
        together.join(_all_stages(one) for one in cohorts),
        "unique cohort, person_id, quarter_start",
        "not_null cohort, person_id, quarter_start, index_date, reached",
    )
    times = _model(
        "int_time_to_event",
        "One row per cohort, stage and person: the day counted from, and that of the event.",
        together.join(event_sql(one, words) for one in cohorts),
        "unique cohort, stage, person_id",
        "not_null cohort, stage, person_id, start_date, is_good_end",
        "holds event_date IS NULL OR event_date >= start_date",
    )
    return (*members, days, times)


def index_sql(cohort: Cohort, words: Vocabulary) -> str:
    """Return the SELECT of a cohort's people: index days, and the day each stage was reached."""
    needed = cohort.needed()
    parts = [
        f"entered AS (SELECT candidate.* FROM {_entered(cohort, words)})",
        "member AS (SELECT person_id, date_trunc('quarter', index_date)::DATE AS quarter_start, "
        f"min(index_date) AS {INDEX}_date FROM entered GROUP BY ALL)",
    ]
    before = "member"
    for number, stage in enumerate(cohort.stages):
        found = f"found_{number}"
        day, follows = _reached(cohort, stage, needed[stage.stage], words)
        parts += [
            f"{found} AS (SELECT prior.person_id, prior.index_date, {day} AS day "
            f"FROM {before} AS prior {follows} GROUP BY ALL)",
            f"stage_{number} AS (SELECT prior.*, {found}.day AS {_column(stage.stage)} "
            f"FROM {before} AS prior LEFT JOIN {found} USING (person_id, index_date))",
        ]
        before = f"stage_{number}"
    return "WITH " + ",\n".join(parts) + f"\nSELECT * FROM {before}"


def _entered(cohort: Cohort, words: Vocabulary) -> str:
    """Return the days that satisfy a cohort's entry rules, as what follows FROM."""
    rules = "".join(f" AND {_rule(rule, words)}" for rule in cohort.entry)
    return (
        "(SELECT DISTINCT person_id, step_date AS index_date FROM int_step "
        f"WHERE {_is_step(cohort.index.step, cohort.index.detail)}) AS candidate "
        "INNER JOIN int_person AS who USING (person_id) "
        f"WHERE candidate.index_date <= coalesce(who.death_date, candidate.index_date){rules}"
    )


def _reached(cohort: Cohort, stage: Stage, needed: str, words: Vocabulary) -> tuple[str, str]:
    """Return the day a stage is reached, and the joins and conditions under which it is."""
    start, after = f"prior.{_column(stage.from_)}", f"prior.{_column(needed)}"
    # A missing day would be passed over by greatest(), so both must be there.
    known = f"{start} IS NOT NULL AND {after} IS NOT NULL"
    earliest = f"greatest({start}, {after})"
    last = f"{start} + {words.days(stage.days)}"
    if stage.step:
        later = [
            f"found.step_date > prior.{_column(name)}"
            for name, steps in cohort.steps().items()
            if name in {stage.from_, needed} and set(steps) & set(stage.step)
        ]
        conditions = [
            _is_step(stage.step, stage.detail, "found"),
            known,
            f"found.step_date BETWEEN {earliest} AND {last}",
            *later,
        ]
        return "min(found.step_date)", _join("int_step", conditions)
    if stage.no_step:
        return f"any_value({last})", (
            f"INNER JOIN int_person AS who USING (person_id) WHERE {known} "
            f"AND {after} <= {last} AND coalesce(who.death_date >= {last}, TRUE) "
            "AND NOT EXISTS (SELECT 1 FROM int_step AS found "
            "WHERE found.person_id = prior.person_id "
            f"AND {_is_step(stage.no_step, stage.detail, 'found')} "
            f"AND found.step_date > {start} AND found.step_date <= {last})"
        )
    end = f"coalesce(found.end_date, {FOREVER})"
    if stage.in_:
        day = f"min({earliest})"
        conditions = [_is_spell(stage.in_, stage.detail), known]
        return day, _join("int_spell", [*conditions, *_open_before(start, end)])
    spell = [_is_spell(stage.spell or (), stage.detail), known]
    if stage.lasting is None:
        conditions = [
            f"found.start_date <= {last}",
            f"{earliest} <= {last}",
            f"{end} >= {earliest}",
        ]
        return f"min(greatest(found.start_date, {earliest}))", _join(
            "int_spell", spell + conditions
        )
    stayed = f"{end} >= {last}"
    well = f"({stayed} OR found.ended_well)" if stage.or_ended_well else stayed
    conditions = [
        f"found.start_date <= {start}",
        f"{end} >= {start}",
        well,
        f"least({end}, {last}) >= {after}",
    ]
    return f"min(least({end}, {last}))", _join("int_spell", spell + conditions)


def event_sql(cohort: Cohort, words: Vocabulary) -> str:
    """Return the SELECT of a cohort's times: per stage and person, the day counted from, the event.

    The event is the step or spell that the stage looks for, the step that it wants not to happen,
    or the end of the spell that it wants to last, however late. Each person counts once, from their
    first index day; a stage counted from another has only those who reached that one, and one that
    wants a spell to last only those who are in it.
    """
    timed = [_event(cohort, stage, words) for stage in cohort.stages if not stage.in_]
    return "\nUNION ALL\n".join([_NO_EVENT, *timed])


def _event(cohort: Cohort, stage: Stage, words: Vocabulary) -> str:
    """Return the times of one stage."""
    first = (
        f"(SELECT person_id, {_column(stage.from_)} AS start_date FROM {_table(cohort)} "
        "WHERE quarter_start >= (SELECT min(start_date) FROM int_cohort_quarter "
        f"WHERE cohort = '{cohort.cohort}' AND reason IS DISTINCT FROM 'before the data') "
        "QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY index_date) = 1)"
    )
    join, good = "LEFT", "FALSE"
    if stage.step or stage.no_step:
        table, date = "int_step", "min(found.step_date)"
        steps = stage.step or stage.no_step or ()
        # What is wanted may come on the day itself; what is not, and a like step, come after it.
        like = set(cohort.steps().get(stage.from_, ())) & set(steps)
        later = ">" if stage.no_step or like else ">="
        conditions = [
            _is_step(steps, stage.detail, "found"),
            f"found.step_date {later} prior.start_date",
        ]
    else:
        table, end = "int_spell", f"coalesce(found.end_date, {FOREVER})"
        conditions = [_is_spell(stage.spell or (), stage.detail), f"{end} >= prior.start_date"]
        # Where no spell was found, greatest() would give the first day itself.
        date = (
            "min(greatest(found.start_date, prior.start_date)) "
            "FILTER (found.start_date IS NOT NULL)"
        )
        if stage.lasting is not None:
            join, date = "INNER", f"nullif(max({end}), {FOREVER})"
            conditions.append("found.start_date <= prior.start_date")
            if stage.or_ended_well:
                well = "coalesce(found.ended_well, FALSE)"
                good = f"arg_max({well}, ({end}, {well}))"
    return (
        f"SELECT '{cohort.cohort}' AS cohort, '{stage.stage}' AS stage, prior.person_id, "
        f"prior.start_date, {date} AS event_date, {good} AS is_good_end FROM {first} AS prior "
        f"{join} JOIN {table} AS found ON found.person_id = prior.person_id AND "
        f"{' AND '.join(conditions)} WHERE prior.start_date IS NOT NULL GROUP BY ALL"
    )


def _rule(rule: Entry, words: Vocabulary) -> str:
    """Return one entry rule as a condition on a candidate index day."""
    if rule.in_ or rule.not_in:
        known = [
            "found.person_id = candidate.person_id",
            _is_spell(rule.in_ or rule.not_in or (), rule.detail),
            *_open_before("candidate.index_date", f"coalesce(found.end_date, {FOREVER})"),
        ]
        return _exists("int_spell", known, wanted=bool(rule.in_))
    if rule.step or rule.no_step:
        days = words.days(rule.within_days_before or 0)
        known = [
            "found.person_id = candidate.person_id",
            _is_step(rule.step or rule.no_step or (), rule.detail, "found"),
            f"found.step_date >= candidate.index_date - {days}",
            "found.step_date < candidate.index_date",
        ]
        return _exists("int_step", known, wanted=bool(rule.step))
    # Only the year of birth is known: the age is that reached in the year of the index day.
    age = "(year(candidate.index_date) - who.birth_year)"
    if rule.age_from is not None:
        return f"coalesce({age} >= {rule.age_from}, TRUE)"
    if rule.age_below is not None:
        return f"coalesce({age} < {rule.age_below}, FALSE)"
    for column in ("sex", "ethnicity_group"):
        if wanted := getattr(rule, column):
            return f"coalesce(who.{column} IN ({_listed(wanted)}), FALSE)"
    return f"coalesce(who.area IN ({_listed(rule.area or ())}), FALSE)"


def _all_stages(cohort: Cohort) -> str:
    columns = ", ".join(_column(name) for name in (INDEX, *(s.stage for s in cohort.stages)))
    return (
        f"SELECT '{cohort.cohort}' AS cohort, person_id, quarter_start, index_date, "
        f"[{columns}] AS reached FROM {_table(cohort)}"
    )


def _exists(table: str, conditions: Iterable[str], *, wanted: bool) -> str:
    """Return whether a table has (or has not) a row for which some conditions hold."""
    negated = "" if wanted else "NOT "
    return f"{negated}EXISTS (SELECT 1 FROM {table} AS found WHERE {' AND '.join(conditions)})"


def _join(table: str, conditions: Iterable[str]) -> str:
    """Return a join with a person's rows of a table for which some conditions hold."""
    return (
        f"INNER JOIN {table} AS found ON found.person_id = prior.person_id "
        f"WHERE {' AND '.join(conditions)}"
    )


def _open_before(day: str, end: str) -> tuple[str, str]:
    """Return that a spell began before a day and was open on it."""
    return f"found.start_date < {day}", f"{end} >= {day}"


def _is_step(steps: Sequence[str], detail: Sequence[str] | None, alias: str = "int_step") -> str:
    of = f" AND list_has_any({alias}.details, [{_listed(detail)}])" if detail else ""
    return f"{alias}.step IN ({_listed(steps)}){of}"


def _is_spell(spells: Sequence[str], detail: Sequence[str] | None) -> str:
    of = f" AND found.detail IN ({_listed(detail)})" if detail else ""
    return f"found.spell_type IN ({_listed(spells)}){of}"


def _listed(values: Iterable[str]) -> str:
    """Return texts as SQL literals."""
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def _column(stage: str) -> str:
    """Return the column that holds the day a stage was reached."""
    return f"{stage}_date"


def _table(cohort: Cohort) -> str:
    return f"int_cohort_{cohort.cohort}"


def _model(name: str, description: str, sql: str, *checks: str) -> Model:
    return Model(name, "intermediate", description, sql, {}, checks, reads(sql))
