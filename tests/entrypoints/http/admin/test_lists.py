"""Lists in pages."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from tests.builders import a_template
from tests.entrypoints.conftest import KEY, Api
from tests.entrypoints.http.admin.management import problem


def test_lists_come_in_pages(configured: Api) -> None:
    steps = [
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": 300}},
    ]
    for n in range(4):
        configured.admin(
            "POST", "strategies", {"channel_key": KEY, "name": f"s{n}", "steps": steps}
        )
        configured.admin("POST", "access-channels", {"name": f"c{n}"})
    for path, name, key in (
        (f"strategies?channel_key={KEY}&", "strategies", "rule_id"),
        ("access-channels?", "access_channels", "channel_key"),
        ("channels?", "channels", "code"),
        (f"templates?channel_key={KEY}&", "templates", "template_id"),
        ("audit?", "changes", "id"),
    ):
        every = [each[key] for each in configured.admin("GET", path).json[name]]
        for size in (1, 2, len(every), 500):
            found: list[Any] = []
            cursor: str | None = ""
            while cursor is not None:
                answer = configured.admin("GET", f"{path}limit={size}&cursor={cursor}").json
                found += [each[key] for each in answer[name]]
                cursor = answer["cursor"]
                assert len(answer[name]) <= size
            assert found == every, path


def coded(place: str) -> str:
    return "cursor=" + base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


BY_NUMBER = (
    f"templates?channel_key={KEY}&",
    f"strategies?channel_key={KEY}&",
    f"lists?channel_key={KEY}&",
    "templates/1/versions?",
)
BY_WORD = ("access-channels?", "channels?", "audit?", "members?")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=",
        "cursor=x",
        "cursor=!!",
        "cursor=" + "W1tb" * 99,
        "cursor=" + "x" * 500,
        "cursor=%00",
        "cursor=%F0%9F%98%80",
        "cursor=_w",
        coded("\x00"),
        coded("two words"),
        coded("é"),
        coded("a\n"),
        coded("x" * 201),
    ],
)
def test_a_wrong_page_is_refused(configured: Api, query: str) -> None:
    for path in (*BY_WORD, *BY_NUMBER):
        problem(configured, "GET", path + query, field=query.partition("=")[0])


@pytest.mark.parametrize("place", ["0", "-1", "01", "null", "x", "1.5", "1\n", "9" * 16, "٣"])
def test_a_cursor_of_another_list_is_refused(configured: Api, place: str) -> None:
    for path in BY_NUMBER:
        problem(configured, "GET", path + coded(place), field="cursor")


def test_a_page_holds_what_an_answer_can_carry(configured: Api) -> None:
    """Lambda takes 6 MB, and the body is a text within a text there."""
    contents = {"app": {"alert": '"' * 24_000}}
    for n in range(80):
        configured.fake.settings.put_template(
            a_template(1000 + n, contents={ChannelType.APP: contents["app"]}, channel_key=KEY)
        )
    found, cursor, pages = [], "", 0
    while cursor is not None:
        reply = configured.admin("GET", f"templates?channel_key={KEY}&limit=500&cursor={cursor}")
        assert len(json.dumps(reply.body.decode())) < 6_000_000
        found += [each["template_id"] for each in reply.json["templates"]]
        cursor, pages = reply.json["cursor"], pages + 1
    assert found == [1, *range(1000, 1080)]
    assert pages > 1
