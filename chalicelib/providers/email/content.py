"""The content of a mail, and the settings of its sender, on every platform for e-mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.email import is_html
from chalicelib.domain.errors import Invalid
from chalicelib.domain.links import uri
from chalicelib.domain.templates import without_placeholders
from chalicelib.providers.base import check_names, optional_text, required_text
from chalicelib.providers.email import headers, mail
from chalicelib.web.egress import Policy

CHANNEL_TYPE = ChannelType.EMAIL
SENDER_OPTIONS = "sender_name reply_to list_id"
MAX_FILES = 10
MAX_TEXT = 1_000_000
MAX_HEADERS = 20
_FIELDS = ("subject", "text", "html", "files", "plain_text", "reply_to", "headers")
_LIST_ID = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,8}")


def check(content: Mapping[str, Any], policy: Policy) -> None:
    """Raise Invalid for a content that no mail can have."""
    check_names(content, _FIELDS, "")
    if not isinstance(content.get("html", False), bool):
        raise Invalid("html", "must be true or false")
    if headers.has_breaks(required_text(content, "subject", limit=500)):
        raise Invalid("subject", "must be one line")
    required_text(content, "text", limit=MAX_TEXT)
    if optional_text(content, "plain_text", limit=MAX_TEXT) and not is_html(content):
        raise Invalid("plain_text", "needs a text that is HTML")
    _check_reply_to(content, "reply_to", "")
    _check_headers(content.get("headers", {}))
    _check_files(content.get("files", []), policy)


def _check_reply_to(raw: Mapping[str, Any], name: str, path: str) -> None:
    reply_to = optional_text(raw, name, path, 320)
    if reply_to and not _is_open(reply_to) and not is_sender(reply_to):
        raise Invalid(f"{path}.{name}" if path else name, "must be an e-mail address")


def _is_open(text: str) -> bool:
    """Tell if a text has variables, whose values come later."""
    return without_placeholders(text) != text


def is_sender(contact: str) -> bool:
    """Return True for an address that every server takes."""
    address = mail.address(contact)
    return address is not None and not mail.needs_utf8(address)


def _check_headers(raw: Any) -> None:
    if not isinstance(raw, Mapping) or len(raw) > MAX_HEADERS:
        raise Invalid("headers", "must be an object of at most {most} headers", most=MAX_HEADERS)
    for name in raw:
        if name not in mail.HEADERS:
            raise Invalid(f"headers.{str(name)[:60]}", "is not a header that a content may set")
        text = required_text(raw, name, "headers", 500)
        if headers.has_breaks(text) or not (_is_open(text) or mail.is_header(name, text)):
            raise Invalid(f"headers.{name}", "must be one line, as the header's format asks")


def _check_files(files: Any, policy: Policy) -> None:
    if not isinstance(files, list) or len(files) > MAX_FILES:
        raise Invalid("files", "must be a list of at most {most} addresses", most=MAX_FILES)
    for n, url in enumerate(files):
        if not isinstance(url, str):
            raise Invalid(f"files[{n}]", "must be a text")
        reason = policy.refusal(uri(url))
        if reason is not None and without_placeholders(url):
            raise Invalid(f"files[{n}]", reason)


def check_sender(options: Mapping[str, Any]) -> None:
    """Raise Invalid for options of a sender that no mail can have."""
    if not is_sender(required_text(options, "sender", "options", 320)):
        raise Invalid("options.sender", "must be an e-mail address")
    if headers.has_breaks(optional_text(options, "sender_name", "options", 200)):
        raise Invalid("options.sender_name", "must be one line")
    _check_reply_to(options, "reply_to", "options")
    list_id = optional_text(options, "list_id", "options", 253)
    if list_id and not _LIST_ID.fullmatch(list_id):
        raise Invalid("options.list_id", "must look like a domain name (RFC 2919)")


def sender(code: str, options: Mapping[str, Any]) -> mail.Sender | None:
    """Return the sender of a delivery channel, or None if its address is not one.

    A list's name never changes, so the default is made of the channel's code, which does not.
    """
    address = mail.address(str(options["sender"]))
    if address is None or mail.needs_utf8(address):
        return None
    made = mail.Sender(
        address, str(options.get("sender_name") or ""), str(options.get("reply_to") or "")
    )
    list_id = str(options.get("list_id") or f"{code}.{made.domain}")
    return mail.Sender(made.address, made.name, made.reply_to, list_id)
