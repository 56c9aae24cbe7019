"""Outgoing SMTP through the egress policy: plain, TLS from the start, or STARTTLS.

Mails are handed over one at a time. After a broken connection it is then known whether the server
can have taken the mail. Import this module only inside functions.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from base64 import b64encode
from dataclasses import field
from functools import lru_cache

from chalicelib.domain.errors import Misconfigured, ProviderError, Rejected, Unavailable, Uncertain
from chalicelib.domain.values import frozen
from chalicelib.web.deadline import Deadline
from chalicelib.web.egress import MAIL_PORTS, Policy

_LINE_END = re.compile(rb"\r\n|\r|\n")
TAKEN = (250, 251)  # answers to RCPT
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


@frozen(kw_only=True)
class MailServer:
    """Address and login of a mail server.

    `encryption`: none, tls (from the first byte, usually port 465) or starttls. `ca`: a PEM
    certificate to trust instead of the usual ones.
    """

    host: str
    port: int
    encryption: str
    hello: str = "localhost"
    username: str = ""
    password: str = field(default="", repr=False)
    ca: str = field(default="", repr=False)
    allow_plain_auth: bool = False


@frozen
class Envelope:
    """The addresses of a mail for its server. `reference` names it in reports (RFC 3461)."""

    sender: str
    recipient: str = field(repr=False)
    reference: str = ""


@frozen
class Reply:
    """Last reply of a server about a mail.

    `stage`: `mail` (sender), `rcpt` (recipient), `data` or `end` (the whole mail).
    """

    stage: str
    code: int
    text: str = field(repr=False)  # servers quote addresses in it


class Mailer(smtplib.SMTP):
    """smtplib's client on a connection that was made through the policy.

    `_host` remains the name, because STARTTLS checks against it.
    """

    def __init__(self, connection: socket.socket, server: MailServer, timeout: float) -> None:
        self._connection = connection
        super().__init__(server.host, server.port, local_hostname=server.hello, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._connection


def dial(policy: Policy, server: MailServer, timeout: float) -> smtplib.SMTP:
    """Return a connection that has said EHLO and logged in, within about two timeouts.

    Nothing was sent when this raises. Raises Unavailable if trying again may help. Raises
    Misconfigured if an operator must act: address, certificate, login.
    """
    if server.encryption == "none" and not policy.allows_plain_mail(server.host, server.port):
        raise Misconfigured("mail_without_tls")
    may_be_plain = server.allow_plain_auth or policy.lists(server.host)
    if server.username and server.encryption == "none" and not may_be_plain:
        raise Misconfigured("login_without_tls")
    with contextlib.ExitStack() as on_failure:
        try:
            client = _connect(policy, server, timeout, on_failure)
        except (ProviderError, smtplib.SMTPException, OSError, UnicodeError) as error:
            raise _meaning(error) from error
        on_failure.pop_all()
    return client


def _connect(
    policy: Policy, server: MailServer, timeout: float, on_failure: contextlib.ExitStack
) -> smtplib.SMTP:
    connection = policy.connect(server.host, server.port, timeout=timeout / 2, ports=MAIL_PORTS)
    on_failure.callback(connection.close)
    connection.settimeout(timeout / 2)
    if server.encryption == "tls":
        connection = _context(server.ca).wrap_socket(connection, server_hostname=server.host)
        on_failure.callback(connection.close)
    connection.settimeout(timeout)
    with Deadline(timeout) as deadline:
        deadline.watch(connection)
        client = Mailer(connection, server, timeout)
        on_failure.callback(client.close)
        _introduce(client, server, deadline)
    return client


def _introduce(client: smtplib.SMTP, server: MailServer, deadline: Deadline) -> None:
    client.ehlo_or_helo_if_needed()
    if server.encryption == "starttls":
        client.starttls(context=_context(server.ca))
        deadline.watch(client.sock)
        client.ehlo_or_helo_if_needed()
    if server.username:
        _log_in(client, server)


def _log_in(client: smtplib.SMTP, server: MailServer) -> None:
    """Log in with the first of PLAIN and LOGIN that the server offers, in UTF-8 (RFC 4616).

    smtplib's own login takes ASCII only. It would try CRAM-MD5 first, but few servers keep the
    plain passwords that CRAM-MD5 needs.
    """
    offered = client.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        answer = client.docmd("AUTH PLAIN", _base64(f"\0{server.username}\0{server.password}"))
    elif "LOGIN" in offered:
        answer = client.docmd("AUTH LOGIN")
        for text in (server.username, server.password):
            answer = client.docmd(_base64(text)) if answer[0] == 334 else answer
    else:
        raise Misconfigured("login_not_offered")
    if answer[0] != 235:
        raise smtplib.SMTPAuthenticationError(*answer)


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


@lru_cache(maxsize=8)
def _context(ca: str) -> ssl.SSLContext:
    """Return a context that trusts a certificate, or the usual authorities if there is none.

    Reading the authorities takes 17 ms of a whole core, so connections share them.
    """
    try:
        return ssl.create_default_context(cadata=ca or None)
    except (ssl.SSLError, ValueError) as error:
        raise Misconfigured("ca") from error


def _meaning(error: Exception) -> Exception:
    if isinstance(error, ProviderError):
        return error
    if isinstance(error, ssl.SSLCertVerificationError):
        return Misconfigured("tls_certificate")
    if isinstance(error, smtplib.SMTPResponseException):
        return (Misconfigured if error.smtp_code >= 500 else Unavailable)(str(error.smtp_code))
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Misconfigured("starttls_not_offered")
    if isinstance(error, UnicodeError):
        return Misconfigured("login_characters")
    return Unavailable("connection_lost")


def deliver(
    client: smtplib.SMTP,
    envelope: Envelope,
    message: bytes,
    timeout: float,
    patience: float = 0.0,
) -> Reply:
    """Hand over one mail, within two timeouts and the patience.

    A connection that breaks is closed. `patience`: seconds for the answer to the final dot, at
    least a timeout. A server may check the mail first. Clients should wait ten minutes (RFC 5321
    4.5.3.2.6), since who waits less may send the mail twice.

    Raises Unavailable if the mail was surely not taken, and Uncertain if it may have been. Raises
    Rejected for an address that is not ASCII, if the server cannot take it.
    """
    lines = _LEADING_DOT.sub(b"..", _LINE_END.sub(b"\r\n", message))
    with Deadline(2 * timeout) as deadline:
        deadline.watch(client.sock)
        try:
            refused = _offer(client, envelope, len(lines))
            if refused is not None:
                return refused
            client.send(lines if lines.endswith(b"\r\n") else lines + b"\r\n")
        except (smtplib.SMTPException, OSError) as error:
            client.close()
            raise Unavailable("connection_lost") from error
    return _end(client, timeout, max(timeout, patience))


def _end(client: smtplib.SMTP, timeout: float, patience: float) -> Reply:
    """Send the final dot, and wait for the answer. Raises Uncertain."""
    connection = client.sock
    with Deadline(patience) as deadline:
        deadline.watch(connection)
        try:
            if connection is not None:
                connection.settimeout(patience)
            # A mail counts from this line on (RFC 5321 4.1.1.4), so the line is sent separately.
            client.send(b".\r\n")
            code, text = client.getreply()
            if connection is not None:
                connection.settimeout(timeout)
        except (smtplib.SMTPException, OSError) as error:
            client.close()
            waited = deadline.passed or isinstance(error.__context__, TimeoutError)
            raise Uncertain("timeout" if waited else "connection_lost") from error
    return Reply("end", code, text.decode("utf-8", "replace"))


def probe(client: smtplib.SMTP, sender: str, recipient: str, timeout: float) -> Reply:
    """Name a sender and a recipient, and take both back. Return the last answer about them.

    Raises Unavailable.
    """
    with Deadline(2 * timeout) as deadline:
        deadline.watch(client.sock)
        try:
            reply = _name(client, sender, recipient, [])
            client.rset()
        except (smtplib.SMTPException, OSError) as error:
            client.close()
            raise Unavailable("connection_lost") from error
    return reply


def _name(client: smtplib.SMTP, sender: str, recipient: str, options: list[str]) -> Reply:
    code, text = client.mail(sender, options)
    stage = "mail"
    if code == 250:
        code, text = client.rcpt(recipient)
        stage = "rcpt"
    return Reply(stage, code, text.decode("utf-8", "replace"))


def _offer(client: smtplib.SMTP, envelope: Envelope, size: int) -> Reply | None:
    # A server that knows the size (RFC 1870) need not read a mail that it refuses.
    options = [f"SIZE={size}"] if client.has_extn("size") else []
    if client.has_extn("dsn") and envelope.reference:
        # RFC 3461: a report names the mail, and returns only its headers.
        options += ["RET=HDRS", f"ENVID={envelope.reference}"]
    if not envelope.recipient.isascii():
        if not client.has_extn("smtputf8"):
            raise Rejected("utf8_not_offered")
        # RFC 6531 3.1: a server that offers SMTPUTF8 offers 8BITMIME, too.
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    reply = _name(client, envelope.sender, envelope.recipient, options)
    if reply.code in TAKEN:
        code, text = client.docmd("DATA")
        reply = Reply("data", code, text.decode("utf-8", "replace"))
    if reply.code == 354:
        return None
    with contextlib.suppress(smtplib.SMTPException, OSError):
        client.rset()
    return reply


def hang_up(client: smtplib.SMTP) -> None:
    """Say QUIT if the server still listens.

    Never raises for the network, and does not wait for long.
    """
    with contextlib.suppress(smtplib.SMTPException, OSError):
        if client.sock is not None:
            client.sock.settimeout(2)
            client.quit()
    client.close()
