"""A provider's library of templates."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.entrypoints.http.schemas.base import Answer, ListQuery, Page, Strict


class KeywordChoice(Strict):
    """The keywords of a new template, by number and in order, and what the template is for."""

    keywords: Annotated[
        list[Annotated[int, Field(ge=1, le=1_000_000)]], Field(min_length=1, max_length=5)
    ]
    scene: Annotated[str, Field(max_length=15)] = ""


class LibraryQuery(ListQuery):
    text: Annotated[str, Field(max_length=60)] = ""


class TitleShown(Answer):
    """A template of the provider's library."""

    id: str
    title: str
    long_term: bool
    category: str


class Titles(Page):
    titles: list[TitleShown]
    synced: int | None


class KeywordShown(Answer):
    """A keyword, which becomes a field of the template that chooses it."""

    number: int
    name: str
    example: str
    kind: str


class LibraryTemplate(TitleShown):
    keywords: list[KeywordShown] | None
