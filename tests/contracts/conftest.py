"""Suites that run twice: against the fakes, and against the adapters over an emulator.

Tests of the flow may rely on what both pass.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from chalicelib import config, wiring
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.ports import Lookup, Recording, World
from tests import builders
from tests.contracts import emulator
from tests.fakes.world import FakeWorld


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a stage that exists in an emulator of this session's own."""
    with emulator.running(tmp_path_factory.mktemp("emulator")) as address:
        variables = emulator.environment(address)
        with emulator.in_environment(variables):
            from chalicelib.aws.clients import client

            variables["KMS_KEY"] = emulator.create(client)
        yield variables


@pytest.fixture
def aws(emulated: dict[str, str]) -> Iterator[Callable[[str], Any]]:
    """The clients of the adapters: to look at what is really stored, and to disturb."""
    with emulator.in_environment(emulated):
        from chalicelib.aws.clients import client

        yield client


@pytest.fixture
def own_tables(
    aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Empty tables of a stage that other tests do not fill."""
    stage = request.node.path.stem.replace("_", "")
    monkeypatch.setenv("STAGE", stage)
    config.settings.cache_clear()
    emulator.create_tables(aws, stage)
    yield
    for name in config.TABLES:
        aws("dynamodb").delete_table(TableName=config.table_name(stage, name))
    config.settings.cache_clear()


Container = Callable[[], World]


@pytest.fixture(params=["fake", "aws"])
def container(request: pytest.FixtureRequest) -> Container:
    """Start containers of one stage: they share what is stored, but not their caches."""
    if request.param == "fake":
        fake = FakeWorld()
        fake.clock.time = time.time_ns() // 1_000_000
        return lambda: fake.ports
    request.getfixturevalue("aws")
    return real_container


def real_container() -> World:
    wiring.use(None)
    return wiring.world()


@pytest.fixture
def world(container: Container) -> World:
    return container()


@pytest.fixture
def real(aws: Callable[[str], Any]) -> World:
    """For what only AWS does."""
    return real_container()


@pytest.fixture
def planned(world: World) -> tuple[World, ChunkId, Message]:
    """A chunk of three that has its plan."""
    message = a_message(*"abc")
    plan = builders.a_plan(message)
    world.ledger.put_plan(plan, message)
    return world, plan.id, message


@pytest.fixture
def unique() -> str:
    """Tests share one emulator: whatever they name, they name it with this."""
    return f"x{secrets.token_hex(5)}"  # never a number


def a_message(*userids: str, **changes: Any) -> Message:
    """Accepted now, since TTL means the real time. The id is unique."""
    now = time.time_ns() // 1_000_000
    return builders.a_message(
        *userids, **{"number": secrets.randbits(32), "accepted": now, **changes}
    )


def put_lookups(world: World, channel: str, lookups: Mapping[str, Lookup], expires: int) -> None:
    message = a_message(expires=expires)
    at = ChunkId(message.msgid, 0)
    world.recordings.put([Recording(message, at, channel=channel, lookups=lookups)])


def read(world: World, at: ChunkId) -> Chunk:
    """A chunk that is there."""
    chunk = world.ledger.chunk(at)
    assert chunk is not None
    return chunk


def plain(stored: dict[str, Any]) -> str:
    """Everything in a raw item, to search in."""
    return repr(stored)


@pytest.fixture
def number(unique: str) -> int:
    """Of a segment or list that no other test has."""
    return int(unique[1:], 16)


def a_receipt(
    provider_id: str, kind: ReceiptKind = ReceiptKind.DELIVERED, **changes: Any
) -> Receipt:
    return Receipt(
        provider_id,
        kind,
        **{"time": 1_700_000_000_000, "contact": "+86-13900001111", "code": "成功", **changes},
    )


def raw_lookup(aws: Callable[[str], Any], *key: str) -> dict[str, Any]:
    """Read an item of `lookups` as it is stored."""
    found: dict[str, Any] = aws("dynamodb").get_item(
        TableName=table("lookups"), Key={"pk": {"S": keys.join(*key)}}
    )["Item"]
    return found
