"""A deployment in memory with one real provider at the sandbox, and a search through what it wrote.

Contacts may stand in plans and with users, which are sealed. They may stand nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.envelopes import decode_channel, encode
from chalicelib.domain.errors import OpenUMSError
from chalicelib.domain.jobs import DeliverJob, PollJob, RecallJob, WithdrawJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan, Target
from chalicelib.domain.provider_io import WebhookRequest
from chalicelib.entrypoints.http.problems import problem
from chalicelib.entrypoints.lambdas import runtime
from chalicelib.flow import deliver, poll, webhooks, withdraw
from chalicelib.observability import describe, mask
from chalicelib.ports import Provider, World
from chalicelib.reports import message as report
from tests.builders import SHOP, WEBHOOK_TOKEN, a_channel, a_message, an_access_channel, at_once
from tests.fakes.world import FakeWorld
from tests.providers.contract import Bench

CONTENT = "CANARY text of a message"
DESCRIBED = ("exc_info", "exc_text")  # of a log record: the entrypoints write type and place


class Only:
    """The one provider of the deployment, whatever its name."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def of(self, platform: str) -> Provider:
        return self.provider

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        return (self.provider.capabilities.platform,)


class Broken:
    """A provider with a fault of its own, which quotes all that it has."""

    def __init__(self, provider: Provider, contact: str) -> None:
        self.capabilities, self._contact = provider.capabilities, contact

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"{name} of {self._contact}: {CONTENT}")


STEPS_BACK: Mapping[type, Any] = {
    WithdrawJob: withdraw.withdraw_partition,
    RecallJob: withdraw.recall,
}


class Deployment:
    """One delivery channel over a platform, and messages to contacts on it."""

    def __init__(self, bench: Bench, log: logging.LogCaptureFixture | Any) -> None:
        self.bench, self.log, self.fake = bench, log, FakeWorld()
        self.can = bench.provider.capabilities
        self.world: World = replace(self.fake.ports, providers=Only(bench.provider))
        self.fake.settings.put_access_channel(an_access_channel(channels=(bench.code,)))
        for name, kept in getattr(bench, "kept", {}).items():
            self.fake.tokens.write(name, kept)
        modes = self.can.receipt_modes
        webhook = ReceiptMode.WEBHOOK if ReceiptMode.WEBHOOK in modes else ReceiptMode.POLL
        self.fake.settings.put_channel(
            a_channel(
                bench.code,
                self.can.type,
                platform=bench.platform,
                sealed_credentials=self.fake.credentials.seal_credentials(bench.credentials),
                sealed_webhook=self.fake.credentials.seal_webhook(
                    bench.provider.webhook_secret(bench.credentials)
                ),
                options=bench.made.options,
                receipts=webhook,
                calls_per_second=0,
            )
        )
        self.contacts: list[str] = []
        self.answers: list[Any] = []
        self.number = 0

    def send(self, *contacts: str, content: Mapping[str, Any] | None = None) -> Message:
        """Deliver a message to each of the contacts, whatever happens."""
        message = self._planned(contacts, content)
        self._attempt(
            lambda: deliver.deliver(
                self.world,
                DeliverJob(message.msgid, 0, 0, 0, self.bench.code, 0, len(contacts)),
            )
        )
        for id in message.userids:
            self.answers.append(report.target(self.world, SHOP, message.msgid, id))
        return message

    def _planned(self, contacts: Sequence[str], content: Mapping[str, Any] | None) -> Message:
        self.number += 1
        self.contacts += contacts
        message = self._message(contacts, content)
        chosen = tuple({self.bench.code: (contact,)} for contact in contacts)
        targets = tuple(Target(id, None, {self.bench.code: 1}) for id in message.userids)
        plan = Plan(ChunkId(message.msgid, 0), targets, chosen, message.accepted, None)
        self.fake.messages.has(message)
        self.fake.ledger.put_plan(plan, message)
        return message

    def _message(self, contacts: Sequence[str], content: Mapping[str, Any] | None) -> Message:
        code = self.bench.code
        people = [f"person{self.number}-{n}" for n in range(len(contacts))]
        return replace(
            a_message(*people, number=self.number),
            strategy=at_once(self.can.type.value),
            channels={code: self.can.type},
            call_sizes={code: self.can.call_size},
            contents={code: self.bench.content(content)},
            app_para={"platform": "all"},
        )

    def take(self, request: WebhookRequest, token: str = WEBHOOK_TOKEN) -> None:
        self._attempt(lambda: webhooks.take_webhook(self.world, self.bench.code, token, request))

    def poll(self, message: Message) -> None:
        self._attempt(lambda: poll.poll_channel(self.world, PollJob(self.bench.code)))
        for timer in self.fake.timers.waiting():
            if timer.channel == self.bench.code:
                self._attempt(lambda timer=timer: poll.poll_chunk(self.world, timer))

    def withdraw(self, message: Message) -> None:
        """Take a message back, and recall what its provider can recall."""
        withdraw.withdraw(self.world, SHOP, message.msgid)
        while (envelope := self.fake.queues.take()) is not None:
            step = STEPS_BACK.get(type(envelope.job))
            if step is not None:
                self._attempt(lambda step=step, job=envelope.job: step(self.world, job))

    def fail(self, contact: str) -> None:
        """Let a worker die of an error that quotes a contact and a text, until its job is dead."""
        job = DeliverJob(self._planned([contact], None).msgid, 0, 0, 0, self.bench.code, 0, 1)
        letter = {"messageId": "m1", "body": encode(job), "eventSourceARN": "arn:x:deliver"}
        broken = replace(self.world, providers=Only(Broken(self.bench.provider, contact)))
        failed, _ = runtime._work_through(
            lambda world, body: deliver.deliver(world, decode_channel(body)),  # type: ignore[arg-type]
            broken,
            [letter],
            None,
        )
        assert failed == ["m1"]
        self.answers.append(letter)

    def _attempt(self, step: Any) -> None:
        """Do a step as a function does: what it raises goes into the log, or into an answer."""
        try:
            step()
        except OpenUMSError as error:
            self.answers += [describe(error), str(problem(error))]

    def written(self) -> Iterator[tuple[str, str]]:
        """Yield all that the deployment wrote in the open."""
        fake = self.fake
        for chunk, partition in fake.ledger.partitions.items():
            for sk, item in partition.items():
                if sk != "plan":
                    yield f"ledger {chunk} {sk}", f"{sk} {item}"
        for name in ("found", "nonces", "expecting"):
            yield f"lookups {name}", str(getattr(fake.lookups, name))
        yield "lookups waiting", str(list(fake.lookups.waiting))  # their receipts are sealed
        yield "queues", " ".join(encode(envelope.job) for envelope in fake.queues.sent)
        yield "handed back", str(fake.queues.handed_back)
        yield "timers", str(fake.timers.rows)
        yield "steps", str(fake.log)
        yield "answers", str(self.answers)
        for record in self.log.records:
            if record.name.startswith(("openums", "chalicelib")):
                fields = mask({k: v for k, v in vars(record).items() if k not in DESCRIBED})
                cause = describe(record.exc_info[1]) if record.exc_info else ""
                yield f"log {record.msg}", f"{fields} {cause}"

    def leaks(self) -> list[str]:
        """Name every place where a contact or a content stands in the open."""
        canaries = {spelling(contact) for contact in self.contacts} | {CONTENT}
        return [
            f"{where}: {canary}"
            for where, text in self.written()
            for canary in canaries
            if canary in text
        ]


def spelling(contact: str) -> str:
    """Return the part of a contact that every spelling has."""
    return contact[-8:] if contact.removeprefix("+").isdigit() else contact
