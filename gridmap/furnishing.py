"""Furnishing: buildings, households, devices and staff come from files into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridmap.boundaries.residents import follow_buildings
from gridmap.boundaries.things import read_things
from gridmap.errors import InputError
from gridmap.lookup import read_edition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gridmap.boundaries.things import Things
    from gridmap.store.address import CityAddress
    from gridmap.store.store import Store


def put_things(
    kind: str,
    file: Path,
    place: CityAddress,
    *,
    columns: Mapping[str, str] | None = None,
    datum: str | None = None,
    synthetic: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> Things:
    """Store the good rows of a file as all the things of a kind there are; gives them and the refused ones.

    Nothing is stored when no row is good. Households follow their buildings when these are stored anew; new
    buildings that leave some household without one are refused with InputError, which is also raised for a
    file that cannot be used. `kind` is buildings, households, devices or staff.
    """
    with place.open() as store:
        _, partition = read_edition(store, place)
        known: dict[str, Any] = {"grids": partition.finest.codes}
        counts = store.counts()
        if "buildings" in counts:
            known["buildings"] = store.columns("buildings", ["code"])["code"]
        found = read_things(kind, file, columns, crs=datum, known=known, progress=progress)
        if found.table.num_rows:
            _put(store, found, known, synthetic=synthetic, inhabited="households" in counts)
    return found


def _put(store: Store, found: Things, known: Mapping[str, Any], *, synthetic: bool, inhabited: bool) -> None:
    if found.kind == "devices":
        store.put_devices(found.table)
    elif found.kind == "staff":
        store.put_staff(found.table)
    else:
        followed = None
        if found.kind == "buildings" and inhabited:
            followed = _followed(store, known["buildings"], found.table["code"])
        store.put_columns(found.kind, found.table, synthetic)
        if followed is not None:
            store.put_columns("households", followed, store.column_set("households").synthetic)


def _followed(store: Store, before: Any, after: Any) -> Any:
    """The stored households with the rows that their buildings have among the new ones."""
    table, lost = follow_buildings(store.columns("households"), before, after)
    if lost:
        text = f"{lost:,} stored households live in buildings that this file lacks: add those buildings"
        raise InputError("buildings", text)
    return table
