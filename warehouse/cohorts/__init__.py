"""Cohorts as data: one YAML file each, read and checked here, compiled to SQL in `compile`.

A file says whom it is about, from which day, and what is looked for afterwards::

    cohort: positive_test                    # also the name of the file
    title: From a positive drug test to staying in treatment
    definition: Of adults who …, how many …
    partners: [police, treatment]            # whose dates bound the follow-up
    sources: [police drug_test, treatment episode]
    exclusions: …
    status: exact definition on linked data  # or proxy
    owner: Arrest referral lead
    index: {step: positive_test, title: Tested positive on arrest}
    entry:                                   # every rule must hold on the index day
      - {not_in: structured_treatment}
      - {age_from: 18}
    stages:                                  # each needs the one before, unless it is a part
      - {stage: contact, title: "In contact within {within} days",
         spell: treatment_journey, within: start_long}

========================  ==========================================================================
``index``                 the step (or any of several; with ``detail``, only with those codes) whose
                          day is the index day. A person's first day in a quarter that satisfies
                          every entry rule counts; later ones of the quarter do not.
``in``, ``not_in``        in a spell that began before the day and was open on it
``step``, ``no_step``     in the ``within_days_before`` days before the index day, itself left out
``age_from``              known to be younger (by year of birth) are left out; ``age_below`` takes
                          only those known to be
``within``                within so many days of the day it is counted from (``from``; the index day
                          unless another stage is named), that day included; and on or after the
                          day of the stage before. A step is later than the day of a like step.
``spell`` with within     open on the day, or begun within
``spell`` with lasting    open on the day and still so many days later, or (``or_ended_well``) ended
                          well sooner
``no_step``               none in so many days after; it is reached when they are over
``part``                  some of those who reached ``of`` (the stage before unless named)
========================  ==========================================================================

Days are numbers or names in `policy`. A quarter is reported when the longest path through the
stages lies before the earliest date of the cohort's partners. A partnership's own files, in
``cohorts/`` beside ``partnership.yaml``, are added to the packaged ones and win over them.
"""

from __future__ import annotations

from warehouse.cohorts.compile import cohort_models
from warehouse.cohorts.definition import Cohort
from warehouse.cohorts.read import load_cohorts, read_cohort
from warehouse.cohorts.rows import cohort_tables, funnel_definitions

__all__ = [
    "Cohort",
    "cohort_models",
    "cohort_tables",
    "funnel_definitions",
    "load_cohorts",
    "read_cohort",
]
