"""Coordinates as people write them: two numbers, perhaps with directions, perhaps with a datum.

`106.58068797,29.55611255 gcj02`, `29.556 N 106.58 E`, `北纬29.556 东经106.58`, `29°33'22"N 106°34'48"E`,
`106.58 29.55`, `EPSG:4546 3271234 456789`, `GCJ02:106.58、29.55`, `(106.58, 29.55)`. Without a datum it is
WGS84. Directions say which number is which; where there are none both orders are possible, east before north
first: whoever knows the city tells which.
"""

from __future__ import annotations

import re
import unicodedata
from string import whitespace
from typing import Final, NamedTuple

USUAL: Final = "wgs84"

_DEGREES: Final = str.maketrans("º˚", "°°")
"""Signs that are written for degrees, which NFKC would make a letter and an accent."""

_DATUM: Final = re.compile(
    # A number may stand right before it, a word may not.
    r"(?<![^\W\d])(?<!\.)(epsg:\s*\d{1,9}|wgs-?84|cgcs-?2000|gcj-?02|bd-?09)(?![\w.])",
    re.IGNORECASE,
)
_BEFORE: Final = r"(?P<{0}side>[NSEW]|北纬|南纬|东经|西经)\s*:?\s*"
_NUMBER: Final = (
    r"(?P<{0}number>[+-]?\d+(?:\.\d+)?)\s*"
    r"(?:[°度]\s*(?:(?P<{0}minutes>\d+(?:\.\d+)?)\s*['′’分]\s*)?"
    r"(?:(?P<{0}seconds>\d+(?:\.\d+)?)\s*(?:''|′′|[\"”秒])\s*)?)?"
)
_AFTER: Final = r"(?P<{0}side>[NSEW])"
_APART: Final = r"[\s,;/、]"
_AROUND: Final = whitespace + ",;/、:()[]{}【】"
"""What may stand around coordinates and their datum."""

_BARE: Final = _NUMBER + "(?P<{0}side>)"
_PAIRS: Final = tuple(
    re.compile(value.format("a") + apart + value.format("b"), re.IGNORECASE)
    for value, apart in (
        (_BEFORE + _NUMBER, _APART + "*"),
        (_NUMBER + _AFTER, _APART + "*"),
        (_BARE, _APART + "+"),
    )
)
_ACROSS: Final = {"E": 1, "W": -1, "东经": 1, "西经": -1}
_SIGNS: Final = _ACROSS | {"N": 1, "S": -1, "北纬": 1, "南纬": -1}


class Spot(NamedTuple):
    """Two numbers that may be a place: what they can mean, east before north, and in which datum.

    `is_sure` says that somebody wrote a datum or directions, so they can hardly be anything else.
    """

    meanings: tuple[tuple[float, float], ...]
    datum: str
    is_sure: bool


def read_spot(text: str) -> Spot | None:
    """What a text means as coordinates, None where it is none. The datum is not looked at yet."""
    plain = unicodedata.normalize("NFKC", text.translate(_DEGREES))
    named = _DATUM.search(plain)
    datum = USUAL
    if named is not None:
        datum = re.sub(r"[\s-]", "", named[1]).lower()
        plain = f"{plain[: named.start()]} {plain[named.end() :]}"
    plain = plain.strip(_AROUND)
    found = next((match for pair in _PAIRS if (match := pair.fullmatch(plain))), None)
    if found is None:
        return None
    first, second = (_value(found, side) for side in ("a", "b"))
    sides = [found[f"{side}side"].upper() for side in ("a", "b")]
    if not any(sides):
        return Spot(((first, second), (second, first)), datum, named is not None)
    if (sides[0] in _ACROSS) == (sides[1] in _ACROSS):
        return None
    first, second = first * _SIGNS[sides[0]], second * _SIGNS[sides[1]]
    return Spot(((first, second) if sides[0] in _ACROSS else (second, first),), datum, is_sure=True)


def _value(found: re.Match[str], side: str) -> float:
    minutes, seconds = found[f"{side}minutes"] or "0", found[f"{side}seconds"] or "0"
    size = float(found[f"{side}number"])
    return size + (float(minutes) / 60 + float(seconds) / 3600) * (-1 if size < 0 else 1)
