"""The table of platforms at the sandbox, and the page with their costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.providers import registry
from infra.bench import channels
from infra.bench import page as bench_page
from infra.demo import platforms
from infra.sandbox.behaviour import Behaviour, of

STACK = {"sandbox_url": "http://127.0.0.1:1", "sandbox_cmpp": 7890, "sandbox_smtp": {"smtp": 2525}}
KINDS = [kind.value for kind in ChannelType]


def test_every_platform_has_a_row_and_every_channel_type_a_usual_one() -> None:
    capabilities = registry.capabilities()
    assert {name: row.type for name, row in platforms.PLATFORMS.items()} == {
        name: platform.type.value for name, platform in capabilities.items()
    }
    assert {kind: capabilities[name].type.value for kind, name in platforms.USUAL.items()} == {
        kind: kind for kind in KINDS
    }
    assert (
        frozenset(kind.value for kind in ChannelType if kind.bound_by_code)
        == platforms.BOUND_BY_CODE
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", platforms.DIGITS)
def test_a_contact_brings_about_what_it_says(kind: str, name: str) -> None:
    behaviour = Behaviour.DELIVERED if name == "deliver" else Behaviour(name)
    assert of(platforms.contact(kind, "0123abcd", 7, name).rpartition("/")[2]) is behaviour


@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_people_have_contacts_of_their_own_that_are_delivered_to(kind: str) -> None:
    contacts = {platforms.contact(kind, "0123abcd", n) for n in range(5000)}
    assert len(contacts) == 5000
    assert {of(contact.rpartition("/")[2]) for contact in contacts} == {Behaviour.DELIVERED}


@pytest.mark.parametrize("platform", platforms.PLATFORMS)
def test_two_channels_share_neither_account_nor_secret(platform: str) -> None:
    row = platforms.PLATFORMS[platform]
    first, second = (row.make(STACK, f"code{mark}", mark) for mark in ("0123abcd", "4567abcd"))
    if first.account is None or second.account is None:
        assert platform == "smtp"
        return
    assert first.account["app_key"] != second.account["app_key"]
    assert first.account["master_secret"] != second.account["master_secret"]
    assert first.account["master_secret"] not in repr(first)


def test_what_each_platform_costs_stands_on_the_page_in_place_of_what_stood_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "performance.md"
    path.write_text("# Performance\n\n## Uploads\n\nas they were\n")
    figures = {
        "type": "sms",
        "platform": "jsms",
        "receipts": "poll",
        "aws_requests_per_1000": 40.4,
        "write_units_per_1000": 1200.0,
    }
    for dollars in (1.0, 2.345):
        bench_page.put_section(
            "Channels", channels.section([{**figures, "usd_per_million": dollars}], 500), path
        )
    page = path.read_text()
    assert page.count("## Channels") == 1
    assert "| `sms` | `jsms` | poll | 40 | 1,200 | 2.35 |" in page.replace("2.34 ", "2.35 ")
    assert "as they were" in page
    assert "to 500 people" in page


def test_what_is_measured_leaves_out_what_another_platform_does_alike() -> None:
    measured = channels.scenarios()
    assert {
        "jsms:poll",
        "jsms:webhook",
        "smtp:answer",
        "dingtalk:poll",
        "wechatmp:answer",
        "wechatmp_component:webhook",
    } <= set(measured)
    assert not any(name.startswith("jpush_private") for name in measured)
    both = {name for name in measured if f"{name}:links" in measured}
    assert both == {
        "cmpp:connection",
        "dingtalk:poll",
        "wecom:answer",
        "wecom_linkedcorp:answer",
    }, "where a link for each person costs calls"
