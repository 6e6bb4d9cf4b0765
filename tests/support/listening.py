"""What alerts are sent to: a mail server and a webhook on the loopback address, which write down
what they are given."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_string, policy
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


@dataclass
class Mail:
    """A mail server that keeps what it was given; `refuses` has it take no recipient."""

    port: int = 0
    refuses: bool = False
    taken: list[Message] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 here")
        while line := (await reader.readline()).decode().strip():
            verb = line.split()[0].upper()
            if verb == "DATA":
                say("354 go on")
                text = (await reader.readuntil(b"\r\n.\r\n")).decode().removesuffix(".\r\n")
                self.taken.append(message_from_string(text, policy=policy.default))
            if verb == "QUIT":
                say("221 bye")
                break
            say("550 no" if verb == "RCPT" and self.refuses else "250 yes")
        writer.close()


@contextmanager
def mail_server() -> Iterator[Mail]:
    """A mail server at work."""
    mail, loop = Mail(), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(mail.talk, "127.0.0.1", 0))
    mail.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield mail
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


@dataclass
class Webhook:
    """A webhook that keeps the JSON it was posted; it answers with `status`."""

    address: str = ""
    status: int = 202
    to: str = ""
    taken: list[Any] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The text of every card that was posted."""
        cards = [one["attachments"][0]["content"]["body"] for one in self.taken]
        return ["\n".join(block["text"] for block in card) for card in cards]


@contextmanager
def webhook(*, answers_get: bool = False) -> Iterator[Webhook]:
    """A webhook at work, which may answer whoever only asks with 200."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(hook.status)
            if hook.to:
                self.send_header("Location", hook.to)
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200 if answers_get else 501)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    hook.address = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
