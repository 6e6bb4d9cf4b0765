"""The text of an e-mail that a witness kept: its bodies and text attachments, decoded.

A mail program may encode what it sends (base64, quoted-printable) or make a page of it; a
checkpoint in such a mail is the same lines.
"""

from __future__ import annotations

import html
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

OUTLOOK = bytes.fromhex("d0cf11e0a1b11ae1")
"""How a file begins that Outlook saved as .msg: a store of its own form, which is not read."""

HEADER = re.compile(rb"\A(?:From |[A-Za-z][A-Za-z0-9-]*:)")
LINE_ENDS = re.compile(r"<(?:br|/p|/div|/li|/tr|/pre)\b[^>]*>", re.IGNORECASE)
TAG = re.compile(r"<[^>]*>")


def is_outlook(data: bytes) -> bool:
    """Whether a file is a .msg of Outlook's."""
    return data.startswith(OUTLOOK)


def text_of(data: bytes) -> str:
    """The text of a file: as it is, and where it is an e-mail, what its parts decode to."""
    plain = data.decode("utf-8", errors="replace")
    if not HEADER.match(data):
        return plain
    message = message_from_bytes(data, policy=policy.default)
    return "\n".join([plain, *(_decoded(part) for part in message.walk())])


def _decoded(part: EmailMessage) -> str:
    if part.is_multipart():
        return ""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    text = content.decode(_charset(part), errors="replace")
    if part.get_content_type() == "text/html":
        return html.unescape(TAG.sub("", LINE_ENDS.sub("\n", text)))
    return text


def _charset(part: EmailMessage) -> str:
    """The character set that a part says it is in, where Python knows it."""
    try:
        named = part.get_content_charset() or "utf-8"
        b"".decode(named)
    except (LookupError, ValueError):
        return "utf-8"
    return named
