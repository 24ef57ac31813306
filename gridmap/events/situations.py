"""Situations: what the events about one thing add up to, whether it is open, where, and how urgent.

Events about a thing (an outage, a manhole) share source and subject; one without a subject is a thing by
itself. They count in the order in which they happened, and of two of one moment the later in the log: so an
update that arrives after the close that came after it changes nothing. `open` after `close` opens again, and
nothing else does: an `update` of what is closed is known of it and leaves it closed, one of something unknown
begins it. What an event leaves out stays as it was, its place too.

A correction counts for the thing of the event that it corrects, which stands before it in the log; so does
the correction of a correction. One that says no `op` is an update: a title that is put right after the close
opens nothing. A drill about a thing that is open in earnest changes nothing of it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from gridmap.events.document import CLOSE, OPEN, UPDATE, URGENCIES, key_of, usual_op
from gridmap.events.placing import NO_PLACE
from gridmap.store.desk import Situation
from gridmap.store.log import EVENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.store.desk import Desk
    from gridmap.store.log import Entry


LEAST: Final = URGENCIES[-1]
"""The urgency of a thing of which nobody said any."""


MOST_CORRECTIONS: Final = 32
"""Corrections of corrections that are followed; who writes more corrects the thirty-second."""


class Said(msgspec.Struct, rename={"class_": "class"}):
    """Of an event in the log, what matters for a situation and an order; `op` is never empty."""

    id: str
    source: str
    class_: str
    occurred_at: str
    code: str | None
    received_at: str
    urgency: str | None = None
    op: str = ""
    subject: str | None = None
    corrects: str | None = None
    title: str = ""
    kind: str = ""
    matter: str | None = None
    drill: bool = False
    at: tuple[float, float] | None = None
    unplaced: str | None = None
    edition: int = 0

    def __post_init__(self) -> None:
        self.op = self.op or usual_op(self.corrects)


class State(msgspec.Struct, rename={"class_": "class"}, omit_defaults=True):
    """What is known of a thing; `first` and `last` are numbers of its events.

    `closed_at` is when it ceased to be open; `was_open` is False of what was only ever heard of as closed.
    States of an earlier release have neither.
    """

    thing: str
    first: int
    last: int
    class_: str
    urgency: str
    opened_at: str
    occurred_at: str
    code: str | None
    title: str = ""
    kind: str = ""
    matter: str | None = None
    drill: bool = False
    at: tuple[float, float] | None = None
    unplaced: str | None = None
    is_open: bool = True
    was_open: bool = True
    closed_at: str | None = None
    events: int = 1
    late: int = 0


_said: Final = msgspec.json.Decoder(Said)
_state: Final = msgspec.json.Decoder(State)
_encode: Final = msgspec.json.Encoder().encode


def read_said(entry: Entry) -> Said:
    """What an event row of the log says."""
    return _said.decode(entry.body)


def read_state(situation: Situation) -> State:
    """What a stored situation says."""
    return _state.decode(situation.body)


def situation_of(state: State) -> Situation:
    """The row that keeps a state."""
    return Situation(state.thing, state.last, state.is_open, _encode(state).decode())


def thing_of(said: Said) -> str:
    """The thing that an event is about, when it corrects none."""
    return key_of(said.source, said.subject or said.id)


def applied(state: State | None, seq: int, said: Said, thing: str) -> State:
    """A thing after one more event about it; a new value, the old one stays as it is."""
    if state is None:
        return State(
            thing,
            first=seq,
            last=seq,
            class_=said.class_,
            urgency=said.urgency or LEAST,
            opened_at=happened(said),
            occurred_at=happened(said),
            code=said.code,
            title=said.title,
            kind=said.kind,
            matter=said.matter,
            drill=said.drill,
            at=said.at,
            unplaced=said.unplaced,
            is_open=said.op != CLOSE,
            was_open=said.op != CLOSE,
        )
    counted: dict[str, Any] = {"last": seq, "events": state.events + 1}
    if _moment(happened(said)) < _moment(state.occurred_at):
        return replace(state, late=state.late + 1, **counted)
    if said.drill and state.is_open and not state.drill:
        return replace(state, **counted)
    is_open = said.op == OPEN or (said.op == UPDATE and state.is_open)
    counted |= {"is_open": is_open, "occurred_at": happened(said), "class_": said.class_}
    counted["drill"] = said.drill
    counted |= {name: value for name in _MAY_CHANGE if (value := getattr(said, name))}
    if said.unplaced != NO_PLACE:
        counted |= {"at": said.at, "code": said.code, "unplaced": said.unplaced}
    if is_open and not state.is_open:
        counted |= {"opened_at": happened(said), "was_open": True, "closed_at": None}
    elif not is_open and state.was_open:
        counted["closed_at"] = happened(said) if state.is_open else state.closed_at or state.occurred_at
    return replace(state, **counted)


def happened(said: Said) -> str:
    """When an event counts as having happened: never later than it came, whatever its source's clock says.

    Else whatever follows from a clock that runs a year ahead would be late for a year.
    """
    return min(said.occurred_at, said.received_at, key=_moment)


_MAY_CHANGE: Final = ("urgency", "title", "kind", "matter")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())  # t and z may be small in RFC 3339, not in Python


def things_of(entries: Sequence[tuple[Entry, Said]], desk: Desk) -> list[str]:
    """The thing that each event is about; that of a correction is looked up in the log.

    What comes later in the log is not looked at, although it may be there: else it would depend on when
    somebody looks.
    """
    first = [(entry.seq, said) for entry, said in entries]
    places = [place for place, (_, said) in enumerate(first) if said.corrects]
    for _ in range(MOST_CORRECTIONS):
        known = desk.find(EVENT, [_corrected(first[place][1]) for place in places]) if places else {}
        for place in places:
            seq, said = first[place]
            entry = known.get(_corrected(said))
            if entry is not None and entry.seq < seq:
                first[place] = entry.seq, read_said(entry)
            else:
                first[place] = seq, replace(said, corrects=None)
        places = [place for place in places if first[place][1].corrects]
    return [thing_of(said) for _, said in first]


def _corrected(said: Said) -> str:
    return key_of(said.source, said.corrects or "")
