"""The first five minutes of each role in a real browser, at desktop and at phone width.

Playwright drives the Chromium of this machine; axe-core comes with the package that carries it, so
that nothing is fetched.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pytest
import uvicorn
from office import Office
from playwright.sync_api import Browser, Page, expect, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DESKTOP, PHONE = {"width": 1100, "height": 900}, {"width": 390, "height": 844}
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
PATIENCE = 20_000


@dataclass(frozen=True)
class Site:
    """A running site: its address, and a token for everybody."""

    address: str
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def site(office: Office) -> Iterator[Site]:
    """The pages of the small company behind their guard, on a port of their own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(office.app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        for _ in range(100):
            if server.started:
                break
            time.sleep(0.1)
        yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", office.secrets)
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; in CI it must be there."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None and os.environ.get("CI", "").lower() == "true":
        pytest.fail("there is no Chromium, which CI must have")
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A window: a light one on a desk, a dark one in a hand; it may complain of nothing."""
    is_phone = request.param == "phone"
    context = browser.new_context(
        viewport=PHONE if is_phone else DESKTOP,
        color_scheme="dark" if is_phone else "light",
        locale="en-GB",
    )
    context.set_default_timeout(PATIENCE)
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    outside = list[str]()
    page.on("request", lambda asked: outside.append(asked.url))
    yield page
    context.close()
    assert complaints == []
    assert [
        url for url in outside if "//127.0.0.1" not in url and not url.startswith("data:")
    ] == []


def sign_in(page: Page, site: Site, who: str) -> None:
    """Sign in by the keyboard alone: the field has the focus."""
    page.goto(site.address)
    looked_at(page)
    page.keyboard.type(site.secrets[who])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/(today|team|model)"))


def looked_at(page: Page) -> None:
    """Open everything that can be opened, ask axe, and see that nothing runs out of the window."""
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("axe.run()")
    told = [(v["id"], [n["html"][:120] for n in v["nodes"][:2]]) for v in found["violations"]]
    assert told == [], page.url
    width = page.evaluate("document.documentElement.scrollWidth")
    viewport = page.viewport_size
    assert viewport is not None
    assert width <= viewport["width"], page.url
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = false })")


def test_the_first_minutes_of_a_rep(page: Page, site: Site) -> None:
    """Call, say so with one key, take it back, look at the quarter, move a slider, note."""
    sign_in(page, site, "r1")
    looked_at(page)
    first = page.locator(".call h2").first
    lead = first.inner_text().split()[1]
    page.keyboard.press("d")
    expect(page.get_by_role("status")).to_contain_text(f"{lead}: done")
    page.get_by_role("button", name=f"Take back: {lead}").click()
    expect(page.locator(".call h2").first).to_contain_text(lead)
    page.keyboard.press("w")
    page.get_by_label(f"Why is {lead} wrong here?").fill("left the company")
    page.get_by_role("button", name="Save the reason").first.click()
    expect(page.get_by_role("status")).to_contain_text("marked as wrong")
    page.get_by_role("button", name=f"Take back: {lead}").click()
    page.get_by_role("link", name="My quarter").click()
    looked_at(page)
    expect(page.locator("svg.chart").first).to_be_visible()
    page.get_by_label("Win rate").focus()
    page.keyboard.press("End")
    expect(page.locator("#what-if [role=status]")).to_contain_text("instead of")
    page.get_by_text("Note something beside these figures").click()
    page.get_by_label(re.compile("Your note, which")).fill("On holiday for two weeks.")
    page.get_by_role("button", name="Keep this note").click()
    expect(page.locator("#main")).to_contain_text("On holiday for two weeks.")
    page.get_by_role("link", name="1:1 sheet").click()
    looked_at(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Your access token")).to_be_visible()


def test_the_first_minutes_of_a_manager(page: Page, site: Site) -> None:
    """Read the sentence, open a person, see the math, prepare the 1:1; the rep sees the look."""
    sign_in(page, site, "m1")
    looked_at(page)
    expect(page.locator(".lead")).to_contain_text("a talk this week")
    page.get_by_text("More: everybody").click()
    page.get_by_role("link", name="R1", exact=True).last.click()
    looked_at(page)
    expect(page.locator("h1")).to_have_text("R1")
    page.get_by_text("See the math").click()
    expect(page.locator("#main")).to_contain_text("leaves for open deals")
    page.get_by_role("link", name="1:1 sheet").click()
    expect(page.locator("h1")).to_contain_text("1:1 sheet")
    looked_at(page)
    page.get_by_role("link", name="Past forecasts").click()
    looked_at(page)
    page.get_by_role("link", name="Pool").click()
    looked_at(page)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/sign-in"))
    sign_in(page, site, "r1")
    page.get_by_role("link", name="My quarter").click()
    expect(page.locator("#views").locator("..")).to_contain_text("m1 (manager)")


def test_the_first_minutes_of_an_analyst(page: Page, site: Site) -> None:
    """See both models, what the list is worth and who promoted what; the team stays closed."""
    sign_in(page, site, "analyst")
    looked_at(page)
    expect(page.locator("#main")).to_contain_text("Lead conversion")
    expect(page.locator("#main")).to_contain_text("What the call list is worth")
    assert page.request.get(f"{site.address}/team").status == 403


def test_the_first_minutes_of_an_admin(page: Page, site: Site) -> None:
    """Look at the company, give access to somebody, try a setting, keep it and take it back."""
    sign_in(page, site, "admin")
    looked_at(page)
    page.get_by_role("link", name="People").click()
    looked_at(page)
    page.get_by_label("Name").fill("Newcomer")
    page.get_by_label("Who they are in the CRM").select_option("r2")
    page.get_by_role("button", name="Create a token").click()
    expect(page.get_by_role("status")).to_contain_text("pace_")
    page.get_by_role("link", name="Settings").click()
    looked_at(page)
    field = page.get_by_label("Another value").first
    field.fill("9")
    field.press("Enter")
    looked_at(page)
    page.get_by_role("button", name="Keep 9").click()
    expect(page.locator("#main")).to_contain_text("Calls a day: 9")
    page.get_by_role("button", name="Back to params.yaml").click()
    expect(page.locator("#main")).to_contain_text("Calls a day: 7")


def test_without_script_everything_works(browser: Browser, site: Site) -> None:
    """A rep without script signs in, says that a call is done, and works out a what-if."""
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)
    page = context.new_page()
    page.goto(site.address)
    page.get_by_label("Your access token").fill(site.secrets["r1"])
    page.get_by_role("button", name="Sign in").click()
    lead = page.locator(".call h2").first.inner_text().split()[1]
    page.get_by_role("button", name=f"Done: {lead}").click()
    expect(page.get_by_role("status")).to_contain_text(f"{lead}: done")
    page.get_by_role("button", name=f"Take back: {lead}").click()
    page.get_by_role("link", name="My quarter").click()
    page.locator("#volume").fill("150")
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator("#what-if [role=status]")).to_contain_text("instead of")
    context.close()
