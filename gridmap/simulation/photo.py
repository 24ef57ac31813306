"""The photo that simulated staff bring along: a drawing, so that nobody takes it for one of a real place."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw

MEDIA_TYPE: Final = "image/jpeg"

_WIDTH, _HEIGHT = 480, 320
_SKY, _WALL, _ROAD, _KERB = "#9fb4c7", "#c9bfae", "#5b6068", "#d8d8d4"
_LID, _RIM, _DONE = "#3c4046", "#8d939b", "#2fae66"


def drawn() -> bytes:
    """A street with a manhole that has its lid again, and a green tick: JPEG, 480 x 320 points."""
    image = Image.new("RGB", (_WIDTH, _HEIGHT), _SKY)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 90, _WIDTH, 170), fill=_WALL)
    draw.rectangle((0, 170, _WIDTH, 184), fill=_KERB)
    draw.rectangle((0, 184, _WIDTH, _HEIGHT), fill=_ROAD)
    draw.ellipse((120, 205, 300, 295), fill=_LID, outline=_RIM, width=6)
    for offset in (-40, 0, 40):
        draw.line((160, 250 + offset // 2, 260, 250 + offset // 2), fill=_RIM, width=4)
    draw.ellipse((370, 30, 450, 110), fill=_DONE)
    draw.line(((388, 70), (404, 88), (434, 52)), fill="white", width=9, joint="curve")
    out = BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
