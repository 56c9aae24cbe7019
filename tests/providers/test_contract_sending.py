"""The contract of every platform for sending, against the sandbox.

contract.py has the differences between the platforms. An answer keeps the promises of the
capabilities. An error is one of five, and tells whether the provider may have taken the call.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import Loss, ProviderIds, Receipt, Reply
from chalicelib.web.messages import Response
from infra.demo.platforms import PLATFORMS
from tests.liveness import GIVES_UP
from tests.profiles import examples
from tests.providers.contract import ENTRIES, Bench
from tests.providers.contract_cases import (
    CAPABILITIES,
    NAMES,
    POLLED,
    VALUES_OF,
    as_json,
    every,
    page,
)

OVER_HTTP = [platform for platform, entry in ENTRIES.items() if entry.sends]
over_http = pytest.mark.parametrize("platform", OVER_HTTP)


def test_every_platform_of_the_registry_has_an_entry() -> None:
    assert set(ENTRIES) == set(CAPABILITIES) == set(PLATFORMS)
    assert {PLATFORMS[name].type for name in PLATFORMS} == {
        can.type.value for can in CAPABILITIES.values()
    }


@every
def test_what_is_accepted_has_the_ids_that_are_promised(bench: Bench) -> None:
    contact = bench.contact()
    answer = bench.send(contact)
    (outcome,) = answer.outcomes
    assert outcome.loss is None
    assert not outcome.uncertain
    assert not outcome.later
    ids = bench.provider.capabilities.provider_ids
    assert (bool(answer.provider_id), bool(outcome.provider_id)) == (
        ids is ProviderIds.PER_CALL,
        ids is ProviderIds.PER_RECIPIENT,
    )
    assert bench.sends(contact) == 1


@every
def test_one_of_many_that_is_refused_leaves_the_others(bench: Bench) -> None:
    single = bench.provider.capabilities.call_size == 1
    contacts = (
        [bench.contact("reject")]
        if single
        else [bench.contact(number=1), bench.contact("reject"), bench.contact(number=2)]
    )
    outcomes = bench.send(*contacts).outcomes
    if all(outcome.together for outcome in outcomes):  # then deliveries go on in smaller calls
        outcomes = [bench.send(contact).outcomes[0] for contact in contacts]
    expected = (
        Loss.INVALID_TARGET if bench.at_sandbox.refused == "invalid_target" else None
    )  # else its receipt may tell
    assert [outcome.loss for outcome in outcomes] == (
        [expected] if single else [None, expected, None]
    )
    assert [
        bench.sends(contact)
        for contact in contacts
        if "reject" not in contact and not contact.endswith("0001")
    ] == [1] * (not single) * 2


@every
def test_a_throttled_call_was_not_taken_and_says_when_to_try_again(bench: Bench) -> None:
    contact = bench.contact("throttle")
    with pytest.raises(bench.entry.throttled) as raised:
        bench.send(contact)
    assert isinstance(raised.value, Unavailable)
    if bench.entry.hints:
        assert raised.value.retry_after is not None
        assert 0 < raised.value.retry_after <= 60
    assert bench.sends(contact) == 0
    assert bench.send(contact).outcomes[0].loss is None
    assert bench.sends(contact) == 1


@every
def test_a_call_that_the_provider_could_not_take_can_be_repeated(bench: Bench) -> None:
    contact = bench.contact("flaky")
    with pytest.raises(bench.entry.flaky):
        bench.send(contact)
    assert bench.sends(contact) == 0
    assert bench.send(contact).outcomes[0].loss is None
    assert bench.sends(contact) == 1


@over_http
def test_a_lost_answer_is_uncertain_and_a_token_keeps_the_repeat_from_being_sent_twice(
    bench: Bench,
) -> None:
    contact = bench.contact()
    with bench.session() as session:
        call = bench.call(contact, token=session.token())
        bench.meddle(Uncertain("timeout"), passes_on=True)
        with pytest.raises(Uncertain):
            session.send(call)
        assert bench.sends(contact) == 1
        bench.meddle(None)
        if bench.provider.capabilities.token_life:
            assert session.send(call).outcomes[0].loss is None
            assert bench.sends(contact) == 1


@pytest.mark.parametrize("platform", [name for name, entry in ENTRIES.items() if not entry.sends])
def test_an_answer_that_stays_away_on_a_connection_is_uncertain(bench: Bench) -> None:
    contact = bench.contact("timeout")
    bench.be_patient(GIVES_UP)
    try:
        outcomes = bench.send(contact).outcomes
    except Uncertain:
        outcomes = []
    assert all(outcome.uncertain for outcome in outcomes)
    assert bench.sends(contact) == 1


@over_http
@pytest.mark.parametrize(
    ("status", "kind"), [(500, Uncertain), (502, Uncertain), (504, Uncertain), (503, Unavailable)]
)
def test_a_gateways_error_says_whether_the_call_may_have_been_taken(
    bench: Bench, status: int, kind: type[ProviderError]
) -> None:
    with bench.session() as session:
        call = bench.call(bench.contact(), token=session.token())
        bench.meddle(page(status))
        with pytest.raises(kind):
            session.send(call)


@over_http
def test_too_many_requests_is_throttled_whatever_else_is_said(bench: Bench) -> None:
    with bench.session() as session:
        call = bench.call(bench.contact(), token=session.token())
        bench.meddle(page(429, retry_after="7"))
        with pytest.raises(Throttled) as raised:
            session.send(call)
    assert raised.value.retry_after == 7


BROKEN = [
    b"",
    b"{",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b'"ok"',
    b"[" * 100_000,
    b'{"errcode":{}}',
    b"<html></html>",
]


@over_http
@pytest.mark.parametrize("body", BROKEN, ids=[repr(body[:14]) for body in BROKEN])
def test_an_answer_that_cannot_be_read_is_uncertain(bench: Bench, body: bytes) -> None:
    with bench.session() as session:
        call = bench.call(bench.contact(), token=session.token())
        bench.meddle(page(200, body))
        with pytest.raises(Uncertain):
            session.send(call)


STATUSES = st.sampled_from([200, 200, 200, 201, 301, 400, 401, 403, 404, 408, 418, 429, 500, 503])

ANSWERS = st.builds(
    page,
    STATUSES,
    st.binary(max_size=40)
    | st.dictionaries(st.sampled_from(NAMES), VALUES_OF, max_size=6).map(as_json),
)


@pytest.mark.hypothesis
@over_http
def test_whatever_is_answered_only_known_errors_are_raised(bench: Bench) -> None:
    contacts = [
        bench.contact(number=n) for n in range(min(2, bench.provider.capabilities.call_size))
    ]
    with bench.session() as session:
        call = bench.call(*contacts, token=session.token())
        session.send(call)  # it holds a token now

        @examples(60, repeated=20)
        @given(ANSWERS)
        def try_it(answer: Response) -> None:
            bench.meddle(answer)
            with contextlib.suppress(ProviderError):
                assert len(session.send(call).outcomes) == len(contacts)

        try_it()


@pytest.mark.hypothesis
@pytest.mark.parametrize("platform", POLLED)
def test_whatever_is_answered_to_a_poll_only_known_errors_are_raised_and_none_is_uncertain(
    bench: Bench,
) -> None:
    contact = bench.contact()
    answer = bench.send(contact)
    with bench.session() as session:

        @examples(60, repeated=20)
        @given(ANSWERS)
        def try_it(said: Response) -> None:
            bench.meddle(said, where="")
            with contextlib.suppress(Unavailable, Rejected, Misconfigured):
                polled = session.poll({answer.provider_id: [contact]})
                assert all(isinstance(entry, Receipt | Reply) for entry in polled)

        try_it()


@over_http
@pytest.mark.parametrize(
    "says", [page(500), page(200, b"{"), Uncertain("timeout")], ids=["500", "broken", "timeout"]
)
def test_a_call_for_which_no_token_could_be_had_was_not_taken(bench: Bench, says: Any) -> None:
    bench.provider = bench.fresh()
    bench.remember()
    with bench.session() as session:
        bench.meddle(says, where="")
        try:
            token = session.token()
            session.access_token()
        except (Unavailable, Misconfigured):
            return  # nothing was sent yet
    assert token is None or bench.platform.startswith(
        "we"
    )  # a token that is made here needs no request
