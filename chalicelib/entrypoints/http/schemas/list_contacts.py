"""Contacts on black- and whitelists."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.audiences import RegistrationId
from chalicelib.entrypoints.http.schemas.base import Answer, Strict, refusal
from chalicelib.entrypoints.http.schemas.groups import MAX_MEMBERS


class ListContact(Strict):
    """A contact of a channel type."""

    type: Annotated[ChannelType, Field(strict=False)]
    contact: RegistrationId

    @model_validator(mode="after")
    def _readable(self) -> ListContact:
        if contacts.canonical(self.type, self.contact) is None:
            raise refusal(
                PARAMETER,
                "contact: is not a contact of this channel type",
                "contact：不是该类型的联系方式",
            )
        return self


class ContactMembership(Strict):
    add: Annotated[list[ListContact], Field(max_length=MAX_MEMBERS)] = []
    remove: Annotated[list[ListContact], Field(max_length=MAX_MEMBERS)] = []

    def changes(self) -> tuple[list[tuple[ChannelType, str]], list[tuple[ChannelType, str]]]:
        """Return the contacts that join, and those that leave."""
        return [(c.type, c.contact) for c in self.add], [(c.type, c.contact) for c in self.remove]

    @model_validator(mode="after")
    def _something(self) -> ContactMembership:
        if not self.add and not self.remove:
            raise refusal(PARAMETER, "add or remove: at least one contact", "add 或 remove 缺失")
        return self


class ContactMember(Answer):
    is_member: bool
