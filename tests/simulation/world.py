"""A simulation: one access channel, three delivery channels and a few people.

Workers, the clock and the providers act on them.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import OnUncertain
from chalicelib.domain.errors import Misconfigured
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import (
    CallbackJob,
    CallbackRetry,
    DeliverJob,
    Envelope,
    PlanJob,
    RecallJob,
    ReceiptsJob,
    TimerKind,
    TimersJob,
    WithdrawJob,
)
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import ProviderIds, Receipt, ReceiptKind
from chalicelib.domain.rules.callbacks import Retries
from chalicelib.domain.strategies import Strategy
from chalicelib.flow import (
    audience,
    days,
    deliver,
    evaluate,
    receipts,
    submit,
    tally,
    webhooks,
    withdraw,
)
from chalicelib.flow import timers as due
from chalicelib.flow.callbacks.deliver import Round
from chalicelib.flow.requests import SendRequest
from chalicelib.manage import callbacks
from chalicelib.reports import message as report
from tests.builders import (
    SHOP,
    WEBHOOK_TOKEN,
    a_channel,
    a_strategy,
    a_template,
    a_user,
    an_access_channel,
)
from tests.fakes.providers import ScriptedProvider
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld
from tests.flow.callbacks import shop

VISIBILITY = 360  # seconds until a message whose worker died is received again
AGAIN = 60  # seconds until a provider posts a receipt again that was not taken

PEOPLE = (
    a_user("ann", push=("reg-ann",), text="1001", mail="ann@example.com"),
    a_user("bob", push=("reg-bob-silent",), text="1002", mail="bob@example.com"),
    a_user("cem", push=("reg-cem-silent",), text="1003-silent", mail="cem@example.com"),
    a_user("dan", text="1004", mail="dan@example.com"),  # no app: goes on at once
    a_user("eva", mail="eva@example.com"),  # neither app nor phone
    a_user("fay", push=("reg-fay", "reg-fay2-silent")),  # two devices
    a_user("gus"),  # nothing at all
)
UNKNOWN = "zoe"
STRATEGY = a_strategy("app", "sms", "email", within=60)
STEPS: Mapping[type[Any], Callable[..., object]] = {
    PlanJob: audience.plan,
    DeliverJob: deliver.deliver,
    ReceiptsJob: receipts.look_again,
    WithdrawJob: withdraw.withdraw_partition,
    RecallJob: withdraw.recall,
}
STEPS_OF_TIMERS: Mapping[TimerKind, Callable[..., object]] = {
    TimerKind.WITHDRAW: withdraw.start_again,
    TimerKind.CHECK: evaluate.check_chunks,
    TimerKind.DAY: days.fold,
}


@dataclass
class Simulation:
    """A message on its way. `run` works until nothing is left to do.

    `twice`: every queue message is handled twice. `order` shuffles the queue.
    """

    strategy: Strategy = STRATEGY
    on_uncertain: OnUncertain = OnUncertain.UNKNOWN
    twice: bool = False
    order: random.Random | None = None
    early: bool = False  # receipts before their submission is recorded
    options: Mapping[str, Any] = field(default_factory=dict)  # of every delivery channel
    reports: bool = False  # the access channel gets callbacks
    quotas: Mapping[str, int] = field(default_factory=dict)  # deliveries a day of a channel
    prices: Mapping[str, float] = field(default_factory=dict)  # of a delivery channel
    world: FakeWorld = field(default_factory=FakeWorld)
    posts: list[tuple[int, str, list[Receipt]]] = field(default_factory=list)
    reported: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        world = self.world
        world.settings.put_access_channel(an_access_channel())
        if self.reports:
            shop.add(world, retries=Retries.LONG)
            callbacks.change(world.ports, SHOP, None, {"enabled": True})
        for code in ("push", "text", "mail"):
            limits: dict[str, Any] = {"deliveries_per_day": self.quotas.get(code)}
            limits["price"] = self.prices.get(code)
            world.settings.put_channel(
                a_channel(code, on_uncertain=self.on_uncertain, options=self.options, **limits)
            )
        world.settings.put_template(a_template())
        world.settings.put_strategy(1, SHOP, "in turn", self.strategy)
        world.users.has(*PEOPLE)
        world.forget_steps()

    # -- what happens

    def submit(self) -> None:
        """Send. A sender whose request dies does not try again here."""
        self._attempt(lambda: submit.submit(self.world.ports, self.request()))

    def broadcast(self) -> None:
        """Send to everyone, under the rules that the access channel has now."""

        def send() -> None:
            access = self.world.settings.access_channel(SHOP)
            assert access is not None
            request = replace(self.request(), channel=access, userids=(), everyone=True)
            submit.submit(self.world.ports, request)

        self._attempt(send)

    def request(self) -> SendRequest:
        people = (*(p.userid for p in PEOPLE), UNKNOWN)
        para = {"template_para": {"name": "you"}, "app_para": {"platform": "all"}}
        access = an_access_channel()
        if self.reports:
            access = self.world.settings.access_channel(SHOP) or access
        return SendRequest(channel=access, userids=people, template=1, rule_id=1, **para)

    def withdraw(self) -> None:
        """Withdraw the message, as the sender does."""
        self._attempt(lambda: withdraw.withdraw(self.world.ports, SHOP, self.msgid or ""))

    def run(self, limit: int = 3000) -> None:
        for _ in range(limit):
            if not self._next():
                return
        raise AssertionError("the simulation never ends")

    def _next(self) -> bool:
        self._collect_receipts()
        self._attempt(lambda: shop.stream(self.world))
        envelope = self._take()
        if envelope is not None:
            self._work(envelope)
            return True
        times = [
            at
            for at in (
                self.world.queues.next(),
                self.world.timers.next(),
                *(at for at, _, _ in self.posts),
            )
            if at is not None
        ]
        if not times:
            return False
        self.world.clock.time = max(self.world.clock.now(), min(times))
        self._post_what_is_due()
        if (self.world.timers.next() or self.world.clock.now() + 1) <= self.world.clock.now():
            self._attempt(lambda: due.sweep(self.world.ports))
        return True

    def _take(self) -> Envelope | None:
        if self.order is not None:
            self.order.shuffle(self.world.queues.waiting)
        return self.world.queues.take()

    def _work(self, envelope: Envelope) -> None:
        for _ in range(2 if self.twice else 1):
            if not self._attempt(lambda: self._handle(envelope)):
                self.world.queues.back(envelope, VISIBILITY)
                return

    def _handle(self, envelope: Envelope) -> None:
        match envelope.job:
            case CallbackJob() | CallbackRetry() as job:
                shop.handle(self.world, Round([job] if isinstance(job, CallbackJob) else []), job)
            case TimersJob(timers):
                STEPS_OF_TIMERS.get(timers[0].kind, tally.recount)(self.world.ports, timers)
            case job:
                STEPS[type(job)](self.world.ports, job)

    def _attempt(self, work: object) -> bool:
        """Return False for work that a consumer hands back to its queue."""
        self.world.begin_work()
        try:
            work()  # type: ignore[operator]
        except (Killed, Misconfigured):
            return False
        return True

    # -- what providers report

    def providers(self) -> dict[str, ScriptedProvider]:
        fakes = self.world.providers
        return {"push": fakes.push, "text": fakes.text}

    def _collect_receipts(self) -> None:
        """Collect receipts for all that was taken since the last time, except from silent people.

        They are posted twice, the second time in reverse order.
        """
        for code, provider in self.providers().items():
            fresh = provider.taken[self.reported[code] :]
            self.reported[code] = len(provider.taken)
            at = self.world.clock.now() + (0 if self.early else 5000)
            by_call = provider.capabilities.provider_ids is ProviderIds.PER_CALL
            reports = [
                Receipt(t.provider_id, ReceiptKind.DELIVERED, at, t.contact if by_call else "")
                for t in fresh
                if "silent" not in t.contact
            ]
            if reports:
                self.posts += [(at, code, reports), (at + 1000, code, reports[::-1])]

    def _post_what_is_due(self) -> None:
        now = self.world.clock.now()
        ready = [post for post in self.posts if post[0] <= now]
        self.posts = [post for post in self.posts if post[0] > now]
        for _, code, reports in ready:
            request = self.providers()[code].webhook_request(reports)
            take = partial(webhooks.take_webhook, self.world.ports, code, WEBHOOK_TOKEN, request)
            if not self._attempt(take):
                self.posts.append((now + AGAIN * 1000, code, reports))

    # -- what came of it

    @property
    def msgid(self) -> str | None:
        return next(iter(self.world.messages.stored), None)

    def chunks(self) -> list[Chunk]:
        """Return every chunk of every partition, up to the one that says that it is the last."""
        message = self.world.messages.stored[self.msgid or ""]
        chunks: list[Chunk] = []
        for number in message.first_chunks:
            while not chunks or number in message.first_chunks or chunks[-1].plan.next is not None:
                chunk = self.world.ledger.chunk(ChunkId(message.msgid, number))
                assert chunk is not None, f"chunk {number} was never planned"
                chunks.append(chunk)
                number = message.chunk_after(number)
        return chunks

    def report(self) -> dict[str, object]:
        return report.message(self.world.ports, SHOP, self.msgid or "")

    def contacts(self, code: str, *kinds: FactKind) -> set[str]:
        """Return the contacts whose deliveries on a channel have one of these facts."""
        return {
            chunk.plan.contact(ref)
            for chunk in self.chunks()
            for ref, state in chunk.states.items()
            if ref.channel == code and state.has(*kinds)
        }

    def check(self) -> None:
        """Check that nothing is lost or sent twice, and that the providers' logs agree."""
        self.world.spare()
        report = self.report()
        assert report["status"] == "finished", report["progress"]
        assert report["balanced"], report
        for code, provider in {**self.providers(), "mail": self.world.providers.mail}.items():
            sent = provider.sent()
            if self.on_uncertain is OnUncertain.UNKNOWN or provider.capabilities.token_life:
                assert set(sent.values()) <= {1}, f"{code} sent twice: {sent}"
            submitted = self.contacts(code, FactKind.SUBMITTED)
            unknown = self.contacts(code, FactKind.UNKNOWN)
            assert submitted <= set(sent), f"{code} claims what it did not send"
            assert set(sent) <= submitted | unknown, (
                f"{code} lost track of {set(sent) - submitted - unknown}"
            )
        self._check_people()

    def _check_people(self) -> None:
        """Check that people with a contact were tried on every step that the strategy asks for."""
        targets = [target for chunk in self.chunks() for target in chunk.plan.targets]
        assert [t.id for t in targets] == [*(p.userid for p in PEOPLE), UNKNOWN]
        assert {t.id: t.loss for t in targets if t.loss} == {
            "gus": "no_contact",
            UNKNOWN: "unknown_user",
        }
        silent = self.contacts("push", FactKind.SUBMITTED) | self.contacts(
            "mail", FactKind.SUBMITTED, FactKind.UNKNOWN
        )
        assert {"cem@example.com", "eva@example.com"} <= silent


def finished(simulation: Simulation) -> Simulation:
    """Send, run to the end, and check everything."""
    simulation.submit()
    simulation.run()
    simulation.check()
    return simulation
