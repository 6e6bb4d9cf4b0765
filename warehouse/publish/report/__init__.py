"""The pack as the board reads it: a page for browsers and a paper for committees.

Both are written from one ``Report``, which ``compose`` makes of a ``Pack``: the same sentences,
charts and tables, from published figures alone.
"""

from warehouse.publish.report.compose import headlines
from warehouse.publish.report.page import render_page
from warehouse.publish.report.paper import render_paper

__all__ = ["headlines", "render_page", "render_paper"]
