"""Plausible Chinese names and addresses of buildings, from common words; none is real, none a person's name.

Every combination of two word lists is numbered. A community starts at a number of its own and steps on by a
number that has no divisor in common with the count, so inside a community a name comes back only after all of
them were used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.city.columns import either, joined, plain, words
from gridmap.city.forms import USES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.city.columns import Column
    from gridmap.types import BoolArray, Int64Array

COMPOUNDS: Final = tuple(
    first + last
    for first in (
        *("金竹", "翠湖", "锦绣", "滨江", "山水", "阳光", "龙泉", "桂园", "丽景", "华岩", "南湖", "望江"),
        *("天星", "嘉陵", "半山", "银杏", "海棠", "枫林", "碧云", "学府", "渝景", "江南", "汇丰", "和平"),
        *("康居", "新城", "长安", "凤鸣", "黄葛", "石桥", "温泉", "松柏", "民安", "富康", "文苑", "朝阳"),
    )
    for last in ("苑", "花园", "小区", "家园", "华庭", "新村", "公寓", "名居")
)
HAMLETS: Final = tuple(
    first + last
    for first in (
        *("大石", "竹林", "黄葛", "桂花", "梨树", "松林", "白鹤", "水井", "石桥", "柏树", "核桃", "青杠"),
        *("老屋", "新房", "烂泥", "龙洞", "凉水", "油坊", "瓦窑", "磨子", "枇杷", "楠木", "高坎", "双河"),
        *("月亮", "响水", "斑竹", "马桑", "茶园", "桐子", "花椒", "土地", "碾盘", "对门", "河沟", "堰塘"),
    )
    for last in ("湾", "坝", "坪", "沟", "岩", "岭", "坡", "院子")
)
ROADS: Final = tuple(
    first + last
    for first in (
        *("人民", "解放", "建设", "和平", "新华", "中山", "民生", "胜利", "青年", "团结", "滨江", "文化"),
        *("沿河", "体育", "学府", "迎宾", "兴隆", "凤山", "龙井", "金桥", "柏林", "春晖", "朝阳", "翠屏"),
        *("石门", "望江", "南坪", "北滨", "东升", "西苑", "渝兴", "工农", "双桥", "玉泉", "桂花", "松涛"),
    )
    for last in ("路", "街", "大道", "支路", "巷", "横街", "一路", "二路")
)
STRIDE: Final = 13
"""The step through a list of names; shares no divisor with 288, the length of all three."""
USE_NAMES: Final = ("", "商铺", "学校", "医院", "农贸市场", "办公楼", "工业厂房", "仓库", "服务中心")
"""What a building of each use after "residential" is called, in the order of `forms.USES`."""
USE_WORDS: Final = {
    "小学": "school",
    "中学": "school",
    "学校": "school",
    "幼儿园": "school",
    "医院": "hospital",
    "市场": "market",
    "商圈": "market",
    "产业园": "factory",
    "政务": "office",
}
"""What an exclusive grid is for, by words in its name; where there is none of them, it is for the public."""
HOUSES_PER_GROUP: Final = 40
"""Farmhouses of a villagers' group (村民小组): 30 to 50 is common."""


@dataclass(frozen=True)
class Spots:
    """What a building's name hangs on, one entry per building.

    `community` is the row of its community; `block` counts the places of one name inside a community from 0
    (a hamlet, or the compound of a grid); `number` counts the buildings inside the block from 1; `serial`
    those inside the community from 0.
    """

    community: Int64Array
    rural: BoolArray
    use: Int64Array
    block: Int64Array
    number: Int64Array
    serial: Int64Array


def name_and_address(
    spots: Spots, prefixes: Sequence[str], communities: Sequence[str], rng: np.random.Generator
) -> tuple[Column, Column]:
    """Give every building its name and address as string columns.

    `prefixes` (district and town) and `communities` (names without the committee) have one entry per
    community. In town: 金竹苑3栋, ...人民路27号. In the country: 竹林湾3号, ...水井村2组竹林湾3号.
    """
    starts = rng.integers(0, len(COMPOUNDS), (2, len(communities)))[:, spots.community]
    block = (starts[0] + STRIDE * spots.block) % len(COMPOUNDS)
    place = words((*COMPOUNDS, *HAMLETS), np.where(spots.rural, block + len(COMPOUNDS), block))
    house, number = words(communities, spots.community), plain(spots.number)
    home = joined(place, number, words(("栋", "号"), spots.rural.astype(np.int64)))
    shop = joined(place, number, "号商铺")
    other = joined(house, words(USE_NAMES, spots.use), number, "号楼")
    name = either(
        spots.use == USES.index("residential"), home, either(spots.use == USES.index("shop"), shop, other)
    )
    road = words(ROADS, (starts[1] + STRIDE * spots.block) % len(ROADS))
    prefix = words(prefixes, spots.community)
    group = plain(spots.serial // HOUSES_PER_GROUP + 1)
    country = joined(prefix, house, group, "组", place, number, "号")
    return name, either(spots.rural, country, joined(prefix, road, plain(2 * spots.number - 1), "号"))
