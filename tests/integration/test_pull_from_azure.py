"""Pulling through Azure's own client from a stand-in that answers as its documentation says."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from servers import LOOPBACK
from sources import CANARY, contents, fetched, source

from flows.sources.problems import SourceRefused

EXTRACT = {"custody.csv": f"a\n{CANARY}\n", "drug_test.csv": "b\n2\n"}
WHEN = "Mon, 16 Nov 2026 03:00:00 GMT"


class Blobs(BaseHTTPRequestHandler):
    """Lists, describes and gives the blobs of one container, to whoever signs at all."""

    protocol_version = "HTTP/1.1"
    refusing = False

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        at = urlsplit(self.path)
        asked = {name: words[0] for name, words in parse_qs(at.query).items()}
        name = at.path.rpartition("/")[2]
        if self.refusing or "Authorization" not in self.headers:
            self.answer(403, b"", {"x-ms-error-code": "AuthenticationFailed"})
        elif asked.get("comp") == "list":
            self.answer(200, self.listed(asked), {"Content-Type": "application/xml"})
        elif asked.get("restype") == "container":
            self.answer(200, b"", {"Last-Modified": WHEN, "ETag": '"0x1"'})
        elif name in EXTRACT:
            self.blob(EXTRACT[name].encode())
        else:
            self.answer(404, b"", {"x-ms-error-code": "BlobNotFound"})

    def blob(self, content: bytes) -> None:
        said = {"Last-Modified": WHEN, "ETag": '"0x1"', "x-ms-blob-type": "BlockBlob"}
        wanted = self.headers.get("x-ms-range") or self.headers.get("Range")
        if wanted and self.command == "GET":
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(content)), len(content) - 1)
            whole = f"bytes {start}-{end}/{len(content)}"
            self.answer(206, content[start : end + 1], said | {"Content-Range": whole})
        else:
            self.answer(200, content, said)

    def listed(self, asked: dict[str, str]) -> bytes:
        blobs = "".join(
            f"<Blob><Name>{CANARY}/{name}</Name><Properties><Last-Modified>{WHEN}</Last-Modified>"
            f"<Etag>0x1</Etag><Content-Length>{len(text)}</Content-Length>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
            for name, text in EXTRACT.items()
            if f"{CANARY}/{name}".startswith(asked.get("prefix", ""))
        )
        return (
            '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="x" '
            f'ContainerName="extracts"><Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>'
        ).encode()

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What partnership.yaml would say of a container with an extract in it."""
    monkeypatch.setenv("THE_KEY", base64.b64encode(b"wrong-word").decode())
    monkeypatch.setattr(Blobs, "refusing", False)
    server = ThreadingHTTPServer((LOOPBACK, 0), Blobs)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield {
        "kind": "azure",
        "account": "partner",
        "container": "extracts",
        "prefix": CANARY,
        "endpoint": f"http://{LOOPBACK}:{server.server_address[1]}/partner",
        "credential": "env:THE_KEY",
    }
    server.shutdown()
    server.server_close()


def test_a_container_gives_its_files(given, tmp_path: Path) -> None:
    found = fetched(source(**given), tmp_path / "i")
    assert contents(found, tmp_path / "i") == EXTRACT


def test_a_credential_that_is_refused(given, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Blobs, "refusing", True)
    with pytest.raises(SourceRefused) as caught:
        fetched(source(**given), tmp_path / "i")
    assert CANARY not in str(caught.value) and "credential" in str(caught.value)
