"""Lookup: an edition's levels and its index together, all that "which grid is this point in?" needs.

The server holds one in its snapshot; a bulk job opens one in each of its processes.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gridmap.coverage.canonical import from_bytes
from gridmap.durable import keep_newest
from gridmap.errors import DamageError, HomeError
from gridmap.index.index import GridIndex
from gridmap.store.address import address_of

if TYPE_CHECKING:
    from pathlib import Path

    from gridmap.coverage.partition import Partition
    from gridmap.model import Edition
    from gridmap.store.address import CityAddress
    from gridmap.store.store import Store

LOG: Final = logging.getLogger(__name__)

INDEX: Final = "index-"
"""How the names of index files begin."""

KEPT: Final = 3
"""Index files kept in one place, the newest: a process may still open the one before."""


@dataclass(frozen=True)
class Lookup:
    """One edition's partition and the index of its finest level.

    `partition.ancestors[depth][row]` is the row at a level of a finest row; codes are
    `partition.levels[depth].codes`.
    """

    edition: Edition
    partition: Partition
    index: GridIndex


def open_lookup(place: CityAddress | Path, number: int | None = None) -> Lookup:
    """Open an edition of a home or a database, the current one when no number is given.

    Raises HomeError when nothing was ever published there, NotFoundError for a number that is not there,
    DamageError for broken files.
    """
    address = address_of(place)
    with address.open() as store:
        return lookup_of(store, address, number)


def lookup_of(store: Store, address: CityAddress, number: int | None = None) -> Lookup:
    """As `open_lookup`, in an open store."""
    edition, partition = read_edition(store, address, number)
    return Lookup(edition, partition, index_of(address, edition, partition))


def verified(address: CityAddress, lookup: Lookup) -> Lookup:
    """The same lookup when every byte of its index is right, else one whose index was built anew.

    Reads the whole file, a tenth of a second for 65,000 grids; opening it looked at its header only.
    """
    try:
        lookup.index.verify()
    except DamageError as error:
        LOG.error("%s", error)
        return replace(lookup, index=_built(address, lookup.edition, lookup.partition))
    return lookup


def index_file(address: CityAddress, edition: Edition) -> Path:
    """Where the index of an edition is kept: a file named by the areas it was made from."""
    return address.cache / f"{INDEX}{edition.checksum[:32]}"


def keep_index(address: CityAddress, edition: Edition, index: GridIndex) -> None:
    """Write the index of an edition beside the city, so that nobody needs to build it again.

    The file can be made again, so a full or read-only disk is no error here; the log says it.
    """
    path = index_file(address, edition)
    try:
        index.save(path)
        keep_newest(path.parent, INDEX, KEPT)
    except OSError as error:
        LOG.warning("%s: the index could not be kept (%s); it is built at each start", path, error)


def index_of(
    address: CityAddress, edition: Edition, partition: Partition, base: Edition | None = None
) -> GridIndex:
    """The index of an edition from its file, or built and kept.

    With the edition it followed only the windows in which borders differ are built, when that one's index is
    still there and every byte of it is right: what is copied from it would be believed from then on.
    """
    index = _kept(address, edition)
    if index is not None and index.codes == partition.finest.codes:
        return index
    old = None if base is None else _kept(address, base, whole=True)
    return _built(address, edition, partition, old)


def _built(
    address: CityAddress, edition: Edition, partition: Partition, old: GridIndex | None = None
) -> GridIndex:
    index = GridIndex.from_coverage(
        partition.coverage, partition.finest.codes, proven=edition.proven, old=old
    )
    keep_index(address, edition, index)
    return index


def _kept(address: CityAddress, edition: Edition, *, whole: bool = False) -> GridIndex | None:
    """The index of an edition from its file, verified when `whole`; None where none can be used."""
    try:
        index = GridIndex.open(index_file(address, edition))
        if whole:
            index.verify()
    except FileNotFoundError:
        return None
    except DamageError as error:
        LOG.warning("%s", error)
        return None
    return index


def read_edition(
    store: Store, place: CityAddress | Path, number: int | None = None
) -> tuple[Edition, Partition]:
    """An edition of an open store, the current one without a number, and its partition; raises as above."""
    edition = store.current() if number is None else store.edition(number)
    if edition is None:
        address = address_of(place)
        raise HomeError(
            f"{address}: holds no city yet. Build one with `gridmap city chongqing {address.option}`, "
            f"or load a file with `gridmap load FILE {address.option}`."
        )
    known = bool(store.proof(edition.number).get("outline_known"))
    return edition, from_bytes(store.body(edition.number), outline_known=known)
