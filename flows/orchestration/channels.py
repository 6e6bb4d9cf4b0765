"""The ways in which people are told: a mail server, a Microsoft Teams webhook.

What fails raises; whoever calls keeps only the kind of the failure, for a server's answer or a
webhook's address is nothing to be repeated.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from flows.orchestration.options import LOOPBACK, Alerts, Email, secret

SECONDS: Final = 10
"""How long a mail server or a webhook may take to answer."""

Way = Callable[[str, str], None]
"""Sends a heading and a text."""


class NotSet(Exception):
    """The environment variable that holds the secret is not set."""


class NotHttps(Exception):
    """The webhook is neither https nor on this machine."""


def ways_of(said: Alerts) -> dict[str, Way]:
    """Every way in which a partnership wants to be told, by name."""
    ways: dict[str, Way] = {}
    if said.email is not None:
        ways["email"] = partial(by_email, said.email)
    if said.teams is not None:
        ways["teams"] = partial(by_teams, said.teams)
    return ways


def _secret(named: str) -> str:
    found = secret(named)
    if found is None:
        raise NotSet
    return found


def by_email(email: Email, heading: str, text: str) -> None:
    """Send a plain text by e-mail; certificates are checked.

    Raises:
        NotSet: Its user or password is not in the environment.
        OSError: The mail server cannot be reached, or refuses (`smtplib.SMTPException`).
    """
    import smtplib

    message = EmailMessage()
    message["Subject"] = " ".join(heading.split())
    message["From"] = email.sender
    message["To"] = ", ".join(email.recipients)
    message.set_content(text)
    context = ssl.create_default_context()
    # Left to itself it asks the network for its own full name, which may take a minute offline.
    where = (email.host, email.port, socket.gethostname())
    server = (
        smtplib.SMTP_SSL(*where, timeout=SECONDS, context=context)
        if email.security == "tls"
        else smtplib.SMTP(*where, timeout=SECONDS)
    )
    with server:
        if email.security == "starttls":
            server.starttls(context=context)
        if email.user is not None and email.password is not None:
            server.login(_secret(email.user), _secret(email.password))
        server.send_message(message)


def by_teams(teams: str, heading: str, text: str) -> None:
    """Post an adaptive card to the webhook that an `env:NAME` names.

    Raises:
        NotSet: The address is not in the environment.
        NotHttps: It is not to be used.
        OSError: It cannot be reached, or answers with anything but success.
    """
    from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

    class Stays(HTTPRedirectHandler):
        """Follows nobody elsewhere."""

        def redirect_request(self, *given: Any) -> None:
            """Refuse."""

    address = _secret(teams)
    where = urlsplit(address)
    here = where.hostname in LOOPBACK
    if where.scheme != "https" and not (here and where.scheme == "http"):
        raise NotHttps
    lines = [{"type": "TextBlock", "text": line, "wrap": True} for line in text.splitlines()]
    title = {"type": "TextBlock", "text": heading, "wrap": True, "weight": "Bolder"}
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *lines],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    request = Request(  # noqa: S310 - its scheme was looked at
        address,
        data=json.dumps({"type": "message", "attachments": [attachment]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    opener = build_opener(Stays, *([ProxyHandler({})] if here else []))
    opener.open(request, timeout=SECONDS).close()
