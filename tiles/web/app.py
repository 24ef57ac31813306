"""The Flask app: a request becomes a checked `Call`, the route answers, the gate lets the reply out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from flask import Flask, request
from werkzeug.exceptions import RequestURITooLarge

from tiles.web import (
    areas,
    attachments,
    batch,
    buildings,
    cards,
    classes,
    devices,
    docs,
    events,
    gate,
    health,
    locate,
    nearby,
    ogc,
    ogc_collections,
    ogc_items,
    ogc_tiles,
    open311,
    orders,
    overlays,
    overview,
    problems,
    replay,
    search,
    styles,
    tilejson,
    values,
    view,
    within,
)
from tiles.web import tiles as tile_routes
from tiles.web.base import base_of, trusts_proxy
from tiles.web.call import Call
from tiles.web.limits import BodyLimit
from tiles.web.live import routes as live
from tiles.web.openapi import api_document
from tiles.web.reply import Reply, to_json
from tiles.web.wsgi import BODY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gridmap.affairs import Affairs
    from gridmap.twin import Twin
    from tiles.web.route import Body, Route
    from tiles.web.tiling import Tiling

ADDRESS_LIMIT: Final = 4096
"""Longest path plus query in bytes: far above any honest question, below what proxies cut off."""


class Web(Flask):
    """A Flask app that sends nothing but what the gate released."""

    tiling: Tiling
    body_limits: Mapping[str, BodyLimit]
    """By path, the largest body of a POST."""

    def make_response(self, rv: object) -> gate.Released:
        """Take a released response; anything else went round the gate and becomes a 500."""
        if not isinstance(rv, gate.Released):
            raise TypeError(
                f"a {type(rv).__name__} went round the gate; declare a Route with its layer instead"
            )
        return rv


def routes() -> tuple[Route, ...]:
    """Every route of the service, in the order of the document."""
    known = (
        health,
        locate,
        batch,
        nearby,
        within,
        areas,
        tilejson,
        tile_routes,
        styles,
        values,
        classes,
        cards,
        buildings,
        search,
        events,
        attachments,
        orders,
        overlays,
        live,
        open311,
        devices,
        overview,
        replay,
        view,
    )
    parts = (*known, ogc, ogc_collections, ogc_items, ogc_tiles)
    api = tuple(route for part in parts for route in part.ROUTES)
    document = to_json(api_document(api))
    return (*api, *docs.routes(document, problems.KINDS))


def create_app(twin: Twin, tiling: Tiling, affairs: Affairs | None = None) -> Web:
    """Make the WSGI app that answers for a loaded city, its tiles, and what goes on in it.

    Each request takes `twin.current` once, so an edition published meanwhile never mixes into a reply.
    InputError: a setting that visitors would be told of cannot be used.
    """
    view.check_settings()
    app = Web("tiles.web", static_folder=None)
    app.tiling = tiling
    # No redirects, they would go round the gate: "/areas/" is "/areas", and "//areas" is unknown.
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    known = routes()
    app.body_limits = {
        route.path: BodyLimit(route.body.limit.number(), route.body.limit.name)
        for route in known
        if route.body
    }
    for route in known:
        allowed = methods_of(route.path, known)
        mine = [method for method in allowed if (method == "POST") == (route.body is not None)]
        if "GET" not in allowed:
            mine = [*allowed]
        made = partial(_call, twin, tiling, affairs, trusting=trusts_proxy())
        answers = _view(route, made, allowed, app.body_limits.get(route.path))
        app.add_url_rule(route.rule, route.name, answers, methods=mine, provide_automatic_options=False)
    app.before_request(_check_address)
    app.register_error_handler(Exception, _answer_error)
    return app


def methods_of(path: str, known: Sequence[Route]) -> tuple[str, ...]:
    """What an address answers to: HEAD with GET, and OPTIONS always."""
    own = {route.method for route in known if route.path == path}
    return tuple(sorted(own | {"OPTIONS"} | ({"HEAD"} if "GET" in own else set())))


def _view(
    route: Route, make: Callable[..., Call], allowed: Sequence[str], limit: BodyLimit | None
) -> Callable[..., gate.Released]:
    def view(**path: str) -> gate.Released:
        if request.method == "OPTIONS":
            return _release(_options(allowed), route.layer)
        try:
            query = route.manner.read(route.parameters, request.args.items(multi=True))
            body = b"" if route.body is None or limit is None else _read_body(route.body, limit)
            reply = route.answer(make(path, query, body))
        except Exception as error:  # whatever it is, the address tells it in its own manner
            return _release(route.manner.tell(_problem(error)), None)
        return _release(reply, route.layer)

    return view


def _call(
    twin: Twin,
    tiling: Tiling,
    affairs: Affairs | None,
    path: Mapping[str, str],
    query: Mapping[str, str],
    body: bytes,
    *,
    trusting: bool,
) -> Call:
    headers = request.headers
    return Call(
        twin.current,
        tiling,
        path,
        query,
        headers.get("Accept", ""),
        request.mimetype,
        body,
        encodings=headers.get("Accept-Encoding", ""),
        base=base_of(request, trusting=trusting),
        headers={name.lower(): value for name, value in headers.items()},
        affairs=affairs,
    )


def _read_body(wanted: Body, limit: BodyLimit) -> bytes:
    """The body of a POST; a refusal for a type that is not taken, and for one that is too large."""
    if request.mimetype not in wanted.content:
        known = ", ".join(wanted.content)
        came = f"{request.mimetype!r} is not taken" if request.mimetype else "The Content-Type is missing"
        raise problems.Refusal(problems.OTHER_MEDIA_TYPE, f"{came}; send one of {known}.")
    if request.content_encoding:
        raise problems.Refusal(
            problems.OTHER_MEDIA_TYPE, "Content-Encoding is not taken: send the body as it is."
        )
    whole: bytes | None = request.environ.get(BODY)
    body = request.get_data(cache=False) if whole is None else whole
    if len(body) > limit.size:  # the front has refused it already; other servers may not have
        text = (
            f"The body of {len(body):,} bytes is too large: {request.path} takes at most {limit.size:,} bytes"
        )
        raise problems.Refusal(problems.TOO_LARGE, f"{text} ({limit.setting}).", limit.size)
    return body


def _check_address() -> None:
    if len(request.path) + len(request.query_string) > ADDRESS_LIMIT:
        raise RequestURITooLarge


def _options(allowed: Sequence[str]) -> Reply:
    """Answer OPTIONS, a browser's preflight included."""
    methods = ", ".join(allowed)
    headers = [("Allow", methods), ("Access-Control-Allow-Methods", methods)]
    if "POST" in allowed:
        headers.append(("Access-Control-Allow-Headers", "Content-Type"))
    return Reply(b"", status=204, headers=tuple(headers))


def _answer_error(error: Exception) -> gate.Released:
    return _release(_problem(error), None)


def _problem(error: Exception) -> Reply:
    # HEAD must be told exactly what GET would be.
    asked = f"{'GET' if request.method == 'HEAD' else request.method} {request.path}"
    given = [*request.args.items(multi=True), *(request.view_args or {}).items()]
    return problems.of_error(error, asked, given)


def _release(reply: Reply, layer: str | None) -> gate.Released:
    return gate.release(reply, layer, request, gate.scope_of(request))
