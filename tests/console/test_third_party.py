"""Third-party templates in the console: lists with states, forms, and the provider's library."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.third_party import (
    LIBRARIES,
    REGISTERED,
    Category,
    Family,
    Field,
    Keyword,
    Library,
    Registered,
    Review,
    Sort,
    Title,
)
from chalicelib.flow import certificates, third_party
from tests.console.conftest import Browser
from tests.console.test_pages import check

SMS = {"platform": "jsms", "credentials.app_key": "k", "credentials.master_secret": "s"}
WECHAT = {"platform": "wechatoa", "credentials.app_id": "wx1", "credentials.app_secret": "s"}
TEXT = "您的验证码是{{code}}，2分钟内有效。"


@pytest.fixture
def shop(browser: Browser) -> Browser:
    """Two delivery channels with templates of each state and review."""
    key = browser.post("/access/new", {"name": "shop"}).text.split("/console/access/")[1][:24]
    for code, fields in (("sms1", SMS), ("wx1", WECHAT)):
        assert browser.post("/channels/new", {"name": code, "code": code, **fields}).status == 200
        browser.post(f"/access/{key}/channels", {"code": code, "do": "on"})
    keep(browser, "sms1", "7", fields=(Field("code"),), category=Category.VERIFICATION.value)
    keep(browser, "sms1", "8", review=Review.REFUSED, reason="spam", text=TEXT)
    keep(browser, "sms1", "9", is_invalid=True)
    keep(browser, "sms1", "3", sort=Sort.SIGNATURE, title="极光")
    fields = (Field("thing1", "Order", "thing"), Field("enum2", "State", "enum", ("sent",)))
    keep(browser, "wx1", "tpl1", sort=Sort.NOTICE, fields=fields)
    keywords = {"99": (Keyword(1, "Order", "A-7", "character_string"),)}
    titles = (Title("99", "Order sent"), Title("100", "Trip", is_long_term=True))
    browser.world.records.of(LIBRARIES).put(Library("wx1", titles, keywords, 1_800_000_000_000))
    return browser


def keep(browser: Browser, code: str, id: str, **changes: Any) -> None:
    channel = browser.world.settings.channel(code)
    fields = {"sort": Sort.TEXT, "title": f"title {id}", **changes}
    found = Registered(code, id, account=channel.credentials_fingerprint, **fields)
    browser.world.records.of(REGISTERED[found.sort.family]).put(found)


PAGES = [
    *("/channels/sms1/templates", "/channels/sms1/signatures", "/channels/wx1/templates"),
    *("/channels/sms1/templates/new", "/channels/sms1/signatures/new"),
    *("/channels/sms1/templates/7", "/channels/sms1/templates/8", "/channels/sms1/signatures/3"),
    *("/channels/wx1/templates/tpl1", "/channels/wx1/library", "/channels/wx1/library?text=trip"),
    *("/channels/wx1/library/99", "/channels/wx1/library/100"),
]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_answers_in_the_language(shop: Browser, language: str) -> None:
    shop.language = language
    for path in PAGES:
        page = shop.get(path)
        assert page.status == 200, (path, page.plain)
        check(page, language)


def test_a_list_shows_states_reviews_and_what_can_be_done(shop: Browser) -> None:
    page = shop.get("/channels/sms1/templates").plain
    for words in ("Normal", "Invalid", "Refused", "spam", "Approved", "Refresh", "New text"):
        assert words in page, words
    other = shop.get("/channels/wx1/templates").plain
    assert "Public library" in other
    assert "New text" not in other
    assert "Third-party templates" in shop.get("/channels/sms1").plain


def test_a_channel_of_other_credentials_shows_unknown(shop: Browser) -> None:
    before = shop.world.settings.channel("sms1")
    after = replace(before, sealed_credentials=b"others", version=before.version + 1)
    shop.world.settings.update_channel(before, after)
    assert "Unknown" in shop.get("/channels/sms1/templates").plain


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/channels/sms1/templates/refresh", {}),
        ("/channels/sms1/templates/import", {"id": "37582"}),
        ("/channels/sms1/templates/7/delete", {}),
        ("/channels/sms1/templates/new", {"text": "hi", "category": "notice", "remark": "x"}),
        ("/channels/sms1/signatures/new", {"text": "极光推送", "type": "1"}),
        ("/channels/sms1/signatures/refresh", {}),
        ("/channels/sms1/signatures/import", {"id": "4"}),
        ("/channels/sms1/signatures/3/delete", {}),
        ("/channels/sms1/templates/8", {"text": "hi", "category": "notice", "version": "1"}),
        ("/channels/wx1/library/sync", {}),
        ("/channels/wx1/library/99/keywords", {}),
        ("/channels/wx1/library/99", {"keywords": ["1"], "scene": "x"}),
    ],
)
def test_what_is_asked_of_a_slow_provider_is_said(
    shop: Browser, path: str, fields: dict[str, Any]
) -> None:
    page = shop.post(path, fields)
    assert page.status == 200
    assert "The provider is slow" in page.plain
    assert len(shop.world.queues.sent) == 1


def test_what_was_typed_stays_with_the_reason_beside_its_field(shop: Browser) -> None:
    fields = {"text": "{{code}} {{name}}", "category": "verification", "seconds": "60"}
    page = shop.post("/channels/sms1/templates/new", fields)
    assert page.status == 400
    assert page.field("text") == "{{code}} {{name}}"
    assert "one variable" in page.plain
    assert not shop.world.queues.sent


def test_a_template_is_entered_where_the_provider_cannot_be_asked(shop: Browser) -> None:
    fields = {"id": "tpl2", "title": "Order", "text": "Order: {{thing1.DATA}}"}
    page = shop.post("/channels/wx1/templates/import", fields)
    assert "Done" in page.plain
    assert "tpl2" in page.plain
    assert "thing1" in shop.get("/channels/wx1/templates/tpl2").plain


def test_what_is_gone_is_deleted_at_once(shop: Browser) -> None:
    page = shop.post("/channels/sms1/templates/9/delete")
    assert page.status == 200
    assert "title 9" not in page.plain
    kept = shop.world.records.of(REGISTERED[Family.TEMPLATE]).list("sms1")
    assert [each.id for each in kept] == ["7", "8"]


PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
SIGNATURE = {"text": "极光推送", "type": "1", "remark": "shop"}


def test_certificates_are_uploaded_with_a_signature(shop: Browser) -> None:
    page = shop.upload("/channels/sms1/signatures/new", SIGNATURE, {"a.png": PNG, "b.png": PNG})
    assert page.status == 200, page.plain
    assert "The provider is slow" in page.plain
    (job,) = [envelope.job for envelope in shop.world.queues.sent]
    order = third_party._read(shop.world, job.id)
    assert order is not None
    draft = certificates.together(shop.world, ChannelType.SMS, job.id, order, order.draft)
    assert draft.images == (PNG, PNG)
    assert (draft.text, draft.type) == ("极光推送", 1)


def test_another_file_is_refused_beside_its_field_and_texts_stay(shop: Browser) -> None:
    page = shop.upload("/channels/sms1/signatures/new", SIGNATURE, {"a.gif": b"GIF89a"})
    assert page.status == 400
    assert "PNG or JPEG" in page.plain
    assert 'id="f-images-e"' in page.text
    assert page.field("text") == "极光推送"
    assert not shop.world.queues.sent


def test_a_signature_needs_no_file(shop: Browser) -> None:
    page = shop.upload("/channels/sms1/signatures/new", SIGNATURE, {"": b""})
    assert "The provider is slow" in page.plain
    assert not shop.world.files.stored


def test_a_form_that_is_too_large_is_refused_with_the_reason(shop: Browser) -> None:
    page = shop.upload("/channels/sms1/signatures/new", SIGNATURE, {"a.png": bytes(4_500_000)})
    assert page.status == 413
    assert "too large" in page.plain


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 403), (b"--", 400), (b"------boundary\r\n", 400), (b"\x00" * 99, 400)],
)
def test_a_form_that_cannot_be_read_changes_nothing(
    shop: Browser, body: bytes, status: int
) -> None:
    headers = {"content-type": "multipart/form-data; boundary=----boundary"}
    page = shop._ask("POST", "/channels/sms1/signatures/new", body, headers)
    assert page.status == status  # the empty one has no token
    assert not shop.world.queues.sent
