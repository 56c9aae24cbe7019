"""Contact labels of a delivery channel."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Answer, Name, Strict, Versioned


class LabelBody(Strict):
    name: Name


class DefaultLabel(Strict):
    label: Annotated[str, Field(min_length=1, max_length=32)]


class Label(Answer):
    label: str
    name: str
    default: bool


class Labels(Versioned):
    labels: list[Label]


class NewLabel(Labels):
    """The labels, and the id of the new one. The id stays when the label is renamed."""

    label: str
