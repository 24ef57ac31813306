"""The pictures in docs: the pages show them, they need nothing from elsewhere, and no text runs into another.

Widths are estimated from a wide common font, so a picture that passes is legible with narrower ones too.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

ROOT: Final = Path(__file__).parent.parent
PICTURES: Final = sorted((ROOT / "docs").glob("*.svg"))
SVG: Final = "{http://www.w3.org/2000/svg}"
SMALLEST_FONT_PX: Final = 15
GENERIC_FONTS: Final = {"sans-serif", "serif", "monospace"}


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float
    text: str = ""

    def meets(self, other: Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: Box) -> bool:
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom


def rules(root: ElementTree.Element) -> dict[str, str]:
    """The declarations of the picture's one style sheet, by class name ("text" for the element)."""
    sheet = root.findtext(f"{SVG}style") or ""
    return {name.strip().lstrip("."): body for name, body in re.findall(r"([.\w-]+) \{([^}]*)\}", sheet)}


def declared(element: ElementTree.Element, sheet: dict[str, str]) -> str:
    """All declarations that hold for an element, the strongest last."""
    classes = element.get("class", "").split()
    own = [sheet[name] for name in sheet if name in classes]
    return "; ".join([sheet.get("text", ""), *own, element.get("style", "")])


def font_px(style: str) -> float:
    return float(re.findall(r"font-size: ?([\d.]+)px", style)[-1])


def width(text: str, style: str) -> float:
    """A wide estimate: Chinese is square; Latin prose is 0.54 em wide, bold 0.63, monospace 0.61."""
    latin = 0.61 if "monospace" in style else 0.63 if style.rfind("bold") > style.rfind("normal") else 0.54
    return font_px(style) * sum(1.0 if ord(char) > 0x2E80 else latin for char in text)


def text_box(element: ElementTree.Element, sheet: dict[str, str]) -> Box:
    style = declared(element, sheet)
    long = width(element.text or "", style)
    for span in element:
        inner = style + "; " + declared(span, {name: body for name, body in sheet.items() if name != "text"})
        long += width(span.text or "", inner) + float(span.get("dx", 0)) + width(span.tail or "", style)
    x, y, size = float(element.get("x", 0)), float(element.get("y", 0)), font_px(style)
    anchor = re.search(r"text-anchor: (\w+)", style)
    left = x - long * {"middle": 0.5, "end": 1.0}.get(anchor[1] if anchor else "start", 0.0)
    return Box(left, y - 0.8 * size, left + long, y + 0.2 * size, "".join(element.itertext()))


def rect_box(element: ElementTree.Element) -> Box:
    x, y, wide, high = (float(element.get(name, 0)) for name in ("x", "y", "width", "height"))
    return Box(x, y, x + wide, y + high)


@pytest.fixture(params=PICTURES, ids=lambda path: path.name)
def picture(request: pytest.FixtureRequest) -> ElementTree.Element:
    return ElementTree.parse(request.param).getroot()


def test_texts_do_not_run_into_each_other(picture: ElementTree.Element) -> None:
    sheet = rules(picture)
    boxes = [text_box(element, sheet) for element in picture.iter(f"{SVG}text")]
    assert boxes
    crowded = [(one.text, two.text) for one, two in itertools.combinations(boxes, 2) if one.meets(two)]
    assert crowded == []


def test_texts_stay_inside_the_frame_they_begin_in(picture: ElementTree.Element) -> None:
    sheet = rules(picture)
    frames = [rect_box(element) for element in picture.iter(f"{SVG}rect")]
    spilled = []
    for box in (text_box(element, sheet) for element in picture.iter(f"{SVG}text")):
        start = Box(box.left, box.top, box.left + 1, box.bottom)
        spilled += [box.text for frame in frames if frame.holds(start) and not frame.holds(box)]
    assert spilled == []


def test_texts_are_large_enough_and_in_generic_fonts(picture: ElementTree.Element) -> None:
    sheet = rules(picture)
    small = [
        text.text for text in picture.iter(f"{SVG}text") if font_px(declared(text, sheet)) < SMALLEST_FONT_PX
    ]
    assert small == []
    fonts = re.findall(r"font-family: ([^;}\n]+)", "; ".join(sheet.values()))
    assert {font.strip() for font in fonts} <= GENERIC_FONTS


def test_pictures_say_what_they_show_and_fetch_nothing(picture: ElementTree.Element) -> None:
    assert picture.findtext(f"{SVG}title")
    assert picture.findtext(f"{SVG}desc")
    values = [value for element in picture.iter() for value in element.attrib.values()]
    assert [value for value in values if "://" in value or value.startswith("data:")] == []
    assert [element.tag for element in picture.iter() if element.tag in {f"{SVG}image", f"{SVG}script"}] == []


def pages() -> list[Path]:
    return [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("[!.]*/*.md"))]


def test_pictures_that_pages_show_exist() -> None:
    missing = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        shown = re.findall(r"!\[[^\]]*\]\(([^)\s]+)", text) + re.findall(r"<img[^>]* src=\"([^\"]+)\"", text)
        missing += [
            f"{page.relative_to(ROOT)}: {link}"
            for link in shown
            if "://" not in link and not (page.parent / link).is_file()
        ]
    assert not missing, "\n".join(missing)


def test_every_picture_is_shown_on_a_page() -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in pages())
    assert [path.name for path in PICTURES if path.name not in shown] == []
