"""What the steps need from the world. Adapters (`aws/`, `providers/`) and the tests' fakes implement these Protocols.

Every store call is safe to repeat. Times are milliseconds since the epoch. `World` (world.py) is all of them together.

    settings.py   what operators configure
    users.py      users, and the sets that they are in
    messages.py   messages and what becomes of them
    providers.py  what speaks to the outside
    files.py      files of people, and imports of them
    work.py       time, timers, queues, requests counted
    secrets.py    sealing
"""

from __future__ import annotations

from chalicelib.ports.files import Files, Form, Imports
from chalicelib.ports.messages import IdempotencyKey, Ledger, Lookup, Lookups, Messages
from chalicelib.ports.providers import Provider, Providers, RateLimiter, Session, Tokens
from chalicelib.ports.secrets import Credentials, Vault
from chalicelib.ports.settings import Administration, Audit, Groups, Members, Settings
from chalicelib.ports.users import Audiences, Users
from chalicelib.ports.work import Clock, Counters, QueueMessage, QueueReader, Queues, Taken, Timers
from chalicelib.ports.world import Limits, Sizes, World

__all__ = (
    "Administration",
    "Audiences",
    "Audit",
    "Clock",
    "Counters",
    "Credentials",
    "Files",
    "Form",
    "Groups",
    "IdempotencyKey",
    "Imports",
    "Ledger",
    "Limits",
    "Lookup",
    "Lookups",
    "Members",
    "Messages",
    "Provider",
    "Providers",
    "QueueMessage",
    "QueueReader",
    "Queues",
    "RateLimiter",
    "Session",
    "Settings",
    "Sizes",
    "Taken",
    "Timers",
    "Tokens",
    "Users",
    "Vault",
    "World",
)
