"""Names of synthetic grids, made from the real name of their community."""

from __future__ import annotations

from typing import Final

ENDINGS: Final = ("居民委员会", "村民委员会")
PLACES: Final = (
    "小学",
    "农贸市场",
    "公园",
    "中学",
    "人民医院",
    "幼儿园",
    "体育场",
    "客运站",
    "养老院",
    "产业园",
    "商圈",
    "文化广场",
)
"""What an exclusive grid may be, in the order in which a community gets them."""


def short_name(committee: str) -> str:
    """The community without its committee: 民生路社区居民委员会 becomes 民生路社区."""
    for ending in ENDINGS:
        if committee.endswith(ending) and len(committee) > len(ending):
            return committee.removesuffix(ending)
    return committee


def basic_name(committee: str, number: int) -> str:
    """The name of a basic grid: 民生路社区第3网格."""
    return f"{short_name(committee)}第{number}网格"


def exclusive_name(committee: str, number: int, first: int) -> str:
    """The name of a community's exclusive grid, its `number` counted from 1; the first one is place `first`.

    After all kinds of places have been used the next round counts: 民生路第2小学.
    """
    stem = short_name(committee).removesuffix("社区").removesuffix("村") or short_name(committee)
    place = PLACES[(first + number) % len(PLACES)]
    turn = (number - 1) // len(PLACES)
    return f"{stem}{place}" if turn == 0 else f"{stem}第{turn + 1}{place}"
