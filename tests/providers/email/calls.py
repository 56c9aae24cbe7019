"""Accounts, calls and servers for the tests of SMTP."""

from __future__ import annotations

from typing import Any

import trustme

from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Attachment,
    Outcome,
    OutgoingCall,
    Recipient,
)
from chalicelib.providers.email import mail
from chalicelib.providers.email.smtp import Smtp
from chalicelib.web.egress import Policy
from tests.liveness import PATIENCE
from tests.providers.email.mailservers import ScriptedServer

CONTENT = {"subject": "Gr\u00fc\u00dfe \u4e2d\u6587", "text": "Hello\n.\n..dots\nend"}
POLICY = Policy(("127.0.0.1", "mail.example.test"), resolve=lambda host, port: ["127.0.0.1"])
AUTHORITY = trustme.CA()
OK = Outcome()
SENDER = mail.Sender("a@corp.example")


def account(
    port: int, encryption: str = "none", login: tuple[str, str] | None = None, **options: Any
) -> Account:
    credentials = dict(zip(("username", "password"), login, strict=True)) if login else {}
    settings = {
        "server": "mail.example.test",
        "port": port,
        "encryption": encryption,
        "sender": "news@corp.example",
        **options,
    }
    return Account("mail", credentials, settings)


def mails(*contacts: str, content: dict[str, Any] = CONTENT, **options: Any) -> OutgoingCall:
    recipients = [Recipient(contact, content, f"m.0.{n}") for n, contact in enumerate(contacts)]
    return OutgoingCall("m", recipients, **options)


def written(
    content: dict[str, Any],
    *files: Attachment,
    sender: mail.Sender = SENDER,
    to: str = "b@example.org",
    reference: str = "ref",
    unsubscribe: str = "",
) -> bytes:
    """Return a mail as it goes to a server."""
    return mail.build(sender, Recipient(to, content, reference, unsubscribe), to, files)


def sent(
    account: Account,
    *calls: OutgoingCall,
    timeout: float = PATIENCE,
    policy: Policy = POLICY,
    **options: Any,
) -> list[Answer]:
    with Smtp(policy, timeout, **options).connect(account) as session:
        assert session.token() is None
        assert session.poll({}) == ()
        return [session.send(call) for call in calls]


def outcomes(server: ScriptedServer, *contacts: str, timeout: float = PATIENCE) -> list[Outcome]:
    (answer,) = sent(account(server.port), mails(*contacts), timeout=timeout)
    return list(answer.outcomes)


def pem(ca: trustme.CA = AUTHORITY) -> str:
    return ca.cert_pem.bytes().decode()
