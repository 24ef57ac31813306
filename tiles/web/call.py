"""A request as routes see it: checked, and with what it is answered from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridmap.affairs import Affairs
    from gridmap.twin import Snapshot
    from tiles.web.tiling import Tiling


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request: what it is answered from (the snapshot taken once), and what was asked.

    `media_type` is the body's, in lower case and without parameters. `base` is the address of the service as
    the caller reached it, without a slash at its end; `encodings` is the Accept-Encoding header.
    `headers` have names in lower case. `affairs` is what goes on in the city, where that is kept.
    """

    snapshot: Snapshot
    tiling: Tiling
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    accept: str = ""
    media_type: str = ""
    body: bytes = b""
    encodings: str = ""
    base: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    affairs: Affairs | None = None
