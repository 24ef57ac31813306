"""The gallery: the engine of the edition that is served, and those of past ones that somebody asks for."""

from __future__ import annotations

import logging
from collections import OrderedDict
from threading import Lock, Thread
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.errors import GridmapError, NotFoundError
from gridmap.lookup import read_edition
from gridmap.scenery import read_scenery, scenery_of
from gridmap.store.address import address_of
from tiles.address import SCHEMES
from tiles.engine import LADDERS, Engine
from tiles.measure import read_measure
from tiles.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gridmap.scenery import Scenery
    from gridmap.store.address import CityAddress
    from gridmap.store.store import Store
    from gridmap.twin import Snapshot, Twin
    from tiles.measure import Measure

LOG: Final = logging.getLogger(__name__)

FIRST: Final = "xyz"
"""The scheme whose areas are ready before an edition is served; all else follows at once, in a thread."""

MANY_ARCS: Final = 20_000
"""Borders of a city whose ladders take so long to build that somebody waits."""

PAST: Final = 2
"""Engines of past editions that are kept: a replay looks at one day at a time."""


class Gallery:
    """Holds engines by the number of their edition; shared by threads."""

    def __init__(
        self, twin: Twin, place: CityAddress | Path, tell: Callable[[str], None] | None = None
    ) -> None:
        """Make the engine of the current edition, and all its ladders that have not been built yet.

        That may take some seconds for each; `tell` is told so. Every later edition's is made before the
        twin serves it. InputError: a setting says how tiles are measured, and cannot.
        """
        self._measure = read_measure()
        self._twin = twin
        self._address = address_of(place)
        self._served: dict[int, Engine] = {}
        self._past: OrderedDict[int, Engine] = OrderedDict()
        self._making = Lock()
        twin.before_swap = self.prepare
        long = len(twin.current.partition.coverage) > MANY_ARCS
        if tell is not None and long and not any(self._address.cache.glob(f"{LADDERS}*")):
            tell("the borders are drawn once for every zoom and map datum; this takes half a minute ...")
        self.prepare(twin.current)
        for scheme in SCHEMES:
            self.current().make_ladder(scheme)

    def prepare(self, snapshot: Snapshot) -> None:
        """Make the engine of a snapshot that is about to be served; that of the one before stays at hand."""
        before = self._served.get(self._twin.current.edition.number)
        with self._address.open() as store:
            scenery = self._scenery(store)
        subject = Subject(snapshot.edition, snapshot.partition, snapshot.numbers, scenery, self._measure)
        engine = Engine(subject, self._address.cache, before)
        engine.prepare(FIRST)
        kept = self._twin.current.edition.number
        self._served = {number: each for number, each in self._served.items() if number == kept} | {
            engine.edition: engine
        }
        Thread(target=_prepare_others, args=(engine,), name="ladders", daemon=True).start()

    def _scenery(self, store: Store) -> Scenery:
        """What stands in the city now: what is at hand, where nothing has changed."""
        served = self._served.get(self._twin.current.edition.number)
        return read_scenery(store, self._address.cache, None if served is None else served.scenery)

    def current(self) -> Engine:
        """The engine of the edition that is served now; never waits."""
        return self._served[self._twin.current.edition.number]

    def of(self, token: str) -> Engine | None:
        """The engine of a token; None for one that nothing here has. A past edition's may take seconds."""
        number = token.partition("-")[0]
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            return None
        try:
            engine = self.of_edition(int(number))
        except NotFoundError:
            return None
        return engine if engine.token == token else None

    def of_edition(self, number: int) -> Engine:
        """The engine of an edition; a past one takes seconds. NotFoundError: there is no such edition."""
        engine = self._served.get(number)
        if engine is not None:
            return engine
        with self._making:
            engine = self._past.get(number)
            if engine is None:
                engine = _opened(self._address, number, self._measure, self._scenery)
                self._past[number] = engine
                while len(self._past) > PAST:
                    self._past.popitem(last=False)
            self._past.move_to_end(number)
        return engine


def open_engine(
    place: CityAddress | Path, number: int | None = None, measure: Measure | None = None
) -> Engine:
    """The engine of an edition of a city, the current one without a number; for one job, without a server.

    Tiles are measured as the settings say, where nothing else is asked for. Buildings and households are read
    when a layer needs them; ConflictError then, where others have been stored. Raises as
    `lookup.open_lookup`.
    """
    address = address_of(place)
    return _opened(
        address,
        number,
        measure or read_measure(),
        lambda store: scenery_of(store, address.open, address.cache),
    )


def _opened(
    address: CityAddress, number: int | None, measure: Measure, scenery_in: Callable[[Store], Scenery]
) -> Engine:
    with address.open() as store:
        edition, partition = read_edition(store, address, number)
        given = store.features()
        scenery = scenery_in(store)
    numbers = tuple(np.array([given[code] for code in table.codes], np.int64) for table in partition.levels)
    return Engine(Subject(edition, partition, numbers, scenery, measure), address.cache)


def _prepare_others(engine: Engine) -> None:
    """Make everything ready that the first request did not need, one scheme after the other."""
    for scheme in SCHEMES:
        try:
            engine.prepare_all(scheme)
        except GridmapError as error:
            LOG.warning("tiles of %s are made when they are asked for: %s", scheme, error)
    engine.forget_before()
