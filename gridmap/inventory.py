"""Inventory: what stands and lives in the city, read from the store into arrays that answers are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gridmap.model import Device
    from gridmap.store.store import Store
    from gridmap.types import Int32Array, Int64Array


@dataclass(frozen=True)
class Buildings:
    """The buildings: lattice points, and how many households and people each holds (None: nobody knows)."""

    xs: Int32Array
    ys: Int32Array
    households: Int64Array | None
    people: Int64Array | None


@dataclass(frozen=True)
class Inventory:
    """What is known of a city besides its areas; None and empty where nothing is stored."""

    buildings: Buildings | None
    devices: tuple[Device, ...]
    has_staff: bool


NOTHING = Inventory(None, (), False)
"""Of a city without anything but areas."""


def read_inventory(store: Store) -> Inventory:
    """Read what a store holds now: a second for two million buildings and twelve million households."""
    counts = store.counts()
    buildings = None
    if "buildings" in counts:
        places = store.columns("buildings", ["x", "y"])
        xs, ys = (places.column(name).to_numpy() for name in ("x", "y"))
        buildings = Buildings(xs, ys, *_residents(store, len(xs), inhabited="households" in counts))
    return Inventory(buildings, tuple(store.devices()), has_staff=counts.get("staff", 0) > 0)


def _residents(
    store: Store, buildings: int, *, inhabited: bool
) -> tuple[Int64Array, Int64Array] | tuple[None, None]:
    if not inhabited:
        return None, None
    households, people = np.zeros(buildings, np.int64), np.zeros(buildings, np.int64)
    # They stand in the order of their buildings: a batch touches few of these, and little memory.
    for batch in store.columns("households", ["building", "people"]).to_batches():
        of = batch.column("building").to_numpy()
        low, many = (int(of.min()), int(of.max() - of.min()) + 1) if len(of) else (0, 0)
        households[low : low + many] += np.bincount(of - low, minlength=many)
        living = np.bincount(of - low, batch.column("people").to_numpy(), minlength=many)
        people[low : low + many] += living.astype(np.int64)
    return households, people
