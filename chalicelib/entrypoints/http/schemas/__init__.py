"""The shapes of bodies, queries and answers: one module per module of routes.

Importing pydantic and building models costs a cold start much, and a container needs few of them: routes name their shapes
(`"send.TemplateSend"`), and a module is imported when a route of it is first asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


def load(name: str) -> type[BaseModel]:
    """`send.TemplateSend` is the class TemplateSend of shapes/send.py."""
    module, _, shape = name.partition(".")
    found: type[BaseModel] = getattr(import_module(f"{__name__}.{module}"), shape)
    return found
