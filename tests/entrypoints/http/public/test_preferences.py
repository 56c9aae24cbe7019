"""The page of preferences: shown, saved, in both languages, without script, for its reader only."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.flow import preferences
from chalicelib.flow.preferences import Person
from tests.entrypoints.conftest import KEY, Api, Reply
from tests.entrypoints.http.admin.test_caps import a_topic

_ATTRIBUTE = re.compile(r'(\w+)(?:="([^"]*)")?')
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def a_reader(api: Api, userid: str = "user1") -> str:
    """Return the path of a reader's page."""
    contacts = {"phone": {"all": "18756432567"}, "email": {"all": "li@example.com"}}
    api.users([{"userid": "user1", **contacts}])
    person = Person(KEY, userid, ChannelType.EMAIL, "li@example.com")
    return f"/p/{preferences.token(api.world.vault, person)}"


def post(api: Api, path: str, *fields: tuple[str, str]) -> Reply:
    return api("POST", path, raw=urlencode(fields).encode(), headers=FORM, auth=None)


def test_the_page_shows_topics_and_channels_of_the_reader(configured: Api) -> None:
    a_topic(configured, name="Sales <b>", description="News & more")
    page = configured("GET", a_reader(configured), auth=None)
    text = page.body.decode()
    assert page.status == 200
    assert "Sales &lt;b&gt;" in text
    assert "News &amp; more" in text
    assert text.count("checked") == 2
    assert ("短信" in text, "App 推送" in text, "免打扰" in text) == (True, False, True)
    assert "<script" not in text


def test_the_page_is_in_the_language_of_the_browser(configured: Api) -> None:
    a_topic(configured)
    path = a_reader(configured)
    english = configured("GET", path, headers={"Accept-Language": "en-GB,zh;q=0.5"}, auth=None)
    assert b"What you want to get" in english.body
    assert b'lang="en"' in english.body


def test_the_page_is_strict(configured: Api) -> None:
    headers = configured("GET", a_reader(configured), auth=None).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_choices_are_saved_and_shown(configured: Api) -> None:
    first, second = a_topic(configured), a_topic(configured, name="News")
    path = a_reader(configured)
    quiet = (("begin", "22:00"), ("end", "08:00"), ("zone", "Asia/Shanghai"))
    prefers = ((f"f{first}", "sms"), (f"f{second}", "sms"), ("f99", "sms"))
    saved = post(configured, path, ("t", f"{first}.sms"), ("t", "99.sms"), *prefers, *quiet)
    assert saved.status == 200
    assert "已保存" in saved.body.decode()
    shown = configured("GET", path, auth=None).body.decode()
    assert shown.count("checked") == 1
    assert f'value="{first}.sms" checked' in shown
    assert 'value="22:00"' in shown
    assert shown.count("selected") == 1 + 1  # nothing is preferred for the other topic
    assert '<option value="sms" selected>短信' in shown
    person = configured.admin("POST", "users/user1/export").json
    assert person["preferences"] == {
        KEY: {
            "topics": {str(first): ["sms"], str(second): []},
            "quiet": ["22:00", "08:00", "Asia/Shanghai"],
            "first": {str(first): "sms"},
        }
    }


def shown_to(api: Api, path: str) -> list[tuple[str, str]]:
    """Return the fields that a browser posts of a page as it is."""
    text = api("GET", path, auth=None).body.decode()
    inputs = [dict(_ATTRIBUTE.findall(tag)) for tag in re.findall("<input ([^>]*)>", text)]
    posted = [tag for tag in inputs if tag["type"] != "checkbox" or "checked" in tag]
    return [(tag["name"], tag["value"]) for tag in posted]


def test_what_a_reader_did_not_see_stays_as_it_is(configured: Api) -> None:
    """A page may be open for days. Topics and contacts come about meanwhile."""
    first, path = a_topic(configured), a_reader(configured)
    form = shown_to(configured, path)
    second = a_topic(configured, name="News")
    third = a_topic(configured, name="Events", opt_in=True)
    configured.users([{"userid": "user1", "wechatoa": {"all": "o1"}}])
    left = [field for field in form if field != ("t", f"{first}.sms")]
    text = post(configured, path, *left).body.decode()
    wanted = set(re.findall(r'value="(\d+\.\w+)" checked', text))
    assert f"{first}.sms" not in wanted
    assert f"{first}.email" in wanted
    assert {f"{second}.{kind}" for kind in ("sms", "email")} <= wanted
    assert not any(box.startswith(f"{third}.") for box in wanted)
    assert (f"{first}.wechatoa" in wanted) == ("wechatoa" in text)


def test_a_topic_that_came_after_the_page_was_shown_keeps_its_choice(configured: Api) -> None:
    path = a_reader(configured)
    old = a_topic(configured)
    fields = [field for field in shown_to(configured, path) if field[0] in ("topics", "kinds")]
    new = a_topic(configured, name="News")
    shown = post(configured, path, ("t", f"{old}.sms"), *fields).body.decode()
    boxes = {f"{old}.sms", f"{new}.sms", f"{new}.email"}
    assert set(re.findall('value="([^"]+)" checked', shown)) == boxes


@pytest.mark.parametrize(
    "fields",
    [
        (("begin", "25:00"), ("end", "08:00"), ("zone", "Asia/Shanghai")),
        (("begin", "22:00"), ("end", "8"), ("zone", "Asia/Shanghai")),
        (("begin", "22:00"), ("end", "08:00"), ("zone", "Nowhere/Land")),
        (("begin", "22:00"), ("end", "08:00")),
    ],
)
def test_a_wrong_quiet_time_is_refused(
    configured: Api, fields: tuple[tuple[str, str], ...]
) -> None:
    path = a_reader(configured)
    assert post(configured, path, *fields).status == 400


@pytest.mark.parametrize("body", [b"\xff", b"&".join([b"t=1.sms"] * 1001), b"", b"t=%zz&x"])
def test_any_form_is_answered(configured: Api, body: bytes) -> None:
    reply = configured("POST", a_reader(configured), raw=body, headers=FORM, auth=None)
    assert reply.status in (200, 400)


@pytest.mark.parametrize("token", ["x", "x" * 2000, "abc.def", "é"])
def test_a_token_that_nobody_made_opens_nothing(configured: Api, token: str) -> None:
    from urllib.parse import quote

    assert configured("GET", f"/p/{quote(token)}", auth=None).status == 404
    path = a_reader(configured)
    middle = len(path) // 2
    forged = path[:middle] + ("A" if path[middle] != "A" else "B") + path[middle + 1 :]
    assert post(configured, forged).status == 404


def test_the_page_of_a_user_who_is_gone_is_that_of_the_contact(configured: Api) -> None:
    a_topic(configured)
    path = a_reader(configured, "nobody")
    assert configured("GET", path, auth=None).body.decode().count("checked") == 1
    assert post(configured, path).body.decode().count("checked") == 0
