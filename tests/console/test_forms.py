"""Forms: where they go, what they keep after an error, and what they save untouched."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib import console
from chalicelib.console.routes import ROUTES, match
from tests.console.conftest import Browser, Page
from tests.console.html_forms import forms
from tests.console.shops import shop as shop
from tests.console.test_any_form import address

TEMPLATES = sorted(Path(console.__path__[0]).rglob("*.html"))
CHANGES = sorted((r for r in ROUTES if r.method == "POST"), key=lambda r: r.path)


def test_every_form_names_its_address() -> None:
    """A page may answer several forms. The browser sends a form without one to the last of them."""
    found = [
        (path.name, form)
        for path in TEMPLATES
        for form in re.findall(r"<form[^>]*>", path.read_text())
    ]
    assert len(found) > 60
    assert [each for each in found if " action=" not in each[1]] == []


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: route.path)
def test_the_answer_to_a_form_leads_only_to_pages_that_can_be_opened(
    shop: Browser, route: Any
) -> None:
    page = shop.post(address(shop, route.path, {}), {"version": "999", "do": "x"})
    for link in links(page):
        assert match("GET", link) is not None, (route.path, link)


def links(page: Page) -> list[str]:
    """Return the paths that a page leads to, with the one that a change of language opens."""
    if "html" not in page.headers.get("Content-Type", ""):
        return []
    found = [*re.findall(r'(?:href|hx-get)="/console([^"?#]*)', page.text)]
    asked = [f.action or "" for f in forms(page) if f.method == "get"]
    back = re.findall(r'name="back" value="([^"?]*)', page.text)
    return [
        path
        for path in [*found, *(a.removeprefix("/console") for a in asked), *back]
        if path and not path.startswith("/assets")
    ]


def test_settings_can_be_saved_after_a_test_of_an_address(shop: Browser) -> None:
    path = f"/c/{shop.key}/rules/callbacks"
    found = re.search(r"addresses/(\w+)/test", shop.get(path).text)
    assert found is not None
    page = shop.post(f"{path}/addresses/{found[1]}/test")
    form = next(form for form in forms(page) if "states" in form.boxes)
    fields = {**form.fields, "enabled": ["1"], "states": ["4"]}
    shop.post((form.action or page.path).removeprefix("/console"), fields)
    saved = next(form for form in forms(shop.get(path)) if "states" in form.boxes)
    assert saved.fields["states"] == ["4"]


def test_a_refused_deletion_leaves_a_form_that_saves(shop: Browser) -> None:
    page = shop.post("/channels/sms1/delete")
    assert page.status == 409, page.plain
    form = next(form for form in forms(page) if "on_uncertain" in form.fields)
    assert form.action == "/console/channels/sms1"


def test_a_member_whose_login_is_refused_is_shown_with_the_secret(shop: Browser) -> None:
    fields = {"name": "Ann", "role": "operator", "login": "Not a login!"}
    page = shop.post("/members/new", fields)
    assert page.status == 400
    assert "The member is added, but has no login yet." in page.plain
    assert "Access secret, for programs" in page.plain
    assert shop.get("/members").text.count(">Ann</a>") == 1
