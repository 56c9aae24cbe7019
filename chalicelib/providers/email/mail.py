"""One mail: headers that hold what they should and nothing else, and a plain-text part beside HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

from chalicelib.domain.sending import Attachment

# Not the whole of RFC 5321: what a server may be sent without quoting, in ASCII once the domain is encoded.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_REFERENCE = re.compile(r"[A-Za-z0-9_.+-]{1,200}")
_HTML = re.compile(
    r"<(!doctype|html|body|head|p|div|span|br|a|table|h[1-6]|img|b|i|em|strong|ul|ol|font|center)(?=[\s/>])[^>]*>", re.IGNORECASE
)
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")

# Every line fits into 7 bits, so that a server without 8BITMIME takes it as it is.
_POLICY = SMTP.clone(cte_type="7bit")


def ascii_address(contact: str) -> str | None:
    """The address as a server is told it, with its domain in IDNA; None when it is none, or would need SMTPUTF8."""
    local, at, domain = contact.strip().rpartition("@")
    try:
        encoded = f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return None
    return encoded if _ADDRESS.fullmatch(encoded) and ".." not in encoded and not encoded.startswith(".") and ".@" not in encoded else None


def has_breaks(value: str) -> bool:
    """Whether a text would end the header that it is put into, or hide something in it."""
    return _BREAKS.search(value) is not None


def is_html(text: str) -> bool:
    return _HTML.search(text) is not None


def build(
    content: Mapping[str, Any], sender: Address, recipient: str, reference: str, files: Sequence[Attachment] = (), unsubscribe: str = ""
) -> bytes:
    """The mail as bytes; raises ValueError when a header would hold a line break. `unsubscribe`: where a click opts out."""
    if has_breaks(content["subject"]) or has_breaks(unsubscribe):
        raise ValueError("line break in a header")
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = content["subject"]
    mail["Date"] = formatdate()
    mail["Message-ID"] = message_id(reference, sender.domain)
    text = content["text"]
    if is_html(text):
        mail.set_content(plain_text(text), cte="quoted-printable")
        mail.add_alternative(text, subtype="html", cte="quoted-printable")
    else:
        mail.set_content(text, cte="quoted-printable")
    for file in files:
        kind, _, subtype = file.type.partition("/")
        mail.add_attachment(file.body, maintype=kind, subtype=subtype, filename=file.name)
    return _way_out(unsubscribe) + bytes(mail)


def _way_out(address: str) -> bytes:
    """Written by hand: EmailMessage would encode an address that is longer than a line, and nobody could read it."""
    if not address:
        return b""
    one_click = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" if address.startswith("https://") else ""  # RFC 8058: only TLS
    return f"List-Unsubscribe: <{address}>\r\n{one_click}".encode("ascii")


def message_id(reference: str, domain: str) -> str:
    """Our own, the same for each attempt at the same delivery: bounces name it, and mailboxes may drop a second one by it."""
    name = reference if _REFERENCE.fullmatch(reference) else sha256(reference.encode()).hexdigest()[:40]
    return f"<{name}@{domain}>"


def plain_text(html: str) -> str:
    """What a reader without HTML sees: the text, with the addresses of links behind them."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (re.sub(r"[ \t\r\f\v]+", " ", line).strip() for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


class _Reader(HTMLParser):
    _SILENT = ("script", "style", "head", "title")
    _BLOCKS = ("p", "div", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag == "br" or tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "a" and self._links:
            link = self._links.pop()
            if link.startswith(("http://", "https://")):
                self.parts.append(f" ({link})")
        elif tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data.replace("\n", " "))
