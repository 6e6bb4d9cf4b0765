"""Alerts: told once, in every way asked for, without a secret; and failing nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from listening import Mail, Webhook, mail_server, webhook
from pydantic import ValidationError

from flows.orchestration.notify import KINDS, Alert, alerts, send, untold
from flows.orchestration.options import Alerts, Email, Schedule

FAILED = Alert("run-failed", "20261122-023001-91c4", ("It failed at `agree`.",), {"police": 2})


@dataclass
class Told:
    """What `send` needs to know of a partnership."""

    prefect_home: Path
    alerts: Alerts
    partnership: str = "Anytown"


@pytest.fixture
def mail() -> Iterator[Mail]:
    with mail_server() as one:
        yield one


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as one:
        monkeypatch.setenv("HOOK", one.address)
        yield one


def email(mail: Mail, **more: Any) -> Email:
    given = {"host": "127.0.0.1", "port": mail.port, "security": "none", "sender": "hub@a.example"}
    return Email.model_validate({**given, "recipients": ("lead@a.example",), **more})


def partnership(folder: Path, **ways: Any) -> Any:
    return cast(Any, Told(folder / ".prefect", Alerts(**ways)))


def test_an_alert_is_told_in_every_way_and_once(tmp_path: Path, mail: Mail, hook: Webhook) -> None:
    settings = partnership(tmp_path, email=email(mail), teams="env:HOOK")
    assert send(settings, FAILED) == [] and send(settings, FAILED) == []
    (letter,) = mail.taken
    assert letter["Subject"] == "Anytown: A run failed: 20261122-023001-91c4"
    assert (letter["From"], letter["To"]) == ("hub@a.example", "lead@a.example")
    (card,) = hook.texts
    for text in (str(letter.get_payload()), card):
        said = text.replace("\r", "")
        assert "It failed at `agree`." in said and "police: 2" in said
        assert "docs/how-to/runbook.md#run-failed" in said
    (kept,) = alerts(settings)
    assert sorted(kept["told"]) == ["email", "teams"]
    assert hook.address not in (tmp_path / ".prefect" / "alerts.json").read_text()
    # Another run is another alert.
    send(settings, Alert("run-failed", "20261123-023001-91c4"))
    assert len(mail.taken) == len(hook.taken) == 2


def test_what_could_not_be_sent_is_told_and_tried_again_and_fails_nothing(
    tmp_path: Path, mail: Mail, hook: Webhook
) -> None:
    mail.refuses, hook.status = True, 500
    settings = partnership(tmp_path, email=email(mail), teams="env:HOOK")
    said = ["The alert `run-failed` could not be sent by email (SMTPRecipientsRefused).",
            "The alert `run-failed` could not be sent by teams (HTTPError)."]  # fmt: skip
    assert sorted(send(settings, FAILED)) == said
    assert sorted(untold(settings, FAILED.key)) == said
    mail.refuses, hook.status = False, 202
    assert send(settings, FAILED) == [] and untold(settings, FAILED.key) == []
    assert len(mail.taken) == 1 and len(hook.taken) == 2


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (None, "NotSet"),
        ("http://hooks.example/in", "NotHttps"),
        ("file:///etc/hostname", "NotHttps"),
        ("http://127.0.0.1:1/in", "URLError"),
        ("http://[::1", "ValueError"),
    ],
)
def test_a_webhook_is_https_or_on_this_machine(
    address: str | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOK", raising=False)
    if address:
        monkeypatch.setenv("HOOK", address)
    (said,) = send(partnership(tmp_path, teams="env:HOOK"), FAILED)
    assert said == f"The alert `run-failed` could not be sent by teams ({why})."


def test_a_webhook_is_not_followed_elsewhere(tmp_path: Path, hook: Webhook) -> None:
    hook.status, hook.to = 302, "http://127.0.0.1:1/elsewhere"
    (said,) = send(partnership(tmp_path, teams="env:HOOK"), FAILED)
    assert "HTTPError" in said


def test_a_list_that_cannot_be_kept_or_read_keeps_nobody_from_being_told(
    tmp_path: Path, mail: Mail
) -> None:
    settings = partnership(tmp_path, email=email(mail))
    (tmp_path / ".prefect").mkdir()
    (tmp_path / ".prefect" / "alerts.json").write_text("{")
    assert send(settings, FAILED) == [] and len(alerts(settings)) == 1
    settings.prefect_home = tmp_path / ".prefect" / "alerts.json"
    assert send(settings, Alert("run-late", "x")) == []
    assert len(mail.taken) == 2


def test_who_is_to_be_told_of_nothing_is_told_nothing(tmp_path: Path) -> None:
    assert send(partnership(tmp_path), FAILED) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "env:P"},
        {"user": "lead", "password": "env:P"},
        {"host": "mail.example", "user": "env:U", "password": "env:P"},
        {"sender": "not an address"},
        {"recipients": ("a@b.example\nBcc: c@d.example",)},
        {"recipients": ()},
    ],
)
def test_a_secret_is_named_not_given_and_never_sent_in_clear(
    wrong: dict[str, Any], mail: Mail
) -> None:
    with pytest.raises(ValidationError) as raised:
        email(mail, **wrong)
    assert "input_value" not in str(raised.value)
    with pytest.raises(ValidationError):
        Alerts(teams="https://hooks.example/in?sig=secret")


@pytest.mark.parametrize(
    "wrong",
    [
        {"nightly": "01:30"}, {"pull": "24:00"}, {"pulls": {"police": "1am"}},
        {"server": "http://prefect.example/api"}, {"server": "http://a:b@127.0.0.1/api"},
        {"database": "postgresql://a:b@c/d"}, {"missing_hours": 24},
    ],
)  # fmt: skip
def test_a_schedule_names_safe_times_and_places(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Schedule.model_validate(wrong)


def test_every_kind_says_in_the_runbook_what_to_do() -> None:
    runbook = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "runbook.md"
    headings = {line.lstrip("# ").strip() for line in runbook.read_text().splitlines()}
    assert headings >= set(KINDS)
