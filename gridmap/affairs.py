"""Affairs: what goes on in the city. Here the intake, the log and those who follow it meet.

One object for a process that serves a city. Events come in through `intake`; a thread of its own, the keeper,
follows the log and makes of it what is open and what is to be done. Every process on a city has a keeper:
each row is taken by whichever comes first, once, in the transaction that stores what was made of it.
"""

from __future__ import annotations

import logging
from functools import cached_property
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from gridmap.errors import GridmapError
from gridmap.events.intake import Intake
from gridmap.events.keeping import KEEPER, keep
from gridmap.store.store import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gridmap.store.logbook import LogBook
    from gridmap.store.store import Store
    from gridmap.twin import Twin

LOG: Final = logging.getLogger(__name__)

EVERY_S: Final = 0.2
"""How often the keeper looks for rows that other processes wrote; those of this one wake it."""

PAGE: Final = 500
"""Rows that the keeper takes at a time: for some 20 ms nobody else can write."""

PEOPLE: Final = "people"
"""The name of the key that makes a reporter's name into a hash."""


class Affairs:
    """What goes on in the city; close it when done."""

    def __init__(self, twin: Twin, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        """Take events for the city that a twin serves, and keep what they add up to. The store stays open."""
        self._twin = twin
        self.book: LogBook = store.log
        self.intake = Intake(self.book, lambda: twin.current, clock, self._written)
        self._wake = Event()
        self._ended = False
        self._listeners: list[Callable[[], None]] = []
        self._keeper = Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()

    @cached_property
    def secret(self) -> bytes:
        """The city's key for what people are called."""
        return self.book.secret(PEOPLE)

    def listen(self, told: Callable[[], None]) -> None:
        """Have a function called, in some thread, whenever this process has written the log."""
        self._listeners.append(told)

    def close(self) -> None:
        """Write what waits and stop following; a row that was not taken is taken by the next start."""
        self.intake.close()
        self._ended = True
        self._wake.set()
        self._keeper.join(10)

    def _written(self) -> None:
        self._wake.set()
        for told in self._listeners:
            told()

    def _keep(self) -> None:
        said = ""
        while not self._ended:
            moved = 0
            try:
                moved = self.book.advance(KEEPER, PAGE, keep)
                said = ""
            except GridmapError as error:
                if str(error) != said:
                    said = str(error)
                    LOG.error("what is open is not kept up to date: %s", said)
            if moved:
                for told in self._listeners:
                    told()
            else:
                self._wake.wait(EVERY_S if not said else 5 * EVERY_S)
                self._wake.clear()
