"""What partnership.yaml says of a partner's source (docs/how-to/pull-from-a-source.md)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flows.sources.credentials import Credential, Secret
from flows.sources.limits import LONGEST_MINUTES, MOST_MEGABYTES

FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")
PUBLIC_KEY = re.compile(r"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}")
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Text = Annotated[str, Field(min_length=1)]


class _Source(BaseModel):
    """What every kind of source has.

    `settle_seconds` is for how long a file must have stood still; `marker` names a file that is put
    there last (`{name}.done` one for each file); `digests` names a file of SHA-256 digests, in the
    form of `sha256sum` (`{name}.sha256` one for each file). `attempts` bounds how often a source
    that does not answer is tried; `archive` is a folder there that what was staged is moved to.
    One pull takes `longest_minutes` and is of `most_megabytes` at most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    settle_seconds: int = Field(default=60, ge=0, le=900, strict=True)
    marker: Text | None = None
    digests: Text | None = None
    attempts: int = Field(default=4, ge=1, le=10, strict=True)
    timeout_seconds: int = Field(default=60, ge=1, le=3600, strict=True)
    longest_minutes: int = Field(default=LONGEST_MINUTES, ge=1, le=720, strict=True)
    most_megabytes: int = Field(default=MOST_MEGABYTES, ge=1, le=1_000_000, strict=True)
    archive: Text | None = None

    def within(self, folder: Path) -> Any:
        """The same, with relative paths taken from a folder."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        paths = {name: folder / one for name, one in given.items() if isinstance(one, Path)}
        secrets = {n: one.within(folder) for n, one in given.items() if isinstance(one, Credential)}
        return self.model_copy(update={**paths, **secrets})


class FolderSource(_Source):
    """A folder of a share or drop box."""

    kind: Literal["folder"]
    folder: Path


class SftpSource(_Source):
    """A folder of an SFTP server, whose host key is known beforehand."""

    kind: Literal["sftp"]
    host: Text
    port: int = Field(default=22, ge=1, le=65535, strict=True)
    user: Text
    folder: Text = "."
    host_key: Text | None = None
    known_hosts: Path | None = None
    key_file: Secret | None = None
    passphrase: Secret | None = None
    password: Secret | None = None

    @model_validator(mode="after")
    def _is_pinned(self) -> SftpSource:
        if (self.host_key is None) == (self.known_hosts is None):
            raise ValueError("needs either `host_key` or `known_hosts`: no key is taken on trust")
        if (self.key_file is None) == (self.password is None):
            raise ValueError("needs either `key_file` or `password`")
        key = self.host_key
        if key is not None and not (FINGERPRINT.fullmatch(key) or PUBLIC_KEY.fullmatch(key)):
            raise ValueError("has a `host_key` that is no SHA256: fingerprint or public key")
        return self


class S3Source(_Source):
    """A bucket of an object store that speaks S3."""

    kind: Literal["s3"]
    bucket: Text
    prefix: str = ""
    endpoint: Text | None = None
    region: Text | None = None
    access_key: Secret
    secret_key: Secret
    session_token: Secret | None = None

    _endpoint = field_validator("endpoint")(lambda value: value and https_only(value))


class AzureSource(_Source):
    """A container of Azure Blob Storage; the credential is an account key or a SAS token."""

    kind: Literal["azure"]
    account: Text
    container: Text
    prefix: str = ""
    endpoint: Text | None = None
    credential: Secret

    _endpoint = field_validator("endpoint")(lambda value: value and https_only(value))


class HttpsSource(_Source):
    """Files at addresses of one host each, by HTTPS alone."""

    kind: Literal["https"]
    urls: tuple[str, ...] = Field(min_length=1)
    token: Secret | None = None
    user: Text | None = None
    password: Secret | None = None
    ca_file: Path | None = None

    @field_validator("urls")
    @classmethod
    def _are_https(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            https_only(url, loopback=False)
        names = [file_at(url).lower() for url in value]
        if not all(names) or len(set(names)) < len(names):
            raise ValueError(
                "names two files alike, or none: each address has to end in the name of one file, "
                "another for each"
            )
        return value

    @model_validator(mode="after")
    def _has_one_credential(self) -> HttpsSource:
        if (self.user is None) != (self.password is None) or (self.user and self.token):
            raise ValueError("takes a `token`, or a `user` with a `password`, or neither")
        if self.archive is not None:
            raise ValueError("cannot `archive`: nothing can be moved by HTTPS")
        return self


class DatabaseSource(_Source):
    """Tables of a database, each by one query that reads."""

    kind: Literal["database"]
    url: Secret
    queries: dict[str, str] = Field(min_length=1)
    batch_rows: int = Field(default=10_000, ge=1, le=1_000_000, strict=True)

    @field_validator("queries")
    @classmethod
    def _read_only(cls, value: dict[str, str]) -> dict[str, str]:
        for query in value.values():
            if not re.match(r"\s*(select|with)\b", query, re.IGNORECASE) or ";" in query:
                raise ValueError("holds what is not one query that begins with SELECT or WITH")
        return value

    @model_validator(mode="after")
    def _moves_nothing(self) -> DatabaseSource:
        if self.archive or self.marker or self.digests:
            raise ValueError("takes no `archive`, `marker` or `digests`: it has no files")
        return self


Source = Annotated[
    FolderSource | SftpSource | S3Source | AzureSource | HttpsSource | DatabaseSource,
    Field(discriminator="kind"),
]


def file_at(url: str) -> str:
    """The name of the file at an address: the last part of its path."""
    return unquote(urlsplit(url).path.rpartition("/")[2])


def https_only(url: str, loopback: bool = True) -> str:
    """An address, if it is HTTPS and has no credential in it.

    Args:
        url: The address.
        loopback: Whether plain HTTP is allowed to this machine itself.

    Raises:
        ValueError: It is not; the message does not repeat it.
    """
    try:
        parts = urlsplit(url)
        host, user = parts.hostname, parts.username or parts.password
    except ValueError:
        host, user = None, None
    if not host or user or parts.query or parts.fragment:
        raise ValueError("is no address, or has a user, password, query or fragment in it")
    if parts.scheme != "https" and not (loopback and host in LOOPBACK and parts.scheme == "http"):
        raise ValueError("is not an https:// address")
    return url
