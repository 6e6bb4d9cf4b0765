"""The board paper: a tagged PDF of the same sentences and tables, the same bytes each time."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pack as packs
import polars as pl
import pytest
from leak_scan import Needles, scan_bytes
from pdf_text import streams, texts

from schemas.errors import StoreError
from warehouse.publish.pack import empty
from warehouse.publish.report import indicators, paper, render_page, render_paper
from warehouse.publish.report.compose import compose
from warehouse.publish.report.content import Part


def objects(pdf: bytes) -> bytes:
    """A PDF with what it holds compressed laid open."""
    return b"\n".join([pdf, *streams(pdf)])


def parts() -> list[Part]:
    """Every part of the report that paper has room for: none of a single outcome."""
    return [part for section in compose(packs.pack()).sections for part in section.parts]


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render_paper(packs.pack())


def test_it_declares_itself_accessible_and_is_tagged(pdf: bytes) -> None:
    opened = objects(pdf)
    assert pdf.startswith(b"%PDF-1.7")
    assert b"pdfuaid:part>1<" in opened
    assert re.search(rb"/Marked true", opened) and b"/Lang" in opened
    tables = sum(part.grid is not None and part.is_set for part in parts())
    assert len(re.findall(rb"/S\s*/Table\b", opened)) >= tables
    assert opened.count(b"/S/TH") + opened.count(b"/S /TH") > tables


def test_each_chart_is_described(pdf: bytes) -> None:
    opened = objects(pdf)
    charts = sum(part.chart is not None and part.is_set for part in parts())
    assert len(re.findall(rb"/S\s*/Figure\b", opened)) == charts > 1
    assert len(re.findall(rb"/Alt\b", opened)) >= charts


def test_the_same_pack_makes_the_same_bytes(pdf: bytes) -> None:
    assert render_paper(packs.pack()) == pdf


def test_its_words_can_be_read(pdf: bytes) -> None:
    read = [" ".join(text.split()) for text in texts(pdf)]
    for said in ("about 120 people in April to June 2026", "In contact with a treatment service"):
        assert any(said in text for text in read)


def test_a_value_in_it_would_be_found() -> None:
    """In its text, in the description of a chart and in what the file says of itself."""
    value = "QQ123456C"
    funnel = packs.tables()["funnel"].with_columns(step=pl.lit(f"Step {value}"))
    for leaking in (
        packs.pack(tables={**packs.tables(), "funnel": funnel}),
        packs.pack(partnership=value),
        packs.pack(notes=(f"A note on {value}.",)),
    ):
        assert scan_bytes(render_paper(leaking), Needles([value])) == {value}
    assert scan_bytes(render_paper(packs.pack()), Needles([value])) == set()


def words(told: Any) -> Iterator[str]:
    """Every text that the template is given, but the drawings."""
    if isinstance(told, str):
        yield told
    elif isinstance(told, dict):
        for name, value in told.items():
            if name not in ("svg", "author", "caption", "subtitle"):
                yield from words(value)
    elif isinstance(told, list):
        for value in told:
            yield from words(value)


def test_the_paper_says_nothing_that_the_page_does_not() -> None:
    """So whoever looks through the page for a value has looked through the paper."""
    whole = packs.pack()
    page = render_page(whole)
    page = html.unescape(page + re.sub(r"<[^>]+>", "", page))
    said = set(words(paper._told(whole, compose(whole)))) - {
        word for row in paper.ANNEX for word in row
    }
    assert len(said) > 100
    assert {one for one in said if one not in page} == {indicators.OTHERS, indicators.WITHOUT}


def test_the_paper_of_a_full_pack_is_short_enough_for_a_committee() -> None:
    """As many measures, groups and indicators as a partnership that publishes everything has."""
    tables = dict(packs.tables())
    for name, column, many in (("outcomes", "metric", 20), ("framework", "place", 45)):
        kind = tables[name].schema[column]
        tables[name] = pl.concat(
            tables[name].with_columns(
                (pl.col(column).cast(pl.String) + str(place)).cast(kind).alias(column)
            )
            for place in range(many)
        )
    pages = re.findall(rb"/Type\s*/Page\b", objects(render_paper(packs.pack(tables=tables))))
    assert 6 < len(pages) <= 15


def test_a_column_of_sentences_has_the_room_that_it_needs() -> None:
    sentence = "What to bear in mind about this row, said in a sentence of its own, and another."
    assert paper._wordy([("Arrests", "5", sentence), ("Tests", "10", sentence)]) == [2]


def test_a_pack_of_nothing_is_still_a_paper() -> None:
    nothing = {name: empty(name) for name in packs.tables()}
    assert render_paper(packs.pack(tables=nothing, releases=(), definitions=()))


def test_what_a_partnership_is_called_is_text_not_markup() -> None:
    assert render_paper(packs.pack(partnership='#panic("no") *A* $x$ @nobody <label> \\'))


def test_what_cannot_be_set_is_refused_without_a_word_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = packs.pack()
    told = paper._told(whole, compose(whole))
    told["sections"][0]["parts"][0]["chart"]["says"] = None  # a chart nobody could hear
    monkeypatch.setattr(paper, "_told", lambda *_: told)
    with pytest.raises(StoreError, match="accessible PDF") as refused:
        render_paper(whole)
    assert refused.value.__cause__ is None
