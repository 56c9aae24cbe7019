"""Reports at every moment of their submission. Each delivery is told, each report is answered."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.facts import FactKind
from chalicelib.entrypoints.workers.cmpp import Worker
from chalicelib.flow.delivery import sessions
from chalicelib.providers.sms.cmpp import codec
from chalicelib.providers.sms.cmpp.group_ids import GroupIds, following
from chalicelib.providers.sms.cmpp.lines import Incoming, Stream
from chalicelib.providers.sms.cmpp.lines import Line as Connections
from chalicelib.providers.sms.cmpp.messages import Body, Deliver, Report, Submit
from chalicelib.providers.sms.cmpp.provider import Cmpp
from chalicelib.web.egress import Policy
from tests.entrypoints.workers.office import CODE, DONE, PAUSES, Office, phone
from tests.liveness import PATIENCE
from tests.providers.sandboxes import Sandbox
from tests.providers.sms.cmpp.line import Line

NOBODY = Sandbox("", {"cmpp_port": 1})
PEOPLE = [phone(1), phone(2)]
TEXTS = {"whole": "hello", "parts": "你" * 80}
NOTHING: dict[str, Any] = {"content": b"", "format": 0, "account": "", "source": ""}
PLAIN = 0xBF00_3A40_0002_0000
SPELLING = 0xBF00_3A40_0001_1111 - 200  # the id of the first SUBMIT spells the first number


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Ask for nothing of a sandbox, which the other tests of this folder clear."""


class Platform(Cmpp):
    """A gateway of one connection. `act` is called when a SUBMIT is heard, before its answer."""

    def __init__(self, first: int, *, consecutive: bool = False, nameless: bool = False) -> None:
        super().__init__(Policy())
        self.first, self.consecutive, self.nameless = first, consecutive, nameless
        self.act: Callable[[str], None] = lambda moment: None
        self.spacing, self.stat = 100, "DELIVRD"
        self.reports: list[Report] = []
        self.answered: set[Report] = set()

    def _dial(self, line: Connections) -> Stream:
        return Ear(self)

    def id_of(self, sequence: int) -> int:
        return self.first + self.spacing * sequence

    def take(self, submit: Submit, sequence: int) -> None:
        for n, number in enumerate(submit.numbers):
            id = following(self.id_of(sequence), n if self.consecutive else 0)
            named = "" if self.nameless else number
            report = Report(id, self.stat, "2611300000", "2611300000", named)
            if report not in self.reports:
                self.reports.append(report)

    def tell(self, worker: Worker) -> None:
        """Send each report that is not answered yet."""
        connections = next(iter(worker.shared.gateways.values()))
        for report in reversed(self.reports):
            if report not in self.answered:
                content = codec.encode_report(report, 60)
                deliver = Deliver(
                    id=1, to="10690001", number=report.number, content=content, is_report=True
                )
                answer = self._answerer(report)
                account, ids = connections.line.account, connections.group_ids
                worker._record([Incoming(account, deliver, answer, ids)])

    def _answerer(self, report: Report) -> Callable[[int], None]:
        return lambda result: self.answered.add(report)


class Ear(Line):
    def __init__(self, platform: Platform) -> None:
        super().__init__()
        self._platform = platform

    def id_of(self, sequence: int) -> int:
        return self._platform.id_of(sequence)

    def _hear(self, sequence: int, body: Body) -> None:
        if isinstance(body, Submit):
            self._platform.take(body, sequence)
            self._platform.act("sent")
        super()._hear(sequence, body)


class Noting(GroupIds):
    def __init__(self, platform: Platform) -> None:
        super().__init__()
        self._platform = platform

    def note(self, message: int, numbers: Sequence[str]) -> None:
        self._platform.act("answered")
        super().note(message, numbers)
        self._platform.act("noted")


@contextmanager
def hired(office: Office, platform: Platform) -> Iterator[Worker]:
    worker = Worker(office.fake.ports, platform, office.queues, PATIENCE, PAUSES)
    channel = office.fake.settings.channel(CODE)
    assert channel is not None
    account = sessions.account_of(office.fake.ports, channel)
    line = platform.settings(account).line
    worker.shared._group_ids[line.account] = Noting(platform)
    worker.shared.keep(account)
    try:
        yield worker
    finally:
        worker.shared.stop()


def do(office: Office, worker: Worker) -> None:
    (job,) = office.queues[Priority.HIGH].receive()
    worker._do(office.queues[Priority.HIGH], job)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("moment", ["sent", "answered", "noted", "recorded"])
@pytest.mark.parametrize(
    ("ways", "people"),
    [
        ({"group_ids": "both", "consecutive": False}, PEOPLE),
        ({"group_ids": "both", "consecutive": True}, PEOPLE),
        ({"group_ids": "one", "consecutive": False}, PEOPLE),
        ({"group_ids": "consecutive", "consecutive": True}, PEOPLE),
        ({"group_ids": "both", "nameless": True}, PEOPLE[:1]),
        ({"group_ids": "one", "nameless": True}, PEOPLE[:1]),
    ],
)
@pytest.mark.parametrize("first", [PLAIN, SPELLING], ids=["plain", "spelling"])
def test_a_report_at_any_moment_of_its_submit_is_stored_or_comes_again(
    first: int, ways: dict[str, Any], people: list[str], moment: str, text: str
) -> None:
    office = Office(NOBODY, group_ids=ways["group_ids"])
    platform = Platform(first, **{k: v for k, v in ways.items() if k != "group_ids"})
    message = office.message(people, TEXTS[text])
    office.send(message)
    with hired(office, platform) as worker:
        platform.act = lambda now: platform.tell(worker) if now == moment else None
        do(office, worker)
        platform.tell(worker)
    assert office.kinds(message) == [DONE] * len(people)
    assert platform.answered == set(platform.reports)


@pytest.mark.parametrize("moment", ["sent", "answered", "noted", "recorded"])
@pytest.mark.parametrize("earlier", ["told", "not told"])
def test_a_report_is_never_told_of_the_message_that_went_to_the_same_people_before(
    earlier: str, moment: str
) -> None:
    """The gateway names a group by one id. The next id would be that of the second person."""
    office, platform = Office(NOBODY), Platform(PLAIN)
    platform.spacing = 1
    one, other = (office.message(PEOPLE, number=n + 1) for n in range(2))
    with hired(office, platform) as worker:
        office.send(one)
        do(office, worker)
        if earlier == "told":
            platform.tell(worker)
        platform.act = lambda now: platform.tell(worker) if now == moment else None
        platform.stat = "UNDELIV"
        office.send(other)
        do(office, worker)
        platform.tell(worker)
    lost = {FactKind.SUBMITTED, FactKind.DELIVERY_FAILED}
    assert [office.kinds(message) for message in (one, other)] == [[DONE] * 2, [lost] * 2]
    assert platform.answered == set(platform.reports)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("is_busy", [False, True])
def test_a_report_without_a_number_finds_its_delivery_at_the_next_worker(
    is_busy: bool, text: str
) -> None:
    """The first one has seen such reports, and leaves names without a number.

    `is_busy`: the next one always waits for the answer to some SUBMIT.
    """
    office, platform = Office(NOBODY), Platform(PLAIN, nameless=True)
    messages = [office.message(PEOPLE[:1], TEXTS[text], number=n + 1) for n in range(2)]
    with hired(office, platform) as worker:
        for message in messages:
            platform.tell(worker)
            office.send(message)
            do(office, worker)
    with hired(office, platform) as worker:
        (gateway,) = worker.shared.gateways.values()
        with gateway.group_ids.awaiting(PEOPLE[1:]) if is_busy else nullcontext():
            platform.tell(worker)
    assert [office.kinds(message) for message in messages] == [[DONE], [DONE]]
    assert platform.answered == set(platform.reports)


def meet(office: Office, platform: Platform, moment: int, *, is_sender_first: bool) -> bool:
    """Let one worker come to a step. Then another process does all of its work, then the first.

    Return False if there was not such a step.
    """
    fake = office.fake
    with hired(office, platform) as sender, hired(office, platform) as other:
        first, second = (lambda: do(office, sender)), (lambda: platform.tell(other))
        if not is_sender_first:
            first, second = second, first

        def strike(number: int, name: str) -> None:
            if number == moment:
                fake.spare()
                second()

        fake.forget_steps()
        fake.on_step = strike
        first()
        if fake.on_step is strike:
            return False
        platform.tell(other)  # of what was not sent then
    return True


@pytest.mark.parametrize("is_sender_first", [True, False])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("consecutive", [False, True])
@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("first", [PLAIN, SPELLING], ids=["plain", "spelling"])
def test_a_report_that_another_worker_gets_at_any_step_is_told_of_its_delivery(
    first: int, stale: bool, consecutive: bool, text: str, is_sender_first: bool
) -> None:
    """`stale`: readings that need not be consistent see no lookups yet."""
    for moment in itertools.count():
        office, platform = Office(NOBODY), Platform(first, consecutive=consecutive)
        office.fake.lookups.stale = stale
        message = office.message(PEOPLE, TEXTS[text])
        office.send(message)
        if not is_sender_first:
            for sequence in range(2, 4 if text == "parts" else 3):
                platform.take(Submit(numbers=tuple(PEOPLE), **NOTHING), sequence)
        if not meet(office, platform, moment, is_sender_first=is_sender_first):
            break
        assert office.kinds(message) == [DONE] * len(PEOPLE), moment
        assert platform.answered == set(platform.reports)
    assert moment > 10
