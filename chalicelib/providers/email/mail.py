"""One mail: its headers hold only intended values, and a plain-text part stands beside HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from functools import lru_cache
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.email import is_html
from chalicelib.domain.provider_io import Attachment

_REFERENCE = re.compile(r"[A-Za-z0-9_.+-]{1,200}")
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
# A sign, not the start of a tag: for each such sign the parser would search to the end.
_UNCLOSED = re.compile(r"<(?=[^<>]*(?:<|\Z))")
# RFC 2045 6.4: these may not be in base64, so an attached mail is a file.
_COMPOSITE = ("message/", "multipart/")

# Every line fits into 7 bits, so that a server without 8BITMIME takes it as it is.
_POLICY = SMTP.clone(cte_type="7bit")


def address(contact: str) -> str | None:
    """Return the address for a server, or None for a bad one. See `needs_utf8`."""
    return contacts.canonical(ChannelType.EMAIL, contact)


def needs_utf8(address: str) -> bool:
    """Return True if only a server with SMTPUTF8 (RFC 6531) can take the address."""
    return not address.isascii()


def has_breaks(value: str) -> bool:
    """Return True for a text that would end its header, or hide something in it.

    An encoded word (RFC 2047) may hold anything. Python's email package decodes such words in its
    input.
    """
    return _BREAKS.search(value) is not None or "=?" in value


def build(
    content: Mapping[str, Any],
    sender: Address,
    recipient: str,
    reference: str,
    files: Sequence[Attachment] = (),
    unsubscribe: str = "",
) -> bytes:
    """Return the mail as bytes.

    `unsubscribe`: the address that opts out.

    Raises ValueError for a header that would hold a line break.
    """
    if any(map(has_breaks, (content["subject"], sender.display_name, unsubscribe))):
        raise ValueError("line break in a header")
    # Raises for half a surrogate pair. EmailMessage would take it for a byte of an unknown
    # encoding.
    content["subject"].encode()
    mail = EmailMessage(policy=_POLICY.clone(utf8=needs_utf8(recipient)))
    local, _, domain = recipient.rpartition("@")
    mail["From"], mail["To"] = sender, Address(username=local, domain=domain)
    mail["Subject"], mail["Date"] = content["subject"], formatdate()
    mail["Message-ID"] = message_id(reference, sender.domain)
    _set_text(mail, content)
    if any(_BREAKS.search(str(value)) for value in mail.values()):
        raise ValueError("line break in a header")
    for file in files:
        _attach(mail, file)
    return _unsubscribe_header(unsubscribe) + bytes(mail)


def _set_text(mail: EmailMessage, content: Mapping[str, Any]) -> None:
    text = content["text"]
    if is_html(content):
        mail.set_content(plain_text(text), cte="quoted-printable")
        mail.add_alternative(text, subtype="html", cte="quoted-printable")
    else:
        mail.set_content(text, cte="quoted-printable")


def _attach(mail: EmailMessage, file: Attachment) -> None:
    if has_breaks(file.name):
        raise ValueError("line break in a header")
    media_type = "application/octet-stream" if file.type.startswith(_COMPOSITE) else file.type
    maintype, _, subtype = media_type.partition("/")
    mail.add_attachment(file.body, maintype=maintype, subtype=subtype, filename=file.name)


def _unsubscribe_header(address: str) -> bytes:
    """Write the header by hand.

    EmailMessage would encode an address that is longer than a line, and mail programs could not
    read it.
    """
    if not address:
        return b""
    one_click = ""
    if address.startswith("https://"):  # RFC 8058: only TLS
        one_click = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return f"List-Unsubscribe: <{address}>\r\n{one_click}".encode("ascii")


def message_id(reference: str, domain: str) -> str:
    """Return our Message-ID, the same for each attempt at the same delivery.

    Bounces name it, and mailboxes may drop a repeated mail by it.
    """
    name = reference
    if not _REFERENCE.fullmatch(reference):
        name = sha256(reference.encode()).hexdigest()[:40]
    return f"<{name}@{domain}>"


@lru_cache(maxsize=16)  # made once for a message whose mails are alike
def plain_text(html: str) -> str:
    """Return the text of HTML, with the addresses of links behind their texts."""
    reader = _Reader()
    reader.feed(_UNCLOSED.sub("&lt;", _without_comments(html)))
    reader.close()
    text = "".join(reader.parts)
    lines = (re.sub(r"[ \t\r\f\v]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _without_comments(html: str) -> str:
    kept, at = [], 0
    while (begin := html.find("<!--", at)) >= 0:
        kept.append(html[at:begin])
        end = html.find("-->", begin + 4)
        at = end + 3 if end >= 0 else len(html)
    return "".join([*kept, html[at:]])


class _Reader(HTMLParser):
    _HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
    _SILENT = ("script", "style", "title")  # not head, whose end may be left out
    _BLOCKS = ("p", "div", "tr", "table", "ul", "ol", "blockquote", "hr", *_HEADINGS)

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._link: tuple[str, int] | None = None  # the address, and where its text begins

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag == "a":
            # Links do not nest: another one begins where browsers end the first.
            self._link = dict(attrs).get("href") or "", len(self.parts)
        elif tag == "img":
            self.parts.append(dict(attrs).get("alt") or "")
        elif tag in ("td", "th"):
            self.parts.append(" ")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag == "br" or tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._link:
            (link, begin), self._link = self._link, None
            text = "".join(self.parts[begin:]).strip()
            if link.startswith(("http://", "https://")) and link != text:
                self.parts.append(f" ({link})")
        elif tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data.replace("\n", " "))
