"""A/B tests in the console: simulated, started, watched, decided and cancelled."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.console.labels import AB_FAILURES, AB_TESTS
from chalicelib.domain.rules.ab_tests import Phase
from chalicelib.domain.rules.schedules import Outcome
from chalicelib.entrypoints.lambdas.schedules import schedules as function
from tests.console.conftest import Browser, Page
from tests.console.shops import shop as shop
from tests.console.test_pages import check

PEOPLE = [f"p{n:02d}" for n in range(30)]
FIELDS = {
    "name": "Spring",
    "audience": "users",
    "who": "\n".join(PEOPLE),
    "values": "name = Li",
    "holdout": "10",
    "metric": "clicked",
    "length": "1",
    "unit": "h",
    "confidence": "95",
    "if_winner": "send",
    "if_none": "ask",
    "once": "k",
    "name.0": "a",
    "share.0": "30",
    "template.0": "1",
    "name.1": "b",
    "share.1": "30",
    "template.1": "1",
    "rule.1": "1",
}


def posted(shop: Browser, do: str, **changes: Any) -> Page:
    return shop.post(f"/c/{shop.key}/messages/ab-tests/new", {**FIELDS, "do": do, **changes})


def started(shop: Browser, **changes: Any) -> Page:
    page = posted(shop, "start", **changes)
    assert page.title == "Spring", page.plain
    return page


def address(page: Page) -> str:
    return page.path.partition("?")[0].removeprefix("/console")


def end(shop: Browser, page: Page) -> Page:
    """Let an hour pass, and call the function as the scheduler does."""
    clock: Any = shop.world.clock
    clock.advance(3600)
    for id in shop.world.wakeups.take(clock.now()):
        function({"id": id}, None)
    return shop.get(address(page))


def test_a_test_is_simulated_with_what_was_typed(shop: Browser) -> None:
    page = posted(shop, "simulate")
    assert page.status == 200, page.plain
    assert "What would happen" in page.plain
    assert (page.field("name"), page.field("share.1")) == ("Spring", "30")
    assert not shop.world.stored.ab_tests(shop.key, "", 9)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_test_that_runs_says_that_nothing_is_decided(shop: Browser, language: str) -> None:
    page = started(shop)
    shop.language = language
    page = shop.get(address(page))
    check(page, language)
    assert ("still running" if language == "en" else "仍在进行") in page.plain
    listed = shop.get(f"/c/{shop.key}/messages/ab-tests")
    assert "Spring" in listed.plain
    check(listed, language)
    check(posted(shop, "simulate"), language)


def test_two_clicks_start_one_test(shop: Browser) -> None:
    assert address(started(shop)) == address(started(shop))


def test_a_member_sends_a_variant_to_the_rest(shop: Browser) -> None:
    page = end(shop, started(shop))
    assert "None has won" in page.plain
    sent = shop.post(f"{address(page)}/winner", {"variant": "b", "version": page.field("version")})
    assert "Sent to the rest" in sent.plain
    assert re.search(r'href="/console/c/\w+/messages/[0-9a-v]{16}">[0-9a-v]{16}<', sent.text)
    again = shop.post(f"{address(page)}/winner", {"variant": "a", "version": page.field("version")})
    assert again.status == 412


def test_a_test_is_cancelled(shop: Browser) -> None:
    page = started(shop)
    fields = {"version": page.field("version"), "withdraw": "1"}
    assert "Cancelled" in shop.post(f"{address(page)}/cancel", fields).plain


def test_a_refused_test_says_why_beside_the_field(shop: Browser) -> None:
    page = posted(shop, "start", **{"share.0": "90"})
    assert page.status == 400
    assert "exceed 100 percent" in page.plain
    assert page.field("share.0") == "90"
    assert posted(shop, "start", **{"at.1": "tomorrow"}).status == 400
    assert posted(shop, "start", confidence="much").status == 400


def test_a_broadcast_and_a_time_are_tested(shop: Browser) -> None:
    page = started(shop, audience="everyone", **{"at.1": "2027-06-01T09:00"})
    assert page.status == 200
    tagged = started(shop, audience="tags", who="a", once="k2")
    assert address(tagged) != address(page)


def test_every_state_and_reason_has_its_words() -> None:
    assert set(AB_TESTS) == {phase.value for phase in Phase}
    outcomes = {outcome.value for outcome in Outcome if outcome is not Outcome.SENT}
    assert set(AB_FAILURES) == {*outcomes, "cancelled", "withdrawn", "deleted"}


def test_what_cannot_be_used_cannot_be_chosen(shop: Browser) -> None:
    shop.post(f"/access/{shop.key}/channels", {"code": "app1", "do": "off"})
    page = shop.get(f"/c/{shop.key}/messages/ab-tests/new")
    assert page.text.count('<option value="1" disabled>greeting · cannot be used<') == 5
    assert page.text.count('<option value="1" disabled>push, then SMS · cannot be used<') == 5


def test_an_error_of_a_variant_stands_below_its_row(shop: Browser) -> None:
    """The third row is the second variant, as the second row has no name."""
    third = {"name.2": "b", "share.2": "30", "template.2": "1", "at.2": "soon"}
    page = posted(shop, "start", **{"name.1": "", **third})
    assert page.status == 400
    rows = page.text.split("<tr>")
    place = next(n for n, row in enumerate(rows) if 'name="name.2"' in row)
    assert 'id="v2-e"' in rows[place + 1]
