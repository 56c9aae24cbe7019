"""Addresses: ids with any sign lead to what they name, and no parameter or cursor is our fault."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import pytest

from chalicelib import console
from chalicelib.console.paths import quoted
from chalicelib.console.routes import ROUTES, match
from chalicelib.console.visit import Visit
from chalicelib.entrypoints.http import cursors
from tests.console import hostile
from tests.console.conftest import Browser
from tests.console.shops import MSGID
from tests.console.shops import shop as shop
from tests.console.test_any_form import READS, address
from tests.entrypoints.http_api import decoded

TEMPLATES = sorted(Path(console.__path__[0]).rglob("*.html"))
# Of Jinja's calls, of methods of ours, and of formats.
NAMES = (
    *("_Context__obj", "_loop_vars", "_block_vars", "__self", "self", "path", "parts", "query"),
    *("args", "kwargs", "caller", "varargs", "changed", "v", "t", "{}", "{0}", "%s", "%(x)s", "中"),
)
IDS = (
    *("a/b", "/", "a?b#c", "100%", "100%done", "%2F", "%252F", "中/文", "..", ".", "a+b c"),
    *("&=;:@", "￥1", "~2F", "~7E2F", "~", "\\evil", "//evil", "a\n"),
)
USERIDS = ("..", "a+b=c", "$#&", "￥1|*", "!@.")  # of those that a user may have


@pytest.mark.parametrize("route", READS, ids=lambda route: route.path)
def test_no_name_of_a_parameter_is_our_fault(shop: Browser, route: Any) -> None:
    for query in (dict.fromkeys(NAMES, "1"), {"_Context__obj": "", "of": "x", "days": "7"}):
        shop.world.clock.advance(1)
        hostile.check(shop.get(f"{address(shop, route.path, {})}?{urlencode(query)}"))


def decoded_twice(path: str) -> str:
    """Decode a path as HTTP APIs did in July 2026, by github.com/hotsock/voker's captures."""
    once = unquote(path.partition("?")[0], errors="strict")
    assert not re.search("%(?![0-9A-F]{2})", once), "refused with 400"
    return unquote(once.partition("?")[0])


@pytest.mark.parametrize("route", READS, ids=lambda route: route.path)
def test_no_cursor_is_our_fault(shop: Browser, route: Any) -> None:
    for position in (99, "zzz", "", "0a/0a"):
        shop.world.clock.advance(1000)
        query = urlencode({"cursor": cursors.cursor(position)})
        hostile.check(shop.get(f"{address(shop, route.path, {})}?{query}"))


@pytest.mark.parametrize("gateway", [decoded, decoded_twice, str])
@pytest.mark.parametrize("id", IDS)
def test_a_path_gives_back_the_ids_that_it_was_made_of(gateway: Any, id: str) -> None:
    for route in ROUTES:
        path = re.sub(r"\{\w+\}", lambda _: quoted(id), route.path)
        assert not {".", ".."} & set(path.replace("%2E", ".").split("/"))
        found = match(route.method, gateway(path))
        assert found is not None, path
        assert found[0].path == route.path
        assert set(found[1].values()) <= {id}


def test_templates_leave_parts_and_queries_of_addresses_to_the_visit() -> None:
    for file in TEMPLATES:
        text = file.read_text()
        assert "urlencode" not in text, file
        assert "v.request.path" not in text, file
        assert not re.search(r"\bv\.(to|at)\([^)]* ~ ", text), file
        assert not re.search(r"\(\s*\*\*|,\s*\*\*", text), (file, "use v.here(name=value)")


def test_pages_leave_parts_of_addresses_to_the_visit() -> None:
    for file in Path(console.__path__[0]).rglob("*.py"):
        assert not re.search(r"visit\.(to|at)\((f[\"']|[^,()]* \+ )", file.read_text()), file


def links(text: str) -> list[str]:
    addresses = [html.unescape(each) for each in re.findall(r'href="([^"]+)"', text)]
    return [each.removeprefix("/console") for each in addresses]


@pytest.mark.parametrize("userid", USERIDS)
def test_links_lead_to_the_person_whatever_the_userid_has(shop: Browser, userid: str) -> None:
    base = f"/c/{shop.key}"
    fields = {"userid": userid, "contact.sms.all": "13900000000"}
    assert shop.post(f"{base}/users/new", fields).title == userid
    (link,) = [each for each in links(shop.get(f"{base}/users").text) if is_of(userid, each)]
    assert shop.get(link).title == userid
    for tab in ("/messages", "/preferences"):
        assert link + tab in links(shop.get(link).text)
        assert shop.get(link + tab).status == 200
    sent = {"do": "send", "once": "other", "kind": "template", "template": "1", "v.name": "Li"}
    more = {"audience": "users", "userids": f"u1\n{userid}", "rule_id": "1", "priority": "2"}
    found = MSGID.search(shop.post(f"{base}/send", {**sent, **more}).path)
    assert found is not None
    for page in (f"{base}/messages/{found[1]}/targets", link + "/messages"):
        ends = [each for each in links(shop.get(page).text) if found[1] in each]
        assert userid in {shop.get(each).title for each in ends}, page


def is_of(userid: str, link: str) -> bool:
    return link.endswith(Visit.to("/users", userid).removeprefix("/console"))


@pytest.mark.parametrize("target", IDS)
def test_a_message_leads_to_the_life_cycle_of_any_target(shop: Browser, target: str) -> None:
    link = Visit.to("/m", shop.msgid, target).removeprefix("/console")
    reply = shop._ask("GET", link, {}, {})
    below = reply.headers["Location"].removeprefix("/console")
    found = match("GET", decoded(urlsplit(below).path))
    assert found is not None
    assert found[0].path.endswith("/people/{target}")
    assert found[1]["target"] == target


def test_a_page_keeps_its_parameters_but_for_those_that_change(shop: Browser) -> None:
    page = shop.get(f"/c/{shop.key}/stats/messages?days=7&of=users&x=%26%3D&done=saved")
    (link,) = [each for each in links(page.text) if "days=90" in each]
    assert link.endswith("/stats/messages?days=90&of=users&x=%26%3D")


def test_a_later_page_of_versions_compares_its_oldest_with_the_one_before(shop: Browser) -> None:
    base = f"/c/{shop.key}/templates/1"
    for number in range(1, 3):
        fields = {"do": "save", "name": "x", "types": "app", "c.app.alert": f"text {number}"}
        assert shop.post(base, {**fields, "version": str(number)}).status == 200
    later = f"{base}/versions?cursor={cursors.cursor(1)}"
    assert "Version 2 against 1" in shop.get(f"{later}&v=2").plain
    assert "<ins>text 1</ins>" in shop.get(f"{later}&v=2").text
    assert "Version 1, the first" in shop.get(f"{base}/versions?v=1").plain
    assert shop.get(f"{base}/versions?cursor={cursors.cursor(99)}").status == 404


def test_too_many_searches_say_when_to_come_again(shop: Browser) -> None:
    replies = [shop.post("/search", {"q": "u1", "channel": shop.key}) for _ in range(7)]
    assert replies[-1].headers["Retry-After"] == "1"
