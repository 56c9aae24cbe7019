"""Buttons outside of forms: what the API refuses stands on the page of the button."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chalicelib.console.door import ApiError, Problem
from chalicelib.domain.drafts import DRAFTS
from chalicelib.entrypoints.http.console.api import MemberApi
from tests.console.conftest import Browser
from tests.console.shops import shop as shop
from tests.console.test_again import _me

BY_TAG = {"nodes": ["0", "0.0"], "0.form": "all", "0.0.form": "tag", "0.0.f.tag": "vip"}


def _refuse(*_: Any, **__: Any) -> None:
    raise ApiError(409, [Problem("", "not now")])


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/strategies/1/delete", "push, then SMS"),
        ("/templates/1/archive", "greeting"),
        ("/segments/2/count", "by tag"),
        ("/messages/drafts/{draft}/delete", "Messages"),
    ],
)
def test_a_refusal_stands_on_the_page_of_the_button(
    shop: Browser, monkeypatch: pytest.MonkeyPatch, path: str, title: str
) -> None:
    base = f"/c/{shop.key}"
    shop.post(f"{base}/segments/new", {"do": "save", "name": "by tag", "daily": "1", **BY_TAG})
    shop.post(f"{base}/send", {"do": "draft", "kind": "template", "template": "1"})
    (draft,) = shop.world.records.of(DRAFTS).list(_me(shop))
    monkeypatch.setattr(MemberApi, "change", _refuse)
    page = shop.post(base + path.format(draft=draft.id))
    assert (page.status, page.title) == (409, title)
    assert "not now" in page.plain
    if "segments" in path:
        assert re.search(r'name="daily" value="1" checked', page.text)


def test_members_have_a_way_back_to_the_first_page(shop: Browser) -> None:
    path = f"/c/{shop.key}/groups/segments/1"
    shop.post(f"{path}/members", {"add": ",".join(f"p{n}" for n in range(60))})
    found = re.search(r'rel="next" href="/console([^"]*)"', shop.get(path).text)
    assert found is not None
    assert "First page" in shop.get(found[1].replace("&amp;", "&")).plain


def test_a_refused_import_opens_its_dialog_again(shop: Browser) -> None:
    path = "/channels/sms1/templates"
    assert 'id="import" class="cf" aria' in shop.get(path).text
    page = shop.post(f"{path}/import", {"id": "x" * 500})
    assert page.status == 400
    assert 'id="import" class="cf" data-open' in page.text


def test_the_end_of_a_schedule_is_written_as_other_times(shop: Browser) -> None:
    times = {"when": "repeat", "cron": "0 9 * * *", "time_zone": "UTC", "until": "2030-12-31T23:59"}
    sent = {"do": "send", "once": "k9", "kind": "template", "template": "1", "v.name": "Li"}
    page = shop.post(f"/c/{shop.key}/send", {**sent, **times, "audience": "users", "userids": "u1"})
    found = re.search(r'href="/console(/c/\w+/messages/scheduled/\w+)"', page.text)
    assert found is not None, page.plain
    assert "2030-12-31 23:59" in shop.get(found[1]).plain
