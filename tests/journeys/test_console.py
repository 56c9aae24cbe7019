"""The console in a browser: every page in both languages and themes, wide and narrow, and a day."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.console.build import node_modules
from infra.demo import third_party
from infra.demo.client import Shop

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium"),
]

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
LOOKS = [("en", "light", "desktop"), ("zh", "dark", "phone")]
NARROW = {"width": 320, "height": 700}
BUDGETS = {"html": 14_000, "requests": 9, "bytes": 340_000}  # of a page, gzip, cold
SHIFT = 0.05  # of the layout

OWN = [
    "/",
    "/messages",
    "/messages/scheduled",
    "/messages/results",
    "/messages/lookup",
    "/messages/{msgid}",
    "/messages/{msgid}/people/{user}",
    "/messages/{msgid}/people/nobody",
    "/templates",
    "/templates/new",
    "/templates/{template}",
    "/templates/{template}/versions",
    "/strategies",
    "/strategies/new",
    "/strategies/{rule}",
    "/users",
    "/users/new",
    "/users/{user}",
    "/users/{user}/messages",
    "/users/{user}/preferences",
    "/segments",
    "/segments/new",
    "/tags",
    "/lists/black",
    "/suppressions",
    "/imports",
    "/imports/new",
    "/send",
    "/send?kind=ordinary",
    "/stats/messages",
    "/stats/clicks",
    "/stats/providers",
    "/review",
    "/review/mine",
    "/review/settings",
    "/rules",
    "/rules/words",
    "/rules/words/upload",
    "/rules/topics",
    "/rules/callbacks",
    "/rules/callbacks/replay",
]
WHOLE = [
    "/channels",
    "/channels/new",
    "/channels/new?platform=smtp",
    "/channels/{sms}",
    "/channels/{sms}/labels",
    "/channels/{sms}/templates",
    "/channels/{sms}/templates/new",
    "/channels/{sms}/templates/{text}",
    "/channels/{sms}/signatures",
    "/channels/{sms}/signatures/new",
    "/settings",
    "/access/{key}",
    "/access/new",
    "/members",
    "/members/new",
    "/audit",
    "/global-key",
    "/developer",
    "/account",
    "/account/second-factor",
]

Browser = Any
Page = Any


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def axe() -> str:
    return (node_modules() / "axe-core" / "axe.min.js").read_text()


class Visitor:
    """A person at a browser, who notes everything that a browser complains of."""

    def __init__(self, browser: Browser, stack: Mapping[str, Any], look: tuple[str, str, str]):
        self.url = f"{stack['api_url']}/console"
        language, theme, size = look
        width, height = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            locale={"zh": "zh-CN", "en": "en-GB"}[language],
            color_scheme=theme,
        )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self._sign_in(stack)

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _sign_in(self, stack: Mapping[str, Any]) -> None:
        self.page.goto(f"{self.url}/sign-in")
        self.page.fill("#u", stack["access_key"])
        self.page.fill("#p", stack["access_secret"])
        self.page.click("main button[type=submit]")
        self.page.wait_for_selector(".side, .burger", state="attached")

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)


@pytest.fixture(scope="module")
def shop(stack: Mapping[str, Any]) -> Shop:
    """An access channel with a message on its way, made through the API."""
    shop = Shop(stack, kinds=("app", "sms"))
    shop.upload([shop.user(f"{shop.mark}-{n}", sms=shop.contact("sms", n)) for n in range(5)])
    return shop


@pytest.fixture(scope="module")
def paths(shop: Shop, stack: Mapping[str, Any]) -> list[str]:
    template = shop.template(**shop.contents("sms"))
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": 60}},
    )
    values = {"name": "Li", "url": "https://shop.example/1"}
    userids = [f"{shop.mark}-{n}" for n in range(5)]
    msgid = shop.api.send([*userids, "nobody"], template, values)
    ids = {"msgid": msgid, "user": userids[0], "template": template, "rule": rule}
    ids |= {"sms": shop.code("sms"), "key": shop.key}
    ids["text"] = third_party.asked(shop, "sms", "templates", third_party.CODE)
    own = [f"/c/{shop.key}{path.format(**ids)}" for path in OWN]
    return own + [path.format(**ids) for path in WHOLE]


@pytest.mark.parametrize("look", LOOKS, ids="-".join)
def test_every_page_is_accessible_quiet_and_fits(
    browser: Browser, stack: Mapping[str, Any], paths: list[str], axe: str, look: Any
) -> None:
    visitor = Visitor(browser, stack, look)
    wrong: list[str] = []
    for path in paths:
        visitor.go(path)
        page = visitor.page
        page.evaluate(axe)
        wrong += [f"{path}: {each}" for each in _violations(page)]
        usual = page.viewport_size
        for size in (usual, NARROW):
            page.set_viewport_size(size)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"{path}: wider than {size['width']} px")
        page.set_viewport_size(usual)
    assert not wrong + visitor.complaints, "\n" + "\n".join(wrong + visitor.complaints)
    visitor.context.close()


def _violations(page: Page) -> Iterator[str]:
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    options = json.dumps({"runOnly": {"type": "tag", "values": tags}})
    found = page.evaluate(f"axe.run(document, {options})")
    for violation in found["violations"]:
        nodes = [node["html"][:120] for node in violation["nodes"][:2]]
        yield f"{violation['id']}: {nodes}"


def test_pages_keep_to_their_budgets(
    browser: Browser, stack: Mapping[str, Any], paths: list[str]
) -> None:
    visitor = Visitor(browser, stack, ("zh", "light", "desktop"))
    for path in (paths[0], paths[5]):
        page = visitor.context.new_page()
        sizes: dict[str, int] = {}

        def note(response: Any, sizes: dict[str, int] = sizes) -> None:
            sizes[response.url] = int(response.headers.get("content-length", 0))

        page.on("response", note)
        page.goto(visitor.url + path)
        page.wait_for_load_state("networkidle")
        assert len(sizes) <= BUDGETS["requests"], sorted(sizes)
        assert sum(sizes.values()) <= BUDGETS["bytes"]
        assert sizes[visitor.url + path] <= BUDGETS["html"]
    visitor.context.close()


def test_an_operator_sets_up_sends_watches_and_withdraws(
    browser: Browser, stack: Mapping[str, Any], tmp_path: Path
) -> None:
    """A day from an access channel to the figures, with the console alone."""
    visitor = Visitor(browser, stack, ("en", "light", "desktop"))
    page, mark = visitor.page, str(time.time_ns())[-8:]
    visitor.go("/access/new")
    page.fill("#f-name", f"day {mark}")
    page.click("text=Create it")
    page.click("text=I have saved it")
    key = page.url.rsplit("/", 1)[1]
    code = f"mail{mark}"
    _add_mail(visitor, code, stack)
    visitor.go(f"/access/{key}")
    page.click(f"tr:has-text('{code}') button:has-text('Authorise')")
    page.wait_for_selector("text=The authorisation is changed.")
    _upload(visitor, key, mark, tmp_path)
    visitor.go(f"/c/{key}/templates/new")
    page.fill("#f-name", "hello")
    page.uncheck("input[name=types][value=sms]")
    page.check("input[name=types][value=email]")
    page.click("text=Show the chosen ones")
    page.fill("#f-c-email-subject", "Hello {{name}}")
    page.fill("#f-c-email-text", "Hello {{name}}, welcome")
    page.wait_for_selector("#previews >> text=Hello {{name}}, welcome")
    page.click("button[value=save]")
    page.wait_for_selector("text=Saved.")
    msgid = _send(visitor, key, mark)
    visitor.go(f"/c/{key}/messages/{msgid}/people/{mark}-x")
    assert "Not sent: There is no such user" in page.inner_text("main")
    visitor.go(f"/c/{key}/messages/{msgid}")
    page.click("text=Withdraw >> nth=0")
    page.click("dialog[open] button.solid")
    page.wait_for_selector("text=The message is withdrawn.")
    with page.expect_download() as download:
        visitor.go(f"/c/{key}/stats/messages")
        page.wait_for_selector("text=Export", timeout=30_000)
        page.click("text=Export")
    assert Path(download.value.path()).read_text("utf-8-sig").startswith("time,requests,")
    assert not visitor.complaints
    visitor.context.close()


def _add_mail(visitor: Visitor, code: str, stack: Mapping[str, Any]) -> None:
    visitor.go("/channels/new?platform=smtp")
    page = visitor.page
    page.fill("#f-name", code)
    page.fill("#f-code", code)
    page.fill("#f-options-server", "127.0.0.1")
    page.fill("#f-options-sender", "shop@example.com")
    page.fill("#f-options-port", str(stack["sandbox_smtp"]["smtp"]))
    page.select_option("#f-options-encryption", "none")
    page.click("button:has-text('Add the delivery channel')")
    page.wait_for_selector("text=The delivery channel is added")


def _upload(visitor: Visitor, key: str, mark: str, folder: Path) -> None:
    file = folder / "users.csv"
    rows = [f"{mark}-{n},{mark}-{n}@example.com" for n in range(10)]
    file.write_text("\n".join(["userid,email", *rows]) + "\n")
    visitor.go(f"/c/{key}/imports/new")
    page = visitor.page
    page.select_option("#f-format", "csv")
    page.click("button:has-text('Go on')")
    page.set_input_files("#file", str(file))
    page.click("text=Upload and import")
    page.wait_for_selector("text=Every row was imported.", timeout=60_000)


def _send(visitor: Visitor, key: str, mark: str) -> str:
    visitor.go(f"/c/{key}/send")
    page = visitor.page
    page.fill("#f-userids", ", ".join([*(f"{mark}-{n}" for n in range(10)), f"{mark}-x"]))
    page.fill("#f-v-name", "Li")
    page.press("#f-v-name", "Tab")
    page.wait_for_selector("#sim >> text=1 is left out", timeout=30_000)
    page.click("text=Check and send…")
    page.click("dialog[open] #go")
    page.wait_for_selector("text=The message is accepted.")
    found = re.search(r"/messages/([0-9a-z]{16})", page.url)
    assert found is not None
    return found[1]
