"""A world that many tests begin with. It is built once, and each test has a copy."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields

import pytest

from chalicelib import wiring
from chalicelib.ports import World
from tests import chance
from tests.fakes.world import FakeWorld


@contextmanager
def built(world: World, seed: str) -> Iterator[None]:
    """Build with draws of their own, so that they depend on no test that happens to be first."""
    state, before = random.getstate(), wiring._world
    with pytest.MonkeyPatch.context() as patch:
        chance.draw(patch, seed)
        wiring.use(world)
        yield
        wiring.use(before)
    random.setstate(state)


def restore(saved: FakeWorld, fake: FakeWorld, world: World) -> None:
    """Give a fake what another one has, and its ports to a world that stands on it."""
    vars(fake).update(copy.deepcopy(vars(saved), {id(saved): fake}))
    kept = {"providers"}  # real ones, without a state
    vars(world).update({f.name: getattr(fake, f.name) for f in fields(World) if f.name not in kept})
