"""A cache that stays below so many bytes: what was not asked for the longest gives way."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

V = TypeVar("V")

ENTRY_BYTES: Final = 500
"""What an entry takes beside its bytes: the objects around them, its place in the table. Measured: 300,000
entries of 133 bytes took 537 bytes of memory each; rounded up."""

LARGEST: Final = 8
"""A value may take at most this part (one in eight) of the whole: one tile must not turn out all others."""


class ByteCache(Generic[V]):
    """Keeps values by key, at most `limit` bytes of them; threads may share it. A limit of 0 keeps none."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held = 0
        self._kept: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def held(self) -> int:
        """Bytes that are taken now."""
        return self._held

    def get(self, key: Hashable) -> V | None:
        """What is kept under a key, None where nothing is; it becomes the newest."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: V, size: int) -> None:
        """Keep a value of so many bytes, in place of what was there; the oldest make room."""
        size += ENTRY_BYTES
        if size * LARGEST > self.limit:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            if before is not None:
                self._held -= before[1]
            self._kept[key] = value, size
            self._held += size
            while self._held > self.limit:
                _, (_, gone) = self._kept.popitem(last=False)
                self._held -= gone

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._held = 0
