"""What is due is deleted everywhere, with a receipt, and what is left goes on being consistent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from asking import dump
from every_byte import Gone, found_in

from flows.contribution import remove_partner
from flows.refresh import run_refresh
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from conftest import Partnership

LEFT = "the partner left the partnership"


def without(partnership: Partnership, partner: str) -> None:
    """partnership.yaml without a partner."""
    text = re.sub(rf"\n  {partner}: \{{inbox.*", "", partnership.config.read_text())
    text = re.sub(rf"\b{partner}, ", "", text)
    assert f"  {partner}:" not in text
    partnership.config.write_text(text)


def numbers_of(partnership: Partnership, partner: str) -> set[int]:
    """Record ids, encodings and marks that only a partner's records have."""
    identity = dump(partnership, "identity")
    own, others = set[int](), set[int]()
    for table, place in (("encoded_record", 1), ("mark", 1)):
        for row in identity[table]:
            (own if row[place] == partner else others).update(
                one for one in row if isinstance(one, int) and abs(one) > 1 << 32
            )
    return own - others


@pytest.mark.usefixtures("slight")
def test_a_partner_that_left_is_in_no_byte_and_the_rest_goes_on(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = numbers_of(ran, "police")
    before = {int(str(one)): person for one, person in ran.record_person()}
    own = {row[0] for row in dump(ran, "identity")["mark"] if row[1] == "police"}
    theirs = {str(person) for one, person in before.items() if one in own}
    alone = theirs - {str(person) for one, person in before.items() if one not in own}
    gone = Gone(alone, set(sorted(numbers)[:40]) | set(sorted(own)[:40]))
    assert len(own) > 50 and alone and len(found_in(ran.settings, gone)) >= 2
    with pytest.raises(ConfigError, match="still names police"):
        remove_partner(ran.settings, "police", LEFT)
    without(ran, "police")
    with pytest.raises(ConfigError, match="journeys retention remove-partner police"):
        run_refresh(ran.settings)
    kept = ran.kept()
    looked = remove_partner(ran.settings, "police", LEFT, preview=True)
    assert looked.records == len(own) and looked.people == len(alone) and ran.kept() == kept
    assert looked.tables["police_custody"] > 50 and looked.releases == 1
    assert remove_partner(ran.settings, "police", LEFT) == looked
    assert found_in(ran.settings, gone) == {}
    assert not list((ran.folder / "releases").iterdir())
    assert not list((ran.folder / "inbox" / "police").iterdir())
    report = run_refresh(ran.settings)
    assert report["partners"].keys() == {"probation", "treatment", "housing"}
    after = {int(str(one)): person for one, person in ran.record_person()}
    assert after.keys() == before.keys() - own
    assert {after[one] for one in after} <= {before[one] for one in after} | set(after.values())
    same = sum(after[one] == before[one] for one in after)
    assert same > 0.9 * len(after)
    assert found_in(ran.settings, gone) == {}
    with pytest.raises(ConfigError, match="Nothing is staged"):
        remove_partner(ran.settings, "police", LEFT)
