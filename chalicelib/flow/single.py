"""The person of an unplanned message, planned by the first job or whoever needs the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.domain.users import User
from chalicelib.flow import audience
from chalicelib.flow.candidates import Known
from chalicelib.ports import World


def plan_single(world: World, message: Message, users: Mapping[str, User]) -> Plan:
    """Decide on the person of an unplanned message, from the user as it was just read.

    Its time is that of the message, whoever plans it and whenever that is.
    """
    plan = audience.make_plan(world, message, 0, "", Known(users=users))
    return replace(plan, time=message.accepted)


def chunk_of(world: World, at: ChunkId, message: Message) -> Chunk | None:
    """Read a chunk. The person of an unplanned message is planned if nobody has done so."""
    chunk = world.ledger.chunk(at, message)
    if chunk is None and message.unplanned:
        users = world.users.get(message.userids)
        world.ledger.put_plan(plan_single(world, message, users), message)
        chunk = world.ledger.chunk(at, message)
    return chunk
