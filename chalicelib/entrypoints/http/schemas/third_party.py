"""Third-party templates and signatures of a delivery channel."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain.third_party import Category, Review, State
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    ListQuery,
    Page,
    Strict,
    Versioned,
    matching,
)

Id = Annotated[
    str,
    matching(
        r"[A-Za-z0-9_-]{1,128}",
        "1 to 128 letters, digits, _ or -",
        "1 到 128 个字母、数字、_ 或 -",
        128,
    ),
]
Remark = Annotated[str, Field(max_length=500)]


class ThirdPartyQuery(ListQuery):
    text: Annotated[str, Field(max_length=60)] = ""


class TextBody(Strict):
    """A text of an SMS, which the provider reviews."""

    text: Annotated[str, Field(min_length=1, max_length=1000)]
    category: Annotated[Category, Field(strict=False)]
    seconds: Annotated[int, Field(ge=0, le=86400)] = 0
    remark: Remark = ""


class SignatureBody(Strict):
    """A signature, which the provider reviews. `type` is the provider's number of its origin."""

    text: Annotated[str, Field(min_length=1, max_length=30)]
    type: Annotated[int, Field(ge=0, le=99)] = 0
    remark: Remark = ""
    images: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=4_000_000)]], Field(max_length=4)
    ] = []


class TemplateImport(Strict):
    """The id of a template, with what its page shows if the provider cannot be asked."""

    id: Id
    title: Annotated[str, Field(max_length=100)] = ""
    text: Annotated[str, Field(max_length=2000)] = ""


class SignatureImport(Strict):
    id: Id


class FieldShown(Answer):
    """A value that the template takes. `limit` and `rule` say which texts it may be."""

    name: str
    label: str
    kind: str
    limit: int | None
    rule: str
    allowed: list[str]


class ThirdParty(Versioned):
    """A template or signature as its provider had it last."""

    id: str
    code: str
    kind: Literal["message", "notice", "text", "signature"]
    title: str
    text: str
    fields: list[FieldShown]
    category: str
    example: str
    remark: str
    seconds: int
    state: State
    review: Review
    reason: str
    entered: bool


class ThirdPartyTemplates(Page):
    templates: list[ThirdParty]
    actions: list[str]


class Signatures(Page):
    signatures: list[ThirdParty]
    actions: list[str]
