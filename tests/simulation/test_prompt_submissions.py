"""Receipts that come before a prompt submission is recorded: who parks them looks again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import ReceiptsJob
from chalicelib.flow import matching
from tests.builders import a_strategy
from tests.fakes.steps import Killed
from tests.simulation.singles import Singles

FOUR = ("ann", "bob", "fay", "cem")
DURATIONS = (0, 600, matching.PROMPT, matching.PROMPT + 1, 10_000)  # ms, of a call
MOMENTS = ("provider.send.done", "recordings.put", "recordings.put.done")


class Told(Singles):
    """Singles of a provider that tells each receipt once."""

    def _collect_receipts(self) -> None:
        before = len(self.posts)
        super()._collect_receipts()
        self.posts[before:] = self.posts[before::2]

    def look_again(self) -> None:
        """Let another worker do the jobs that look again and that are due."""
        now, waiting = self.world.clock.now(), self.world.queues.waiting
        due = [entry for entry in waiting if entry[0] <= now]
        for entry in [entry for entry in due if isinstance(entry[1].job, ReceiptsJob)]:
            waiting.remove(entry)
            self._work(entry[1])


def posting(
    duration: int, moment: str, *, people: Sequence[str] = FOUR, tokens: bool = True
) -> Callable[..., Singles]:
    """Build simulations whose provider posts its receipts at a moment, and takes so long."""

    def make(kill: int | None = None) -> Singles:
        simulation = Told(strategy=a_strategy("app"), people=people, early=True)
        simulation.world.providers.push.can(token_life=3600 if tokens else None)

        def act(number: int, name: str) -> None:
            if number == kill:
                raise Killed(f"at step {number}: {name}")
            if name == moment:
                simulation._collect_receipts()
                simulation._post_what_is_due()
            if name == "provider.send.done":
                simulation.world.clock.time += duration
            if name == "recordings.put":
                simulation.look_again()

        simulation.world.on_step = act
        simulation.submit()
        simulation.run()
        simulation.check()
        return simulation

    return make


def looks(simulation: Singles) -> int:
    """Count the times that workers of submissions looked for parked receipts."""
    return simulation.world.log.count("lookups.parked")


def test_who_parks_a_receipt_looks_again_after_each_prompt_submission() -> None:
    assert matching.LOOK_AGAIN * 1000 > matching.PROMPT


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("duration", DURATIONS)
def test_receipts_find_their_submission_whenever_they_come(duration: int, moment: str) -> None:
    simulation = posting(duration, moment)()
    assert simulation.contacts("push", FactKind.DELIVERED) == {"reg-ann", "reg-fay"}


@pytest.mark.parametrize("tokens", [True, False])
@pytest.mark.parametrize("duration", [0, matching.PROMPT])
def test_receipts_find_their_submission_wherever_somebody_is_ended(
    duration: int, tokens: bool
) -> None:
    make = posting(duration, "provider.send.done", people=("ann", "fay"), tokens=tokens)
    for number in make().world.kills:
        make(number)


@pytest.mark.parametrize(("duration", "number"), [(matching.PROMPT, 0), (matching.PROMPT + 1, 1)])
def test_only_a_worker_that_was_slow_looks_for_parked_receipts(duration: int, number: int) -> None:
    assert looks(posting(duration, "never", people=["ann"])()) == number


def test_a_worker_that_takes_a_call_over_looks_for_parked_receipts() -> None:
    """The first attempt may have been long ago, and its receipts with it."""
    make = posting(0, "never", people=["ann"])
    ended = make().world.log.index("recordings.put")
    assert looks(make(ended)) == 1
