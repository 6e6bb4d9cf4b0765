"""Every metric as data: one YAML file each, read and checked here.

A metric counts the rows of a *frame*, a model (``int_…``) with one row per unit and the columns
``person_id``, the date it is counted by, its own categories and whatever its conditions name.
Frames flag and never filter: what is left out is said by the ``where`` of a measure.

===============  ===================================================================================
``window``       ``quarter``: units whose ``dated_by`` lies in a calendar quarter, counted once a
                 quarter; twelve months are the sum of four. ``year``: a stock, counted over the
                 twelve months that end with each quarter; ``dated_by`` is then a column, or
                 ``{from: column, to: column}`` for what was open on at least one day of them.
``take``         ``every`` row, or a person's ``first`` or ``last`` in the window. People are
                 counted once, so a metric whose unit is people takes first or last.
``among``        Optional ``{says, where}``: the rows of the frame that ``take`` takes from.
``by``           At most two columns of the frame; a missing value is ``Not known``. The first is
                 the one by which figures are added up.
``needs``        Optional: those of ``sources`` without whose rows nothing is reported, because a
                 count of nothing would be taken for nought.
``where``        One SQL condition over the frame's columns, the person's ``age_band`` (in the year
                 in which the window ends), ``sex``, ``ethnicity_group`` and ``area``, the window's
                 ``period_start`` and ``period_end``, and ``policy('name')`` for every number of
                 days. It calls functions of one row only (``condition.PURE_FUNCTIONS``).
numerator        What holds of it *and* of the denominator is counted; what a condition does not
                 know (NULL) does not hold.
``lag``          Days after the period's end that follow-up needs: 0, a policy name, or a sum such
                 as ``start_long + effective``.
``target``       Optional ``{value, unit, source, dated}``: to be reached or passed, or with
                 ``at_most: true`` to be reached or stayed below.
===============  ===================================================================================

A metric is reported for a period when its end and the lag lie on or before the earliest date of
the ``partners`` it needs, and its window begins on or after the first day their data are complete
from.
"""

from __future__ import annotations

from warehouse.metrics.definition import LINKAGE_CAVEAT, Measure, Metric
from warehouse.metrics.read import load_metrics, read_metric

__all__ = ["LINKAGE_CAVEAT", "Measure", "Metric", "load_metrics", "read_metric"]
