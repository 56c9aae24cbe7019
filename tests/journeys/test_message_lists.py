"""Lists of messages on a running stack: the stream brings what was sent, some seconds later."""

from __future__ import annotations

from typing import Any

from infra.demo.client import Shop
from tests.journeys.conftest import eventually

BODY = {
    "aud_app": [{"data": ["a-device", "another"]}],
    "msg_app": [{"platform": "all", "notification": {"alert": "Hi"}}],
}


def test_a_sent_message_comes_into_the_list_of_its_access_channel(shop: Shop) -> None:
    sent = [shop.api.ask("POST", "/v1/sent", BODY)["msgid"] for _ in range(3)]
    everyone = {"msg_app": BODY["msg_app"]}
    sent.append(shop.api.ask("POST", "/v1/broadcast", everyone)["msgid"])
    path = f"/admin/v1/messages?channel_key={shop.key}"

    def newest(more: str = "") -> list[dict[str, Any]]:
        return list(shop.admin.ask("GET", path + more)["messages"])

    listed = eventually(newest, lambda lines: len(lines) == len(sent))
    assert [line["msgid"] for line in listed] == sorted(sent, reverse=True)
    assert {line["msgid"]: (line["audience"], line["targets"]) for line in listed} == {
        **dict.fromkeys(sent[:3], ("contacts", 2)),
        sent[3]: ("everyone", None),
    }
    assert [line["msgid"] for line in newest("&limit=1")] == [max(sent)]
