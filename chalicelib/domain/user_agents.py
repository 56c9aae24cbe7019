"""Clients that fetch a link or picture: a person's browser, or a program."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Bots are mail gateways that open every link, previewers of chats, crawlers, and the libraries that
# others are written with. They name themselves. A bot that pretends to be a browser cannot be
# detected. "CUBOT" is a phone.
# DingTalk's bots are DingTalkBot-LinkService and DingTalkBot-SecurityService.
# WeChat, WeCom and Alipay do not publish theirs (2026).
# An app that fetches a link by itself, outside its browser, sends its system library's user agent.
_BOTS = re.compile(
    r"(?<!cu)bot\b|crawler|spider|preview|scan(?:ner|ning)|barracuda|proofpoint|mimecast"
    r"|trend ?micro|symantec|forcepoint|cloudmark"
    r"|google-safety|safelinks|facebookexternalhit|whatsapp/|headless|phantomjs"
    r"|^(?:curl|wget|python|java|go-http-client|libwww|apache-httpclient|axios|node-fetch|php|ruby"
    r"|aiohttp|httpx|okhttp|dalvik)\b"
    r"|^(?!mozilla/).*\bcfnetwork/",
    re.IGNORECASE,
)


# A browser names its engine. The oldest of phones have only a name of their own.
_BROWSERS = re.compile(
    r"applewebkit|\bgecko\b|khtml|trident/|\bmsie \d|presto/|^opera/|opera mini|profile/midp"
    r"|ucweb|uc ?browser|mqqbrowser/",
    re.IGNORECASE,
)
# A program that gives the address of its page, or says that it is "compatible" with a browser.
# Only Internet Explorer was a browser that said so.
_DECLARED = re.compile(r"\+ ?https?://|\bcompatible;(?! ?msie \d)|ms-office", re.IGNORECASE)
LONGEST = 1000  # characters of a user agent that are read


def is_program(headers: Mapping[str, str]) -> bool:
    """Detect whatever does not look like a person's browser. The names are in lower case.

    This is for links, which people open in browsers and in the web views of apps.
    """
    agent = headers.get("user-agent", "")[:LONGEST]
    is_browser = _BROWSERS.search(agent) is not None and _DECLARED.search(agent) is None
    return is_bot(headers) or not is_browser


def is_bot(headers: Mapping[str, str]) -> bool:
    """Detect a bot by its user agent, or a browser that fetches ahead by its purpose headers.

    This is for pictures of mails. A mail program that loads them need not look like a browser.
    Browsers always send a user agent. The names of `headers` are in lower case.
    """
    agent = headers.get("user-agent", "").strip()
    purposes = ("sec-purpose", "purpose", "x-purpose", "x-moz")
    purpose = " ".join(headers.get(name, "") for name in purposes).lower()
    return (
        not agent
        or "prefetch" in purpose
        or "preview" in purpose
        or _BOTS.search(agent[:LONGEST]) is not None
    )
