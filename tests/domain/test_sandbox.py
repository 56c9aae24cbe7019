"""Delivery channels that lead to the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.sandbox import leads_there

URL = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("options", "there"),
    [
        ({"base_url": "http://127.0.0.1:8000/jpush"}, True),
        ({"server": "127.0.0.1", "port": 2525}, True),
        ({"base_url": "http://[::1", "server": "127.0.0.1"}, True),
        ({"base_url": "https://api.example.com"}, False),
        ({"signature": "127.0.0.1.example"}, False),
        ({}, False),
    ],
)
def test_a_channel_leads_to_the_sandbox_by_its_host(options: dict[str, Any], there: bool) -> None:
    assert leads_there(options, URL) is there
    assert not leads_there(options, "")
