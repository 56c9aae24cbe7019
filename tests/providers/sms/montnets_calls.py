"""Accounts, calls and answers of Montnets for its tests."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.provider_io import Account
from chalicelib.providers.sms.montnets import Montnets
from tests.providers.scripted import ScriptedTransport, http

CREDENTIALS = {"userid": "J10003", "password": "111111"}
URL = "https://api.example.com"
A, B = "13800001234", "13800001235"
NOW = 1785756020.0  # 2026-08-03 19:20:20 in China: the vendor's own example of a timestamp
PWD = "26dad7f364507df18f3841cc9c4ff94d"  # and its digest of it


def session_of(transport: ScriptedTransport, **options: Any):
    return Montnets(http(transport), lambda: NOW).connect(
        Account("sms", CREDENTIALS, {"base_url": URL, **options})
    )
