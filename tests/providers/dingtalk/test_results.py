"""Results of a task."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Misconfigured, ProviderError, Throttled, Unavailable, Uncertain
from chalicelib.domain.provider_io import Loss, Outcome, Receipt, ReceiptKind
from chalicelib.web.messages import Response
from tests.providers.dingtalk.calls import NOW, TAKEN, TEXT, opened, polled, results, sent
from tests.providers.scripted import ScriptedTransport, call, reply
from tests.providers.tokened import said, token


def test_who_has_it_read_or_not_was_reached_and_others_have_a_reason() -> None:
    receipts, transport = polled(
        results(
            read_user_id_list=["a"],
            unread_user_id_list=["b", "stranger"],
            failed_user_id_list=["c"],
            invalid_user_id_list=["d"],
            forbidden_user_id_list=["e", "f"],
            forbidden_list=[{"code": "143106", "count": 1, "userid": "f"}],
        ),
        ids={"256": ["a", "b", "c", "d", "e", "f", "g"]},
    )
    failed = ReceiptKind.DELIVERY_FAILED
    assert receipts == [
        Receipt("256", ReceiptKind.DELIVERED, NOW, "a"),
        Receipt("256", ReceiptKind.DELIVERED, NOW, "b"),
        Receipt("256", failed, NOW, "c", "failed"),
        Receipt("256", failed, NOW, "d", "invalid_user", undeliverable=True),
        Receipt("256", failed, NOW, "e", "forbidden"),
        Receipt("256", failed, NOW, "f", "143106"),
    ]
    assert transport.paths()[1] == "POST /topapi/message/corpconversation/getsendresult"
    assert transport.bodies()[1] == {"agent_id": 1234, "task_id": 256}


def test_who_stands_in_two_lists_was_reached() -> None:
    (receipt,), _ = polled(
        results(unread_user_id_list="a,b", failed_user_id_list=["a"]), ids={"1": ["a"]}
    )
    assert receipt.kind is ReceiptKind.DELIVERED


def test_a_task_that_dingtalk_will_not_tell_of_leaves_the_others_alone() -> None:
    receipts, _ = polled(said(41), results(read_user_id_list=["b"]), ids={"1": ["a"], "2": ["b"]})
    assert [(receipt.provider_id, receipt.contact) for receipt in receipts] == [("2", "b")]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(90018), Throttled),
        (said(60011), Misconfigured),
        (Uncertain("timeout"), Unavailable),
        (Response(500, {}, b""), Unavailable),
    ],
)
def test_a_failed_poll_says_what_to_do(answer: Response | Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind) as error:
        polled(answer, ids={"1": ["a"]})
    assert type(error.value) is kind


LISTS = [
    "read_user_id_list",
    "unread_user_id_list",
    "failed_user_id_list",
    "invalid_user_id_list",
    "forbidden_list",
    "userid",
    "code",
]

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("a"),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["errcode", "sub_code", "task_id", "send_result", *LISTS]), inner
        )
    ),
    max_leaves=15,
)


@given(ANY)
def test_any_result_gives_receipts_of_those_who_were_asked_for(lists: Any) -> None:
    receipts, _ = polled(said(0, send_result=lists), ids={"1": ["a", "b"]})
    assert {receipt.contact for receipt in receipts} <= {"a", "b"}
    assert all(receipt.code.isascii() for receipt in receipts)


@given(ANY)
def test_any_answer_gives_an_outcome_for_each_or_an_error_of_ours(body: Any) -> None:
    try:
        answer, _ = sent(
            reply(body), token("t2"), reply(body), outgoing=call("a", "b", content=TEXT)
        )
    except ProviderError:
        return
    assert len(answer.outcomes) == 2


def test_a_task_is_recalled_or_not() -> None:
    with opened(ScriptedTransport(token(), said(0), said(41), said(45009))) as session:
        assert session.recall("256", ["a", "b"]) == [TAKEN, TAKEN]
        assert session.recall("256", ["a"]) == [Outcome(Loss.SUBMIT_FAILED, "not_recalled")]
        with pytest.raises(Throttled):
            session.recall("256", ["a"])
