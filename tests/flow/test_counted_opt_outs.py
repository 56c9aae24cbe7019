"""Opt-outs become figures: by access channel, channel type, way and template, each once."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib.domain import figures as domain
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.figures import DEPLOYMENT, Cell
from chalicelib.domain.jobs import TimerKind
from chalicelib.domain.provider_io import Reply
from chalicelib.flow import figures, receipts, suppressions
from chalicelib.flow.content import email
from tests.builders import SHOP, a_channel, an_access_channel
from tests.fakes.clock import START
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld

EMAIL = ChannelType.EMAIL


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_channel(a_channel("text"))
    for key in (SHOP, "mall"):
        fake.settings.put_access_channel(an_access_channel(key))
    return fake


def counted(fake: FakeWorld) -> dict[str, dict[str, int]]:
    """Count what the timers name, and return the cells of now, by access channel."""
    blocks = [timer for timer in fake.timers.waiting() if timer.kind is TimerKind.FIGURES]
    for _ in range(2):  # a job may come twice
        figures.count_blocks(fake.ports, blocks)
    quarter = domain.quarter_of(START)
    found = {}
    for key in (SHOP, "mall", DEPLOYMENT):
        name = figures.cell_key(Cell(key, quarter), 0)
        if name in fake.figures.stored:
            found[key] = dict(fake.figures.stored[name].body)
    return found


def test_one_click_counts_once_for_its_access_channel_and_template(fake: FakeWorld) -> None:
    token = email.unsubscribe_token(fake.ports.vault, EMAIL, SHOP, "ann@example.com", 7)
    for _ in range(2):
        email.unsubscribe(fake.ports, token)
        fake.clock.advance(1)
    fake.clock.time = START
    own = {"optout|email|one_click": 1, "template|7|opted_out": 1}
    assert counted(fake) == {SHOP: own, DEPLOYMENT: {"optout|email|one_click": 1}}


def test_a_token_of_an_earlier_release_names_no_template(fake: FakeWorld) -> None:
    token = email.unsubscribe_token(fake.ports.vault, EMAIL, SHOP, "ann@example.com")
    email.unsubscribe(fake.ports, token)
    assert counted(fake)[SHOP] == {"optout|email|one_click": 1}


def test_a_reply_counts_for_each_access_channel_that_may_use_the_number(fake: FakeWorld) -> None:
    reply = Reply("13800138000", "TD", START)
    for _ in range(2):
        receipts.record_replies(fake.ports, "text", [reply])
    one = {"optout|sms|reply": 1}
    assert counted(fake) == {SHOP: one, "mall": one, DEPLOYMENT: {"optout|sms|reply": 2}}


@pytest.mark.parametrize("code", ["complaint", "before", ""])
def test_other_reasons_to_leave_a_contact_out_are_not_opt_outs(fake: FakeWorld, code: str) -> None:
    contact = "ann@example.com"
    suppressions.set_opt_out(fake.ports, EMAIL, contact, [SHOP], out=True, time=START, code=code)
    assert fake.users.opted_out == []
    assert not fake.timers.rows


def test_wherever_a_worker_ends_a_repeat_counts_the_opt_out_once(fake: FakeWorld) -> None:
    token = email.unsubscribe_token(fake.ports.vault, EMAIL, SHOP, "ann@example.com", 7)
    email.unsubscribe(fake.ports, token)
    total = len(fake.log)
    for number in range(total):
        other = FakeWorld()
        other.settings.put_access_channel(an_access_channel(SHOP))
        token = email.unsubscribe_token(other.ports.vault, EMAIL, SHOP, "ann@example.com", 7)
        before = len(other.log)
        other.kill_at(before + number)
        died = Counter[str]()
        try:
            email.unsubscribe(other.ports, token)
        except Killed:
            died["yes"] += 1
        other.spare()
        email.unsubscribe(other.ports, token)
        assert counted(other)[SHOP]["optout|email|one_click"] == 1, number
