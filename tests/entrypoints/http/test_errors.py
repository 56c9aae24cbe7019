"""The table of errors: every domain refusal has a code, a status and texts in two languages."""

from __future__ import annotations

import pytest

from chalicelib.domain import errors, sandbox
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Refusal
from chalicelib.domain.sentences import Sentence
from chalicelib.entrypoints.http import codes
from chalicelib.entrypoints.http.errors import NOT_AUTHORISED, REFUSALS, refused

FILLED = {
    "what": "message",
    "by": ["shop", "bank"],
    "reason": Sentence("must be a text"),
    "number": 7,
    "version": 2,
    "types": [ChannelType.SMS, ChannelType.APP],
    "of": "template",
    "needs": "msg_sms",
    "why": "",
    "platforms": ["android", "ios"],
    "platform": "ios",
    "limit": 1024,
    "hours": 24,
    "seconds": 8,
    "code": "40013",
    "word": "word",
    "state": "cancelled",
    "id": "tpl1",
    "channel": "wx1",
    "url": "https://shop.example/callbacks",
    "first": 3,
    "last": 6,
    "until": "2027-01-15T08:00:00+00:00",
}


def refusals() -> list[type[Refusal]]:
    named = {**vars(errors), **vars(sandbox)}
    classes = [value for value in named.values() if isinstance(value, type)]
    return [kind for kind in classes if issubclass(kind, Refusal) and kind is not Refusal]


def filled(kind: type[Refusal]) -> Refusal:
    if kind in (errors.NotFound, errors.ForgedToken):
        return kind("message")
    if kind is errors.NotAuthorised:
        return errors.NotAuthorised("type", ChannelType.SMS)
    return kind("some.field", **FILLED)


def test_every_refusal_has_its_row_and_no_row_is_left_over() -> None:
    assert set(REFUSALS) == set(refusals())


@pytest.mark.parametrize("kind", refusals(), ids=lambda kind: kind.__name__)
def test_a_refusal_says_why_in_chinese_and_in_english(kind: type[Refusal]) -> None:
    english, chinese = refused(filled(kind)).reason
    assert not {"{", "}"} & set(chinese + english)
    assert english.isascii()
    assert kind is errors.ContentMissing or any("一" <= sign <= "鿿" for sign in chinese)


@pytest.mark.parametrize("kind", refusals(), ids=lambda kind: kind.__name__)
def test_a_refusal_has_a_documented_code_with_its_status(kind: type[Refusal]) -> None:
    answer = refused(filled(kind))
    if answer.code in codes.CODES:
        assert codes.CODES[answer.code][0] == answer.status
    else:
        assert codes.STATUSES[answer.status][0] == answer.code
    if answer.field:
        assert answer.message.startswith(f"{answer.field}: ")
    else:
        assert "no such message" in answer.message or kind is errors.NoMessageId


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_whoever_shall_come_again_is_told_when(kind: type[Refusal]) -> None:
    entry, told = REFUSALS[kind], filled(kind)
    if "{seconds}" not in entry.english:
        told.values.pop("seconds", None)  # which only those know whose text names it
    refusal = refused(told)
    assert (refusal.retry_after > 0) == (refusal.status in (429, 503))


def test_every_channel_type_has_a_code_for_no_channel() -> None:
    assert set(NOT_AUTHORISED) == set(ChannelType)
    assert all(code in codes.CODES for code in NOT_AUTHORISED.values())
