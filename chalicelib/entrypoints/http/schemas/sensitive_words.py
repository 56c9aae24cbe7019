"""Sensitive words of an access channel."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from chalicelib.domain.errors import Invalid
from chalicelib.domain.rules.sensitive_words import MAX_LENGTH, check_word
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    ListQuery,
    Page,
    Strict,
    Versioned,
    refusal,
)
from chalicelib.entrypoints.http.schemas.imports import Upload

MAX_CHANGES = 1000  # words that one request adds, and removes


def _readable(word: str) -> str:
    try:
        return check_word(word)
    except Invalid:
        raise refusal(
            PARAMETER,
            f"1 to {MAX_LENGTH} characters, among them a letter or a digit",
            f"须为 1 到 {MAX_LENGTH} 个字符，且含有字母、汉字或数字",
        ) from None


Word = Annotated[str, Field(max_length=MAX_LENGTH), AfterValidator(_readable)]


class WordsSwitch(Strict):
    on: bool


class WordState(Strict):
    word: Word
    enabled: bool = True


class WordsChange(Strict):
    add: Annotated[list[WordState], Field(max_length=MAX_CHANGES)] = []
    remove: Annotated[list[Word], Field(max_length=MAX_CHANGES)] = []

    @model_validator(mode="after")
    def _something(self) -> WordsChange:
        if not self.add and not self.remove:
            raise refusal(PARAMETER, "add or remove: at least one word", "add 或 remove 缺失")
        return self


class WordsImport(Strict):
    """An uploaded workbook with the columns `word` and `enabled`."""

    upload: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    replace: bool = False


class WordsQuery(ListQuery):
    text: Annotated[str, Field(max_length=MAX_LENGTH)] = ""


class Words(Versioned):
    channel_key: str
    on: bool
    count: int


class WordShown(Answer):
    word: str
    enabled: bool


class WordsPage(Page):
    words: list[WordShown]


class WordsUpload(Answer):
    id: str
    upload: Upload


class WordsExport(Answer):
    url: str
