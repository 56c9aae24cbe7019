"""Vault and credentials: what is sealed opens where it belongs, and only there."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws import vault
from chalicelib.aws.tables import table
from chalicelib.domain.errors import Forged, Invalid
from chalicelib.ports import World
from tests.contracts import faults
from tests.contracts.conftest import Container, real_container
from tests.fakes.clock import FakeClock
from tests.profiles import examples


@examples(30)
@given(
    plain=st.binary(max_size=500),
    context=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)
def test_what_is_sealed_opens_in_its_context(world: World, plain: bytes, context: str) -> None:
    assert world.vault.open(world.vault.seal(plain, context), context) == plain


def test_it_opens_in_another_container(container: Container) -> None:
    assert container().vault.open(container().vault.seal(b"secret", "c"), "c") == b"secret"


@pytest.mark.parametrize(
    "spoil", [lambda s: s[:-1], lambda s: s[:20] + bytes([s[20] ^ 1]) + s[21:], lambda s: s[:5]]
)
def test_it_opens_nowhere_else_and_not_when_it_was_changed(
    world: World, spoil: Callable[[bytes], bytes]
) -> None:
    sealed = world.vault.seal(b"some plain text", "user#ann")
    assert b"plain" not in sealed
    for changed, context in ((sealed, "user#ben"), (spoil(sealed), "user#ann")):
        with pytest.raises(Forged):
            world.vault.open(changed, context)


def test_a_mac_is_the_same_everywhere_and_each_label_has_its_own(container: Container) -> None:
    one, other = container(), container()
    assert one.vault.mac("link", b"data") == other.vault.mac("link", b"data")
    assert (
        len(
            {
                one.vault.mac("link", b"data"),
                one.vault.mac("other", b"data"),
                one.vault.mac("link", b"data2"),
            }
        )
        == 3
    )
    assert len(one.vault.mac("link", b"data")) == 32


def test_the_key_is_made_when_it_is_asked_for_and_only_once(aws: Callable[[str], Any]) -> None:
    at = {"TableName": table("settings"), "Key": {"pk": {"S": "key#contacts"}, "sk": {"S": "1"}}}
    real_container().vault.prepare()
    others = aws("dynamodb").delete_item(**at, ReturnValues="ALL_OLD")["Attributes"]
    try:
        real_container().vault.prepare()
        made = aws("dynamodb").get_item(**at)["Item"]
        real_container().vault.prepare()
        assert aws("dynamodb").get_item(**at)["Item"] == made
        assert made != others
    finally:
        aws("dynamodb").put_item(TableName=at["TableName"], Item=others)


PLAIN = {"app_key": "k", "master_secret": "秘密", "port": 465, "tls": True}


def test_credentials_open_as_credentials(container: Container) -> None:
    assert (
        container().credentials.open_credentials(container().credentials.seal_credentials(PLAIN))
        == PLAIN
    )


def test_webhook_secrets_open_as_webhook_secrets(container: Container) -> None:
    assert container().credentials.open_webhook(
        container().credentials.seal_webhook({"secret": "s"})
    ) == {"secret": "s"}


def test_one_kind_of_secret_does_not_open_as_the_other(world: World) -> None:
    with pytest.raises((Forged, ClientError)):
        world.credentials.open_webhook(world.credentials.seal_credentials(PLAIN))
    with pytest.raises((Forged, ClientError)):
        world.credentials.open_credentials(world.credentials.seal_webhook({"secret": "s"}))


def test_credentials_that_are_too_large_are_refused(world: World) -> None:
    with pytest.raises(Invalid):
        world.credentials.seal_credentials({"key": "x" * 4097})


def test_after_a_rotation_old_values_open_and_new_ones_have_the_new_key(
    container: Container,
) -> None:
    running, old = container(), container().vault.seal(b"old", "c")
    mac = running.vault.mac("link", b"data")
    version = container().vault.rotate()
    assert version == old[0] + 1
    fresh = container()
    new = fresh.vault.seal(b"new", "c")
    assert new[0] == version
    for world in (running, fresh, container()):  # `running` began before the new key was made
        assert (world.vault.open(old, "c"), world.vault.open(new, "c")) == (b"old", b"new")
        assert world.vault.mac("link", b"data") == mac
    for forged in (bytes([version + 1]) + new[1:], bytes([0]) + new[1:], b""):
        with pytest.raises(Forged):
            fresh.vault.open(forged, "c")


# -- what only AWS does


def test_a_rotation_that_broke_off_is_ended_by_the_next(
    real: World, aws: Callable[[str], Any]
) -> None:
    broken, writes = real_container().vault, aws("dynamodb")
    last = broken.seal(b"", "c")[0]
    with faults.counted(aws("kms")) as calls:
        assert broken.rotate() == last + 1
    assert calls == ["GenerateDataKey"]
    key = {"pk": {"S": "key#contacts"}, "sk": {"S": "1"}}
    at = {"TableName": table("settings"), "Key": key}
    set_to = {"ExpressionAttributeValues": {":last": {"N": str(last)}}}
    writes.update_item(**at, UpdateExpression="SET newest = :last", **set_to)  # as if it died
    assert real_container().vault.rotate() == last + 1
    assert real_container().vault.open(broken.seal(b"x", "c"), "c") == b"x"


@pytest.mark.usefixtures("real")
def test_a_running_container_seals_with_a_new_key_after_a_while() -> None:
    clock = FakeClock()
    running = vault.Vault(clock.monotonic)
    old = running.seal(b"", "c")[0]
    version = real_container().vault.rotate()
    assert running.seal(b"", "c")[0] == old
    clock.advance(vault.CACHE_SECONDS)
    assert running.seal(b"", "c")[0] == version


@pytest.mark.usefixtures("real")
def test_what_a_known_key_sealed_opens_without_a_look_for_a_newer_one(
    aws: Callable[[str], Any],
) -> None:
    clock = FakeClock()
    running = vault.Vault(clock.monotonic)
    sealed, asked = running.seal(b"x", "c"), list[str]()
    clock.advance(vault.CACHE_SECONDS)
    note = lambda model, **_: asked.append(model.name)  # noqa: E731
    events = aws("dynamodb").meta.events
    events.register("before-call.dynamodb", note)
    try:
        assert running.open(sealed, "c") == b"x"
        assert not asked
        running.seal(b"y", "c")
        assert asked == ["GetItem"]
    finally:
        events.unregister("before-call.dynamodb", note)


def test_the_same_text_sealed_twice_looks_different(real: World) -> None:
    assert len({real.vault.seal(b"same", "c") for _ in range(100)}) == 100


def test_the_data_key_is_opened_once_per_container(real: World, aws: Callable[[str], Any]) -> None:
    newest = real.vault.seal(b"", "c")[0]
    other = real_container()
    with faults.counted(aws("kms")) as calls:
        for n in range(5):
            other.vault.open(other.vault.seal(b"x", f"c{n}"), f"c{n}")
            other.vault.mac("link", b"x")
    assert calls == ["Decrypt"] * len({1, newest})


def test_credentials_are_opened_once_per_container_for_a_while(
    real: World, aws: Callable[[str], Any]
) -> None:
    sealed = real.credentials.seal_credentials(PLAIN)
    with faults.counted(aws("kms")) as calls:
        for _ in range(5):
            real.credentials.open_credentials(sealed)
    assert calls == ["Decrypt"]


def test_all_who_need_the_first_key_at_once_get_the_same(
    real: World, aws: Callable[[str], Any]
) -> None:
    """Nobody may seal under a key that is not stored."""
    kept = _take_the_key_away(aws)
    worlds = [real_container() for _ in range(6)]
    sealed: list[bytes] = []
    threads = [Thread(target=lambda w=w: sealed.append(w.vault.seal(b"x", "c"))) for w in worlds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    late = real_container()
    assert [late.vault.open(each, "c") for each in sealed] == [b"x"] * 6
    for item in kept:  # other tests have stored things under it
        aws("dynamodb").put_item(TableName=table("settings"), Item=item)


def _take_the_key_away(aws: Callable[[str], Any]) -> list[Any]:
    found = aws("dynamodb").query(
        TableName=table("settings"),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "key#contacts"}},
    )
    for item in found["Items"]:
        aws("dynamodb").delete_item(
            TableName=table("settings"), Key={"pk": item["pk"], "sk": item["sk"]}
        )
    return list(found["Items"])


def test_sealing_a_whole_page_takes_no_request(real: World, aws: Callable[[str], Any]) -> None:
    real.vault.seal(b"", "c")
    with faults.counted(aws("kms")) as keys, faults.counted(aws("dynamodb")) as rows:
        for n in range(1000):
            real.vault.open(real.vault.seal(b"x" * 100, f"user#{n}"), f"user#{n}")
    assert (keys, rows) == ([], [])
