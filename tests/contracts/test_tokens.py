"""Access tokens: one worker fetches, all use, nobody reads them in the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from chalicelib.aws.tables import table
from chalicelib.domain.provider_io import Token
from chalicelib.ports import World
from tests.contracts.conftest import Container, plain

NOW = int(time.time() * 1000)
HOUR = 3600_000


def test_what_is_written_is_read_by_all_until_it_expires(container: Container, unique: str) -> None:
    token = Token("secret-value", NOW + HOUR, NOW + HOUR // 2)
    container().tokens.write(unique, token)
    assert container().tokens.read(unique) == token
    container().tokens.write(unique, Token("old", NOW - 1, NOW - 2))
    assert container().tokens.read(unique) is None


def test_one_worker_at_a_time_may_fetch(container: Container, unique: str) -> None:
    one, other = container().tokens, container().tokens
    assert one.lease(unique, 30)
    assert not other.lease(unique, 30)
    one.write(unique, Token("v", NOW + HOUR, NOW + HOUR))
    assert other.lease(unique, 30), "writing ends the lease"
    assert other.read(unique) == Token("v", NOW + HOUR, NOW + HOUR), "a lease leaves the token"


def test_a_lease_that_is_given_back_ends_soon(container: Container, unique: str) -> None:
    one, other = container().tokens, container().tokens
    one.write(unique, Token("v", NOW + HOUR, NOW + HOUR))
    assert one.lease(unique, 30)
    one.give_back(unique, 60)
    assert not other.lease(unique, 30)
    one.give_back(unique, 0)
    assert other.read(unique) == Token("v", NOW + HOUR, NOW + HOUR)
    assert other.lease(unique, 30)


def test_what_was_written_meanwhile_has_no_lease_to_give_back(
    container: Container, unique: str
) -> None:
    one, other = container().tokens, container().tokens
    assert one.lease(unique, 30)
    other.write(unique, Token("v", NOW + HOUR, NOW + HOUR))
    one.give_back(unique, 60)
    assert one.lease(unique, 30)


def test_a_token_is_sealed_and_expires_with_its_life(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    real.tokens.write(unique, Token("very-secret", NOW + HOUR, NOW))
    stored = aws("dynamodb").get_item(
        TableName=table("lookups"), Key={"pk": {"S": f"token#{unique}"}}
    )["Item"]
    assert "very-secret" not in plain(stored)
    assert int(stored["expires"]["N"]) == (NOW + HOUR) // 1000
