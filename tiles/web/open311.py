"""Open311 GeoReport v2 under `/open311/v2`, as JSON and as XML: what comes in goes through the one intake.

Every address is there twice, as .json and as .xml (`tiles.web.open311_documents`). `api_key` is taken and not
looked at until tokens exist; `jurisdiction_id` likewise, because a server has one city. All services answer
with an id at once, so no tokens are given; who asks for one with an id gets it back.

Photos go to `POST /attachments` first: a `media_url` that is the address of one becomes a photo of the event.
Left out: photos inside a multipart form, which the standard does not have.
"""

from __future__ import annotations

import json
import re
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from gridmap.errors import InputError, NotFoundError
from gridmap.events import open311
from gridmap.events import open311_requests as asked
from gridmap.events.intake import NEW, OTHER
from gridmap.settings import EVENTS_BYTES
from gridmap.store.store import utc_now
from tiles.web import open311_documents, problems
from tiles.web.base import check_base
from tiles.web.events import LAYER, affairs_of
from tiles.web.open311_documents import TYPES, read, tell, written
from tiles.web.parameters import Parameter, quote, read_whole
from tiles.web.reply import JSON, REVALIDATE, Reply
from tiles.web.route import Body, Manner, Route, reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gridmap.events.open311 import Form, Service
    from gridmap.events.open311_requests import View
    from tiles.web.call import Call

BASE: Final = "/open311/v2"
SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
CHANGED: Final = "2026-05-01T00:00:00Z"
"""When the services last changed: clients keep them until this grows."""

FORM: Final = "application/x-www-form-urlencoded"
MOST_FORM_BYTES: Final = 131_072
"""4,000 Chinese characters are 36,000 bytes in a form; all else together is less."""

_KEY: Final = re.compile(r'"?([A-Za-z0-9._~-]{1,128})"?')
_PHOTO: Final = re.compile(r"/attachments/([0-9a-f]{32})")


def discovery(form: str, call: Call) -> Reply:
    """Say where the service is, and whether what it is told is acted upon."""
    url = check_base(call.base) + BASE
    endpoint = {
        "specification": SPECIFICATION,
        "url": url,
        "changeset": CHANGED,
        "type": "test" if call.snapshot.edition.synthetic else "production",
        "formats": [kind.partition(";")[0] for kind in (TYPES["xml"], TYPES["json"])],
    }
    said = {
        "changeset": CHANGED,
        "contact": "本服务的运行单位 / whoever operates this server",
        "key_service": "暂不需要 api_key / no api_key is needed yet",
        "endpoints": [endpoint],
    }
    return written(form, "discovery", said, cache=REVALIDATE)


def services(form: str, _call: Call) -> Reply:
    """List the services, one for each class of events."""
    return written(form, "services", [_listed(each) for each in open311.SERVICES], cache=REVALIDATE)


def _listed(service: Service) -> dict[str, Any]:
    return {
        "service_code": service.code,
        "service_name": service.class_,
        "description": service.description,
        "metadata": False,
        "type": "realtime",
        "keywords": service.keywords,
        "group": service.group,
    }


def definition(form: str, call: Call) -> Reply:
    """Give the attributes of a service: there are none."""
    service = service_of(call.path["service_code"])
    said = {"service_code": service.code, "attributes": []}
    return written(form, "service_definition", said, cache=REVALIDATE)


def service_of(code: str) -> Service:
    """The service of a code. NotFoundError: there is none."""
    service = open311.read_service(code)
    if service is None:
        raise NotFoundError(f"service_code: there is no service {quote(code)}; GET {BASE}/services.json")
    return service


def post(form: str, call: Call) -> Reply:
    """Take a request."""
    affairs = affairs_of(call)
    said = read_body(call)
    if "service_code" not in said.said:
        raise InputError("service_code", f"is missing; GET {BASE}/services.json lists them")
    service = service_of(said.said["service_code"])
    photos = _photos(call, said.said.get("media_url", ""))
    id_ = _id(call.headers.get("idempotency-key"))
    given = open311.event_of(said, service, id_, photos, affairs.secret)
    answer = affairs.intake.take([given])[0]
    if isinstance(answer, InputError):
        raise answer
    if answer.outcome == OTHER:
        raise problems.Refusal(
            problems.OTHER_EVENT, f"Another request was made under the key {id_}; give this one its own."
        )
    event = json.loads(answer.body)
    place = f"网格 {event['code']}" if event["code"] else f"待定位（{event['unplaced']}）"
    request = {
        "service_request_id": id_,
        "service_notice": f"已登记，{place}。{service.description if service.class_ == '应急' else ''}",
        "account_id": None,
    }
    return written(form, "service_requests", [request], status=201 if answer.outcome == NEW else 200)


def read_body(call: Call) -> Form:
    """The arguments of a new request: of a form, or of a JSON object."""
    if len(call.body) > MOST_FORM_BYTES:
        raise InputError("body", f"takes {len(call.body):,} bytes; at most {MOST_FORM_BYTES:,} are taken")
    try:
        text = call.body.decode()
        if call.media_type == FORM:
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=200, errors="strict")
            return open311.read_pairs(pairs)
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()  # half a character can be escaped, but not be kept
    except (ValueError, RecursionError) as error:
        raise InputError("body", f"cannot be read as {call.media_type} in UTF-8: {error}") from error
    if not isinstance(value, dict):
        raise InputError("body", "is no JSON object; send the arguments by their names")
    return open311.read_object(value)


def _id(key: str | None) -> str:
    if key is None:
        return str(uuid.uuid4())
    found = _KEY.fullmatch(key)
    if found is None:
        raise InputError("Idempotency-Key", f"{quote(key)} is none; send 1 to 128 of A-Z a-z 0-9 . _ ~ -")
    return found[1]


def _photos(call: Call, media_url: str) -> list[str]:
    """The id of the photo that an address of this server means; none where it means something else."""
    found = _PHOTO.fullmatch(media_url.removeprefix(call.base)) if call.base else None
    if found is None:
        return []
    return sorted(affairs_of(call).attachments.known([found[1]]))


def requests(form: str, call: Call) -> Reply:
    """Give the requests of some ids, or those of some time, services and statuses."""
    query, book = call.query, affairs_of(call).book
    if "service_request_id" in query:
        ids = _listed_in(query, "service_request_id")
        if len(ids) > asked.MOST:
            raise InputError("service_request_id", f"names more than {asked.MOST:,}; ask for less at a time")
        found = book.looking(lambda desk: asked.find(desk, ids))
    else:
        wanted = _wanted(query)
        found = book.looking(lambda desk: asked.search(desk, wanted))
    return written(form, "service_requests", [described(view, call) for view in found])


def _wanted(query: Mapping[str, str]) -> asked.Wanted:
    classes = {service_of(code).class_ for code in _listed_in(query, "service_code")}
    statuses = frozenset(_listed_in(query, "status"))
    if not statuses <= {*asked.STATUSES}:
        raise InputError("status", f"{quote(query['status'])} is not known; give open, closed, or both")
    begin, end = asked.read_span(query.get("start_date"), query.get("end_date"), utc_now())
    return asked.Wanted(
        frozenset(classes or open311.BY_CLASS),
        statuses or frozenset(asked.STATUSES),
        begin,
        end,
        read_whole(query, "page", 1, 1_000_000) if "page" in query else 1,
        read_whole(query, "page_size", 1, asked.MOST) if "page_size" in query else asked.MOST,
    )


def _listed_in(query: Mapping[str, str], name: str) -> list[str]:
    return [each.strip() for each in query.get(name, "").split(",") if each.strip()]


def request(form: str, call: Call) -> Reply:
    """Give one request."""
    return written(form, "service_requests", [described(_one(call, "service_request_id"), call)])


def token(form: str, call: Call) -> Reply:
    """Give the id of a request by its token, which is the same."""
    id_ = _one(call, "token_id").told.id
    return written(form, "service_requests", [{"service_request_id": id_, "token": id_}])


def _one(call: Call, name: str) -> View:
    id_ = call.path[name]
    found = affairs_of(call).book.looking(lambda desk: asked.find(desk, [id_]))
    if not found:
        raise NotFoundError(f"{name}: there is no request {quote(id_)}.")
    return found[0]


def described(view: View, call: Call) -> dict[str, Any]:
    """A request as the standard writes it."""
    told, service = view.told, open311.BY_CLASS[view.told.class_]
    lon, lat = told.at or (None, None)
    known = told.code is not None and call.snapshot.has(told.code)
    chain = call.snapshot.chain(told.code) if known and told.code is not None else ()
    own = {name: value for name, value in told.fields.items() if isinstance(value, str)}
    media_url = f"{call.base}/attachments/{told.photos[0]}" if told.photos else own.get("media_url")
    return {
        "service_request_id": told.id,
        "status": view.status,
        "status_notes": view.notes,
        "service_name": service.class_,
        "service_code": service.code,
        "description": told.text or None,
        "agency_responsible": "".join(area.name for area in chain[:-1]) or None,
        "service_notice": f"待定位（{told.unplaced}）" if told.unplaced else None,
        "requested_datetime": view.requested,
        "updated_datetime": view.updated,
        "expected_datetime": view.expected,
        "address": own.get("address"),
        "address_id": told.place or told.code,
        "zipcode": None,
        "lat": lat,
        "long": lon,
        "media_url": media_url,
    }


_TEXT: Final = {"type": "string"}
SCHEMAS: Final = open311_documents.SCHEMAS


def _answered(form: str, description: str, schema: str) -> dict[str, Any]:
    said = {"schema": reference(schema) if form == "json" else _TEXT}
    return {"description": description, "content": {TYPES[form]: said}}


def _route(
    form: str,
    name: str,
    path: str,
    summary: str,
    schema: str,
    answer: Callable[[str, Call], Reply],
    **more: Any,
) -> Route:
    """An address in one of the two forms."""
    inside = [
        Parameter(each, _TEXT, "", required=True, place="path") for each in re.findall(r"{(\w+)}", path)
    ]
    query = more.pop("query", ())
    ignored = [Parameter(each, _TEXT, "Taken, not looked at.") for each in ("api_key", "jurisdiction_id")]
    good = _answered(form, "Open311 GeoReport v2.", schema)
    bad = {status: _answered(form, "What is wrong.", "Open311Errors") for status in ("400", "404", "default")}
    return Route(
        path=f"{BASE}/{path}.{form}",
        name=f"open311_{name}_{form}",
        answer=partial(answer, form),
        summary=f"Open311: {summary}",
        parameters=(*inside, *query, *ignored),
        responses={"200": good, **({"201": good} if "body" in more else {}), **bad},
        manner=Manner(read, partial(tell, form)),
        **{"layer": LAYER, **more},
    )


_EXAMPLE: Final = {
    "service_code": "city-management",
    "lat": "29.559",
    "long": "106.577",
    "description": "井盖破损",
}
_BODY: Final = Body(
    {
        FORM: {"schema": reference("Open311Form"), "example": urlencode(_EXAMPLE)},
        JSON: {"schema": reference("Open311Form"), "example": _EXAMPLE},
    },
    EVENTS_BYTES,
)
_QUERY: Final = (
    Parameter("service_request_id", _TEXT, "Those of these ids, commas between; goes before all else."),
    Parameter("service_code", _TEXT, "Those of these services, commas between."),
    Parameter("start_date", _TEXT, "Made at this time or later; without it the last 90 days."),
    Parameter("end_date", _TEXT, "Made at this time or earlier; within 90 days after start_date."),
    Parameter("status", _TEXT, "open, closed, or both with a comma between."),
    Parameter("page", {"type": "integer", "minimum": 1}, "Which page of them; the first."),
    Parameter("page_size", {"type": "integer", "minimum": 1, "maximum": asked.MOST}, "1,000."),
)


def _routes(form: str) -> tuple[Route, ...]:
    open_to_all = {"layer": "documentation"}
    made = partial(_route, form)
    one = "requests/{service_request_id}"
    return (
        made("discovery", "discovery", "where it is. 服务发现", "Open311Discovery", discovery, **open_to_all),
        made("services", "services", "the services. 服务列表", "Open311Services", services, **open_to_all),
        made(
            *("service", "services/{service_code}", "a service. 服务定义", "Open311Definition"),
            definition,
            **open_to_all,
        ),
        made("post", "requests", "make a request. 提交诉求", "Open311Receipts", post, body=_BODY),
        made("requests", "requests", "requests. 查询诉求", "Open311Requests", requests, query=_QUERY),
        made("request", one, "one request. 单个诉求", "Open311Requests", request),
        made("token", "tokens/{token_id}", "a request's id. 受理号", "Open311Tokens", token),
    )


ROUTES: Final = (*_routes("json"), *_routes("xml"))
