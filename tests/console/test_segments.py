"""Segments by rules in the console: an estimate while editing, an exact count, and the rates."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.console.pages.groups.page import PAGE
from chalicelib.domain.members import Role
from chalicelib.flow import segment_counts
from tests.builders import a_user
from tests.console.conftest import Browser, a_member
from tests.console.shops import shop as shop  # a fixture

RULE = {
    "nodes": ["0", "0.0", "0.1", "0.1.0"],
    "0.form": "all",
    "0.0.form": "attribute",
    "0.0.f.attribute": "points",
    "0.0.f.is": "at_least",
    "0.0.f.value": "100",
    "0.1.form": "any",
    "0.1.0.form": "contact",
    "0.1.0.f.contact": "email",
    "0.1.0.negated": "1",
}


@pytest.fixture
def crowd(shop: Browser) -> Browser:
    for n in range(20):
        user = a_user(f"p{n:02d}", text=f"1390000{n:04d}", mail="" if n % 2 else f"{n}@example.com")
        shop.world.users.has(replace(user, attributes={"points": 10 * n}))
    return shop


def saved(crowd: Browser) -> Any:
    base = f"/c/{crowd.key}/segments"
    page = crowd.post(f"{base}/new", {**RULE, "do": "save", "name": "rich", "daily": "1"})
    assert page.path == f"{base}/2?done=saved", page.plain
    return crowd.get(f"{base}/2")


def test_a_rule_is_put_together_with_an_estimate(crowd: Browser) -> None:
    base = f"/c/{crowd.key}/segments/new"
    assert "Fill in all conditions" in crowd.get(base).plain
    page = crowd.post(base, {**RULE, "do": "show"})
    assert "Estimate" in page.plain
    assert 'class="rule-n num">20' not in page.text
    assert 'class="rule-n num">10' in page.text, "nobody of the shop is reached by e-mail"
    more = crowd.post(base, {**RULE, "do": "add:0.1", "0.1.new": "message"})
    assert more.text.count('name="nodes"') == 5
    assert "Fill in all conditions" not in more.plain
    assert "interactions are not kept" in more.plain


def test_a_segment_is_saved_counted_and_shown(crowd: Browser) -> None:
    page = saved(crowd)
    assert page.title == "rich"
    assert page.field("0.0.f.value") == "100"
    assert "It was never counted exactly." in page.plain
    counting = crowd.post(f"{page.path}/count")
    assert "0 % of the users were looked at" in counting.plain
    assert 'hx-trigger="every 2s"' in counting.text
    while (envelope := crowd.world.queues.take()) is not None:
        segment_counts.count(crowd.world, envelope.job)
    counted = crowd.get(page.path)
    assert "Size over time" in counted.plain
    assert 'class="rule-n num">10' in counted.text
    listed = crowd.get(f"/c/{crowd.key}/segments")
    assert "by rules" in listed.plain
    assert f"{page.path}" in listed.text


def test_what_is_wrong_stands_beside_its_condition(crowd: Browser) -> None:
    wrong = {**RULE, "0.0.f.value": "many", "do": "save", "name": "rich"}
    page = crowd.post(f"/c/{crowd.key}/segments/new", wrong)
    assert page.status == 400
    assert 'class="errm"' in page.text
    assert page.field("0.0.f.value") == "many"


def test_a_rule_that_the_editor_cannot_show_is_kept(crowd: Browser) -> None:
    page = saved(crowd)
    rule = {"tag": "a"}
    group = crowd.world.records.of(_segments()).get(2)
    crowd.world.records.of(_segments()).update(group, replace(group, rule=rule, version=2))
    assert "The editor cannot show all of this rule" in crowd.get(page.path).plain
    crowd.post(page.path, {"do": "save", "name": "renamed", "version": "2"})
    kept = crowd.world.records.of(_segments()).get(2)
    assert (kept.name, kept.rule) == ("renamed", rule)


def test_a_reader_sees_the_segment_and_changes_nothing(crowd: Browser) -> None:
    page = saved(crowd)
    a_member(crowd.world, Role.READ_ONLY, "reader")
    reader = Browser(crowd.world)
    reader.sign_in("reader")
    seen = reader.get(page.path)
    assert seen.status == 200
    assert "Operators see an estimate here." in seen.plain
    assert reader.post(f"{page.path}/count").status == 403


def _segments() -> Any:
    from chalicelib.domain.groups import GROUPS, Family

    return GROUPS[Family.SEGMENT]


def test_tags_that_users_carry_go_on_behind_the_first_page(shop: Browser) -> None:
    base = f"/c/{shop.key}"
    fields = {"userid": "tagged", "tags": ",".join(f"t{number:02}" for number in range(60))}
    assert shop.post(f"{base}/users/new", fields).title == "tagged"
    first = shop.get(f"{base}/tags")
    assert ("t00" in first.plain, "t59" in first.plain) == (True, False)
    following = re.search(rf'href="/console({base}/tags\?used=[^"]+)"', first.text)
    assert following is not None
    second = shop.get(html.unescape(following[1]))
    assert ("t00" in second.plain, "t59" in second.plain) == (False, True)
    part = re.search(rf'hx-get="/console({base}/tags/used[^"]+)"', second.text)
    assert part is not None
    counted = shop.get(html.unescape(part[1]), hx_request="true")
    assert ("t59" in counted.plain, "First page" in counted.plain) == (True, True)


def test_a_whitelist_is_found_behind_a_page_of_blacklists(shop: Browser) -> None:
    base = f"/c/{shop.key}/lists"
    for number in range(PAGE):
        shop.post(f"{base}/black", {"name": f"black {number}"})
    shop.post(f"{base}/white", {"name": "the white one"})
    first = shop.get(f"{base}/white")
    assert ("the white one" in first.plain, "Next page" in first.plain) == (True, False)
