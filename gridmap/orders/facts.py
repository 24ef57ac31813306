"""What an event says that matters to an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gridmap.orders.order import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Facts(msgspec.Struct, frozen=True):
    """An event as orders see it; `kind` is set where the event names one itself."""

    event: Origin
    class_: str
    urgency: str
    title: str
    received_at: datetime
    kind: str | None = None
    matter: str | None = None
    drill: bool = False
    code: str | None = None
    at: tuple[float, float] | None = None

    @property
    def order_id(self) -> str:
        """The order that such an event opens."""
        return f"o-{self.event.seq}"


def facts_of(event: Mapping[str, Any], seq: int, received_at: datetime) -> Facts:
    """The facts of an event's body; its kind may stand in `fields.kind`."""
    fields = event.get("fields") or {}
    kind = fields.get("kind")
    at = event.get("at")
    return Facts(
        Origin(event["source"], event["id"], seq),
        event["class"],
        event.get("urgency", "blue"),
        event["title"],
        received_at,
        kind if isinstance(kind, str) else None,
        event.get("matter"),
        bool(event.get("drill", False)),
        event.get("code"),
        None if at is None else (at[0], at[1]),
    )
