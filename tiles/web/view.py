"""The holographic page: `GET /view`, its files below `/view/`, and `/embed.js` for pages of others.

The page's own files lie in `page/view/`, one thing each; the map and chart libraries are installed from npm
at set-up (`scripts/node page`) and served from there. Nothing is loaded from another host, but for the base
map that an operator names: only then does the policy of the page let its browser ask there.

Who may show the page in a frame stands in `frame-ancestors`: this service, pages of the same machine, and the
origins that the operator names. A page in a frame can be made to be clicked unseen, and here a click can
accept an order; so not everybody may.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from gridmap.errors import InputError, NotFoundError
from gridmap.settings import BASE_MAP, BASE_MAP_CREDIT, EMBED_ORIGINS, TITLE
from gridmap.store.store import utc_now
from tiles.web import fields
from tiles.web.coded import coded
from tiles.web.docs import page_of
from tiles.web.parameters import Parameter
from tiles.web.reply import Reply, json_reply
from tiles.web.route import Manner, Route, json_response
from tiles.web.warming import OPENED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tiles.web.call import Call

LAYER: Final = "documentation"

MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
}
FOLDERS: Final = ("core", "map", "panels", "cards", "phone", "css")
"""Where the page's own files lie, beside `main.js`."""

LIBRARIES: Final = {
    "maplibre-gl.mjs": "maplibre-gl/dist/maplibre-gl.mjs",
    "maplibre-gl-worker.mjs": "maplibre-gl/dist/maplibre-gl-worker.mjs",
    "maplibre-gl.css": "maplibre-gl/dist/maplibre-gl.css",
    "echarts.mjs": "echarts/dist/echarts.esm.min.mjs",
    "pmtiles.mjs": "pmtiles/dist/esm/index.js",
    "fflate.mjs": "fflate/esm/browser.js",
}
"""What comes from others, by the name under which the page asks for it: where npm puts it."""

BARE: Final = {b'from"fflate"': b'from"./fflate.mjs"', b'from "fflate"': b'from "./fflate.mjs"'}
"""How a library names another one, which only a bundler understands, and what a browser does."""

INSTALLED: Final = Path(sys.prefix) / "page" / "node_modules"
"""Where `scripts/node page` puts the libraries."""

NEIGHBOURS: Final = ("'self'", "http://localhost:*", "http://127.0.0.1:*")
"""Whose pages may show this one in a frame without being named."""

_HOST: Final = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
_HOST_OF_TILES: Final = re.compile(rf"https?://{_HOST}(?::\d{{1,5}})?")
_ORIGIN: Final = re.compile(rf"https?://(?:\*\.)?{_HOST}(?::(?:\d{{1,5}}|\*))?")
"""Whose pages may frame this one: a host, or all below one, of any port; a policy knows no other star."""

WMTS: Final = {"TileMatrix": "z", "TileRow": "y", "TileCol": "x"}
"""What a WMTS calls the places of a tile's numbers, and what the map library calls them."""

_PLACE: Final = re.compile(r"\{[^{}]*\}")
_FILLED: Final = ("{z}", "{x}", "{y}", "{ratio}")
"""What the map library writes into an address; whatever else stands in braces it would send as it is."""

_INSTEAD: Final = {
    **{name.casefold(): f"{{{name}}}" for name in (*WMTS, *WMTS.values())},
    "s": "the name of one host, such as a",
    "r": "nothing, or {ratio}",
    "-y": "{y}, for tiles whose rows are counted from the north",
    "level": "{z}",
    "row": "{y}",
    "col": "{x}",
    "tilematrixset": "the name of its Web Mercator matrices, such as w or GoogleMapsCompatible",
    "style": "the name of the style, such as default",
    "layer": "the name of the layer",
    "time": "the time itself",
}
"""What is to be written where somebody else's words stand, in small letters."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:{others}; connect-src 'self'{others}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors {framers}"
)
_FILE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'{others}; img-src 'self' blob:{others}"
)


class BaseMap(NamedTuple):
    """A map under the grids, of the operator's own choice."""

    kind: str
    url: str
    attribution: str

    @property
    def origin(self) -> str:
        """Which host a browser has to ask; "" where it is this service's own."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def base_map() -> BaseMap | None:
    """The operator's base map, None where there is none; of a WMTS the address is written with z, y and x.

    InputError: it is no address of one, or something in it is nobody's to fill in.
    """
    given = BASE_MAP.value()
    if not given:
        return None
    try:
        is_archive = urlsplit(given).path.endswith(".pmtiles")
    except ValueError:
        raise _no_host(given) from None
    url = given
    for theirs, ours in () if is_archive else WMTS.items():
        url = url.replace(f"{{{theirs}}}", f"{{{ours}}}")
    _check_places(url, () if is_archive else _FILLED)
    if not is_archive and not all(f"{{{each}}}" in url for each in WMTS.values()):
        advice = (
            "write one with {z}, {x} and {y}, or {TileMatrix}, {TileRow} and {TileCol}, or of a .pmtiles file"
        )
        raise InputError(BASE_MAP.name, f"{given[:100]!r} is no address of tiles; {advice}")
    kind = "pmtiles" if is_archive else "xyz" if url == given else "wmts"
    found = BaseMap(kind, url, BASE_MAP_CREDIT.value())
    if found.origin and _HOST_OF_TILES.fullmatch(found.origin) is None:
        raise _no_host(given)
    return found


def _check_places(url: str, filled: Collection[str]) -> None:
    """Refuse an address in which something stands in braces that nobody fills in: no tile would come."""
    for place in _PLACE.findall(url):
        if place not in filled:
            instead = (_INSTEAD if filled else {}).get(place[1:-1].casefold(), "what it stands for")
            text = f"nobody fills in {place[:60]} in {url[:100]!r}; in its place write {instead}"
            raise InputError(BASE_MAP.name, text)


def _no_host(url: str) -> InputError:
    return InputError(
        BASE_MAP.name, f"{url[:100]!r} names no one host; write http://host/ or https://host/, without a *"
    )


def check_settings() -> None:
    """Refuse settings of the page that cannot be used, before anybody asks for it. InputError names one."""
    policy()
    file_policy()


def policy() -> str:
    """The Content-Security-Policy of the page. InputError for a setting that names no origin."""
    named = [each.removesuffix("/") for each in EMBED_ORIGINS.value().split()]
    strange = next((each for each in named if _ORIGIN.fullmatch(each) is None), None)
    if strange is not None:
        raise InputError(
            EMBED_ORIGINS.name,
            f"{strange[:100]!r} is no origin; write https://host, https://host:port or https://*.host",
        )
    return _POLICY.format(others=_others(), framers=" ".join((*NEIGHBOURS, *named)))


def file_policy() -> str:
    """The policy of the page's files: a worker has that of its own file, not that of its page."""
    return _FILE_POLICY.format(others=_others())


def _others() -> str:
    """The host of the operator's base map, as the policies name it."""
    found = base_map()
    return f" {found.origin}" if found is not None and found.origin else ""


def page(call: Call) -> Reply:
    """Give the page."""
    OPENED.set()
    root = urlsplit(call.base).path
    return page_of("view.html", policy=policy(), root=root, title=TITLE.value())


def config(call: Call) -> Reply:
    """Say what the page has to know before it draws."""
    OPENED.set()  # a browser may have kept the page itself
    snapshot, found = call.snapshot, base_map()
    return json_reply(
        {
            "title": TITLE.value(),
            "edition": snapshot.edition.number,
            "proven": snapshot.edition.proven,
            "synthetic": snapshot.edition.synthetic,
            "bounds": list(snapshot.bounds),
            "levels": [table.level for table in snapshot.partition.levels],
            "base_map": None if found is None else found._asdict(),
            "now": utc_now().isoformat(timespec="milliseconds"),
        }
    )


def own_file(call: Call) -> Reply:
    """Give a file of the page. NotFoundError for a name that it does not have."""
    path = "/".join(call.path[part] for part in ("folder", "name") if part in call.path)
    return _file(call, _own().get(path), path)


def library(call: Call) -> Reply:
    """Give a file of a library. NotFoundError: it is none of them, or not installed."""
    name = call.path["name"]
    return _file(call, str(INSTALLED / LIBRARIES[name]) if name in LIBRARIES else None, name)


def embed(call: Call) -> Reply:
    """Give the element for pages of others."""
    return _file(call, str(files("tiles.web").joinpath("page/embed.js")), "embed.js")


def _file(call: Call, path: str | None, name: str) -> Reply:
    if path is None:
        raise NotFoundError(f"The page has no file {name[:60]!r}; /view is the page itself.")
    try:
        body = _read(path)
    except FileNotFoundError:
        raise NotFoundError(f"{name} is not installed here: scripts/node page installs it.") from None
    return coded(Reply(body, MEDIA_TYPES[Path(path).suffix], policy=file_policy()), call.encodings)


@cache
def _own() -> Mapping[str, str]:
    """The page's own files by their names in addresses: there are no others."""
    root = files("tiles.web").joinpath("page/view")
    found = {"main.js": str(root.joinpath("main.js"))}
    for folder in FOLDERS:
        found |= {
            f"{folder}/{each.name}": str(each)
            for each in root.joinpath(folder).iterdir()
            if Path(each.name).suffix in MEDIA_TYPES
        }
    return found


@cache
def _read(path: str) -> bytes:
    body = Path(path).read_bytes()
    for bare, plain in BARE.items() if path.endswith(LIBRARIES["pmtiles.mjs"]) else ():
        body = body.replace(bare, plain)
    return body


_TEXT: Final = {"type": "string"}
_BASE_MAP: Final[dict[str, Any]] = {
    "type": ["object", "null"],
    "description": "The operator's own map under the grids.",
    "properties": {"kind": {"enum": ["xyz", "wmts", "pmtiles"]}, "url": _TEXT, "attribution": _TEXT},
}
SCHEMAS: Final[dict[str, Any]] = {
    "ViewConfig": fields.closed(
        {
            "title": _TEXT,
            "edition": fields.EDITION,
            "proven": fields.PROVEN,
            "synthetic": fields.SYNTHETIC,
            "bounds": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
            "levels": {"type": "array", "items": _TEXT},
            "base_map": _BASE_MAP,
            "now": {"type": "string", "format": "date-time"},
        },
        "What the page has to know before it draws.",
    )
}
_FOLDER: Final = Parameter("folder", _TEXT, "Folder of the file.", required=True, place="path")
_NAME: Final = Parameter("name", _TEXT, "Name of the file.", required=True, place="path")

_ANY: Final = Manner(read=lambda _parameters, pairs: dict(pairs))
"""What stands behind the question mark is the page's own business."""

ROUTES: Final = (
    Route("/view", "view", LAYER, page, "The holographic page 全息一张图", manner=_ANY),
    Route(
        "/view/config.json",
        "view_config",
        "areas",
        config,
        "What the page has to know 页面配置",
        responses={"200": json_response("What the page has to know before it draws.", "ViewConfig")},
    ),
    Route("/view/{name}", "view_file", LAYER, own_file, "A file of the page", parameters=(_NAME,)),
    Route("/view/lib/{name}", "view_library", LAYER, library, "A file of a library", parameters=(_NAME,)),
    Route(
        "/view/{folder}/{name}",
        "view_folder_file",
        LAYER,
        own_file,
        "A file of the page",
        parameters=(_FOLDER, _NAME),
    ),
    Route("/embed.js", "embed", LAYER, embed, "The element for pages of others 嵌入组件"),
)
