"""Accounts, calls and answers of DingTalk for its tests."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.provider_io import Account, Answer, Outcome, OutgoingCall
from chalicelib.providers.dingtalk.dingtalk import DingTalk
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, http
from tests.providers.tokened import Clock, said, token, tokens

CREDENTIALS = {"agent_id": "1234", "app_key": "k1", "app_secret": "s1"}
TEXT = {"text": "hi"}
NOW = 1_700_000_000_000
TAKEN = Outcome()


def opened(transport: ScriptedTransport, **options: Any):
    clock = Clock(NOW / 1000)
    return DingTalk(http(transport), tokens(clock), clock).connect(
        Account("dt", CREDENTIALS, options)
    )


def sent(
    *answers: Response | Exception, outgoing: OutgoingCall, **options: Any
) -> tuple[Answer, ScriptedTransport]:
    transport = ScriptedTransport(token(), *answers)
    with opened(transport, **options) as session:
        assert session.token() is None
        return session.send(outgoing), transport


def polled(
    *answers: Response | Exception, ids: dict[str, list[str]]
) -> tuple[Any, ScriptedTransport]:
    transport = ScriptedTransport(token(), *answers)
    with opened(transport) as session:
        return session.poll(ids), transport


def results(**lists: Any) -> Response:
    return said(0, send_result=lists)


def msg(kind: str, **fields: Any) -> dict[str, Any]:
    return {"msg": {"msgtype": kind, kind: fields}}
