from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    QuotaUsedUp,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
    Unverified,
)
from chalicelib.domain.provider_io import Account, Loss, Outcome, Token, WebhookRequest, token_name
from chalicelib.providers.tokens import AccessTokens, MemoryTokens
from chalicelib.providers.wechat import component
from chalicelib.providers.wechat.api import ERRORS, LOST, STALE
from chalicelib.providers.wechat.mini_program import MiniProgram
from chalicelib.providers.wechat.official_account import OfficialAccount
from chalicelib.providers.wechat.session import WeChatSession
from chalicelib.web.messages import Request, Response
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.tokened import Clock, said, tokens

OWN = {"app_id": "wx1", "app_secret": "s"}
KEYS = {"callback_token": "tok", "encoding_aes_key": "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"}
AUTHORISED = {"app_id": "wx1", "component_app_id": "wxc", "component_app_secret": "cs", **KEYS}
DATA = {"thing1": {"value": "tea"}}
TEMPLATE = {"type": 0, "template_id": "tpl", "data": DATA}
NOTICE = {"type": 1, "template_id": "tpl", "data": DATA}
MINI = {"template_id": "tpl", "data": DATA}
TOKEN = reply({"access_token": "t1", "expires_in": 7200})
OK = said(0, msgid=200228332)


def account(raw: Any = None, **options: Any) -> Account:
    return Account("oa", raw or OWN, options)


def official(
    transport: ScriptedTransport, kept: AccessTokens | None = None, raw: Any = None, **options: Any
) -> WeChatSession:
    provider = OfficialAccount(http(transport), kept or tokens(), component=raw is AUTHORISED)
    with provider.connect(account(raw, **options)) as session:
        return session  # type: ignore[return-value]


def sent(
    *answers: Response | Exception,
    content: Any = TEMPLATE,
    contact: str = "openid",
    token: str | None = None,
    **options: Any,
):
    transport = ScriptedTransport(TOKEN, *answers)
    return official(transport, **options).send(
        call(contact, content=content, token=token)
    ), transport


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
    assert answer.outcomes == [Outcome()]  # nothing will be reported under any id
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
    [(40251, QuotaUsedUp), (43107, Misconfigured), (43116, Rejected), (45168, Rejected)],
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


# Access tokens


@pytest.mark.parametrize("code", sorted(STALE))
def test_a_token_that_is_no_longer_known_is_renewed_at_once_and_the_call_repeated_once(
    code: str,
) -> None:
    fresh = reply({"access_token": "t2", "expires_in": 7200})
    answer, transport = sent(said(int(code)), fresh, OK, token="abc")
    assert answer.outcomes[0].provider_id == "200228332"
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["t1"],
        None,
        ["t2"],
    ]
    assert transport.bodies()[1] == transport.bodies()[3]
    with pytest.raises(Misconfigured) as error:
        sent(said(int(code)), fresh, said(int(code)))
    assert error.value.code == code


def test_one_token_serves_all_calls_until_shortly_before_it_ends() -> None:
    clock = Clock()
    kept = tokens(clock)
    transport = ScriptedTransport(
        TOKEN, OK, OK, reply({"access_token": "t2", "expires_in": 7200}), OK
    )
    session = official(transport, kept)
    session.send(call("a", content=TEMPLATE))
    assert official(transport, kept).send(call("b", content=TEMPLATE)).outcomes[0].provider_id
    clock.now += 7000
    session.send(call("c", content=TEMPLATE))
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["t1"],
        ["t1"],
        None,
        ["t2"],
    ]


def test_many_workers_without_a_token_fetch_one() -> None:
    """On a real clock: each worker has its own memory, the store is shared."""
    store, fetched = MemoryTokens(), []

    class Transport:
        def send(self, request: Request, timeout: float) -> Response:
            if request.url.endswith("stable_token"):
                fetched.append(request)
                return TOKEN
            return OK

    def work() -> None:
        session = official(Transport(), AccessTokens(store))  # type: ignore[arg-type]
        done.append(session.send(call("a", content=TEMPLATE)).outcomes[0].provider_id)

    done: list[str] = []
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == ["200228332"] * 8
    assert len(fetched) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(40125), Misconfigured),
        (said(40013), Misconfigured),
        (said(40164), Misconfigured),
        (said(-1), Unavailable),
        (said(45009), QuotaUsedUp),
        (said(99999), Misconfigured),
        (reply({"expires_in": 7200}), Unavailable),
        (reply({"access_token": "a b"}), Unavailable),
        (Uncertain("timeout"), Unavailable),
        (Response(500, {}, b""), Unavailable),
    ],
)
def test_without_a_token_nothing_was_taken(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    session = official(ScriptedTransport(answer))
    with pytest.raises(kind) as error:
        session.send(call("a", content=TEMPLATE))
    assert type(error.value) is kind


def test_an_own_token_can_be_had_and_checked_one_of_a_platform_is_not_given_on() -> None:
    session = official(ScriptedTransport(TOKEN, TOKEN))
    token = session.access_token()
    assert token is not None
    assert token.value == "t1"
    session.check()
    with pytest.raises(Misconfigured):
        official(ScriptedTransport(said(40125))).check()
    assert official(ScriptedTransport(), raw=AUTHORISED).access_token() is None
    with pytest.raises(Rejected, match="no_authorisation"):
        session.authorisation_link("https://a.example")


def test_other_credentials_never_use_the_token_that_earlier_ones_brought() -> None:
    kept, transport = (
        tokens(),
        ScriptedTransport(TOKEN, OK, reply({"access_token": "t2", "expires_in": 7200}), OK, OK),
    )
    for credentials_fingerprint in ("first", "second", "first"):
        with OfficialAccount(http(transport), kept).connect(
            Account("oa", OWN, {}, credentials_fingerprint)
        ) as session:
            session.send(call("a", content=TEMPLATE))
    sends = [
        query
        for path, query in zip(transport.paths(), transport.queries(), strict=True)
        if path.endswith("send")
    ]
    assert sends == [{"access_token": [value]} for value in ("t1", "t2", "t1")]


# Through a third-party platform


GRANTED = reply({"component_access_token": "ct", "expires_in": 7200})
INFO = {
    "authorizer_appid": "wx1",
    "authorizer_access_token": "at1",
    "expires_in": 7200,
    "authorizer_refresh_token": "r1",
    "func_info": [],
}
EXCHANGED = reply({"authorization_info": INFO})
KNOWN = reply(
    {
        "authorizer_info": {},
        "authorization_info": {"authorizer_appid": "wx1", "authorizer_refresh_token": "r7"},
    }
)
REFRESHED = reply(
    {"authorizer_access_token": "at2", "expires_in": 7200, "authorizer_refresh_token": "r2"}
)


def keep(kept: AccessTokens, name: str, value: str, seconds: int = 3600) -> None:
    kept.keep(name, Token(value, kept.now + seconds * 1000, kept.now + seconds * 1000))


def told(clock: Clock | None = None, code: str = "code-1") -> AccessTokens:
    kept = tokens(clock)
    keep(kept, component.ticket_name("wxc"), "ticket@@@1", 43200)
    if code:
        keep(kept, component.code_name("wxc", "wx1"), code)
    return kept


def test_a_new_authorisation_is_exchanged_when_somebody_sends() -> None:
    transport, kept = ScriptedTransport(GRANTED, EXCHANGED, OK, OK), told()
    session = official(transport, kept, AUTHORISED)
    session.send(call("a", content=TEMPLATE))
    session.send(call("b", content=TEMPLATE))
    assert [urlsplit(request.url).path.rpartition("/")[2] for request in transport.requests] == [
        "api_component_token",
        "api_query_auth",
        "send",
        "send",
    ]
    assert transport.bodies()[0] == {
        "component_appid": "wxc",
        "component_appsecret": "cs",
        "component_verify_ticket": "ticket@@@1",
    }
    assert transport.bodies()[1] == {"component_appid": "wxc", "authorization_code": "code-1"}
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["ct"],
        ["at1"],
        ["at1"],
    ]


def test_a_code_is_exchanged_once_and_then_the_token_is_refreshed() -> None:
    clock = Clock()
    kept = told(clock)
    transport = ScriptedTransport(
        GRANTED, EXCHANGED, OK, GRANTED, REFRESHED, OK, GRANTED, REFRESHED, OK
    )
    session = official(transport, kept, AUTHORISED)
    for _ in range(3):
        session.send(call("a", content=TEMPLATE))
        keep(kept, component.code_name("wxc", "wx1"), "code-1")  # announced again
        clock.now += 7100
    refreshes = [body for body in transport.bodies() if "authorizer_refresh_token" in body]
    assert [body["authorizer_refresh_token"] for body in refreshes] == ["r1", "r2"]
    assert refreshes[0] == {
        "component_appid": "wxc",
        "authorizer_appid": "wx1",
        "authorizer_refresh_token": "r1",
    }


def test_a_newer_authorisation_goes_before_the_refresh_token_and_a_spent_code_does_not() -> None:
    clock = Clock()
    kept = told(clock)
    newer = reply(
        {
            "authorization_info": {
                **INFO,
                "authorizer_access_token": "at3",
                "authorizer_refresh_token": "r3",
            }
        }
    )
    transport = ScriptedTransport(
        GRANTED, EXCHANGED, OK, said(61003), newer, OK, GRANTED, said(61010), REFRESHED, OK
    )
    session = official(transport, kept, AUTHORISED)
    session.send(call("a", content=TEMPLATE))
    keep(kept, component.code_name("wxc", "wx1"), "code-2")
    session.send(
        call("a", content=TEMPLATE)
    )  # the old token is refused, as after an authorisation that was taken back
    keep(kept, component.code_name("wxc", "wx1"), "code-3", 36000)
    clock.now += 7100
    session.send(call("a", content=TEMPLATE))
    assert [
        body["authorization_code"] for body in transport.bodies() if "authorization_code" in body
    ] == ["code-1", "code-2", "code-3"]
    assert transport.bodies()[-2]["authorizer_refresh_token"] == "r3"
    assert transport.queries()[-1] == {"access_token": ["at2"]}


@pytest.mark.parametrize("code", ["", "code-1"])
def test_where_no_refresh_token_was_kept_wechat_is_asked_for_it(code: str) -> None:
    """The code was too old when somebody first sent, or who exchanged it died before the refresh token was stored."""
    kept = told(code=code)
    spent = [said(61010)] if code else []
    transport = ScriptedTransport(GRANTED, *spent, KNOWN, REFRESHED, OK)
    official(transport, kept, AUTHORISED).send(call("a", content=TEMPLATE))
    asked = transport.bodies()[-3:]
    assert asked[0] == {"component_appid": "wxc", "authorizer_appid": "wx1"}
    assert asked[1] == {
        "component_appid": "wxc",
        "authorizer_appid": "wx1",
        "authorizer_refresh_token": "r7",
    }
    assert transport.queries()[-1] == {"access_token": ["at2"]}
    assert "r2" in str(kept.read(component.refresh_name("wxc", "wx1")))


def test_a_refresh_token_that_is_no_longer_good_is_asked_for_anew() -> None:
    clock = Clock()
    transport = ScriptedTransport(
        GRANTED, EXCHANGED, OK, GRANTED, said(61023), KNOWN, REFRESHED, OK
    )
    session = official(transport, told(clock), AUTHORISED)
    session.send(call("a", content=TEMPLATE))
    clock.now += 7100
    session.send(call("a", content=TEMPLATE))
    assert [
        body["authorizer_refresh_token"]
        for body in transport.bodies()
        if "authorizer_refresh_token" in body
    ] == ["r1", "r7"]


def test_the_platforms_token_is_shared_by_its_channels_and_renewed_when_it_is_not_known() -> None:
    kept = told()
    keep(kept, component.code_name("wxc", "wx2"), "code-2")
    other = {**AUTHORISED, "app_id": "wx2"}
    second = reply(
        {
            "authorization_info": {
                **INFO,
                "authorizer_appid": "wx2",
                "authorizer_access_token": "at9",
            }
        }
    )
    fresh = reply({"component_access_token": "ct2", "expires_in": 7200})
    transport = ScriptedTransport(GRANTED, EXCHANGED, OK, said(42001), fresh, second, said(0))
    official(transport, kept, AUTHORISED).send(call("a", content=TEMPLATE))
    with MiniProgram(http(transport), kept, component=True).connect(
        Account("mp", other)
    ) as session:
        assert session.send(call("a", content=MINI)).outcomes[0].provider_id
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["ct"],
        ["at1"],
        ["ct"],
        None,
        ["ct2"],
        ["at9"],
    ]
    assert kept.read(token_name("oa", "")) == "at1"


def test_the_platforms_token_is_another_one_with_another_secret() -> None:
    kept = told()
    transport = ScriptedTransport(
        GRANTED,
        EXCHANGED,
        OK,
        reply({"component_access_token": "ct2", "expires_in": 7200}),
        REFRESHED,
        OK,
    )
    for credentials_fingerprint, secret in (("first", "cs"), ("second", "another")):
        of = Account(
            "oa", {**AUTHORISED, "component_app_secret": secret}, {}, credentials_fingerprint
        )
        with OfficialAccount(http(transport), kept, component=True).connect(of) as session:
            session.send(call("a", content=TEMPLATE))
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["ct"],
        ["at1"],
        None,
        ["ct2"],
        ["at2"],
    ]


@pytest.mark.parametrize(
    ("code", "answers", "kind", "said_code"),
    [
        ("", [GRANTED, said(61003)], Misconfigured, "61003"),
        ("", [GRANTED, KNOWN, said(61023)], Misconfigured, "61023"),
        (
            "",
            [GRANTED, reply({"authorization_info": {"authorizer_refresh_token": ""}})],
            Misconfigured,
            "not_authorised",
        ),
        ("", [GRANTED, reply({"authorization_info": []})], Misconfigured, "not_authorised"),
        ("code-1", [GRANTED, said(61010), said(61003)], Misconfigured, "61003"),
        ("code-1", [said(61006)], Misconfigured, "61006"),
        ("code-1", [GRANTED, said(61011)], Misconfigured, "61011"),
        ("code-1", [GRANTED, said(-1)], Unavailable, "-1"),
        ("code-1", [GRANTED, Uncertain("timeout")], Unavailable, "timeout"),
        (
            "code-1",
            [GRANTED, reply({"authorization_info": {**INFO, "authorizer_appid": "wx9"}})],
            Unavailable,
            "no_authorization_info",
        ),
        (
            "code-1",
            [GRANTED, reply({"authorization_info": []})],
            Unavailable,
            "no_authorization_info",
        ),
        (
            "code-1",
            [GRANTED, reply({"authorization_info": {"authorizer_appid": "wx1"}})],
            Unavailable,
            "no_access_token",
        ),
    ],
)
def test_without_authorisation_nothing_is_sent(
    code: str, answers: list[Any], kind: type[Exception], said_code: str
) -> None:
    session = official(ScriptedTransport(*answers), told(code=code), AUTHORISED)
    with pytest.raises(kind) as error:
        session.send(call("a", content=TEMPLATE))
    assert (type(error.value), error.value.code) == (kind, said_code)  # type: ignore[attr-defined]


def test_without_a_ticket_an_operator_must_act() -> None:
    kept = tokens()
    keep(kept, component.code_name("wxc", "wx1"), "code-1")
    session = official(ScriptedTransport(), kept, AUTHORISED)
    with pytest.raises(Misconfigured, match="no_component_verify_ticket"):
        session.check()


def test_the_link_shows_the_code_to_scan() -> None:
    transport = ScriptedTransport(GRANTED, reply({"pre_auth_code": "p@1", "expires_in": 1800}))
    link = official(transport, told(), AUTHORISED).authorisation_link("https://a.example/done?x=1")
    assert link.startswith("https://mp.weixin.qq.com/cgi-bin/componentloginpage?")
    assert parse_qs(urlsplit(link).query) == {
        "component_appid": ["wxc"],
        "pre_auth_code": ["p@1"],
        "redirect_uri": ["https://a.example/done?x=1"],
        "auth_type": ["1"],
        "biz_appid": ["wx1"],
    }
    assert transport.bodies()[1] == {"component_appid": "wxc"}
    with pytest.raises(Misconfigured):
        official(ScriptedTransport(GRANTED, said(61011)), told(), AUTHORISED).authorisation_link(
            "https://a.example"
        )


# What operators enter


@pytest.mark.parametrize(
    ("raw", "component_", "field"),
    [
        ({}, False, "app_id"),
        ({"app_id": "a b", "app_secret": "s"}, False, "app_id"),
        ({"app_id": "wx1"}, False, "app_secret"),
        ({**OWN, "x": 1}, False, "x"),
        ({**OWN, "callback_token": "to"}, False, "callback_token"),
        ({**OWN, "callback_token": "t" * 33}, False, "callback_token"),
        ({**OWN, "callback_token": "to k"}, False, "callback_token"),
        ({**OWN, "encoding_aes_key": "k" * 43}, False, "callback_token"),
        ({**OWN, "callback_token": "tok", "encoding_aes_key": "k" * 42}, False, "encoding_aes_key"),
        ({**OWN, "callback_token": "tok", "encoding_aes_key": "k" * 44}, False, "encoding_aes_key"),
        ({**AUTHORISED, "app_secret": "s"}, True, "app_secret"),
        ({**AUTHORISED, "component_app_id": ""}, True, "component_app_id"),
        ({**AUTHORISED, "component_app_secret": 5}, True, "component_app_secret"),
        ({**AUTHORISED, "callback_token": ""}, True, "callback_token"),
        ({**AUTHORISED, "encoding_aes_key": ""}, True, "encoding_aes_key"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    raw: dict[str, Any], component_: bool, field: str
) -> None:
    with pytest.raises(Invalid) as error:
        OfficialAccount(
            http(ScriptedTransport()), tokens(), component=component_
        ).check_credentials(raw, {})
    assert error.value.field == f"credentials.{field}"


def test_settings_that_work() -> None:
    for raw in (OWN, {**OWN, "callback_token": "tok"}, {**OWN, **KEYS}):
        OfficialAccount(http(ScriptedTransport()), tokens()).check_credentials(
            raw, {"base_url": "https://sh.api.weixin.qq.com"}
        )
    for provider in (OfficialAccount, MiniProgram):
        provider(http(ScriptedTransport()), tokens(), component=True).check_credentials(
            AUTHORISED, {}
        )
    mini = MiniProgram(http(ScriptedTransport()), tokens())
    mini.check_credentials(OWN, {})
    with pytest.raises(Invalid, match="callback_token"):
        mini.check_credentials({**OWN, **KEYS}, {})
    with pytest.raises(Invalid, match="base_url"):
        mini.check_credentials(OWN, {"base_url": "ftp://x"})


def test_a_mini_program_by_its_own_secret_is_told_nothing() -> None:
    mini = MiniProgram(http(ScriptedTransport()), tokens())
    assert mini.webhook_secret(OWN) == {}
    with pytest.raises(Unverified):
        mini.read_webhook(WebhookRequest("POST", {}, {}, b""), {})
