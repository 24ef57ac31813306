"""Orders and reports by hand in the page: forms of an order's life, a grid member's phone, the keyboard."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from browser import lack
from PIL import Image
from served import get_json, served
from viewing import MONUMENT, clean, opened, order_of, page_browser, report, state, until, wait_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with page_browser() as running:
        yield running


@pytest.fixture(name="server", scope="module")
def _server(yuzhong: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if lack() is not None:
        pytest.skip(str(lack()))
    home = tmp_path_factory.mktemp("orders") / "home"
    shutil.copytree(yuzhong, home)
    with served(home) as address:
        yield address


def photo() -> dict[str, Any]:
    """A picture as a file that somebody chooses."""
    drawn = io.BytesIO()
    Image.new("RGB", (64, 48), (40, 90, 160)).save(drawn, "JPEG")
    return {"name": "after.jpg", "mimeType": "image/jpeg", "buffer": drawn.getvalue()}


def act(
    page: Page, who: tuple[str, str], action: str, fill: Callable[[Locator], object] | None = None
) -> None:
    """Do something to the order whose card is open, as a person in a role, through its form if it has one."""
    role, actor = who
    page.select_option("#card select[name=role]", role)
    name = page.locator("#card input[name=actor]")
    name.fill(actor)
    name.press("Tab")
    version = page.inner_text("#card .timeline")
    page.click(f"#card [data-action={action}]")
    form = page.locator("#card form.act-form")
    if fill is not None:
        fill(form)
    if fill is not None or form.count():
        form.locator("[type=submit]").click()
    until(page, "(before) => document.querySelector('#card .timeline')?.innerText !== before", version)


def open_order(server: str, name: str, **said: Any) -> str:
    """Report something; the id of its order."""
    seq = report(server, name, **said)["seq"]
    return str(order_of(server, seq)["id"])


def test_an_order_lives_its_whole_life_through_the_forms_of_its_card(browser: Browser, server: str) -> None:
    order, other = open_order(server, "life"), open_order(server, "other")
    desk, checker = ("dispatcher", "D-1"), ("verifier", "V-1")

    def note(text: str) -> Callable[[Locator], object]:
        return lambda form: form.locator("textarea[name=note]").fill(text)

    def assignment(form: Locator) -> None:
        form.locator("select[name=assignment] option").nth(1).wait_for(state="attached")
        form.locator("select[name=assignment]").select_option(index=1)

    def departments(form: Locator) -> None:
        form.locator("input[name=departments]").fill("城管、消防")

    def delay(form: Locator) -> None:
        note("缺少配件")(form)
        form.locator("input[name=duration]").fill("2")

    def done(form: Locator) -> None:
        note("已更换井盖")(form)
        form.locator("input[type=file]").set_input_files(photo())  # type: ignore[arg-type]
        form.locator(".shots small").filter(has_text="已上传").wait_for()

    def owes(department: str) -> Callable[[Locator], object]:
        def fill(form: Locator) -> None:
            note(f"{department}已处理")(form)
            if form.locator("select[name=department]").count():
                form.locator("select[name=department]").select_option(department)

        return fill

    with opened(browser, f"{server}/view?card=order:{order}") as (page, seen):
        page.wait_for_selector("#card .timeline")
        act(page, desk, "regrade", lambda form: form.locator("select[name=urgency]").select_option("orange"))
        act(page, desk, "reassign", assignment)
        act(page, desk, "whistle", departments)
        has = get_json(f"{server}/orders/{order}")["assignees"][0]
        worker = (has["role"], has["person"])
        act(page, worker, "accept")
        act(page, worker, "start")
        act(page, worker, "request_delay", delay)
        act(page, desk, "grant_delay", lambda form: form.locator("input[name=duration]").fill("1"))
        act(page, worker, "feedback", done)
        act(page, ("department", "C-1"), "reply", owes("城管"))
        act(page, ("department", "F-1"), "reply", owes("消防"))
        act(page, checker, "check", note("现场属实"))
        act(page, checker, "close")
        act(
            page,
            ("resident", "R-1"),
            "evaluate",
            lambda form: form.locator("input[name=satisfaction][value='4']").check(force=True),
        )
        found = get_json(f"{server}/orders/{order}")
        assert (found["state"], found["urgency"], found["satisfaction"]) == ("evaluated", "orange", 4)
        assert [each["department"] for each in found["called"] if each["ended_at"]] == ["城管", "消防"]
        assert len(found["photos"]) == 1
        assert "现场属实" in page.inner_text("#card .timeline")

        third = open_order(server, "third")
        page.evaluate("(id) => window.gridmapView.store.set({card: {kind: 'order', id}})", other)
        until(page, "(id) => document.querySelector('#card .kind').innerText.includes(id)", other)
        act(page, ("grid_leader", "L-1"), "escalate", note("超出权限"))
        act(page, desk, "merge", lambda form: form.locator("input[name=into]").fill(third))
        merged = get_json(f"{server}/orders/{other}")
        assert (merged["state"], merged["merged_into"]) == ("merged", third)
        clean(seen, server)


def test_what_the_service_refuses_is_said_and_what_was_written_stays(browser: Browser, server: str) -> None:
    order = open_order(server, "refused")
    with opened(browser, f"{server}/view?card=order:{order}") as (page, _):
        page.wait_for_selector("#card .timeline")
        page.select_option("#card select[name=role]", "dispatcher")
        page.locator("#card input[name=actor]").fill("D-1")
        page.locator("#card input[name=actor]").press("Tab")
        page.click("#card [data-action=merge]")
        page.fill("#card input[name=into]", order)
        page.click("#card form.act-form [type=submit]")
        page.wait_for_selector("#card .problem:not([hidden])")
        assert page.inner_text("#card .problem") != ""
        assert page.input_value("#card input[name=into]") == order
        page.keyboard.press("Escape")
        until(page, "() => !document.querySelector('#card form.act-form')")
        assert state(page, "card") == {"kind": "order", "id": order}


def test_a_grid_member_finds_his_grid_works_on_an_order_and_reports_where_he_stands(
    browser: Browser, server: str
) -> None:
    order = open_order(server, "phone-order", urgency="orange")
    where = {"longitude": MONUMENT[0], "latitude": MONUMENT[1], "accuracy": 8}
    given: dict[str, Any] = {"geolocation": where, "permissions": ["geolocation"], "has_touch": True}
    with opened(browser, f"{server}/view", (390, 844), **given) as (page, seen):
        page.click("#phone .chooser [data-word=mine_here]")
        code = get_json(f"{server}/locate?lon={MONUMENT[0]}&lat={MONUMENT[1]}&crs=wgs84")["code"]
        wait_state(page, "area", code)
        page.click("#tab-grid")
        page.wait_for_selector("#phone select[name=who] option >> nth=1", state="attached")
        page.select_option("#phone select[name=who]", index=1)
        page.click("#tab-orders")
        job = page.locator("#phone .job").filter(has_text="phone-order")
        job.locator(".next").filter(has_text="接单").click()
        until(page, "() => document.querySelector('#phone-orders').innerText.includes('已接单')")
        assert get_json(f"{server}/orders/{order}")["state"] == "accepted"
        page.click("#tab-report")
        page.click("#phone-report [data-word=place_here]")
        page.locator("#phone-report .where").filter(has_text="±").wait_for()
        page.fill("#phone-report input[name=title]", "路灯不亮 phone-report")
        page.locator("#phone-report input[type=file]").set_input_files(photo())  # type: ignore[arg-type]
        page.click("#phone-report button[type=submit]")
        page.locator("#phone-report .said-of").filter(has_text="已上报").wait_for()
        found = get_json(f"{server}/events?since=0&limit=1000")["events"][-1]
        assert (found["title"], found["code"], len(found["photos"])) == ("路灯不亮 phone-report", code, 1)
        clean(seen, server)


def test_a_report_made_without_a_network_is_sent_once_when_it_is_back(browser: Browser, server: str) -> None:
    given: dict[str, Any] = {
        "geolocation": {"longitude": MONUMENT[0], "latitude": MONUMENT[1], "accuracy": 8},
        "permissions": ["geolocation"],
    }
    with opened(browser, f"{server}/view", (390, 844), **given) as (page, _):
        page.click("#phone .chooser [data-word=mine_here]")
        until(page, "() => window.gridmapView.store.state.area !== null")
        page.click("#tab-report")
        page.click("#phone-report [data-word=place_here]")
        page.locator("#phone-report .where").filter(has_text="±").wait_for()
        page.context.set_offline(True)
        page.fill("#phone-report input[name=title]", "地下室 cellar")
        page.click("#phone-report button[type=submit]")
        page.locator("#phone-report .said-of").filter(has_text="待发送").wait_for()
        page.context.set_offline(False)
        page.locator("#phone-report .said-of").filter(has_text="已上报").wait_for()
        found = get_json(f"{server}/events?since=0&limit=1000")["events"]
        assert [each["title"] for each in found].count("地下室 cellar") == 1


def test_the_keyboard_alone_leads_down_to_a_grid_and_through_an_order(browser: Browser, server: str) -> None:
    order = open_order(server, "keys")
    with opened(browser, f"{server}/view?lang=en", reduced_motion="reduce") as (page, seen):
        keys = page.keyboard
        keys.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        until(page, "() => window.gridmapView.map.loaded()")
        while page.evaluate("document.activeElement.tagName") != "CANVAS":
            keys.press("Tab")
        for level in ("district", "town", "community", "grid"):
            keys.press("Enter")
            until(page, "(level) => window.gridmapView.store.state.chain.at(-1)?.level === level", level)
            until(page, "() => !window.gridmapView.map.isMoving()")
        keys.press("Enter")  # the grid that is chosen already: its card
        until(page, "() => document.activeElement.id === 'card-title'")
        keys.press("Escape")
        until(page, "() => document.activeElement.tagName === 'CANVAS'")
        keys.press("Escape")
        until(page, "() => window.gridmapView.store.state.chain.at(-1)?.level === 'community'")
        while page.evaluate("document.activeElement.id") != "query":
            keys.press("Tab")
        keys.type(order)
        keys.press("Enter")  # before the results are there
        until(page, "() => document.activeElement.id === 'card-title'")
        until(page, "(id) => document.querySelector('#card .kind').innerText.includes(id)", order)
        page.wait_for_selector("#card .timeline")
        while page.evaluate("document.activeElement.name") != "role":
            keys.press("Tab")
        keys.type("grid member")
        while page.evaluate("document.activeElement.name") != "actor":
            keys.press("Tab")
        keys.type("K-1")
        keys.press("Tab")
        page.wait_for_selector("#card [data-action=accept]")
        while page.evaluate("document.activeElement.dataset.action") != "accept":
            keys.press("Tab")
        keys.press("Enter")
        until(page, "() => document.querySelector('#card .timeline').innerText.includes('accept')")
        assert get_json(f"{server}/orders/{order}")["assignees"][0]["person"] == "K-1"
        clean(seen, server)
