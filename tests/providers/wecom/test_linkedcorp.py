"""Messages to members of linked corporations."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Misconfigured, Rejected, Unverified
from chalicelib.domain.provider_io import Answer, Loss, Outcome, WebhookRequest
from chalicelib.providers.wecom.linkedcorp import LinkedCorp
from tests.providers.scripted import ScriptedTransport, call, http
from tests.providers.tokened import said, tokens
from tests.providers.wecom.calls import CREDENTIALS, INVALID, TAKEN, TEXT, account, linked


def test_members_of_linked_corporations_stand_in_a_list() -> None:
    content = {**TEXT, "safe": 0, "enable_duplicate_check": 1}
    answer, transport = linked(
        said(0, invaliduser=["WW2/Bob", "cas"]),
        outgoing=call("ww2/ann", "ww2/bob", "Own.1", "Cas", content=content),
    )
    assert answer == Answer([TAKEN, INVALID, TAKEN, INVALID])
    assert transport.paths()[1] == "POST /cgi-bin/linkedcorp/message/send"
    assert transport.bodies()[1] == {
        "touser": ["ww2/ann", "ww2/bob", "Own.1", "Cas"],
        "toall": 0,
        "agentid": 1000002,
        "msgtype": "text",
        "text": {"content": "hi"},
        "safe": 0,
    }


@pytest.mark.parametrize(
    "contact", ["@all", "ann|bob", "ww2/", "/ann", "a/b/c", "ww2/@all", "ww2|x/ann"]
)
def test_what_is_no_member_is_never_addressed(contact: str) -> None:
    answer, transport = linked(said(0), outgoing=call(contact, "ww2/u", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, "malformed_id"), TAKEN]
    assert transport.bodies()[1]["touser"] == ["ww2/u"]


def test_linked_corporations_have_no_recall_no_webhook_and_no_calls_for_nobody() -> None:
    transport = ScriptedTransport()
    provider = LinkedCorp(http(transport), tokens())
    with provider.connect(account()) as session:
        assert session.send(call("/x", content=TEXT)).outcomes == [
            Outcome(Loss.INVALID_TARGET, "malformed_id")
        ]
        with pytest.raises(Rejected):
            session.recall("m", ["a"])
    with pytest.raises(Unverified):
        provider.read_webhook(
            WebhookRequest("POST", {}, {}, b"", 0), provider.webhook_secret(CREDENTIALS)
        )
    assert transport.requests == []


def test_nobody_of_a_linked_call_can_be_reached() -> None:
    answer, _ = linked(said(81013), outgoing=call("ww2/a", "ww2/b", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, "81013")] * 2
    with pytest.raises(Misconfigured):
        linked(said(301002), outgoing=call("ww2/a", content=TEXT))
