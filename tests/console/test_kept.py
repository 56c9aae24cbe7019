"""Refused forms keep what was typed, whether they are stale or have an error."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.console.conftest import Browser
from tests.console.html_forms import Shown, form_to
from tests.console.shops import shop as shop

ROWS = re.compile(r"[1-9]:\d|")  # of boxes in the empty row below those that were typed
SENT_FROM = {  # the path of a form, and of its page
    "/access/{key}": "",
    "/members/{other}": "",
    "/channels/sms1": "",
    "/c/{key}/rules/quiet-hours": "/c/{key}/rules",
    "/c/{key}/rules/caps": "/c/{key}/rules",
    "/c/{key}/rules/consents": "/c/{key}/rules",
    "/c/{key}/rules/budget": "/c/{key}/rules",
    "/c/{key}/rules/broadcast-quota": "/c/{key}/rules",
    "/c/{key}/rules/retention": "/c/{key}/rules",
    "/c/{key}/rules/topics/1": "",
    "/c/{key}/rules/callbacks": "",
    "/c/{key}/rules/callbacks/addresses/{address}": "",
    "/c/{key}/review/settings": "",
    "/c/{key}/groups/segments/1": "",
    "/c/{key}/groups/black/1": "",
    "/c/{key}/groups/tags/1": "",
}


def other(form: Shown) -> dict[str, list[str]]:
    """Return other values than a form shows, where it can be seen. Its version is stale."""
    sent = {name: values for name, values in form.fields.items() if name != "csrf"}
    for name in set(sent) - form.hidden - set(form.boxes):
        sent[name] = [
            "7" if not value or value[0].isdigit() else value + "x" for value in sent[name]
        ]
    for name, every in form.boxes.items():
        on = form.fields.get(name, [])
        others = [value for value in every if value not in on][: len(on) or 1]
        sent[name] = others or (on if name in form.selects else [])
    return {**sent, "version": ["999"]}


def differences(sent: dict[str, list[str]], form: Shown) -> dict[str, Any]:
    found = {}
    for name in (set(sent) | set(form.boxes)) - {"version"}:
        shown = form.fields.get(name, [])
        if name in (
            "priorities",
            "origin",
            "most",
            "span",
            "unit",
            "channel",
            "topic",
            "begin",
            "end",
        ):
            shown = [
                value
                for value in shown[: len(sent.get(name, [])) or None]
                if not ROWS.fullmatch(value) or value in sent.get(name, [])
            ]
        if shown != sent.get(name, []) and not re.search("secret", name):
            found[name] = (sent.get(name), shown)
    return found


@pytest.mark.parametrize("to", SENT_FROM)
def test_a_form_that_was_refused_shows_what_was_typed(shop: Browser, to: str) -> None:
    found = re.search(r"addresses/(\w+)/test", shop.get(f"/c/{shop.key}/rules/callbacks").text)
    shop.post("/members/new", {"name": "Ann", "role": "operator"})
    ann = re.search(r'/members/(\w+)">Ann<', shop.get("/members").text)
    assert found is not None
    assert ann is not None
    ids = {"key": shop.key, "address": found[1], "other": ann[1]}
    path, opened = to.format(**ids), (SENT_FROM[to] or to).format(**ids)
    sent = other(form_to(shop.get(opened), path))
    page = shop.post(path, sent)
    assert page.status in (400, 412), page.plain
    assert differences(sent, form_to(page, path)) == {}


def test_a_person_keeps_the_choices_of_topics_that_were_refused(shop: Browser) -> None:
    path = f"/c/{shop.key}/users/u1/preferences"
    quiet = {"begin": "22:00", "end": "07:00", "time_zone": "Nowhere"}
    page = shop.post(path, {"topic": "1", "wanted": ["1.sms"], "first.1": "sms", **quiet})
    form = form_to(page, path)
    assert page.status == 400
    assert (form.fields["wanted"], form.fields["first.1"]) == (["1.sms"], ["sms"])


def test_preferences_that_were_refused_stay(shop: Browser) -> None:
    path = "/account/preferences"
    typed = {"language": "zh", "theme": "dark", "time_zone": "Nowhere"}
    page = shop.post(path, typed)
    assert page.status == 400
    shown = form_to(page, path).fields
    assert {name: shown[name][0] for name in typed} == typed


def test_a_contact_that_nobody_has_stays_in_its_field(shop: Browser) -> None:
    page = shop.post(f"/c/{shop.key}/users", {"type": "email", "contact": "nobody@example.com"})
    assert form_to(page, f"/c/{shop.key}/users").fields["contact"] == ["nobody@example.com"]
