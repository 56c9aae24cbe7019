"""Records of a message to many, whose calls take one person each: written by the second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import OutgoingCall, ProviderIds, ReceiptKind
from chalicelib.flow import webhooks
from chalicelib.flow.requests import SendRequest
from tests.builders import WEBHOOK_TOKEN, a_template, a_user
from tests.simulation.world import Simulation

CALL, WRITE, PUT = "provider.send", "recordings.put", "ledger.put_answer"


class Many(Simulation):
    """A push to some people, one call each."""

    def __init__(self, people: int = 4, *, tokens: bool = True) -> None:
        super().__init__()
        self.push = self.world.providers.push
        life = 86400 if tokens else None
        self.push.can(call_size=1, token_life=life, provider_ids=ProviderIds.PER_RECIPIENT)
        self.people = [a_user(f"u{n}", push=(f"reg-{n}",)) for n in range(people)]
        self.world.users.has(*self.people)
        self.world.settings.put_template(a_template(2, ("app",)))
        self.submit()

    def request(self) -> SendRequest:
        userids = tuple(user.userid for user in self.people)
        return replace(super().request(), userids=userids, template=2, rule_id=0)

    def steps(self, *names: str) -> list[str]:
        """Work on the job, and return these of its steps in order."""
        begun = 0
        while CALL not in self.world.log:
            begun = len(self.world.log)
            self._next()
        return [name for name in self.world.log[begun:] if name in names]


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [
        (0.2, [CALL, CALL, CALL, CALL, WRITE]),
        (0.6, [CALL, CALL, CALL, WRITE, CALL, WRITE]),
        (1.1, [CALL, CALL, WRITE, CALL, CALL, WRITE]),
    ],
)
def test_answers_wait_for_a_second(seconds: float, steps: list[str]) -> None:
    many = Many()
    many.push.watchers.append(lambda call: many.world.clock.advance(seconds))
    assert many.steps(CALL, WRITE, PUT) == steps


def test_answers_wait_until_a_request_is_full() -> None:
    """An answer and its lookup are two of its twenty-five records."""
    twelve = [*[CALL] * 12, WRITE]
    assert Many(30).steps(CALL, WRITE) == [*twelve, *twelve, *[CALL] * 6, WRITE]


@pytest.mark.parametrize("life", [None, 60])
def test_an_answer_without_a_lasting_token_is_written_before_the_next_call(
    life: int | None,
) -> None:
    many = Many(tokens=False)
    many.push.can(token_life=life)
    assert many.steps(CALL, WRITE, PUT) == [CALL, WRITE] * 4


def test_a_receipt_finds_its_lookup_while_the_job_goes_on() -> None:
    many = Many()

    def post(call: OutgoingCall) -> None:
        many.world.clock.advance(0.7)
        if len(many.push.calls) == 3:  # the third call wrote, and the fourth begins
            reports = many.push.receipts(ReceiptKind.DELIVERED, many.world.clock.now(), "reg-0")
            request = many.push.webhook_request(reports)
            webhooks.take_webhook(many.world.ports, "push", WEBHOOK_TOKEN, request)

    many.push.watchers.append(post)
    many.steps(CALL)
    assert not many.world.lookups.waiting
    assert many.contacts("push", FactKind.DELIVERED) == {"reg-0"}


@pytest.mark.parametrize("times", [1, 2])
def test_records_that_cannot_be_written_at_once_are_written_at_the_end(times: int) -> None:
    many = Many(tokens=False)
    many.world.fail(OSError(), WRITE, times=times)
    with pytest.raises(OSError):
        many.steps(CALL)
    assert many.contacts("push", FactKind.SUBMITTED) == {"reg-0"}
    assert set(many.world.lookups.found) == {("push", many.push.taken[0].provider_id)}


def test_an_answer_whose_lease_ends_soon_replaces_no_other() -> None:
    many = Many(1)
    lease = many.world.limits.lease
    many.push.watchers.append(lambda call: many.world.clock.advance(lease - 10))
    assert many.steps(CALL, PUT, WRITE) == [CALL, PUT, WRITE]
