"""Clients that fetch a link: a person's browser, or a bot that looks at it before the person."""

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


def is_bot(headers: Mapping[str, str]) -> bool:
    """Detect a bot by its user agent, or a browser that fetches ahead by its purpose headers.

    Browsers always send a user agent. The names of `headers` are in lower case.
    """
    agent = headers.get("user-agent", "").strip()
    purposes = ("sec-purpose", "purpose", "x-purpose", "x-moz")
    purpose = " ".join(headers.get(name, "") for name in purposes).lower()
    return (
        not agent
        or "prefetch" in purpose
        or "preview" in purpose
        or _BOTS.search(agent[:1000]) is not None
    )
