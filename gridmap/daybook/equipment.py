"""The equipment: every device of the register with the last that is known of it, counted by place and kind.

The register is read as a whole: nothing in the store says that it has changed. States are followed by their
numbers (`gridmap.store.device_states`), so a question costs what changed since the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from gridmap.daybook.columns import Columns
from gridmap.devices.states import OFFLINE, read_state
from gridmap.lattice import to_degrees

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gridmap.daybook.ground import Ground
    from gridmap.store.device_states import DeviceBook, Standing
    from gridmap.types import BoolArray, Int64Array

PAGE: Final = 20_000
"""Devices, or states, that are read at a time."""

EVERYWHERE: Final = (-(2**31), -(2**31), 2**31 - 1, 2**31 - 1)
"""The box of all lattice points."""

_OFFLINE, _ONLINE = 1, 2  # 0 is one that was never heard

_LINE: Final = {
    "x": np.int32,
    "y": np.int32,
    "row": np.int32,
    "kind": np.int32,
    "status": np.int8,
    "alarm": np.bool_,
}


class Kind(NamedTuple):
    """How many devices of a kind there are, are online, and are offline."""

    kind: str
    total: int
    online: int
    offline: int


class Counted(NamedTuple):
    """Devices of an area. Those of which nothing was ever heard are in `total` only; `alarms` have one."""

    total: int
    online: int
    offline: int
    alarms: int
    by_kind: tuple[Kind, ...]


class Equipment:
    """Holds the devices of a city. It is changed in place: one thread at a time."""

    def __init__(self, book: DeviceBook, ground: Ground) -> None:
        """Read the register, and the state of each device."""
        self._book = book
        self._ground = ground
        self._lines = Columns(_LINE)
        self._line_of: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self._changed = book.changed()  # what changes while all is read comes again
        after = ""
        while found := book.standing(EVERYWHERE, PAGE, after=after)[0]:
            after = found[-1].code
            self._register(found)
            self._write((each.code, each.body) for each in found if each.body is not None)

    def refresh(self) -> None:
        """Take what has changed since the last time."""
        while rows := self._book.changed_since(self._changed, PAGE):
            fresh = [row.device for row in rows if row.device not in self._line_of]
            if fresh:  # they came into the register after it was read
                self._register(self._book.standing_among(fresh))
            self._write((row.device, row.body) for row in rows)
            self._changed = rows[-1].changed

    def move(self, ground: Ground) -> None:
        """Find every device's grid of another edition, where it is another."""
        if self._ground.city is ground.city:
            return
        self._ground = ground
        self._locate(np.arange(len(self._lines)))

    def count(self, inside: BoolArray) -> Counted:
        """The devices in some places."""
        lines = np.flatnonzero(inside[self._lines["row"]])
        status, kind = self._lines["status"][lines], self._lines["kind"][lines]
        totals, online, offline = (
            np.bincount(kind[chosen], minlength=len(self._kinds)).tolist()
            for chosen in (slice(None), status == _ONLINE, status == _OFFLINE)
        )
        counts = zip(self._kinds, totals, online, offline, strict=True)
        kinds = [Kind(*each) for each in counts]
        return Counted(
            len(lines),
            sum(online),
            sum(offline),
            int(self._lines["alarm"][lines].sum()),
            tuple(sorted((each for each in kinds if each.total), key=lambda each: (-each.total, each.kind))),
        )

    def _register(self, found: Sequence[Standing]) -> None:
        """Add those devices that are not there yet."""
        fresh = [each for each in found if each.code not in self._line_of]
        first = len(self._lines)
        self._lines.grow(len(fresh))
        self._line_of |= {each.code: line for line, each in enumerate(fresh, first)}
        columns, lines = self._lines, np.arange(first, len(self._lines))
        columns["kind"][lines] = [self._kinds.setdefault(each.kind, len(self._kinds)) for each in fresh]
        columns["x"][lines] = [each.x for each in fresh]
        columns["y"][lines] = [each.y for each in fresh]
        self._locate(lines)

    def _locate(self, lines: Int64Array) -> None:
        lons, lats = to_degrees(self._lines["x"][lines], self._lines["y"][lines])
        self._lines["row"][lines] = self._ground.rows(lons, lats, [None] * len(lines))

    def _write(self, states: Iterable[tuple[str, str]]) -> None:
        """Write down how devices are; one that the register does not have is left out."""
        for code, body in states:
            line = self._line_of.get(code)
            if line is not None:
                state = read_state(body)
                self._lines["status"][line] = _OFFLINE if state.status == OFFLINE else _ONLINE
                self._lines["alarm"][line] = bool(state.alarms)
