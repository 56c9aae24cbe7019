"""Count opt-outs: by reply, by one click in a mail, and on the preferences page.

An opt-out is noted in the transaction that writes it, and only if the contact was in before. So a
repeat counts nothing. The timer that counts the note is set first.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.notes import OptOut
from chalicelib.ports import World

WAYS = ("reply", "one_click", "preferences")


def expected(
    world: World,
    channel_keys: Sequence[str],
    kinds: Sequence[ChannelType],
    way: str,
    template: int = 0,
) -> list[OptOut]:
    """Return notes of opt-outs, one for each access channel and channel type, about to be written.

    Their timer is set. There are none for other ways, such as a complaint.
    """
    if way not in WAYS:
        return []
    from chalicelib.flow import figures  # few functions see an opt-out

    now = world.clock.now()
    noted = [
        OptOut(key, kind.value, way, template, now, secrets.token_hex(8))
        for key in channel_keys
        for kind in kinds
    ]
    figures.expect(world, noted)
    return noted
