"""SMTP, by aiosmtpd: plain, TLS from the start, and STARTTLS. Sources: RFC 5321, RFC 3463."""

from __future__ import annotations

import asyncio
import datetime
import email
import email.policy
import ipaddress
import ssl
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.local.sandbox.behaviour import Behaviour, behaviour_of
from infra.local.sandbox.web import Sandbox

PROVIDER = "smtp"
LATE = 2.0  # seconds: SMTP has no receipt that could come late, so its answer does


class Handler:
    def __init__(self, box: Sandbox) -> None:
        self.box = box

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        behaviour = behaviour_of(address)
        if behaviour is Behaviour.REJECT:
            self.box.journal.note(PROVIDER, "RCPT", [address], "error 550")
            return "550 5.1.1 no such mailbox"
        if behaviour in (Behaviour.FLAKY, Behaviour.THROTTLE) and self.box.journal.trouble(PROVIDER, [address]):
            code = "451 4.3.0 try again" if behaviour is Behaviour.FLAKY else "450 4.7.1 too many mails, try again"
            self.box.journal.note(PROVIDER, "RCPT", [address], f"error {code[:3]}")
            return code
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mail = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)  # type: ignore[arg-type]
        body = mail.get_body(("html", "plain"))
        text = body.get_content() if body else ""
        for address in envelope.rcpt_tos:
            self.box.journal.sent(PROVIDER, [address])
            self.box.journal.inbox[address].append(
                {"provider": PROVIDER, "message_id": mail["Message-ID"], "subject": str(mail["Subject"]), "text": text}
            )
        await self._linger(envelope.rcpt_tos, text)
        return "250 2.0.0 queued"

    async def _linger(self, addresses: list[str], text: str) -> None:
        for address in addresses:
            behaviour = behaviour_of(address)
            hangs = behaviour is Behaviour.TIMEOUT and self.box.journal.trouble(PROVIDER, [address]) is not None
            self.box.journal.note(PROVIDER, "DATA", [address], "timeout" if hangs else "sent")
            if hangs:
                await asyncio.sleep(self.box.hang)
            if behaviour is Behaviour.LATE:
                await asyncio.sleep(min(LATE, self.box.posts.late))
            if behaviour is Behaviour.CLICK:
                self.box.posts.open_link(text, 0.0)


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    """Any account, but the password `wrong`."""
    is_wrong = isinstance(data, LoginPassword) and data.password == b"wrong"
    return AuthResult(success=not is_wrong, handled=False)


async def listen(box: Sandbox, plain: int, tls: int, starttls: int, folder: Path) -> list[asyncio.Server]:
    """The three listeners. The certificate is made anew; `smtp.pem` in the folder is what a client trusts."""
    context = _certificate(folder)
    loop = asyncio.get_running_loop()
    common: dict[str, Any] = {
        "authenticator": _authenticate,
        "auth_required": False,
        "enable_SMTPUTF8": True,
        "hostname": "sandbox.invalid",
    }

    def make(**options: Any) -> Any:
        return lambda: SMTP(Handler(box), loop=loop, **common, **options)

    return [
        await loop.create_server(make(auth_require_tls=False), "127.0.0.1", plain),
        await loop.create_server(make(auth_require_tls=False), "127.0.0.1", tls, ssl=context),
        await loop.create_server(make(tls_context=context, require_starttls=True), "127.0.0.1", starttls),
    ]


def _certificate(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365)).add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "smtp.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "smtp.key").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "smtp.pem", folder / "smtp.key")
    return context
