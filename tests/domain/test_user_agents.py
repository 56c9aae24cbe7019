"""People and bots that fetch links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.user_agents import is_bot, is_program
from tests.domain.user_agents import PEOPLE, PROGRAMS

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Mobile/15E148"
)
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    "agent",
    [
        IPHONE,
        f"{IPHONE} MicroMessenger/8.0.40(0x18002831) NetType/WIFI Language/zh_CN",
        f"{IPHONE} DingTalk/7.0.50",
        f"{WINDOWS} Chrome/120.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) AppleWebKit/537.36",
        "Mozilla/5.0 (Linux; Android 10; CUBOT)",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        f"{IPHONE} wxwork/4.1.26 MicroMessenger/7.0.1 Language/zh",
        f"{IPHONE} AliApp(DingTalk/7.5.10) com.laiwang.DingTalk/33770158",
        f"{IPHONE} AliApp(AP/10.5.90) AlipayClient/10.5.90 Language/zh-Hans",
        f"{IPHONE} WeChat/8.0.49 CFNetwork/1474 Darwin/23.0.0",
    ],
)
def test_a_browser_is_a_person(agent: str) -> None:
    assert not is_bot({"user-agent": agent})


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "  ",
        "curl/8.5.0",
        "Wget/1.21",
        "python-requests/2.31.0",
        "Python-urllib/3.11",
        "Go-http-client/1.1",
        "Java/17.0.1",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Slackbot-LinkExpanding 1.0",
        "Twitterbot/1.0",
        "facebookexternalhit/1.1",
        "WhatsApp/2.23",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
        "BarracudaCentral URL Scanner",
        "Mozilla/5.0 (Windows NT 10.0) SkypeUriPreview Preview/0.5",
        "Mozilla/5.0 HeadlessChrome/120.0",
        "Baiduspider",
        "DingTalkBot-LinkService/1.0 (+https://open-doc.dingtalk.com/microapp/faquestions/ftpfeu)",
        "DingTalkBot-SecurityService/1.0",
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/63.0 Safari/537.36 "
        "DingTalkBot-LinkService/1.0",
        "WeChat/8.0.49.33 CFNetwork/1474 Darwin/23.0.0",
        "DingTalk/7.5.10 CFNetwork/1474 Darwin/23.0.0",
        "okhttp/4.12.0",
        "Dalvik/2.1.0 (Linux; U; Android 14; V2309A Build/UP1A)",
    ],
)
def test_scanners_previewers_and_libraries_are_bots(agent: str) -> None:
    assert is_bot({"user-agent": agent})


@pytest.mark.parametrize("agent", PEOPLE)
def test_a_browser_or_web_view_that_opens_a_link_is_a_person(agent: str) -> None:
    assert not is_program({"user-agent": agent})


@pytest.mark.parametrize("agent", PROGRAMS)
def test_what_does_not_look_like_a_browser_is_a_program(agent: str) -> None:
    assert is_program({"user-agent": agent})


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0",  # the pictures of Apple Mail
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17231; Pro)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    ],
)
def test_a_mail_program_that_loads_a_picture_need_not_look_like_a_browser(agent: str) -> None:
    assert not is_bot({"user-agent": agent})
    assert is_program({"user-agent": agent})


def test_no_user_agent_and_fetching_ahead_are_bots() -> None:
    assert is_bot({})
    assert is_bot({"user-agent": IPHONE, "sec-purpose": "prefetch;prerender"})
    assert is_bot({"user-agent": IPHONE, "purpose": "prefetch"})
    assert is_bot({"user-agent": IPHONE, "x-purpose": "preview"})
    assert is_program({"user-agent": IPHONE, "x-purpose": "preview"})
    assert not is_program({"user-agent": IPHONE})
    assert not is_bot({"user-agent": IPHONE, "purpose": ""})


@given(
    st.dictionaries(st.sampled_from(["user-agent", "purpose", "sec-purpose", "x-moz"]), st.text())
)
def test_any_headers_can_be_read(headers: dict[str, str]) -> None:
    assert is_program(headers) or not is_bot(headers)
