"""Area codes: what a code says about level, parent and kind, and which number comes next.

To the engine a code is an opaque string. A *rule* reads more out of it; a scheme names its rule, and two
exist:

`national`   district 6 digits (GB/T 2260), town +3 (GB/T 10114), community +3, grid +3: `500106006001015`.
             The last three digits also say the kind:

             town        001-099 street      100-199 town        200-399 township
                         400-599 special (office and enterprise in one: farms, development zones)
             community   001-199 residents   200-399 villagers
             grid        001-899 basic       901-999 exclusive
             other       600-999 of towns and 400-999 of communities (statistical and local numbers)

`opaque`     anything goes: no level, no parent, no kind.

The range of exclusive grids is our own choice, for the standards have none: 99 markets, schools, hospitals
and parks are enough for any community, 900 stays free as the mark between the two, and the number alone
tells the kinds apart.

A code names its parent, but at one level it is not the last word: development zones and merged districts
run towns whose code belongs to another district (曾家镇 500106108 is run by 高新区). So a town may stand
below any district; a community or a grid carries its parent's code.

Numbers are given twice in a life: at the first numbering in reading order (`number_first`), later as the
largest number ever used plus one (`next_code`), never again one that was used, for an old paper with the
old code must not name a new place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

    from gridmap.types import FloatArray, Int32Array, Int64Array

LEVEL_OF_LENGTH: Final = {6: "district", 9: "town", 12: "community", 15: "grid"}

NUMBERS: Final[dict[str, dict[str, tuple[int, int]]]] = {
    "town": {
        "street": (1, 99),
        "town": (100, 199),
        "township": (200, 399),
        "special": (400, 599),
        "other": (600, 999),
    },
    "community": {"residents": (1, 199), "villagers": (200, 399), "other": (400, 999)},
    "grid": {"basic": (1, 899), "exclusive": (901, 999)},
}
"""First and last number of each kind, by level; the state alone gives the districts their six digits."""

ROW: Final = 0.75
"""Mean spacings in the height of a row of the first numbering: below 1, or a raster's next row gets in."""


NEARLY_ALL: Final = 0.9
"""Share of codes with the national form from which the others are taken for mistakes."""


class CodeRule(Protocol):
    """What a scheme's codes mean. All answers are None where the rule has nothing to say."""

    @property
    def name(self) -> str:
        """The name by which a scheme asks for this rule."""

    def level_of(self, code: str) -> str | None:
        """The level that a code belongs to."""

    def parent_of(self, code: str) -> str | None:
        """The code of the parent that a code names; None at the top."""

    def kind_of(self, code: str) -> str | None:
        """The kind that a code's number stands for."""

    def problem(self, code: str, level: str, parent: str | None) -> str | None:
        """What is wrong with a code at this level, below this parent, in one sentence; None when right."""

    def next_code(self, parent: str, kind: str, taken: Iterable[str]) -> str:
        """The code for a new area below `parent`; `taken` is every code ever used, the retired ones too."""


@dataclass(frozen=True, slots=True)
class NationalRule:
    """The national rule: 6 + 3 + 3 + 3 digits, each number range a kind."""

    name: str = "national"

    def level_of(self, code: str) -> str | None:
        """The level that the length of a code stands for; None for anything but 6, 9, 12 or 15 digits."""
        return LEVEL_OF_LENGTH.get(len(code)) if code.isascii() and code.isdigit() else None

    def parent_of(self, code: str) -> str | None:
        """The code without its last three digits; None for a district and for what is no national code."""
        return code[:-3] if self.level_of(code) in NUMBERS else None

    def kind_of(self, code: str) -> str | None:
        """The kind that the last three digits stand for; None for one without a kind (000, a grid's 900)."""
        level = self.level_of(code)
        if level is None or level == "district":
            return level
        number = int(code[-3:])
        return next((kind for kind, (low, high) in NUMBERS[level].items() if low <= number <= high), None)

    def problem(self, code: str, level: str, parent: str | None) -> str | None:
        """What is wrong with a code: its form, level, number, or a parent whose code it does not carry.

        A town may stand below a district with another code (see the head of this module).
        """
        found = self.level_of(code)
        if found is None:
            return f"{code!r} is no national code: 6, 9, 12 or 15 digits are."
        if found != level:
            return (
                f"{code} has the {len(code)} digits of a {found} but stands among the areas of level {level}."
            )
        if self.kind_of(code) is None:
            return f"{code} ends in {code[-3:]}, a number that no kind of {level} has ({_ranges(level)})."
        if level == "district":
            return None if parent is None else f"District {code} is at the top but has the parent {parent}."
        if parent is None:
            return f"{code} has no parent; its code names {code[:-3]}."
        if level != "town" and parent != code[:-3]:
            return f"{code} lies below {parent} but its code names {code[:-3]}: correct one of them."
        return None

    def next_code(self, parent: str, kind: str, taken: Iterable[str]) -> str:
        """The largest number ever used for this kind below `parent`, plus one; first, the first of its range.

        Raises InputError when the parent cannot have such children and when the range of the kind is used up.
        """
        level = LEVEL_OF_LENGTH.get(len(parent) + 3)
        if self.level_of(parent) is None or level is None:
            raise InputError(
                "parent",
                f"{parent!r} is no district, town or community: nothing is numbered below it.",
            )
        if kind not in NUMBERS[level]:
            raise InputError("kind", f"{kind!r} is no kind of {level}: known are {_ranges(level)}.")
        low, high = NUMBERS[level][kind]
        used = (int(code[-3:]) for code in taken if code[:-3] == parent and self.level_of(code) == level)
        number = max((number for number in used if low <= number <= high), default=low - 1) + 1
        if number > high:
            text = (
                f"all {kind} numbers below {parent} ({low:03}-{high:03}) have been used; none is used twice."
            )
            raise InputError("parent", text)
        return f"{parent}{number:03}"


@dataclass(frozen=True, slots=True)
class OpaqueRule:
    """The rule of codes that mean nothing: every text that is not empty is a code."""

    name: str = "opaque"

    def level_of(self, code: str) -> str | None:  # noqa: ARG002 (the rule has nothing to say)
        """Always None: the code does not tell."""
        return None

    def parent_of(self, code: str) -> str | None:  # noqa: ARG002
        """Always None: the code does not tell."""
        return None

    def kind_of(self, code: str) -> str | None:  # noqa: ARG002
        """Always None: the code does not tell."""
        return None

    def problem(self, code: str, level: str, parent: str | None) -> str | None:  # noqa: ARG002
        """Only an empty code is wrong."""
        return None if code else f"An area of level {level} has an empty code."

    def next_code(self, parent: str, kind: str, taken: Iterable[str]) -> str:  # noqa: ARG002
        """`parent-1`, `parent-2` ...: the largest such number ever used, plus one, whatever the kind."""
        head = f"{parent}-"
        tails = (code[len(head) :] for code in taken if code.startswith(head))
        numbers = (int(tail) for tail in tails if tail.isascii() and tail.isdigit())
        return f"{head}{max(numbers, default=0) + 1}"


NATIONAL: Final = NationalRule()
OPAQUE: Final = OpaqueRule()
RULES: Final[dict[str, CodeRule]] = {rule.name: rule for rule in (NATIONAL, OPAQUE)}


def rule_for(levels: Mapping[str, Iterable[str]]) -> CodeRule:
    """The rule that a set of areas follows: national when nearly all codes have their level's national form.

    Nearly all is NEARLY_ALL of them: a few mistyped codes are then reported by the national rule and do not
    switch it off. Else the rule is opaque, as it is without any code. `levels` holds the codes by level name.
    """
    forms = [NATIONAL.level_of(code) == level for level, codes in levels.items() for code in codes]
    return NATIONAL if forms and sum(forms) >= NEARLY_ALL * len(forms) else OPAQUE


def number_first(lons: ArrayLike, lats: ArrayLike, groups: ArrayLike) -> Int32Array:
    """Number points within their group in reading order: rows from north to south, each from west to east.

    The first numbering of a community's grids. Takes one point per grid (degrees or lattice units, finite)
    and the group of each (numbers or texts); gives the numbers 1, 2, 3 ... of each group in the order of
    the input.

    How rows are cut: a row begins at the northernmost point that has none and takes all points at most
    `ROW` mean spacings south of it, the mean spacing being sqrt(w h / n) for n points in a box w x h. A
    raster of grids up to 1.7 times as wide as high (in degrees) is thus read exactly row by row. Within a
    row: west to east, then north to south, then input order.

    Raises InputError when the three columns differ in length.
    """
    xs, ys = np.asarray(lons, dtype=np.float64), np.asarray(lats, dtype=np.float64)
    members = np.asarray(groups)
    if not xs.shape == ys.shape == members.shape or xs.ndim != 1:
        text = f"columns of shapes {xs.shape}, {ys.shape}, {members.shape}: give three of one length."
        raise InputError("groups", text)
    if not xs.size:
        return np.empty(0, dtype=np.int32)
    _, group, sizes = np.unique(members, return_inverse=True, return_counts=True)
    # lexsort takes its first key last, and is stable: equal points keep the order of the input.
    order = np.lexsort((-ys, xs, _rows(xs, ys, group, sizes)))
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    numbers = np.empty(xs.size, dtype=np.int32)
    numbers[order] = np.arange(xs.size) - starts + 1
    return numbers


def _rows(xs: FloatArray, ys: FloatArray, group: NDArray[np.intp], sizes: NDArray[np.intp]) -> Int64Array:
    """The row of each point, counted from north to south and on through the groups."""
    west, east = _extremes(xs, group, sizes.size)
    south, north = _extremes(ys, group, sizes.size)
    # Squares are compared: without a root the same rows come out on every machine.
    limits = (ROW * ROW * (east - west) * (north - south) / sizes)[group]
    order = np.lexsort((-ys, group))
    found, row, last, top = [], -1, -1, 0.0
    for mine, lat, limit in zip(
        group[order].tolist(), ys[order].tolist(), limits[order].tolist(), strict=True
    ):
        if mine != last or (top - lat) ** 2 > limit:
            row, last, top = row + 1, mine, lat
        found.append(row)
    rows = np.empty(xs.size, dtype=np.int64)
    rows[order] = found
    return rows


def _extremes(values: FloatArray, group: NDArray[np.intp], groups: int) -> tuple[FloatArray, FloatArray]:
    """The smallest and the largest value of each group."""
    low, high = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(low, group, values)
    np.maximum.at(high, group, values)
    return low, high


def _ranges(level: str) -> str:
    return ", ".join(f"{kind} {low:03}-{high:03}" for kind, (low, high) in NUMBERS.get(level, {}).items())
