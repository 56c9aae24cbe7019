"""The fields of every value can be worked out, which a class leaves to its first use."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import chalicelib
from chalicelib.domain import values


def kinds() -> Iterator[type[Any]]:
    """Yield the classes that `frozen` has made, of all modules."""
    for found in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        module = importlib.import_module(found.name)
        for kind in vars(module).values():
            is_own = isinstance(kind, type) and kind.__module__ == found.name
            if is_own and vars(kind).get("__setattr__") is values._setattr:
                yield kind


def test_the_fields_of_every_value_can_be_worked_out() -> None:
    every = {kind: fields(kind) for kind in kinds()}
    assert len(every) > 100
    assert all(field.init for of_kind in every.values() for field in of_kind)
    assert not [kind for kind in every if hasattr(kind, "__post_init__")]
    assert all(values._compiled(kind) for kind in every)
