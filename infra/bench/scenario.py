"""A scenario of a benchmark: the counts of the emulator from the first send to the last receipt."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import requests

from infra.bench import quiet
from infra.bench.cost import Result
from infra.demo.client import Shop
from infra.local.files import LOCAL, Stack

STACK = Stack("bench", "bench", worker=False)
QUIET = 150  # seconds after the last receipt until every due check and recount is over
# Seconds after a send until its last row in `due` is due: three leases, two widths of the clock.
LATE_CHECK = 60
# What the contents of a shop ask for.
VALUES = {"name": "Ann", "url": "https://shop.example/orders/1042"}


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Lock out other benchmarks: two of them on one stack would count each other."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "bench.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("bench: another benchmark is running here") from None
        yield


class Scenario:
    """The counts of the emulator from the first send to the last receipt."""

    def __init__(self, description: Mapping[str, Any], shop: Shop) -> None:
        self.description, self.shop = description, shop
        self.log = LOCAL / description["name"] / "functions.log"
        self._written = self.log.stat().st_size
        requests.delete(description["emulator_url"] + "/_openums/counts", timeout=10)
        self.begun = self.accepted = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def all_accepted(self) -> float:
        self.accepted = time.monotonic()
        return self.seconds()

    def result(self, recipients: int, per_second: float) -> Result:
        """Return the result once everything is over, also the rows that await a sweep."""
        quiet.wait(self.description, QUIET)
        time.sleep(max(0.0, LATE_CHECK - (time.monotonic() - self.accepted)))
        quiet.sweep(self.description)
        quiet.wait(self.description, QUIET)
        counts = quiet.counted(self.description)
        logged = self.log.stat().st_size - self._written
        return Result(recipients, per_second, counts, logged)

    def posted(self, provider: str) -> int:
        """Count the receipts that our webhook has taken, without a request that is counted."""
        return self.shop.sandbox.receipts()[provider]["posted"]


def until(is_over: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_over():
        if time.monotonic() > end:
            raise SystemExit(f"bench: not over within {seconds:.0f} s")
        time.sleep(0.2)


def check(shop: Shop, sent: Sequence[str], recipients: int) -> None:
    """Exit unless everybody was delivered to, as the figures suppose."""
    delivered = sum(shop.api.message(msgid)["funnel"]["users"]["delivered"] for msgid in sent)
    if delivered != recipients:
        raise SystemExit(f"bench: {delivered} of {recipients} delivered")
