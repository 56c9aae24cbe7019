"""What SMS platforms over HTTP have in common: what they can do; texts, where they take these instead of the id of a template; numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import Invalid, Rejected
from chalicelib.domain.provider_io import (
    Capabilities,
    ClickReport,
    DeliveryReport,
    ProviderIds,
    Recipient,
)
from chalicelib.providers.base import PLACEHOLDER, check_names, optional_text, required_text

# Mobile numbers begin with 13 to 19; one that is none spoils the whole batch at some platforms.
_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[3-9]\d{9})", re.ASCII)


def capabilities(
    platform: str, call_size: int, credentials: Mapping[str, bool], options: Mapping[str, bool]
) -> Capabilities:
    """Batches in which each number has an id and a content of its own, and reports that are posted or asked for."""
    return Capabilities(
        type=ChannelType.SMS,
        platform=platform,
        call_size=call_size,
        content_per_recipient=True,
        provider_ids=ProviderIds.PER_RECIPIENT,
        delivery_report=DeliveryReport.REAL,
        click_report=ClickReport.LINK,
        receipt_modes=frozenset({ReceiptMode.WEBHOOK, ReceiptMode.POLL}),
        credentials=credentials,
        options=options,
    )


def check_content(content: Mapping[str, Any], limit: int) -> None:
    """`{content}`: a text with placeholders, whose values are not counted here. Raises Invalid."""
    check_names(content, ("content",), "")
    if len(PLACEHOLDER.sub("", required_text(content, "content", limit=20_000))) > limit:
        raise Invalid("content", f"must have at most {limit} characters")


def check_signature(options: Mapping[str, Any]) -> None:
    signature = optional_text(options, "signature", "options", 16)
    if signature and (len(signature) < 2 or set(signature) & set("【】")):
        raise Invalid("options.signature", "must have 2 to 16 characters, without brackets")


def check_digits(options: Mapping[str, Any], name: str, limit: int) -> None:
    if not re.fullmatch(r"\d*", optional_text(options, name, "options", limit), re.ASCII):
        raise Invalid(f"options.{name}", "must be digits")


def text_of(recipient: Recipient, signature: str) -> str:
    """The text with a signature in front, 【…】: its own, else the channel's. Carriers send nothing without one."""
    text = recipient.content.get("content")
    if not isinstance(text, str) or not text:
        raise Rejected("no_content")  # a template of another platform of this channel type
    return text if not signature or text.startswith("【") else f"【{signature}】{text}"


def mainland(contact: str) -> str | None:
    """The 11 digits of a number of the Chinese mainland, however it is written; None for any other."""
    found = _MAINLAND.fullmatch(contact)
    return found[1] if found else None
