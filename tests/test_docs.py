from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from checked import Checked
from webtown import make_twin

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from gridmap.twin import Twin


@pytest.fixture(name="twin")
def _twin() -> Twin:
    return make_twin()


@pytest.fixture(name="web")
def _web(twin: Twin) -> Checked:
    return Checked(twin)


class _Links(HTMLParser):
    """Collects what a page loads and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert not any(name.startswith("on") or name == "style" for name in given), f"inline code in <{tag}>"
        assert tag != "style"
        assert tag != "script" or given.get("src"), "a script inside the page"
        self.loads += [value for name in ("src", "srcset", "data", "poster") if (value := given.get(name))]
        if given.get("href"):
            (self.leads if tag == "a" else self.loads).append(given["href"] or "")


def links(reply: TestResponse) -> _Links:
    parser = _Links()
    parser.feed(reply.get_data(as_text=True))
    return parser


@pytest.mark.parametrize("page", ["/", "/docs", "/examples", "/problems"])
def test_pages_load_nothing_from_outside(web: Checked, page: str) -> None:
    reply = web.ask(page, headers={"Accept": "text/html"})
    found = links(reply)
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    for address in (*found.loads, *found.leads):
        assert address.startswith("data:image/svg+xml,") or not re.match(r"\w+:|//", address), address
        if not address.startswith("data:"):
            web.ask("/" + address.removeprefix("./"))
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*", policy)


def test_styles_and_scripts_of_the_pages_load_nothing_from_outside(web: Checked) -> None:
    for name in ("page.css", "swagger-ui.css"):
        style = web.ask(f"/docs/{name}").get_data(as_text=True)
        assert "@import" not in style
        assert all(address.startswith("data:") for address in re.findall(r"url\([\"']?([^\"')]+)", style))
    assert not re.search(r"https?://", web.ask("/docs/docs.js").get_data(as_text=True))
    assert b"SwaggerUIBundle" in web.ask("/docs/swagger-ui-bundle.js").get_data()


def test_front_page_tells_the_truth_of_the_edition(web: Checked, twin: Twin) -> None:
    page = web.ask("/", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert "已证明" in page
    assert "合成数据" in page
    twin.current = make_twin(proven=False, notes=("<script>alert(1)</script>",)).current
    page = web.ask("/", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert "未证明" in page
    assert "<script>" not in page


def test_only_the_listed_files_of_a_package_are_served(web: Checked) -> None:
    for name in ("docs.html", "index.html", "__init__.py", "..%2fapp.py", "swagger-ui-standalone-preset.js"):
        assert web.client.get(f"/docs/{name}").status_code == 404
