"""What the keeper makes of the log's rows: the situations, kept in the transaction that takes the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gridmap.events.situations import applied, read_said, read_state, situation_of, things_of
from gridmap.store.log import EVENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.store.desk import Desk
    from gridmap.store.log import Entry

KEEPER: Final = "keeper"
"""The name of its checkpoint."""


def keep(entries: Sequence[Entry], desk: Desk) -> None:
    """Bring the situations up to date with the next rows of the log."""
    events = [(entry, read_said(entry)) for entry in entries if entry.kind == EVENT]
    if not events:
        return
    things = things_of(events, desk)
    states = {thing: read_state(row) for thing, row in desk.situations(things).items()}
    for (entry, said), thing in zip(events, things, strict=True):
        states[thing] = applied(states.get(thing), entry.seq, said, thing)
    desk.put_situations(map(situation_of, states.values()))
