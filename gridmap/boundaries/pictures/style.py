"""How pictures of findings look: colours, marks, words and fonts.

A light sheet, because it is printed and sent by mail, with the navy and cyan of the screen. Rules differ in
colour and in the shape of their mark, so that nobody needs to tell red from green.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from gridmap.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.text import Text

NAVY: Final = "#07142b"
NAVY_SOFT: Final = "#1d3a66"
CYAN: Final = "#19d7ff"
PALE: Final = "#cfe8ff"
PAPER: Final = "#f4f8fc"
CARD: Final = "#ffffff"
SEA: Final = "#e6eef6"
"""Where no area is."""
LAND: Final = "#fdfeff"
INK: Final = "#12284a"
MUTED: Final = "#5b7394"
RULE_LINE: Final = "#d3dfec"
GREEN: Final = "#149a55"
RED: Final = "#d92632"

BORDERS: Final = (("#0b2a55", 1.3), ("#3d74ad", 0.65), ("#8fb6d8", 0.4), ("#a6c5df", 0.35))
"""Colour and width in points of the borders of each level, widest first; further levels as the last."""

TINTS: Final = ("#cfe6ff", "#c9f1e6", "#e4dcfa", "#ffefc7", "#ffdfe6")
"""Fills of the areas that a finding names."""
TINT_INKS: Final = ("#0d4f94", "#0a6a55", "#4d3599", "#8a5a00", "#99264d")
"""The ink of their codes, in the same order."""


@dataclass(frozen=True)
class Mark:
    """How findings of a rule are drawn, and what the rule is called in the legend."""

    words: str
    colour: str
    shape: str


MARKS: Final = {
    "gap": Mark("gap", "#e5233d", "o"),
    "overlap": Mark("overlap", "#8e2be2", "s"),
    "missing_grid": Mark("missing grid", "#ff7a00", "D"),
    "hole_without_filler": Mark("unfilled hole", "#d8970a", "h"),
    "duplicate": Mark("duplicate", "#c2188b", "P"),
    "stray_part": Mark("stray part", "#0b8f8a", "^"),
    "t_junction": Mark("T-junction", "#1769d8", "v"),
    "outside_parent": Mark("outside its parent", "#6b4a2f", "<"),
    "wrong_parent": Mark("wrong parent", "#3f6b1f", ">"),
    "self_touching_ring": Mark("self-touching ring", "#00a0c8", "d"),
    "invalid_polygon": Mark("invalid polygon", "#4b4f58", "X"),
    "no_shape": Mark("no shape", "#9a8c98", "p"),
}


def mark_of(rule: str) -> Mark:
    """The mark of a rule; one that has none here gets a star and its own name."""
    return MARKS.get(rule, Mark(rule.replace("_", " "), "#222b38", "*"))


CHINESE_FONTS: Final = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Heiti SC",
    "Arial Unicode MS",
    "Droid Sans Fallback",
)
"""Fonts with Chinese characters, the finest first; the first that the machine has is used."""

LATIN_FONT: Final = "DejaVu Sans"
"""matplotlib brings it along."""


@dataclass(frozen=True)
class Fonts:
    """The fonts that texts are drawn with, and the characters that each has, Latin first."""

    families: tuple[str, ...]
    characters: tuple[frozenset[int], ...]

    def printable(self, text: str) -> str:
        """The text without what no font can draw; empty when nothing that says anything is left."""
        known = frozenset().union(*self.characters)
        kept = "".join(c for c in text if ord(c) in known)
        return kept if any(c.isalnum() for c in kept) else ""

    def set_on(self, text: Text) -> Text:
        """Give a text these fonts, and take its dollar signs as they are."""
        text.set_parse_math(False)
        if all(ord(c) in self.characters[0] for c in text.get_text()):
            text.set_fontfamily(self.families[0])
        else:
            text.set_fontfamily(list(self.families))
            text.set_fontweight("normal")  # few machines have a bold Chinese font, and matplotlib complains
        return text


@lru_cache(maxsize=1)
def fonts() -> Fonts:
    """The fonts of this machine: one for Latin, and one for Chinese where there is one.

    Raises MissingExtraError when matplotlib is not installed.
    """
    check_matplotlib()
    from matplotlib import font_manager

    known = {entry.name for entry in font_manager.fontManager.ttflist}
    chinese = next((name for name in CHINESE_FONTS if name in known), None)
    return fonts_of((LATIN_FONT,) if chinese is None else (LATIN_FONT, chinese))


def fonts_of(families: tuple[str, ...]) -> Fonts:
    """Look up which characters some fonts have."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    files = [font_manager.findfont(name) for name in families]
    return Fonts(families, tuple(frozenset(FT2Font(file).get_charmap()) for file in files))


def check_matplotlib() -> None:
    """Raise MissingExtraError, with the line to type, when matplotlib is not installed."""
    try:
        import matplotlib as _installed  # noqa: F401 (only whether it is there)
    except ImportError as error:
        raise MissingExtraError(
            "Pictures need matplotlib, which is not installed here: type `pip install 'gridmap[pictures]'`, "
            "or write the findings as GeoJSON, which needs nothing."
        ) from error


def plural(count: int, word: str) -> str:
    """A count with its noun: 1 town, 80 communities."""
    if count == 1:
        return f"1 {word}"
    return f"{count:,} {word[:-1]}ies" if word.endswith("y") else f"{count:,} {word}s"


def size_words(size_m2: float) -> str:
    """An area in words of three digits, from square centimetres to square kilometres; empty for none."""
    if size_m2 <= 0:
        return ""
    if size_m2 < 0.01:
        return f"{size_m2 * 10_000:.2g} cm²"
    if size_m2 < 10_000:
        return f"{size_m2:,.3g} m²" if size_m2 < 1000 else f"{size_m2:,.0f} m²"
    return f"{size_m2 / 1e6:,.3g} km²" if size_m2 < 1e9 else f"{size_m2 / 1e6:,.0f} km²"
