"""Every error as an RFC 9457 problem, from one table: which error has which status, and what to do.

`type` is an address on this server (`/problems#bad-parameter`) with a page that explains it. `detail` is
English and says which parameter, what came and what to do; `detail_zh` is the same advice in a short Chinese
sentence. Errors that are the server's own fault say nothing of its inside: that goes to the log.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from werkzeug.exceptions import HTTPException, MethodNotAllowed

from gridmap import errors
from gridmap.orders.errors import OrderError, StaleOrderError, WrongRoleError, WrongStateError
from tiles.web.parameters import SHOWN
from tiles.web.reply import NEVER, PROBLEM, Reply, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger("tiles.web")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its name in `type`, its status, and its words."""

    name: str
    status: int
    title: str
    advice: str
    advice_zh: str
    told: bool = False
    """Whether the error's own sentence is for the caller; else `advice` is, and the sentence is logged."""


BAD_PARAMETER: Final = Kind(
    "bad-parameter",
    400,
    "A parameter cannot be used",
    "Correct the parameter that the detail names, and ask again.",
    "参数有误，请按说明更正后重试。",
    told=True,
)
NOT_FOUND: Final = Kind(
    "not-found",
    404,
    "There is no such thing here",
    "Check the code: GET /areas lists the top of the hierarchy.",
    "没有这个编码，请核对；可从 GET /areas 逐级查找。",
    told=True,
)
CONFLICT: Final = Kind(
    "conflict",
    409,
    "Somebody else was first",
    "Read the current edition, apply the change to it, and try again.",
    "版本已更新，请在最新版本上重做后再提交。",
    told=True,
)
OTHER_EVENT: Final = Kind(
    "other-event",
    409,
    "Another event has this source and id",
    "Events are never changed: send an update or a correction under an id of its own.",
    "同一来源和编号已有另一事件；事件不可改写，请用新编号上报更新或更正。",
    told=True,
)
WRONG_STATE: Final = Kind(
    "wrong-state",
    409,
    "The order is not in a state for that",
    "Take one of the allowed actions.",
    "工单当前状态不能进行该操作。",
    told=True,
)
WRONG_ROLE: Final = Kind(
    "wrong-role",
    403,
    "This role or person may not do that to the order",
    "Take one of the allowed actions, or leave it to those who may.",
    "该角色或人员无权进行该操作。",
    told=True,
)
STALE_ORDER: Final = Kind(
    "stale-order",
    412,
    "The order has moved on",
    "Read it again, and decide again.",
    "工单已有新变化，请重新读取后再操作。",
    told=True,
)
ERASED: Final = Kind(
    "erased",
    410,
    "This was erased",
    "It was erased on request and is not kept anywhere: do not ask again.",
    "该内容已按要求删除，不再保存，请勿重试。",
    told=True,
)
REFUSED: Final = Kind(
    "refused",
    422,
    "The areas are no proven partition",
    "Repair what the findings name, and try again.",
    "边界未通过校验，请按提示修正后再提交。",
    told=True,
)
INTERNAL: Final = Kind(
    "internal",
    500,
    "The server made an error",
    "This is not the caller's fault. The operator finds the cause in the server's log.",
    "服务器内部错误，请联系管理员查看日志。",
)
DAMAGED: Final = Kind(
    "damaged",
    500,
    "Stored data are damaged",
    "The operator must restore the home folder; the server's log says which part.",
    "数据已损坏，请联系管理员恢复。",
)
UNSUPPORTED: Final = Kind(
    "unsupported",
    501,
    "This server lacks what is needed for that",
    "The operator must install an optional part; the server's log says which.",
    "服务器未安装所需组件，请联系管理员。",
)
UNAVAILABLE: Final = Kind(
    "unavailable",
    503,
    "The city cannot be read",
    "The operator must look at the home folder; the server's log says what is wrong.",
    "城市数据暂不可用，请联系管理员。",
)
OUTSIDE_SCOPE: Final = Kind(
    "outside-scope",
    403,
    "This is outside what you may see",
    "Ask the operator for a wider scope.",
    "超出您的查看权限，如有需要请联系管理员。",
)
MALFORMED: Final = Kind(
    "malformed",
    400,
    "This is not HTTP that the server understands",
    "Correct the request.",
    "请求格式有误，请更正。",
    told=True,
)
UNKNOWN_PATH: Final = Kind(
    "unknown-path",
    404,
    "Nothing is served at this address",
    "GET /openapi.json lists every address, /docs explains them.",
    "没有这个地址，接口一览见 /docs。",
)
WRONG_METHOD: Final = Kind(
    "wrong-method",
    405,
    "This address does not take that method",
    "Use one of the methods in the Allow header.",
    "不支持该请求方法，请改用 Allow 头所列的方法。",
)
TOO_LARGE: Final = Kind(
    "too-large",
    413,
    "The request body is too large",
    "Send less, or send nothing: most addresses here take no body.",
    "请求体过大，请减小后重试。",
)
OTHER_MEDIA_TYPE: Final = Kind(
    "other-media-type",
    415,
    "The body is of a type that is not taken here",
    "Send one of the types that the detail names, and say which in Content-Type.",
    "不支持该请求体格式，请按说明设置 Content-Type。",
    told=True,
)
NOT_ACCEPTABLE: Final = Kind(
    "not-acceptable",
    406,
    "The reply comes in a form that you do not accept",
    "Accept the type that the detail names.",
    "无法按 Accept 头要求的格式回复，请按说明更改。",
    told=True,
)
NO_TILE: Final = Kind(
    "no-tile",
    404,
    "There are no such tiles here",
    "Take the addresses that the TileJSON names: GET /tiles/grid.json.",
    "没有这样的瓦片，请以 /tiles/grid.json 所列的地址为准。",
    told=True,
)
NO_COLLECTION: Final = Kind(
    "no-collection",
    404,
    "There is no such collection here",
    "Take one of those that GET /collections lists.",
    "没有这个数据集，请以 GET /collections 所列为准。",
    told=True,
)
NO_VALUES: Final = Kind(
    "no-values",
    404,
    "There are no such values here",
    "Take one of the layers and metrics that the detail names.",
    "没有这样的数值，请从说明所列的图层和指标中选取。",
    told=True,
)
LONG_ADDRESS: Final = Kind(
    "long-address",
    414,
    "The address is too long",
    "Shorten the query.",
    "网址过长，请缩短后重试。",
)
BUSY: Final = Kind(
    "busy",
    503,
    "The server has more to do than it may take",
    "Try again in a moment.",
    "服务器繁忙，请稍后重试。",
    told=True,
)
LARGE_HEADERS: Final = Kind(
    "large-headers",
    431,
    "The request's headers are too large",
    "Send fewer or shorter headers (cookies, for example).",
    "请求头过大，请精简后重试。",
)

KINDS: Final = (
    BAD_PARAMETER,
    NOT_FOUND,
    CONFLICT,
    OTHER_EVENT,
    ERASED,
    WRONG_STATE,
    WRONG_ROLE,
    STALE_ORDER,
    REFUSED,
    INTERNAL,
    DAMAGED,
    UNSUPPORTED,
    UNAVAILABLE,
    OUTSIDE_SCOPE,
    MALFORMED,
    UNKNOWN_PATH,
    WRONG_METHOD,
    TOO_LARGE,
    OTHER_MEDIA_TYPE,
    NOT_ACCEPTABLE,
    NO_TILE,
    NO_COLLECTION,
    NO_VALUES,
    LONG_ADDRESS,
    LARGE_HEADERS,
    BUSY,
)
"""Every kind; the page /problems explains them in this order."""

BY_ERROR: Final[dict[type[Exception], Kind]] = {
    errors.InputError: BAD_PARAMETER,
    errors.NotFoundError: NOT_FOUND,
    errors.ConflictError: CONFLICT,
    errors.RefusedError: REFUSED,
    errors.BusyError: BUSY,
    WrongStateError: WRONG_STATE,
    WrongRoleError: WRONG_ROLE,
    StaleOrderError: STALE_ORDER,
    errors.DamageError: DAMAGED,
    errors.MissingExtraError: UNSUPPORTED,
    errors.HomeError: UNAVAILABLE,
}
"""The one table from our errors to statuses; every error that is not in it is INTERNAL."""

_BY_STATUS: Final = {
    kind.status: kind
    for kind in (
        MALFORMED,
        UNKNOWN_PATH,
        WRONG_METHOD,
        TOO_LARGE,
        LONG_ADDRESS,
        LARGE_HEADERS,
        INTERNAL,
        BUSY,
    )
}
"""What Flask and the server below it refuse by themselves, by status."""


def problem(kind: Kind, detail: str, detail_zh: str | None = None, /, **members: object) -> Reply:
    """Write one problem as a reply; `members` are RFC 9457 extension members."""
    body: dict[str, Any] = {
        "type": f"/problems#{kind.name}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "detail_zh": detail_zh or kind.advice_zh,
    }
    return Reply(to_json(body | members), PROBLEM, kind.status, NEVER)


class Refusal(Exception):  # noqa: N818 - it is an answer
    """A request that HTTP itself lets us refuse: a kind of problem, and a sentence that says what to do.

    `members` are further members of the problem document.
    """

    def __init__(self, kind: Kind, detail: str, limit: int | None = None, **members: object) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.limit = limit
        self.members = members


def of_error(error: Exception, asked: str, query: Sequence[tuple[str, str]]) -> Reply:
    """Answer an exception; `asked` ("GET /areas") and `query` are what the caller sent, to be repeated."""
    if isinstance(error, HTTPException):
        return _of_http(error, asked)
    if isinstance(error, Refusal):
        if error.limit is not None:
            return over_limit(error.kind, error.detail, error.limit)
        return problem(error.kind, error.detail, **error.members)
    kind = next((kind for cls, kind in BY_ERROR.items() if isinstance(error, cls)), INTERNAL)
    if not kind.told:
        _log.error("%s: %s", type(error).__name__, error, exc_info=error)
        return problem(kind, kind.advice)
    if isinstance(error, errors.InputError):
        return _of_input(error, query)
    if isinstance(error, OrderError):
        members = {"order": error.order, "state": error.state, "allowed_actions": list(error.allowed)}
        return problem(kind, f"{error.order}: {error.english}", error.chinese, **members)
    return _soon(kind, problem(kind, str(error)))


def of_status(status: int, detail: str, limit: int | None = None) -> Reply:
    """Answer what was refused below the routes, for example by the HTTP server: an oversized request.

    `limit` is the number that was exceeded, where it is one.
    """
    kind = _BY_STATUS.get(status)
    if kind is None:
        title = HTTPStatus(status).phrase
        return problem(Kind("other", status, title, title, "请求未能完成。"), detail, type="about:blank")
    if limit is not None:
        return over_limit(kind, detail, limit)
    return _soon(kind, problem(kind, detail))


def _soon(kind: Kind, reply: Reply) -> Reply:
    """A reply that says when to try again, where that helps."""
    return replace(reply, headers=(("Retry-After", "1"),)) if kind is BUSY else reply


def over_limit(kind: Kind, detail: str, limit: int) -> Reply:
    """Answer who sent too much; the limit is told in both languages and as a number."""
    return problem(kind, detail, f"{kind.advice_zh.rstrip('。')}（上限 {limit:,}）。", limit=limit)


def outside_scope(what: str) -> Reply:
    """Answer a caller who asked for more than the caller's scope."""
    return problem(OUTSIDE_SCOPE, f"Your scope does not hold {what}. {OUTSIDE_SCOPE.advice}")


def _of_input(error: errors.InputError, query: Sequence[tuple[str, str]]) -> Reply:
    received = [value[:200] for name, value in query if name == error.name]
    came = f"收到“{'”“'.join(received)}”" if received else "未提供"
    zh = f"参数 {error.name} 有误（{came}），请更正后重试。"
    return problem(BAD_PARAMETER, str(error), zh, parameter=error.name, received=received)


def _of_http(error: HTTPException, asked: str) -> Reply:
    kind = _BY_STATUS.get(error.code or 500)
    advice = kind.advice if kind else error.description or ""
    headers: tuple[tuple[str, str], ...] = ()
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers = (("Allow", ", ".join(sorted(error.valid_methods))),)
    reply = of_status(error.code or 500, f"{asked[:SHOWN]}: {advice}")
    return replace(reply, headers=headers)
