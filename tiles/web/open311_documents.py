"""The documents of Open311 GeoReport v2: as JSON, as XML, its errors, its queries, and its schemas.

The standard has its own way with a query (what is empty was not given, what is repeated is a list) and with
errors (a list of `code` and `description`). Its statuses are 404 for what does not exist, 403 for a key that
is wrong, and 400 for all else; the `code` then says which of ours it is. What is this server's own fault
keeps its 5xx: a client must know that the same request may do later.

The JSON is the standard's "Spark convention": a list for each element that holds others of one name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from gridmap.errors import InputError
from gridmap.events import open311
from gridmap.events.open311_requests import STATUSES
from tiles.web import fields
from tiles.web.parameters import SHOWN, Parameter
from tiles.web.reply import NEVER, Reply, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TYPES: Final = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}
"""The forms of a reply, by how its address ends."""

_LISTS: Final = ("service_request_id", "service_code", "status")
_ITEMS: Final = {
    "services": "service",
    "service_requests": "request",
    "attributes": "attribute",
    "endpoints": "endpoint",
    "formats": "format",
    "errors": "error",
}
"""What the elements of a list are called in XML."""

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(form: str, root: str, value: Any, *, status: int = 200, cache: str = NEVER) -> Reply:
    """A document as JSON or as XML."""
    if form == "json":
        return Reply(to_json(value), TYPES[form], status, cache)
    body: bytes = ET.tostring(_element(root, value), encoding="UTF-8", xml_declaration=True)
    return Reply(body, TYPES[form], status, cache)


def _element(tag: str, value: Any) -> ET.Element:
    element = ET.Element(tag)
    if isinstance(value, dict):
        element.extend(_element(name, inner) for name, inner in value.items())
    elif isinstance(value, list | tuple):
        element.extend(_element(_ITEMS[tag], inner) for inner in value)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif isinstance(value, float):
        element.text = f"{value:.7f}"
    elif value is not None:
        element.text = _NO_XML.sub("\ufffd", str(value))
    return element


def read(parameters: Sequence[Parameter], given: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Read a query as the standard wants it. InputError: unknown, or twice and no list."""
    known = {parameter.name for parameter in parameters if parameter.place == "query"}
    values: dict[str, str] = {}
    for name, value in given:
        if name not in known:
            raise InputError(
                name[:SHOWN], f"is not an argument here; give some of {', '.join(sorted(known))}"
            )
        if name in values and name not in _LISTS:
            raise InputError(name, "came more than once; give it once")
        if value:
            values[name] = f"{values[name]},{value}" if name in values else value
    return values


def tell(form: str, problem: Reply) -> Reply:
    """A problem of the house as the standard's list of errors."""
    said = json.loads(problem.body)
    code = problem.status
    error = {"code": code, "description": f"{said['detail_zh']} {said['detail']}"}
    status = code if code in (403, 404) or code >= 500 else 400
    reply = written(form, "errors", [error], status=status)
    return Reply(reply.body, reply.media_type, status, NEVER, problem.headers)


_TEXT: Final = {"type": "string"}
_MAYBE: Final = {"type": ["string", "null"]}
_WHEN: Final = {"type": "string", "format": "date-time"}
_DEGREES: Final = {"type": ["number", "null"], "description": "WGS84."}
_FLAG: Final = {"type": "boolean"}


def _array(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


_ENDPOINT: Final = fields.closed(
    {
        **dict.fromkeys(("specification", "url", "changeset"), _TEXT),
        "type": {"type": "string", "enum": ["production", "test"]},
        "formats": _array(_TEXT),
    }
)
_SERVICE: Final = fields.closed(
    {
        **dict.fromkeys(("service_code", "service_name", "description"), _TEXT),
        "metadata": {**_FLAG, "description": "Whether more is to be asked: never."},
        "type": {"type": "string", "enum": ["realtime"]},
        **dict.fromkeys(("keywords", "group"), _TEXT),
    }
)
_REQUEST: Final = fields.closed(
    {
        "service_request_id": _TEXT,
        "status": {"type": "string", "enum": list(STATUSES)},
        "status_notes": _MAYBE,
        **dict.fromkeys(("service_name", "service_code"), _TEXT),
        **dict.fromkeys(("description", "agency_responsible", "service_notice"), _MAYBE),
        **dict.fromkeys(("requested_datetime", "updated_datetime"), _WHEN),
        "expected_datetime": {"type": ["string", "null"], "format": "date-time"},
        **dict.fromkeys(("address", "address_id"), _MAYBE),
        "zipcode": {"type": "null"},
        **dict.fromkeys(("lat", "long"), _DEGREES),
        "media_url": _MAYBE,
    }
)
_RECEIPT: Final = {"service_request_id": _TEXT, "service_notice": _TEXT, "account_id": {"type": "null"}}

SCHEMAS: Final[dict[str, Any]] = {
    "Open311Discovery": fields.closed(
        {**dict.fromkeys(("changeset", "contact", "key_service"), _TEXT), "endpoints": _array(_ENDPOINT)}
    ),
    "Open311Services": _array(_SERVICE),
    "Open311Definition": fields.closed(
        {"service_code": _TEXT, "attributes": {"type": "array", "maxItems": 0}}
    ),
    "Open311Receipts": _array(fields.closed(_RECEIPT)),
    "Open311Requests": _array(_REQUEST),
    "Open311Tokens": _array(fields.closed(dict.fromkeys(("service_request_id", "token"), _TEXT))),
    "Open311Errors": _array(fields.closed({"code": {"type": "integer"}, "description": _TEXT})),
    "Open311Form": {
        "type": "object",
        "properties": dict.fromkeys(open311.ARGUMENTS, _TEXT),
        "required": ["service_code"],
        "description": "lat and long, or address_id, or address_string; attribute[NAME] for more.",
    },
}
