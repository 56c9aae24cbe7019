"""A laboratory of A/B tests: a world with people, in which tests run and time passes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.errors import Invalid, Refusal
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.rules.ab_tests import AbTest, Metric, Variant
from chalicelib.domain.rules.reviews import Origin
from chalicelib.domain.rules.schedules import Timing
from chalicelib.domain.stored_requests import Form, StoredRequest, Written
from chalicelib.flow import ab_tests, audience, schedules, single
from chalicelib.flow.ab_tests import ab_test_of
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.schedules import Door
from chalicelib.manage import ab_tests as managed
from tests.builders import SHOP, a_channel, a_reachable_user, a_template, an_access_channel
from tests.fakes.world import FakeWorld

PEOPLE = tuple(f"u{n:03d}" for n in range(100))  # a message of one chunk, counted on request
HOUR = 3_600_000
MEMBER = "m-ann"


def read(access: AccessChannel, stored: StoredRequest) -> SendRequest:
    """Read the little language of these tests: the fields of a request."""
    body = dict(stored.written.body)
    at = body.pop("option", {}).get("schedule")
    fields: dict[str, Any] = {
        "template": 1,
        "template_para": {"name": "you"},
        "app_para": {"platform": "all"},
        "everyone": stored.written.form is Form.BROADCAST,
        "timing": Timing("UTC", at=at) if at else None,
    }
    return SendRequest(channel=access, **{**fields, **body})


def explain(error: Exception) -> tuple[int, str]:
    return 1, type(error).__name__


DOOR = Door(read, explain, (Refusal, Invalid))


def a_test(*shares: int, **changes: Any) -> AbTest:
    names = [Variant("abcde"[n], share) for n, share in enumerate(shares or (4000, 4000))]
    fields: dict[str, Any] = {
        "holdout": 0,
        "metric": Metric.CLICKED,
        "minutes": 60,
        "confidence": 0.95,
    }
    return AbTest(tuple(names), **{**fields, **changes})


@dataclass
class Laboratory:
    fake: FakeWorld = field(default_factory=FakeWorld)
    access: AccessChannel = field(default_factory=an_access_channel)
    id: str = ""

    def __post_init__(self) -> None:
        self.fake.settings.put_access_channel(self.access)
        for code in ("push", "text", "mail"):
            self.fake.settings.put_channel(a_channel(code))
        self.fake.settings.put_template(a_template())
        self.fake.settings.put_template(a_template(2, ("sms",)))
        self.fake.users.has(*map(a_reachable_user, PEOPLE))

    def start(
        self,
        test: AbTest | None = None,
        variants: dict[str, Any] | None = None,
        *,
        broadcast: bool = False,
        **message: Any,
    ) -> StoredRequest:
        """Add a test as the management API does, by default to all people."""
        world, test = self.fake.ports, test or a_test()
        message = message or ({} if broadcast else {"userids": PEOPLE})
        body = {"broadcast": broadcast, "message": message, "variants": variants or {}}
        written = Written(Form.AB_TEST, body, Origin.CONSOLE, MEMBER)
        drafted = managed.draft(world, self.access, "spring", test, written)
        checked = [
            managed.check(world, drafted, variant.name, lambda stored: read(self.access, stored))
            for variant in test.variants
        ]
        stored = managed.add(world, self.access, drafted, checked, None, DOOR)
        self.id = stored.id
        return stored

    @property
    def test(self) -> AbTest:
        return ab_test_of(self.fake.stored.stored[self.id])

    def wake(self) -> None:
        """Let the clock come to the next wake-up, and carry out what it is for."""
        time = self.fake.wakeups.next()
        assert time is not None
        self.fake.clock.time = max(self.fake.clock.time, time)
        self.call()

    def call(self) -> None:
        for id in self.fake.wakeups.take(self.fake.clock.now()):
            schedules.carry_out(self.fake.ports, id, DOOR, ab_tests.advance)

    def advance(self, minutes: float) -> None:
        """Let time pass, and carry out what is due at its end."""
        self.fake.clock.advance(minutes * 60)
        self.call()

    def message(self, variant: str = "") -> Message:
        """Return the message of a variant, or of the rest."""
        of, rest = self.test.variant(variant), self.test.rest
        msgid = of.msgid if of else rest.msgid if rest else ""
        stored = self.fake.stored.stored.get(msgid)
        return self.fake.messages.stored[stored.became if stored else msgid]

    def targets(self, variant: str = "") -> dict[str, str | None]:
        """Return the targets of a variant's message with their losses."""
        return {target.id: target.loss for target in self._plan(variant).targets}

    def _plan(self, variant: str) -> Any:
        message, world = self.message(variant), self.fake.ports
        chunk = single.chunk_of(world, ChunkId(message.msgid, 0), message)
        return chunk.plan if chunk else audience.make_plan(world, message, 0, "")

    def click(self, variant: str, people: Collection[str] | int) -> None:
        """Let people of a variant click."""
        message, plan = self.message(variant), self._plan(variant)
        if isinstance(people, int):
            people = [plan.targets[t].id for t in plan.valid][:people]
        time = self.fake.clock.now()
        code = message.codes_of(0)[0]
        facts = [
            Fact(DeliveryRef(t, code, 0), kind, time)
            for t, target in enumerate(plan.targets)
            if target.id in people
            for kind in (FactKind.SUBMITTED, FactKind.CLICKED)
        ]
        self.fake.ledger.add(ChunkId(message.msgid, 0), facts, message)

    def change_access(self, **changes: Any) -> None:
        """Change the access channel, such as its rules of sending."""
        self.access = replace(self.access, **changes)
        self.fake.records.of(ACCESS_CHANNELS).stored[SHOP] = self.access
