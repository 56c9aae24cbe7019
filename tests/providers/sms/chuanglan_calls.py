"""Constants of Chuanglan's tests."""

from __future__ import annotations

CREDENTIALS = {"account": "N1", "password": "secret"}
A, B = "13800001234", "13800001235"
