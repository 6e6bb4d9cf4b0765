"""SFTP, by paramiko itself: the client of fsspec takes any host key on trust.

The server's key is compared with the one that is pinned before anything is said to it. No agent and
no key that lies about is tried.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import posixpath
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import paramiko

from flows.sources.credentials import Credential
from flows.sources.problems import SourceRefused, away, not_let_in, not_there
from flows.sources.remote import CHUNK_BYTES, Item
from flows.sources.said import SftpSource

KEY_TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
REQUESTS_AT_ONCE = 64

# It writes tracebacks of what we handle.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


@contextmanager
def open_sftp(source: SftpSource) -> Iterator[Sftp]:
    """Log in at an SFTP server whose host key is the pinned one.

    Raises:
        SourceRefused: The key is another, or the credential is refused.
        SourceAway: It does not answer.
    """
    transport = _trusted(source)
    try:
        with _told():
            _log_in(transport, source)
            client = paramiko.SFTPClient.from_transport(transport)
        if client is None:
            raise away()
        client.get_channel().settimeout(source.timeout_seconds)
        yield Sftp(client, source.folder)
    finally:
        transport.close()


class Sftp:
    """A folder of an SFTP server."""

    def __init__(self, client: paramiko.SFTPClient, folder: str) -> None:
        self._client, self._folder = client, folder

    def items(self) -> list[Item]:
        """The files of the folder."""
        with _told():
            found = self._client.listdir_attr(self._folder)
        return [_item(one.filename, one) for one in found if stat.S_ISREG(one.st_mode or 0)]

    def item(self, name: str) -> Item:
        """One file, as it is now."""
        with _told():
            return _item(name, self._client.stat(self._path(name)))

    def read(self, item: Item) -> Iterator[bytes]:
        """The content of a file, in the order of its bytes."""
        with _told(), self._client.open(self._path(item.name), "rb") as file:
            # All of it at once would be a list as long as the size that the server says.
            size, ahead = item.size or 0, REQUESTS_AT_ONCE * file.MAX_REQUEST_SIZE
            for start in range(0, size, ahead):
                end = min(size, start + ahead)
                file.prefetch(end)
                if not (chunk := file.read(end - start)):
                    return
                yield chunk
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    def archive(self, name: str, folder: str) -> None:
        """Move a file into another folder there."""
        with _told():
            self._client.posix_rename(self._path(name), posixpath.join(folder, name))

    def _path(self, name: str) -> str:
        return posixpath.join(self._folder, name)


def _item(name: str, found: paramiko.SFTPAttributes) -> Item:
    modified = None if found.st_mtime is None else datetime.fromtimestamp(found.st_mtime, UTC)
    return Item(name, found.st_size, modified, str(found.st_mtime or ""))


def _trusted(source: SftpSource) -> paramiko.Transport:
    """A connection to a server that has the pinned key.

    A server has a key of each type and shows one, so each type that is pinned is asked for.

    Raises:
        SourceRefused: It has another key of every type.
    """
    pinned = _pinned(source)
    types = KEY_TYPES if isinstance(pinned, str) else tuple(dict.fromkeys(map(_type, pinned)))
    answered = False
    for key_type in types:
        transport = _shaken_hands(source, key_type)
        if transport is None:
            continue
        answered = True
        key = transport.get_remote_server_key()
        if fingerprint(key) == pinned or any(key == one for one in pinned):
            return transport
        transport.close()
    raise SourceRefused(
        "The host key of the SFTP server is not the one that partnership.yaml pins"
        + ("." if answered else ", or it has none of that type."),
        "Nothing was sent to it. Ask the partner by telephone whether the key changed; if it did, "
        "pin the new fingerprint, and if it did not, somebody may be in between: tell the "
        "information-governance officer.",
    )


def _pinned(source: SftpSource) -> str | list[paramiko.PKey]:
    """The pinned fingerprint, or the pinned keys.

    Raises:
        SourceRefused: There is none for the host.
    """
    if source.host_key is not None and source.host_key.startswith("SHA256:"):
        return source.host_key.rstrip("=")
    host = source.host if source.port == 22 else f"[{source.host}]:{source.port}"
    keys: list[paramiko.PKey] = []
    try:
        if source.host_key is not None:
            entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{host} {source.host_key}")
            keys = [entry.key] if entry is not None else []
        else:
            known = paramiko.HostKeys(str(source.known_hosts)).lookup(host)
            keys = list(known.values()) if known is not None else []
    except (OSError, ValueError, paramiko.SSHException):
        keys = []
    if keys:
        return keys
    raise SourceRefused(
        "There is no pinned host key of the SFTP server.",
        "Put the line of its host and port into the file that `known_hosts` names, or its "
        "fingerprint into `host_key`, as the partner told you it by another way.",
    )


def _type(key: paramiko.PKey) -> str:
    return "rsa-sha2-512" if key.get_name() == "ssh-rsa" else key.get_name()


def fingerprint(key: paramiko.PKey) -> str:
    """The fingerprint of a key as OpenSSH prints it."""
    digest = hashlib.sha256(key.asbytes()).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _shaken_hands(source: SftpSource, key_type: str) -> paramiko.Transport | None:
    """A connection in which the server showed a key of a type; None if it has none of it."""
    with _told():
        at = (source.host, source.port)
        transport = paramiko.Transport(socket.create_connection(at, source.timeout_seconds))
    try:
        transport.banner_timeout = transport.auth_timeout = source.timeout_seconds
        transport.get_security_options().key_types = (key_type,)
        with _told():
            transport.start_client(timeout=source.timeout_seconds)
    except _NoSuchKey:
        transport.close()
        return None
    except BaseException:
        transport.close()
        raise
    return transport


def _log_in(transport: paramiko.Transport, source: SftpSource) -> None:
    if source.password is not None:
        transport.auth_password(source.user, source.password.read("password"), fallback=False)
        return
    if source.key_file is None:
        raise not_let_in()
    transport.auth_publickey(source.user, _private_key(source.key_file, source.passphrase))


def _private_key(said: Credential, passphrase: Credential | None) -> paramiko.PKey:
    """The key that logs in, of whichever type.

    Raises:
        SourceRefused: It is none, or has another passphrase.
    """
    text = said.read("key_file")
    word = passphrase.read("passphrase") if passphrase else None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with suppress(ValueError, TypeError, IndexError, paramiko.SSHException):
            return kind.from_private_key(io.StringIO(text + "\n"), word)
    raise SourceRefused(
        "The `key_file` of the source is no private key, or its passphrase is another.",
        "Give a private key as `ssh-keygen` makes it, and its `passphrase` if it has one.",
    )


class _NoSuchKey(Exception):
    """The server has no host key of the type that was asked for."""


@contextmanager
def _told() -> Iterator[None]:
    """Turn what paramiko raises into what a person is told."""
    try:
        yield
        return
    except paramiko.IncompatiblePeer:
        problem: Exception = _NoSuchKey()
    except (paramiko.AuthenticationException, PermissionError):
        problem = not_let_in()
    except FileNotFoundError:
        problem = not_there()
    except (paramiko.SSHException, EOFError, OSError):
        problem = away()
    raise problem
