"""When things happen: weights of the 24 hours, and a moment drawn by them."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

DAY_S: Final = 86_400

HOURS: Final[dict[str, tuple[int, ...]]] = {
    #           0  1  2  3  4  5  6   7   8   9  10  11  12  13  14  15  16  17  18  19  20  21  22  23
    "always": (10, 9, 8, 8, 8, 8, 9, 11, 12, 12, 12, 12, 12, 12, 12, 12, 12, 13, 13, 13, 13, 12, 11, 10),
    "day": (1, 1, 0, 0, 0, 1, 4, 10, 18, 20, 18, 14, 9, 8, 13, 16, 16, 14, 10, 7, 5, 3, 2, 1),
    "office": (0, 0, 0, 0, 0, 0, 1, 4, 15, 24, 22, 16, 7, 6, 16, 20, 18, 11, 4, 3, 2, 1, 1, 0),
    "morning": (1, 1, 0, 0, 1, 3, 10, 22, 24, 18, 12, 8, 6, 5, 6, 7, 8, 9, 10, 8, 6, 4, 2, 1),
    "evening": (3, 2, 1, 1, 1, 1, 3, 7, 8, 7, 6, 6, 7, 6, 5, 6, 8, 13, 20, 24, 24, 18, 11, 6),
    "meals": (2, 1, 1, 1, 1, 2, 6, 10, 5, 4, 6, 18, 16, 5, 3, 3, 6, 16, 22, 14, 6, 4, 3, 2),
    "trade": (2, 1, 0, 0, 0, 1, 3, 7, 8, 9, 10, 12, 12, 9, 8, 8, 10, 14, 18, 20, 18, 12, 7, 4),
    "night": (14, 9, 6, 4, 3, 3, 4, 4, 4, 4, 4, 5, 8, 8, 4, 4, 4, 5, 8, 12, 16, 20, 22, 20),
}
"""How busy each hour is, by the rhythm of a sort; together the morning and the evening have a peak."""

_CUMULATIVE: Final = {name: tuple(accumulate(hours)) for name, hours in HOURS.items()}


def draw_second(rhythm: str, chance: Random) -> float:
    """A second of the day, to the millisecond."""
    (hour,) = chance.choices(range(24), cum_weights=_CUMULATIVE[rhythm])
    return round((hour + chance.random()) * 3600, 3)
