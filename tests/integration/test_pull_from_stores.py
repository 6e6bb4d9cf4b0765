"""Pulling from a folder and from an object store that speaks S3."""

from __future__ import annotations

import resource
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sources import CANARY, asked, contents, fetched, put, source

from flows.sources.fetching import fetch, fetch_apart, move_away
from flows.sources.problems import BrokenOff, DiskFull, SourceAway, SourceRefused, SourceUnsound

EXTRACT = {"custody.csv": f"a\n{CANARY}\n", "drug_test.csv": "b\n2\n"}


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return put(tmp_path / CANARY, EXTRACT)


def folder(there: Path, **more: Any) -> Any:
    return source(kind="folder", folder=str(there), **more)


def refusal(kind: type[Exception], given: Any, into: Path) -> str:
    with pytest.raises(kind) as caught:
        fetched(given, into)
    assert CANARY not in str(caught.value) and "custody" not in str(caught.value)
    return str(caught.value)


def test_a_share_gives_its_files_and_not_what_is_being_written(there, tmp_path: Path) -> None:
    put(there, {"custody.csv.filepart": "x", ".hidden.csv": "x", "about.txt": "x"})
    (there / "more").mkdir()
    found = fetched(folder(there), tmp_path / "i")
    assert contents(found, tmp_path / "i") == EXTRACT
    assert found.others == 2  # nothing is told of what is hidden


def test_what_has_not_stood_still_is_left_for_the_next_run(there, tmp_path: Path) -> None:
    put(there, {"custody.csv": "new"}, age=timedelta(0))

    def written_meanwhile(seconds: float) -> None:
        assert seconds == 60
        put(there, {"custody.csv": "new and more"}, age=timedelta(0))

    found = fetch(asked(folder(there), tmp_path / "i"), wait=written_meanwhile)
    assert (found.deliveries, found.arriving) == ((), 2)
    assert not (tmp_path / "i").exists()
    # What stood still while it was waited for is taken, whatever its clock says.
    put(there, {"custody.csv": "new"}, age=timedelta(hours=-9))
    found = fetched(folder(there), tmp_path / "i")
    assert contents(found, tmp_path / "i")["custody.csv"] == "new"


@pytest.mark.parametrize("marker", ["all.done", "{name}.done"])
def test_a_marker_says_that_it_is_whole(marker: str, there, tmp_path: Path) -> None:
    given = folder(there, marker=marker)
    assert fetched(given, tmp_path / "i").arriving == 2
    names = list(EXTRACT) if "{name}" in marker else ["all"]
    put(there, {f"{name}.done": "" for name in names[:1]})
    if len(names) > 1:
        assert fetched(given, tmp_path / "i").deliveries == ()
        put(there, {f"{name}.done": "" for name in names})
    found = fetched(given, tmp_path / "i")
    assert (contents(found, tmp_path / "i"), found.others) == (EXTRACT, 0)


@pytest.mark.parametrize("form", ["each", "one"])
def test_a_digest_that_was_agreed_is_held_to(form: str, there, tmp_path: Path) -> None:
    from hashlib import sha256

    digests = {name: sha256(text.encode()).hexdigest() for name, text in EXTRACT.items()}
    pattern = "{name}.sha256" if form == "each" else "SHA256SUMS"
    given = folder(there, digests=pattern)
    refusal(SourceRefused, given, tmp_path / "i")
    if form == "each":
        put(there, {f"{name}.sha256": digest for name, digest in digests.items()})
    else:
        put(there, {pattern: "".join(f"{d} *{name}\n" for name, d in digests.items())})
    assert contents(fetched(given, tmp_path / "i"), tmp_path / "i") == EXTRACT
    put(there, {"drug_test.csv": "b\n3\n"})
    assert "digest" in refusal(SourceUnsound, given, tmp_path / "j")


def test_a_full_disk_leaves_nothing_behind(there, tmp_path: Path) -> None:
    put(there, {"custody.csv": "row\n" * 50_000})
    wish = asked(folder(there), tmp_path / "i")
    with largest_file(64 * 1024), pytest.raises(DiskFull) as caught:
        fetch_apart(wish)
    assert CANARY not in str(caught.value)
    assert not (tmp_path / "i").exists()
    assert contents(fetched(folder(there), tmp_path / "i"), tmp_path / "i")


def test_no_more_is_pulled_than_one_pull_may_be_of(there, tmp_path: Path, monkeypatch) -> None:
    put(there, {"custody.csv": "row\n" * 200_000, "drug_test.csv": "row\n" * 200_000})
    given = folder(there, most_megabytes=1)
    assert "1 MB" in refusal(BrokenOff, given, tmp_path / "i")
    # Nor where the source says nothing of sizes, and gives file after file.
    with monkeypatch.context() as patch:
        patch.setattr("flows.sources.fetching._require_room", lambda *words: None)
        assert "1 MB" in refusal(BrokenOff, given, tmp_path / "j")
    assert contents(fetched(folder(there, most_megabytes=2), tmp_path / "k"), tmp_path / "k")


def test_a_pull_that_needs_too_much_memory_is_broken_off(there, tmp_path, monkeypatch) -> None:
    def hungry(asked: Any) -> None:
        put(asked.into, {"0": CANARY})
        raise MemoryError(CANARY)

    monkeypatch.setattr("flows.sources.fetching.fetch", hungry)
    with pytest.raises(BrokenOff, match="memory") as caught:
        fetch_apart(asked(folder(there), tmp_path / "i"))
    assert CANARY not in str(caught.value) and not (tmp_path / "i").exists()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Have the system refuse to write longer files, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_was_taken_in_is_moved_away_where_that_is_declared(there, tmp_path: Path) -> None:
    given = folder(there, archive="taken")
    found = fetched(given, tmp_path / "i")
    known = frozenset(one.stands_for for one in found.deliveries)
    put(there, {"drug_test.csv": "changed meanwhile"})
    assert move_away(asked(given, tmp_path / "i", known=known)) == 0
    put(there, EXTRACT)
    again = frozenset(one.stands_for for one in fetched(given, tmp_path / "j").deliveries)
    assert move_away(asked(given, tmp_path / "i", known=again)) == 2
    assert sorted(path.name for path in (there / "taken").iterdir()) == sorted(EXTRACT)
    assert [path.name for path in there.iterdir()] == ["taken"]


# S3


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What partnership.yaml would say of a bucket with an extract in it."""
    import boto3

    monkeypatch.setenv("THE_KEY", "key-of-ours")
    monkeypatch.setenv("THE_SECRET", "wrong-word")
    words = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "eu-west-2"}
    client = boto3.client("s3", endpoint_url=s3_server, **words)
    name_of = f"extracts-{secrets.token_hex(4)}"
    client.create_bucket(
        Bucket=name_of, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )
    for name, text in EXTRACT.items():
        client.put_object(Bucket=name_of, Key=f"{CANARY}/{name}", Body=text.encode())
    return {
        "kind": "s3",
        "bucket": name_of,
        "prefix": CANARY,
        "endpoint": s3_server,
        "region": "eu-west-2",
        "access_key": "env:THE_KEY",
        "secret_key": "env:THE_SECRET",
        "settle_seconds": 0,
    }


def test_a_bucket_gives_its_files(bucket, tmp_path: Path) -> None:
    found = fetched(source(**bucket), tmp_path / "i")
    assert contents(found, tmp_path / "i") == EXTRACT
    known = frozenset(one.stands_for for one in found.deliveries)
    assert fetched(source(**bucket), tmp_path / "j", known=known).known == 1
    given = source(**bucket, archive="taken")
    assert move_away(asked(given, tmp_path / "i", known=known)) == 2
    taken = source(**bucket | {"prefix": "taken"})
    assert contents(fetched(taken, tmp_path / "k"), tmp_path / "k") == EXTRACT


def test_a_bucket_that_is_not_there_or_does_not_answer(bucket, tmp_path: Path) -> None:
    refusal(SourceRefused, source(**bucket | {"bucket": "none-such"}), tmp_path / "i")
    refusal(SourceAway, source(**bucket | {"endpoint": "http://127.0.0.1:1"}), tmp_path / "i")


@pytest.mark.parametrize(
    "code", ["ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"]
)
def test_a_token_that_runs_out_half_way(
    code: str, bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from botocore.exceptions import ClientError
    from s3fs.core import S3FileSystem
    from s3fs.errors import translate_boto_error

    calls = []
    honest = S3FileSystem._call_s3

    async def call(self: Any, method: str, *words: Any, **more: Any) -> Any:
        calls.append(method)
        if method == "get_object" and calls.count("get_object") == 2:
            answer = {
                "Error": {"Code": code, "Message": CANARY},
                "ResponseMetadata": {"HTTPStatusCode": 403},
            }
            raise translate_boto_error(ClientError(answer, "GetObject"))
        return await honest(self, method, *words, **more)

    monkeypatch.setattr(S3FileSystem, "_call_s3", call)
    assert "credential" in refusal(SourceRefused, source(**bucket, attempts=4), tmp_path / "i")
    assert calls.count("get_object") == 2
