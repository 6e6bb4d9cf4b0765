"""Downloads by HTTPS, with the standard library: it follows no redirect unless it is told to.

The certificate is checked against the machine's authorities, or against those of `ca_file` alone.
A redirect is followed within its host only, so that a credential goes nowhere else.
"""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urljoin, urlsplit

from flows.sources.problems import SourceRefused, away, not_let_in, not_there
from flows.sources.remote import CHUNK_BYTES, Item
from flows.sources.said import HttpsSource, file_at

MOST_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
REFUSED = frozenset({401, 403, 407})
TRY_AGAIN = frozenset({408, 425, 429})


@contextmanager
def open_https(source: HttpsSource) -> Iterator[Https]:
    """Addresses to download from; nothing is asked of them yet.

    Raises:
        SourceRefused: The credential or the file of authorities is not there.
    """
    context: ssl.SSLContext | None = None
    with suppress(OSError, ssl.SSLError):
        context = ssl.create_default_context(cafile=source.ca_file)
    if context is None:
        raise SourceRefused(
            "The file that `ca_file` names holds no certificate authority.",
            "Give the authority's certificate in PEM.",
        )
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    yield Https(source, context, _headers(source))


class Https:
    """Files at addresses."""

    def __init__(
        self, source: HttpsSource, context: ssl.SSLContext, headers: Mapping[str, str]
    ) -> None:
        self._context, self._headers = context, headers
        self._seconds = source.timeout_seconds
        self._urls = {file_at(url): url for url in source.urls}

    def items(self) -> list[Item]:
        """What is at the addresses, each by the last part of its path."""
        return [self.item(name) for name in self._urls]

    def item(self, name: str) -> Item:
        """What is at one address now."""
        if name not in self._urls:
            raise not_there()
        with self._answer("HEAD", self._urls[name]) as answer:
            size = answer.getheader("Content-Length")
            modified = _moment(answer.getheader("Last-Modified"))
            stamp = answer.getheader("ETag") or answer.getheader("Last-Modified") or ""
        return Item(name, int(size) if size and size.isdigit() else None, modified, stamp)

    def read(self, item: Item) -> Iterator[bytes]:
        """The content at an address, in the order of its bytes."""
        with self._answer("GET", self._urls[item.name]) as answer:
            while chunk := _read(answer):
                yield chunk

    def archive(self, name: str, folder: str) -> None:
        """Nothing can be moved by HTTPS."""
        raise not_there()

    @contextmanager
    def _answer(self, method: str, url: str) -> Iterator[http.client.HTTPResponse]:
        """The answer of 200 to a request, after redirects within the host."""
        at = urlsplit(url)
        for _ in range(MOST_REDIRECTS + 1):
            connection = http.client.HTTPSConnection(
                at.hostname or "", at.port, timeout=self._seconds, context=self._context
            )
            try:
                answer = self._asked(connection, method, at)
                if answer.status not in REDIRECTS:
                    _require_content(answer.status)
                    yield answer
                    return
                at = _within_the_host(at, answer.getheader("Location") or "")
            finally:
                connection.close()
        raise _elsewhere()

    def _asked(
        self, connection: http.client.HTTPSConnection, method: str, at: SplitResult
    ) -> http.client.HTTPResponse:
        path = (at.path or "/") + (f"?{at.query}" if at.query else "")
        unknown = False
        try:
            # Packed, it would be of another size than the one that was said.
            headers = {"Accept-Encoding": "identity", **self._headers}
            connection.request(method, path, headers=headers)
            return connection.getresponse()
        except ssl.SSLCertVerificationError:
            unknown = True
        except (OSError, http.client.HTTPException):
            pass
        if unknown:
            raise SourceRefused(
                "The certificate of the HTTPS source is not one that this machine trusts for that "
                "host.",
                "Ask the partner for a valid certificate, or name its own authority in `ca_file`; "
                "nothing was sent.",
            )
        raise away()


def _headers(source: HttpsSource) -> dict[str, str]:
    if source.token is not None:
        return {"Authorization": f"Bearer {source.token.read('token')}"}
    if source.user is not None and source.password is not None:
        both = f"{source.user}:{source.password.read('password')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}
    return {}


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(CHUNK_BYTES)
    except (OSError, http.client.HTTPException):
        pass
    raise away()


def _require_content(status: int) -> None:
    if status in REFUSED:
        raise not_let_in()
    if status >= 500 or status in TRY_AGAIN:
        raise away()
    if status != 200:
        raise not_there()


def _within_the_host(at: SplitResult, location: str) -> SplitResult:
    to = urlsplit(urljoin(at.geturl(), location))
    if (to.scheme, to.hostname, to.port) != (at.scheme, at.hostname, at.port):
        raise _elsewhere()
    return to


def _elsewhere() -> SourceRefused:
    return SourceRefused(
        "The HTTPS source sends us on to another host, or round in a circle.",
        "Nothing is followed elsewhere: put the address that holds the file itself into `urls`.",
    )


def _moment(said: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(said or "").astimezone(UTC)
    except (TypeError, ValueError):
        return None
