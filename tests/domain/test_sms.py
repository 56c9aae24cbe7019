"""Texts of SMS: signatures, and the parts that a carrier charges."""

from __future__ import annotations

import pytest

from chalicelib.domain import prices
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.sms import parts, text_of
from chalicelib.domain.templates import Content
from tests.builders import a_channel


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("字" * 70, 1),
        ("字" * 71, 2),
        ("字" * 134, 2),
        ("字" * 135, 3),
        ("a" * 71, 2),  # carriers in China charge Latin letters alike
        ("🎈" * 35, 1),
        ("🎈" * 36, 2),
        ("\ud800", 1),
    ],
)
def test_a_long_text_goes_in_parts(text: str, number: int) -> None:
    assert parts(text) == number


def test_a_text_without_a_signature_gets_the_channels() -> None:
    assert text_of({"content": "hello"}, "Shop") == "【Shop】hello"
    assert text_of({"content": "【Bank】hello"}, "Shop") == "【Bank】hello"
    assert text_of({"content": "hello"}, "") == "hello"
    assert text_of({"temp_id": 1}, "Shop") is None


def test_an_sms_costs_its_parts_with_the_signature() -> None:
    channel = a_channel("text", price=0.05, options={"signature": "Shop"})
    for length, number in ((64, 1), (65, 2)):
        content = {"content": "字" * length}
        assert prices.parts(channel, content) == number
        assert _cost(channel, content) == 50_000 * number
    template = {"temp_id": 1}
    assert (prices.parts(channel, template), _cost(channel, template)) == (None, 50_000)
    mail = a_channel("mail", ChannelType.EMAIL, price=0.01)
    assert (prices.parts(mail, {"content": "x" * 99}), _cost(mail, {})) == (None, 10_000)
    assert prices.tariff(a_channel("push"), {}) is None


def _cost(channel: Channel, content: Content) -> int:
    tariff = prices.tariff(channel, content)
    assert tariff is not None
    return tariff.cost(["13800138000"])
