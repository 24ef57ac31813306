"""Ask a WSGI app: a whole request becomes an environment, the app's answer becomes a reply for the wire."""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from tiles.web import gate, problems
from tiles.web.wire import write_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tiles.web.wire import Request

    App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

BODY: Final = "gridmap.body"
"""Where the whole body is, so that an app that wants all of it need not copy it from the stream."""

LOG: Final = logging.getLogger("tiles.web")


def ask(app: App, request: Request, host: str, port: int) -> list[bytes]:
    """Give the pieces of the app's reply. An app that fails is a 500 problem, and a line in the log."""
    answered: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
        answered[:] = [int(status[:3]), headers]

    try:
        chunks = app(environment(request, host, port), start_response)
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        status, headers = answered
    except Exception:
        LOG.exception("the app failed at %s %s", request.method, request.path)
        problem = problems.problem(problems.INTERNAL, problems.INTERNAL.advice)
        reply, headers = gate.admit(problem, None, gate.EVERYTHING)
        status, body = reply.status, reply.body
    return write_reply(request, status, headers, body, close=not request.keep_alive)


def refuse(status: int, detail: str, limit: int | None = None) -> list[bytes]:
    """The pieces of a problem that is told below the app, before the connection is closed.

    `limit` is the number that was exceeded. It passes the gate like any other reply.
    """
    reply, headers = gate.admit(problems.of_status(status, detail, limit), None, gate.EVERYTHING)
    return write_reply(None, reply.status, headers, reply.body, close=True)


def environment(request: Request, host: str, port: int) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of a request.

    Names with an underscore are left out: `X_A` and `X-A` would become one name, and a proxy that removes one
    of them from what strangers send would be deceived.
    """
    target, _, query = request.target.partition(b"?")
    if not target.startswith(b"/") and b"://" in target:  # as a proxy asks: GET http://host/path
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    body = b"".join(request.body)
    request.body.clear()
    found: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(target).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": request.client,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        BODY: body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        if name in _OWN or b"_" in name:
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        if key != "CONTENT_TYPE":
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        found[key] = f"{found[key]}{'; ' if name == b'cookie' else ', '}{text}" if key in found else text
    return found


_OWN: Final = frozenset({b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"expect"})
"""Headers of this connection; the body is whole and its length is known."""
