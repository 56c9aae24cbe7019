"""Choosing third-party templates in an editor: lists, fields, and values that are refused."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.console import contents, labels
from chalicelib.console.door import SESSION, Request
from chalicelib.console.pages.stats import costs
from chalicelib.console.visit import Visit
from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS
from chalicelib.domain.third_party import REGISTERED, Family, Field, Sort
from chalicelib.entrypoints.http.console.door import WorldDoor
from chalicelib.providers.wechat import values
from tests.console.conftest import Browser, Page
from tests.console.test_pages import check
from tests.console.test_third_party import SMS, keep
from tests.console.test_third_party import shop as shop

NEW = "/templates/new"
WECHAT = {"name": "order", "types": ["wechatoa"]}
JSMS = {"name": "code", "types": ["sms"]}
LISTS = "pick:wechatoa:templates:wx1"
TAKES = "take:wechatoa:templates:wx1:tpl1"


@pytest.fixture(autouse=True)
def message(shop: Browser) -> None:
    """Keep a template message, too, and note the key of the access channel."""
    (access,) = shop.world.settings.access_channels()
    shop.key = access.key
    fields = (Field("first", "Greeting"), Field("thing1", "Goods", "thing"), Field("remark"))
    keep(shop, "wx1", "msg1", sort=Sort.MESSAGE, title="Bought", fields=fields)
    for code in ("wx1", "sms1"):
        before = shop.world.settings.channel(code)
        after = replace(before, has_templates=True, version=before.version + 1)
        shop.world.settings.update_channel(before, after)


def edit(shop: Browser, does: str, path: str = NEW, **fields: Any) -> Page:
    return shop.post(f"/c/{shop.key}{path}", {"do": does, **fields})


def error_at(page: Page, name: str) -> str:
    """Return the reason that stands beside a field."""
    id = "f-" + name.replace(".", "-")
    found = re.search(rf'class="errm" id="{re.escape(id)}-e">(.*?)</div>', page.text, re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])) if found else ""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_list_shows_names_states_and_fields_in_the_language(shop: Browser, language: str) -> None:
    shop.language = language
    keep(shop, "wx1", "old", sort=Sort.NOTICE, title="Gone", is_invalid=True)
    page = edit(shop, LISTS, **WECHAT)
    check(page, language)
    words = ("Normal", "Invalid", "Template message") if language == "en" else ("正常", "失效")
    for text in ("title tpl1", "Bought", "Gone", "Order", *words):
        assert text in page.plain, text
    assert page.field("name") == "order"  # what was typed before stays
    assert page.status == 200


def test_a_list_of_other_credentials_is_unknown(shop: Browser) -> None:
    before = shop.world.settings.channel("wx1")
    after = replace(before, sealed_credentials=b"others", version=before.version + 1)
    shop.world.settings.update_channel(before, after)
    assert "Unknown" in edit(shop, LISTS, **WECHAT).plain


def test_a_list_is_searched_by_title_text_and_id(shop: Browser) -> None:
    for text in ("bought", "MSG1"):
        page = edit(shop, LISTS, **WECHAT, **{"pick.text": text}).plain
        assert "Bought" in page
        assert "title tpl1" not in page
    assert "Nothing here has this text." in edit(shop, LISTS, **WECHAT, **{"pick.text": "?"}).plain
    listed = shop.get("/channels/wx1/templates?text=bought").plain
    assert "title tpl1" not in listed


def test_a_choice_fills_in_the_id_the_kind_and_the_fields(shop: Browser) -> None:
    page = edit(shop, TAKES, **WECHAT)
    assert page.field("c.wechatoa.template_id") == "tpl1"
    assert '<option value="1" selected>' in page.text  # it is a notice
    for name, rule in (("thing1", "any text, up to 20 characters"), ("enum2", "one of: sent")):
        assert page.field(f"c.wechatoa.v.{name}") == ""
        assert rule in page.plain
    assert '<option value="sent">' in page.text


def test_another_choice_keeps_values_of_the_same_name(shop: Browser) -> None:
    typed = {"c.wechatoa.v.thing1": "A-7", "c.wechatoa.v.enum2": "sent"}
    page = edit(shop, "take:wechatoa:templates:wx1:msg1", **WECHAT, **typed)
    assert page.field("c.wechatoa.v.thing1") == "A-7"
    assert page.field("c.wechatoa.data") == "enum2 = sent"  # it has no such field
    assert "The template has no such fields" in page.plain


def test_a_template_with_its_values_is_saved_and_shown_again(shop: Browser) -> None:
    typed = {"c.wechatoa.template_id": "tpl1", "c.wechatoa.type": "1", "c.wechatoa.code": "wx1"}
    typed |= {"c.wechatoa.v.thing1": "{{goods}}", "c.wechatoa.v.enum2": "sent"}
    page = edit(shop, "save", **WECHAT, **typed, **{"c.wechatoa.url": "https://shop.example"})
    assert "Saved." in page.plain, page.plain
    stored = _stored(shop)
    assert stored["data"] == {"thing1": {"value": "{{goods}}"}, "enum2": {"value": "sent"}}
    assert (stored["type"], stored["page"]) == (1, "https://shop.example")
    assert page.field("c.wechatoa.v.thing1") == "{{goods}}"
    assert page.field("c.wechatoa.url") == "https://shop.example"
    assert "Order" in page.plain  # people see its labels


def _stored(shop: Browser) -> dict[str, Any]:
    (template,) = shop.world.templates.list(shop.key)
    content = next(iter(template.contents.values()))
    return dict(content)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("thing1", "x" * 21, "must have at most 20 characters"),
        ("enum2", "lost", "must be one of sent"),
        ("enum2", "", "is required"),
    ],
)
def test_a_value_that_its_kind_does_not_allow_is_refused_beside_its_field(
    shop: Browser, name: str, value: str, reason: str
) -> None:
    typed = {"c.wechatoa.template_id": "tpl1", "c.wechatoa.type": "1"}
    typed |= {"c.wechatoa.v.thing1": "A", "c.wechatoa.v.enum2": "sent"}
    typed[f"c.wechatoa.v.{name}"] = value
    page = edit(shop, "save", **WECHAT, **typed)
    assert page.status == 400
    assert reason in error_at(page, f"c.wechatoa.v.{name}")
    assert page.field(f"c.wechatoa.v.{name}") == value
    other = {"thing1", "enum2"} - {name}
    assert not error_at(page, f"c.wechatoa.v.{other.pop()}")
    sent = edit(
        shop, "send", "/send", kind="ordinary", audience="users", userids="u1", **WECHAT, **typed
    )
    assert reason in error_at(sent, f"c.wechatoa.v.{name}"), sent.plain


def test_an_id_can_be_typed_also_of_a_template_that_is_not_known(shop: Browser) -> None:
    typed = {"c.wechatoa.template_id": "elsewhere", "c.wechatoa.data": "thing1 = A"}
    page = edit(shop, "save", **WECHAT, **typed)
    assert "Saved." in page.plain
    assert _stored(shop) == {
        "type": 0,
        "template_id": "elsewhere",
        "data": {"thing1": {"value": "A"}},
    }
    known = edit(shop, "preview", **WECHAT, **{"c.wechatoa.template_id": "msg1"})
    assert known.field("c.wechatoa.v.thing1") == ""


def test_texts_and_signatures_of_sms_are_chosen_and_shown_as_people_see_them(shop: Browser) -> None:
    stored = shop.world.records.of(REGISTERED[Family.TEMPLATE]).get("sms1.7")
    shop.world.records.of(REGISTERED[Family.TEMPLATE]).update(
        stored, replace(stored, text="Your code is {{code}}.", version=2)
    )
    assert "极光" in edit(shop, "pick:sms:signatures:sms1", **JSMS).plain
    page = edit(shop, "take:sms:signatures:sms1:3", **JSMS)
    page = edit(
        shop, "take:sms:templates:sms1:7", **JSMS, **{"c.sms.sign_id": page.field("c.sms.sign_id")}
    )
    assert (page.field("c.sms.temp_id"), page.field("c.sms.v.code")) == ("7", "")
    assert "【极光】Your code is {{code}}." in page.plain
    shown = edit(shop, "preview", **JSMS, **{"c.sms.temp_id": "7", "c.sms.v.code": "1234"})
    assert "Your code is 1234." in shown.plain


def test_a_list_names_the_accounts_to_choose_from(shop: Browser) -> None:
    fields = {**SMS, "name": "Second", "code": "sms2"}
    assert shop.post("/channels/new", fields).status == 200
    shop.post(f"/access/{shop.key}/channels", {"code": "sms2", "do": "on"})
    page = edit(shop, "pick:sms:templates:sms2", **JSMS)
    assert 'value="pick:sms:templates:sms1"' in page.text
    assert "Nothing is kept yet." in page.plain


@pytest.mark.parametrize(
    "does",
    [
        *("pick:", "pick:sms", "pick:app:templates:app1", "take:sms:templates:nobody:1"),
        *("take:sms:templates:sms1:nothing", "take:::::", "pick:wechatoa:x:y:z", "take:a:b"),
    ],
)
def test_a_strange_choice_changes_nothing(shop: Browser, does: str) -> None:
    page = edit(shop, does, **JSMS, **{"c.sms.content": "Hello"})
    assert page.status == 200
    assert page.field("c.sms.content") == "Hello"


def test_every_kind_of_values_has_its_words() -> None:
    assert set(labels.VALUE_KINDS) == set(values.KINDS)


@pytest.mark.parametrize(
    "content",
    [
        {"type": 1, "template_id": "t", "data": {"a": {"value": "1"}}, "page": "https://x.example"},
        {"type": 0, "template_id": "t", "data": {"a": {"value": "1"}}, "url": "https://x.example"},
    ],
)
def test_notices_and_template_messages_have_fields(content: dict[str, Any]) -> None:
    shown = contents.show("wechatoa", content)
    assert "json" not in shown
    assert contents.make("wechatoa", shown) == content


SEEN = {"c.sms.temp_id": "7", "c.sms.sign_id": "3", "c.sms.v.code": "12"}
REGISTERS = ("records.channel.", "records.third_party_")


def pause(shop: Browser, kept: Mapping[str, Any], **typed: str) -> tuple[Page, int]:
    """Pause in typing. Return the new previews, and how often a register was read."""
    log = shop.world.records.steps.log
    before = len(log)
    fields = {**kept, **JSMS, **SEEN, **typed, "do": "preview"}
    page = shop.post(f"/c/{shop.key}{NEW}", fields, hx_request="true")
    assert page.status == 200, page.plain
    reads = [step for step in log[before:] if step.startswith(REGISTERS)]
    return page, len([step for step in reads if not step.endswith(".done")])


def kept_by(page: Page) -> dict[str, str]:
    """Return the fields by which the form remembers."""
    found = re.findall(r'<input type="hidden" name="(k\.[^"]+)" value="([^"]*)">', page.text)
    return {name: html.unescape(text) for name, text in found}


def test_a_pause_in_typing_reads_no_register_again(shop: Browser) -> None:
    keep(shop, "sms1", "70", title="Other", text="Other: {{code}}.", fields=(Field("code"),))
    records = shop.world.records.of(REGISTERED[Family.TEMPLATE])
    stored = records.get("sms1.7")
    records.update(stored, replace(stored, text='"Code" {{code}}.', version=2))
    page = edit(shop, "preview", **JSMS, **SEEN)
    for code in ("1", "12", "123"):
        page, reads = pause(shop, kept_by(page), **{"c.sms.v.code": code})
        assert (reads, f'【极光】"Code" {code}.' in page.plain) == (0, True)
        assert "<h1" not in page.text
    page, reads = pause(shop, kept_by(page), **{"c.sms.temp_id": "70"})
    assert reads > 0
    assert "【极光】Other: 12." in page.plain
    assert pause(shop, kept_by(page), **{"c.sms.temp_id": "70"})[1] == 0


def test_labels_of_fields_are_remembered_and_escaped(shop: Browser) -> None:
    typed = {"c.wechatoa.template_id": "tpl1", "c.wechatoa.v.thing1": "A-7", **WECHAT}
    page = edit(shop, "preview", **typed)
    for text in (page.plain, pause(shop, kept_by(page), **typed)[0].plain):
        assert "title tpl1" in text
        assert "Order A-7" in text
    evil = {**kept_by(page), "k.wechatoa.title": "<script>x", "k.wechatoa.label.thing1": "<b>"}
    assert "<script>x" not in pause(shop, evil, **typed)[0].text


@pytest.mark.parametrize("name", ["title", "text", "sign", "label.", "label.code", "x", "named"])
def test_a_form_that_remembers_only_a_part_is_no_fault(shop: Browser, name: str) -> None:
    named = kept_by(edit(shop, "preview", **JSMS, **SEEN))["k.sms.named"]
    pause(shop, {"k.sms.named": named, f"k.sms.{name}": "<x-evil>"})


def test_every_delivery_channel_can_be_chosen_from_and_has_its_name(shop: Browser) -> None:
    channels = shop.world.records.of(DELIVERY_CHANNELS)
    sms = channels.get("sms1")
    for code in (f"z{number:03}" for number in range(130)):
        channels.put(replace(sms, code=code, name=f"the name of {code}"))
        shop.world.records.of(ACCESS_CHANNELS).set_entry(shop.key, "channels", code, 1)
    page = edit(shop, "pick:sms:templates:sms1", **JSMS)
    assert 'value="pick:sms:templates:z129"' in page.text
    door = WorldDoor(shop.world)
    person = door.sessions.person(shop.cookies[SESSION])
    visit = Visit(door, Request("GET", "/"), "en", person)
    assert costs._names(visit, "delivery_channel")["z129"] == "the name of z129"
