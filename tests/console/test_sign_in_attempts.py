"""Attempts to sign in: how many may be wrong, and who counts for whom."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.console.pages.sign_in.page import DEVICE
from chalicelib.domain.members import Role
from tests.console.conftest import NAME, Browser, a_member
from tests.fakes.world import FakeWorld


def test_after_five_attempts_even_the_right_password_waits(fake: FakeWorld, world: Any) -> None:
    a_member(world, Role.READ_ONLY)
    browser = Browser(world)
    for _ in range(5):
        browser.post("/sign-in", {"name": NAME, "password": "wrong"})
    assert browser.sign_in().status == 429
    fake.clock.advance(61)
    assert browser.sign_in().status == 200


def test_the_waits_grow(fake: FakeWorld, world: Any) -> None:
    a_member(world, Role.READ_ONLY)
    browser = Browser(world)
    for _ in range(2):
        for _ in range(5):
            browser.post("/sign-in", {"name": NAME, "password": "wrong"})
        fake.clock.advance(61)
    assert browser.sign_in().status == 429
    fake.clock.advance(900)
    assert browser.sign_in().status == 200


def test_attempts_that_were_right_do_not_count(fake: FakeWorld, world: Any) -> None:
    a_member(world, Role.READ_ONLY)
    for _ in range(4):
        Browser(world).post("/sign-in", {"name": NAME, "password": "wrong"})
    office = 4 * 5 + 1  # one more than an address may be wrong within a minute
    assert {Browser(world).sign_in().status for _ in range(office)} == {200}
    Browser(world).post("/sign-in", {"name": NAME, "password": "wrong"})
    assert Browser(world).sign_in().status == 429


def test_nobody_else_locks_out_a_browser_that_signed_in_before(world: Any) -> None:
    a_member(world, Role.READ_ONLY)
    browser, other = Browser(world), Browser(world)
    assert browser.sign_in().status == 200
    for _ in range(6):
        other.post("/sign-in", {"name": NAME, "password": "wrong"})
    assert other.sign_in().status == 429
    assert browser.sign_in().status == 200
    for _ in range(5):
        browser.post("/sign-in", {"name": NAME, "password": "wrong"})
    assert browser.sign_in().status == 429


@pytest.mark.parametrize("name", ["nobody", NAME])
@pytest.mark.parametrize("change", ["é", "0" * 15, ""])
def test_a_device_is_known_by_its_seal_and_for_its_name(world: Any, name: str, change: str) -> None:
    a_member(world, Role.READ_ONLY)
    browser = Browser(world)
    browser.sign_in()
    is_another = bool(change) or name != NAME
    browser.cookies[DEVICE] = change + browser.cookies[DEVICE]
    for _ in range(5):
        Browser(world).post("/sign-in", {"name": name, "password": "wrong"})
    tried = browser.post("/sign-in", {"name": name, "password": "wrong"})
    assert tried.status == (429 if is_another else 401)
