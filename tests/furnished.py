"""Toytown with buildings, households, devices and a roster, in a home of its own, and what goes on in it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from reported import Reported
from webtown import make_twin, place

from gridmap.affairs import Affairs
from gridmap.lattice import point_to_lattice
from gridmap.model import Device, StaffPost
from gridmap.store.address import CityAddress
from gridmap.store.home import Home
from gridmap.surroundings import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gridmap.twin import Twin

ROLES = ("网格长", "专职网格员", "兼职网格员", "微网格长")
SHIFTS = ("早班 07:00-15:00", "中班 15:00-23:00", "夜班 23:00-07:00", "白班 09:00-18:00", "待命")
STEMS = ("学府苑", "花园", "桂花园", "南门小区", "河东农贸市场", "Toy Tower ", "")
TAILS = ("1栋", "2栋", "12栋", "3号楼", "２号商铺", "", "3号楼B座", "栋")
ROADS = ("玩具区东街街道学府路", "玩具区河东镇桥头路", "玩具区花园大道")
KINDS = ("camera", "door", "smoke", "sos")


@dataclass(frozen=True)
class Town:
    """What was put into the home, as plain lists: what the slow answers are made of."""

    buildings: list[dict[str, Any]]
    households: list[dict[str, Any]]
    devices: list[Device]
    posts: list[StaffPost]

    def at(self, building: dict[str, Any]) -> tuple[int, int]:
        return building["x"], building["y"]

    def living(self, row: int) -> list[dict[str, Any]]:
        return [each for each in self.households if each["building"] == row]


def town(seed: int = 1, buildings: int = 120) -> Town:
    """A town made up by chance; some of it stands outside every grid."""
    chance = Random(seed)

    def spot() -> tuple[int, int]:
        return point_to_lattice(*place(chance.uniform(-0.5, 9), chance.uniform(-0.5, 4.5)))

    built = []
    for number in range(buildings):
        x, y = spot()
        built.append(
            {
                "code": f"500999{number:06}",
                "x": x,
                "y": y,
                "width_m": 20.0,
                "depth_m": 10.0,
                "bearing_deg": 0,
                "floors": chance.randrange(1, 34),
                "units": 2,
                "use": chance.choice(["residential", "shop", "school"]),
                "name": chance.choice(STEMS) + chance.choice(TAILS),
                "address": chance.choice(ROADS) + f"{chance.randrange(1, 40)}号",
            }
        )
    homes = [
        {
            "building": row,
            "unit": chance.randrange(1, 3),
            "floor": chance.choice([-1, 1, 2, 5, 12]),
            "room": chance.choice([1, 2, 3, 1203]),
            "people": chance.randrange(1, 4),
        }
        for row in range(buildings)
        for _ in range(chance.choice([0, 0, 1, 1, 2, 7]))
    ]
    devices = [Device(f"D-{number:03}", chance.choice(KINDS), *spot(), None) for number in range(60)]
    grids = [area.code for area in make_twin().current.partition.areas() if area.level == "grid"]
    posts = [
        StaffPost(f"{grid}-{number:02}", grid, chance.choice(ROLES), f"P-{number}", chance.choice(SHIFTS))
        for grid in grids
        for number in range(1, chance.randrange(2, 8))
    ]
    return Town(built, homes, devices, posts)


def stored(folder: Path, made: Town) -> CityAddress:
    """A home that holds a town."""
    with Home.create(folder).store() as store:
        store.put_columns("buildings", pa.Table.from_pylist(made.buildings, BUILDINGS), synthetic=True)
        store.put_columns("households", pa.Table.from_pylist(made.households, HOUSEHOLDS), synthetic=True)
        store.put_devices(made.devices)
        store.put_staff(made.posts)
    return CityAddress(folder)


@contextmanager
def furnished(folder: Path, made: Town) -> Iterator[Reported]:
    """The service of Toytown with a town in it; its log is in the same home."""
    address = stored(folder / "home", made)
    twin: Twin = make_twin(source=Source(address))
    with address.open() as store:
        affairs = Affairs(twin, store)
        try:
            yield Reported(twin, affairs, store)
        finally:
            affairs.close()
            twin.close()


BUILDINGS = pa.schema(
    [
        ("code", pa.string()),
        ("x", pa.int32()),
        ("y", pa.int32()),
        ("width_m", pa.float32()),
        ("depth_m", pa.float32()),
        ("bearing_deg", pa.int16()),
        ("floors", pa.uint8()),
        ("units", pa.uint8()),
        ("use", pa.dictionary(pa.int32(), pa.string())),
        ("name", pa.string()),
        ("address", pa.string()),
    ]
)
HOUSEHOLDS = pa.schema(
    [
        ("building", pa.int32()),
        ("unit", pa.uint8()),
        ("floor", pa.int16()),
        ("room", pa.uint16()),
        ("people", pa.uint8()),
    ]
)
