"""Contacts that no access channel of the deployment sends to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import Answer, Digits, Strict, refusal

MAX_CONTACTS = 100  # of one request. An import takes more.
Text = Annotated[str, Field(min_length=1, max_length=contacts.LONGEST), Digits]


def _of_type(text: str, info: ValidationInfo) -> str:
    """Check a contact against its channel type, unless that was refused itself."""
    kind = info.data.get("type")
    if kind is not None and contacts.canonical(kind, text) is None:
        raise refusal(PARAMETER, "is not a contact of this channel type", "不是该类型的联系方式")
    return text


def _suppressible(channel_type: ChannelType) -> ChannelType:
    if channel_type not in (ChannelType.SMS, ChannelType.EMAIL):
        raise refusal(PARAMETER, "must be sms or email", "须为 sms 或 email")
    return channel_type


Contact = Annotated[Text, AfterValidator(_of_type)]
Suppressible = Annotated[ChannelType, Field(strict=False), AfterValidator(_suppressible)]


class ContactsBody(Strict):
    """Contacts of one channel type: phone numbers or e-mail addresses."""

    type: Suppressible
    contacts: Annotated[list[Contact], Field(min_length=1, max_length=MAX_CONTACTS)]

    def distinct(self) -> Sequence[str]:
        """Return the contacts in their canonical spelling, each once."""
        named = [contacts.canonical(self.type, text) or text for text in self.contacts]
        return contacts.distinct(self.type, named)


class OneContact(Strict):
    """A phone number or an e-mail address."""

    type: Suppressible
    contact: Contact


class SuppressionsChanged(Answer):
    """The number of contacts in the request, duplicates counted once."""

    contacts: int


class Suppression(Answer):
    suppressed: bool
    since: int | None


class ExportBody(Strict):
    cursor: Annotated[str, Field(max_length=400)] = ""


class Export(Answer):
    """A file of suppressed contacts. `cursor` leads to the next file, and is null at the end."""

    url: str
    contacts: int
    cursor: str | None
