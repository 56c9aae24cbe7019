"""Who fetches a link: a person's browser, or a program that looks at links before the person does."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Mail gateways that open every link, previewers of chats, crawlers, and the libraries that others are written with. They name
# themselves; who pretends to be a browser cannot be told from one. "CUBOT" is a phone.
_PROGRAMS = re.compile(
    r"(?<!cu)bot\b|crawler|spider|preview|scan(?:ner|ning)|barracuda|proofpoint|mimecast|trend ?micro|symantec|forcepoint|cloudmark"
    r"|google-safety|safelinks|facebookexternalhit|whatsapp/|headless|phantomjs"
    r"|^(?:curl|wget|python|java|go-http-client|libwww|apache-httpclient|axios|node-fetch|php|ruby|aiohttp|httpx)\b",
    re.IGNORECASE,
)


def is_program(headers: Mapping[str, str]) -> bool:
    """By the user agent, which browsers always send, and by what a browser says that fetches ahead. Names are in lower case."""
    agent = headers.get("user-agent", "").strip()
    ahead = f"{headers.get('sec-purpose', '')} {headers.get('purpose', '')} {headers.get('x-moz', '')}".lower()
    return not agent or "prefetch" in ahead or "preview" in ahead or _PROGRAMS.search(agent[:1000]) is not None
