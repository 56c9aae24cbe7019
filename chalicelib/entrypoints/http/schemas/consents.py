"""Consents of contacts, and the consent that an access channel requires."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Sparse,
    Strict,
    Versioned,
    matching,
    refusal,
)
from chalicelib.manage.consents import Said

MAX_CONSENTS = 100  # of a request

Type = Annotated[ChannelType, Field(strict=False)]
Purpose = Annotated[
    str,
    matching(
        r"[a-z0-9][a-z0-9_.-]{0,29}",
        "1 to 30 small letters, digits or _.-",
        "1 到 30 个小写字母、数字或 _.-",
        30,
    ),
]
Urgency = Annotated[int, Field(ge=Priority.HIGH.value, le=Priority.LOW.value)]


class ConsentEntry(Sparse):
    """A consent of a contact, or that it was taken back."""

    type: Type
    contact: Annotated[str, Field(min_length=1, max_length=256, repr=False)]
    purpose: Purpose
    given: bool
    time: Annotated[int, Field(ge=0, le=10**14)] | None = None
    source: Annotated[str, Field(max_length=64)] = ""
    text_version: Annotated[str, Field(max_length=64)] = ""

    @model_validator(mode="after")
    def _contact(self) -> ConsentEntry:
        if contacts.canonical(self.type, self.contact) is None:
            raise refusal(PARAMETER, "is not a contact of this type", "不是该类型的联系方式")
        return self

    def said(self) -> Said:
        canonical = contacts.canonical(self.type, self.contact) or ""
        about = (self.given, self.time, self.source, self.text_version)
        return Said(self.type, canonical, self.purpose, *about)


class ConsentEntries(Sparse):
    consents: Annotated[list[ConsentEntry], Field(min_length=1, max_length=MAX_CONSENTS)]

    def said(self) -> Sequence[Said]:
        return [entry.said() for entry in self.consents]


class ConsentRuleBody(Strict):
    """The purpose that messages without a topic's own need, except those of some priorities."""

    purpose: Purpose
    exempt: Annotated[list[Urgency], Field(max_length=3)] = [Priority.HIGH.value]


class ConsentRule(Versioned):
    channel_key: str
    purpose: str | None
    exempt: list[int]


class Done(Answer):
    code: int
    message: str
