"""The last frames of the log, so that a stream goes on where it ended.

Bounded by number and by bytes; what leaves is forgotten from the oldest on. All that came after `floor` is
here: whoever has everything up to a number from `floor` to the newest can be given the rest.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiles.web.live.items import Frame


class Ring:
    """Frames of the log by growing sequence number. One thread's only."""

    def __init__(self, floor: int, most: int, most_bytes: int) -> None:
        """Begin with nothing, behind the number `floor`."""
        self.floor = self._begin = floor
        self.newest = floor
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._frames: list[Frame] = []
        self._seqs: list[int] = []
        self._first = 0
        """Where the oldest is; those before it have left and are cut off when they are half of the list."""

    def __len__(self) -> int:
        """How many frames are kept."""
        return len(self._seqs) - self._first

    @property
    def middle(self) -> int:
        """The number in the middle: who has not been told as much should be, before the ring passes it.

        The floor while nothing has left.
        """
        return self.floor if self.floor == self._begin else self._seqs[(self._first + len(self._seqs)) // 2]

    def add(self, frame: Frame, seq: int) -> bool:
        """Put a frame in; False, and nothing done, for a number that is not newer than the newest."""
        if seq <= self.newest:
            return False
        self.newest = seq
        self._frames.append(frame)
        self._seqs.append(seq)
        self._bytes += len(frame.wire)
        while len(self) > self._most or (self._bytes > self._most_bytes and len(self) > 1):
            self.floor = self._seqs[self._first]
            self._bytes -= len(self._frames[self._first].wire)
            self._first += 1
        if self._first > len(self):
            del self._frames[: self._first], self._seqs[: self._first]
            self._first = 0
        return True

    def pass_over(self, seq: int) -> None:
        """Forget everything and begin anew behind a number that is newer than the newest."""
        if seq > self.newest:
            self._frames.clear()
            self._seqs.clear()
            self._first = self._bytes = 0
            self.floor = self._begin = self.newest = seq

    def holds(self, seq: int) -> bool:
        """Whether everything behind a number is here."""
        return self.floor <= seq <= self.newest

    def count_after(self, seq: int) -> int:
        """How many frames follow a number."""
        return len(self._seqs) - self._at(seq)

    def after(self, seq: int, most: int) -> list[Frame]:
        """The frames that follow a number, oldest first, not more than `most`."""
        begin = self._at(seq)
        return self._frames[begin : begin + most]

    def _at(self, seq: int) -> int:
        return bisect_right(self._seqs, seq, self._first)
