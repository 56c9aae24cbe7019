"""Copies of messages, drafts, targets by reason, and preferences, on pages."""

from __future__ import annotations

import re
from typing import Any

from chalicelib.domain.drafts import DRAFTS
from chalicelib.domain.members import Role
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import single
from tests.console.conftest import Browser, a_member
from tests.console.shops import shop as shop


def base(browser: Browser) -> str:
    return f"/c/{browser.key}"


def compose(browser: Browser, **changes: Any) -> dict[str, Any]:
    fields = {"do": "send", "once": "k2", "kind": "template", "template": "1", "priority": "1"}
    return {**fields, "audience": "users", "userids": "u1", "v.name": "Wang", **changes}


def test_a_copy_opens_the_form_as_the_message_was(shop: Browser) -> None:
    fields = compose(shop, title="Winter sale", owner="Chen", rule_id="1", userids="u1\nu2")
    sent = shop.post(f"{base(shop)}/send", {**fields, "v.name": "Li"})
    assert "Winter sale" in sent.title
    msgid = sent.path.split("/messages/")[1].partition("?")[0]
    page = shop.get(f"{base(shop)}/send?again={msgid}")
    assert page.field("userids") == "u1\nu2"
    assert (page.field("title"), page.field("owner")) == ("Winter sale", "Chen")
    assert page.field("v.name") == "Li"
    assert re.search(r'name="rule_id".*?value="1" selected', page.text, re.DOTALL)


def test_a_copy_of_contacts_has_them_whole_and_stands_in_the_audit_log(shop: Browser) -> None:
    fields = compose(shop, audience="contacts", contact_type="sms", contacts="13800000000")
    sent = shop.post(
        f"{base(shop)}/send",
        {
            **fields,
            "kind": "ordinary",
            "types": ["sms"],
            "c.sms.temp_id": "1",
            "c.sms.temp_para": "n = x",
        },
    )
    msgid = sent.path.split("/messages/")[1].partition("?")[0]
    shown = shop.get(f"{base(shop)}/messages/{msgid}/contents")
    assert "138****0000" in shown.text
    assert "13800000000" not in shown.text
    page = shop.get(f"{base(shop)}/send?again={msgid}")
    assert page.field("contacts") == "13800000000"
    assert "/messages/{msgid}/body" in shop.get("/audit").text


def test_contents_are_shown_and_a_message_is_sent_again_once(shop: Browser) -> None:
    path = f"{base(shop)}/messages/{shop.msgid}"
    page = shop.get(f"{path}/contents")
    assert "Hello Li" in page.text
    once = {"once": page.field("once")}
    first, second = (shop.post(f"{path}/again", once) for _ in range(2))
    assert first.path == second.path
    assert "sent again" in first.plain
    assert shop.msgid not in first.path


def test_a_draft_is_kept_opened_changed_and_sent(shop: Browser) -> None:
    send, drafts = f"{base(shop)}/send", f"{base(shop)}/messages/drafts"
    page = shop.post(send, compose(shop, do="draft", userids="", draft_name="Winter"))
    assert "The draft is saved." in page.plain
    assert "Winter" in page.plain
    (draft,) = shop.world.records.of(DRAFTS).list(_me(shop))
    page = shop.get(f"{send}?draft={draft.id}")
    assert (page.field("v.name"), page.field("draft_name")) == ("Wang", "Winter")
    known = {"draft": draft.id, "version": page.field("version")}
    shop.post(send, compose(shop, do="draft", draft_name="Summer", **known))
    assert "Summer" in shop.get(drafts).plain
    sent = shop.post(send, compose(shop, draft=draft.id))
    assert "The message is accepted." in sent.plain
    assert "You have no drafts" in shop.get(drafts).plain


def test_a_draft_is_deleted(shop: Browser) -> None:
    shop.post(f"{base(shop)}/send", compose(shop, do="draft"))
    (draft,) = shop.world.records.of(DRAFTS).list(_me(shop))
    page = shop.post(f"{base(shop)}/messages/drafts/{draft.id}/delete")
    assert "You have no drafts" in page.plain


def _me(browser: Browser) -> str:
    from chalicelib.domain.logins import LOGINS
    from tests.console.conftest import NAME

    (login,) = (each for each in browser.world.records.of(LOGINS).list() if each.name == NAME)
    return str(login.key)


def test_targets_are_listed_by_reason_and_shown_whole_to_operators(shop: Browser) -> None:
    message = shop.world.messages.get(shop.msgid)
    assert single.chunk_of(shop.world, ChunkId(shop.msgid, 0), message) is not None
    path = f"{base(shop)}/messages/{shop.msgid}"
    whole = shop.get(f"{path}/targets")
    assert "u2" in whole.plain
    lost = shop.get(f"{path}/targets?reason=unknown_user")
    assert "There is no such user" in lost.plain
    assert "/people/u1" not in lost.text
    page = shop.get(f"{path}/people/u1")
    assert "The user exists" in page.plain
    shown = shop.post(f"{path}/people/u1")
    assert "13800000000" in shown.text
    a_member(shop.world, Role.READ_ONLY, "other")
    other = Browser(shop.world)
    other.sign_in("other")
    assert "Show whole" not in other.get(f"{path}/people/u1").plain
    assert other.post(f"{path}/people/u1").status == 403


def test_preferences_hold_on_every_browser(shop: Browser) -> None:
    page = shop.post("/account/preferences", {"language": "zh", "theme": "dark"})
    assert 'lang="zh-Hans"' in page.text
    assert 'data-theme="dark"' in page.text
    other = Browser(shop.world)
    assert 'lang="zh-Hans"' in other.sign_in().text
    wrong = shop.post("/account/preferences", {"time_zone": "Mars/Base"})
    assert wrong.status == 400
    shop.post("/account/preferences", {"language": "en", "time_zone": "America/New_York"})
    assert "UTC-" in shop.get(f"{base(shop)}/messages/{shop.msgid}/people/u1").plain


def test_a_strategy_says_how_many_of_a_thousand_each_step_would_reach(shop: Browser) -> None:
    page = shop.get(f"{base(shop)}/strategies/1")
    assert "Of 1,000 people" in page.plain
    assert "too little was sent to know" in page.plain
