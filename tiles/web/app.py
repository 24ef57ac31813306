"""The Flask app: a request becomes a checked `Call`, the route answers, the gate lets the reply out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Flask, request
from werkzeug.exceptions import RequestURITooLarge

from tiles.web import areas, docs, gate, health, locate, problems
from tiles.web.openapi import api_document
from tiles.web.parameters import read_query
from tiles.web.reply import Call, Reply, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.twin import Twin
    from tiles.web.route import Route

ADDRESS_LIMIT: Final = 4096
"""Longest path plus query in bytes: far above any honest question, below what proxies cut off."""

METHODS: Final = ("GET", "HEAD", "OPTIONS")


class Web(Flask):
    """A Flask app that sends nothing but what the gate released."""

    def make_response(self, rv: object) -> gate.Released:
        """Take a released response; anything else went round the gate and becomes a 500."""
        if not isinstance(rv, gate.Released):
            raise TypeError(
                f"a {type(rv).__name__} went round the gate; declare a Route with its layer instead"
            )
        return rv


def routes() -> tuple[Route, ...]:
    """Every route of the service, in the order of the document."""
    api = (*health.ROUTES, *locate.ROUTES, *areas.ROUTES)
    document = to_json(api_document(api))
    return (*api, *docs.routes(document, problems.KINDS))


def create_app(twin: Twin) -> Web:
    """Make the WSGI app that answers for a loaded city.

    Each request takes `twin.current` once, so an edition published meanwhile never mixes into a reply.
    """
    app = Web("tiles.web", static_folder=None)
    # No redirects, they would go round the gate: "/areas/" is "/areas", and "//areas" is unknown.
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    for route in routes():
        app.add_url_rule(
            route.rule, route.name, _view(route, twin), methods=METHODS, provide_automatic_options=False
        )
    app.before_request(_check_address)
    app.register_error_handler(Exception, _answer_error)
    return app


def _view(route: Route, twin: Twin) -> Callable[..., gate.Released]:
    def view(**path: str) -> gate.Released:
        if request.method == "OPTIONS":
            return _release(_options(), route.layer)
        query = read_query(route.parameters, request.args.items(multi=True))
        call = Call(twin.current, path, query, request.headers.get("Accept", ""))
        return _release(route.answer(call), route.layer)

    return view


def _check_address() -> None:
    if len(request.path) + len(request.query_string) > ADDRESS_LIMIT:
        raise RequestURITooLarge


def _options() -> Reply:
    """Answer OPTIONS, a browser's preflight included."""
    headers = (("Allow", ", ".join(METHODS)), ("Access-Control-Allow-Methods", ", ".join(METHODS)))
    return Reply(b"", status=204, headers=headers)


def _answer_error(error: Exception) -> gate.Released:
    # HEAD must be told exactly what GET would be.
    asked = f"{'GET' if request.method == 'HEAD' else request.method} {request.path}"
    return _release(problems.of_error(error, asked, list(request.args.items(multi=True))), None)


def _release(reply: Reply, layer: str | None) -> gate.Released:
    return gate.release(reply, layer, request, gate.scope_of(request))
