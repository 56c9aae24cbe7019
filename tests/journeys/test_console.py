"""The console in a browser: every page in both languages and themes, wide and narrow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.console.build import node_modules
from infra.demo import third_party
from infra.demo.client import Shop
from tests.journeys.visitor import Browser, Page, Visitor, needs_chromium
from tests.journeys.visitor import browser as browser

pytestmark = [
    pytest.mark.stack,
    needs_chromium,
]

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
    "/stats/requests",
    "/stats/costs",
    "/stats/costs?by=month&of=template",
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
    "/inbox",
    "/inbox?type=email",
    "/account",
    "/account/second-factor",
]


@pytest.fixture(scope="module")
def axe() -> str:
    return (node_modules() / "axe-core" / "axe.min.js").read_text()


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
        page.wait_for_selector(".htmx-request", state="detached")  # which dims what it replaces
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
    # A mail stands in a frame that takes no messages, so axe cannot ask what is in it.
    options: dict[str, Any] = {"runOnly": {"type": "tag", "values": tags}, "iframes": False}
    options["resultTypes"] = ["violations"]
    violations = f"axe.run(document, {json.dumps(options)}).then(found => found.violations)"
    for violation in page.evaluate(violations):
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
