"""Bodies of sends, and the checks of their answers."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.messages import Message
from tests.entrypoints.conftest import Api, Reply

ANDROID = {"platform": "android", "notification": {"android": {"alert": "Hi,JPush !"}}}


SMS = {"temp_id": 1, "temp_para": {"code": "123"}}


SMTP = {
    "name": "Mail",
    "code": "mail1",
    "type": "email",
    "platform": "smtp",
    "credentials": {},
    "options": {"server": "mail.example.com", "sender": "a@example.com"},
}


def ordinary(**changes: Any) -> dict[str, Any]:
    body = {"aud_userid": ["user1"], "msg_sms": [SMS], **changes}
    return {name: value for name, value in body.items() if value is not ...}


def stored(api: Api, reply: Reply) -> Message:
    assert reply.status == 200, reply.body
    found = api.world.messages.get(reply.json["msgid"])
    assert found is not None
    return found


def refused(
    api: Api,
    body: Any,
    code: int,
    *mentions: str,
    status: int = 400,
    path: str = "/v1/sent",
    **options: Any,
) -> None:
    reply = api.send(body, path=path, **options)
    assert (reply.status, reply.code) == (status, code), reply.body
    for word in mentions:
        assert word in reply.json["message"]
    assert "queues.send" not in api.fake.log
