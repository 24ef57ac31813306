"""CloudEvents 1.0 as events: the envelope says who, what about and when; `data` is the rest of the event.

`id`, `source` and `subject` mean the same in both. `time` is when it happened, unless the data say it. A
`type` that ends in `.open`, `.update` or `.close` is what the event does. What the data say about these goes
before what the envelope says. Extension attributes (traceparent) are kept under `fields`: whoever reads the
event later may want them.

Structured (`application/cloudevents+json`), batched (`application/cloudevents-batch+json`) and binary mode
(attributes as `ce-` headers, data as the body) are read. Data must be a JSON object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from gridmap.errors import InputError
from gridmap.events.document import MOST_BYTES, UNREADABLE, decode, from_object, unread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gridmap.events.document import Given

ONE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"

_SAME: Final = ("id", "source", "subject")
_ENVELOPE: Final = frozenset(
    {"specversion", "type", "time", "data", "data_base64", "datacontenttype", "dataschema", *_SAME}
)
_OPS: Final = ("open", "update", "close")


def reader_of(media_type: str) -> Callable[[bytes, bytes], Given]:
    """What reads one element of a list of a media type."""
    return read_structured if media_type == BATCH else decode


def read_structured(body: bytes, secret: bytes) -> Given:
    """Read a CloudEvent whose data stand in it. InputError names what cannot be used."""
    return _taken(_object("event", body), secret)


def read_binary(headers: Mapping[str, str], body: bytes, secret: bytes) -> Given:
    """Read a CloudEvent whose attributes are headers (in lower case) and whose data are the body."""
    said = {
        name.removeprefix("ce-"): unquote(value) for name, value in headers.items() if name.startswith("ce-")
    }
    return _taken({**said, "data": _object("data", body)}, secret)


def _taken(envelope: dict[str, Any], secret: bytes) -> Given:
    version, data = envelope.get("specversion"), envelope.get("data")
    if version != "1.0":
        raise InputError("specversion", f"{version!r} is not read here; send CloudEvents 1.0")
    if not isinstance(data, dict):
        raise InputError("data", "is no JSON object; it holds the event: class, urgency, lon, lat, crs ...")
    said: dict[str, Any] = {name: envelope[name] for name in _SAME if name in envelope}
    if "time" in envelope:
        said["occurred_at"] = envelope["time"]
    op = str(envelope.get("type", "")).rpartition(".")[2]
    if op in _OPS:
        said["op"] = op
    extra = {name: value for name, value in envelope.items() if name not in _ENVELOPE}
    event = {**said, **data}
    own = event.get("fields")
    if extra and (own is None or isinstance(own, dict)):
        event["fields"] = {**extra, **(own or {})}
    return from_object(event, secret)


def _object(name: str, body: bytes) -> dict[str, Any]:
    if len(body) > MOST_BYTES:
        raise InputError(name, f"takes {len(body):,} bytes; at most {MOST_BYTES:,} are taken")
    try:
        found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except UNREADABLE as error:
        raise InputError(name, f"is no JSON object: {unread(error)}") from error
    return found
