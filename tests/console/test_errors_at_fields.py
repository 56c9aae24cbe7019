"""Refusals of the API stand at the fields of their forms, whatever the API calls the fields."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.console.door import ApiError
from chalicelib.console.visit import Visit
from tests.console.conftest import Browser, Page
from tests.console.html_forms import Shown, address, forms
from tests.console.shops import shop as shop
from tests.console.test_pages import addresses

WRONG = ("x" * 3000, "not valid <>", "-7")
NO_FIELD = ("If-Match", "Idempotency-Key", "")  # what no field of a form stands for
SIGN_IN = ("/sign-in", "/code")  # they never say which of the two is wrong


def at_fields(page: Page) -> str:
    """Return the errors of a page that stand at its fields."""
    found = re.findall(r'(?s)class="errm".*?</div>', page.text)
    return html.unescape(re.sub(r"<[^>]+>", " ", " ".join(found)))


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ApiError]]:
    """Record the refusals that pages show, with the pages' templates."""
    seen: list[tuple[str, ApiError]] = []
    show = Visit.show

    def recording(visit: Visit, page: str, /, **values: Any) -> Any:
        if values.get("error"):
            seen.append((page, values["error"]))
        return show(visit, page, **values)

    monkeypatch.setattr(Visit, "show", recording)
    return seen


def typed_in(shop: Browser) -> Iterator[tuple[str, Shown, str]]:
    """Yield each form of the pages that changes something, and each field that one types in."""
    known = set()
    for path in addresses(shop):
        page = shop.get(path)
        if "html" not in page.headers["Content-Type"]:
            continue
        for form in forms(page):
            to = address(page, form)
            for name in set(form.fields) - form.hidden - set(form.boxes):
                if form.method == "post" and (to, name) not in known and to not in SIGN_IN:
                    known.add((to, name))
                    yield to, form, name


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong[:9])
def test_every_refusal_stands_at_a_field(
    shop: Browser, refused: list[tuple[str, ApiError]], wrong: str
) -> None:
    astray, found = [], 0
    for to, form, name in list(typed_in(shop)):
        shop.world.clock.advance(10)
        refused.clear()
        do = "start" if "ab-tests" in to else "send" if to.endswith("/send") else "save"
        fields = {**form.fields, "do": [do], name: [wrong], "csrf": [shop.csrf]}
        shown = at_fields(shop.post(to, fields))
        for page, error in refused:
            problems = [each for each in error.problems if each.field not in NO_FIELD]
            found += len(problems)
            astray += [(page, name, each) for each in problems if each.reason not in shown]
    assert astray == []
    assert found > 20


def test_contacts_and_tags_of_a_user_have_their_own_errors(shop: Browser) -> None:
    wrong = {"contact.email.all": "not an address", "contact.app.app1": "r1, é", "tags": "a b"}
    page = shop.post(f"/c/{shop.key}/users/new", {"userid": "u9", **wrong})
    assert page.status == 400
    for id in ("f-contact-email-all", "f-contact-app-app1", "f-tags"):
        assert f'id="{id}-e"' in page.text, id
    assert 'id="f-contact-sms-all-e"' not in page.text


def test_the_first_wrong_field_has_the_focus(shop: Browser) -> None:
    """The browser takes the first field that asks for it, and scrolls there."""
    new = f"/c/{shop.key}/users/new"
    first = re.compile(r'<(?:input|textarea|select)[^>]* id="([^"]+)"[^>]* autofocus[ >]')
    body = shop.get(new).text.partition("<main")[2]
    assert first.findall(body) == ["f-userid"]
    page = shop.post(new, {"userid": "u9", "contact.email.all": "no address", "tags": "a b"})
    assert first.findall(page.text.partition("<main")[2]) == ["f-contact-email-all", "f-tags"]
