"""The servers that other tests rely on are the real ones, and end when they should."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from servers import PostgresServer, SftpServer


def test_a_client_of_openssh_gets_a_file(sftp_server: SftpServer, tmp_path) -> None:
    (tmp_path / "there").write_text("content")
    words = [
        *("sftp", "-q", "-b", "-", "-P", str(sftp_server.port), "-i", sftp_server.key_file),
        *("-o", f"UserKnownHostsFile={sftp_server.known_hosts}", "-o", "StrictHostKeyChecking=yes"),
        f"{sftp_server.user}@{sftp_server.host}",
    ]
    asked = f"get {tmp_path}/there {tmp_path}/here\n".encode()
    subprocess.run(words, input=asked, check=True, capture_output=True)
    assert (tmp_path / "here").read_text() == "content"
    assert sftp_server.fingerprint.startswith("SHA256:")


def test_postgresql_answers_in_a_database_of_ones_own(postgres_server: PostgresServer) -> None:
    engine = sa.create_engine(postgres_server.new_database())
    with engine.connect() as connection:
        said = str(connection.execute(sa.text("SELECT version()")).scalar())
    engine.dispose()
    assert said.startswith("PostgreSQL ")
