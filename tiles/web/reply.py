"""What a route gives back: plain bytes with a media type, before anybody made HTTP of it.

Routes are pure functions `Call -> Reply`. They know nothing of Flask, so the same function can later stand
behind a faster front.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"
PROBLEM: Final = "application/problem+json"
CSV: Final = "text/csv"
ARROW: Final = "application/vnd.apache.arrow.stream"
HTML: Final = "text/html; charset=utf-8"
MVT: Final = "application/vnd.mapbox-vector-tile"

REVALIDATE: Final = "no-cache"
"""May be kept, must be asked about each time: an edition can be published at any moment, the ETag tells."""

PRIVATE: Final = "private, no-cache"
"""As REVALIDATE, but not in a shared cache: where somebody asked for can be where somebody is."""

NEVER: Final = "no-store"
"""May not be kept: true only now."""

IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""May be kept for a year without asking: the address names all that the reply was made from."""

IMMUTABLE_PRIVATE: Final = "private, max-age=31536000, immutable"
"""As IMMUTABLE, but not in a shared cache, which asks nobody who he is."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a route: its bytes, what they are, and how long they may be kept.

    `layers` are what it discloses beyond the layer of its route (see `tiles.web.gate`). `policy` is a
    page's own Content-Security-Policy, None for the usual one.
    """

    body: bytes
    media_type: str = JSON
    status: int = 200
    cache: str = REVALIDATE
    headers: tuple[tuple[str, str], ...] = ()
    layers: tuple[str, ...] = ()
    policy: str | None = None


def to_json(value: object) -> bytes:
    """Write compact UTF-8 JSON, Chinese as Chinese; NaN raises ValueError, JSON has no word for it."""
    return _ENCODER.encode(value).encode()


def json_reply(value: object, *, cache: str = REVALIDATE) -> Reply:
    """Answer 200 with a value as JSON."""
    return Reply(to_json(value), cache=cache)
