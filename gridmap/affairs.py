"""Affairs: what goes on in the city. Here the intake, the log and those who follow it meet.

One object for a process that serves a city. Events come in through `intake`; a thread of its own, the keeper,
follows the log and makes of it what is open and what is to be done. Every process on a city has a keeper:
each row is taken by whichever comes first, once, in the transaction that stores what was made of it.
"""

from __future__ import annotations

import logging
import time
from functools import cached_property
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

from gridmap.board import Board
from gridmap.casework import BOUNDARIES, Casework
from gridmap.daybook.daybook import Daybook
from gridmap.devices.desk import DeviceDesk, Rounds
from gridmap.errors import DamageError, GridmapError, InputError
from gridmap.events.document import from_object
from gridmap.events.intake import Intake
from gridmap.orders.rules import Rules
from gridmap.outbox import Outbox
from gridmap.store.store import utc_now
from gridmap.trying import Trying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gridmap.casework import Request
    from gridmap.orders.order import WorkOrder
    from gridmap.store.attachments import AttachmentBook
    from gridmap.store.logbook import LogBook
    from gridmap.store.store import Store
    from gridmap.twin import Twin

LOG: Final = logging.getLogger(__name__)

EVERY_S: Final = 0.2
"""How often the keeper looks for rows that other processes wrote; those of this one wake it."""

KEEPER: Final = "keeper"
"""The name of the keeper's checkpoint."""

PAGE: Final = 400
"""Rows that the keeper takes at a time; while it writes what follows nobody else can."""

YIELD_S: Final = 0.002
"""How long the keeper stands back between two pages while nobody waits to report something."""

GATHERED_S: Final = 0.04
"""How long the keeper stands back when it has taken all there is, or when events are under way."""

MANY: Final = 1_000
MANY_S: Final = 0.3
"""How long it stands back while so many events are under way: they come in first."""

CHECKED_AT_ONCE: Final = 2_000
CHECK_PAUSE_S: Final = 0.02
"""The check after the start reads so many rows, and then lets others work."""

DUE_EVERY_S: Final = 1.0
"""How often the clocks of orders are looked at; a mark is told within a second or so."""

PEOPLE: Final = "people"
"""The name of the key that makes a reporter's name into a hash."""


class Affairs:
    """What goes on in the city; close it when done."""

    def __init__(self, twin: Twin, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        """Take events for the city that a twin serves, and keep what they add up to. The store stays open."""
        self._twin = twin
        self.book: LogBook = store.log
        self.attachments: AttachmentBook = store.attachments
        self._listeners: list[Callable[[], None]] = []
        self._wake = Event()
        self.intake = Intake(self.book, lambda: twin.current, clock, self._written)
        self.devices = DeviceDesk(store.device_book, self._report, clock)
        self._rounds = Rounds(self.devices)
        self.casework = Casework(lambda: twin.current, Rules(), clock)
        self._ended = False
        self._moved = 0
        self._looked = 0.0
        self._outbox = Outbox(store.hooks, clock)
        self._archives, self._clock = store.archives, clock
        self.damage: DamageError | None = None
        """What was found wrong with the log; then nothing of it is served, and nothing is taken."""
        self._keeper = Thread(target=self._keep, name="keeper", daemon=True)
        self._checker = Thread(target=self._check, name="log-check", daemon=True)
        self._keeper.start()
        self._checker.start()

    @cached_property
    def secret(self) -> bytes:
        """The city's key for what people are called."""
        return self.book.secret(PEOPLE)

    @cached_property
    def board(self) -> Board:
        """What is open now."""
        return Board(self.book, KEEPER, BOUNDARIES)

    @cached_property
    def daybook(self) -> Daybook:
        """How today stands, in numbers."""
        return Daybook(self.book, self.devices.book, KEEPER, self.casework.calendar, self._clock)

    def now(self) -> datetime:
        """The time by which all here goes."""
        return self._clock()

    def listen(self, told: Callable[[], None]) -> None:
        """Have a function called, in some thread, whenever this process has written the log."""
        self._listeners.append(told)

    def close(self) -> None:
        """Write what waits and stop following; a row that was not taken is taken by the next start."""
        self._rounds.close()
        self.intake.close()
        self._ended = True
        self._wake.set()
        self._keeper.join(10)
        self._checker.join(10)
        self._outbox.close()

    def act(self, order: str, request: Request) -> WorkOrder:
        """Let somebody act on an order; errors as `Casework.act`."""
        found = self.book.at_desk(lambda desk: self.casework.act(desk, order, request))
        self._written()
        return found

    def _report(self, events: Sequence[dict[str, Any]]) -> None:
        """Have events of devices written; one that was written before changes nothing."""
        for answer in self.intake.take([from_object(event, self.secret) for event in events]):
            if isinstance(answer, InputError):
                LOG.error("an event of a device cannot be used: %s", answer)

    def _check(self) -> None:
        """Read the whole log and its indexes once after the start, slowly.

        A row that is damaged is found when it is read, but a torn page of an index only hides rows: the same
        event could be taken twice.
        """
        try:
            self.book.check_structure()
            for _ in self.book.verify(CHECKED_AT_ONCE):
                if self._ended:
                    return
                time.sleep(CHECK_PAUSE_S)
        except DamageError as error:
            self.damage = error
            LOG.error("events are neither served nor taken any more: %s", error)
        except Exception:
            LOG.exception("the log could not be checked")

    def _keep(self) -> None:
        trying = Trying(LOG, "what is open is not kept up to date")
        while not self._ended:
            moved = 0
            with trying:
                moved = self._step()
            if moved:
                self._tell()
                time.sleep(self._pause(moved))
            else:
                self._tend()
                self._wake.wait(EVERY_S if trying.is_well else 5 * EVERY_S)
                self._wake.clear()

    def _pause(self, moved: int) -> float:
        """How long the keeper stands back when it has taken so many rows.

        What comes within a moment is taken together: each turn costs some ms. And who reports something waits
        for the lock and the processor, which a keeper in a hurry would take again at once.
        """
        if self.intake.under_way >= MANY:
            return MANY_S
        return GATHERED_S if moved < PAGE or self.intake.under_way else YIELD_S

    def _tend(self) -> None:
        """Have the oldest rows of the log archived, when it is time for that."""
        try:
            self._archives.tend(self._clock())
        except GridmapError as error:
            LOG.error("the log is not archived: %s", error)

    def _step(self) -> int:
        """Take what is next; how much that was."""
        if self._twin.current.edition.number > self._moved:
            self._moved = self.book.at_desk(self.casework.move)
        moved = self.book.advance(KEEPER, PAGE, self.casework.keep)
        if time.monotonic() - self._looked >= DUE_EVERY_S:
            self._looked = time.monotonic()
            if self.book.looking(self.casework.is_due):
                moved += self.book.at_desk(lambda desk: self.casework.sound(desk, PAGE))
        return moved

    def _written(self) -> None:
        self._wake.set()
        self._tell()

    def _tell(self) -> None:
        for told in self._listeners:
            try:
                told()
            except Exception:  # who cannot listen does not end the threads that write and keep
                LOG.exception("a listener could not be told that the log has grown")
