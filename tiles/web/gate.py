"""The gate: the one place that every reply passes, and that knows what its caller may see.

Every route states the layer its reply discloses, and a reply those that it discloses beside it. `release`
compares them with the caller's scope and only then makes an HTTP response of it. The app sends nothing but
what `release` made, so a reply that went round the gate is an error, not a leak.

On a fresh install on loopback everybody's scope is everything: there are no accounts yet, and the data are
public boundaries. A scope holds only what the gate enforces today, the layers; area subtrees and fields come
together with callers who have a name.

Other origins. A layer of OPEN may be read by any page of any origin (`Access-Control-Allow-Origin: *`, never
with credentials): command centres embed lookups and boundaries, both hold public facts, and on loopback a
page could reach them by no other way. A layer with personal data must stay out of OPEN, because here the
browser's own origin rule is the only guard there is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from flask import Request, Response

from tiles.web import problems
from tiles.web.reply import HTML, NEVER

if TYPE_CHECKING:
    from collections.abc import Set

    from tiles.web.reply import Reply

LAYERS: Final = {
    "service": "whether the service is alive, and which edition it serves",
    "documentation": "how the service is used",
    "areas": "names, codes and borders of areas",
    "things": "where devices and staff posts are",
    "events": "what was reported, where, and what is done about it",
    "households": "how many households and people are in a place",
}
"""All that a reply can disclose, in words."""

OPEN: Final = frozenset({"service", "documentation", "areas"})
"""The layers that a page of another origin may read."""

_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""What our pages may load: their own files; `data:` for the icons inside the API page's style sheet."""

_DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
"""Data is no page: opened as one it may do nothing."""

_POLICIES: Final = {HTML: _PAGE_POLICY}


_FOR_ANY_ORIGIN: Final = (("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "ETag"))


@dataclass(frozen=True, slots=True)
class Scope:
    """What a caller may see."""

    layers: frozenset[str]


EVERYTHING: Final = Scope(frozenset(LAYERS))


class Released(Response):
    """A response that has passed the gate; only `release` makes one."""

    default_mimetype = None  # an empty reply has no type


def scope_of(_request: Request | None) -> Scope:
    """Tell what a caller may see: everything, until callers have names. None is one who shows no name."""
    return EVERYTHING


def admit(reply: Reply, layer: str | None, scope: Scope) -> tuple[Reply, list[tuple[str, str]]]:
    """A reply with all its headers, or a refusal (403) in its place when the scope lacks one of its layers.

    `layer` is None for a problem reply, which discloses nothing of the city.
    """
    layers = set() if layer is None else {layer, *reply.layers}
    lacking = sorted(layers - scope.layers)
    if lacking:
        reply, layers = problems.outside_scope(LAYERS[lacking[0]]), set()
    return reply, [*_headers(reply, layers), *reply.headers]


def release(reply: Reply, layer: str | None, request: Request, scope: Scope) -> Released:
    """Let a reply out over Flask, as `admit` says; answers 304 to who has it already."""
    reply, headers = admit(reply, layer, scope)
    response = Released(reply.body, reply.status, headers)
    if "If-None-Match" in request.headers and "ETag" in response.headers:
        response.make_conditional(request)
    return response


def _headers(reply: Reply, layers: Set[str]) -> list[tuple[str, str]]:
    """The headers that every reply of some layers has. Made at once: werkzeug is slow at one by one."""
    headers = [
        ("Cache-Control", reply.cache),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Content-Security-Policy", reply.policy or _POLICIES.get(reply.media_type, _DATA_POLICY)),
    ]
    if reply.body:
        headers.append(("Content-Type", reply.media_type))
    if layers <= OPEN:
        headers += _FOR_ANY_ORIGIN
    if reply.status == 200 and reply.cache != NEVER:
        headers.append(("ETag", f'"{fingerprint(reply.body)}"'))
    return headers


def fingerprint(body: bytes) -> str:
    """What an ETag holds: the same bytes, the same word."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()
