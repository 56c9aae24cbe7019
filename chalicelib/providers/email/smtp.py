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
from email.errors import MessageError
from email.headerregistry import Address
from typing import TYPE_CHECKING, Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.links import uri
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
)
from chalicelib.domain.templates import without_placeholders
from chalicelib.ports import Session
from chalicelib.providers.base import (
    PlainProvider,
    PlainSession,
    check_names,
    optional_text,
    required_text,
    settings,
)
from chalicelib.providers.email import mail
from chalicelib.providers.email.replies import outcome
from chalicelib.web.egress import Policy

if TYPE_CHECKING:
    from smtplib import SMTP

    from chalicelib.web.smtp import MailServer

CALL_SIZE = 25
MAX_FILES = 10
PORTS = {"none": 25, "tls": 465, "starttls": 587}

# Timeouts that a connection with its login, and a mail on it, take at most (web/smtp.py).
DIAL, MAIL = 2, 2
CLOSING = 421  # the server is about to close the connection (RFC 5321 3.8)
LOST = 2  # connections in a row that break with their mail: then the server ends all of them


class Smtp(PlainProvider):
    """Implements Provider.

    Options: server, port, encryption (none, tls, starttls), sender, sender_name, ca,
    allow_plain_auth.
    """

    capabilities = Capabilities(
        type=ChannelType.EMAIL,
        platform="smtp",
        call_size=CALL_SIZE,
        content_per_recipient=True,
        provider_ids=ProviderIds.NONE,
        delivery_report=DeliveryReport.ACCEPTED,
        click_report=ClickReport.LINK,
        credentials=settings("", "username password"),
        exchanges=MAIL,
        preparation=DIAL,
        utc_offset=None,
        options=settings("server sender", "port encryption sender_name ca allow_plain_auth"),
    )

    def __init__(
        self, policy: Policy, timeout: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._policy, self._timeout, self._clock = policy, timeout, clock

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        check_names(raw, self.capabilities.credentials, "credentials")
        username = optional_text(raw, "username", "credentials")
        password = optional_text(raw, "password", "credentials")
        if bool(username) != bool(password):
            raise Invalid("credentials.password", "required together with username")
        self._check_server(options, has_login=bool(username))
        sender = mail.address(required_text(options, "sender", "options", 320))
        if sender is None or mail.needs_utf8(sender):
            raise Invalid("options.sender", "must be an e-mail address")
        if mail.has_breaks(optional_text(options, "sender_name", "options", 200)):
            raise Invalid("options.sender_name", "must be one line, without =?")
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
            reason = f"must not be none, unless the deployment allows smtp://{host}:{port}"
            raise Invalid("options.encryption", reason)
        may_be_plain = options.get("allow_plain_auth") is True or self._policy.lists(host)
        if has_login and encryption == "none" and not may_be_plain:
            raise Invalid(
                "options.encryption",
                "must not be none when a password is sent (or set allow_plain_auth)",
            )

    def check_content(self, content: Mapping[str, Any]) -> None:
        check_names(content, ("subject", "text", "html", "files"), "")
        if not isinstance(content.get("html", False), bool):
            raise Invalid("html", "must be true or false")
        if mail.has_breaks(required_text(content, "subject", limit=500)):
            raise Invalid("subject", "must be one line, without =?")
        required_text(content, "text", limit=1_000_000)
        files = content.get("files", [])
        if not isinstance(files, list) or len(files) > MAX_FILES:
            raise Invalid("files", f"must be a list of at most {MAX_FILES} addresses")
        for n, url in enumerate(files):
            if not isinstance(url, str):
                raise Invalid(f"files[{n}]", "must be a text")
            reason = self._policy.refusal(uri(url))
            if reason is not None and without_placeholders(url):
                raise Invalid(f"files[{n}]", reason)

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
        options = account.options
        address = mail.address(str(options["sender"]))
        if address is None or mail.needs_utf8(address):
            raise Misconfigured("sender")
        self._sender = Address(str(options.get("sender_name") or ""), addr_spec=address)
        self._server = _server(account, self._sender.domain)
        self._client: SMTP | None = None
        self._is_used = False  # a mail went over the connection
        self._begin = self._end = math.inf

    def check(self) -> None:
        """Open a connection with its greeting, encryption and login."""
        self.prepare()

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

    def _mail(self, recipient: Recipient, files: Sequence[Attachment] = ()) -> Outcome:
        """Send one mail. Raises for errors that the next mails would meet."""
        to = mail.address(recipient.contact)
        if to is None:
            return Outcome(Loss.INVALID_TARGET, "bad_address")
        try:
            message = mail.build(
                recipient.content,
                self._sender,
                to,
                recipient.reference,
                files,
                recipient.unsubscribe,
            )
        except (ValueError, MessageError):
            return Outcome(Loss.SUBMIT_FAILED, "bad_content")
        try:
            return self._deliver(to, message)
        except Rejected as error:
            return Outcome(Loss.SUBMIT_FAILED, error.code)
        except Uncertain as error:
            self._client = None
            return Outcome(code=error.code, uncertain=True)

    def _deliver(self, to: str, message: bytes) -> Outcome:
        """Hand over one mail.

        A server may close the connection between two mails. If one went over it, connect once more.
        """
        from chalicelib.web import smtp

        self.prepare()
        assert self._client is not None
        was_used, self._is_used = self._is_used, True
        reply, code = None, ""
        try:
            reply = smtp.deliver(self._client, self._sender.addr_spec, to, message, self._timeout)
        except Unavailable as error:
            self._client, code = None, error.code
        if reply is not None and reply.code != CLOSING:
            return outcome(reply)
        self.close()
        if was_used and self._has_time():
            return self._deliver(to, message)
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
