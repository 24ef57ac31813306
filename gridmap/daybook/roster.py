"""The roster: the posts of the grids of an edition, and who of them is on duty at a moment.

All that is kept of a post is its place and its shift; who it is, is read when somebody asks. Nothing in the
store says that the roster has changed: it is read anew from time to time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gridmap.orders.dispatch import ON_DUTY, on_duty
from gridmap.store.log import ASKED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gridmap.daybook.ground import Ground
    from gridmap.model import StaffPost
    from gridmap.orders.calendar import WorkCalendar
    from gridmap.store.logbook import LogBook
    from gridmap.types import BoolArray


class Duty(NamedTuple):
    """A post, and whether whoever holds it is on duty."""

    post: StaffPost
    on_duty: bool


class Roster:
    """The posts of all grids of one edition; never changed."""

    def __init__(self, book: LogBook, ground: Ground, calendar: WorkCalendar) -> None:
        """Read them: a second for a quarter of a million."""
        self._book = book
        self._calendar = calendar
        self._codes = ground.partition.finest.codes
        row_of = ground.partition.finest.row_of
        shifts: dict[str, int] = {}
        rows, worked = [], []
        for first in range(0, len(self._codes), ASKED):
            for grid, posts in self._posts(self._codes[first : first + ASKED]).items():
                rows += [row_of[grid]] * len(posts)
                worked += [shifts.setdefault(post.shift, len(shifts)) for post in posts]
        self._rows, self._worked = np.array(rows, np.int32), np.array(worked, np.int32)
        self._shifts = tuple(shifts)

    def count(self, inside: BoolArray) -> int:
        """How many posts some places have."""
        return int(inside[self._rows].sum())

    def duty(self, inside: BoolArray, now: datetime, most: int) -> list[Duty]:
        """Posts of some places: those on duty come first, then those on call; then by grid and code."""
        ranks = np.array([self._rank(shift, now) for shift in self._shifts], np.int64)
        here = np.flatnonzero(inside[self._rows])
        order = np.lexsort((self._rows[here], ranks[self._worked[here]]))[:most]
        grids = [self._codes[row] for row in np.unique(self._rows[here[order]]).tolist()]
        posts = [post for each in self._posts(grids).values() for post in each]
        ranked = sorted((self._rank(post.shift, now), post.grid, post.code, post) for post in posts)
        return [Duty(post, rank == ON_DUTY) for rank, _, _, post in ranked[:most]]

    def _rank(self, shift: str, now: datetime) -> int:
        return on_duty(shift, now, self._calendar)

    def _posts(self, grids: Sequence[str]) -> dict[str, list[StaffPost]]:
        return self._book.looking(lambda desk: desk.staff(grids))
