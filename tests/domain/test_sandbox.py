"""Addresses that lead to the sandbox."""

from __future__ import annotations

import pytest

from chalicelib.domain.sandbox import leads_there

URL = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("address", "there"),
    [
        ("http://127.0.0.1:8000/jpush", True),
        ("127.0.0.1", True),
        ("http://[::1", False),
        ("https://api.example.com", False),
        ("http://127.0.0.1@api.example.com", False),
        ("127.0.0.1.example", False),
        ("", False),
        (None, False),
        (127, False),
    ],
)
def test_an_address_leads_to_the_sandbox_by_its_host(address: object, there: bool) -> None:
    assert leads_there(address, URL) is there
    assert not leads_there(address, "")
