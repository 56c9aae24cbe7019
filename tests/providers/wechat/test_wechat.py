"""Calls of Official Accounts and mini-programs: bodies, outcomes and errors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Misconfigured,
    ProviderError,
    QuotaUsedUp,
    Rejected,
    TemplateGone,
    Throttled,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import Loss, Outcome
from chalicelib.providers.wechat.api import ERRORS, LOST, STALE
from chalicelib.providers.wechat.mini_program import MiniProgram
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.tokened import said, tokens
from tests.providers.wechat.calls import DATA, MINI, OK, TEMPLATE, TOKEN, account, official, sent

NOTICE = {"type": 1, "template_id": "tpl", "data": DATA}


def test_a_template_message_has_its_token_and_is_named_by_its_msgid() -> None:
    content = {
        **TEMPLATE,
        "url": "https://a.example",
        "color": "#173177",
        "miniprogram": {"appid": "wxm", "pagepath": "p"},
    }
    answer, transport = sent(OK, content=content, token="abc")
    assert answer.outcomes == [Outcome(provider_id="200228332")]
    assert transport.paths() == [
        "POST /cgi-bin/stable_token",
        "POST /cgi-bin/message/template/send",
    ]
    assert transport.queries()[1] == {"access_token": ["t1"]}
    assert transport.bodies() == [
        {"grant_type": "client_credential", "appid": "wx1", "secret": "s"},
        {
            "touser": "openid",
            "template_id": "tpl",
            "data": DATA,
            "url": "https://a.example",
            "color": "#173177",
            "miniprogram": {"appid": "wxm", "pagepath": "p"},
            "client_msg_id": "abc",
        },
    ]


def test_numbers_are_sent_as_texts_and_a_jump_to_nowhere_is_not() -> None:
    blank = {"appid": "", "pagepath": ""}
    _, transport = sent(
        OK,
        content={
            **TEMPLATE,
            "data": {"k": {"value": 39.8}, "l": {"value": 0, "color": "#173177"}},
            "miniprogram": blank,
        },
    )
    data = {"k": {"value": "39.8"}, "l": {"value": "0", "color": "#173177"}}
    assert transport.bodies()[1] == {"touser": "openid", "template_id": "tpl", "data": data}


def test_a_subscription_notice_has_no_token_and_no_id_of_its_own() -> None:
    answer, transport = sent(
        said(0), content={**NOTICE, "page": "https://a.example", "appid": "wxm", "pagepath": "p"}
    )
    assert transport.paths()[1] == "POST /cgi-bin/message/subscribe/bizsend"
    assert transport.bodies()[1] == {
        "touser": "openid",
        "template_id": "tpl",
        "data": DATA,
        "page": "https://a.example",
        "miniprogram": {"appid": "wxm", "pagepath": "p"},
    }
    assert answer.outcomes[0].provider_id
    session = official(ScriptedTransport())
    assert session.token_for(NOTICE) is None
    first, second = session.token_for(TEMPLATE), session.token_for({**TEMPLATE, "type": None})
    assert first != second
    assert first is not None
    assert len(first) == 32


def test_a_subscription_message_of_a_mini_program() -> None:
    transport = ScriptedTransport(TOKEN, said(0))
    content = {**MINI, "page": "index?a=b", "miniprogram_state": "trial", "lang": "zh_CN"}
    with MiniProgram(http(transport), tokens()).connect(account()) as session:
        assert session.token_for(content) is None
        answer = session.send(call("openid", content=content))
    assert answer.outcomes == [Outcome()]  # no receipt will name an id
    assert transport.paths()[1] == "POST /cgi-bin/message/subscribe/send"
    assert transport.bodies()[1] == {"touser": "openid", **content}


def test_the_address_is_an_option() -> None:
    _, transport = sent(OK, base_url="https://sh.api.weixin.qq.com/")
    assert {request.url.split("/cgi-bin")[0] for request in transport.requests} == {
        "https://sh.api.weixin.qq.com"
    }


@pytest.mark.parametrize("contact", ["", "a b", "é", "\ud800", "x" * 129, "a\0"])
def test_what_cannot_be_an_openid_is_not_sent_to(contact: str) -> None:
    transport = ScriptedTransport()
    answer = official(transport).send(call(contact, content=TEMPLATE))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, "malformed_id")]
    assert transport.requests == []


@pytest.mark.parametrize("code", sorted(LOST))
def test_every_code_of_a_recipient_is_an_outcome(code: str) -> None:
    for content in (TEMPLATE, NOTICE):
        answer, _ = sent(said(int(code)), content=content)
        assert answer.outcomes == [LOST[code]]
        assert answer.outcomes[0].code == code


def test_only_who_no_longer_follows_is_gone() -> None:
    assert [code for code, outcome in LOST.items() if outcome.undeliverable] == ["43004"]


def test_who_is_being_sent_to_already_is_sent_to_later() -> None:
    """ "Cannot make concurrent calls to the same OpenID, please try again"."""
    answer, _ = sent(said(43108), content=NOTICE)
    assert answer.outcomes == [Outcome(code="43108", later=True)]


def test_what_wechat_keeps_for_its_own_review_may_still_be_sent_by_it() -> None:
    answer, _ = sent(said(40252), token="x")
    assert answer.outcomes == [Outcome(code="40252", uncertain=True)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [(40251, QuotaUsedUp), (43107, Misconfigured), (43116, TemplateGone), (45168, Rejected)],
)
def test_what_an_account_may_not_send_any_more_is_not_a_fault_of_one_message(
    code: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        sent(said(code))
    assert type(error.value) is kind


@pytest.mark.parametrize("code", sorted(set(ERRORS) - STALE))
def test_every_code_of_a_call_is_its_class(code: str) -> None:
    with pytest.raises(ProviderError) as error:
        sent(said(int(code)))
    assert (type(error.value), error.value.code) == (ERRORS[code], code)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(99999), Rejected),
        (reply({"errcode": 45011}, retry_after="3"), Throttled),
        (Response(500, {}, b""), Uncertain),
        (Response(502, {}, b"<html>"), Uncertain),
        (Response(503, {}, b""), Unavailable),
        (Response(200, {}, b""), Uncertain),
        (reply({"errmsg": "ok"}), Uncertain),
        (reply([]), Uncertain),
        (Uncertain("timeout"), Uncertain),
        (Unavailable("connect"), Unavailable),
    ],
)
def test_an_answer_without_success_says_what_to_do(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        sent(answer)
    assert type(error.value) is kind


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_answer_is_an_outcome_or_an_error_of_ours(body: Any) -> None:
    for answer in (reply(body), reply({"errcode": body, "msgid": body})):
        try:
            found, _ = sent(answer)
        except ProviderError:
            continue
        assert len(found.outcomes) == 1
        assert found.outcomes[0].provider_id.isascii()
