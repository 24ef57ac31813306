"""Open311 GeoReport v2 as events: a service request is an event of the source `open311`.

The standard (wiki.open311.org/GeoReport_v2) has services, which are our classes, and service requests, which
are events: `service_request_id` is the event's id. Its lat and long are WGS84 by definition; an `address_id`
is the code of a grid or a building. Who reported stands apart from the log, with his e-mail and device, and
is never handed out. `gridmap.events.open311_requests` is the way back.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gridmap.errors import InputError
from gridmap.events.document import EventIn, Given, Reporter, check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SOURCE: Final = "open311"


class Service(NamedTuple):
    """A sort of request: its code for ever, the class of its events, and words for people."""

    code: str
    class_: str
    group: str
    description: str
    keywords: str


SERVICES: Final = (
    Service("disputes", "矛盾纠纷", "平安建设", "邻里、家庭、物业、劳资等矛盾纠纷。", "纠纷,调解,噪音,物业"),
    Service(
        "public-safety", "公共安全", "平安建设", "消防、燃气、用电、危房等安全隐患。", "消防,燃气,危房,隐患"
    ),
    Service("public-order", "社会治安", "平安建设", "治安隐患、可疑情况、群租扰民。", "治安,盗窃,群租"),
    Service(
        "city-management", "城市管理", "城市治理", "井盖、路灯、道路、占道、违建。", "井盖,路灯,占道,违建"
    ),
    Service("environment", "生态环境", "城市治理", "垃圾、污水、扬尘、油烟、河道。", "垃圾,污水,扬尘,河道"),
    Service("livelihood", "民生服务", "民生服务", "供水、供电、电梯、停车、微心愿。", "停水,停电,电梯,心愿"),
    Service(
        "special-care", "特殊关爱", "民生服务", "独居老人、困境儿童、残障人士的求助。", "老人,儿童,残障,求助"
    ),
    Service(
        "emergency", "应急", "平安建设", "突发险情。危及生命请先拨打 110、119、120。", "险情,内涝,滑坡,火情"
    ),
    Service("party-government", "党建政务", "党建政务", "办事咨询、政策建议、作风监督。", "办事,咨询,建议"),
    Service("other", "其他", "其他", "不属于以上各类的事项。", "其他"),
)
"""One service for each class of events; a code is for ever."""

BY_CODE: Final = {service.code: service for service in SERVICES}
BY_CLASS: Final = {service.class_: service for service in SERVICES}

_LONGEST: Final = {
    "service_code": 64,
    "lat": 32,
    "long": 32,
    "address_string": 500,
    "address_id": 128,
    "email": 254,
    "device_id": 128,
    "account_id": 64,
    "first_name": 64,
    "last_name": 64,
    "phone": 32,
    "description": 4_000,
    "media_url": 2_000,
    "api_key": 256,
    "jurisdiction_id": 256,
}
"""The arguments of a new request, each with its most characters; 4,000 is the standard's."""

ARGUMENTS: Final = tuple(_LONGEST)

_ATTRIBUTE: Final = re.compile(r"attribute\[([^\[\]]{1,64})\](\[\])?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NUMBER: Final = re.compile(r"[+-]?\d{1,3}(?:\.\d{0,20})?", re.ASCII)


class Contact(Reporter, frozen=True):
    """Who made a request, as the standard knows him; it stands apart from the log, where it can be erased."""

    email: str = ""
    device: str = ""


class Form(NamedTuple):
    """The arguments of a new request, those that say something, and its attributes."""

    said: Mapping[str, str]
    attributes: Mapping[str, Any]


def read_pairs(pairs: Sequence[tuple[str, str]]) -> Form:
    """Take the arguments of a form; empty ones were not given. InputError: unknown, twice, or too long."""
    said: dict[str, str] = {}
    attributes: dict[str, Any] = {}
    for name, value in pairs:
        found = _ATTRIBUTE.fullmatch(name)
        if found is None:
            if name in said:
                raise InputError(name, "came more than once; give it once")
            if value:
                said[name] = _checked(name, value)
        elif found[2]:
            attributes.setdefault(found[1], [])
            if not isinstance(attributes[found[1]], list):
                raise InputError(name, "came as one value and as several; give it once")
            attributes[found[1]].append(value)
        elif found[1] in attributes:
            raise InputError(name, f"came more than once; give several values as attribute[{found[1]}][]")
        else:
            attributes[found[1]] = value
    return Form(said, attributes)


def read_object(given: Mapping[str, Any]) -> Form:
    """Take the arguments of a JSON object, `attribute` being an object in it. InputError as `read_pairs`."""
    attributes = given.get("attribute") or {}
    if not isinstance(attributes, dict):
        raise InputError("attribute", "is no object; give values by their codes")
    said = {}
    for name, value in given.items():
        if name == "attribute" or value is None or value == "":
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InputError(name[:60], "is neither text nor number; give one of them")
        said[name] = _checked(name, value if isinstance(value, str) else repr(value))
    return Form(said, attributes)


def _checked(name: str, value: str) -> str:
    if name not in _LONGEST:
        known = ", ".join(ARGUMENTS)
        raise InputError(name[:60], f"is no argument here; give attribute[NAME], or one of {known}")
    if len(value) > _LONGEST[name]:
        raise InputError(name, f"has {len(value):,} characters; at most {_LONGEST[name]:,} are taken")
    if "\x00" in value or (name != "description" and _CONTROL.search(value)):
        raise InputError(name, "has control characters, which have no place here; take them out")
    return value


def read_service(code: str) -> Service | None:
    """The service of a code, None where there is none."""
    return BY_CODE.get(code)


def event_of(form: Form, service: Service, id_: str, photos: Sequence[str], secret: bytes) -> Given:
    """The event of a new request, known by an id. `photos` are ids of photos that are here already.

    A point goes before an address's code, the code before its text. InputError: there is none of the three,
    or one of the arguments cannot be used.
    """
    said = form.said
    point = _point(said)
    if point is None and "address_id" not in said and "address_string" not in said:
        raise InputError("lat", "is missing; give lat and long, or address_id, or address_string")
    named = {"address": "address_string"} | ({} if photos else {"media_url": "media_url"})
    own: dict[str, Any] = {name: said[argument] for name, argument in named.items() if argument in said}
    if point is not None and "address_id" in said:
        own["address_id"] = said["address_id"]
    if form.attributes:
        own["attributes"] = dict(form.attributes)
    text = said.get("description", "")
    event = EventIn(
        id=id_,
        source=SOURCE,
        class_=service.class_,
        title=_title(text) or service.class_,
        text=text,
        lon=None if point is None else point[0],
        lat=None if point is None else point[1],
        crs=None if point is None else "wgs84",
        place=said.get("address_id") if point is None else None,
        fields=own or None,
        photos=list(photos) or None,
        reporter=_contact(said),
    )
    return check(event, secret)


def _point(said: Mapping[str, str]) -> tuple[float, float] | None:
    """Longitude and latitude, None where neither was given."""
    given = [name for name in ("lat", "long") if name in said]
    if not given:
        return None
    if len(given) == 1:
        raise InputError("long" if given == ["lat"] else "lat", f"is missing beside {given[0]}; give both")
    return _degrees("long", said["long"], 180), _degrees("lat", said["lat"], 90)


def _degrees(name: str, text: str, most: int) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not -most <= value <= most:
        raise InputError(name, f"{text!r} is no number of degrees from -{most} to {most}; give WGS84")
    return value


def _title(text: str) -> str:
    """The first line of a description, as much of it as a title takes."""
    line = next((line.strip() for line in _CONTROL.split(text) if line.strip()), "")
    return line if len(line) <= 60 else line[:59] + "…"


def _contact(said: Mapping[str, str]) -> Contact | None:
    name = " ".join(said[part] for part in ("first_name", "last_name") if part in said)
    if len(name) > 64:
        raise InputError("last_name", "makes the name longer than 64 characters; shorten it")
    given = {"phone": "phone", "ref": "account_id", "email": "email", "device": "device_id"}
    contact = Contact(name=name, **{field: said.get(argument, "") for field, argument in given.items()})
    return None if contact == Contact() else contact
