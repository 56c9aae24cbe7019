"""A provider's library by the management API."""

from __future__ import annotations

from chalicelib.domain.third_party import LIBRARIES, Keyword, Library, Title
from tests.entrypoints.conftest import Api
from tests.entrypoints.http.admin.test_third_party import channels as channels
from tests.fakes.world import FakeWorld

TITLES = (
    Title("99", "付款成功通知", category="616"),
    Title("100", "订单发货通知", is_long_term=True),
)


def synced(fake: FakeWorld) -> None:
    keywords = {"99": (Keyword(1, "物品名称", "名称", "thing"),)}
    fake.records.of(LIBRARIES).put(Library("wx1", TITLES, keywords, 1_800_000_000_000))


def test_before_the_first_sync_the_library_is_empty(channels: Api) -> None:
    answer = channels.admin("GET", "channels/wx1/library").json
    assert answer == {"titles": [], "cursor": None, "synced": None}


def test_titles_are_searched_by_their_text_in_pages(channels: Api, fake: FakeWorld) -> None:
    synced(fake)
    found = channels.admin("GET", "channels/wx1/library?text=发货").json
    assert [title["id"] for title in found["titles"]] == ["100"]
    assert found["titles"][0]["long_term"]
    assert found["synced"] == 1_800_000_000_000
    first = channels.admin("GET", "channels/wx1/library?text=通知&limit=1").json
    assert [title["id"] for title in first["titles"]] == ["99"]
    rest = channels.admin("GET", f"channels/wx1/library?cursor={first['cursor']}").json
    assert [title["id"] for title in rest["titles"]] == ["100"]


def test_keywords_are_shown_once_they_were_asked_for(channels: Api, fake: FakeWorld) -> None:
    synced(fake)
    assert channels.admin("GET", "channels/wx1/library/99").json["keywords"] == [
        {"number": 1, "name": "物品名称", "example": "名称", "kind": "thing"}
    ]
    assert channels.admin("GET", "channels/wx1/library/100").json["keywords"] is None
    assert channels.admin("GET", "channels/wx1/library/7").status == 404


def test_a_platform_without_a_library_says_so(channels: Api) -> None:
    answer = channels.admin("GET", "channels/sms1/library")
    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == "code"
