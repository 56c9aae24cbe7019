"""Interfaces that the steps need. Adapters (`aws/`, `providers/`) and the tests' fakes implement
them.

Every store call is safe to repeat. Times are milliseconds since the epoch. `World` (world.py) is
all interfaces together.

    records.py    what operators configure: one store for every kind of record
    settings.py   templates and the audit log, and how steps read settings
    users.py      users, and the sets that they are in
    messages.py   messages, their ledger and their receipts
    recordings.py records of several jobs, written together
    providers.py  providers, their access tokens and rate limits
    figures.py    figures of messages
    fact_files.py files of raw facts, for other programs
    files.py      files that people upload or download, and imports
    work.py       time, timers, queues, counters, marks
    secrets.py    sealing
    callbacks.py  batches of callbacks, and their receivers
    stored_requests.py  requests that wait, and their clock
    sandbox.py    the provider sandbox, where a deployment is attached to it
"""

from __future__ import annotations

from chalicelib.ports.callbacks import Callbacks, Receivers, Reply
from chalicelib.ports.fact_files import FactDraft, FactFiles
from chalicelib.ports.figures import Document, Figures, Notes
from chalicelib.ports.files import Files, Form, Imports
from chalicelib.ports.messages import (
    ONCE_SECONDS,
    IdempotencyKey,
    Ledger,
    Lookup,
    Lookups,
    Messages,
    Nonce,
)
from chalicelib.ports.providers import (
    OwnRole,
    Provider,
    Providers,
    RateLimiter,
    Registry,
    Session,
    Tokens,
)
from chalicelib.ports.recordings import Recording, Recordings
from chalicelib.ports.records import Records, RecordStore
from chalicelib.ports.sandbox import Sandbox
from chalicelib.ports.secrets import Credentials, Vault
from chalicelib.ports.settings import Audit, Settings, Templates
from chalicelib.ports.stored_requests import StoredRequests, Wakeups
from chalicelib.ports.users import Audiences, Consents, SuppressedContact, Traces, Users
from chalicelib.ports.work import (
    Clock,
    Counters,
    DueRow,
    MarkStore,
    QueueMessage,
    QueueReader,
    Queues,
    Taken,
    Timers,
)
from chalicelib.ports.world import Limits, Sizes, World

__all__ = (
    "ONCE_SECONDS",
    "Audiences",
    "Audit",
    "Callbacks",
    "Clock",
    "Consents",
    "Counters",
    "Credentials",
    "Document",
    "DueRow",
    "FactDraft",
    "FactFiles",
    "Figures",
    "Files",
    "Form",
    "IdempotencyKey",
    "Imports",
    "Ledger",
    "Limits",
    "Lookup",
    "Lookups",
    "MarkStore",
    "Messages",
    "Nonce",
    "Notes",
    "OwnRole",
    "Provider",
    "Providers",
    "QueueMessage",
    "QueueReader",
    "Queues",
    "RateLimiter",
    "Receivers",
    "RecordStore",
    "Recording",
    "Recordings",
    "Records",
    "Registry",
    "Reply",
    "Sandbox",
    "Session",
    "Settings",
    "Sizes",
    "StoredRequests",
    "SuppressedContact",
    "Taken",
    "Templates",
    "Timers",
    "Tokens",
    "Traces",
    "Users",
    "Vault",
    "Wakeups",
    "World",
)
