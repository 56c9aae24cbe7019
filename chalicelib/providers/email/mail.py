"""One mail: its headers hold only intended values, and a plain-text part stands beside HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from email.utils import formatdate
from hashlib import sha256
from typing import Any

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.email import is_html
from chalicelib.domain.provider_io import Attachment, Recipient
from chalicelib.domain.values import frozen
from chalicelib.providers.email import headers, mime
from chalicelib.providers.email.plain import plain_text

_REFERENCE = re.compile(r"[A-Za-z0-9_.+-]{1,200}")

# The headers that a content may set. None of them names people, hides a part or commands a relay,
# as X-SMTPAPI and X-SES-… do. Those of the second set hold a text for readers.
_STRUCTURED = frozenset(
    {
        "Auto-Submitted",
        "Feedback-ID",
        "Importance",
        "In-Reply-To",
        "List-Archive",
        "List-Help",
        "List-Owner",
        "List-Post",
        "List-Subscribe",
        "Precedence",
        "Priority",
        "References",
        "Sensitivity",
        "X-Auto-Response-Suppress",
        "X-Entity-Ref-ID",
        "X-Priority",
    }
)
_TEXTS = frozenset({"Comments", "Keywords", "Organization", "X-Campaign"})
HEADERS = _STRUCTURED | _TEXTS


@frozen
class Sender:
    """The sender of a delivery channel's mails.

    `reply_to`: where answers go, empty: to the sender. `list_id`: the list that mails with a way
    out belong to (RFC 2919).
    """

    address: str
    name: str = ""
    reply_to: str = ""
    list_id: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def address(contact: str) -> str | None:
    """Return the address for a server, or None for a bad one. See `needs_utf8`."""
    return contacts.canonical(ChannelType.EMAIL, contact)


def needs_utf8(address: str) -> bool:
    """Return True if only a server with SMTPUTF8 (RFC 6531) can take the address."""
    return not address.isascii()


def build(sender: Sender, recipient: Recipient, to: str, files: Sequence[Attachment] = ()) -> bytes:
    """Return the mail as bytes. `to`: the recipient's address for a server.

    Raises ValueError for a header that would hold a line break.
    """
    return b"".join([*_headers(sender, recipient, to), *_body(recipient.content, files)])


def _headers(sender: Sender, recipient: Recipient, to: str) -> Iterator[bytes]:
    content = recipient.content
    yield headers.mailbox("From", sender.name, sender.address)
    yield headers.mailbox("To", "", to)
    reply_to = str(content.get("reply_to") or sender.reply_to)
    if reply_to:
        yield headers.mailbox("Reply-To", "", _reply_to(reply_to))
    yield headers.text("Subject", content["subject"])
    yield headers.structured("Date", formatdate())
    yield headers.structured("Message-ID", message_id(recipient.reference, sender.domain))
    yield from _list(sender, recipient.unsubscribe)
    for name, value in (content.get("headers") or {}).items():
        yield _header(name, value)
    yield headers.structured("MIME-Version", "1.0")


def _header(name: str, value: str) -> bytes:
    if name not in HEADERS:
        raise ValueError("not a header of a content")
    return (headers.text if name in _TEXTS else headers.structured)(name, value)


def is_header(name: str, value: str) -> bool:
    """Tell if a content may set the header to the value."""
    try:
        return bool(_header(name, value))
    except ValueError:
        return False


def _reply_to(contact: str) -> str:
    reply_to = address(contact)
    if reply_to is None or needs_utf8(reply_to):
        raise ValueError("not an address")
    return reply_to


def _list(sender: Sender, unsubscribe: str) -> Iterator[bytes]:
    """Yield the headers of a mail that people can opt out of.

    The address is not folded: mail programs could not read it.
    """
    if not unsubscribe:
        return
    headers.check(unsubscribe)
    if sender.list_id:
        yield f"List-Id: <{sender.list_id}>\r\n".encode("ascii")
    yield f"List-Unsubscribe: <{unsubscribe}>\r\n".encode("ascii")
    if unsubscribe.startswith("https://"):  # RFC 8058: only TLS
        yield b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def _body(content: Mapping[str, Any], files: Sequence[Attachment]) -> Iterator[bytes]:
    text = content["text"]
    body = mime.text("plain", text)
    if is_html(content):
        beside = content.get("plain_text") or plain_text(text)
        body = mime.multipart("alternative", [mime.text("plain", beside), mime.text("html", text)])
    yield mime.multipart("mixed", [body, *map(mime.file, files)]) if files else body


def message_id(reference: str, domain: str) -> str:
    """Return our Message-ID, the same for each attempt at the same delivery.

    Bounces name it, and mailboxes may drop a repeated mail by it.
    """
    name = reference
    if not _REFERENCE.fullmatch(reference):
        name = sha256(reference.encode()).hexdigest()[:40]
    return f"<{name}@{domain}>"
