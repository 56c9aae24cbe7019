"""The schemas of requests, queries and responses: one module per module of routes.

Importing pydantic and building models slows a cold start, and a container needs few models.
Therefore routes name their schemas (`"send.TemplateSend"`), and a module is imported when one of
its routes is first requested.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel


def load(name: str) -> type[BaseModel]:
    """Import a schema: `send.TemplateSend` is the class TemplateSend of schemas/send.py."""
    module, _, schema = name.partition(".")
    model: type[BaseModel] = getattr(import_module(f"{__name__}.{module}"), schema)
    return model
