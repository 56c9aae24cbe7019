"""E-mail over SMTP: one connection for a job, an answer for every call of up to 25 mails.

SMTP has no idempotency token, so calls are small. The answer names the outcome of each mail: taken,
maybe taken, or to be sent later. "Delivered" means that the server took it (250). Sources: RFC
5321, RFC 3463 (enhanced codes).
"""

from __future__ import annotations

import math
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

    from chalicelib.web.smtp import Envelope, MailServer

CALL_SIZE = 25
# Whom a test names as the recipient, and sends nothing. RFC 2606 keeps the domain for examples.
STRANGER = "postmaster@example.com"
PORTS = {"none": 25, "tls": 465, "starttls": 587}

# Timeouts that a connection with its login, and a mail on it, take at most (web/smtp.py).
DIAL, MAIL = 2, 2
PATIENCE = 600.0  # seconds (RFC 5321 4.5.3.2.6)
CLOSING = 421  # the server is about to close the connection (RFC 5321 3.8)
LOST = 2  # connections in a row that break with their mail: then the server ends all of them


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
        exchanges=MAIL,
        preparation=DIAL,
        utc_offset=None,
        options=settings(
            "server sender",
            f"port encryption {content.SENDER_OPTIONS} return_path test_recipient"
            " ca allow_plain_auth",
        ),
        address="server",
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
        if encryption == "none" and not self._policy.allows_plain_mail(host, port):
            reason = "must not be none, unless the deployment allows {address}"
            raise Invalid("options.encryption", reason, address=f"smtp://{host}:{port}")
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
        self._is_used = False  # a mail went over the connection
        self._begin = self._end = math.inf

    def check(self) -> None:
        """Connect, log in, and name a sender and a recipient, without sending a mail.

        Many servers refuse a sender only when they hear a recipient.
        """
        from chalicelib.web import smtp

        self.prepare()
        assert self._client is not None
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

    def prepare(self) -> None:
        from chalicelib.web import smtp

        if self._client is None:
            self._client = smtp.dial(self._policy, self._server, self._timeout)
            self._is_used = False

    def send(self, call: OutgoingCall) -> Answer:
        """Send a call, with another mail first at each turn.

        Raises only while no mail has an outcome. After that each recipient has one.
        """
        now, count = self._clock(), len(call.recipients)
        self._begin, self._end = now + call.time.begin, now + call.time.end
        outcomes: dict[int, Outcome] = {}
        failure = self._send_in_turn(call, outcomes)
        outcomes = dict(zip(outcomes, judged(list(outcomes.values())), strict=True))
        if all(outcome.later for outcome in outcomes.values()):
            raise failure or Unavailable(next(iter(outcomes.values())).code)
        code = failure.code if failure else ""
        untried = Outcome(code=code, later=True, untried=True)
        return Answer([outcomes.get(n, untried) for n in range(count)])

    def _send_in_turn(
        self, call: OutgoingCall, outcomes: dict[int, Outcome]
    ) -> ProviderError | None:
        """Put the outcome of each mail. Return the error that kept the others from being sent."""
        count, lost = len(call.recipients), 0
        for step in range(count):
            n = (call.turn + step) % count
            if not self._has_time(is_first=step == 0):
                return Unavailable("out_of_time")
            try:
                outcomes[n] = self._mail(call.recipients[n], call.files)
            except ProviderError as error:
                return error
            is_lost = outcomes[n].later and self._client is None
            lost = lost + 1 if is_lost else 0
            if lost == LOST:
                return Unavailable(outcomes[n].code)
        return None

    def _has_time(self, *, is_first: bool = False) -> bool:
        """Tell if a mail may begin, which needs a connection."""
        needed = (MAIL if self._client else DIAL + MAIL) * self._timeout
        now = self._clock()
        return (is_first or now <= self._begin) and now + needed <= self._end

    def _patience(self) -> float:
        """Return the seconds for the answer to a whole mail: as many as the worker has."""
        left = self._end - self._clock() - MAIL * self._timeout
        return min(left, PATIENCE) if math.isfinite(left) else 0.0

    def _mail(self, recipient: Recipient, files: Sequence[Attachment] = ()) -> Outcome:
        """Send one mail. Raises for errors that the next mails would meet."""
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
            return self._deliver(smtp.Envelope(mail_from, to, reference), message)
        except Rejected as error:
            return Outcome(Loss.SUBMIT_FAILED, error.code)
        except Uncertain as error:
            self._client = None
            return Outcome(code=error.code, uncertain=True)

    def _deliver(self, envelope: Envelope, message: bytes) -> Outcome:
        """Hand over one mail.

        A server may close the connection between two mails. If one went over it, connect once more.
        """
        from chalicelib.web import smtp

        self.prepare()
        assert self._client is not None
        was_used, self._is_used = self._is_used, True
        reply, code = None, ""
        try:
            patience = self._patience()
            reply = smtp.deliver(self._client, envelope, message, self._timeout, patience)
        except Unavailable as error:
            self._client, code = None, error.code
        if reply is not None and reply.code != CLOSING:
            return outcome(reply)
        self.close()
        if was_used and self._has_time():
            return self._deliver(envelope, message)
        return outcome(reply) if reply else Outcome(code=code, later=True)

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
