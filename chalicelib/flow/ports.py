"""What the steps need from the world. Adapters (`aws/`, `providers/`) and the tests' fakes implement these Protocols.

Every store call is safe to repeat. Times are milliseconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from chalicelib.domain.channels import AccessChannel, Channel, ChannelType
from chalicelib.domain.facts import Fact
from chalicelib.domain.funnel import Counts
from chalicelib.domain.imports import BadRow, Import
from chalicelib.domain.jobs import Envelope, Timer
from chalicelib.domain.messages import Message, Summary
from chalicelib.domain.pages import CallAnswer, Page, Wait
from chalicelib.domain.plans import Call, GoList, PageId, Plan
from chalicelib.domain.sending import (
    Account,
    Answer,
    Capabilities,
    Outcome,
    OutgoingCall,
    Receipt,
    Reply,
    Token,
    Webhook,
    WebhookRequest,
)
from chalicelib.domain.strategy import Strategy, StrategyEntry
from chalicelib.domain.templates import Template
from chalicelib.domain.users import User
from chalicelib.flow.admin_ports import Audit, Groups, Members


class Session(Protocol):
    """An open way to one account of a provider, for the length of a job."""

    def token(self) -> str | None:
        """The idempotency token of the next call, fetched beforehand; None where the provider has none."""

    def token_for(self, content: Mapping[str, Any]) -> str | None:
        """The same, for a provider that has tokens for some kinds of content only."""

    def send(self, call: OutgoingCall) -> Answer:
        """Raises Rejected, Unavailable, Throttled, Uncertain or Misconfigured when there is no answer per contact."""

    def poll(self, provider_ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt | Reply]:
        """Ask for receipts: provider id of a call -> contacts still open. Providers whose reports name no call ignore the argument."""

    def recall(self, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        """Take back what a call sent to these contacts, one outcome each (no loss: taken back). Only where `capabilities.recall`."""

    def check(self) -> None:
        """Ask something harmless that shows whether address and credentials are right; raises like `send`."""

    def access_token(self) -> Token | None:
        """The provider's own token for this account, fetched if need be; None where it has none."""

    def authorisation_link(self, redirect_uri: str) -> str:
        """The page on which the account's owner lets us in, and which leads on to an address. Only where `capabilities.authorisation`."""


class Provider(Protocol):
    capabilities: Capabilities

    def check_credentials(self, raw: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        """Raises Invalid naming the field (`credentials.app_key`, `options.server`)."""

    def check_content(self, content: Mapping[str, Any]) -> None:
        """Whether a template's content for this channel type has the provider's shape; raises Invalid."""

    def webhook_secret(self, credentials: Mapping[str, Any]) -> Mapping[str, str]:
        """What the API needs to verify webhooks, and nothing more; sealed on its own."""

    def connect(self, account: Account) -> AbstractContextManager[Session]: ...

    def read_webhook(self, request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
        """Raises Unverified; raises Invalid for a body that cannot be read."""


class Tokens(Protocol):
    """Access tokens of providers, sealed, shared by all containers (`sending.token_name`).

    What a provider was asked for the API is kept here too, for minutes (flow/ask.py).
    """

    def read(self, name: str) -> Token | None:
        """Consistently; None when there is none or it has expired."""

    def write(self, name: str, token: Token) -> None:
        """Replaces what is there, and ends the lease."""

    def lease(self, name: str, seconds: int) -> bool:
        """Whether it is the caller who may fetch a new one: nobody else may, for so long."""

    def give_back(self, name: str, seconds: int) -> None:
        """Who has the lease could fetch none: somebody else may, so many seconds from now."""


class Taken(NamedTuple):
    """Whether it was granted, and how much is left now."""

    granted: bool
    left: int


class Counters(Protocol):
    """How much of what may be used within a window is in use. A name says what of whom, and which window: a second, a day."""

    def take(self, name: str, wanted: int, most: int, expires: int) -> Taken:
        """All that is wanted, if no more than `most` is in use then, or nothing; one update. `expires`: seconds, after the window."""

    def give_back(self, name: str, number: int) -> None:
        """So much of it was not used; nothing where nothing is counted any more."""

    def used(self, name: str) -> int:
        """Read consistently."""


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since the epoch."""

    def sleep(self, seconds: float) -> None: ...


class Settings(Protocol):
    """What operators configure. Reads may be as old as the settings cache (≤ 10 s); writes are seen at once by their writer."""

    def access_channel(self, key: str) -> AccessChannel | None: ...
    def channel(self, code: str) -> Channel | None: ...
    def template(self, number: int) -> Template | None:
        """The newest version; None for a template that was archived."""

    def template_version(self, number: int, version: int) -> Template | None:
        """That version as it was put, which never changes; also of an archived template."""

    def strategy(self, number: int) -> tuple[str, Strategy] | None:
        """The channel key that it belongs to, and the strategy."""

    def channels(self) -> Sequence[Channel]:
        """All delivery channels."""


class Administration(Settings, Protocol):
    """Settings as operators write them. Puts raise Conflict when the key, code or name is taken; nothing is overwritten unseen.

    Updates and deletes are given what is to be written: its `version` is one more than the stored one must be, else they raise Stale.
    Lists are in the order of their ids; `after` is the last id of the page before, and `limit` 0 means all.
    """

    def forget(self) -> None:
        """Read everything anew from here on: who is about to change something must not see an old version."""

    def next_number(self, kind: str) -> int:
        """A fresh id of a `template`, `strategy`, `channel`, or of a family of groups: small, rising, never given twice."""

    def put_access_channel(self, channel: AccessChannel) -> None: ...
    def update_access_channel(self, before: AccessChannel, after: AccessChannel) -> None:
        """Everything but its authorisations."""

    def authorise(self, key: str, code: str, enabled: bool | None) -> bool:
        """Authorise a delivery channel, switch it, or (None) take the authorisation back; False if the access channel is not there."""

    def put_channel(self, channel: Channel) -> None:
        """Code and name are unique."""

    def update_channel(self, before: Channel, after: Channel) -> None: ...
    def delete_channel(self, channel: Channel) -> None: ...
    def put_template(self, template: Template) -> None:
        """A version; of one that is archived, its end: it stands in no list any more."""

    def template_versions(self, number: int, after: int = 0, limit: int = 0) -> Sequence[Template]:
        """From the first on, the end of an archived one left out."""

    def put_strategy(self, number: int, channel_key: str, name: str, strategy: Strategy) -> None: ...
    def strategy_entry(self, number: int) -> StrategyEntry | None: ...
    def update_strategy(self, entry: StrategyEntry) -> None: ...
    def delete_strategy(self, entry: StrategyEntry) -> None: ...
    def access_channels(self, after: str = "", limit: int = 0) -> Sequence[AccessChannel]: ...
    def list_channels(self, after: str = "", limit: int = 0) -> Sequence[Channel]: ...
    def templates(self, channel_key: str, after: int = 0, limit: int = 0) -> Sequence[Template]: ...
    def strategies(self, channel_key: str, after: int = 0, limit: int = 0) -> Sequence[StrategyEntry]: ...


class Users(Protocol):
    def get(self, userids: Sequence[str]) -> Mapping[str, User]:
        """Those that exist, as they are now; one batch read per 100."""

    def save(self, users: Sequence[User], before: Mapping[str, User] | None = None) -> frozenset[str]:
        """Write each user whose `version` is still the stored one (0: none stored); the userids that somebody else changed meanwhile.

        `before` has the users as they were read: what they lose leaves the sets of tags and contacts with the same transaction.
        """

    def delete(self, users: Sequence[User]) -> frozenset[str]:
        """Take away these users with their tags and contacts; the userids that somebody else changed meanwhile."""

    def walk(self, buckets: range, after: str, limit: int, prefix: str = "") -> Sequence[User]:
        """The next users after a position (`keys.position`; empty: from the start), in order; fewer than `limit` only at the end.

        With a prefix only those whose id begins with it: a request for each bucket, so it is for people who look, not for sending.
        """

    def estimate(self) -> int:
        """About how many users there are, in one request."""


class Audiences(Protocol):
    """Who is in a set: a tag of a scope, a segment, a list (`domain/audiences.py` names them); in the same order as users."""

    def walk(self, sets: Sequence[str], buckets: range, after: str, limit: int) -> Sequence[str]:
        """The next userids of the union after a position, each once, in order; fewer than `limit` only at the end."""

    def holds(self, name: str, userids: Sequence[str]) -> frozenset[str]:
        """Those of the userids that are in the set."""

    def change(self, name: str, add: Sequence[str], remove: Sequence[str] = ()) -> None:
        """Members of a segment or list. Tags belong to users: `Users.save` keeps their sets."""

    def estimate(self, sets: Sequence[str]) -> int:
        """About how many are in these sets, in one request for each."""

    def tags(self, scope: str, after: str, limit: int) -> Sequence[str]:
        """The next tags of a scope, in order: those that somebody has, or once had."""

    def users_of(self, kind: ChannelType, contact: str) -> Sequence[str]:
        """The userids that have this contact, on whatever scope or label; found by its HMAC."""

    def opt(self, kind: ChannelType, contact: str, channel_keys: Sequence[str], time: int, out: bool) -> None:
        """What was last said of a contact, whether it is a user's or not, for each access channel; an earlier word changes nothing."""

    def opted(self, kind: ChannelType, contacts: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Contact -> channel key -> since when (ms) it is opted out, or less than 0: in again. One batch read per 100, consistent."""


@dataclass(frozen=True)
class Once:
    """A request under the idempotency key that its sender gave it, remembered for a day with the message that it became."""

    name: str  # of the key, within its access channel and path
    digest: str  # of the body
    msgid: str = ""


class Messages(Protocol):
    def create(
        self, message: Message, plan: Plan | None, timer: Timer, contacts: Sequence[str] = (), once: Once | None = None
    ) -> Once | None:
        """Message, its plan where it is small, its links and its first timer: all or nothing. Raises Conflict when the msgid exists.

        `contacts` are those of a message that names contacts instead of users, in the order of its targets. Where `once` stands
        already, nothing is stored, and it is returned with its message.
        """

    def once(self, name: str) -> Once | None:
        """What stands under an idempotency key, read consistently."""

    def contacts(self, msgid: str) -> Sequence[str]:
        """The contacts that a message names; cached like `get`."""

    def withdraw(self, message: Message, time: int, timer: Timer) -> bool:
        """Say that nothing more may leave, with a timer that sees to it: both or none. False when it was said before."""

    def withdrawn(self, msgid: str) -> int | None:
        """Since when (ms) nothing more may leave; read consistently."""

    def get(self, msgid: str) -> Message | None:
        """Immutable, hence cached without limit of age within a container (bounded in number)."""

    def newest(self, channel_key: str, before: str, since: int, limit: int) -> Sequence[Summary]:
        """An access channel's messages from before a msgid back to a time (ms), newest first."""

    def links(self, msgid: str) -> Mapping[str, str] | None:
        """Link variable -> address; outlives the message's history, by more than a year. None when its time is over."""

    def put_counts(self, page: PageId, counts: Counts, expires: int) -> None:
        """Replace a page's counts unless the stored ones have seen more facts."""

    def counts(self, msgid: str) -> Mapping[int, Counts]:
        """The counts of each page that was counted."""


class Ledger(Protocol):
    """One partition per page. Puts of plans, lists, claims and answers are conditional: the first stands, and is returned."""

    def put_plan(self, plan: Plan, message: Message) -> Plan: ...
    def plan(self, page: PageId) -> Plan | None:
        """The plan alone; it never changes, hence cached without limit of age within a container (bounded in number)."""

    def withdraw(self, page: PageId, time: int, message: Message) -> None:
        """Mark the page, whether it has a plan yet or not: whoever reads it from now on lets nothing leave."""

    def freeze(self, page: PageId, go: GoList, message: Message) -> GoList: ...
    def page(self, page: PageId) -> Page | None:
        """Everything of the page, read consistently; None when it has no plan."""

    def claim(self, page: PageId, call: Call, expected: Call | None, message: Message) -> Call | None:
        """Put the record if there is none (`expected` None) or if it is still the expected one. None: claimed; else the record found."""

    def put_answer(self, page: PageId, answer: CallAnswer, message: Message) -> CallAnswer: ...
    def put_wait(self, page: PageId, wait: Wait, message: Message) -> None:
        """That calls wait, so that nobody takes them for lost; replaces what was said of those that begin there."""

    def add(self, page: PageId, facts: Sequence[Fact], message: Message) -> None:
        """Add facts as one bundle; the same facts again are the same bundle."""

    def add_all(self, bundles: Sequence[tuple[PageId, Sequence[Fact], Message]]) -> None:
        """The same for several pages, each at most once: 25 bundles per request."""

    def add_click(self, page: PageId, fact: Fact, message: Message) -> bool:
        """The first fact of its kind (click, opening, scan) on a link of ours; later ones write nothing. Whether it was the first."""


@dataclass(frozen=True)
class Lookup:
    """Where a provider's id leads: to a call's page, or to one delivery of it (`place`)."""

    page: PageId
    place: tuple[int, int] | None = None  # (target, contact)
    parts: tuple[str, ...] = ()  # where a delivery goes in several, each with a report: the ids of all


class Lookups(Protocol):
    """Receipts find their delivery: provider id -> page. Receipts that come too early are parked under that id, for a day."""

    def put(self, channel: str, found: Mapping[str, Lookup], expires: int) -> None: ...
    def get(self, channel: str, provider_ids: Sequence[str], *, fresh: bool = False) -> Mapping[str, Lookup]:
        """Known ids may come from a cache (they never change) unless unknown; `fresh` asks again, consistently."""

    def park(self, channel: str, receipts: Mapping[str, Sequence[Receipt]], expires: int) -> None: ...
    def parked(self, channel: str, provider_ids: Sequence[str]) -> Sequence[Receipt]:
        """Read consistently, so that either the parker sees the lookup or its writer sees what is parked."""

    def use_nonce(self, channel: str, nonce: str, digest: str, expires: int) -> bool:
        """False when the nonce was used with another body."""

    def expect(self, channel: str, time: int, expires: int) -> None:
        """That something was submitted whose receipts will be asked for. Written at most once in half a minute per container."""

    def expected(self, channels: Sequence[str]) -> Mapping[str, int]:
        """When (ms) something was last submitted on these channels, half a minute more or less."""


class Pace(Protocol):
    """Turns: who calls a provider when, so that all workers together keep to its calls per second."""

    def reserve(self, channel: str, calls: int, rate: float, *, urgent: bool) -> int:
        """When (ms) so many calls may begin: one after the other, in the order in which they asked; one update or two.

        A fifth of the rate is only for what is urgent, which has all of it while nothing else waits.
        """


class Timers(Protocol):
    def set(self, timers: Sequence[Timer]) -> None:
        """Make sure that the clock will tick for each (one execution per slot), then put the rows."""

    def due(self, now: int, limit: int) -> Sequence[Timer]: ...
    def done(self, timers: Sequence[Timer]) -> None: ...


class Imports(Protocol):
    """How far imports of files have come."""

    def create(self, one: Import) -> None:
        """A new one; its version becomes 1."""

    def get(self, id: str) -> Import | None: ...
    def advance(self, one: Import, bad: Sequence[BadRow] = ()) -> bool:
        """Replace the version before with this one and keep its bad rows, both or nothing; False when another version stands there."""

    def bad_rows(self, id: str) -> Sequence[BadRow]:
        """All that were kept, in the order of the file."""

    def newest(self, before: str, limit: int) -> Sequence[Import]:
        """Newest first, from before an id on (empty: the newest)."""


@dataclass(frozen=True)
class Form:
    """A presigned upload: the fields go before the file in a multipart form."""

    url: str
    fields: Mapping[str, str] = field(repr=False)


class Files(Protocol):
    """Files of people, uploaded and fetched by addresses that are signed for a while. A key is a path; what nobody deletes expires."""

    def form(self, key: str, least: int, most: int, seconds: int) -> Form:
        """To upload so many bytes."""

    def mark(self, key: str) -> str | None:
        """What tells this content from any other; None when there is no file."""

    def read(self, key: str, mark: str = "") -> bytes | None:
        """None when the file is not there, or has another mark than the one that is asked for."""

    def write(self, key: str, content: bytes, kind: str) -> None: ...
    def address(self, key: str, name: str, seconds: int) -> str:
        """To download a file under a name."""

    def delete(self, key: str) -> None: ...
    def fetch(self, url: str, most: int) -> bytes:
        """A file that lies elsewhere, through the egress policy; raises a ProviderError."""


class Queues(Protocol):
    def send(self, envelopes: Sequence[Envelope]) -> None:
        """In batches per queue; raises when one could not be sent (the others may have been).

        A job for a channel type or worker that the stage does not run (any more) is left out, and must not keep others from being sent:
        who looks after it later finds that it never left.
        """


@dataclass(frozen=True)
class Letter:
    """A job as a queue hands it out. Unless it is `done`, it comes back."""

    id: str
    body: str
    handle: str
    receives: int


class Inbox(Protocol):
    """The receiving side of one queue, for processes that no event source feeds."""

    def receive(self) -> Sequence[Letter]:
        """Waits some seconds; at most one, so that none waits behind another."""

    def done(self, letter: Letter) -> None: ...


class Vault(Protocol):
    """Sealing of contacts and contents, and keyed hashes."""

    def seal(self, plain: bytes, context: str) -> bytes: ...
    def open(self, sealed: bytes, context: str) -> bytes: ...
    def mac(self, label: str, data: bytes) -> bytes:
        """HMAC-SHA256 under a key of its own for each label."""


class Credentials(Protocol):
    """Secrets of delivery channels. Sending credentials can be opened by delivery functions only."""

    def seal_credentials(self, plain: Mapping[str, Any]) -> bytes: ...
    def open_credentials(self, sealed: bytes) -> Mapping[str, Any]: ...
    def seal_webhook(self, plain: Mapping[str, str]) -> bytes: ...
    def open_webhook(self, sealed: bytes) -> Mapping[str, str]: ...


class Providers(Protocol):
    def of(self, platform: str) -> Provider:
        """Raises KeyError for a platform that does not exist."""

    def platforms(self, channel_type: ChannelType) -> Sequence[str]:
        """The platforms that deliver on this type; none where nobody speaks it."""


@dataclass(frozen=True)
class Limits:
    """What a stage sets; times are seconds."""

    lease: int
    submit_within: int
    check_after: int  # how long after a dispatch a page is looked at, to find what a crash left
    recount_delays: tuple[int, ...]
    history_days: int
    public_url: str
    channel_types: tuple[ChannelType, ...] = tuple(ChannelType)  # those that the stage delivers on
    workers: tuple[str, ...] = ()  # those that the stage runs
    requests_per_second: int = 500  # of an access channel
    utc_offset: float = 8  # hours by which the deployment's day is ahead of UTC's
    clock_width: int = 60  # no timer comes due sooner than two of these from now


@dataclass(frozen=True)
class World:
    """The ports together, as wiring builds them: what every step is given."""

    clock: Clock
    settings: Administration
    users: Users
    audiences: Audiences
    messages: Messages
    ledger: Ledger
    lookups: Lookups
    pace: Pace
    tokens: Tokens
    files: Files
    counters: Counters
    timers: Timers
    queues: Queues
    vault: Vault
    credentials: Credentials
    providers: Providers
    limits: Limits
    imports: Imports
    groups: Groups
    members: Members
    audit: Audit
