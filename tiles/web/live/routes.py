"""The routes of the stream: `/live` as the document says it, and the helper for pages, `/live.js`.

A stream is answered by the front in its loop (`tiles.web.live.door`). Behind another WSGI server there is no
hub; a thread would have to be held for each listener. So the app checks the question and then says that it
cannot be had there (501), with what to ask instead. To send a finite piece and have browsers come back for
more was refused: it looks like a stream that works, and is a poll that nobody chose.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from tiles.web import problems
from tiles.web.live.door import EVENT_STREAM, LAYER, PATH
from tiles.web.live.filters import PARAMETERS, read_filter
from tiles.web.reply import PROBLEM, REVALIDATE, Reply
from tiles.web.route import Route, json_response

if TYPE_CHECKING:
    from tiles.web.call import Call

SCRIPT: Final = "text/javascript; charset=utf-8"

_DESCRIPTION: Final = """\
Server-Sent Events, for `EventSource` and for `fetch`. 实时事件流。

It begins with `hello` (`seq`, `edition`, `time`). Then come `event`, `order`, `notice` and `edition`, each \
with its number in the log as `id`, and `device` and `value`, states without one: only the newest counts. \
Who comes back with the last id (`Last-Event-ID`, or `since`) gets what followed it, none missing or twice, \
and all states anew. `reset` says that this cannot be done and what to load (`reload`); `lagging`, that a \
slow reader got only the last of each key; `bye`, why the server closes. After 15 s of silence comes a \
heartbeat, `beat`: who hears nothing for much longer has lost the line.

All parameters that are given narrow what is told. Pages share one stream of the browser with `/live.js`.
"""


def not_here(call: Call) -> Reply:
    """Check the question, and say that this server has no streams."""
    read_filter(call.query.items(), call.snapshot.has)
    return problems.problem(
        problems.UNSUPPORTED,
        "Streams are served by `gridmap serve` only; here ask GET /events?since=SEQ from time to time.",
        "此服务不支持实时流，请使用 gridmap serve，或定期查询 GET /events?since=SEQ。",
    )


def script(_call: Call) -> Reply:
    """Give the helper for pages."""
    return Reply(_script(), SCRIPT, cache=REVALIDATE)


@cache
def _script() -> bytes:
    return files("tiles.web.live").joinpath("live.js").read_bytes()


ROUTES: Final = (
    Route(
        PATH,
        "live",
        LAYER,
        not_here,
        "What happens, as it happens",
        _DESCRIPTION,
        PARAMETERS,
        {
            "200": {
                "description": "The stream; it has no end of its own.",
                "content": {
                    EVENT_STREAM: {
                        "schema": {"type": "string"},
                        "example": 'id: 17\nevent: event\ndata: {"seq":17,"id":"a-1"}\n\n',
                    }
                },
            },
            "501": json_response("This server has no streams (not `gridmap serve`).", "Problem", PROBLEM),
            "503": json_response("All streams are in use; `Retry-After` says when.", "Problem", PROBLEM),
        },
    ),
    Route("/live.js", "live_script", "documentation", script, "The helper for pages"),
)
SCHEMAS: Final[dict[str, Any]] = {}
