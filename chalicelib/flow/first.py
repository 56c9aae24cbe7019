"""The first job of a single send. It goes to the claim without reading what others did.

If somebody has worked on the send, the claim finds out. The person of an unplanned message is
planned here, and the claim stores the plan too.
"""

from __future__ import annotations

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import audience, single
from chalicelib.flow.delivery.calls import ClaimedBefore
from chalicelib.flow.delivery.early import Readings
from chalicelib.flow.dispatch import check_now, open_calls
from chalicelib.ports import World


def unread_chunk(
    world: World, job: DeliverJob, message: Message, readings: Readings
) -> Chunk | None:
    """Return the chunk of a single send for its first job, which nobody has worked on yet.

    A job that is late or was put off reads what is recorded.
    """
    is_late = world.clock.now() >= message.accepted + world.limits.submit_within * 1000
    if not message.is_single or not job.priority or job.step or job.tries or is_late:
        return None
    plan = message.plan
    if plan is None:
        plan = single.plan_single(world, message, readings.users_of(world, message))
    return Chunk(plan, is_read=False)


def has_nobody(world: World, message: Message, chunk: Chunk) -> bool:
    """Tell if an unplanned message has nobody to call in its first step, and store that.

    Raises ClaimedBefore if another plan is stored.
    """
    (entrants,) = chunk.entrants_of(0)
    if not message.unplanned or any(open_calls(message, chunk, entrants)):
        return False
    if world.ledger.put_plan(chunk.plan, message) != chunk.plan:
        raise ClaimedBefore
    _go_on(world, message, chunk)
    return True


def read_chunk(world: World, job: DeliverJob, message: Message) -> Chunk | None:
    """Read the chunk of a job. An unplanned message is planned if nobody has done so."""
    chunk = single.chunk_of(world, ChunkId(job.msgid, job.chunk), message)
    if chunk is not None and message.unplanned and job.priority:
        _go_on(world, message, chunk)
    return chunk


def _go_on(world: World, message: Message, chunk: Chunk) -> None:
    """Let a person go on whom the first step does not reach. Its planner may have died."""
    if audience.somebody_cannot_start(message, chunk.plan):
        world.queues.send([check_now(message, chunk.plan.id, world.clock.now())])
