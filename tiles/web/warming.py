"""What the first questions would wait for, made ready by one thread beside the requests.

The port is open by then: whoever asks before it is done makes it himself, or waits for what is half made, as
long as if nobody had begun. In this order, for each snapshot that is served:

- The daybook counts what is of today; pages that come back after a restart ask for it at once. From time to
  time it reads devices and roster anew, and is asked here to do so before somebody else has to.
- The gazetteer is made once somebody has opened the page, or has asked for one: of Chongqing it takes ten
  seconds and half a gigabyte. Of a new edition that is done before it is served, so there is nothing left
  here. What is stored while the server runs (devices, a roster, buildings) does not say so: it is looked for
  every minute, which costs some sums in the database, and only where something has changed is it read.
- `mapclassify` costs seconds, and 116 MB in a server of Yuzhong. It too waits until somebody opens the page.
  To load both at the start was refused: many a server gives tiles and answers to others, and nobody ever
  looks at the page there. Nor at once: the first picture of the page would wait for it.
"""

from __future__ import annotations

import logging
import time
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from gridmap.classes import prepare
from gridmap.trying import Trying
from tiles.web import kept

if TYPE_CHECKING:
    from gridmap.affairs import Affairs
    from gridmap.twin import Snapshot, Twin

LOG: Final = logging.getLogger(__name__)

OPENED: Final = Event()
"""Set when somebody has opened the page: what it asks for is expected from then on."""

CALM_S: Final = 8.0
"""Seconds after the page was opened that its tiles have to themselves."""

EVERY_S: Final = 0.25
"""How often it is looked whether something is to be made ready: two comparisons."""

RETRY_S: Final = 5.0
"""Seconds until what could not be made ready is tried again."""

RENEWED_S: Final = 60.0
"""How old what is known of the things in the city may be."""

ENDS_S: Final = 1.0
"""How long the end waits for it: it only reads."""


class Warming:
    """Makes ready what would be waited for; close it before the store."""

    def __init__(self, twin: Twin, affairs: Affairs | None) -> None:
        """Nothing is done before `start`."""
        self._twin, self._affairs = twin, affairs
        self._stop = Event()
        self._thread = Thread(target=self._run, name="warming", daemon=True)
        self._counted: Snapshot | None = None
        self._counted_at = 0.0
        self._named: Snapshot | None = None
        self._named_at = 0.0
        self._is_loaded = False
        self._opened_at: float | None = None

    def start(self) -> None:
        """Begin, and make the gazetteer of each later edition before it is served."""
        prepare_others, trying = self._twin.before_swap, Trying(LOG, "names of an edition are not read ahead")

        def prepare_all(snapshot: Snapshot) -> None:
            prepare_others(snapshot)
            with trying:
                if self._is_named():
                    kept.GAZETTEERS.of(snapshot)

        self._twin.before_swap = prepare_all
        self._thread.start()

    def close(self) -> None:
        """End; what is half made is left."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_S)

    def _run(self) -> None:
        steps = [
            (self._count, Trying(LOG, "today is not counted ahead")),
            (self._name, Trying(LOG, "names are not read ahead")),
            (self._load, Trying(LOG, "what makes classes is not loaded ahead")),
        ]
        while not self._stop.is_set():
            for step, trying in steps:
                with trying:
                    step(self._twin.current)
            self._stop.wait(EVERY_S if all(trying.is_well for _, trying in steps) else RETRY_S)

    def _count(self, snapshot: Snapshot) -> None:
        if self._affairs is None or self._affairs.damage is not None:
            return
        if snapshot is not self._counted:
            self._affairs.daybook.look(snapshot)
        elif time.monotonic() - self._counted_at >= RENEWED_S:
            self._affairs.daybook.renew()
        else:
            return
        self._counted, self._counted_at = snapshot, time.monotonic()

    def _is_named(self) -> bool:
        """Whether somebody wants to know what things are called."""
        return self._is_expected() or kept.GAZETTEERS.has(self._twin.current)

    def _is_expected(self) -> bool:
        """Whether the page was opened, and has had time to draw."""
        if self._opened_at is None and OPENED.is_set():
            self._opened_at = time.monotonic()
        return self._opened_at is not None and time.monotonic() - self._opened_at >= CALM_S

    def _name(self, snapshot: Snapshot) -> None:
        if not self._is_named():
            return
        if snapshot is not self._named:
            kept.GAZETTEERS.of(snapshot)
        elif time.monotonic() - self._named_at >= RENEWED_S:
            kept.renew(snapshot)
        else:
            return
        self._named, self._named_at = snapshot, time.monotonic()

    def _load(self, _snapshot: Snapshot) -> None:
        if self._is_expected() and not self._is_loaded:
            prepare()
            self._is_loaded = True
