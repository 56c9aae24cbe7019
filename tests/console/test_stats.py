"""Statistics in the console: request volume, and coverage of users."""

from __future__ import annotations

from tests.console.conftest import Browser
from tests.console.shops import shop as shop


def test_users_are_counted_on_request_and_the_overview_shows_their_contacts(shop: Browser) -> None:
    base = f"/c/{shop.key}"
    assert "Count the users" in shop.get(base).plain
    page = shop.post(f"{base}/coverage")
    assert "Users are being counted." in page.plain
    assert "Count the users" not in page.plain


def test_requests_are_shown_by_day_and_by_hour_and_exported(shop: Browser) -> None:
    base = f"/c/{shop.key}/stats/requests"
    for query in ("", "?by=hour", "?days=7"):
        assert "Nothing was sent in this period" in shop.get(base + query).plain
    file = shop.get(f"{base}?export=1")
    assert file.text.removeprefix("\ufeff").splitlines() == ["time,requests"]
