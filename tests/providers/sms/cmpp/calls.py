"""Accounts and calls of CMPP for its tests."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.provider_io import OutgoingCall, Recipient

OPTIONS = {"server": "gw.example.com", "access_number": "10690001"}
LOGIN = {"account": "900001", "password": "secret"}


def call(numbers: Sequence[str], text: str = "hello") -> OutgoingCall:
    return OutgoingCall("m1", [Recipient(number, {"content": text}) for number in numbers])


def number(n: int, digits: str = "1111") -> str:
    return f"138{n:04d}{digits}"
