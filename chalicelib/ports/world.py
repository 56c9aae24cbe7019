"""The ports together, and the limits of a stage."""

from __future__ import annotations

from dataclasses import field

from chalicelib.domain.contact_index import ContactIndex
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.messages import CHUNK_TARGETS
from chalicelib.domain.outages import Outages
from chalicelib.domain.slowness import Slowness
from chalicelib.domain.values import frozen
from chalicelib.ports.callbacks import Callbacks, Receivers
from chalicelib.ports.fact_files import FactFiles
from chalicelib.ports.figures import Figures, Notes
from chalicelib.ports.files import Files, Imports
from chalicelib.ports.messages import Ledger, Lookups, Messages
from chalicelib.ports.providers import Providers, RateLimiter, Tokens
from chalicelib.ports.recordings import Recordings
from chalicelib.ports.records import RecordStore
from chalicelib.ports.sandbox import Sandbox
from chalicelib.ports.secrets import Credentials, Vault
from chalicelib.ports.settings import Audit, Settings, Templates
from chalicelib.ports.stored_requests import StoredRequests, Wakeups
from chalicelib.ports.users import Audiences, Consents, Traces, Users
from chalicelib.ports.work import Clock, Counters, MarkStore, Queues, Timers


@frozen
class Sizes:
    """Sizes of the work of one step. Stages use the defaults, tests smaller sizes."""

    chunk_targets: int = CHUNK_TARGETS
    chunk_bytes: int = 300_000  # of contacts and ids: a plan is one item of at most 400 KB
    chunks_per_job: int = 5
    partition_users: int = 50_000  # of an audience
    import_rows: int = 2000  # with up to three contacts each, whole transactions
    import_budget: int = 20_000  # ms of a job, well below its function's timeout
    report_cells: int = 600_000  # of a file of bad rows: some seconds of a function
    export_rows: int = 50_000  # of a file. The last chunk in it may bring some more.
    counted_users: int = 10_000  # of a job that counts users, which reads them in pages
    counted_page: int = 500
    # Of users that are looked at for one chunk, where the message is for few of them: those with
    # the day of a schedule, of a segment by rules, or of a part of an A/B test.
    chunk_pages: int = 10
    listed_chunks: int = 10  # that a page of a message's targets reads
    searched_messages: int = 1000  # that a page of a search looks at
    quota_ticks: int = 60  # of the clock, an hour in production, after which a quota is read again


@frozen
class Limits:
    """The settings of a stage that the steps need. Times are seconds."""

    lease: int
    submit_within: int
    check_after: int  # from a dispatch to the check of its chunk, which finds what a crash left
    recount_delays: tuple[int, ...]
    history_days: int
    public_url: str
    receipts_url: str  # where providers post receipts
    channel_types: tuple[ChannelType, ...] = tuple(ChannelType)  # those that the stage delivers on
    workers: tuple[str, ...] = ()  # those that the stage runs
    requests_per_second: int = 500  # of an access channel
    utc_offset: float = 8  # hours by which the deployment's day is ahead of UTC's
    currency: str = "CNY"  # of prices and costs
    clock_width: int = 60  # no timer comes due sooner than two of these from now
    provider_timeout: float = 10  # of one exchange with a provider
    concurrency: tuple[int, ...] = (40, 20, 10)  # jobs at once of a channel type, by priority
    sizes: Sizes = Sizes()

    def serves(self, channel_type: ChannelType, worker: str) -> bool:
        """Tell if the stage has a queue for jobs of a type, or of the worker that does them."""
        return worker in self.workers if worker else channel_type in self.channel_types

    @property
    def quota_pause(self) -> int:
        """Return the seconds after which a quota that was used up is read again.

        Operators raise quotas, and for some vendors the day begins at another hour.
        """
        return self.sizes.quota_ticks * self.clock_width


@frozen
class World:
    """The ports together, as wiring builds them. Every step gets them."""

    clock: Clock
    settings: Settings
    records: RecordStore
    templates: Templates
    users: Users
    audiences: Audiences
    consents: Consents
    traces: Traces
    messages: Messages
    ledger: Ledger
    lookups: Lookups
    notes: Notes
    figures: Figures
    fact_files: FactFiles
    recordings: Recordings
    rate_limiter: RateLimiter
    tokens: Tokens
    files: Files
    counters: Counters
    marks: MarkStore
    timers: Timers
    queues: Queues
    vault: Vault
    credentials: Credentials
    providers: Providers
    limits: Limits
    imports: Imports
    audit: Audit
    stored: StoredRequests
    wakeups: Wakeups
    callbacks: Callbacks
    receivers: Receivers
    sandbox: Sandbox
    slowness: Slowness = field(default_factory=Slowness)  # what this container has seen
    outages: Outages = field(default_factory=Outages)  # of receivers, as it has seen them
    contact_index: ContactIndex = field(default_factory=ContactIndex)  # of plans that it has read
    ends: int | None = None  # ms: when the function ends that works in it, None: not before a lease

    def end_of_job(self, begun: int) -> int:
        """Return when (ms) a job that began at a time must have ended: none outlives a lease."""
        leased = begun + self.limits.lease * 1000
        return leased if self.ends is None else min(leased, self.ends)
