"""The person who opens a link: request the first address of a text as a browser would."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape

from infra.sandbox.accounts import is_local
from infra.sandbox.outbox import Outbox, Parcel

OPENED_AFTER = 0.2  # seconds from the delivery

_URL = re.compile(r"https?://[^\s\"'<>()\[\]{}，。；！？、）】》]+", re.IGNORECASE)
_END = ".,;:!?"
_BROWSER = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0"
    " Chrome/120.0 Mobile Safari/537.36"
)
# The apps' browsers add these names. People use them: an app's link checker has another name.
_APPS = {
    "wechat": (
        "XWEB/1160117 MMWEBSDK/20240404 MicroMessenger/8.0.49.2600(0x2800313D) WeChat/arm64 Weixin"
        " NetType/WIFI Language/zh_CN"
    ),
    "wecom": "wxwork/4.1.26 MicroMessenger/7.0.1 Language/zh ColorScheme/Light",
    "dingtalk": (
        "AliApp(DingTalk/7.5.10) com.alibaba.android.rimet/33770158 Channel/700159 language/zh-CN"
    ),
    "alipay": (
        "NebulaSDK/1.8.100112 Nebula AliApp(AP/10.5.90.8000) AlipayClient/10.5.90.8000"
        " Language/zh-Hans"
    ),
}


def first_local_link(texts: Iterable[str]) -> str | None:
    for text in texts:
        for match in _URL.findall(text):
            url = unescape(match).rstrip(_END)
            if is_local(url):
                return url
    return None


def open_first(outbox: Outbox, texts: Iterable[str], delay: float, provider: str = "") -> None:
    """Open the first link in the provider's app, a moment after the delivery in `delay` seconds.

    The outbox counts the request under `links`.
    """
    url = first_local_link(texts)
    if url is not None:
        headers = {
            "User-Agent": f"{_BROWSER} {_APPS.get(provider, '')}".strip(),
            "Accept": "text/html",
        }
        outbox.send(Parcel("links", url, method="GET", headers=headers), delay + OPENED_AFTER)
