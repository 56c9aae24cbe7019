"""Keep the history of messages as long as their access channel says, or delete it by hand."""

from __future__ import annotations

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import NotFound, StillSending
from chalicelib.flow import tally
from chalicelib.flow.messages import ending_of
from chalicelib.observability import log
from chalicelib.ports import World

RULE = "retention"
MAX_DAYS = 60


def days(world: World, channel: AccessChannel) -> int:
    """Return the days for which the details of a message are kept after its strategy's end."""
    settings = channel.rules.get(RULE)
    return int(settings["days"]) if settings else world.limits.history_days


def delete(world: World, msgid: str) -> None:
    """Delete the record of a message that is over. From then on, nobody finds it.

    Raise NotFound, or StillSending while something of it may still be sent.
    """
    message, ending = world.messages.get(msgid), ending_of(world, msgid)
    if message is None:
        raise NotFound("message")
    counts = tally.counts_of(world, message)
    is_planned = counts.ends >= message.audience.partitions
    is_open = counts.open.get("undecided", 0) or counts.open.get("unsubmitted", 0)
    if is_open or not (is_planned or ending is not None):
        raise StillSending("msgid")
    world.messages.delete(message, world.clock.now())
    log.info("message_deleted", extra={"msgid": msgid, "channel_key": message.channel_key})
