"""The subject of tiles: an edition and what stands in its city."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tiles.ladder.borders import faces_of
from tiles.ladder.ladder import REVISION, Outlines
from tiles.layers import BUDGET, LABELS, LAYERS
from tiles.measure import STANDARD, Measure
from tiles.sayings import sayings_of

if TYPE_CHECKING:
    from gridmap.coverage.partition import Partition
    from gridmap.model import Edition
    from gridmap.scenery import Scenery
    from gridmap.types import Int64Array
    from tiles.sayings import Sayings


@dataclass(frozen=True, eq=False)
class Subject:
    """What tiles are made of: an edition's areas, the number of each by level and row, and the scenery.

    `measure` is how a tile is measured.
    """

    edition: Edition
    partition: Partition
    numbers: tuple[Int64Array, ...]
    scenery: Scenery
    measure: Measure = STANDARD

    @cached_property
    def outlines(self) -> Outlines:
        """The partition with the arcs around all its faces: what ladders of all planes begin with."""
        return Outlines(self.partition, faces_of(self.partition))

    @cached_property
    def sayings(self) -> Sayings:
        """What the features say, on every plane alike."""
        return sayings_of(self.partition, self.numbers, self.scenery.devices, self.measure.extent)

    @cached_property
    def token(self) -> str:
        """Names every input of the tiles, and the way they are made."""
        seen = hashlib.sha256(f"{self.edition.checksum} {self.scenery.fingerprint}".encode())
        for numbers in self.numbers:
            seen.update(np.ascontiguousarray(numbers, "<i8").tobytes())
        seen.update(f"{REVISION} {self.measure} {BUDGET} {LABELS} {LAYERS}".encode())
        return f"{self.edition.number}-{seen.hexdigest()[:10]}"
