"""Change the marks of people, each from the version that was read."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence

from chalicelib.domain.rules.caps import Mark, Marks
from chalicelib.ports import World

ROUNDS = 30  # of one change, when others change the same people meanwhile

# Returns the marks of a name after a change, or None if there is nothing to change.
Change = Callable[[str, Sequence[Mark]], Sequence[Mark] | None]


def change(world: World, names: Collection[str], changed_of: Change) -> None:
    """Change the marks of all names. Raise TimeoutError."""
    left: Collection[str] = names
    for tried in range(ROUNDS):
        if not left:
            return
        stored = world.marks.get(sorted(left))
        changed: dict[str, Marks] = {}
        for name in left:
            before = stored.get(name, Marks())
            after = changed_of(name, before.marks)
            if after is not None:
                changed[name] = Marks(tuple(after), before.version)
        left = world.marks.put(changed) if changed else ()
        if left:
            world.clock.sleep(random.uniform(0, min(0.01 * 2**tried, 0.5)))  # noqa: S311 - spreads
    if left:
        raise TimeoutError("the marks of a person were contended in every round")
