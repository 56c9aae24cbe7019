"""One mail: headers that hold what they should and nothing else, and a plain-text part beside HTML."""

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

from chalicelib.domain.email import is_html
from chalicelib.domain.provider_io import Attachment

# Not the whole of RFC 5321 and 6531: what needs no quoting before the @, and after it a name in ASCII, once it is encoded.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff.-]+")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_REFERENCE = re.compile(r"[A-Za-z0-9_.+-]{1,200}")
_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
_UNCLOSED = re.compile(
    r"<(?=[^<>]*(?:<|\Z))"
)  # a sign, not the begin of a tag: for each of those the parser would look to the end
_COMPOSITE = (
    "message/",
    "multipart/",
)  # RFC 2045 6.4: these may not be in base64, so a mail that is attached is a file

# Every line fits into 7 bits, so that a server without 8BITMIME takes it as it is.
_POLICY = SMTP.clone(cte_type="7bit")


def address(contact: str) -> str | None:
    """The address as a server is told it, with its domain as IDNA 2008 has it; None when it is none. See `needs_utf8`."""
    local, _, domain = contact.strip().rpartition("@")
    if not domain.isascii():
        import idna  # comes with requests; Python's own codec takes straße.example to strasse.example

        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except UnicodeError:
            return None
    whole = f"{local}@{domain}"
    if (
        not (_LOCAL.fullmatch(local) and local.isprintable() and _DOMAIN.fullmatch(domain))
        or len(local.encode()) > 64
    ):
        return None
    return (
        None
        if whole.startswith(".") or ".." in whole or ".@" in whole or has_breaks(whole)
        else whole
    )


def needs_utf8(address: str) -> bool:
    """Whether only a server with SMTPUTF8 (RFC 6531) can take it."""
    return not address.isascii()


def has_breaks(value: str) -> bool:
    """Whether a text would end the header that it is put into, or hide something in it.

    An encoded word (RFC 2047) may hold anything, and Python's email package decodes those in what it is given.
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
    """The mail as bytes; raises ValueError when a header would hold a line break. `unsubscribe`: where a click opts out."""
    if any(map(has_breaks, (content["subject"], sender.display_name, unsubscribe))):
        raise ValueError("line break in a header")
    content[
        "subject"
    ].encode()  # else EmailMessage would take half a surrogate pair for a byte of an unknown encoding
    mail = EmailMessage(policy=_POLICY.clone(utf8=needs_utf8(recipient)))
    mail["From"] = sender
    local, _, domain = recipient.rpartition("@")
    mail["To"] = Address(username=local, domain=domain)
    mail["Subject"] = content["subject"]
    mail["Date"] = formatdate()
    mail["Message-ID"] = message_id(reference, sender.domain)
    text = content["text"]
    if is_html(content):
        mail.set_content(plain_text(text), cte="quoted-printable")
        mail.add_alternative(text, subtype="html", cte="quoted-printable")
    else:
        mail.set_content(text, cte="quoted-printable")
    if any(_BREAKS.search(str(value)) for value in mail.values()) or any(
        has_breaks(file.name) for file in files
    ):
        raise ValueError("line break in a header")
    for file in files:
        media_type = "application/octet-stream" if file.type.startswith(_COMPOSITE) else file.type
        kind, _, subtype = media_type.partition("/")
        mail.add_attachment(file.body, maintype=kind, subtype=subtype, filename=file.name)
    return _way_out(unsubscribe) + bytes(mail)


def _way_out(address: str) -> bytes:
    """Written by hand: EmailMessage would encode an address that is longer than a line, and nobody could read it."""
    if not address:
        return b""
    one_click = (
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        if address.startswith("https://")
        else ""
    )  # RFC 8058: only TLS
    return f"List-Unsubscribe: <{address}>\r\n{one_click}".encode("ascii")


def message_id(reference: str, domain: str) -> str:
    """Our own, the same for each attempt at the same delivery: bounces name it, and mailboxes may drop a second one by it."""
    name = (
        reference
        if _REFERENCE.fullmatch(reference)
        else sha256(reference.encode()).hexdigest()[:40]
    )
    return f"<{name}@{domain}>"


@lru_cache(maxsize=16)  # of a message whose mails are alike it is made once
def plain_text(html: str) -> str:
    """What a reader without HTML sees: the text, with the addresses of links behind them."""
    reader = _Reader()
    reader.feed(_UNCLOSED.sub("&lt;", _without_comments(html)))
    reader.close()
    lines = (
        re.sub(r"[ \t\r\f\v]+", " ", line).strip() for line in "".join(reader.parts).split("\n")
    )
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _without_comments(html: str) -> str:
    kept, at = [], 0
    while (begin := html.find("<!--", at)) >= 0:
        kept.append(html[at:begin])
        end = html.find("-->", begin + 4)
        at = end + 3 if end >= 0 else len(html)
    return "".join([*kept, html[at:]])


class _Reader(HTMLParser):
    _SILENT = ("script", "style", "title")  # not head, whose end may be left out
    _BLOCKS = (
        "p",
        "div",
        "tr",
        "table",
        "ul",
        "ol",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "hr",
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._links: list[tuple[str, int]] = []  # the address, and where its text begins

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.parts)))
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
        elif tag == "a" and self._links:
            link, begin = self._links.pop()
            if (
                link.startswith(("http://", "https://"))
                and link != "".join(self.parts[begin:]).strip()
            ):
                self.parts.append(f" ({link})")
        elif tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data.replace("\n", " "))
