"""The check of a refused send of a template."""

from __future__ import annotations

from typing import Any

from tests.entrypoints.conftest import Api


def refused(
    api: Api, body: Any, code: int, *mentions: str, status: int = 400, **options: Any
) -> None:
    reply = api.send(body, **options)
    assert (reply.status, reply.code) == (status, code), reply.body
    for word in mentions:
        assert word in reply.json["message"]
    assert not {"messages.create", "queues.send"} & set(api.fake.log)
