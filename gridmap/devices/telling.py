"""What is told of an alarm: the event, in the form of POST /events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gridmap.lattice import to_degrees

if TYPE_CHECKING:
    from datetime import datetime

    from gridmap.devices.engine import Signal
    from gridmap.devices.rules import Rules
    from gridmap.store.device_states import Known

SOURCE: Final = "device"


def event_of(signal: Signal, known: Known, rules: Rules) -> dict[str, Any] | None:
    """The event of an alarm that begins or ends; None where the rules want none.

    Known by device, type and the beginning, so that it is one event however often it is told. Its subject is
    device and type: what comes again is the same thing, open again.
    """
    telling = rules.telling(signal.type, known.kind)
    if telling is None:
        return None
    subject = f"{signal.device}:{signal.type}"
    name = f"{subject}:{rfc3339(signal.began)}"
    lons, lats = to_degrees([known.x], [known.y])
    out: dict[str, Any] = {
        "id": name if signal.is_open else f"{name}:end",
        "source": SOURCE,
        "class": telling.class_,
        "urgency": telling.urgency,
        "op": "open" if signal.is_open else "close",
        "subject": subject,
        "title": telling.title if signal.is_open else f"{telling.title}解除",
        "kind": telling.kind,
        "lon": float(lons[0]),
        "lat": float(lats[0]),
        "crs": "wgs84",
        "occurred_at": rfc3339(signal.at),
        "fields": _fields(signal, known),
    }
    return out


def rfc3339(moment: datetime) -> str:
    """A moment of UTC in milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _fields(signal: Signal, known: Known) -> dict[str, Any]:
    said: dict[str, Any] = {"device": signal.device, "device_kind": known.kind, "alarm": signal.type}
    if known.building is not None:
        said["building"] = known.building
    last = signal.state.reading
    if last is not None:
        said["last_reading_at"] = rfc3339(last.at)
        if last.state is not None:
            said["state"] = last.state
        if last.value is not None:
            said["value"] = last.value
    if signal.state.battery is not None:
        said["battery"] = signal.state.battery
    return said
