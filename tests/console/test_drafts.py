"""Drafts keep what stands in the form of a message."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.console.conftest import Browser
from tests.console.html_forms import form_to
from tests.console.shops import shop as shop

TIMES = {
    "later": {"at": "2030-07-01T09:30"},
    "later without a time": {"when": "later"},
    "by their own clock": {"when": "later", "at": "2030-07-01T09:30", "zone_attribute": "tz"},
    "repeat": {"cron": "0 9 * * mon-fri", "until": "2030-12-31T23:59", "if_late": "5"},
    "repeat without a time": {"when": "repeat"},
    "date": {"attribute": "birthday", "days": "-3", "time": "08:15", "yearly": "1"},
}


def draft(shop: Browser, **fields: Any) -> str:
    """Keep a draft. Return the address of its form."""
    send = f"/c/{shop.key}/send"
    sent = {"do": "draft", "kind": "template", "template": "1", "audience": "users", **fields}
    page = shop.post(send, sent)
    assert "The draft is saved." in page.plain
    (listed,) = _drafts(shop)
    return f"{send}?draft={listed.id}"


def _drafts(shop: Browser) -> Any:
    from chalicelib.domain.drafts import DRAFTS
    from tests.console.test_again import _me

    return shop.world.records.of(DRAFTS).list(_me(shop))


@pytest.mark.parametrize("case", TIMES)
def test_a_draft_keeps_its_time_of_sending(shop: Browser, case: str) -> None:
    typed = {"when": case, "time_zone": "Europe/Paris", **TIMES[case]}
    if typed["when"] == "later" and "zone_attribute" not in typed:
        del typed["time_zone"]  # the time is by the clock of the page
    page = shop.get(draft(shop, **typed))
    shown = form_to(page, f"/c/{shop.key}/send").fields
    assert {name: shown.get(name) for name in typed} == {n: [text] for n, text in typed.items()}


def test_a_draft_that_leaves_at_once_has_no_time(shop: Browser) -> None:
    path = draft(shop, when="now", at="2030-07-01T09:30")
    assert form_to(shop.get(path), f"/c/{shop.key}/send").fields["when"] == ["now"]


def test_a_draft_with_a_time_is_scheduled(shop: Browser) -> None:
    page = shop.get(draft(shop, when="later", at="2030-07-01T09:30", userids="u1"))
    fields = {**form_to(page, f"/c/{shop.key}/send").fields, "do": ["send"], "v.name": ["Li"]}
    sent = shop.post(f"/c/{shop.key}/send", fields)
    assert "The message is scheduled." in sent.plain
    assert "2030-07-01 09:30" in sent.plain


def test_the_other_kind_of_message_keeps_all_that_was_typed(shop: Browser) -> None:
    path = f"/c/{shop.key}/send"
    page = shop.get(draft(shop, userids="u1\nu2", title="Winter", when="repeat", cron="0 9 * * *"))
    typed: dict[str, Any] = form_to(page, path).fields | {"v.name": ["Li"]}
    ordinary = form_to(shop.post(path, {**typed, "do": ["ordinary"]}), path).fields
    assert ordinary["kind"] == ["ordinary"]
    for name in ("draft", "version", "userids", "title", "when", "cron"):
        assert ordinary[name] == typed[name], name
    ordinary["c.sms.content"] = ["A sale\nfrom today"]
    back = form_to(shop.post(path, {**ordinary, "do": ["template"]}), path).fields
    assert {name: back[name] for name in typed} == typed
    again = form_to(shop.post(path, {**back, "do": ["ordinary"]}), path).fields
    assert again["c.sms.content"] == ["A sale\nfrom today"]


def test_enter_does_not_switch_the_kind_of_message(shop: Browser) -> None:
    """Browsers press the first button of a form, wherever in the page it stands."""
    for query, first in (("", "check"), ("?kind=ordinary", "types")):
        page = shop.get(f"/c/{shop.key}/send{query}").text
        assert re.findall(r'<button[^>]* name="do" value="([^"]*)"', page)[0] == first
