from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
    Unverified,
)
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Loss,
    Outcome,
    OutgoingCall,
    WebhookRequest,
)
from chalicelib.providers.wecom import api
from chalicelib.providers.wecom.linkedcorp import LinkedCorp
from chalicelib.providers.wecom.wecom import LEAST_INTERVAL, TOKEN_LIFE, WeCom
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.tokened import Clock, said, token, tokens

CREDENTIALS = {"corp_id": "ww1", "agent_id": 1000002, "secret": "s3cret"}
TEXT = {"msgtype": "text", "text": {"content": "hi"}}
CARD = {
    "msgtype": "template_card",
    "template_card": {"card_type": "button_interaction", "main_title": {"title": "ok?"}},
}
INVALID = Outcome(Loss.INVALID_TARGET, "invaliduser")
TAKEN = Outcome()


def account(**options: Any) -> Account:
    return Account("wk", CREDENTIALS, options)


def opened(transport: ScriptedTransport, clock: Clock | None = None, **options: Any):
    return WeCom(http(transport), tokens(clock)).connect(account(**options))


def sent(
    *answers: Response | Exception, outgoing: OutgoingCall, **options: Any
) -> tuple[Answer, ScriptedTransport]:
    transport = ScriptedTransport(token(), *answers)
    with opened(transport, **options) as session:
        return session.send(outgoing), transport


def linked(
    *answers: Response | Exception, outgoing: OutgoingCall
) -> tuple[Answer, ScriptedTransport]:
    transport = ScriptedTransport(token(), *answers)
    with LinkedCorp(http(transport), tokens()).connect(account()) as session:
        assert session.token() is None
        return session.send(outgoing), transport


def test_users_of_a_call_share_one_message_in_the_name_of_the_application() -> None:
    answer, transport = sent(
        said(0, msgid="m-1"), outgoing=call("ann", "Bob.2", content=TEXT, token="abc")
    )
    assert answer == Answer([TAKEN, TAKEN], "m-1")
    assert transport.paths() == ["GET /cgi-bin/gettoken", "POST /cgi-bin/message/send"]
    assert transport.queries() == [
        {"corpid": ["ww1"], "corpsecret": ["s3cret"]},
        {"access_token": ["t1"]},
    ]
    body = transport.bodies()[1]
    assert LEAST_INTERVAL <= body.pop("duplicate_check_interval") < 2 * LEAST_INTERVAL
    assert body == {
        "touser": "ann|Bob.2",
        "agentid": 1000002,
        "msgtype": "text",
        "text": {"content": "hi"},
        "enable_duplicate_check": 1,
    }


def test_a_thousand_users_are_one_call() -> None:
    users = [f"u{n}" for n in range(1000)]
    answer, transport = sent(said(0, msgid="m"), outgoing=call(*users, content=TEXT))
    assert answer.outcomes == [TAKEN] * 1000
    assert transport.bodies()[1]["touser"].count("|") == 999
    assert WeCom.capabilities.call_size == 1000


def test_a_user_who_occurs_twice_is_named_once_and_has_two_outcomes() -> None:
    answer, transport = sent(
        said(0, msgid="m", invaliduser="b"), outgoing=call("b", "a", "b", content=TEXT)
    )
    assert answer.outcomes == [INVALID, TAKEN, INVALID]
    assert transport.bodies()[1]["touser"] == "b|a"


def test_the_address_is_an_option() -> None:
    _, transport = sent(said(0), outgoing=call("u", content=TEXT), base_url="https://wk.example/")
    assert [request.url.split("?")[0] for request in transport.requests] == [
        "https://wk.example/cgi-bin/gettoken",
        "https://wk.example/cgi-bin/message/send",
    ]


def test_users_whom_the_answer_names_in_lower_case_are_lost() -> None:
    answer, _ = sent(
        said(0, msgid="m", invaliduser="ann|zoe", unlicenseduser="cas"),
        outgoing=call("Ann", "bob", "Cas", content=TEXT),
    )
    assert answer.outcomes == [INVALID, TAKEN, Outcome(Loss.SUBMIT_FAILED, "unlicenseduser")]


@pytest.mark.parametrize("contact", ["@all", "a|b", "", "a b", "-a", "a" * 65, "a\n", "ä", "a/b"])
def test_what_is_no_userid_never_stands_in_the_list(contact: str) -> None:
    answer, transport = sent(said(0, msgid="m"), outgoing=call(contact, "u", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, "malformed_id"), TAKEN]
    assert transport.bodies()[1]["touser"] == "u"


def test_a_call_without_any_userid_is_not_made() -> None:
    transport = ScriptedTransport()
    with opened(transport) as session:
        assert (
            session.send(call("@all", "|", content=TEXT)).outcomes
            == [Outcome(Loss.INVALID_TARGET, "malformed_id")] * 2
        )
    assert transport.requests == []


@pytest.mark.parametrize("code", sorted(api.NOBODY))
def test_a_call_of_which_nobody_can_be_reached_has_only_invalid_targets(code: str) -> None:
    answer, _ = sent(said(int(code)), outgoing=call("a", "b", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, code)] * 2


@pytest.mark.parametrize("code", sorted(api.NOT_THERE))
def test_a_user_alone_who_is_not_there_is_an_invalid_target_and_may_come_into_sight(
    code: str,
) -> None:
    answer, _ = sent(said(int(code)), outgoing=call("a", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, code)]
    with pytest.raises(api.ERRORS[code]):
        sent(said(int(code)), outgoing=call("a", "b", content=TEXT))


@pytest.mark.parametrize("code", ["60011", "60021", "60111"])
def test_what_wecom_says_of_who_is_out_of_an_applications_sight_is_no_fault_of_all(
    code: str,
) -> None:
    answer, _ = sent(said(int(code)), outgoing=call("a", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, code)]


@pytest.mark.parametrize("code", [40091, 40141, 45031, 48001, 48004, 48006])
def test_what_every_message_would_meet_waits_for_an_operator(code: int) -> None:
    with pytest.raises(Misconfigured):
        sent(said(code), outgoing=call("a", content=TEXT))


@pytest.mark.parametrize("code", sorted(set(api.ERRORS) - api.NOBODY - api.STALE))
def test_every_code_of_a_call_is_its_class(code: str) -> None:
    with pytest.raises(api.ERRORS[code]) as error:
        sent(said(int(code)), outgoing=call("a", "b", content=TEXT))
    assert (type(error.value), error.value.code) == (api.ERRORS[code], code)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(99999), Rejected),
        (said("45009"), Throttled),
        (Response(200, {}, b""), Uncertain),
        (reply({"errmsg": "ok"}), Uncertain),
        (reply({"errcode": None}), Uncertain),
        (reply({"errcode": True}), Uncertain),
        (reply([]), Uncertain),
        (Response(429, {"retry-after": "3"}, b""), Throttled),
        (Response(502, {}, b""), Uncertain),
        (Response(503, {}, b""), Unavailable),
        (Response(404, {}, b""), Misconfigured),
        (Response(302, {}, b""), Misconfigured),
        (Uncertain("timeout"), Uncertain),
    ],
)
def test_an_answer_without_success_says_what_to_do(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    for send in (sent, linked):
        with pytest.raises(kind) as error:
            send(answer, outgoing=call("ww2/a" if send is linked else "a", content=TEXT))
        assert type(error.value) is kind


# The access token


@pytest.mark.parametrize("code", sorted(api.STALE))
def test_a_token_that_is_not_known_any_more_is_renewed_and_the_call_repeated_at_once(
    code: str,
) -> None:
    answer, transport = sent(
        said(int(code)), token("t2"), said(0, msgid="m"), outgoing=call("a", content=TEXT)
    )
    assert answer.outcomes == [TAKEN]
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["t1"],
        None,
        ["t2"],
    ]
    assert transport.bodies()[1] == transport.bodies()[3]


def test_a_new_token_that_is_not_known_either_is_for_an_operator() -> None:
    with pytest.raises(Misconfigured) as error:
        sent(said(40014), token("t2"), said(40014), outgoing=call("a", content=TEXT))
    assert error.value.code == "40014"


def test_a_token_is_kept_between_jobs_and_fetched_again_before_it_ends() -> None:
    clock = Clock()
    transport = ScriptedTransport(token("t1"), said(0), said(0), token("t2"), said(0))
    provider = WeCom(http(transport), tokens(clock))
    for later in (0, 5000, 7100):
        clock.now = 1_700_000_000.0 + later
        with provider.connect(account()) as session:
            session.send(call("a", content=TEXT))
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["t1"],
        ["t1"],
        None,
        ["t2"],
    ]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(40001), Misconfigured),
        (said(40013), Misconfigured),
        (said(60020), Misconfigured),
        (said(77777), Misconfigured),
        (said(-1), Unavailable),
        (said(45009), Throttled),
        (token(""), Unavailable),
        (token("a b"), Unavailable),
        (reply({"errcode": 0}), Unavailable),
        (Response(200, {}, b"<html>"), Unavailable),
        (Uncertain("timeout"), Unavailable),
    ],
)
def test_without_a_token_nothing_was_sent(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    transport = ScriptedTransport(answer)
    with opened(transport) as session, pytest.raises(kind) as error:
        session.send(call("a", content=TEXT))
    assert type(error.value) is kind
    assert transport.paths() == ["GET /cgi-bin/gettoken"]


def test_the_token_is_handed_out_with_its_end() -> None:
    clock = Clock()
    for provider in (WeCom, LinkedCorp):
        with provider(http(ScriptedTransport(token("t9"))), tokens(clock)).connect(
            account()
        ) as session:
            given_ = session.access_token()
        assert given_ is not None
        assert given_.value == "t9"
        assert 7000_000 < given_.expires - clock.now * 1000 < 7200_000


def test_a_check_asks_for_a_token_even_if_one_is_kept() -> None:
    for provider in (WeCom, LinkedCorp):
        transport = ScriptedTransport(token(), token(), said(40001))
        with provider(http(transport), tokens()).connect(account()) as session:
            session.access_token()
            session.check()
            with pytest.raises(Misconfigured):
                session.check()


# The idempotency token


def test_the_same_call_again_has_the_same_json_and_another_message_has_not() -> None:
    bodies = []
    for name in ("one", "one", "two"):
        _, transport = sent(said(0, msgid="m"), outgoing=call("a", content=CARD, token=name))
        bodies.append(transport.bodies()[1])
    assert bodies[0] == bodies[1] != bodies[2]
    assert bodies[0]["template_card"]["task_id"] == "one"
    assert WeCom.capabilities.token_life == TOKEN_LIFE < LEAST_INTERVAL


def test_every_call_has_a_word_of_its_own_unless_the_operator_turns_the_check_off() -> None:
    with opened(ScriptedTransport()) as session:
        assert session.token() != session.token()
    with opened(ScriptedTransport(), duplicate_check=False) as session:
        assert session.token() is None


def test_without_a_token_the_senders_own_settings_hold() -> None:
    content = {**TEXT, "safe": 1, "enable_duplicate_check": 0, "duplicate_check_interval": 60}
    _, transport = sent(said(0), outgoing=call("a", content=content))
    assert {
        name: transport.bodies()[1][name]
        for name in ("safe", "enable_duplicate_check", "duplicate_check_interval")
    } == {
        "safe": 1,
        "enable_duplicate_check": 0,
        "duplicate_check_interval": 60,
    }


@pytest.mark.parametrize(("wanted", "given_"), [(60, None), (14400, 14400)])
def test_a_longer_interval_of_the_senders_is_kept(wanted: int, given_: int | None) -> None:
    _, transport = sent(
        said(0), outgoing=call("a", content={**TEXT, "duplicate_check_interval": wanted}, token="x")
    )
    interval = transport.bodies()[1]["duplicate_check_interval"]
    assert interval == given_ if given_ else LEAST_INTERVAL <= interval < 2 * LEAST_INTERVAL


# Recall


def test_a_card_is_known_by_two_ids_and_recalled_by_the_first() -> None:
    answer, _ = sent(said(0, msgid="m-1"), outgoing=call("a", content=CARD, token="tok"))
    assert answer.provider_id == "m-1 tok"
    for name in (answer.provider_id, "m-1"):
        transport = ScriptedTransport(token(), said(0))
        with opened(transport) as session:
            assert session.recall(name, ["a", "b"]) == [TAKEN, TAKEN]
        assert transport.paths()[1] == "POST /cgi-bin/message/recall"
        assert transport.bodies()[1] == {"msgid": "m-1"}


def test_a_card_without_a_token_still_has_a_task_id() -> None:
    answer, transport = sent(said(0, msgid="m"), outgoing=call("a", content=CARD))
    task_id = transport.bodies()[1]["template_card"]["task_id"]
    assert task_id
    assert answer.provider_id == f"m {task_id}"
    assert "task_id" not in CARD["template_card"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Uncertain("timeout"), Unavailable),
        (said(45009), Throttled),
        (said(48002), Misconfigured),
        (said(-1), Unavailable),
    ],
)
def test_a_recall_that_brought_no_answer_can_be_asked_again(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with opened(ScriptedTransport(token(), answer)) as session, pytest.raises(kind) as error:
        session.recall("m", ["a"])
    assert type(error.value) is kind


def test_a_recall_that_is_refused_is_a_loss_for_each() -> None:
    with opened(ScriptedTransport(token(), said(40058))) as session:
        assert session.recall("m", ["a"]) == [Outcome(Loss.SUBMIT_FAILED, "40058")]


# Linked corporations


def test_members_of_linked_corporations_stand_in_a_list() -> None:
    content = {**TEXT, "safe": 0, "enable_duplicate_check": 1}
    answer, transport = linked(
        said(0, invaliduser=["WW2/Bob", "cas"]),
        outgoing=call("ww2/ann", "ww2/bob", "Own.1", "Cas", content=content),
    )
    assert answer == Answer([TAKEN, INVALID, TAKEN, INVALID])
    assert transport.paths()[1] == "POST /cgi-bin/linkedcorp/message/send"
    assert transport.bodies()[1] == {
        "touser": ["ww2/ann", "ww2/bob", "Own.1", "Cas"],
        "toall": 0,
        "agentid": 1000002,
        "msgtype": "text",
        "text": {"content": "hi"},
        "safe": 0,
    }


@pytest.mark.parametrize(
    "contact", ["@all", "ann|bob", "ww2/", "/ann", "a/b/c", "ww2/@all", "ww2|x/ann"]
)
def test_what_is_no_member_is_never_addressed(contact: str) -> None:
    answer, transport = linked(said(0), outgoing=call(contact, "ww2/u", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, "malformed_id"), TAKEN]
    assert transport.bodies()[1]["touser"] == ["ww2/u"]


def test_linked_corporations_have_no_recall_no_webhook_and_no_calls_for_nobody() -> None:
    transport = ScriptedTransport()
    provider = LinkedCorp(http(transport), tokens())
    with provider.connect(account()) as session:
        assert session.send(call("/x", content=TEXT)).outcomes == [
            Outcome(Loss.INVALID_TARGET, "malformed_id")
        ]
        with pytest.raises(Rejected):
            session.recall("m", ["a"])
    with pytest.raises(Unverified):
        provider.read_webhook(
            WebhookRequest("POST", {}, {}, b"", 0), provider.webhook_secret(CREDENTIALS)
        )
    assert transport.requests == []


def test_nobody_of_a_linked_call_can_be_reached() -> None:
    answer, _ = linked(said(81013), outgoing=call("ww2/a", "ww2/b", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, "81013")] * 2
    with pytest.raises(Misconfigured):
        linked(said(301002), outgoing=call("ww2/a", content=TEXT))


# Any answer, any settings

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ["errcode", "msgid", "invaliduser", "unlicenseduser", "access_token", "expires_in"]
            ),
            inner,
        )
    ),
    max_leaves=15,
)


@given(ANY, st.booleans())
def test_any_answer_gives_an_outcome_for_each_or_an_error_of_ours(body: Any, success: bool) -> None:
    answer = reply({**body, "errcode": 0} if success and isinstance(body, dict) else body)
    for send, contacts in ((sent, ("a", "b")), (linked, ("ww/a", "ww/b"))):
        try:
            got, _ = send(answer, token("t2"), answer, outgoing=call(*contacts, content=TEXT))
        except ProviderError:
            continue
        assert len(got.outcomes) == 2
        assert got.provider_id.isascii()


@given(ANY)
def test_any_answer_for_a_token_is_a_token_or_an_error_of_ours(body: Any) -> None:
    with opened(ScriptedTransport(reply(body))) as session:
        try:
            given_ = session.access_token()
        except ProviderError:
            return
        assert given_ is not None
        assert given_.value


@pytest.mark.parametrize(
    ("change", "options", "field"),
    [
        ({"corp_id": ""}, {}, "credentials.corp_id"),
        ({"secret": None}, {}, "credentials.secret"),
        ({"agent_id": None}, {}, "credentials.agent_id"),
        ({"agent_id": "x"}, {}, "credentials.agent_id"),
        ({"agent_id": True}, {}, "credentials.agent_id"),
        ({"agent_id": 10**18}, {}, "credentials.agent_id"),
        ({"x": 1}, {}, "credentials.x"),
        ({"callback_token": "t"}, {}, "credentials.encoding_aes_key"),
        ({"encoding_aes_key": "a" * 43}, {}, "credentials.callback_token"),
        ({"callback_token": "t", "encoding_aes_key": "a" * 42}, {}, "credentials.encoding_aes_key"),
        (
            {"callback_token": "t" * 33, "encoding_aes_key": "a" * 43},
            {},
            "credentials.callback_token",
        ),
        ({}, {"base_url": "https://localhost@x"}, "options.base_url"),
        ({}, {"duplicate_check": 1}, "options.duplicate_check"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    change: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        WeCom(http(ScriptedTransport()), tokens()).check_credentials(
            {**CREDENTIALS, **change}, options
        )
    assert error.value.field == field


def test_settings_that_can_work_are_taken() -> None:
    full = {
        **CREDENTIALS,
        "agent_id": "1000002",
        "callback_token": "t" * 32,
        "encoding_aes_key": "a" * 43,
    }
    WeCom(http(ScriptedTransport()), tokens()).check_credentials(
        full, {"base_url": "https://wk.example", "duplicate_check": False}
    )
    LinkedCorp(http(ScriptedTransport()), tokens()).check_credentials(CREDENTIALS, {})
    with pytest.raises(Invalid):
        LinkedCorp(http(ScriptedTransport()), tokens()).check_credentials(full, {})
