"""The AWS adapters together, as the ports of a world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.aws.audiences import Audiences
from chalicelib.aws.audit import Audit
from chalicelib.aws.cache import Cache
from chalicelib.aws.callbacks import Callbacks
from chalicelib.aws.clock import Clock as SystemClock
from chalicelib.aws.consents import Consents
from chalicelib.aws.counters import Counters
from chalicelib.aws.fact_files import FactFiles
from chalicelib.aws.figures import Figures, Notes
from chalicelib.aws.files import Files
from chalicelib.aws.imports import Imports
from chalicelib.aws.ledger import Ledger
from chalicelib.aws.lookups import Lookups
from chalicelib.aws.marks import MarkStore
from chalicelib.aws.messages import Messages
from chalicelib.aws.queues import Queues
from chalicelib.aws.rates import RateLimiter
from chalicelib.aws.recordings import Recordings
from chalicelib.aws.records import RecordStore
from chalicelib.aws.stored_requests import StoredRequests
from chalicelib.aws.templates import Templates
from chalicelib.aws.timers import Timers
from chalicelib.aws.tokens import Tokens
from chalicelib.aws.traces import Traces
from chalicelib.aws.users import Users
from chalicelib.aws.vault import Credentials, Vault
from chalicelib.aws.wakeups import Wakeups
from chalicelib.ports import Clock, Limits, Providers, Settings, World
from chalicelib.ports import Tokens as TokensPort


def build_world(
    connect: Callable[[TokensPort, Clock], Providers], outside: Mapping[str, Any], limits: Limits
) -> World:
    """Build a world on AWS. `connect` makes providers from their stored tokens and a clock.

    `outside` has the ports that AWS has no part in, by name.
    """
    clock, vault, cache = SystemClock(), Vault(), Cache()
    timers, tokens = Timers(clock), Tokens(vault, clock)
    records, templates = RecordStore(cache), Templates(cache)
    messages, users = Messages(vault, timers), Users(vault)
    return World(
        clock=clock,
        settings=Settings(records, templates),
        records=records,
        templates=templates,
        messages=messages,
        ledger=Ledger(vault),
        lookups=Lookups(vault),
        tokens=tokens,
        timers=timers,
        notes=Notes(timers),
        vault=vault,
        providers=connect(tokens, clock),
        stored=StoredRequests(vault, timers),
        callbacks=Callbacks(vault),
        recordings=Recordings(timers, messages, users, cache),
        rate_limiter=RateLimiter(clock),
        limits=limits,
        **outside,
        **_of_people(vault, users),
        **_without_parts(),
    )


def _of_people(vault: Vault, users: Users) -> dict[str, Any]:
    """Return the adapters that keep people, their sets, and what counts for them."""
    return {
        "users": users,
        "audiences": Audiences(vault),
        "consents": Consents(vault),
        "traces": Traces(vault),
        "marks": MarkStore(),
    }


def _without_parts() -> dict[str, Any]:
    """Return the adapters that need no other one."""
    return {
        "files": Files(),
        "counters": Counters(),
        "queues": Queues(),
        "credentials": Credentials(),
        "imports": Imports(),
        "audit": Audit(),
        "figures": Figures(),
        "fact_files": FactFiles(),
        "wakeups": Wakeups(),
    }
