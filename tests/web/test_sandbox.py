"""The inbox of the provider sandbox, read over HTTP behind the egress policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Unavailable, Uncertain
from chalicelib.domain.sandbox import SandboxSilent
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Response
from chalicelib.web.sandbox import Sandbox
from tests.web.test_receivers import Transport

URL = "http://127.0.0.1:8000"
SCREEN = {
    "title": "Hi",
    "text": "Your code",
    "html": "",
    "link": "",
    "template": "",
    "sender": "",
    "rows": [["code", "1234"]],
    "files": ["a.pdf"],
}
RAW = {
    "number": 7,
    "provider": "jsms",
    "type": "sms",
    "contact": "13800001111",
    "time": 5,
    "provider_id": "m1",
    "screen": SCREEN,
}


def sandbox(answer: Any, *allowed: str) -> tuple[Sandbox, Transport]:
    policy, transport = Policy(allowed or ("127.0.0.1",)), Transport(answer)
    return Sandbox(URL, policy, Http(policy, 5, transport)), transport


def answer(*raw: Any) -> Response:
    return Response(200, {}, json.dumps({"messages": list(raw)}).encode())


def test_messages_are_asked_for_in_the_body_and_read_with_their_screens() -> None:
    ours, transport = sandbox(answer(RAW))
    (message,) = ours.newest([ChannelType.SMS], ["13800001111"], 9, 20)
    (request,) = transport.requests
    assert request.url == f"{URL}/_sandbox/inbox"
    assert json.loads(request.body or b"") == {
        "types": ["sms"],
        "contacts": ["13800001111"],
        "before": 9,
        "limit": 20,
    }
    assert (message.number, message.type, message.provider_id) == (7, ChannelType.SMS, "m1")
    assert message.screen.rows == (("code", "1234"),)
    assert message.screen.files == ("a.pdf",)
    assert "13800001111" not in repr(message)
    assert "Your code" not in repr(message)


@pytest.mark.parametrize(
    "wrong",
    [
        Unavailable("connect"),
        Uncertain("timeout"),
        Response(500, {}, b""),
        Response(200, {}, b"<html>"),
        Response(200, {}, b"[]"),
        Response(200, {}, b'{"messages": 5}'),
        answer({**RAW, "type": "fax"}),
        answer({**RAW, "screen": None}),
        answer({**RAW, "screen": {**SCREEN, "rows": [["one"]]}}),
        answer({**RAW, "screen": {**SCREEN, "more": "x"}}),
    ],
)
def test_anything_but_an_inbox_is_a_sandbox_that_does_not_answer(wrong: Any) -> None:
    with pytest.raises(SandboxSilent):
        sandbox(wrong)[0].newest((), (), 0, 20)


def test_an_address_that_egress_forbids_is_not_called() -> None:
    ours, transport = sandbox(answer(RAW), "10.0.0.0/8")
    with pytest.raises(SandboxSilent):
        ours.newest((), (), 0, 20)
    assert transport.requests == []
