"""The intake: one door for every event, whoever brings it. What it has acknowledged is on disk.

Theory of operation. A disk syncs some hundred times a second, whether for one event or for a thousand. So
events wait, in the order in which they came, for the one thread that writes; it takes all that wait, gives
each its grid by the edition that is served at that moment, writes them in one transaction, and tells
everybody when that is on disk (group commit). Who comes alone waits for one sync; who comes with fifteen
others, too.

An event that is there already is answered with what is there: the same again changes nothing, and something
else under the same source and id is a conflict. Of two workers on one city each has its own intake; the
database puts their transactions one after the other.

Nothing is kept in memory that was acknowledged, and nothing is acknowledged that is only in memory.
"""

from __future__ import annotations

import logging
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from gridmap.errors import BusyError, GridmapError, InputError
from gridmap.events.placing import Placed, place_all
from gridmap.store.log import EVENT, Fact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gridmap.events.document import Given
    from gridmap.events.placing import City
    from gridmap.store.logbook import LogBook, Written

LOG: Final = logging.getLogger(__name__)

MOST_UNDER_WAY: Final = 200_000
"""Events that may be under way; more are refused until some are written."""

AT_ONCE: Final = 5_000
"""Events of one transaction: a tenth of a second, in which nobody else is acknowledged."""

GATHERED_S: Final = 0.002
"""How long a transaction is held back for as many as the last one had: they were answered together, and most
send the next a moment later. Who comes alone is never held back."""

NEW: Final = "new"
SAME: Final = "same"
OTHER: Final = "other"


class Receipt(NamedTuple):
    """What became of an event. `body` is what stands in the log, without its number.

    `outcome` is NEW, SAME (it was there already), or OTHER: something else is known by its source and id, and
    that is what `seq` and `body` are.
    """

    outcome: str
    seq: int
    body: str


Answer = Receipt | InputError
"""What is told of one event; an error says which of its fields cannot be used."""


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Events that came together, and whom to tell."""

    events: Sequence[Given]
    told: Callable[[Sequence[Answer] | Exception], None]
    all_told: Callable[[], None] | None


class Intake:
    """Writes events in the order in which they come. Threads may share it."""

    def __init__(
        self,
        book: LogBook,
        city: Callable[[], City],
        clock: Callable[[], datetime],
        written: Callable[[], None] = lambda: None,
    ) -> None:
        """`city` gives what is served now; `written` is called whenever there are new rows in the log."""
        self._book = book
        self._city = city
        self._clock = clock
        self._written = written
        self._waiting: deque[_Parcel] = deque()
        self.under_way = 0
        """Events that came and are not written yet."""
        self._enough = 1
        """Parcels that are worth waking the writer for."""
        self._before = 1
        """Parcels of the last transaction."""
        self._changed = Condition()
        self._ended = False
        self._thread = Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def close(self, patience_s: float = 10.0) -> None:
        """Write what waits, and take no more."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(patience_s)

    def submit(
        self,
        events: Sequence[Given],
        told: Callable[[Sequence[Answer] | Exception], None],
        all_told: Callable[[], None] | None = None,
    ) -> None:
        """Have events written; `told` is called from the writing thread, with an answer for each in order.

        Or with the one error for which none of them was written. `all_told` is called once when everybody
        was told whose events were written together. BusyError: too many are under way already.
        """
        with self._changed:
            if self._ended or self.under_way + len(events) > MOST_UNDER_WAY:
                reason = "this server ends" if self._ended else f"more than {MOST_UNDER_WAY:,} events wait"
                raise BusyError(f"events: {reason}; nothing of this was taken, send it again in a moment")
            self.under_way += len(events)
            self._waiting.append(_Parcel(events, told, all_told))
            if len(self._waiting) >= self._enough:
                self._changed.notify()

    def take(self, events: Sequence[Given]) -> Sequence[Answer]:
        """Have events written, and wait for it; errors as `submit`, and what went wrong in writing."""
        return self.promise(events).result()

    def promise(self, events: Sequence[Given]) -> Future[Sequence[Answer]]:
        """Have events written, and go on meanwhile; errors as `take`."""
        done: Future[Sequence[Answer]] = Future()

        def told(answers: Sequence[Answer] | Exception) -> None:
            if isinstance(answers, Exception):
                done.set_exception(answers)
            else:
                done.set_result(answers)

        self.submit(events, told)
        return done

    def _run(self) -> None:
        while parcels := self._next():
            events = [event for parcel in parcels for event in parcel.events]
            answers: Sequence[Answer] | Exception
            try:
                answers = self._write(events)
            except Exception as error:  # whatever it is, those who wait are told, and the next are taken
                ours = isinstance(error, GridmapError)
                LOG.error("%d events could not be written: %s", len(events), error, exc_info=not ours)
                answers = error
            with self._changed:
                self.under_way -= len(events)
            begin = 0
            for parcel in parcels:
                end = begin + len(parcel.events)
                _say(parcel.told, answers if isinstance(answers, Exception) else answers[begin:end])
                begin = end
            for all_told in dict.fromkeys(parcel.all_told for parcel in parcels):
                if all_told is not None:
                    _say(all_told)
            _say(self._written)

    def _next(self) -> list[_Parcel]:
        """Parcels that wait, as many as go into one transaction; none when this ends."""
        with self._changed:
            while not self._waiting and not self._ended:
                self._changed.wait()
            if len(self._waiting) < self._before and not self._ended:
                self._enough = self._before
                self._changed.wait(GATHERED_S)
                self._enough = 1
            parcels: list[_Parcel] = []
            count = 0
            while self._waiting and (not parcels or count + len(self._waiting[0].events) <= AT_ONCE):
                parcels.append(self._waiting.popleft())
                count += len(parcels[-1].events)
            self._before = len(parcels)
            return parcels

    def _write(self, given: Sequence[Given]) -> list[Answer]:
        city = self._city()
        places = place_all([each.event for each in given], city)
        received, edition = rfc3339(self._clock()), city.edition.number
        out: list[Answer | None] = [place if isinstance(place, InputError) else None for place in places]
        facts, people, numbers = [], {}, []
        seen: set[str] = set()
        for number, (each, place) in enumerate(zip(given, places, strict=True)):
            if isinstance(place, InputError):
                continue
            key = each.event.key
            facts.append(Fact(EVENT, key, body_of(each, place, received, edition)))
            numbers.append(number)
            if each.event.reporter is not None and key not in seen:
                people[key] = msgspec.json.encode(each.event.reporter).decode()
            seen.add(key)
        for number, fact, written in zip(numbers, facts, self._book.add(facts, people), strict=True):
            out[number] = _receipt(given[number], fact, written)
        return [answer for answer in out if answer is not None]


def body_of(given: Given, place: Placed, received: str, edition: int) -> str:
    """What stands in the log of an event: what was said, where that is, when it came."""
    said = given.json[:-1].decode()
    if given.event.occurred_at is None:
        said += f',"occurred_at":"{received}"'
    if place.at is not None:
        said += f',"at":[{place.at[0]!r},{place.at[1]!r}]'
    said += f',"code":{msgspec.json.encode(place.code).decode()}'
    if place.unplaced is not None:
        said += f',"unplaced":{msgspec.json.encode(place.unplaced).decode()}'
    return f'{said},"received_at":"{received}","edition":{edition},"digest":"{given.digest}"}}'


def is_unplaced(body: str) -> bool:
    """Whether an event that stands in the log is in no grid; what its own fields say does not count."""
    return body.rpartition(',"code":')[2].startswith("null")


def with_number(seq: int, body: str) -> str:
    """An event as it is handed out: its number, then what stands in the log."""
    return f'{{"seq":{seq},{body[1:]}'


def rfc3339(moment: datetime) -> str:
    """A moment of UTC in milliseconds."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"  # %Y writes 900 for 0900


def _say(told: Callable[..., None], *what: object) -> None:
    """Tell somebody; whoever fails in being told does not end the thread that writes for all the others."""
    try:
        told(*what)
    except Exception:
        LOG.exception("somebody could not be told of events that were written")


def _receipt(given: Given, fact: Fact, written: Written) -> Receipt:
    if written.before is None:
        return Receipt(NEW, written.seq, fact.body)
    same = written.before.endswith(f'"digest":"{given.digest}"}}')
    return Receipt(SAME if same else OTHER, written.seq, written.before)
