"""Test whether an address is a receiver of callbacks: it must give an `echostr` back.

The function `callbacks` makes the request, from the network that callbacks come from. The API waits
for the result as for a provider's answer.
"""

from __future__ import annotations

import secrets as random

from chalicelib.domain.jobs import CallbackTest
from chalicelib.domain.rules.callbacks import read
from chalicelib.flow import provider_query
from chalicelib.flow.callbacks import secrets
from chalicelib.flow.callbacks.collect import envelope
from chalicelib.flow.provider_query import QueryResult
from chalicelib.ports import World


def ask(world: World, channel_key: str, address: str) -> str:
    """Send a test, and return the id under which its result will be."""
    job = CallbackTest(channel_key, address, random.token_hex(16))
    world.queues.send([envelope(job)])
    return job.id


def run(world: World, job: CallbackTest) -> None:
    """Call the address, and store the result. The first one stands, and a repeat calls nothing."""
    if provider_query.result(world, job.id) is None:
        provider_query.keep(world, job.id, _result(world, job))


def _result(world: World, job: CallbackTest) -> QueryResult:
    access = world.settings.access_channel(job.channel_key)
    addresses = read(access.rules).addresses if access else ()
    address = next((one for one in addresses if one.id == job.address), None)
    if address is None:
        return QueryResult("no_such_address", "misconfigured")
    echo = random.token_hex(16)
    proofs = secrets.headers(world, job.channel_key, address, f"test-{job.id}", b"")
    reply = world.receivers.get(address.url, proofs, {"echostr": echo})
    if not reply.status:
        return QueryResult(reply.code, "unavailable")
    if reply.status != 200:
        return QueryResult(f"status_{reply.status}", "rejected")
    return QueryResult() if reply.body == echo.encode() else QueryResult("wrong_echo", "rejected")
