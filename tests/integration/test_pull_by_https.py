"""Pulling by HTTPS from a server on loopback: certificates, redirects, tokens that run out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from servers import HttpsServer, https_server
from sources import CANARY, contents, fetched, source

from flows.sources.problems import CutShort, SourceAway, SourceRefused

EXTRACT = {"custody.csv": f"a\n{CANARY}\n", "drug_test.csv": "b\n2\n"}
TOKEN = "word-of-the-day"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsServer]:
    with https_server(tmp_path_factory.mktemp("https")) as server:
        yield server


@pytest.fixture
def server(running: HttpsServer, monkeypatch: pytest.MonkeyPatch) -> HttpsServer:
    for said in (running.files, running.answers, running.said_size, running.moved, running.asked):
        said.clear()
    running.files |= {f"/{CANARY}/{name}": text.encode() for name, text in EXTRACT.items()}
    running.bearer = TOKEN
    monkeypatch.setenv("THE_TOKEN", TOKEN)
    return running


def said(server: HttpsServer, **more: Any) -> dict[str, Any]:
    return {
        "kind": "https",
        "urls": [server.url(path) for path in server.files],
        "token": "env:THE_TOKEN",
        "ca_file": str(server.ca_file),
        **more,
    }


def refusal(kind: type[Exception], given: dict[str, Any], into: Path) -> str:
    with pytest.raises(kind) as caught:
        fetched(source(**given), into)
    told = str(caught.value)
    assert not any(word in told for word in (CANARY, "custody", "localhost", TOKEN))
    return told


def test_files_come_whole_from_a_trusted_server(server, tmp_path: Path) -> None:
    assert contents(fetched(source(**said(server)), tmp_path / "i"), tmp_path / "i") == EXTRACT


def test_a_certificate_that_nobody_vouches_for(server, tmp_path: Path) -> None:
    told = refusal(SourceRefused, said(server, ca_file=None), tmp_path / "i")
    assert "certificate" in told and server.asked == []
    (tmp_path / "none.pem").write_text("no certificate")
    refusal(SourceRefused, said(server, ca_file=str(tmp_path / "none.pem")), tmp_path / "i")


def test_a_certificate_of_another_host(server, tmp_path: Path) -> None:
    urls = [url.replace("localhost", "127.0.0.1") for url in said(server)["urls"]]
    refusal(SourceRefused, said(server, urls=urls), tmp_path / "i")
    assert server.asked == []


def test_a_token_that_runs_out_half_way_leaves_nothing(server, tmp_path: Path) -> None:
    second = f"/{CANARY}/drug_test.csv"
    server.answers[second] = [200, 403]  # it may be asked for, and then no more
    told = refusal(SourceRefused, said(server, attempts=4), tmp_path / "i")
    assert "expired" in told
    assert [one for one in server.asked if one == ("GET", second)] == [("GET", second)]


def test_a_redirect_is_followed_within_its_host_only(server, tmp_path: Path) -> None:
    path = f"/{CANARY}/custody.csv"
    urls = said(server)["urls"]
    server.files["/elsewhere/x"] = server.files.pop(path)
    server.moved[path] = "/elsewhere/x"
    found = fetched(source(**said(server, urls=urls)), tmp_path / "i")
    assert contents(found, tmp_path / "i") == EXTRACT
    for elsewhere in ("https://other.example/x", server.url(path), "http://localhost/x"):
        server.moved[path] = elsewhere
        assert "on to another" in refusal(SourceRefused, said(server, urls=urls), tmp_path / "i")


def test_a_server_that_is_busy_is_asked_again(server, tmp_path: Path) -> None:
    server.answers[f"/{CANARY}/custody.csv"] = [503, 429]
    found = fetched(source(**said(server, attempts=3)), tmp_path / "i")
    assert contents(found, tmp_path / "i") == EXTRACT
    server.answers[f"/{CANARY}/custody.csv"] = [503, 503]
    refusal(SourceAway, said(server, attempts=2), tmp_path / "i")


def test_a_server_that_says_more_than_it_gives(server, tmp_path: Path) -> None:
    server.said_size[f"/{CANARY}/custody.csv"] = 1_000
    refusal(CutShort, said(server, attempts=2), tmp_path / "i")


@pytest.mark.parametrize(
    "url",
    [
        "http://host.example/custody.csv",
        f"https://user:{CANARY}@host.example/custody.csv",
        f"https://host.example/custody.csv?sig={CANARY}",
        f"ftp://{CANARY}",
        CANARY,
    ],
)
def test_an_address_that_is_not_taken(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        source(kind="https", urls=[url])
    assert CANARY not in str(caught.value.errors(include_input=False, include_context=False))


@pytest.mark.parametrize(
    "other", ["/v2/custody.csv", "/v2/Custody.CSV", "/v2/c%75stody.csv", "/v2/"]
)
def test_files_that_would_shadow_each_other_are_refused(other: str) -> None:
    urls = [f"https://police.example/v1/{CANARY}/custody.csv", f"https://police.example{other}"]
    with pytest.raises(ValidationError, match="the name of one file, another for each") as caught:
        source(kind="https", urls=urls)
    assert CANARY not in str(caught.value.errors(include_input=False, include_context=False))
