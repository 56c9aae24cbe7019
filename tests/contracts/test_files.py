"""The bucket of files, and counters of requests: on fakes and on the emulator."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from chalicelib.domain.errors import Misconfigured
from chalicelib.flow.ports import World
from tests.contracts import emulator


def test_what_was_put_is_there_and_what_was_not_is_not(world: World, unique: str) -> None:
    world.files.put(f"materials/email/{unique}", b"\x00\xffbody")
    assert world.files.get(f"materials/email/{unique}") == b"\x00\xffbody"
    with pytest.raises(LookupError):
        world.files.get(f"materials/email/{unique}-other")


def test_a_form_uploads_what_is_read_afterwards(real: World, unique: str) -> None:
    url, fields = real.files.form(f"materials/email/{unique}", 100, 3600)
    answer = requests.post(url, data=fields, files={"file": ("a.pdf", b"body")}, timeout=10)
    assert answer.status_code in (200, 201, 204), answer.text
    assert real.files.get(f"materials/email/{unique}") == b"body"
    assert fields["key"] == f"materials/email/{unique}"
    assert "policy" in fields


def test_files_of_others_go_through_the_egress_policy(real: World) -> None:
    with pytest.raises(Misconfigured):
        real.files.fetch("http://169.254.169.254/latest/meta-data/", 100)


def test_a_seconds_requests_are_granted_up_to_the_limit(container: Callable[[], World], unique: str) -> None:
    second = int(time.time())
    one, other = container(), container()
    assert one.rates.take(unique, second, 6, 10) == (6, 4)
    assert other.rates.take(unique, second, 6, 10) == (4, 0)
    assert one.rates.take(unique, second, 1, 10) == (0, 0)
    assert one.rates.take(unique, second + 1, 10, 10) == (10, 0)
    assert one.rates.take(f"{unique}-other", second, 11, 10) == (10, 0)


def test_a_counter_goes_within_the_day(real: World, aws: Callable[[str], Any], unique: str) -> None:
    second = int(time.time())
    real.rates.take(unique, second, 1, 10)
    key = {"pk": {"S": f"rate#{unique}#{second}"}}
    row = aws("dynamodb").get_item(TableName=f"openums-{emulator.STAGE}-lookups", Key=key)["Item"]
    assert second < int(row["expires"]["N"]) <= second + 86400
