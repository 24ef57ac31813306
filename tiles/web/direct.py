"""Answers that need no worker of their own: given later, from any thread, many at once.

A handler gets a whole request in the loop's thread and a ticket. What it says by calling the ticket goes out
in the request's turn. So a writer that stores the events of many clients in one transaction answers all of
them together, while no thread waits for any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tiles.web import gate
from tiles.web.wire import Request, write_reply

if TYPE_CHECKING:
    from tiles.web.reply import Reply
    from tiles.web.turns import Turns


class Ticket:
    """The place of one request in its connection; call it with the pieces of the reply, from any thread."""

    __slots__ = ("_done", "answered", "connection", "size")

    def __init__(self, done: Done, connection: Turns, size: int) -> None:
        self._done = done
        self.connection = connection
        self.size = size
        """Bytes of the request's body, counted as held until it is answered."""
        self.answered = False
        """Set by the front: only the first answer counts."""

    def __call__(self, pieces: list[bytes]) -> None:
        """Answer; where there are several answers at a time, use `together`."""
        self._done([(self, pieces)])

    def together(self, answers: Sequence[tuple[Ticket, list[bytes]]]) -> None:
        """Answer requests of the same server at once, for which its loop is woken once."""
        self._done(answers)

    def is_gone(self) -> bool:
        """Whether the client has left: what it sent may still be done, nobody waits for the answer."""
        return self.connection.is_gone()


Done = Callable[[Sequence[tuple[Ticket, list[bytes]]]], None]
"""Answers several at a time, from any thread (`Front.done_many`)."""

Handler = Callable[[Request, Ticket], bool]
"""Called in the loop's thread, so it must be quick. True: the ticket will be called. False: ask the app."""


def pieces_of(request: Request, reply: Reply, layer: str | None) -> list[bytes]:
    """A reply of a layer, ready for a ticket; it passes the gate like any other. For any thread."""
    released, headers = gate.admit(reply, layer, gate.scope_of(None))
    return write_reply(request, released.status, headers, released.body, close=not request.keep_alive)
