"""A world in memory. The steps of the flow get `FakeWorld().ports`, tests steer the rest."""

from __future__ import annotations

from dataclasses import fields, replace

from chalicelib.domain.contact_index import ContactIndex
from chalicelib.domain.outages import Outages
from chalicelib.domain.slowness import Slowness
from chalicelib.ports import Limits, Sizes, World
from tests.fakes.callbacks import FakeCallbacks, FakeReceivers
from tests.fakes.clock import FakeClock, FakeTimers
from tests.fakes.fact_files import FakeFactFiles
from tests.fakes.figures import FakeFigures, FakeNotes
from tests.fakes.files import FakeCounters, FakeFiles, FakeImports
from tests.fakes.ledger import FakeLedger
from tests.fakes.messages import FakeMessages
from tests.fakes.providers import FakeProviders
from tests.fakes.queues import FakeQueues
from tests.fakes.recordings import FakeRecordings
from tests.fakes.records import FakeAudit, FakeRecordStore
from tests.fakes.sandbox import FakeSandbox
from tests.fakes.secrets import FakeCredentials, FakeVault
from tests.fakes.settings import FakeSettings, FakeTemplates
from tests.fakes.steps import Steps
from tests.fakes.stored_requests import waiting
from tests.fakes.stores import FakeLookups, FakeMarkStore, FakeRateLimiter, FakeTokens
from tests.fakes.traces import FakeTraces
from tests.fakes.users import FakeAudiences, FakeConsents, FakeUsers

LIMITS = Limits(
    lease=60,
    submit_within=86400,
    check_after=240,
    recount_delays=(10, 60, 300, 3600, 86400),
    history_days=7,
    public_url="https://ums.example.com",
    receipts_url="https://ums.example.com",
    requests_per_second=10**9,  # a fake clock stands still
)


def limits_of(**sizes: int) -> Limits:
    """Return limits with some smaller sizes."""
    return replace(LIMITS, sizes=Sizes(**sizes))


class FakeWorld(Steps):
    """A world that logs the steps of all its ports, in the order in which they happen."""

    _step_at = 0  # of the last step (ms)

    def __init__(self, limits: Limits = LIMITS, clock_width: int = 60) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.timers = FakeTimers(self, self.clock, clock_width)
        self.queues = FakeQueues(self, self.clock)
        self.records, self.templates = FakeRecordStore(self), FakeTemplates(self)
        self.settings = FakeSettings(self.records, self.templates)
        self.audit = FakeAudit(self)
        self.users = FakeUsers(self)
        self.audiences, self.consents = FakeAudiences(self, self.users), FakeConsents(self)
        self.traces = FakeTraces(self, self.users)
        self.ledger = FakeLedger(self)
        self.messages = FakeMessages(self, self.ledger, self.timers)
        self.stored, self.wakeups = waiting(self, self.messages, self.timers)
        self.notes = FakeNotes(self, self.messages, self.ledger, self.users)
        self.figures = FakeFigures(self)
        self.fact_files = FakeFactFiles(self)
        self.lookups = FakeLookups(self)
        self.recordings = FakeRecordings(self, self.messages, self.lookups, self.users)
        self.rate_limiter = FakeRateLimiter(self, self.clock)
        self.tokens = FakeTokens(self, self.clock)
        self.files, self.counters = FakeFiles(self), FakeCounters(self)
        self.marks, self.providers = FakeMarkStore(self), FakeProviders(self)
        self.vault, self.credentials = FakeVault(), FakeCredentials()
        self.limits = limits
        self.ends: int | None = None  # when the worker ends (ms)
        self.slowness, self.outages, self.contact_index = Slowness(), Outages(), ContactIndex()
        self.imports = FakeImports(self)
        self.callbacks, self.receivers = FakeCallbacks(self), FakeReceivers(self, self.clock)
        self.sandbox = FakeSandbox(self)

    def step(self, name: str, *, write: bool) -> None:
        if self.clock.time != self._step_at:
            self.begin_work()
            self._step_at = self.clock.time
        super().step(name, write=write)

    @property
    def ports(self) -> World:
        return World(**{port.name: getattr(self, port.name) for port in fields(World)})
