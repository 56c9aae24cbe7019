"""Access tokens of providers.

Workers do not fetch a token at the same time. It is renewed ahead of time, and at once when it is
refused.
"""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Misconfigured, Unavailable
from chalicelib.domain.provider_io import Token
from chalicelib.providers.tokens import AccessTokens, MemoryTokens, expiring_token


class Vendor:
    """Return tokens that live for two hours."""

    def __init__(self) -> None:
        self.time, self.given = 1_700_000_000.0, 0
        self.store = MemoryTokens(lambda: self.time)
        self.slept: list[float] = []

    def worker(self) -> AccessTokens:
        return AccessTokens(self.store, lambda: self.time, self.slept.append)

    def fetch(self) -> Token:
        self.given += 1
        return expiring_token(f"token-{self.given}", 7200, int(self.time * 1000))


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def test_workers_share_one_token(vendor: Vendor) -> None:
    assert [vendor.worker().get("c", vendor.fetch) for _ in range(3)] == ["token-1"] * 3
    assert vendor.given == 1


def test_a_token_is_renewed_ahead_of_time_by_one_while_others_use_the_old_one(
    vendor: Vendor,
) -> None:
    one, other = vendor.worker(), vendor.worker()
    assert one.get("c", vendor.fetch) == other.get("c", vendor.fetch) == "token-1"
    vendor.time += 7000

    def while_one_fetches() -> Token:
        assert other.get("c", vendor.fetch) == "token-1"
        return vendor.fetch()

    assert one.get("c", while_one_fetches) == "token-2"
    assert other.get("c", vendor.fetch) == "token-2"
    assert vendor.given == 2


def test_a_refused_token_is_replaced_once_for_all_who_were_refused(vendor: Vendor) -> None:
    one, other = vendor.worker(), vendor.worker()
    bad = one.get("c", vendor.fetch)
    other.get("c", vendor.fetch)
    assert one.renew("c", bad, vendor.fetch) == "token-2"
    assert other.renew("c", bad, vendor.fetch) == "token-2"
    assert vendor.given == 2


def test_who_finds_another_fetching_and_no_token_comes_back_later(vendor: Vendor) -> None:
    assert vendor.store.lease("c", 15)
    with pytest.raises(Unavailable) as raised:
        vendor.worker().get("c", vendor.fetch)
    assert raised.value.retry_after
    assert sum(vendor.slept) < 3
    vendor.time += 16
    assert vendor.worker().get("c", vendor.fetch) == "token-1"


def test_when_the_provider_gives_no_new_one_the_old_one_is_used_while_it_lives(
    vendor: Vendor,
) -> None:
    def refuse() -> Token:
        raise Misconfigured("40001")

    worker = vendor.worker()
    worker.get("c", vendor.fetch)
    vendor.time += 7000
    assert worker.get("c", refuse) == "token-1"
    vendor.time += 200
    with pytest.raises(Misconfigured):
        worker.get("c", refuse)


class Down(Vendor):
    """Raise instead of returning a token, and keep the times of the requests."""

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__()
        self.asked: list[float] = []
        self.retry_after = retry_after

    def fetch(self) -> Token:
        self.asked.append(self.time)
        raise Unavailable("down", retry_after=self.retry_after)


def test_after_a_failure_the_next_worker_asks_a_second_later_and_not_a_lease() -> None:
    vendor = Down()
    with pytest.raises(Unavailable, match="down"):
        vendor.worker().get("c", vendor.fetch)
    assert not vendor.store.lease("c", 15)
    vendor.time += 1
    assert vendor.worker().get("c", lambda: Vendor.fetch(vendor)) == "token-1"


@pytest.mark.parametrize(("hint", "every"), [(None, 1), (0.2, 1), (4.5, 5), (3600, 15)])
def test_a_provider_that_is_down_is_asked_by_one_at_a_time_and_seldom(
    hint: float | None, every: int
) -> None:
    """Ten workers keep trying for a minute."""
    vendor = Down(hint)
    begun = vendor.time
    while vendor.time < begun + 60:
        for _ in range(10):
            with pytest.raises(Unavailable):
                vendor.worker().get("c", vendor.fetch)
        vendor.time += 0.25
    assert len(vendor.asked) == 60 // every
    assert all(
        later - earlier >= every
        for earlier, later in zip(vendor.asked, vendor.asked[1:], strict=False)
    )


def test_who_waits_for_another_that_fails_asks_itself() -> None:
    """The worker's patience is longer than the pause after a failure."""
    vendor = Vendor()

    def sleep(seconds: float) -> None:
        if not vendor.slept:
            vendor.store.give_back("c", 1)
        vendor.slept.append(seconds)
        vendor.time += seconds

    assert vendor.store.lease("c", 15)
    assert (
        AccessTokens(vendor.store, lambda: vendor.time, sleep).get("c", vendor.fetch) == "token-1"
    )
    assert 1 <= sum(vendor.slept) <= 1.5


def test_what_is_handed_over_is_kept_for_everybody(vendor: Vendor) -> None:
    vendor.worker().keep("ticket", Token("t", int(vendor.time * 1000) + 1000, 0))
    assert vendor.worker().read("ticket") == "t"
    vendor.time += 2
    assert vendor.worker().read("ticket") is None
