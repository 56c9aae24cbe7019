"""Three mail servers: plain, with TLS from the start, and with STARTTLS required.

Replies follow RFC 5321 4.2 and RFC 3463.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from functools import partial
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from infra.sandbox import links
from infra.sandbox.behaviour import Behaviour, of
from infra.sandbox.calllog import Call, Result
from infra.sandbox.vendor import Core

NAME = "smtp"
MAX_BYTES = 10 * 1024 * 1024
LATE_SECONDS = 1.0  # shorter than elsewhere, because the client waits for the answer
WRONG_PASSWORD = b"wrong"

Pause = Callable[[float], Awaitable[None]]


class MailServer:
    """Handler of aiosmtpd. `endpoint` names the listener in the log."""

    def __init__(self, core: Core, endpoint: str, pause: Pause = asyncio.sleep) -> None:
        self._core, self._endpoint, self._pause = core, endpoint, pause

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        behaviour = of(address)
        if behaviour is Behaviour.REJECT:
            self._log(Result.REFUSED, "550 5.1.1", [address])
            return "550 5.1.1 No such user here"
        trouble = (
            None if behaviour is Behaviour.TIMEOUT else self._core.troubles.of_call(NAME, [address])
        )
        if trouble is Behaviour.THROTTLE:
            self._log(Result.THROTTLED, "450 4.7.1", [address])
            return (
                f"450 4.7.1 Too many mails, try again in {self._core.options.retry_after} seconds"
            )
        if trouble is Behaviour.FLAKY:
            self._log(Result.FAILED, "451 4.3.0", [address])
            return "451 4.3.0 Local error in processing"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        recipients, content = list(envelope.rcpt_tos), envelope.original_content or b""
        timeout = self._core.troubles.of_call(NAME, recipients) is Behaviour.TIMEOUT
        headers = BytesHeaderParser(policy=email.policy.compat32).parsebytes(content)
        message_id = str(headers.get("Message-ID", "")).strip()
        outcome = Result.TIMEOUT if timeout else Result.ACCEPTED
        self._log(outcome, "250", recipients, recipients, message_id)
        behaviours = {of(recipient) for recipient in recipients}
        if Behaviour.LATE in behaviours:
            await self._pause(LATE_SECONDS)
        for recipient in recipients:
            self._core.log.receive(NAME, recipient, message_id, content, "email")
        if Behaviour.CLICK in behaviours:
            links.open_first(self._core.outbox, texts(content), 0.0)
        if timeout:
            await asyncio.sleep(self._core.options.timeout_hang)
            cast(asyncio.Transport, server.transport).abort()
            await asyncio.Event().wait()  # aiosmtpd cancels this when the connection is gone
        return "250 2.0.0 OK: queued"

    def _log(
        self,
        outcome: Result,
        code: str,
        contacts: list[str],
        sent: list[str] | None = None,
        message_id: str = "",
    ) -> None:
        code = "" if outcome is Result.ACCEPTED else code
        call = Call(
            provider=NAME, endpoint=self._endpoint, outcome=outcome, code=code, token=message_id
        )
        self._core.log.add(call, contacts, sent or ())


def _check_login(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    """Accept any login, except with the password `wrong`, which aiosmtpd answers with 535."""
    return AuthResult(
        success=isinstance(data, LoginPassword) and data.password != WRONG_PASSWORD, handled=False
    )


async def listen(core: Core, endpoint: str, port: int, context: ssl.SSLContext) -> asyncio.Server:
    """Start the server of an `endpoint`: smtp, smtps or starttls. Port 0 takes a free port."""
    starttls = endpoint == "starttls"
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # it logs a line per command otherwise
    factory = partial(
        SMTP,
        MailServer(core, endpoint),
        hostname="sandbox.localhost",
        data_size_limit=MAX_BYTES,
        authenticator=_check_login,
        auth_require_tls=starttls,
        require_starttls=starttls,
        tls_context=context if starttls else None,
    )
    return await asyncio.get_running_loop().create_server(
        factory, core.options.host, port, ssl=context if endpoint == "smtps" else None
    )


def texts(content: bytes) -> Iterator[str]:
    """Yield the text parts of a mail, decoded."""
    mail = email.message_from_bytes(content, policy=email.policy.default)
    for part in mail.walk():
        if part.get_content_maintype() == "text" and isinstance(part, EmailMessage):
            yield str(part.get_content())


def readable(content: bytes) -> dict[str, Any]:
    """Return a mail as the inbox shows it."""
    mail = email.message_from_bytes(content, policy=email.policy.default)
    headers = {
        name.lower().replace("-", "_"): str(mail.get(name, ""))
        for name in ("From", "To", "Subject", "Date", "Message-ID")
    }
    files = [
        {"name": part.get_filename(), "type": part.get_content_type(), "bytes": len(_body(part))}
        for part in mail.iter_attachments()
    ]
    bodies = {name: _text(mail.get_body((name,))) for name in ("plain", "html")}
    return {**headers, "texts": list(texts(content)), **bodies, "files": files}


def _text(part: Any) -> str:
    return str(part.get_content()) if isinstance(part, EmailMessage) else ""


def _body(part: Any) -> bytes:
    return part.get_payload(decode=True) or b""
