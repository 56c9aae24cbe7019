"""Who fetches a link: a person's browser, or a program that looks at links before the person does."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Mail gateways that open every link, previewers of chats, crawlers, and the libraries that others are written with. They name
# themselves; who pretends to be a browser cannot be told from one. "CUBOT" is a phone. DingTalk's are DingTalkBot-LinkService and
# DingTalkBot-SecurityService; WeChat, WeCom and Alipay publish none (2026). An app that looks at a link by itself, not in its browser,
# says what its system's library says.
_PROGRAMS = re.compile(
    r"(?<!cu)bot\b|crawler|spider|preview|scan(?:ner|ning)|barracuda|proofpoint|mimecast|trend ?micro|symantec|forcepoint|cloudmark"
    r"|google-safety|safelinks|facebookexternalhit|whatsapp/|headless|phantomjs"
    r"|^(?:curl|wget|python|java|go-http-client|libwww|apache-httpclient|axios|node-fetch|php|ruby|aiohttp|httpx|okhttp|dalvik)\b"
    r"|^(?!mozilla/).*\bcfnetwork/",
    re.IGNORECASE,
)


def is_bot(headers: Mapping[str, str]) -> bool:
    """By the user agent, which browsers always send, and by what a browser says that fetches ahead. Names are in lower case."""
    agent = headers.get("user-agent", "").strip()
    ahead = " ".join(
        headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")
    ).lower()
    return (
        not agent
        or "prefetch" in ahead
        or "preview" in ahead
        or _PROGRAMS.search(agent[:1000]) is not None
    )
