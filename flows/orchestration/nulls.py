"""Prefect's own clients and commands against the server: a null in a question is nothing asked.

Prefect 3.8.8 writes `"limit": null` where it asks for no limit. FastAPI once took a null for what
was not given; the locked version (0.154) refuses it with status 422, so that `prefect deploy --all`
ended after its first line. The server of the schedule therefore leaves such nulls out.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

QUESTIONS: Final = ("/filter", "/count", "/paginate")
"""How the paths end that are asked by a POST whose body is made of parts that may be left out."""


def without_nulls(app: App) -> App:
    """A server that takes a null part of a question for one that was not given.

    Args:
        app: The server, as ASGI has it.
    """

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        asks = scope["type"] == "http" and scope["method"] == "POST"
        if not asks or not scope["path"].endswith(QUESTIONS):
            await app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # whoever asked has gone
            body, more = body + message.get("body", b""), message.get("more_body", False)
        given = [{"type": "http.request", "body": left_out(body), "more_body": False}]

        async def again() -> Message:
            return given.pop() if given else await receive()

        await app(scope, again, send)

    return serve


def left_out(body: bytes) -> bytes:
    """A JSON object without its parts that are null; anything else as it is."""
    try:
        said = json.loads(body)
    except ValueError:
        return body
    if not isinstance(said, dict) or None not in said.values():
        return body
    return json.dumps({name: one for name, one in said.items() if one is not None}).encode()
