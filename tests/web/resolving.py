"""Resolvers for the tests of the egress policy."""

from __future__ import annotations


def resolver(*addresses: str):
    return lambda host, port: list(addresses)
