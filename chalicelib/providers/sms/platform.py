"""Common code of SMS platforms over HTTP: capabilities, texts, numbers and queries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain import contacts, sms
from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import Invalid, Rejected
from chalicelib.domain.provider_io import (
    Capabilities,
    ClickReport,
    DeliveryReport,
    ProviderIds,
    Recipient,
)
from chalicelib.domain.templates import without_placeholders
from chalicelib.providers.base import (
    ErrorTable,
    check_names,
    coded_error,
    optional_text,
    required_text,
    safe_error,
    safe_request,
)
from chalicelib.web.http import Http
from chalicelib.web.messages import Response

# Mobile numbers begin with 13 to 19. Another number spoils the whole batch at some platforms.
_MAINLAND = re.compile(r"1[3-9]\d{9}", re.ASCII)


def capabilities(
    platform: str, call_size: int, credentials: Mapping[str, bool], options: Mapping[str, bool]
) -> Capabilities:
    """Return the capabilities of batches in which each number has an id and a content of its own.

    Reports are posted or polled.
    """
    return Capabilities(
        type=ChannelType.SMS,
        platform=platform,
        call_size=call_size,
        content_per_recipient=True,
        provider_ids=ProviderIds.PER_RECIPIENT,
        delivery_report=DeliveryReport.REAL,
        click_report=ClickReport.LINK,
        receipt_modes=frozenset({ReceiptMode.WEBHOOK, ReceiptMode.POLL}),
        receipt_delay=120,
        credentials=credentials,
        options=options,
    )


def check_content(content: Mapping[str, Any], limit: int) -> None:
    """Check `{content}`, a text with placeholders, whose values are not counted. Raises Invalid."""
    check_names(content, ("content",), "")
    if len(without_placeholders(required_text(content, "content", limit=20_000))) > limit:
        raise Invalid("content", "must have at most {most} characters", most=limit)


def check_signature(options: Mapping[str, Any]) -> None:
    signature = optional_text(options, "signature", "options", 16)
    if signature and (len(signature) < 2 or set(signature) & set("【】")):
        raise Invalid("options.signature", "must have 2 to 16 characters, without brackets")


def check_digits(options: Mapping[str, Any], name: str, limit: int) -> None:
    if not re.fullmatch(r"\d*", optional_text(options, name, "options", limit), re.ASCII):
        raise Invalid(f"options.{name}", "must be digits")


def text_of(recipient: Recipient, signature: str) -> str:
    """Return the signed text of a recipient."""
    text = sms.text_of(recipient.content, signature)
    if text is None:
        raise Rejected("no_content")  # a template of another platform of this channel type
    return text


def mainland(contact: str) -> str | None:
    """Return the 11 digits of a number of the Chinese mainland in any spelling, or None for other
    numbers.
    """
    number = contacts.canonical(ChannelType.SMS, contact)
    return number if number and _MAINLAND.fullmatch(number) else None


def query(
    http: Http,
    url: str,
    body: Mapping[str, Any],
    code_of: Callable[[Response], str],
    errors: ErrorTable,
) -> Mapping[str, Any]:
    """Post a request that changes nothing, and return its answer.

    Raises the meaning of its code.
    """
    reply = safe_request(http, "POST", url, json=body)
    code = code_of(reply)
    if code != "0":
        raise safe_error(coded_error(reply, errors, code))
    return reply.json()  # type: ignore[no-any-return]
