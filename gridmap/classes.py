"""Classes of a choropleth: how the numbers of a map's areas are cut into few colours, by `mapclassify`.

Theory of operation. `mapclassify` says where to cut; its classes hold what is above one bound and up to the
next. A map's colour steps are the other way round: from one bound on, and below the next. Numbers here are
whole units (people, or thousandths of a square metre), so a class "up to 100.5" is the class "below 101":
the same numbers are in it, and both sides agree to the last one.

Natural breaks are those of Fisher and Jenks, the best there are, which cost the square of the numbers: of
more than `ALL_LOOKED_AT` numbers every n-th in order is looked at, the smallest and the largest always. The
k-means of `mapclassify.NaturalBreaks` begins at random places and gives other classes at every call.

`mapclassify` brings scipy, scikit-learn and networkx with it and compiles a kernel when it is imported: some
seconds, once in a process, when the first classes are asked for, or when `prepare` is called.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from gridmap.types import FloatArray, Int64Array

NATURAL_BREAKS: Final = "natural_breaks"
METHODS: Final = (NATURAL_BREAKS, "quantiles", "equal_interval", "maximum_breaks")
MOST_CLASSES: Final = 12
"""More colours than anybody can tell apart."""

ALL_LOOKED_AT: Final = 3_000
"""Numbers of which natural breaks look at every one: some 30 ms."""

KEPT: Final = 256
"""Classes that are remembered."""


@dataclass(frozen=True, slots=True)
class Class:
    """Whole numbers from `begin` on and below `end`, in the last class up to `end`; how many there are."""

    begin: int
    end: int
    count: int


class Classifier:
    """Cuts numbers into classes, and remembers those that it made. Threads may share it."""

    def __init__(self, kept: int = KEPT) -> None:
        """Remember so many."""
        self._kept = kept
        self._known: OrderedDict[tuple[bytes, str, int], tuple[Class, ...]] = OrderedDict()
        self._turn = Lock()

    def classes(self, units: Int64Array, method: str, k: int) -> tuple[Class, ...]:
        """At most k classes of some whole numbers, the lowest first; the same numbers, the same classes."""
        key = (blake2b(units.astype("<i8").tobytes(), digest_size=16).digest(), method, k)
        with self._turn:  # one at a time: whoever asks the same finds it made
            found = self._known.get(key)
            if found is None:
                found = self._known[key] = classify(units, method, k)
                if len(self._known) > self._kept:
                    self._known.popitem(last=False)
            self._known.move_to_end(key)
            return found


def prepare() -> None:
    """Load what classes are made with, before somebody waits for it: seconds, and much memory."""
    upper_bounds(np.arange(2.0 * MOST_CLASSES), NATURAL_BREAKS, MOST_CLASSES)


def classify(units: Int64Array, method: str, k: int) -> tuple[Class, ...]:
    """At most k classes of some whole numbers; one for each number where there are fewer different ones."""
    different = np.unique(units)
    if not len(different):
        return ()
    last = int(different[-1])
    k = min(k, len(different))
    starts = different[:1]
    if k > 1:
        # The last bound is the largest number; behind it nothing begins.
        after = np.floor(upper_bounds(units.astype(np.float64), method, k)[:-1]).astype(np.int64) + 1
        starts = np.unique(np.concatenate([starts, after[(after > different[0]) & (after <= last)]]))
    counts = np.diff(np.append(np.searchsorted(np.sort(units), starts), len(units)))
    ends = [*starts[1:].tolist(), last]
    return tuple(
        Class(begin, end, count)
        for begin, end, count in zip(starts.tolist(), ends, counts.tolist(), strict=True)
    )


def upper_bounds(values: FloatArray, method: str, k: int) -> FloatArray:
    """Where `mapclassify` ends each class; the bounds belong to the classes below them."""
    import mapclassify

    made: Any
    with warnings.catch_warnings():  # that there are fewer classes than wanted is an answer, no trouble
        warnings.simplefilter("ignore", UserWarning)
        if method == NATURAL_BREAKS:
            made = mapclassify.FisherJenks(looked_at(values, k), k=k)
        elif method == "quantiles":
            made = mapclassify.Quantiles(values, k=k)
        elif method == "equal_interval":
            made = mapclassify.EqualInterval(values, k=k)
        else:
            made = mapclassify.MaximumBreaks(values, k=k)
    return np.asarray(made.bins, np.float64)


def looked_at(values: FloatArray, k: int) -> FloatArray:
    """The numbers that natural breaks are made of: all, or every n-th in order, k different ones at least."""
    if len(values) <= ALL_LOOKED_AT:
        return values
    some = _every_nth(np.sort(values))
    # Beside many equal numbers the few others may have been stepped over.
    return some if len(np.unique(some)) >= k else _every_nth(np.unique(values))


def _every_nth(ordered: FloatArray) -> FloatArray:
    count = min(len(ordered), ALL_LOOKED_AT)
    return ordered[np.linspace(0, len(ordered) - 1, count).round().astype(np.int64)]
