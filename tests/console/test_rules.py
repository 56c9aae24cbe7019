"""Rules of an access channel by the console: each form saves, refuses, and keeps what was typed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from chalicelib.domain import keys
from chalicelib.domain.callbacks import Attempt, Batch, BatchState
from chalicelib.manage.imports import sheets
from tests.console.conftest import Browser, Page
from tests.console.shops import CALLBACK
from tests.console.shops import shop as shop

WINDOW = {"begin": "22:00", "end": "08:00", "time_zone": "Asia/Shanghai", "action": "hold"}
CAP = {"most": "3", "span": "7", "unit": "days", "channel": "", "topic": "", "priorities": "0:2"}


@pytest.fixture
def rules(shop: Browser) -> str:
    return f"/c/{shop.key}/rules"


def save(shop: Browser, path: str, fields: dict[str, Any], at: str = "") -> Page:
    """Send a form with the version that its page has."""
    version = shop.get(at or path.rpartition("/")[0]).field("version")
    return shop.post(path, {"version": version, **fields})


def wrong(page: Page, place: str) -> str:
    """Return the reason that stands at a place of a form."""
    found = re.search(rf'id="{place}-e">(.*?)</div>', page.text, re.DOTALL)
    assert found is not None, page.plain
    return re.sub(r"<[^>]+>", "", found[1]).strip()


def test_quiet_hours_are_set_refused_beside_their_row_and_switched_off(
    shop: Browser, rules: str
) -> None:
    page = save(shop, f"{rules}/quiet-hours", {**WINDOW, "priorities": ["0:2", "0:3"]})
    assert "Saved." in page.plain
    assert page.field("begin") == "22:00"
    refused = save(shop, f"{rules}/quiet-hours", {**WINDOW, "end": "", "priorities": "0:2"})
    assert refused.status == 400
    assert wrong(refused, "w0")
    assert refused.field("begin") == "22:00"
    off = save(shop, f"{rules}/quiet-hours", {**WINDOW, "begin": "", "end": ""})
    assert off.field("begin") == ""


def test_caps_are_set_in_days_and_a_wrong_number_stays_in_its_row(
    shop: Browser, rules: str
) -> None:
    page = save(shop, f"{rules}/caps", CAP)
    assert (page.field("most"), page.field("span")) == ("3", "7")
    cap = shop.world.settings.access_channel(shop.key).rules["caps"]
    assert "168" in json.dumps(cap)
    refused = save(shop, f"{rules}/caps", {**CAP, "most": "many"})
    assert refused.status == 400
    assert refused.field("most") == "many"
    assert wrong(refused, "c0")
    assert save(shop, f"{rules}/caps", {**CAP, "most": "", "span": ""}).field("most") == ""


@pytest.mark.parametrize(
    ("rule", "field", "good", "bad"),
    [
        ("broadcast-quota", "per_day", "2", "two"),
        ("retention", "days", "30", "900"),
        ("consents", "purpose", "marketing", "NOT one"),
    ],
)
def test_a_rule_of_one_field_is_set_refused_and_switched_off(
    shop: Browser, rules: str, rule: str, field: str, good: str, bad: str
) -> None:
    assert save(shop, f"{rules}/{rule}", {field: good}).field(field) == good
    refused = save(shop, f"{rules}/{rule}", {field: bad})
    assert (refused.status, refused.field(field)) == (400, bad)
    assert wrong(refused, f"f-{field}")
    assert save(shop, f"{rules}/{rule}", {field: ""}).field(field) == ""


def test_a_rule_that_somebody_else_changed_is_not_overwritten(shop: Browser, rules: str) -> None:
    stale = shop.get(rules).field("version")
    save(shop, f"{rules}/retention", {"days": "30"})
    assert shop.post(f"{rules}/retention", {"version": stale, "days": "9"}).status == 412
    assert shop.get(rules).field("days") == "30"


def test_words_are_added_searched_switched_and_removed(shop: Browser, rules: str) -> None:
    page = shop.post(f"{rules}/words", {"words": "gamble, 彩票", "enabled": "0"})
    assert "3 words" in page.plain
    assert "gamble off Switch on" in page.plain
    found = shop.get(f"{rules}/words?text=GAM").plain
    assert "gamble" in found
    assert "lottery" not in found
    assert "gamble on" in shop.post(f"{rules}/words/one", {"word": "gamble", "do": "on"}).plain
    gone = shop.post(f"{rules}/words/one", {"word": "gamble", "do": "remove"})
    assert "gamble" not in gone.plain
    on = save(shop, f"{rules}/words/switch", {"on": "1"})
    assert "with a sensitive word are refused" in on.plain
    assert "No word has that part" in shop.get(f"{rules}/words?text=zzz").plain


def test_a_file_of_words_is_taken_whole_or_its_wrong_rows_are_named(
    shop: Browser, rules: str
) -> None:
    def sent(*rows: list[str]) -> Page:
        page = shop.get(f"{rules}/words/upload")
        key = page.field("key")
        content = sheets.write_workbook(("word", "enabled"), rows)
        shop.world.files.write(key, content, "")
        return shop.post(f"{rules}/words/upload", {"upload": page.field("upload")})

    refused = sent(["good", "on"], ["bad", "maybe"], ["…", "on"])
    assert "Nothing was changed." in refused.plain
    assert "row 3" in refused.plain
    assert "row 4" in refused.plain
    assert "2 words" in sent(["good", "on"]).plain
    assert "The file is ready." in shop.post(f"{rules}/words/export").plain


def test_a_topic_is_changed_and_deleted(shop: Browser, rules: str) -> None:
    page = save(shop, f"{rules}/topics/1", {"name": "News", "opt_in": "1"}, f"{rules}/topics/1")
    assert page.title == "News"
    refused = save(shop, f"{rules}/topics/1", {"name": "", "purpose": "no good"}, page.path)
    assert (refused.status, refused.field("purpose")) == (400, "no good")
    assert wrong(refused, "f-purpose")
    assert "No topics yet" in shop.post(f"{rules}/topics/1/delete").plain


def test_contacts_are_suppressed_looked_up_lifted_and_exported(shop: Browser) -> None:
    base = f"/c/{shop.key}/suppressions"
    for action, state in (("add", "is suppressed"), ("lift", "is not suppressed")):
        shop.post(base, {"type": "sms", "contacts": "13900000000", "do": action})
        page = shop.post(f"{base}/search", {"kind": "sms", "contact": "139 0000 0000"})
        assert state in page.plain
        assert page.field("contact") == "139 0000 0000"
    refused = shop.post(base, {"type": "sms", "contacts": "nobody", "do": "add"})
    assert refused.status == 400
    assert wrong(refused, "f-contacts")
    assert "No contact is suppressed" in shop.post(f"{base}/export").plain
    shop.post(base, {"type": "email", "contacts": "a@example.com", "do": "add"})
    assert "1 contact" in shop.post(f"{base}/export").plain


def an_address(shop: Browser) -> str:
    found = re.search(r"addresses/([0-9a-f]{8})/test", shop.get(calls_of(shop)).text)
    assert found is not None
    return found[1]


def calls_of(shop: Browser) -> str:
    return f"/c/{shop.key}/rules/callbacks"


def test_callback_addresses_are_tested_paused_resumed_changed_and_deleted(shop: Browser) -> None:
    base = calls_of(shop)
    one = f"{base}/addresses/{an_address(shop)}"
    tested = shop.post(f"{one}/test")
    assert "https://shop.example.com/c The receiver" in tested.plain
    assert "Its calls are held" in save(shop, f"{one}/pause", {"do": "pause"}, base).plain
    assert "paused" in shop.get(base).plain
    assert "gets calls again" in save(shop, f"{one}/pause", {"do": "resume"}, base).plain
    secret = save(shop, f"{one}/secret", {"grace": "0"}, one)
    assert "whsec_" in secret.plain
    changed = save(shop, one, {**CALLBACK, "retries": "long"}, one)
    assert "Saved." in changed.plain
    refused = save(shop, one, {**CALLBACK, "url": "ftp://nowhere"}, one)
    assert wrong(refused, "f-url")
    assert refused.field("url") == "ftp://nowhere"
    other = {"url": "https://b.example.com/c", "auth": "signature", "retries": "long"}
    assert "Signing secret" in shop.post(f"{base}/addresses", other).plain
    ids = re.findall(r'id="del-([0-9a-f]{8})"', shop.get(base).text)
    assert len(ids) == 1, "the default cannot be deleted"
    gone = save(shop, f"{base}/addresses/{ids[0]}/delete", {}, base)
    assert "b.example.com" not in gone.plain


def test_states_are_chosen_and_none_at_all_is_refused(shop: Browser) -> None:
    base = calls_of(shop)
    page = save(shop, base, {"enabled": "1", "states": ["2", "4"]}, base)
    assert len(re.findall(r'name="states"[^>]*checked', page.text)) == 2
    assert wrong(save(shop, base, {"enabled": "1"}, base), "states")


def test_calls_are_listed_read_and_made_again(shop: Browser) -> None:
    base, now = calls_of(shop), shop.world.clock.now()
    id = keys.message_id(now - 1000, b"abcd")
    attempts = (Attempt(now - 900, 500, ""), Attempt(now - 800, 0, "timeout"))
    body = b'[{"type": 2, "msgid": "m"}]'
    shop.world.callbacks.put(
        Batch(id, shop.key, an_address(shop), 1, body, now, BatchState.FAILED, 2, attempts)
    )
    listed = shop.get(base).plain
    assert "failed" in listed
    assert "timeout" in listed
    call = shop.get(f"{base}/calls/{id}").plain
    assert '"msgid": "m"' in call
    assert "500" in call
    assert "GET /admin/v1/access-channels/{key}/callbacks/batches/{id}" in shop.get("/audit").plain
    again = {"since": "2027-01-15T00:00", "until": "2027-01-16T00:00", "states": ["failed"]}
    assert "made again" in shop.post(f"{base}/replay", again).plain
    refused = shop.post(f"{base}/replay", {**again, "since": "soon"})
    assert (refused.status, refused.field("since")) == (400, "soon")
    assert wrong(shop.post(f"{base}/replay", {**again, "until": again["since"]}), "f-until")


def test_reviews_are_required_of_some_messages_and_of_templates(shop: Browser) -> None:
    path = f"/c/{shop.key}/review/settings"
    key = re.search(r'name="messages0" value="(\w+)"', shop.get(path).text)
    assert key is not None
    row = {"origin": "console", "kinds": "0:template", "audiences": ["0:everyone", "0:sets"]}
    page = save(shop, path, {**row, "messages0": key[1], "templates0": key[1]}, path)
    assert "Saved." in page.plain
    assert re.search(r'value="0:everyone" checked', page.text)
    refused = save(shop, path, row, path)
    assert refused.status == 400
    assert wrong(refused, "messages")
    assert re.search(r'value="0:everyone" checked', refused.text), "what was ticked stays"
    assert "Saved." in save(shop, path, {"origin": ""}, path).plain
