"""Folders, S3-compatible stores and Azure blobs, which fsspec makes look alike."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from flows.sources.problems import LackingExtra, away, not_let_in, not_there
from flows.sources.remote import CHUNK_BYTES, Item
from flows.sources.said import AzureSource, FolderSource, S3Source

# What their libraries raise when a credential is wrong or has run out, by the names of it: they
# are no subclass of one another.
REFUSALS = frozenset(
    {
        "NoCredentialsError",
        "PartialCredentialsError",
        "ClientAuthenticationError",
        "PermissionError",
    }
)
REFUSED_STATUS = frozenset({401, 403})

AFRESH: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
"""What has fsspec ask a store each time: two looks tell whether a file stands still."""


@contextmanager
def open_folder(source: FolderSource) -> Iterator[Store]:
    """A folder, which has to be there.

    Raises:
        SourceRefused: It is not.
    """
    from fsspec.implementations.local import LocalFileSystem

    if not source.folder.is_dir():
        raise not_there()
    yield Store(LocalFileSystem(), source.folder.as_posix())


@contextmanager
def open_s3(source: S3Source) -> Iterator[Store]:
    """A bucket of an object store that speaks S3.

    Raises:
        LackingExtra: The extra `s3` is not installed.
        SourceProblem: It cannot be opened.
    """
    make = _file_system("s3fs", "S3FileSystem", "s3")
    token = source.session_token
    with _told():
        files = make(
            key=source.access_key.read("access_key"),
            secret=source.secret_key.read("secret_key"),
            token=token.read("session_token") if token else None,
            endpoint_url=source.endpoint,
            client_kwargs={"region_name": source.region} if source.region else {},
            config_kwargs={
                "connect_timeout": source.timeout_seconds,
                "read_timeout": source.timeout_seconds,
                "retries": {"max_attempts": 1},
            },
            **AFRESH,
        )
    yield Store(files, _joined(source.bucket, source.prefix))


@contextmanager
def open_azure(source: AzureSource) -> Iterator[Store]:
    """A container of Azure Blob Storage.

    Raises:
        LackingExtra: The extra `azure` is not installed.
        SourceProblem: It cannot be opened.
    """
    make = _file_system("adlfs", "AzureBlobFileSystem", "azure")
    key = source.credential.read("credential")
    given: dict[str, Any] = {"sas_token": key} if "sig=" in key else {"account_key": key}
    if source.endpoint:
        words = f"BlobEndpoint={source.endpoint};AccountName={source.account}"
        secret = f"SharedAccessSignature={key}" if "sig=" in key else f"AccountKey={key}"
        given = {"connection_string": f"{words};{secret}"}
    else:
        given["account_name"] = source.account
    with _told():
        files = make(
            **given,
            **AFRESH,
            connection_timeout=source.timeout_seconds,
            read_timeout=source.timeout_seconds,
        )
    yield Store(files, _joined(source.container, source.prefix))


def _file_system(module: str, name: str, extra: str) -> Callable[..., Any]:
    """The class of a file system that an extra brings.

    Raises:
        LackingExtra: It is not installed.
    """
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    except ImportError:
        raise LackingExtra(extra) from None
    return found


class Store:
    """A folder of a file system of fsspec."""

    def __init__(self, files: Any, folder: str) -> None:
        self._files, self._folder = files, folder

    def items(self) -> list[Item]:
        """The files of the folder."""
        with _told():
            found = self._files.ls(self._folder, detail=True)
        return [_item(one) for one in found if one["type"] == "file" and not one.get("islink")]

    def item(self, name: str) -> Item:
        """One file, as it is now."""
        with _told():
            return _item(self._files.info(_joined(self._folder, name)))

    def read(self, item: Item) -> Iterator[bytes]:
        """The content of a file, in the order of its bytes."""
        with _told(), self._files.open(_joined(self._folder, item.name), "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def archive(self, name: str, folder: str) -> None:
        """Move a file into another folder of the same store."""
        beside = _joined(folder.strip("/"), name)
        with _told():
            if self._files.protocol in ("file", ("file", "local")):
                where = posixpath.join(self._folder, folder)
                self._files.makedirs(where, exist_ok=True)
                beside = posixpath.join(where, name)
            else:
                beside = _joined(self._folder.partition("/")[0], beside)
            self._files.mv(_joined(self._folder, name), beside)


def _item(found: dict[str, Any]) -> Item:
    said = next(
        (found[key] for key in ("LastModified", "last_modified", "mtime") if key in found), 0
    )
    modified = said if isinstance(said, datetime) else datetime.fromtimestamp(said, UTC)
    name = posixpath.basename(found["name"])
    stamp = found.get("ETag") or found.get("etag") or (found.get("ino"), said)
    # Azure writes a tag in quotation marks in one answer and without in another.
    return Item(name, found["size"], modified, str(stamp).strip('"'))


def _joined(*parts: str) -> str:
    return "/".join(part.rstrip("/") for part in parts if part)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the libraries raise into what a person is told."""
    try:
        yield
        return
    except Exception as error:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        status = getattr(error, "status_code", None)
        if kinds & REFUSALS or status in REFUSED_STATUS:
            problem: Exception = not_let_in()
        elif isinstance(error, FileNotFoundError):
            problem = not_there()
        elif kinds & {"OSError", "BotoCoreError", "ClientError", "AzureError", "TimeoutError"}:
            problem = away()
        else:
            raise
    raise problem
