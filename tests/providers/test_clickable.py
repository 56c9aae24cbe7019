"""Short links in each platform's contents, in the fields that people open by the channel type's
documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import ClickReport, OutgoingCall, Recipient
from chalicelib.domain.templates import map_texts
from chalicelib.domain.user_agents import is_bot
from chalicelib.flow.content import render
from chalicelib.providers import registry
from chalicelib.web.egress import Policy
from infra.demo.platforms import PLATFORMS
from tests.builders import a_channel, a_message, a_template, opened
from tests.fakes.world import FakeWorld
from tests.liveness import eventually
from tests.providers.clickable_cases import ALL_CASES, CASES
from tests.providers.contract import Bench
from tests.providers.sandboxes import Sandbox, running, webhook

BASE = "https://ums.example.com"
CAPABILITIES = registry.capabilities()


class Real:
    """Implements Providers. Checks and capabilities open no connection."""

    def of(self, platform: str) -> Any:
        return registry.load(platform, Policy(("127.0.0.1",)))

    def platforms(self, channel_type: Any) -> Any:
        return registry.platforms_of(channel_type)


def made(
    platform: str, content: Mapping[str, Any], base: str = BASE, **options: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the content of one person's message, and the destinations of its short links."""
    fake = FakeWorld()
    world = replace(fake.ports, providers=Real(), limits=replace(fake.limits, public_url=base))
    channel_type = CAPABILITIES[platform].type
    template = a_template(contents={channel_type: content}, links=frozenset({"url"}))
    channel = a_channel("c", type=channel_type, platform=platform, options=options)
    contents, links = render.prepare(
        world, template, {"name": "Ann", "url": "https://v.example/"}, opened(world, channel)
    )
    message = a_message(contents=contents, links=links, channels={"c": channel_type})
    personal = dict(
        render.personal(world, message, ChunkId(message.msgid, 0), DeliveryRef(0, "c", 0))
    )
    tokens = re.findall(re.escape(f"{base}/l/") + r"([\w-]{36})", str(personal))
    variables = [render.read_link(fake.vault, token).variable for token in tokens]
    return personal, {
        f"{base}/l/{token}": links[sorted(links)[number]]
        for token, number in zip(tokens, variables, strict=True)
    }


def shown(platform: str, content: Mapping[str, Any]) -> Any:
    """Return the person's message, with `<address>` for each short link."""
    personal, addresses = made(platform, content)

    def show(text: str) -> str:
        for link, address in addresses.items():
            text = text.replace(link, f"<{address}>")
        return text

    return map_texts(personal, show)


@pytest.mark.parametrize(("platform", "content", "expected"), ALL_CASES)
def test_short_links_stand_where_people_open_them(
    platform: str, content: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert shown(platform, content) == expected


@pytest.mark.parametrize("platform", CASES)
def test_a_platform_takes_what_stands_in_its_table(platform: str) -> None:
    """The contents are those above, and the same ones with their short links."""
    provider = registry.load(platform, Policy())
    for content, _ in CASES[platform]:
        provider.check_content(content)
        provider.check_content(made(platform, content)[0])


@pytest.mark.parametrize("platform", CAPABILITIES)
def test_no_short_link_is_made_where_an_operator_wants_none_or_the_platform_counts_itself(
    platform: str,
) -> None:
    content, wants = (
        PLATFORMS[platform].content,
        CAPABILITIES[platform].click_report is ClickReport.LINK,
    )
    assert bool(made(platform, content)[1]) is wants
    assert made(platform, content, track_links=False)[1] == {}


# ---- people open links: over the wire to the sandbox, whose person opens the received link


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "platform",
    [
        name
        for name, can in CAPABILITIES.items()
        if can.click_report is ClickReport.LINK and can.clickable
    ],
)
def test_a_person_opens_the_link_that_came(box: Sandbox, platform: str) -> None:
    with webhook() as hook:
        bench = Bench(box, platform, hook)
        base = hook.url.removesuffix("/hook?token=t")
        personal, addresses = made(platform, PLATFORMS[platform].content, base)
        contact = bench.contact("click")
        with bench.session() as session:
            session.send(
                OutgoingCall("m", [Recipient(contact, personal)], session.token_for(personal))
            )
        (link,) = addresses
        opened = eventually(lambda: [seen for seen in hook.seen if link.endswith(seen.path)])
        assert [(seen.method, is_bot(seen.headers)) for seen in opened] == [("GET", False)]
