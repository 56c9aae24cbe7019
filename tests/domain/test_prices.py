"""Prices of deliveries: the longest prefix of a number wins, and sums are whole millionths."""

from __future__ import annotations

import pytest

from chalicelib.domain import prices
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, DeliveryState, Fact, FactKind, decode, encode
from tests.builders import a_channel

REF = DeliveryRef(0, "text", 0)
PREFIXES = {"+852": 0.3, "+86138": 0.04, "+861380": 0.03, "+1": 0.05}


@pytest.mark.parametrize(
    ("contact", "price"),
    [
        ("13800138000", 30_000),  # a Chinese number is stored without its country
        ("13811138000", 40_000),
        ("13911138000", 45_000),
        ("+85291234567", 300_000),
        ("+12025550123", 50_000),
        ("+4915112345678", 45_000),
        ("1069012345", 45_000),  # not a mobile number, so without a country
        ("", 45_000),
    ],
)
def test_the_longest_prefix_of_a_number_wins(contact: str, price: int) -> None:
    channel = a_channel("text", price=0.045, prefixes=PREFIXES)
    assert prices.price(channel, contact) == price


def test_a_channel_may_have_prefixes_without_a_base_price() -> None:
    channel = a_channel("text", prefixes=PREFIXES)
    assert prices.is_priced(channel)
    assert prices.price(channel, "+4915112345678") == 0
    tariff = prices.tariff(channel, {"content": "字" * 71})
    assert tariff is not None
    assert tariff.cost(["+85291234567", "13800138000"]) == 2 * 330_000


@pytest.mark.parametrize("price", [None, 0.0])
def test_a_channel_without_prices_has_no_tariff(price: float | None) -> None:
    assert prices.tariff(a_channel("mail", ChannelType.EMAIL, price=price), {}) is None
    assert prices.tariff(None, {}) is None


def test_a_delivery_costs_what_its_submission_did() -> None:
    submitted = Fact(REF, FactKind.SUBMITTED, 5, cost=45_000)
    unknown = Fact(REF, FactKind.UNKNOWN, 5, cost=45_000)
    delivered = Fact(REF, FactKind.DELIVERED, 9)
    failed = Fact(REF, FactKind.DELIVERY_FAILED, 9, "DB")
    for facts, cost in (
        ((submitted,), 45_000),
        ((submitted, failed), 45_000),
        ((unknown,), 0),  # nobody knows
        ((unknown, delivered), 45_000),  # now it is known
        ((delivered,), 0),  # the submission is not recorded yet
        ((Fact(REF, FactKind.SUBMIT_FAILED, 5),), 0),
    ):
        assert DeliveryState({fact.kind: fact for fact in facts}).cost == cost


def test_a_fact_keeps_its_cost_with_and_without_an_id() -> None:
    for id in ("", "p1"):
        fact = Fact(REF, FactKind.SUBMITTED, 5, "", "call", id, 45_000)
        assert decode(encode([fact])) == (fact,)
        free = fact._replace(cost=0)
        assert decode(encode([free])) == (free,)
        assert len(encode([free])) < len(encode([fact]))
