"""Accounts, calls and answers of WeCom for its tests."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.provider_io import Account, Answer, Loss, Outcome, OutgoingCall
from chalicelib.providers.wecom.linkedcorp import LinkedCorp
from chalicelib.providers.wecom.wecom import WeCom
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, http
from tests.providers.tokened import Clock, token, tokens

CREDENTIALS = {"corp_id": "ww1", "agent_id": 1000002, "secret": "s3cret"}
TEXT = {"msgtype": "text", "text": {"content": "hi"}}

CARD = {
    "msgtype": "template_card",
    "template_card": {"card_type": "button_interaction", "main_title": {"title": "ok?"}},
}

INVALID = Outcome(Loss.INVALID_TARGET, "invaliduser")
TAKEN = Outcome()


def account(**options: Any) -> Account:
    return Account("wk", CREDENTIALS, options)


def opened(transport: ScriptedTransport, clock: Clock | None = None, **options: Any):
    return WeCom(http(transport), tokens(clock)).connect(account(**options))


def sent(
    *answers: Response | Exception, outgoing: OutgoingCall, **options: Any
) -> tuple[Answer, ScriptedTransport]:
    transport = ScriptedTransport(token(), *answers)
    with opened(transport, **options) as session:
        return session.send(outgoing), transport


def linked(
    *answers: Response | Exception, outgoing: OutgoingCall
) -> tuple[Answer, ScriptedTransport]:
    transport = ScriptedTransport(token(), *answers)
    with LinkedCorp(http(transport), tokens()).connect(account()) as session:
        assert session.token() is None
        return session.send(outgoing), transport
