"""Opt-outs are noted with their effect: once for each way out, whatever repeats."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

from chalicelib.domain import notes
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.notes import OptOut
from chalicelib.ports import World
from tests.builders import a_user

EMAIL = ChannelType.EMAIL


def an_opt_out(key: str, template: int = 7) -> OptOut:
    now = time.time_ns() // 1_000_000
    return OptOut(key, "email", "one_click", template, now, secrets.token_hex(8))


def noted(world: World, key: str, *opt_outs: OptOut) -> list[OptOut]:
    """Return the opt-outs of an access channel that the blocks of these have."""
    blocks = {opt_out.block for opt_out in opt_outs}
    found = [notes.gathered(world.notes.of_block(block)).opt_outs for block in blocks]
    return [each for some in found for each in some if each.channel_key == key]


def test_a_contact_that_is_out_already_is_not_noted_again(world: World, unique: str) -> None:
    first, again, later = (an_opt_out(unique) for _ in range(3))
    world.audiences.set_opt_out(EMAIL, unique, [unique], 1000, True, [first])
    world.audiences.set_opt_out(EMAIL, unique, [unique], 1000, True, [again])
    world.audiences.set_opt_out(EMAIL, unique, [unique], 2000, True, [again])
    assert noted(world, unique, first, again) == [first]
    assert world.audiences.opt_outs({EMAIL: [unique]})[EMAIL] == {unique: {unique: 2000}}
    world.audiences.set_opt_out(EMAIL, unique, [unique], 3000, False)
    world.audiences.set_opt_out(EMAIL, unique, [unique], 2500, True, [again])
    assert noted(world, unique, first, again, later) == [first]
    world.audiences.set_opt_out(EMAIL, unique, [unique], 4000, True, [later])
    assert set(noted(world, unique, first, again, later)) == {first, later}


def test_each_access_channel_has_a_note_of_its_own(world: World, unique: str) -> None:
    keys = [f"{unique}-{n}" for n in range(3)]
    opt_outs = [an_opt_out(key, template=0) for key in keys]
    world.audiences.set_opt_out(EMAIL, unique, keys, 1000, True, opt_outs)
    for key, opt_out in zip(keys, opt_outs, strict=True):
        assert noted(world, key, *opt_outs) == [opt_out]


def test_a_note_is_written_with_the_user_or_not_at_all(world: World, unique: str) -> None:
    user = a_user(unique)
    stored = replace(user, version=1)
    first, lost = an_opt_out(unique), an_opt_out(unique)
    assert world.users.save([user], {}, counted={unique: [first]}) == frozenset()
    assert world.users.save([user], {}, counted={unique: [lost]}) == {unique}
    assert noted(world, unique, first, lost) == [first]
    assert world.users.save([stored], {unique: stored}, counted={"other": [lost]}) == frozenset()
    assert noted(world, unique, first, lost) == [first]
