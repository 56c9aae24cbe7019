"""Cost, opt-outs and health of delivery channels in the console."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from chalicelib.domain import keys
from chalicelib.domain.figures import DEPLOYMENT, quarter_of
from chalicelib.flow import days
from chalicelib.ports import Document
from tests.console.conftest import Browser, a_member
from tests.console.shops import shop as shop
from tests.console.test_pages import check

SMS = {
    "requests": 2,
    "channel|sms|sms1|valid": 100,
    "channel|sms|sms1|submitted": 80,
    "channel|sms|sms1|delivered": 60,
    "cost|sms|sms1": 1_500_000,
    "loss|sms|sms1|submit_failed:50002": 20,
    "latency|sms|sms1|5": 60,
    "optout|sms|reply": 3,
}


def counted(shop: Browser, key: str, counts: Mapping[str, int] = SMS, quarters: int = 2) -> None:
    """Store figures of some quarters of an hour ago, also in the sum of the day."""
    now = shop.world.clock.now()
    quarter, today = quarter_of(now) - quarters, days.day_of(shop.world.limits, now)
    cell = Document((keys.join("figures", key), f"{quarter:07d}#1"), 1, dict(counts))
    sums = Document(days.day_key(key, today), 1, {"seen": 1, "counts": dict(counts)})
    assert shop.world.figures.store([cell, sums])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_cost_and_opt_outs_are_shown_by_day_month_and_part(shop: Browser, language: str) -> None:
    counted(shop, shop.key)
    shop.language = language
    for query in ("", "?by=month", "?of=channel_type", "?of=template&days=90"):
        page = shop.get(f"/c/{shop.key}/stats/costs{query}")
        assert page.status == 200
        check(page, language)
        assert "¥1.50" in page.plain, query
        assert 'data-def="' in page.text
    channels = shop.get(f"/c/{shop.key}/stats/costs").plain
    assert "channel sms1" in channels
    assert "100.0%" in channels


def test_opt_outs_are_not_guessed_for_a_delivery_channel(shop: Browser) -> None:
    counted(shop, shop.key)
    by_type = shop.get(f"/c/{shop.key}/stats/costs?of=channel_type").text
    row = by_type.split('id="parts"')[1].split("<tbody>")[1].split("</tr>")[0]
    assert row.rstrip().endswith('<td class="n">3</td>')
    by_channel = shop.get(f"/c/{shop.key}/stats/costs").text
    row = by_channel.split('id="parts"')[1].split("<tbody>")[1].split("</tr>")[0]
    assert row.rstrip().endswith('<td class="n">–</td>')


@pytest.mark.parametrize(("query", "points"), [("?by=month", 12), ("?days=30", 30)])
def test_a_chart_has_a_point_where_nothing_was_sent(shop: Browser, query: str, points: int) -> None:
    counted(shop, shop.key)
    text = shop.get(f"/c/{shop.key}/stats/costs{query}").text
    found = re.search(r'id="d-cost">(.*?)</script>', text)
    assert found is not None
    chart = json.loads(found[1])
    assert len(set(chart["x"])) == points
    assert chart["series"][0]["data"] == [0] * (points - 1) + [1.5]


def test_a_period_without_messages_says_so(shop: Browser) -> None:
    page = shop.get(f"/c/{shop.key}/stats/costs?by=month").plain
    assert "Nothing was sent in this period" in page


def test_costs_are_exported_by_day_and_by_part(shop: Browser) -> None:
    counted(shop, shop.key)
    base = f"/c/{shop.key}/stats"
    day = shop.get(f"{base}/costs?export=1").text.removeprefix("\ufeff").splitlines()
    assert day[0] == "time,cost,opted_out"
    assert day[1].endswith(",1.5,3")
    parts = shop.get(f"{base}/costs?export=parts&of=delivery_channel").text.splitlines()
    assert parts[0].removeprefix("\ufeff") == "delivery_channel,submitted,delivered,cost,opted_out"
    assert parts[1] == "sms1,80,60,1.5,"
    messages = shop.get(f"{base}/messages?export=1").text.splitlines()
    assert messages[0].endswith("deliveries.clicked,cost,opted_out")
    assert messages[1].endswith(",1.5,3")


def test_the_budget_stands_beside_the_cost(shop: Browser) -> None:
    counted(shop, shop.key)
    assert "no budget is set" in shop.get(f"/c/{shop.key}/stats/costs").plain
    version = shop.get(f"/c/{shop.key}/rules").field("version")
    fields = {"per_month": "100", "warn_at": "50", "version": version}
    shop.post(f"/c/{shop.key}/rules/budget", fields)
    assert "¥0.00 of ¥100.00" in shop.get(f"/c/{shop.key}/stats/costs").plain


@pytest.mark.parametrize(
    "query", ["?days=x&by=y&of=z", "?path=/x&self=1", "?of=template&export=parts"]
)
def test_strange_parameters_are_no_crash(shop: Browser, query: str) -> None:
    counted(shop, shop.key)
    assert shop.get(f"/c/{shop.key}/stats/costs{query}").status == 200
    assert shop.get(f"/c/{shop.key}/stats/messages{query}").status == 200


# -- health


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_delivery_channel_shows_its_health_in_words(shop: Browser, language: str) -> None:
    counted(shop, DEPLOYMENT)
    shop.language = language
    page = shop.get("/channels/sms1")
    check(page, language)
    assert "80.0%" in page.plain
    assert "75.0%" in page.plain
    assert "submit_failed:50002" in page.plain
    words = ("Not well", "The provider refused") if language == "en" else ("异常", "服务商拒绝")
    for text in words:
        assert text in page.plain, text
    quiet = shop.get("/channels/app1").plain
    assert ("Little was sent" if language == "en" else "发送量少") in quiet


def test_the_overview_names_what_does_badly_first(shop: Browser) -> None:
    shop.post("/channels/app1/pause", {"do": "pause"})
    assert "is paused" in shop.get(f"/c/{shop.key}").plain
    counted(shop, shop.key)
    page = shop.get(f"/c/{shop.key}")
    check(page, "en")
    text = page.plain
    bad = text.index("The provider of “channel sms1” takes 80.0% of what is sent")
    assert bad < text.index("is paused")
    assert "refused" in text[bad : bad + 200]
    assert "not well" in text


def test_the_overview_blames_the_rate_that_the_report_names(shop: Browser) -> None:
    stages = {"valid": 100, "submitted": 95, "delivered": 60}
    now = {f"channel|sms|sms1|{stage}": number for stage, number in stages.items()}
    counted(shop, shop.key, now, quarters=5)  # whose receipts have had an hour
    day = days.day_of(shop.world.limits, shop.world.clock.now()) - 1
    usual = {f"channel|sms|sms1|{stage}": 100 for stage in stages}
    yesterday = Document(days.day_key(shop.key, day), 1, {"seen": 1, "counts": usual})
    assert shop.world.figures.store([yesterday])
    text = shop.get(f"/c/{shop.key}").plain
    assert "“channel sms1” delivers 63.2% of what is submitted It should be at least 90.0%." in text
    assert "takes 95.0%" not in text


def test_health_on_the_overview_is_that_of_the_access_channel(shop: Browser) -> None:
    counted(shop, DEPLOYMENT)  # what others have sent
    assert "not well" not in shop.get(f"/c/{shop.key}").plain


def test_a_pause_says_what_will_happen_before(shop: Browser) -> None:
    counted(shop, DEPLOYMENT)
    page = shop.get("/channels/sms1").plain
    assert "In the last 24 hours 80 deliveries were submitted on it." in page
    assert "What waits longer than 1 day." in page
    paused = shop.post("/channels/sms1/pause", {"do": "pause"}).plain
    assert "It is paused." in paused
    assert "Resume this delivery channel?" in paused
    resumed = shop.post("/channels/sms1/pause", {"do": "resume"}).plain
    assert "Pause this delivery channel?" in resumed


def test_a_reader_sees_health_and_no_pause(shop: Browser) -> None:
    from chalicelib.domain.members import Role

    a_member(shop.world, Role.READ_ONLY, "reader")
    reader = Browser(shop.world)
    reader.sign_in("reader")
    page = reader.get("/channels/sms1").plain
    assert "Health" in page
    assert "Pause…" not in page
