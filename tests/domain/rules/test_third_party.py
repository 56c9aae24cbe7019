"""Contents against the third-party templates that they name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.rules.third_party import check, shown
from chalicelib.domain.third_party import (
    MAX_KEYWORDS,
    Family,
    Field,
    Keyword,
    Library,
    Registered,
    Sort,
    State,
    Use,
    ValueKind,
)
from tests.builders import a_channel

KINDS = {"number": ValueKind(5, "a number", str.isdigit)}
NOTICE = Registered(
    "wx1",
    "n1",
    Sort.NOTICE,
    "Order sent",
    "Order:{{number1.DATA}}\nState:{{enum2.DATA}}",
    (Field("number1", "Order", "number"), Field("enum2", "State", "enum", ("sent", "lost"))),
)
USE = Use(Family.TEMPLATE, "n1", "template_id", {}, "data", ".value")


def using(**values: str) -> Use:
    return replace(USE, values={"number1": "7", "enum2": "sent", **values})


def refused(use: Use, registered: Registered = NOTICE) -> tuple[str, str]:
    with pytest.raises(Invalid) as error:
        check(use, registered, KINDS)
    return error.value.field, error.value.reason


def test_a_content_with_every_field_is_taken() -> None:
    check(using(), NOTICE, KINDS)
    check(using(number1="{{order}}", enum2="{{user.state}}"), NOTICE, KINDS)


@pytest.mark.parametrize("value", ["", None])
def test_a_field_without_a_value_is_refused_with_its_name(value: str | None) -> None:
    use = using() if value is None else using(number1=value)
    if value is None:
        use = replace(use, values={"enum2": "sent"})
    field, reason = refused(use)
    assert field == "data.number1.value"
    assert "is required" in reason


def test_a_field_that_the_template_lacks_is_refused_with_those_it_has() -> None:
    field, reason = refused(using(thing9="x"))
    assert field == "data.thing9.value"
    assert "number1, enum2" in reason


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"number1": "abc"}, "data.number1.value", "a number"),
        ({"number1": "123456"}, "data.number1.value", "at most 5"),
        ({"enum2": "late"}, "data.enum2.value", "sent, lost"),
    ],
)
def test_a_value_of_a_wrong_kind_is_refused_with_its_field(
    values: dict[str, str], field: str, words: str
) -> None:
    told, reason = refused(using(**values))
    assert told == field
    assert words in reason


def test_a_notice_is_not_a_template_message() -> None:
    assert refused(replace(using(), sort=Sort.MESSAGE))[0] == "template_id"


def test_a_template_message_may_leave_its_frame_empty() -> None:
    fields = (Field("first"), Field("keyword1"), Field("remark"))
    message = replace(NOTICE, sort=Sort.MESSAGE, fields=fields)
    check(replace(USE, values={"first": "", "keyword1": "x"}), message, KINDS)
    assert refused(replace(USE, values={"first": "x"}), message)[0] == "data.keyword1.value"


def test_a_signature_has_no_fields() -> None:
    signature = Registered("sms1", "1", Sort.SIGNATURE, "Shop")
    check(Use(Family.SIGNATURE, "1", "sign_id"), signature, {})


def test_people_see_a_signature_before_the_text_with_its_values() -> None:
    text = Registered("sms1", "1", Sort.TEXT, "t", "Code {{code}}", (Field("code"),))
    signature = Registered("sms1", "2", Sort.SIGNATURE, "Shop")
    uses = [
        Use(Family.TEMPLATE, "1", "temp_id", {"code": "123"}, "temp_para"),
        Use(Family.SIGNATURE, "2", "sign_id"),
    ]
    assert shown([text, signature], uses) == "【Shop】Code 123"
    assert shown([NOTICE], [using(number1="8")]) == "Order:8\nState:sent"
    assert shown([], uses) == ""


def test_the_state_is_unknown_unless_the_account_of_now_was_asked() -> None:
    channel = a_channel("wx1", ChannelType.WECHATOA)
    seen = replace(NOTICE, account=channel.credentials_fingerprint)
    gone = replace(seen, is_invalid=True)
    assert (seen.state(channel), gone.state(channel)) == (State.NORMAL, State.INVALID)
    for unknown in (
        NOTICE.state(channel),
        seen.state(None),
        gone.state(None),
        seen.state(channel, is_authorised=False),
        gone.state(replace(channel, sealed_credentials=b"others")),
    ):
        assert unknown is State.UNKNOWN


def test_the_keywords_of_the_oldest_titles_make_room() -> None:
    library = Library("wx1")
    for n in range(MAX_KEYWORDS + 5):
        library = library.with_keywords(str(n), [Keyword(1, "x")])
    library = library.with_keywords("7", [Keyword(2, "y")])
    assert len(library.keywords) == MAX_KEYWORDS
    assert library.keywords["7"] == (Keyword(2, "y"),)
    assert library.version == MAX_KEYWORDS + 7
