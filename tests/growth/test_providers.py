"""Contents and webhooks of every platform of the registry take no more than their share.

Platforms, their contents and their accounts come from the registry and from the sandbox. So a new
platform is covered without a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest

from chalicelib.domain.errors import OpenUMSError
from chalicelib.domain.provider_io import WebhookRequest
from chalicelib.domain.templates import render, variables
from chalicelib.providers import registry
from chalicelib.web.egress import Policy
from infra.demo.platforms import PLATFORMS
from tests.growth.hostile import BODIES, PIECES
from tests.growth.measure import check_growth

CONTENT = 24_000  # characters of a text
POST = 200_000  # bytes of a webhook
NOW = 1_700_000_000_000
STACK = {"sandbox_url": "http://127.0.0.1", "sandbox_cmpp": 7890, "sandbox_smtp": {"smtp": 25}}

FORMS: Mapping[str, Callable[[int], str]] = {
    "fields": lambda size: "a=b&" * (size // 4),
    "names": lambda size: "&".join(f"a{n}=b" for n in range(size // 8)),
    "escapes": lambda size: "a=" + "%E4" * (size // 3),
    "json in a form": lambda size: "data=" + "%5B" * (size // 3),
    "rpts": lambda size: "rpts=" + "%7B" * (size // 3),
}
XMLS: Mapping[str, Callable[[int], str]] = {
    "elements": lambda size: "<xml>" + "<a>1</a>" * (size // 8) + "</xml>",
    "open elements": lambda size: "<a>" * (size // 3),
    "deep elements": lambda size: "<a>" * (size // 7) + "</a>" * (size // 7),
    "attributes": lambda size: "<xml " + " ".join(f'a{n}=""' for n in range(size // 9)) + "/>",
    "references": lambda size: "<xml>" + "&lt;" * (size // 4) + "</xml>",
    "pieces of text": lambda size: "<xml>" + "<![CDATA[x]]>" * (size // 13) + "</xml>",
    "an entity": lambda size: '<!DOCTYPE x [<!ENTITY a "x">]><x>' + "&a;" * (size // 3) + "</x>",
    "encrypted": lambda size: f"<xml><Encrypt>{'A' * size}</Encrypt></xml>",
    "blanks": lambda size: "<xml" + " " * size,
}
REPORT = (
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    "--b\nContent-Type: message/delivery-status\n\n"
)
REPORTS: Mapping[str, Callable[[int], str]] = {
    "blocks": lambda size: REPORT + "Action: delayed\n\n" * (size // 17),
    "fields of a block": lambda size: REPORT + "a: b\n" * (size // 5),
    "lines of a field": lambda size: REPORT + "Status:" + "\n " * (size // 2),
    "a status": lambda size: REPORT + "Action: failed\nStatus: " + "5." * (size // 2),
    "a diagnosis": lambda size: REPORT + "Action: failed\nDiagnostic-Code: " + "5.1" * (size // 3),
    "parts": lambda size: REPORT + "--b\n\n" * (size // 5),
    "a head": lambda size: REPORT.replace("\n\n", "\n" + "a: b\n" * (size // 5) + "\n", 1),
    "references": lambda size: REPORT + "Original-Envelope-Id: " + "<a@b> " * (size // 6),
    "a boundary": lambda size: "Content-Type: multipart/report; boundary=" + '"' * size + "\n\n",
}
QUERIES = (
    {},
    {"signature": "s", "timestamp": str(NOW // 1000), "nonce": "n", "echostr": "e"},
    {"msg_signature": "s", "timestamp": str(NOW // 1000), "nonce": "n", "encrypt_type": "aes"},
)


def _places(value: Any) -> Iterator[Callable[[Any], Any]]:
    """Yield a change for each text of a content: it puts another text in its place."""
    if isinstance(value, str):
        yield lambda text: text
    elif isinstance(value, dict):
        for name, field in value.items():
            for put in _places(field):
                yield lambda text, name=name, put=put: {**value, name: put(text)}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_content_takes_no_more_than_its_share(platform: str) -> None:
    provider, places = registry.load(platform, Policy()), list(_places(PLATFORMS[platform].content))

    def build(size: int) -> Callable[[], object]:
        texts = [piece * (size // len(piece)) for piece in PIECES]
        contents = [put(text) for put in places for text in texts]

        def work() -> None:
            for content in contents:
                variables(content)
                render(content, {"a": "x"})
                with suppress(OpenUMSError):
                    provider.check_content(content)

        return work

    check_growth(build, CONTENT)


@pytest.mark.parametrize("platform", registry.capabilities())
def test_a_post_takes_no_more_than_its_share(platform: str) -> None:
    provider = registry.load(platform, Policy())
    made = PLATFORMS[platform].make(STACK, f"code{platform}", "0a1b2c3d")
    secret = provider.webhook_secret(made.credentials)
    makers = [*BODIES.values(), *FORMS.values(), *XMLS.values(), *REPORTS.values()]

    def build(size: int) -> Callable[[], object]:
        posts = [
            WebhookRequest("POST", {}, query, make(size).encode(), NOW)
            for make in makers
            for query in QUERIES
        ]

        def work() -> None:
            for post in posts:
                with suppress(OpenUMSError):
                    provider.read_webhook(post, secret)

        return work

    check_growth(build, POST)


def test_every_platform_of_the_registry_has_a_content_to_grow() -> None:
    assert set(PLATFORMS) == set(registry.capabilities())
