"""The pages for people: the front page, the API page with its document, the problems explained.

The API page is Swagger UI, whose files come with the package flask_openapi3_swagger; everything is served
from here, nothing from outside. The package's own page is not used: its script stands inside the page, which
our content policy forbids.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader

from gridmap.errors import NotFoundError
from tiles.web.call import Call
from tiles.web.examples import EXAMPLES, PYTHON_FIRST
from tiles.web.parameters import Parameter
from tiles.web.reply import HTML, Reply
from tiles.web.route import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tiles.web.problems import Kind

_SCRIPT: Final = "text/javascript; charset=utf-8"
_STYLE: Final = "text/css; charset=utf-8"

_FILES: Final = {
    "page.css": ("tiles.web", "page/page.css", _STYLE),
    "docs.js": ("tiles.web", "page/docs.js", _SCRIPT),
    "swagger-ui.css": ("flask_openapi3_swagger", "templates/swagger/css/swagger-ui.css", _STYLE),
    "swagger-ui-bundle.js": ("flask_openapi3_swagger", "templates/swagger/js/swagger-ui-bundle.js", _SCRIPT),
}
"""Every file that the pages load: name -> (package, path in it, media type); there are no others."""

_pages: Final = Environment(
    loader=PackageLoader("tiles.web", "page"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


def routes(document: bytes, kinds: Sequence[Kind]) -> tuple[Route, ...]:
    """The routes of the pages, for one OpenAPI document and the problems that can occur."""

    def openapi(_call: Call) -> Reply:
        return Reply(document)

    def problems(_call: Call) -> Reply:
        return page_of("problems.html", kinds=kinds)

    name = Parameter("name", {"type": "string"}, "Name of the file.", required=True, place="path")
    return (
        Route("/docs", "docs", "documentation", lambda _call: page_of("docs.html"), "The API page"),
        Route(
            "/docs/{name}", "docs_file", "documentation", docs_file, "A file of the pages", parameters=(name,)
        ),
        Route("/examples", "examples", "documentation", examples, "Each question as a line to copy"),
        Route("/problems", "problems", "documentation", problems, "The problems explained"),
        Route("/openapi.json", "openapi", "documentation", openapi, "The OpenAPI document"),
    )


def index(call: Call) -> Reply:
    """Say in Chinese and English what this is, which edition it serves, and where to go on."""
    return page_of("index.html", snapshot=call.snapshot)


def examples(_call: Call) -> Reply:
    """Show each question as a line for curl, Python and JavaScript."""
    return page_of("examples.html", examples=EXAMPLES, first=PYTHON_FIRST)


def docs_file(call: Call) -> Reply:
    """Give one file of the pages; raises NotFoundError for any other name."""
    name = call.path["name"]
    if name not in _FILES:
        raise NotFoundError("the pages have no such file; /docs is the API page")
    return Reply(_read(name), _FILES[name][2])


@cache
def _read(name: str) -> bytes:
    package, path, _ = _FILES[name]
    return files(package).joinpath(path).read_bytes()


def page_of(template: str, policy: str | None = None, **values: object) -> Reply:
    """Give a page made of a template; `policy` is its own content policy, where it needs more than most."""
    return Reply(_pages.get_template(template).render(**values).encode(), HTML, policy=policy)
