"""Prices, costs and the budget in the console."""

from __future__ import annotations

import pytest

from chalicelib.console.forms import amount_of
from chalicelib.console.texts import Texts
from chalicelib.domain.rules.budget import settings_of
from chalicelib.manage import delivery_channels
from tests.console.conftest import Browser
from tests.console.shops import shop as shop
from tests.console.test_rules import save


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "–"),
        (0, "¥0.00"),
        (0.045, "¥0.045"),
        (0.5, "¥0.50"),
        (0.000001, "¥0.000001"),
        (1234.5, "¥1,234.50"),
        (-2.0, "¥-2.00"),
    ],
)
def test_amounts_of_money_have_their_currency(amount: float | None, text: str) -> None:
    assert Texts("en", 8, 0).money(amount) == text
    assert Texts("en", 8, 0, "SEK").money(5) == "SEK 5.00"


def test_amounts_are_read_or_left_for_the_api_to_refuse() -> None:
    assert [amount_of(text) for text in ("0.32", "5", "x", "1e9")] == [0.32, 5.0, "x", "1e9"]


def test_prices_of_a_channel_are_typed_refused_and_shown(shop: Browser) -> None:
    code = next(
        channel.code
        for channel in delivery_channels.page(shop.world)
        if channel.type.value == "sms"
    )
    fields = {"name": "SMS", "price": "0.045", "prefixes": "+852 0.32\n+86138: 0.04"}
    page = save(shop, f"/channels/{code}", fields, at=f"/channels/{code}")
    stored = shop.world.settings.channel(code)
    assert stored is not None
    assert (stored.price, dict(stored.prefixes)) == (0.045, {"+852": 0.32, "+86138": 0.04})
    assert "+852 0.32" in page.text
    refused = save(shop, f"/channels/{code}", {**fields, "price": "much"}, at=f"/channels/{code}")
    assert refused.status == 400
    paused = shop.post(f"/channels/{code}/pause", {"do": "pause"})
    assert "Resume" in paused.plain
    assert "is paused" in shop.get(f"/c/{shop.key}").plain


def test_a_budget_is_set_warned_of_and_switched_off(shop: Browser) -> None:
    path = f"/c/{shop.key}/rules/budget"
    fields = {"per_month": "0", "warn_at": "50", "priorities": ["0:2", "0:3"]}
    page = save(shop, path, fields)
    assert "Saved." in page.plain
    access = shop.world.settings.access_channel(shop.key)
    budget = settings_of(access.rules)
    assert budget is not None
    assert (budget.per_month, budget.warn_at, budget.exempt) == (0, 0.5, (1,))
    assert "budget of ¥0.00 is used" in shop.get(f"/c/{shop.key}").plain
    refused = save(shop, path, {**fields, "per_month": "lots"})
    assert refused.status == 400
    off = save(shop, path, {**fields, "per_month": ""})
    assert "Saved." in off.plain
    assert "budget of" not in shop.get(f"/c/{shop.key}").plain
