"""Contents and options from the fields of forms, and back."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.console import contents
from chalicelib.console.pages.channels.page import VALUES
from tests.console.conftest import Browser
from tests.console.html_forms import save_untouched
from tests.console.shops import shop as shop

MAIL = {"do": "save", "name": "mail", "types": "email", "c.email.subject": "Offers"}


def test_a_mail_of_html_is_saved_with_its_plain_text(shop: Browser) -> None:
    path = f"/c/{shop.key}/templates"
    typed = {"c.email.html": "<p>Hello {{name}}</p>", "c.email.text": "Hello {{name}}"}
    page = shop.post(f"{path}/new", {**MAIL, **typed})
    assert page.status == 200, page.plain
    assert page.field("c.email.html") == typed["c.email.html"]
    assert page.field("c.email.text") == typed["c.email.text"]
    assert "Show the mail" in page.plain
    assert save_untouched(shop, f"{path}/2", do="save").status == 200
    made = contents.make("email", {"subject": "Offers", "html": "<p>x", "text": "x"})
    assert made == {"subject": "Offers", "text": "<p>x", "html": True, "plain_text": "x"}


@pytest.mark.parametrize(
    "content",
    [
        {"subject": "s", "text": "plain"},
        {"subject": "s", "text": "<p>x</p>"},
        {"subject": "s", "text": "<p>x</p>", "html": True},
        {"subject": "s", "text": "<p>x</p>", "html": True, "plain_text": "x"},
        {"subject": "s", "text": "<p>x</p>", "html": False},
        {"subject": " s", "text": "x\n"},
        {"subject": "s", "text": "x\r\ny"},
    ],
)
def test_a_mail_comes_back_from_its_fields(content: dict[str, Any]) -> None:
    shown = contents.show("email", content)
    sent = {name: text.replace("\r\n", "\n").strip() for name, text in shown.items()}
    assert contents.make_any("email", sent) == content


@pytest.mark.parametrize("kind", contents.FIELDS)
def test_fields_that_cannot_hold_blanks_and_lines_leave_the_content_as_json(kind: str) -> None:
    for text in (" x", "x\n", "x\r\ny"):
        typed = {field.name: text for field in contents.FIELDS[kind] if not field.choices}
        assert set(contents.show(kind, contents.make(kind, typed))) == {"json"}, text


def test_an_option_that_is_a_text_may_be_digits(shop: Browser) -> None:
    options = {
        "platform": "chuanglan",
        "name": "sms",
        "code": "sms9",
        "options.signature": "360",
        "options.extend": "12",
        "credentials.account": "12",
        "credentials.password": "34",
        "credentials.report_token": "56",
    }
    page = shop.post("/channels/new", options)
    assert "must be a text" not in page.plain
    assert "access_number" not in VALUES
    assert "supplier" not in VALUES


def test_a_credential_that_is_an_object_is_read_as_one(shop: Browser) -> None:
    fields = {"platform": "jpush", "name": "push", "code": "push9", "credentials.app_key": "k"}
    typed = {"credentials.master_secret": "s", "credentials.receipt_fields": "{}"}
    page = shop.post("/channels/new", {**fields, **typed})
    assert "must be an object" not in page.plain
