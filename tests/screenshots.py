"""The pictures of the docs, drawn by a browser from a running service; scripts/screenshots calls this.

Chongqing's whole city is in them when its home is given; with Yuzhong alone they show less, but work.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from browser import chromium, lack, shown
from page_pictures import PICTURES, draw, evening
from PIL import Image
from served import served

from tiles.address import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Browser

LIBERATION_MONUMENT: Final = (106.5770, 29.5590)
SIZE: Final = (1280, 720)
VIEWS: Final[dict[str, dict[str, object]]] = {
    "city": {},
    "district": {"center": "106.53,29.56", "zoom": 10.6},
    "values": {
        "center": "106.553,29.556", "zoom": 13, "pitch": 45, "bearing": -12,
        "metric": "households", "area": "500103",
    },
    "grid": {"center": "106.574,29.5585", "zoom": 15.2, "chosen": "106.577,29.559"},
    "building": {
        "center": "106.5768,29.5588", "zoom": 16.3, "pitch": 60, "bearing": 25, "chosen": "106.5762,29.5577",
    },
}  # fmt: skip
"""What a MapLibre page shows, from far to near."""

DATUMS: Final = ("xyz", "gcj02", "bd09", "tianditu-c")


def main() -> None:
    """Make the pictures."""
    options = ArgumentParser(description="Draws the pictures of the docs from a running service.")
    options.add_argument("--home", type=Path, required=True, help="the home of the city to draw")
    options.add_argument("--out", type=Path, required=True, help="the folder of the pictures")
    options.add_argument("names", nargs="*", help="the pictures to draw, such as dark-city; without one all")
    asked = options.parse_args()
    if (reason := lack()) is not None:
        sys.exit(f"screenshots: {reason}")
    known = {**pictures(), **PICTURES}
    if unknown := set(asked.names) - set(known):
        sys.exit(f"screenshots: no picture is called {', '.join(unknown)}; there are {', '.join(known)}")
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = asked.names or [*known]
    with chromium() as browser:
        draw_maps(browser, asked.home, asked.out, [name for name in wanted if name not in PICTURES])
        pages = [name for name in wanted if name in PICTURES]
        if pages:
            with evening(asked.home) as server:
                for name in pages:
                    size = save(draw(browser, server, name), asked.out / f"{name}.png")
                    click.echo(f"{name}.png, {size / 1000:.0f} kB")


def draw_maps(browser: Browser, home: Path, out: Path, names: Sequence[str]) -> None:
    """Draw the pictures of the styles and of other map libraries."""
    known = pictures()
    with served(home) as server:
        for name in names:
            page_name, query = known[name]
            with shown(browser, server, page_name, query, SIZE) as (page, seen):
                if seen.faults or seen.console:
                    sys.exit(f"screenshots: {name}: {seen.faults} {seen.console}")
                size = save(page.screenshot(), out / f"{name}.png")
            click.echo(f"{name}.png, {size / 1000:.0f} kB")


def pictures() -> dict[str, tuple[str, dict[str, object]]]:
    """The page of each picture and what it is asked for."""
    lon, lat = LIBERATION_MONUMENT
    planes = {}
    for name in DATUMS:
        (x,), (y,) = SCHEMES[name].plane.project([lon], [lat])
        planes[name] = f"{float(x)!r},{float(y)!r}"
    return {
        **{
            f"{theme}-{view}": ("maplibre.html", {"theme": theme, **query})
            for theme in ("dark", "light")
            for view, query in VIEWS.items()
        },
        "openlayers": ("openlayers.html", {"zoom": 15.6, "xyz": planes["xyz"]}),
        "openlayers-datums": ("openlayers.html", {"zoom": 16.6, **planes}),
    }


def save(picture: bytes, path: Path) -> int:
    """Keep a picture in 256 colours, a third of the bytes; its size in bytes.

    The colours are spread first, so that few red pixels stay red (a median cut makes them grey), and then
    moved to what they stand for: no channel is off by more than 20 of 256.
    """
    image = Image.open(BytesIO(picture)).convert("RGB")
    few = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    return path.stat().st_size


if __name__ == "__main__":
    main()
