"""A request to send, as the entrypoints hand it over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.templates import Content
from chalicelib.domain.values import frozen

if TYPE_CHECKING:  # few requests wait, and importing what they need slows a cold start
    from chalicelib.domain.rules.ab_tests import Split
    from chalicelib.domain.rules.schedules import Occasion, Timing
    from chalicelib.domain.stored_requests import Written


@frozen(kw_only=True)
class SendRequest:
    """A send whose shape was checked. Without a `template` it is an ordinary message."""

    channel: AccessChannel
    userids: tuple[str, ...] = ()
    # Targets that are named by an address on a channel, such as a phone number.
    contacts: Mapping[ChannelType, Sequence[str]] = field(default_factory=dict, repr=False)
    tags: tuple[str, ...] = ()
    segment: int | None = None
    everyone: bool = False
    label: str = ""  # the name of the contact label to use where a user has one
    template: int | None = None
    template_version: int | None = None  # None: the newest
    template_para: Mapping[str, Any] = field(default_factory=dict, repr=False)
    # The elements of an ordinary message.
    contents: Mapping[ChannelType, Sequence[Content]] = field(default_factory=dict, repr=False)
    app_para: Mapping[str, Any] = field(default_factory=dict)
    rule_id: int = 0
    sendno: str = ""
    owner: str = ""
    name: str = ""  # of the message, for people
    origin: str = ""  # where it was asked for, empty: the API
    sender: str = ""  # the member who sends, empty: the access channel itself
    priority: Priority = Priority.MEDIUM
    black_id: int | None = None
    white_id: int | None = None
    callback: Mapping[str, Any] = field(default_factory=dict)
    topic: int = 0  # 0: none
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)  # as its sender wrote it
    written: Written | None = field(default=None, repr=False)  # to store it until it is sent
    timing: Timing | None = None  # None: it is sent at once
    approved: bool = False  # by a review, as it is
    occasion: Occasion | None = None  # of a schedule whose occurrences are not the same for all
    msgid: str = ""  # the id that its sender has already
    split: Split | None = None  # of an A/B test: the part of the audience that it is for

    @property
    def names_sets(self) -> bool:
        """The audience has users that the request does not name."""
        return bool(self.tags) or self.segment is not None

    @property
    def audience_kind(self) -> AudienceKind:
        if self.contacts:
            return AudienceKind.CONTACTS
        if self.everyone:
            return AudienceKind.EVERYONE
        return AudienceKind.SETS if self.names_sets else AudienceKind.USERS

    @property
    def named(self) -> int:
        """The number of targets, if the request names all of them, else 0."""
        contacts = sum(len(of_type) for of_type in self.contacts.values())
        return 0 if self.names_sets else len(self.userids) or contacts
