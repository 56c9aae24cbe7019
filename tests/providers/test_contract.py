"""One contract for every platform of the registry, against the sandbox. What differs from platform to platform stands in contract.py.

An answer is what the capabilities promise; an error is one of five, and says whether the provider may have taken the call.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ReceiptMode
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
    Loss,
    ProviderIds,
    Receipt,
    ReceiptKind,
    Reply,
    Webhook,
    WebhookRequest,
    names_of,
    parts_of,
)
from chalicelib.providers import registry
from chalicelib.web.messages import Response
from infra.demo.platforms import PLATFORMS
from tests.liveness import GIVES_UP, eventually
from tests.profiles import examples
from tests.providers.contract import ENTRIES, VALUES, Bench, changed
from tests.providers.sandboxes import Sandbox, running, webhook

CAPABILITIES = registry.capabilities()
OVER_HTTP = [platform for platform, entry in ENTRIES.items() if entry.sends]
WITH_WEBHOOK = [
    platform for platform, can in CAPABILITIES.items() if ReceiptMode.WEBHOOK in can.receipt_modes
]
POLLED = [
    platform for platform, can in CAPABILITIES.items() if ReceiptMode.POLL in can.receipt_modes
]
RETRY_AFTER = 3

every = pytest.mark.parametrize("platform", ENTRIES)
over_http = pytest.mark.parametrize("platform", OVER_HTTP)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running("--retry-after", str(RETRY_AFTER)) as sandbox:
        yield sandbox


@pytest.fixture
def bench(box: Sandbox, platform: str) -> Iterator[Bench]:
    with webhook() as hook:
        yield Bench(box, platform, hook if platform.endswith("_component") else None)


def test_every_platform_of_the_registry_has_an_entry() -> None:
    assert set(ENTRIES) == set(CAPABILITIES) == set(PLATFORMS)
    assert {PLATFORMS[name].type for name in PLATFORMS} == {
        can.type.value for can in CAPABILITIES.values()
    }


# ---- sending


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
    wanted = (
        Loss.INVALID_TARGET if bench.at_sandbox.refused == "invalid_target" else None
    )  # else its receipt tells, if anything does
    assert [outcome.loss for outcome in outcomes] == ([wanted] if single else [None, wanted, None])
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


def _page(status: int, body: bytes = b"<html>no</html>", **headers: str) -> Response:
    return Response(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, body
    )


@over_http
@pytest.mark.parametrize(
    ("status", "kind"), [(500, Uncertain), (502, Uncertain), (504, Uncertain), (503, Unavailable)]
)
def test_a_gateways_error_says_whether_the_call_may_have_been_taken(
    bench: Bench, status: int, kind: type[ProviderError]
) -> None:
    with bench.session() as session:
        call = bench.call(bench.contact(), token=session.token())
        bench.meddle(_page(status))
        with pytest.raises(kind):
            session.send(call)


@over_http
def test_too_many_requests_is_throttled_whatever_else_is_said(bench: Bench) -> None:
    with bench.session() as session:
        call = bench.call(bench.contact(), token=session.token())
        bench.meddle(_page(429, retry_after="7"))
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
        bench.meddle(_page(200, body))
        with pytest.raises(Uncertain):
            session.send(call)


NAMES = (
    "errcode",
    "errmsg",
    "sub_code",
    "msgid",
    "msg_id",
    "msgId",
    "task_id",
    "invaliduser",
    "unlicenseduser",
    "code",
    "error",
    "message",
    "recipients",
    "mobile",
    "error_code",
    "result",
    "failNum",
    "alipay_open_public_message_single_send_response",
    "sign",
    "access_token",
    "expires_in",
    "send_result",
    "cidlist",
    "rpts",
    "mos",
    "ret",
    "status",
    "unread_user_id_list",
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["0", 0, 10000, "10000", -1, "42001"])
)
VALUES_OF = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=8,
)
STATUSES = st.sampled_from([200, 200, 200, 201, 301, 400, 401, 403, 404, 408, 418, 429, 500, 503])


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "replace")


ANSWERS = st.builds(
    _page,
    STATUSES,
    st.binary(max_size=40)
    | st.dictionaries(st.sampled_from(NAMES), VALUES_OF, max_size=6).map(_json),
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

        @examples(60)
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

        @examples(60)
        @given(ANSWERS)
        def try_it(said: Response) -> None:
            bench.meddle(said, where="")
            with contextlib.suppress(Unavailable, Rejected, Misconfigured):
                found = session.poll({answer.provider_id: [contact]})
                assert all(isinstance(each, Receipt | Reply) for each in found)

        try_it()


@over_http
@pytest.mark.parametrize(
    "says", [_page(500), _page(200, b"{"), Uncertain("timeout")], ids=["500", "broken", "timeout"]
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
    )  # what it makes up by itself needs nobody


# ---- accounts


@every
def test_a_check_says_yes_to_right_credentials_and_sends_nothing(bench: Bench) -> None:
    with bench.session() as session:
        session.check()
    assert bench.box.get("sends", provider=bench.at_sandbox.provider).get(bench.contact(), 0) == 0


@every
def test_wrong_credentials_are_for_the_operator(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.with_wrong_credentials()
    bench.provider = bench.fresh()
    bench.remember()
    with (
        caplog.at_level(logging.INFO),
        bench.session() as session,
        pytest.raises(Misconfigured) as raised,
    ):
        session.check()
    seen = f"{raised.value} {raised.value!r} {bench.account!r} {_everything(caplog)}"
    assert [secret for secret in bench.secrets() if secret in seen and secret != "wrong"] == []


def _everything(caplog: pytest.LogCaptureFixture) -> str:
    return " ".join(
        f"{record.getMessage()} {record.__dict__}"
        for record in caplog.records
        if record.name.startswith("chalicelib")
    )


@every
def test_no_secret_contact_or_content_is_seen(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    contact = bench.contact()
    with caplog.at_level(logging.INFO), bench.session() as session:
        call = bench.call(contact, token=session.token())
        answer = session.send(call)
        seen = f"{bench.account!r} {call!r} {answer!r} {session!r} {bench.provider!r}"
        if bench.entry.sends:
            bench.meddle(
                _page(
                    200,
                    b'{"errcode": 99999, "code": "99999", "result": -99999, "error": {"code": 99999}}',
                )
            )
            with pytest.raises(ProviderError) as raised:
                session.send(call)
            seen += f" {raised.value} {raised.value!r}"
    seen += _everything(caplog)
    ids = f"{answer.provider_id} {[outcome.provider_id for outcome in answer.outcomes]}"
    marks = [*bench.secrets(), *VALUES.values(), *([] if contact in ids else [contact])]
    assert [mark for mark in marks if mark in seen] == []


@every
def test_credentials_are_what_the_capabilities_say(bench: Bench) -> None:
    able, provider = bench.provider.capabilities, bench.provider
    provider.check_credentials(bench.credentials, bench.made.options)
    assert set(bench.credentials) <= set(able.credentials)
    assert set(bench.made.options) <= set(able.options)
    for where, settings_, named in (
        ("credentials", bench.credentials, able.credentials),
        ("options", bench.made.options, able.options),
    ):
        for name in (name for name, required in named.items() if required):
            less = {key: value for key, value in settings_.items() if key != name}
            with pytest.raises(Invalid) as raised:
                provider.check_credentials(
                    *(
                        (less, bench.made.options)
                        if where == "credentials"
                        else (bench.credentials, less)
                    )
                )
            assert raised.value.field == f"{where}.{name}"
    with pytest.raises(Invalid) as raised:
        provider.check_credentials({**bench.credentials, "pigeon": "1"}, bench.made.options)
    assert raised.value.field == "credentials.pigeon"


@every
def test_what_may_be_left_out_may_be_left_out(bench: Bench) -> None:
    able = bench.provider.capabilities
    least = {name: value for name, value in bench.credentials.items() if able.credentials[name]}
    bench.provider.check_credentials(
        least, {name: value for name, value in bench.made.options.items() if able.options[name]}
    )


JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.lists(st.integers(), max_size=2)
    | st.just({"a": [{}]})
)


@pytest.mark.hypothesis
@every
def test_whatever_an_operator_enters_is_taken_or_refused_by_name(bench: Bench) -> None:
    able, provider = bench.provider.capabilities, bench.provider

    @examples(60)
    @given(
        st.dictionaries(st.sampled_from(sorted(able.credentials)), JUNK),
        st.dictionaries(st.sampled_from(sorted(able.options)), JUNK),
    )
    def try_settings(credentials: dict[str, Any], options: dict[str, Any]) -> None:
        with contextlib.suppress(Invalid):
            provider.check_credentials(
                {**bench.credentials, **credentials}, {**bench.made.options, **options}
            )

    keys = st.sampled_from(
        sorted(_keys(bench.at_sandbox.content) | {"", "type", "text", "msgtype"})
    )
    nested = st.recursive(
        JUNK,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=4),
        max_leaves=6,
    )

    @examples(60)
    @given(st.dictionaries(keys, nested, max_size=5))
    def try_content(content: dict[str, Any]) -> None:
        with contextlib.suppress(Invalid):
            provider.check_content({**content})
        with contextlib.suppress(Invalid):
            provider.check_content({**bench.at_sandbox.content, **content})

    try_settings()
    try_content()
    provider.check_content(bench.at_sandbox.content)


def _keys(content: Any) -> set[str]:
    if isinstance(content, dict):
        return set(content).union(*(_keys(each) for each in content.values()))
    return set().union(*(_keys(each) for each in content)) if isinstance(content, list) else set()


# ---- receipts


def _names(bench: Bench, answer: Any) -> set[str]:
    """Every name under which a receipt may speak of this answer."""
    ids = [answer.provider_id, *(outcome.provider_id for outcome in answer.outcomes)]
    return {name for each in ids if each for part in parts_of(each) for name in names_of(part)}


@pytest.mark.parametrize("platform", WITH_WEBHOOK)
def test_a_receipt_names_its_delivery_and_reads_the_same_when_it_comes_again(
    box: Sandbox, platform: str
) -> None:
    with webhook() as hook:
        bench = Bench(box, platform, hook)
        contact = bench.contact(bench.entry.word)
        answer = bench.send(contact, content=bench.entry.told)
        seen = eventually(lambda: next(iter(hook.seen), None))
        read: Webhook = bench.read(seen)
        kinds = {receipt.kind for receipt in read.receipts}
        assert kinds == {
            ReceiptKind.CLICKED if bench.entry.word == "click" else ReceiptKind.DELIVERED
        }
        assert {receipt.provider_id for receipt in read.receipts} <= _names(bench, answer)
        if bench.provider.capabilities.provider_ids is ProviderIds.PER_CALL:
            assert {receipt.contact for receipt in read.receipts} == {contact}
        assert bench.read(seen).receipts == read.receipts
        if bench.entry.unknown is not None:
            strange = bench.provider.read_webhook(
                changed(seen, *bench.entry.unknown),
                bench.provider.webhook_secret(bench.credentials),
            )
            assert {receipt.kind for receipt in strange.receipts} == {ReceiptKind.OTHER}
            assert all(receipt.code for receipt in strange.receipts)
        _check_forged(bench, seen)


def _check_forged(bench: Bench, seen: Any) -> None:
    """Somebody else's secret, or what stands for one where the vendor signs nothing."""
    bench.with_wrong_credentials()
    if "receiver" in bench.provider.capabilities.credentials:
        bench.credentials |= {"receiver": "us", "pswd": "a word"}
    with pytest.raises(Unverified):
        bench.read(seen)


@pytest.mark.hypothesis
@every
def test_whatever_is_posted_is_read_or_refused(bench: Bench) -> None:
    secret = bench.provider.webhook_secret(bench.credentials)
    words = st.sampled_from(
        [
            "",
            "0",
            "1",
            "echostr",
            "signature",
            "msg_signature",
            "timestamp",
            "nonce",
            "SMS_REPORT",
            "%",
            "é",
        ]
    ) | st.text(max_size=8)

    @examples(60)
    @given(
        st.sampled_from(["GET", "POST", "PUT", ""]),
        st.dictionaries(words, words, max_size=4),
        st.dictionaries(words, words, max_size=4),
        st.binary(max_size=60)
        | st.dictionaries(st.sampled_from(NAMES), VALUES_OF, max_size=4).map(_json),
    )
    def try_it(method: str, headers: dict[str, str], query: dict[str, str], body: bytes) -> None:
        try:
            bench.provider.read_webhook(
                WebhookRequest(method, headers, query, body, 1_700_000_000_000), secret
            )
        except (Unverified, Invalid):
            return
        assert bench.platform in WITH_WEBHOOK  # what reports nothing takes nothing

    try_it()


@pytest.mark.parametrize("platform", POLLED)
def test_a_poll_tells_what_was_delivered(bench: Bench) -> None:
    contact = bench.contact()
    answer = bench.send(contact)
    wanted = {answer.provider_id: [contact]} if answer.provider_id else {}
    found: list[Receipt] = []
    with bench.session() as session:

        def ask() -> list[Receipt]:
            found.extend(each for each in session.poll(wanted) if isinstance(each, Receipt))
            return found

        eventually(ask)
        session.poll(wanted)
    assert {receipt.kind for receipt in found} == {ReceiptKind.DELIVERED}
    assert {receipt.provider_id for receipt in found} <= _names(bench, answer)


@every
def test_what_was_sent_is_taken_back_where_the_provider_can(bench: Bench) -> None:
    contact = bench.contact()
    answer = bench.send(contact)
    with bench.session() as session:
        if not bench.provider.capabilities.recall:
            with pytest.raises(Rejected):
                session.recall(answer.provider_id, [contact])
            return
        (outcome,) = session.recall(answer.provider_id, [contact])
        assert outcome.loss is None
        (again,) = session.recall(answer.provider_id, [contact])
        assert again.loss in (None, Loss.SUBMIT_FAILED)  # vendors differ in what they say then
