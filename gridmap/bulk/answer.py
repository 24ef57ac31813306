"""The pure function: an Arrow batch of places in, the same batch with the codes of their areas out.

It runs unchanged in a pool of processes, in Dask and in Spark's `mapInArrow`. Its arguments are plain values;
what it looks up in, the edition's index, each process opens once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridmap.bulk.arrays import nullable, text_array
from gridmap.bulk.places import places_of
from gridmap.errors import HomeError
from gridmap.lookup import open_lookup
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from gridmap.bulk.question import Question
    from gridmap.index.index import GridIndex
    from gridmap.lookup import Lookup
    from gridmap.store.address import CityAddress
    from gridmap.types import Int32Array

REASON: Final = "gridmap_reason"
"""The column that says why a row has no place; null where it has one."""

BATCH_ROWS: Final = 1 << 18
"""Rows looked up at a time: some ten megabytes, small beside a processor's memory and long beside a call."""


def assign_batch(batch: Any, question: Question) -> Any:
    """Give every row of an Arrow record batch the codes of the areas that it lies in.

    Adds a column of codes for each level asked for (dictionary of int32 to string), null where no area is,
    and `REASON`, which says why a row's place cannot be used. Rows stay in order and none is dropped. Raises
    InputError for columns that can hold no places, and as `codebook` does.
    """
    book = codebook(question.place, question.edition, question.checksum)
    lons, lats, faults = places_of(batch, question.spot)
    rows = book.index.locate_many(lons, lats)
    for added in question.added:
        batch = batch.append_column(added.column, book.coded(added.level, rows))
    return batch.append_column(REASON, _reasons(faults))


def _reasons(faults: Any) -> Any:
    """The reasons as a column of texts, null for the good rows."""
    none = pa.nulls(len(faults.bad), pa.string())
    if not faults.bad.any():
        return none
    return pc.replace_with_mask(none, pa.array(faults.bad), faults.reasons()[1])


@dataclass(frozen=True)
class Codebook:
    """An edition opened for looking up: its index, and the codes of every level as Arrow arrays."""

    lookup: Lookup
    codes: dict[str, Any]

    @property
    def index(self) -> GridIndex:
        """Point to row."""
        return self.lookup.index

    def coded(self, level: str, rows: Int32Array) -> Any:
        """The codes at a level of rows of the finest level, as a dictionary array."""
        partition = self.lookup.partition
        depth = partition.depth_of(level)
        if depth < len(partition.levels) - 1:
            # NOWHERE, -1, takes the last.
            rows = np.append(partition.ancestors[depth], np.int32(NOWHERE))[rows]
        return pa.DictionaryArray.from_arrays(nullable(rows), self.codes[level], safe=False)


_BOOKS: Final[dict[tuple[CityAddress, int, str], Codebook]] = {}
MOST_BOOKS: Final = 2
"""Editions that a process keeps open: a worker of Dask outlives the jobs that it worked for."""


def codebook(place: CityAddress, edition: int, checksum: str) -> Codebook:
    """Open an edition for looking up, once in each process.

    HomeError when the city kept there is another one than asked about; else as `open_lookup`.
    """
    found = _BOOKS.get((place, edition, checksum))
    if found is not None:
        return found
    lookup = open_lookup(place, edition)
    if lookup.edition.checksum != checksum:
        raise HomeError(
            f"{place}: edition {edition} has checksum {lookup.edition.checksum} here, and {checksum} where "
            "the job was started: workers must see the same city under the same address"
        )
    return keep(place, lookup)


def keep(place: CityAddress, lookup: Lookup) -> Codebook:
    """Keep an edition open for the batches to come."""
    book = Codebook(lookup, {table.level: text_array(table.codes) for table in lookup.partition.levels})
    while len(_BOOKS) >= MOST_BOOKS:
        _BOOKS.pop(next(iter(_BOOKS)))
    _BOOKS[place, lookup.edition.number, lookup.edition.checksum] = book
    return book
