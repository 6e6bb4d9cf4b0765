"""Lists of opt-outs, given again and again: who is on the newest list is in no table."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from asking import rows_of, write_rows

from flows.context import open_control
from flows.refresh import run_refresh
from flows.rights.opt_out import opt_out
from governance.agreements import load_agreement
from schemas.errors import ExtractRejected

if TYPE_CHECKING:
    from conftest import Partnership

    from flows.rights.requests import Answered


def opt_outs_apply(partnership: Partnership) -> None:
    """Have it agreed and signed that opt-outs are applied here to what treatment shares."""
    path = partnership.folder / "agreements" / "treatment.yaml"
    content = yaml.safe_load(path.read_text())
    content["law"]["opt_out"] = "applied_here"
    path.write_text(yaml.safe_dump(content))
    digest = load_agreement(path).document_digest
    for signature in content["signatures"]:
        signature["document_digest"] = digest
    path.write_text(yaml.safe_dump(content))


def sound(number: str) -> bool:
    digits = [int(digit) for digit in number if digit.isdigit()]
    weighted = sum(w * d for w, d in zip(range(10, 1, -1), digits, strict=False))
    return len(digits) == 10 and (weighted + digits[-1]) % 11 == 0


def numbers(partnership: Partnership) -> list[str]:
    rows = rows_of(partnership.inbox("treatment", "episode"))
    return list(dict.fromkeys(row["NHSNO"] for row in rows if sound(row["NHSNO"])))


def listed(partnership: Partnership, *given: str) -> Path:
    path = partnership.folder.parent / "list.csv"
    path.write_text("\n".join(["nhsno", *given]) + "\n")
    return path


def give(partnership: Partnership, *given: str, nobody: bool = False) -> Answered:
    return opt_out(partnership.settings, "treatment", listed(partnership, *given), nobody=nobody)


def sent_again(partnership: Partnership) -> None:
    """The partner's extract of the next night: the same rows in files of another digest."""
    path = partnership.inbox("treatment", "episode")
    rows = rows_of(path)
    write_rows(path, [*rows[1:], rows[0]])


def test_a_list_that_cannot_be_right_is_refused_or_told(ran: Partnership) -> None:
    opt_outs_apply(ran)
    some = numbers(ran)[:6]
    wrong = some[0][:-1] + str((int(some[0][-1]) + 1) % 10)
    with pytest.raises(ExtractRejected, match="cannot be used in line 2") as caught:
        give(ran, some[1], wrong)
    assert wrong not in str(caught.value)
    with pytest.raises(ExtractRejected, match="no line"):
        give(ran)
    six = give(ran, *some, some[0], some[0])
    assert (six.found.people, six.found.known) == (6, 6)
    assert any("2 of its 8 lines say a number again" in one for one in six.said)
    two = give(ran, *some[:2])
    assert any("2 people and the list before it 6" in one for one in two.said)
    none = give(ran, nobody=True)
    assert none.found.people == 0 and any("0 people" in one for one in none.said)
    with open_control(ran.settings) as control:
        assert [one.request_id for one in control.live_requests()] == [none.request_id]


@pytest.mark.slow
@pytest.mark.usefixtures("slight")
def test_who_opted_out_is_in_no_mart_and_is_back_when_off_the_list(ran: Partnership) -> None:
    settings = ran.settings
    opt_outs_apply(ran)
    first, second = numbers(ran)[:2]

    def records() -> int:
        return int(str(ran.select("SELECT count(*) FROM event WHERE partner = 'treatment'")[0][0]))

    def night() -> int:
        sent_again(ran)
        run_refresh(settings)
        return records()

    everybody = night()
    give(ran, first)
    without_first = night()
    assert without_first < everybody
    backup, register = ran.folder.parent / "backup", settings.retention.erasures
    assert register is not None
    shutil.copytree(ran.folder, backup)
    give(ran, second)
    without_second = night()
    assert without_second < everybody and night() == without_second, "kept out every night"
    # Put back from when the first list held: it is the second that counts.
    shutil.rmtree(ran.folder)
    shutil.copytree(backup, ran.folder)
    assert night() == without_second
    with open_control(settings) as control:
        (live,) = control.live_requests()
    assert live.applied_run is not None
    # One that is given before the run that would put the second back is newer than it.
    shutil.rmtree(ran.folder)
    shutil.copytree(backup, ran.folder)
    give(ran, nobody=True)
    assert night() == night() == everybody
