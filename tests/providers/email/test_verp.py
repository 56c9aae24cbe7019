"""The address that a mail comes back to, and the id of its envelope."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.providers.email.smtp import Smtp
from chalicelib.web.egress import Policy
from tests.providers.email.calls import account, mails, sent
from tests.providers.email.mailservers import Inbox, ScriptedServer, independent, usual


def test_a_mail_comes_back_to_the_address_that_names_it() -> None:
    inbox = Inbox()
    with independent(inbox) as port:
        sent(account(port, return_path="bounces@corp.example"), mails("a@example.org"))
        sent(account(port), mails("a@example.org"))
    senders = [envelope.mail_from for envelope in inbox.mails]
    assert senders == ["bounces+m.0.0@corp.example", "news@corp.example"]


@pytest.mark.parametrize("offers", [True, False])
def test_a_server_that_reports_gets_the_id_of_the_envelope(offers: bool) -> None:
    def answer(line: str, number: int) -> str:
        if line.startswith("EHLO") and offers:
            return "250-hi\r\n250 DSN"
        return usual(line)

    server = ScriptedServer(answer)
    sent(account(server.port), mails("a@example.org"))
    (named,) = (line for line in server.lines if line.startswith("MAIL"))
    assert named.lower().endswith("ret=hdrs envid=m.0.0") is offers


@pytest.mark.parametrize("return_path", ["nobody", f"{'b' * 24}@corp.example", "张@corp.example"])
def test_a_return_path_has_room_for_a_reference(return_path: str) -> None:
    options = {"server": "m", "sender": "a@b.org", "return_path": return_path}
    with pytest.raises(Invalid, match="return_path"):
        Smtp(Policy()).check_credentials({}, options)
