"""Hear of a new edition, whoever published it.

The database is asked twice a second; an answer is one row by primary key (under a millisecond, also on
PostgreSQL). PostgreSQL's LISTEN would be faster by half a second and was left out: it needs a connection of
its own that stays, fails on a standby and behind a pooler in transaction mode, still needs the question for
what was missed, and SQLite has nothing like it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from gridmap.model import Edition
    from gridmap.store.store import Store

EVERY_S: Final = 0.5
"""How often the database is asked; an edition is heard of within a second."""


def new_editions(store: Store, after: int | None, stop: Event, every_s: float = EVERY_S) -> Iterator[Edition]:
    """Give the newest edition whenever there is one newer than number `after`, until `stop` is set.

    Of several that came in between only the newest is given. The first question is asked at once. HomeError:
    the database cannot be asked; ask again with a new call when it is back.
    """
    known = after or 0
    while not stop.is_set():
        current = store.current()
        if current is not None and current.number > known:
            known = current.number
            yield current
        stop.wait(every_s)
