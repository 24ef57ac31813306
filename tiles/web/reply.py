"""What a route gives back: plain bytes with a media type, before anybody made HTTP of it.

Routes are pure functions `Call -> Reply`. They know nothing of Flask, so the same function can later stand
behind a faster front.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridmap.twin import Snapshot

JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"
PROBLEM: Final = "application/problem+json"
CSV: Final = "text/csv"
ARROW: Final = "application/vnd.apache.arrow.stream"
HTML: Final = "text/html; charset=utf-8"

REVALIDATE: Final = "no-cache"
"""May be kept, must be asked about each time: an edition can be published at any moment, the ETag tells."""

PRIVATE: Final = "private, no-cache"
"""As REVALIDATE, but not in a shared cache: where somebody asked for can be where somebody is."""

NEVER: Final = "no-store"
"""May not be kept: true only now."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a route: its bytes, what they are, and how long they may be kept."""

    body: bytes
    media_type: str = JSON
    status: int = 200
    cache: str = REVALIDATE
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request: the snapshot it is answered from (taken once), and what was asked.

    `media_type` is the body's, in lower case and without parameters.
    """

    snapshot: Snapshot
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = ""
    media_type: str = ""
    body: bytes = b""


def to_json(value: object) -> bytes:
    """Write compact UTF-8 JSON, Chinese as Chinese; NaN raises ValueError, JSON has no word for it."""
    return _ENCODER.encode(value).encode()


def json_reply(value: object, *, cache: str = REVALIDATE) -> Reply:
    """Answer 200 with a value as JSON."""
    return Reply(to_json(value), cache=cache)
