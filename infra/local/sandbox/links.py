"""The person who opens the link: finds the first address in a text and asks for it as a browser would."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape

from infra.local.sandbox.accounts import is_local
from infra.local.sandbox.outbox import Outbox, Parcel

OPENED_AFTER = 0.2  # seconds from the delivery

_URL = re.compile(r"https?://[^\s\"'<>()\[\]{}，。；！？、）】》]+", re.IGNORECASE)
_END = ".,;:!?"
_BROWSER = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) sandbox", "Accept": "text/html"}


def first_local_link(texts: Iterable[str]) -> str | None:
    for text in texts:
        for found in _URL.findall(text):
            url = unescape(found).rstrip(_END)
            if is_local(url):
                return str(url)
    return None


def open_first(outbox: Outbox, texts: Iterable[str], delay: float) -> None:
    """Opens it a moment after the delivery, which is in `delay` seconds; counted under `links`."""
    url = first_local_link(texts)
    if url is not None:
        outbox.send(Parcel("links", url, method="GET", headers=_BROWSER), delay + OPENED_AFTER)
