"""Real servers on loopback for tests: OpenSSH's SFTP, PostgreSQL, HTTPS and an object store.

Each is a fixture of the session, so a worker starts it once and only if a test asks for it, and it
ends with the worker even where that is killed. Where a server is not installed the test is skipped
and says so; where CI is set it fails. `tests/conftest.py` makes them known to every test.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest

LOOPBACK = "127.0.0.1"
STARTING_SECONDS = 30
ENDING_SECONDS = 10
FOLDERS_OF_DEBIAN = ":".join(
    ("/usr/sbin", *(f"/usr/lib/postgresql/{version}/bin" for version in (18, 17, 16, 15, 14)))
)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with closing(socket.socket()) as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


def program(name: str, package: str) -> str:
    """Where a server's program is.

    Without it the test is skipped, loudly; under CI it fails.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{FOLDERS_OF_DEBIAN}")
    return found or lacking(f"{name} is not installed (apt-get install {package})")


def lacking(what: str) -> NoReturn:
    """Skip a test for want of a server, or fail it under CI."""
    said = f"NOT TESTED AGAINST A REAL SERVER: {what}."
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


@contextmanager
def serving(words: list[str], answers: Callable[[], bool], log: Path) -> Iterator[None]:
    """Have a server run meanwhile; it dies with this process, however that ends."""
    dying = [program("setpriv", "util-linux"), "--pdeathsig", "INT"]
    with log.open("wb") as out:
        server = subprocess.Popen([*dying, *words], stdout=out, stderr=out, cwd="/")
    try:
        wait_until(answers, server, log)
        yield
    finally:
        server.send_signal(2)
        with suppress(subprocess.TimeoutExpired):
            server.wait(ENDING_SECONDS)
        server.kill()
        server.wait()


def wait_until(answers: Callable[[], bool], server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server answers."""
    until = time.monotonic() + STARTING_SECONDS
    while not answers():
        if server.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"The server did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)


def listens(port: int) -> bool:
    """Whether something takes connections at a port."""
    with closing(socket.socket()) as one:
        return one.connect_ex((LOOPBACK, port)) == 0


# SFTP


@dataclass(frozen=True)
class SftpServer:
    """OpenSSH's own SFTP server, with the one user that the tests run as.

    Attributes:
        host: Loopback.
        port: Where it listens.
        user: Who may log in, with `key_file`; no password does.
        key_file: The user's private key, open to nobody else.
        host_key: The server's public key, as `ssh-ed25519 AAAA…`.
        fingerprint: Its fingerprint, as `SHA256:…`.
        known_hosts: A file with the server's key in the form of OpenSSH.
        log: What the server said.
    """

    host: str
    port: int
    user: str
    key_file: Path
    host_key: str
    fingerprint: str
    known_hosts: Path
    log: Path


@pytest.fixture(scope="session")
def sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """An SFTP server; a client gives absolute paths, and sees what the tests' own user may see."""
    sshd = program("sshd", "openssh-server")
    home = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user"):
        make_ssh_key(home / name)
    shutil.copyfile(home / "user.pub", home / "authorized_keys")
    (home / "authorized_keys").chmod(0o600)
    user, port = pwd.getpwuid(os.getuid()).pw_name, free_port()
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True, mode=0o755)
    said = {
        "ListenAddress": f"{LOOPBACK}:{port}",
        "HostKey": home / "host",
        "PidFile": "none",
        "AuthorizedKeysFile": home / "authorized_keys",
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
        "PasswordAuthentication": "yes",
        "AllowUsers": user,
        "Subsystem": "sftp internal-sftp",
        "MaxStartups": "100",
        "LogLevel": "VERBOSE",
        # By default a client that failed is kept waiting, and after it everyone from there.
        "PerSourcePenalties": "no",
    }
    if b"PerSourcePenalties" not in Path(sshd).read_bytes():
        del said["PerSourcePenalties"]
    config = home / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in said.items()))
    host_key = " ".join((home / "host.pub").read_text().split()[:2])
    (home / "known_hosts").write_text(f"[{LOOPBACK}]:{port} {host_key}\n")
    log = home / "log"
    with serving([sshd, "-D", "-e", "-f", str(config)], lambda: listens(port), log):
        yield SftpServer(
            host=LOOPBACK,
            port=port,
            user=user,
            key_file=home / "user",
            host_key=host_key,
            fingerprint=fingerprint_of(home / "host.pub"),
            known_hosts=home / "known_hosts",
            log=log,
        )


def make_ssh_key(path: Path) -> str:
    """Make a pair of keys at `path` and `path.pub`; the public one as `ssh-ed25519 AAAA…`."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(path)]
    subprocess.run(words, check=True, capture_output=True)
    return " ".join(path.with_name(path.name + ".pub").read_text().split()[:2])


def fingerprint_of(public: Path) -> str:
    """The fingerprint of a public key, as OpenSSH prints it."""
    words = ["ssh-keygen", "-l", "-E", "sha256", "-f", str(public)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]


# PostgreSQL


@dataclass(frozen=True)
class PostgresServer:
    """PostgreSQL with one superuser, who needs a password."""

    port: int
    user: str
    password: str

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database, with its password in it."""
        return f"postgresql+psycopg://{self.user}:{self.password}@{LOOPBACK}:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database; its SQLAlchemy URL."""
        name = f"d{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Carry out statements, each by itself."""
        import psycopg

        at = f"host={LOOPBACK} port={self.port} dbname={database} user={self.user}"
        with psycopg.connect(at, password=self.password, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this worker's own, in a folder that goes with it."""
    initdb, postgres = (program(name, "postgresql") for name in ("initdb", "postgres"))
    port, password = free_port(), secrets.token_urlsafe(12)
    # It runs as another user where the tests run as root, who may not enter root's own folders.
    home = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
    try:
        data, word, log = home / "data", home / "password", home / "log"
        word.write_text(password)
        become = _become_another(home)
        make = [initdb, "-D", data, "-U", "journeys", "--pwfile", word, "--auth=scram-sha-256"]
        made = subprocess.run(
            [*become, *map(str, make), "--no-sync", "--encoding=UTF8", "--locale=C"],
            capture_output=True,
            cwd="/",
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stderr.decode(errors='replace')}")
        settings = {
            "listen_addresses": LOOPBACK,
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 30,
            "shared_buffers": "16MB",
        }
        said = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = PostgresServer(port, "journeys", password)
        # `setpriv` twice: the wish to die with the parent is lost where the user changes.
        with serving([*become, postgres, "-D", str(data), *said], lambda: _takes(server), log):
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _become_another(home: Path) -> list[str]:
    """The words that run a program as another user where this is root, who then owns `home`."""
    if os.getuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            for path in (home, *home.iterdir()):
                os.chown(path, found.pw_uid, found.pw_gid)
            ids = [f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups"]
            return [program("setpriv", "util-linux"), *ids, "--pdeathsig", "INT"]
    return lacking("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _takes(server: PostgresServer) -> bool:
    import psycopg

    if not listens(server.port):
        return False
    try:
        server.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


# A connection that is cut


@dataclass
class Cutter:
    """A proxy to a server of this machine that cuts a connection once so many bytes came back.

    Attributes:
        port: Where it listens.
        target: The port that it passes on to.
        after: How many bytes it passes back before it cuts; None for all.
        cuts: How many connections it cuts; afterwards it passes everything.
        made: How many connections were made.
    """

    port: int
    target: int
    after: int | None = None
    cuts: int = 1_000
    made: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passed_on(self, near: socket.socket) -> None:
        """Pass a connection on until either end, or the proxy, ends it."""
        with self._lock:
            self.made += 1
            left = self.after if self.cuts > 0 else None
        with suppress(OSError), socket.create_connection((LOOPBACK, self.target)) as far:
            up = threading.Thread(target=_copy, args=(near, far), daemon=True)
            up.start()
            if _copy(far, near, left):
                with self._lock:
                    self.cuts -= 1
        _end(near)


def _copy(one: socket.socket, other: socket.socket, left: int | None = None) -> bool:
    """Copy from one socket to another; True where it stopped for having copied enough."""
    with suppress(OSError):
        while part := one.recv(1 << 14):
            if left is not None and len(part) >= left:
                other.sendall(part[:left])
                return True
            left = None if left is None else left - len(part)
            other.sendall(part)
        _end(other)
    return False


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


@contextmanager
def cutting(target: int, after: int | None = None, cuts: int = 1_000) -> Iterator[Cutter]:
    """A proxy in front of a port that cuts connections after so many bytes."""
    listener = socket.create_server((LOOPBACK, 0))
    cutter = Cutter(listener.getsockname()[1], target, after, cuts)

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                threading.Thread(target=cutter.passed_on, args=(near,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield cutter
    finally:
        _end(listener)


# HTTPS


@dataclass
class HttpsServer:
    """A loopback HTTPS server with a certificate of an authority made for it.

    Attributes:
        port: Where it listens.
        ca_file: The authority's certificate.
        files: Path → content.
        answers: Path → the statuses it gives to the first requests of it, before any content.
        bearer: The token that is asked for; None where everybody is let in.
        said_size: Path → the size that is said, where it is not the true one.
        moved: Path → where a request of it is sent.
        asked: The method and path of every request.
    """

    port: int
    ca_file: Path
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)
    bearer: str | None = None
    said_size: dict[str, int] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"https://localhost:{self.port}{path}"


@contextmanager
def https_server(folder: Path) -> Iterator[HttpsServer]:
    """A server on loopback whose certificate is for `localhost` and of its own authority."""
    import ssl
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    certificate, key, authority = make_certificate(folder)

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(b"")

        def do_GET(self) -> None:
            self.answer(said.files.get(self.path, b""))

        def answer(self, body: bytes) -> None:
            said.asked.append((self.command, self.path))
            status = self.status()
            self.send_response(status)
            if status == 200:
                size = said.said_size.get(self.path, len(said.files[self.path]))
                self.send_header("Content-Length", str(size))
                self.send_header("ETag", str(hash(said.files[self.path])))
            else:
                self.send_header("Content-Length", "0")
            if self.path in said.moved:
                self.send_header("Location", said.moved[self.path])
            self.end_headers()
            if status == 200:
                self.wfile.write(body)
            self.close_connection = True

        def status(self) -> int:
            if said.bearer and self.headers["Authorization"] != f"Bearer {said.bearer}":
                return 401
            if said.answers.get(self.path):
                return said.answers[self.path].pop(0)
            if self.path in said.moved:
                return 302
            return 200 if self.path in said.files else 404

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((LOOPBACK, 0), Answering)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    said = HttpsServer(server.server_address[1], authority)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield said
    finally:
        server.shutdown()
        server.server_close()


def make_certificate(folder: Path, host: str = "localhost") -> tuple[Path, Path, Path]:
    """A certificate for a host, its key, and the certificate of the authority that signed it."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    own, authority = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    now = datetime.now(UTC)

    def certificate(name: str, key: ec.EllipticCurvePrivateKey, is_ca: bool) -> x509.Certificate:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        usage = x509.KeyUsage(True, *[False] * 4, is_ca, is_ca, False, False)
        whose = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
        return (
            x509.CertificateBuilder(named("Test authority"), named(name), key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(names, critical=False)
            .add_extension(whose, critical=False)
            .add_extension(by, critical=False)
            .sign(authority, hashes.SHA256())
        )

    paths = folder / "server.pem", folder / "server.key", folder / "ca.pem"
    pem = serialization.Encoding.PEM
    paths[0].write_bytes(certificate(host, own, False).public_bytes(pem))
    paths[1].write_bytes(
        own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    paths[2].write_bytes(certificate("Test authority", authority, True).public_bytes(pem))
    return paths


# An object store


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an object store that speaks S3, on loopback, in this process's memory."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address=LOOPBACK, port=free_port(), verbose=False)
    server.start()
    try:
        yield f"http://{LOOPBACK}:{server._port}"
    finally:
        server.stop()
