"""One plain event, answered when it is on disk, without a thread that waits for it or Flask.

What this gives is what the app would give (`tests/test_events_direct.py` asks both). Whatever is unusual it
leaves to the app: lists, other media types, an event that cannot be used, one with photos.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gridmap.errors import BusyError, InputError
from gridmap.events.document import decode
from tiles.web import problems
from tiles.web.direct import pieces_of
from tiles.web.events import LAYER, reply_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.affairs import Affairs
    from gridmap.events.intake import Answer
    from tiles.web.direct import Ticket
    from tiles.web.wire import Request

ASKED: Final = "POST /events"
LONGEST: Final = 16_384
"""Bytes of a body that are read in the loop: some 20 us."""

_ODD: Final = frozenset({b"content-encoding", b"ce-specversion"})


class DirectEvents:
    """Takes one event of a request (`tiles.web.direct.Handler`)."""

    def __init__(self, affairs: Affairs) -> None:
        self._affairs = affairs
        self._secret = affairs.secret
        self._answers: list[tuple[Ticket, list[bytes]]] = []

    def __call__(self, request: Request, ticket: Ticket) -> bool:
        """Whether this is one plain event; then the ticket is called when it is written."""
        if request.size > LONGEST or b"?" in request.target or self._affairs.damage is not None:
            return False
        headers = dict(request.headers)
        media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media_type != b"application/json" or not _ODD.isdisjoint(headers):
            return False
        try:
            given = decode(b"".join(request.body), self._secret)
            if given.event.photos:
                return False
            self._affairs.intake.submit(
                [given], lambda answers: self._tell(request, ticket, answers), self._all_told
            )
        except (InputError, BusyError):
            return False
        return True

    def _tell(self, request: Request, ticket: Ticket, answers: Sequence[Answer] | Exception) -> None:
        try:
            if isinstance(answers, Exception):
                raise answers
            pieces = pieces_of(request, reply_of(answers[0]), LAYER)
        except Exception as error:  # every one becomes a problem document
            pieces = pieces_of(request, problems.of_error(error, ASKED, ()), None)
        self._answers.append((ticket, pieces))

    def _all_told(self) -> None:
        """Have all that were written together answered together; in the intake's thread, like `_tell`."""
        answers, self._answers = self._answers, []
        answers[0][0].together(answers)
