"""Changes of users through Operation Growth's interface: labelled contacts, attributes, events.

Its CUIDs are userids. Its channel ids are the numbers of delivery channels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Any, NamedTuple

from chalicelib.domain import contacts as spelling
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.traces import Event
from chalicelib.domain.users import UserChange
from chalicelib.domain.values import frozen
from chalicelib.manage import events, users
from chalicelib.ports import World


class Fault(StrEnum):
    """A reason why a contact was not saved."""

    CUID = "cuid"  # it does not exist
    CHANNEL = "channel"  # its id does not exist
    LABEL = "label"  # it does not exist
    REGISTRATION_ID = "registration_id"
    PHONE = "phone"
    CONTACT = "contact"  # it is not one of this channel
    SIZE = "size"  # the user has too much stored
    BUSY = "busy"  # others changed the user at the same time


class Failure(NamedTuple):
    what: str
    fault: Fault


@frozen
class LabelledContact:
    """One entry of `channelValues`. An empty contact removes the stored one."""

    cuid: int
    channel: int
    label: str
    contact: str = field(repr=False)


# What Operation Growth asks of canonical contacts, and the fault of others.
_PATTERNS: Mapping[ChannelType, tuple[re.Pattern[str], Fault]] = {
    ChannelType.APP: (re.compile(r"[0-9A-Za-z_-]{10,64}", re.ASCII), Fault.REGISTRATION_ID),
    ChannelType.SMS: (re.compile(r"1[0-9]{10}", re.ASCII), Fault.PHONE),
}
_OTHER = (re.compile(r".+"), Fault.CONTACT)


def set_contacts(
    world: World, caller: AccessChannel, contacts: Sequence[LabelledContact]
) -> Sequence[Failure]:
    """Save the contacts that are valid. Return a failure for each other contact.

    Of several contacts under one label, the last one stands.
    """
    numbers = {c.number: c for c in world.settings.channels() if c.code in caller.channels}
    failures: list[Failure] = []
    labels_of: dict[int, dict[ChannelType, dict[str, dict[str, str]]]] = {}
    for contact in contacts:
        channel = numbers.get(contact.channel)
        failure = _failure(contact, channel)
        if failure is not None:
            failures.append(failure)
        elif channel is not None and (label := channel.label(contact.label)) is not None:
            of_type = labels_of.setdefault(contact.cuid, {}).setdefault(channel.type, {})
            canonical = spelling.canonical(channel.type, contact.contact)
            of_type.setdefault(channel.code, {})[label] = canonical or ""
    changes = [UserChange(str(cuid), labels=labels) for cuid, labels in labels_of.items()]
    refused = users.change(world, changes, create=False, caller=caller) if changes else {}
    # A channel that does not exist is one fault, however many labels of it a request names.
    return list(dict.fromkeys((*failures, *_failures(refused))))


def _failure(contact: LabelledContact, channel: Channel | None) -> Failure | None:
    if channel is None:
        return Failure(str(contact.channel), Fault.CHANNEL)
    if channel.label(contact.label) is None:
        return Failure(contact.label, Fault.LABEL)
    pattern, fault = _PATTERNS.get(channel.type, _OTHER)
    canonical = spelling.canonical(channel.type, contact.contact)
    if contact.contact and (canonical is None or not pattern.fullmatch(canonical)):
        return Failure(contact.contact, fault)
    return None


def _fault_of(reason: str) -> Fault:
    faults: dict[str, Fault] = {users.UNKNOWN: Fault.CUID, users.BUSY: Fault.BUSY}
    return faults.get(reason, Fault.SIZE)


def set_attributes(world: World, cuid: int, attributes: Mapping[str, Any]) -> Sequence[Failure]:
    """Set attributes of a user, who is created if necessary."""
    return _failures(users.change(world, [UserChange(str(cuid), attributes=attributes)]))


def report_events(world: World, happened: Sequence[tuple[int, Event]]) -> Sequence[Failure]:
    """Count events by CUID. An event with an id counts once, however often it is reported."""
    return _failures(events.record(world, [(str(cuid), event) for cuid, event in happened]))


def _failures(refused: Mapping[str, str]) -> Sequence[Failure]:
    return [Failure(userid, _fault_of(reason)) for userid, reason in refused.items()]
