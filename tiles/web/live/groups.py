"""Listeners in groups: those who want the same share one piece of bytes.

Who wants some areas only is found by the codes of an item, its grid and all areas above, so an item costs a
few lookups however many areas are listened to. Groups without an area are asked one by one: of those there is
one for each combination of kinds, box and classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tiles.web.live.items import EVERYWHERE, mark
from tiles.web.live.listener import Group

if TYPE_CHECKING:
    from tiles.web.live.filters import Filter
    from tiles.web.live.items import Frame
    from tiles.web.live.listener import Listener


class Job(NamedTuple):
    """A piece of bytes, and who still has to be sent it. `frames` are how many are in it."""

    group: Group
    data: bytes
    listeners: list[Listener]
    frames: int


class Groups:
    """All groups, by what they want. One thread's only."""

    def __init__(self) -> None:
        self._groups: dict[Filter, Group] = {}
        self._everywhere: list[Group] = []
        self._by_code: dict[str, list[Group]] = {}
        self._touched: list[Group] = []

    def __len__(self) -> int:
        """How many groups there are."""
        return len(self._groups)

    def enter(self, wanted: Filter, seq: int) -> Group:
        """Count a listener in, and give its group."""
        group = self._groups.get(wanted)
        if group is None:
            group = self._groups[wanted] = Group(wanted, seq)
            for groups in self._places(wanted):
                groups.append(group)
        group.size += 1
        return group

    def leave(self, group: Group) -> None:
        """Count a listener out; its group goes with the last one."""
        group.size -= 1
        if group.size:
            return
        del self._groups[group.filter]
        for groups in self._places(group.filter):
            groups.remove(group)
        for code in group.filter.areas:
            if not self._by_code[code]:
                del self._by_code[code]

    def offer(self, frame: Frame) -> None:
        """Put a frame before every group that wants it."""
        item = frame.item
        if item.kind == EVERYWHERE:
            for group in self._groups.values():
                self._put(group, frame)
            return
        for group in self._everywhere:
            self._put(group, frame)
        by_code = self._by_code
        for code in item.codes:
            for group in by_code.get(code, ()):
                self._put(group, frame)

    def collect(self, seq: int, middle: int) -> list[Job]:
        """What is to be sent now that the log is at `seq`: one piece for each group that wants something.

        A group that knows no number from `middle` on is told how far the log is, so that a listener of a
        quiet place can still be resumed when others have filled the ring.
        """
        for group in self._groups.values():
            if group.told < middle:
                group.told = seq
                if not group.pending:
                    self._touched.append(group)
                group.pending.append(mark(seq))
        jobs = []
        for group in self._touched:
            if group.live:
                jobs.append(Job(group, b"".join(group.pending), [*group.live], len(group.pending)))
            group.pending = []
        self._touched = []
        return jobs

    def _put(self, group: Group, frame: Frame) -> None:
        pending = group.pending
        if pending and pending[-1] is frame.wire:
            return  # it wants two areas that lie in each other
        if group.filter.takes_here(frame.item):
            if not pending:
                self._touched.append(group)
            pending.append(frame.wire)
            if frame.item.seq is not None:
                group.told = frame.item.seq

    def _places(self, wanted: Filter) -> list[list[Group]]:
        if not wanted.areas:
            return [self._everywhere]
        return [self._by_code.setdefault(code, []) for code in wanted.areas]
