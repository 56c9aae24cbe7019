"""Contacts on black- and whitelists. A list names them as messages name their targets: by HMAC."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain import audiences
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.groups import Family
from chalicelib.flow.select import target_of
from chalicelib.manage import groups
from chalicelib.ports import World

Contact = tuple[ChannelType, str]


def change(
    world: World, number: int, add: Iterable[Contact], remove: Iterable[Contact]
) -> tuple[int, int]:
    """Add and remove contacts, and return how many each. What is in both joins.

    Raise NotFound for a list that is not there.
    """
    name = _set(world, number)
    joining = {target_of(world.vault, *contact): None for contact in add}
    leaving = {target_of(world.vault, *contact): None for contact in remove}
    gone = [target for target in leaving if target not in joining]
    world.audiences.change(name, list(joining), gone)
    return len(joining), len(gone)


def holds(world: World, number: int, kind: ChannelType, contact: str) -> bool:
    """Tell if a contact is on a list. Raise NotFound for a list that is not there."""
    target = target_of(world.vault, kind, contact)
    return target in world.audiences.holds(_set(world, number), [target])


def join(world: World, number: int, contacts: Iterable[Contact]) -> frozenset[Contact]:
    """Add contacts of a file, and return those that were not on the list."""
    targets = {target_of(world.vault, *contact): contact for contact in contacts}
    name = audiences.listing_of_contacts(number)
    there = world.audiences.holds(name, list(targets))
    joining = [target for target in targets if target not in there]
    if joining:
        world.audiences.change(name, joining)
    return frozenset(targets[target] for target in joining)


def _set(world: World, number: int) -> str:
    return audiences.listing_of_contacts(groups.get(world, Family.LIST, number).number)
