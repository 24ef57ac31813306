"""Photos: of what somebody sends, the picture itself is kept and nothing else.

Theory of operation. A photo from a telephone says where and when it was taken, by which machine, sometimes by
whom, and may hold a second picture, small, from before something was cut away. All of that stands around the
picture in a dozen forms (EXIF, XMP, IPTC, comments, MPF, bytes behind the end). To strip what is known would
leave what is not. So the picture is decoded and a new file is written from its points alone; nothing of the
old file is copied. Only the orientation is obeyed first, because without it people lie on their side.

The price is a little of the quality (90 of 100) and the colour profile: a photo of a wide-gamut camera is a
trace paler. Tried and left out: lossless stripping of JPEG segments, which cannot turn a picture.

What a file is, its content says; its name and its media type are only claims. Its size in points is read from
its head and compared with the limit before a point is decoded: a few kilobytes can hold a billion.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final, NamedTuple

from PIL import ExifTags, Image

from gridmap.errors import InputError

MOST_POINTS: Final = 50_000_000
"""Points of a photo, width times height: what telephones make, and 150 MB while it is being decoded."""


class _Kind(NamedTuple):
    """A form of pictures: how it is written, and which modes of points need no conversion."""

    media_type: str
    modes: frozenset[str]
    written: dict[str, Any]


_JPEG: Final = _Kind(
    "image/jpeg", frozenset({"L", "RGB"}), {"format": "JPEG", "quality": 90, "progressive": False}
)
_PNG: Final = _Kind("image/png", frozenset({"1", "L", "LA", "RGB", "RGBA", "I;16"}), {"format": "PNG"})
_WEBP: Final = _Kind("image/webp", frozenset({"RGB", "RGBA"}), {"format": "WEBP", "quality": 90})

_KINDS: Final = {"JPEG": _JPEG, "MPO": _JPEG, "PNG": _PNG, "WEBP": _WEBP}
"""By Pillow's name; MPO is a JPEG with more pictures behind the first, of which the first is taken."""

MEDIA_TYPES: Final = tuple(dict.fromkeys(kind.media_type for kind in _KINDS.values()))
"""What is taken."""

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a picture upright, by its EXIF orientation."""


class Photo(NamedTuple):
    """A picture without anything around it; width and height in points."""

    data: bytes
    media_type: str
    width: int
    height: int


def clean(data: bytes) -> Photo:
    """Write a picture anew, upright, from its points alone.

    InputError: these bytes are no JPEG, PNG or WebP, are cut or broken, or have too many points.
    """
    image = _opened(data)
    kind = _KINDS[image.format or ""]
    upright = _turned(image)
    plain = _converted(upright, kind)
    out = BytesIO()
    plain.info.clear()  # Pillow writes some of it unasked: comments, profiles, transparent colours
    plain.save(out, **kind.written)
    return Photo(out.getvalue(), kind.media_type, plain.width, plain.height)


def _opened(data: bytes) -> Image.Image:
    """A picture with all of its points decoded."""
    try:
        image = Image.open(BytesIO(data), formats=("JPEG", "PNG", "WEBP"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError("photo", f"has more than {MOST_POINTS:,} points; make it smaller") from error
    except Exception as error:  # these are a stranger's bytes: whatever a decoder says, they are no picture
        known = ", ".join(MEDIA_TYPES)
        raise InputError("photo", f"is no picture that can be read here; send one of {known}") from error
    if image.width * image.height > MOST_POINTS:
        reason = f"has {image.width} x {image.height} points, more than {MOST_POINTS:,}; make it smaller"
        raise InputError("photo", reason)
    try:
        image.load()
    except Exception as error:
        raise InputError("photo", "is cut or broken; send it once more") from error
    return image


def _turned(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    except Exception:  # what stands around a picture may be broken, and is left behind in any case
        turn = None
    return image if turn is None else image.transpose(turn)


def _converted(image: Image.Image, kind: _Kind) -> Image.Image:
    """The same points in a mode that the form can hold; what shines through does so still, where it can."""
    shines = "transparency" in image.info or image.mode in {"RGBA", "LA", "PA", "RGBa", "La"}
    if image.mode in kind.modes and "transparency" not in image.info:
        return image
    return image.convert("RGBA" if shines and "RGBA" in kind.modes else "RGB")
