from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from checked import PROBLEM, Checked
from webtown import DISTRICT, make_twin

from gridmap import errors
from gridmap.orders.errors import OrderError
from tiles.web import problems

if TYPE_CHECKING:
    from gridmap.twin import Twin


@pytest.fixture(name="twin")
def _twin() -> Twin:
    return make_twin()


@pytest.fixture(name="web")
def _web(twin: Twin) -> Checked:
    return Checked(twin)


def test_unknown_things_are_404(web: Checked) -> None:
    assert web.json("/areas/999", 404)["type"] == "/problems#not-found"
    for address in ("/nope", f"/areas/{DISTRICT}/x", "/docs/../app.py", "/favicon.ico"):
        problem = web.json(address, 404)
        assert problem["type"] == "/problems#unknown-path"
        assert problem["detail_zh"]


@pytest.mark.parametrize("path", ["", "/", "//areas", "/areas/", "/areas//", "/./areas", "*"])
def test_odd_addresses_are_never_redirected(web: Checked, path: str) -> None:
    reply = web.client.open(environ_overrides={"PATH_INFO": path})
    assert reply.status_code in {200, 404}
    assert "Location" not in reply.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_other_methods_are_405_and_told_which_do(web: Checked, method: str) -> None:
    reply = web.ask("/areas", 405, method)
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert method in json.loads(reply.get_data())["detail"]


def test_an_endless_address_is_414(web: Checked) -> None:
    web.ask("/areas/" + "5" * 4096, 414)
    web.ask("/areas?x=" + "5" * 4096, 414)


def test_every_error_of_ours_has_a_status() -> None:
    own = {each for each in errors.GridmapError.__subclasses__() if each.__module__ == errors.__name__}
    assert set(problems.BY_ERROR) == own | set(OrderError.__subclasses__())


SECRET = "/srv/secret/city.sqlite"
OWN_ERRORS = [
    (errors.InputError("lon", "is odd"), 400, True),
    (errors.NotFoundError("no such thing"), 404, True),
    (errors.ConflictError("edition 8 is current"), 409, True),
    (errors.RefusedError("two grids overlap", []), 422, True),
    (errors.DamageError(SECRET), 500, False),
    (errors.MissingExtraError(SECRET), 501, False),
    (errors.HomeError(SECRET), 503, False),
    (errors.GridmapError(SECRET), 500, False),
    (ZeroDivisionError(SECRET), 500, False),
]


@pytest.mark.parametrize(("error", "status", "told"), OWN_ERRORS)
def test_errors_get_their_status_and_keep_what_is_inside(
    twin: Twin,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
    told: bool,
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    web = Checked(twin)
    monkeypatch.setattr(type(twin.current), "children", fail)
    problem = web.json("/areas", status)
    assert (problem["detail"] == str(error)) is told
    assert (SECRET in caplog.text) is not told
    assert SECRET not in json.dumps(problem)


def test_every_kind_of_problem_is_explained(web: Checked) -> None:
    page = web.ask("/problems").get_data(as_text=True)
    names = [kind.name for kind in problems.KINDS]
    assert len(set(names)) == len(names)
    for kind in problems.KINDS:
        assert f'id="{kind.name}"' in page
        assert kind.advice_zh in page


def test_problems_are_problem_json(web: Checked) -> None:
    for address, status in (("/nope", 404), ("/locate", 400), ("/areas/x", 404), ("/docs/x", 404)):
        assert web.ask(address, status).headers["Content-Type"] == PROBLEM
