"""E-mail over SMTP: one connection for a job, an answer for every call of up to 25 mails.

SMTP has no idempotency token, so calls are small. The answer names the outcome of each mail: taken,
maybe taken, or to be sent later. "Delivered" means that the server took it (250). Sources: RFC
5321, RFC 3463 (enhanced codes).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Attachment,
    Capabilities,
    ClickReport,
    DeliveryReport,
    Loss,
    Outcome,
    OutgoingCall,
    ProviderIds,
    Recipient,
    Webhook,
    WebhookRequest,
)
from chalicelib.ports import Session
from chalicelib.providers.base import (
    PlainSession,
    check_names,
    optional_text,
    required_text,
    settings,
)
from chalicelib.providers.email import content, mail, reports, verp
from chalicelib.providers.email.replies import SenderRefused, judged, outcome
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http

if TYPE_CHECKING:
    from smtplib import SMTP

    from chalicelib.web.smtp import Envelope, MailServer, Reply

CALL_SIZE = 25
# Whom a test names as the recipient, and sends nothing. RFC 2606 keeps the domain for examples.
STRANGER = "postmaster@example.com"
PORTS = {"none": 25, "tls": 465, "starttls": 587}

# After so many seconds no further mail of a call is begun. Otherwise a slow server could outlast
# the lease of a call (60 seconds by default). A mail ends within four timeouts: two to connect and
# log in, two to hand over.
CALL_SECONDS = 15.0


class Smtp:
    """Implements Provider.

    Options: server, port, encryption (none, tls, starttls), sender, ca, allow_plain_auth, and
    those of every sender (email/content.py).
    """

    capabilities = Capabilities(
        type=ChannelType.EMAIL,
        platform="smtp",
        call_size=CALL_SIZE,
        content_per_recipient=True,
        provider_ids=ProviderIds.OURS,
        delivery_report=DeliveryReport.ACCEPTED,
        click_report=ClickReport.LINK,
        receipt_modes=frozenset({ReceiptMode.WEBHOOK}),  # of bounces and complaints
        credentials=settings("", "username password topic_arn"),
        utc_offset=None,
        options=settings(
            "server sender",
            f"port encryption {content.SENDER_OPTIONS} return_path test_recipient"
            " ca allow_plain_auth",
        ),
    )

    def __init__(
        self, policy: Policy, timeout: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy, self._timeout, self._clock = policy, timeout, clock
        self._http = Http(policy, timeout)

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        username = optional_text(raw, "username", "credentials")
        password = optional_text(raw, "password", "credentials")
        if bool(username) != bool(password):
            raise Invalid("credentials.password", "required together with username")
        reports.check_topic(raw)
        self._check_server(options, has_login=bool(username))
        content.check_sender(options)
        return_path = optional_text(options, "return_path", "options", 320)
        if return_path and not verp.is_return_path(return_path):
            raise Invalid("options.return_path", verp.REASON)
        stranger = optional_text(options, "test_recipient", "options", 320)
        if stranger and not content.is_sender(stranger):
            raise Invalid("options.test_recipient", "must be an e-mail address")
        certificate = optional_text(options, "ca", "options", 65536)
        if certificate and "BEGIN CERTIFICATE" not in certificate:
            raise Invalid("options.ca", "must be a certificate in PEM")

    def _check_server(self, options: Mapping[str, Any], *, has_login: bool) -> None:
        host = required_text(options, "server", "options", 253)
        encryption = options.get("encryption", "starttls")
        if not isinstance(encryption, str) or encryption not in PORTS:
            raise Invalid("options.encryption", "must be none, tls or starttls")
        port = options.get("port", PORTS[encryption])
        if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
            raise Invalid("options.port", "must be a port number")
        may_be_plain = options.get("allow_plain_auth") is True or self._policy.lists(host)
        if has_login and encryption == "none" and not may_be_plain:
            raise Invalid(
                "options.encryption",
                "must not be none when a password is sent (or set allow_plain_auth)",
            )

    def check_content(self, raw: Mapping[str, Any]) -> None:
        content.check(raw, self._policy)

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        return reports.needed(credentials)

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        return reports.read(request, secret, self._http)

    @contextmanager
    def connect(self, account: Account) -> Iterator[Session]:
        """Connect with the first mail, so that a server which is down is an error of a call."""
        session = SmtpSession(account, self._policy, self._timeout, self._clock)
        try:
            yield session
        finally:
            session.close()


class SmtpSession(PlainSession):
    """Implements Session."""

    def __init__(
        self, account: Account, policy: Policy, timeout: float, clock: Callable[[], float]
    ) -> None:
        self._policy, self._timeout, self._clock = policy, timeout, clock
        sender = content.sender(account.code, account.options)
        if sender is None:
            raise Misconfigured("sender")
        self._sender = sender
        self._server = _server(account, self._sender.domain)
        self._return_path = str(account.options.get("return_path") or "")
        self._stranger = str(account.options.get("test_recipient") or STRANGER)
        self._client: SMTP | None = None
        self._until = 0.0

    def check(self) -> None:
        """Connect, log in, and name a sender and a recipient, without sending a mail.

        Many servers refuse a sender only when they hear a recipient.
        """
        from chalicelib.web import smtp

        if self._client is None:
            self._client = smtp.dial(self._policy, self._server, self._timeout)
        mail_from = verp.sender(self._return_path, "0" * 40) or self._sender.address
        reply = smtp.probe(self._client, mail_from, self._stranger, self._timeout)
        if reply.code in smtp.TAKEN:
            return
        answered = outcome(reply)
        if isinstance(answered, SenderRefused):
            raise Misconfigured(answered.code)
        if answered.later:
            raise Unavailable(answered.code)
        if answered.loss is Loss.SUBMIT_FAILED:
            raise Rejected(answered.code)

    def send(self, call: OutgoingCall) -> Answer:
        """Send a call.

        Raises only while no mail has an outcome. After that each recipient has one.
        """
        self._until = self._clock() + CALL_SECONDS
        outcomes: list[Outcome] = []
        failure: ProviderError | None = None
        for recipient in call.recipients:
            if failure is None and self._clock() > self._until:
                failure = Unavailable("out_of_time")
            if failure is None:
                try:
                    outcomes.append(self._mail(recipient, call.files))
                    continue
                except ProviderError as error:
                    failure = error
            outcomes.append(Outcome(code=failure.code, later=True))
        outcomes = judged(outcomes)
        if all(outcome.later for outcome in outcomes) and outcomes:
            raise failure or Unavailable(outcomes[0].code)
        return Answer(outcomes)

    def _mail(self, recipient: Recipient, files: Sequence[Attachment] = ()) -> Outcome:
        """Send one mail.

        Raises Unavailable or Misconfigured for errors that the next mails would meet.
        """
        from chalicelib.web import smtp

        to = mail.address(recipient.contact)
        if to is None:
            return Outcome(Loss.INVALID_TARGET, "bad_address")
        try:
            message = mail.build(self._sender, recipient, to, files)
        except ValueError:
            return Outcome(Loss.SUBMIT_FAILED, "bad_content")
        try:
            reference = recipient.reference
            mail_from = verp.sender(self._return_path, reference) or self._sender.address
            return outcome(self._deliver(smtp.Envelope(mail_from, to, reference), message))
        except Rejected as error:
            return Outcome(Loss.SUBMIT_FAILED, error.code)
        except Uncertain as error:
            self._client = None
            return Outcome(code=error.code, uncertain=True)

    def _deliver(self, envelope: Envelope, message: bytes) -> Reply:
        """Hand over one mail.

        A server may close the connection between two mails. If it had been open, connect once more.
        """
        from chalicelib.web import smtp

        was_open = self._client is not None
        if self._client is None:
            self._client = smtp.dial(self._policy, self._server, self._timeout)
        try:
            reply = smtp.deliver(self._client, envelope, message, self._timeout)
        except Unavailable:
            self._client = None
            if was_open and self._clock() <= self._until:
                return self._deliver(envelope, message)
            raise
        if reply.code == 421:  # the server is about to close
            self.close()
            if was_open and self._clock() <= self._until:
                return self._deliver(envelope, message)
        return reply

    def close(self) -> None:
        if self._client is not None:
            from chalicelib.web import smtp

            smtp.hang_up(self._client)
            self._client = None


def _server(account: Account, hello: str) -> MailServer:
    from chalicelib.web.smtp import MailServer

    options, credentials = account.options, account.credentials
    encryption = str(options.get("encryption", "starttls"))
    return MailServer(
        host=str(options["server"]),
        port=int(options.get("port", PORTS[encryption])),
        encryption=encryption,
        hello=hello,
        username=str(credentials.get("username") or ""),
        password=str(credentials.get("password") or ""),
        ca=str(options.get("ca") or ""),
        allow_plain_auth=options.get("allow_plain_auth") is True,
    )
