"""Photos of events: `POST /attachments` cleans and keeps one, `GET /attachments/{photo}` gives it; erasure.

A photo comes first and gets an id; the event then names it in `photos`. The id is drawn by lot. A hash of the
picture, keyed or not, would be the same for a picture that a whole neighbourhood forwards: whoever has it
erased would take it from the reports of all others, and who sends it again would bring it back, or be refused
for ever. It would also stay in the log as a proof of who has seen what. The price: a photo that is sent twice
is kept twice.

An event that names a photo that is not here is kept all the same: a fire is not refused for a lost picture.

Erased is erased: the data go, the row stays without them, and the address answers 410. Who asks for it is not
known until tokens exist; a body of JSON is asked for because a page of another origin cannot send one unseen.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import InputError, NotFoundError
from gridmap.events import photos
from gridmap.events.document import key_of
from gridmap.settings import ACTION_BYTES, PHOTO_BYTES
from gridmap.store.store import utc_now
from tiles.web import events, fields, problems
from tiles.web.batch_json import read_object
from tiles.web.events import LAYER, affairs_of
from tiles.web.parameters import Parameter
from tiles.web.reply import IMMUTABLE_PRIVATE, JSON, NEVER, Reply, json_reply, to_json
from tiles.web.route import Body, Route, json_response

if TYPE_CHECKING:
    from tiles.web.call import Call

ID_BYTES: Final = 16
"""Bytes of an id, twice as many digits: nobody guesses one."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TURN: Final = Lock()
"""One photo is cleaned at a time: the largest need some 300 MB for a second or two."""


def post(call: Call) -> Reply:
    """Clean a photo and keep it."""
    book = affairs_of(call).attachments
    with _TURN:
        photo = photos.clean(call.body)
    id_ = secrets.token_hex(ID_BYTES)
    book.add(id_, photo.media_type, photo.data, _now_ms())
    said = {
        "id": id_,
        "media_type": photo.media_type,
        "size": len(photo.data),
        "width": photo.width,
        "height": photo.height,
    }
    headers = (("Location", f"/attachments/{id_}"),)
    return Reply(to_json(said), status=201, cache=NEVER, headers=headers)


def get(call: Call) -> Reply:
    """Give a photo. Refusal: it was erased."""
    found = affairs_of(call).attachments.get(call.path["photo"])
    if found is None:
        raise _unknown(call)
    if found.data is None:
        raise problems.Refusal(problems.ERASED, "This photo was erased on request; it is kept nowhere.")
    return Reply(found.data, found.media_type, cache=IMMUTABLE_PRIVATE)


def erase(call: Call) -> Reply:
    """Erase a photo for ever."""
    _check_empty(call.body)
    book, id_ = affairs_of(call).attachments, call.path["photo"]
    if id_ not in book.known([id_]):
        raise _unknown(call)
    return json_reply({"id": id_, "erased": book.erase([id_], _now_ms()) == [id_]}, cache=NEVER)


def erase_of_event(call: Call) -> Reply:
    """Erase for ever what an event holds of people: who reported it, and its photos."""
    _check_empty(call.body)
    affairs = affairs_of(call)
    event = json.loads(events.get_one(call).body)
    gone = affairs.attachments.erase(event.get("photos", []), _now_ms())
    personal = affairs.book.erase(key_of(event["source"], event["id"]))
    return json_reply({"seq": event["seq"], "reporter": personal, "photos": gone}, cache=NEVER)


def _check_empty(body: bytes) -> None:
    if members := read_object(body):
        raise InputError(next(iter(members))[:60], "is not taken here; send an empty object: {}")


def _unknown(call: Call) -> NotFoundError:
    return NotFoundError(f"There is no photo {call.path['photo'][:40]!r}; POST /attachments gives ids.")


def _now_ms() -> int:
    return (utc_now() - _EPOCH) // timedelta(milliseconds=1)


_ID: Final = {"type": "string", "description": "What events name it by."}
_ERASED: Final = {"type": "boolean", "description": "false: there was nothing, or nothing any more."}
_AT_ID: Final = Parameter("photo", _ID, "The photo's id.", required=True, place="path")
_NOTHING: Final = Body(
    {JSON: {"schema": {"type": "object", "maxProperties": 0}, "example": {}}}, ACTION_BYTES
)

SCHEMAS: Final[dict[str, Any]] = {
    "Attachment": fields.closed(
        {
            "id": _ID,
            "media_type": {"type": "string", "enum": list(photos.MEDIA_TYPES)},
            "size": {"type": "integer", "description": "Bytes of what is kept."},
            "width": {"type": "integer", "description": "Points, after it was turned upright."},
            "height": {"type": "integer"},
        }
    ),
    "AttachmentErased": fields.closed({"id": _ID, "erased": _ERASED}),
    "EventErased": fields.closed(
        {
            "seq": {"type": "integer", "description": "The event's number in the log."},
            "reporter": _ERASED,
            "photos": {"type": "array", "items": _ID, "description": "Those erased just now."},
        }
    ),
}

ROUTES: Final = (
    Route(
        path="/attachments",
        name="post_attachment",
        layer=LAYER,
        answer=post,
        summary="Send a photo of an event. 上传照片",
        description=(
            f"The photo itself, in `{PHOTO_BYTES.name}` bytes and {photos.MOST_POINTS:,} points. It is "
            "written anew from its points, upright: where and by whom it was taken is not kept."
        ),
        body=Body({kind: {"schema": {}} for kind in photos.MEDIA_TYPES}, PHOTO_BYTES),
        responses={"201": json_response("It is kept; events may name its id in `photos`.", "Attachment")},
    ),
    Route(
        path="/attachments/{photo}",
        name="get_attachment",
        layer=LAYER,
        answer=get,
        summary="A photo of an event. 查看照片",
        parameters=(_AT_ID,),
        responses={
            "200": {"description": "The photo.", "content": {kind: {} for kind in photos.MEDIA_TYPES}},
            "410": json_response("It was erased.", "Problem", "application/problem+json"),
        },
    ),
    Route(
        path="/attachments/{photo}/erase",
        name="erase_attachment",
        layer=LAYER,
        answer=erase,
        summary="Erase a photo for ever. 删除照片",
        parameters=(_AT_ID,),
        body=_NOTHING,
        responses={"200": json_response("It is gone.", "AttachmentErased")},
    ),
    Route(
        path="/events/{seq}/erase",
        name="erase_event",
        layer=LAYER,
        answer=erase_of_event,
        summary="Erase who reported an event, and its photos. 删除上报人信息与照片",
        description="The event itself stays: it is a fact. A photo goes from every event that names it.",
        parameters=(
            Parameter(
                "seq",
                {"type": "integer", "minimum": 0, "description": "A number of the log."},
                "The event's number in the log.",
                required=True,
                place="path",
            ),
        ),
        body=_NOTHING,
        responses={"200": json_response("What was erased.", "EventErased")},
    ),
)
