"""A world that many tests begin with. It is built once, and each test has a copy."""

from __future__ import annotations

import io
import pickle
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from types import FunctionType
from typing import Any

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


class Saved:
    """The state of a fake, pickled once. Unpickling is much faster than `copy.deepcopy`."""

    def __init__(self, fake: FakeWorld) -> None:
        self._kept: list[Any] = [fake]  # what is not copied: the world itself, and functions
        written = io.BytesIO()
        pickler = pickle.Pickler(written, pickle.HIGHEST_PROTOCOL)
        pickler.persistent_id = self._number_of  # type: ignore[method-assign]
        pickler.dump(vars(fake))
        self._written = written.getvalue()

    def _number_of(self, value: Any) -> int | None:
        if value is not self._kept[0]:
            if not isinstance(value, FunctionType):
                return None
            self._kept.append(value)
            return len(self._kept) - 1
        return 0

    def restore(self, fake: FakeWorld, world: World) -> None:
        """Give a fake what the saved one had, and its ports to a world that stands on it."""
        unpickler = pickle.Unpickler(io.BytesIO(self._written))
        kept = [fake, *self._kept[1:]]
        unpickler.persistent_load = kept.__getitem__  # type: ignore[method-assign]
        vars(fake).update(unpickler.load())
        own = {"providers"}  # real ones, without a state
        ports = {f.name: getattr(fake, f.name) for f in fields(World) if f.name not in own}
        vars(world).update(ports)
