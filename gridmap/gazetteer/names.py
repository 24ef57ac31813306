"""Names, to be searched for any part of them.

Theory of operation. Two million buildings are called by a few thousand names and a number: 枫林苑2栋. So a
name is kept as its stem, all before the first digit, and its tail, from there on; each different stem and
tail once. Whatever is looked for lies in a stem, or in a tail, or it ends a stem and begins a tail: its own
first digit says where it would be cut. So the stems and tails are looked through, which are few, and the
names are told by two numbers each. It is exact, whatever names are like; they cost most where no two share a
stem, and then as much as looking through all of them.

Names and what is looked for are compared in one form: compatibility characters are what they stand for
(３号楼 is 3号楼), letters are small, blanks are single.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridmap.types import Int32Array, UInt8Array, UInt32Array

EXACT, PREFIX, PART, NOT = 3, 2, 1, 0
"""How well a name fits: it is all of it, begins with it, has it somewhere, has it not."""

_DIGIT: Final = re.compile(r"[0-9]")
_BREAK: Final = "\n"
"""Stands between texts, and in none."""


def folded(text: str) -> str:
    """A text in the form in which codes are compared: as that of names, but each blank counts."""
    return unicodedata.normalize("NFKC", text).casefold()


def plain(text: str) -> str:
    """A text in the form in which names are compared."""
    return " ".join(folded(text).split())


class Names:
    """Names by number, to be searched. Immutable; threads may share it."""

    def __init__(self, names: Iterable[str]) -> None:
        """The names in the order of their numbers."""
        stems, tails = _Texts(), _Texts()
        stem_of, tail_of = [], []
        for name in map(plain, names):
            cut = _cut(name)
            stem_of.append(stems.add(name[:cut]))
            tail_of.append(tails.add(name[cut:]))
        self._stems, self._tails = stems, tails
        self._stem_of, self._tail_of = np.array(stem_of, np.int32), np.array(tail_of, np.int32)
        stems.close()
        tails.close()

    def __len__(self) -> int:
        return len(self._stem_of)

    def fits(self, wanted: str) -> UInt8Array:
        """How well each name fits a text in plain form: EXACT, PREFIX, PART or NOT."""
        out = np.zeros(len(self), np.uint8)
        if not wanted:
            return out
        cut = _cut(wanted)
        ends, begins = self._stems.ends(wanted[:cut]), self._tails.begins(wanted[cut:])
        if ends.any() and begins.any():
            out = _JOINED.take(3 * ends.take(self._stem_of) + begins.take(self._tail_of))
        if cut == len(wanted):  # without a digit it may lie in a stem
            in_stems = self._stems.has(wanted)
            if in_stems.any():
                np.maximum(out, in_stems.take(self._stem_of), out=out)
        in_tails = np.minimum(self._tails.has(wanted), PART)
        if in_tails.any():
            np.maximum(out, in_tails.take(self._tail_of), out=out)
        return out


_JOINED: Final = np.array([NOT, NOT, NOT, NOT, PART, PART, NOT, PREFIX, EXACT], np.uint8)
"""How well a name fits: three times how its stem ends, and how its tail begins; 1 so, 2 just so, 0 not."""


class _Texts:
    """Different texts by number; `close` makes them ready for being searched."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._whole: UInt32Array = np.zeros(0, np.uint32)
        self._text_of: Int32Array = np.zeros(0, np.int32)

    def add(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def close(self) -> None:
        self._whole = _letters(_BREAK + "".join(text + _BREAK for text in self._numbers))
        sizes = np.array([len(text) + 1 for text in self._numbers], np.int64)
        # The break before all texts is in none of them, and nothing that is found ends there.
        self._text_of = np.zeros(len(self._whole), np.int32)
        self._text_of[1:] = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)

    def has(self, wanted: str) -> UInt8Array:
        """For each text PREFIX where it begins so, PART where it has that somewhere, else NOT."""
        out = np.zeros(len(self._numbers), np.uint8)
        self._mark(out, wanted, 0, PART)
        self._mark(out, _BREAK + wanted, 1, PREFIX)
        return out

    def ends(self, wanted: str) -> UInt8Array:
        """For each text whether it ends so (1), or is that and nothing else (2)."""
        return self._beside(wanted + _BREAK, 0, wanted)

    def begins(self, wanted: str) -> UInt8Array:
        """For each text whether it begins so (1), or is that and nothing else (2)."""
        return self._beside(_BREAK + wanted, 1, wanted)

    def _beside(self, pattern: str, offset: int, wanted: str) -> UInt8Array:
        out = np.zeros(len(self._numbers), np.uint8)
        if wanted:
            self._mark(out, pattern, offset, 1)
        else:
            out[:] = 1
        if wanted in self._numbers:
            out[self._numbers[wanted]] = 2
        return out

    def _mark(self, out: UInt8Array, pattern: str, offset: int, mark: int) -> None:
        """Mark every text in which a pattern is found, `offset` letters behind its beginning."""
        wanted = _letters(pattern)
        places = np.flatnonzero(self._whole[: len(self._whole) - len(wanted) + 1] == wanted[0])
        for ahead, letter in enumerate(wanted[1:], 1):
            places = places[self._whole[places + ahead] == letter]
        out[self._text_of[places + offset]] = mark


def _letters(text: str) -> UInt32Array:
    """The letters of a text as numbers."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _cut(text: str) -> int:
    """Where the first digit stands, or the end."""
    found = _DIGIT.search(text)
    return len(text) if found is None else found.start()
