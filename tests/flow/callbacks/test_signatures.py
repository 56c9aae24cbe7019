"""Receivers verify callbacks with the library of Standard Webhooks."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.domain.callbacks import signature
from chalicelib.domain.rules.callbacks import Auth
from chalicelib.flow import provider_query
from chalicelib.manage import callbacks
from chalicelib.ports import Reply
from tests.builders import SHOP
from tests.fakes.callbacks import Posted
from tests.fakes.world import FakeWorld
from tests.flow.callbacks import shop
from tests.flow.callbacks.shop import run
from tests.flow.callbacks.test_deliver import send

# The vector of the reference libraries (standard-webhooks, libraries/python/tests).
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def signed(auth: Auth = Auth.SIGNATURE) -> tuple[FakeWorld, str]:
    """Return a shop whose callbacks are signed, on the real time, and its signing secret."""
    fake = shop.a_shop()
    fake.clock.time = round(time.time() * 1000)
    secret = "" if auth is Auth.SIGNATURE else shop.SECRET
    address, signing = shop.add(fake, "https://signed.example", auth=auth, secret=secret)
    callbacks.change(fake.ports, SHOP, None, {"default": address.id})
    return fake, signing


def verify(posted: Posted, secret: str) -> object:
    return Webhook(secret).verify(posted.body, dict(posted.headers))


def test_the_signature_is_that_of_the_standards_own_vector() -> None:
    body = b'{"test": 2432232314}'
    made = signature([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == VECTOR
    at = datetime.fromtimestamp(1614265330, UTC)
    ours = Webhook(SECRET).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, body.decode())
    assert made == ours


@pytest.mark.parametrize("auth", [Auth.SIGNATURE, Auth.BOTH])
def test_the_library_verifies_a_callback_and_refuses_a_changed_one(auth: Auth) -> None:
    fake, secret = signed(auth)
    send(fake, 3)
    run(fake)
    (posted,) = fake.receivers.posts
    assert verify(posted, secret) == posted.records
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(posted.body + b" ", dict(posted.headers))
    assert ("authorization" in posted.headers) == (auth is Auth.BOTH)
    assert secret.encode() not in posted.body
    assert secret not in str(posted.headers)


def test_a_retry_has_the_same_id_and_a_time_of_its_own() -> None:
    fake, secret = signed()
    replies = iter([Reply(500)])
    fake.receivers.answer = lambda url: next(replies, Reply(200))
    send(fake)
    run(fake)
    first, second = fake.receivers.posts
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert verify(second, secret) == second.records


def test_an_old_signing_secret_works_for_its_grace_and_not_longer() -> None:
    fake, old = signed()
    address = shop.addresses(fake)[-1]
    _, new = callbacks.rotate(fake.ports, SHOP, None, address.id, 120)
    send(fake)
    run(fake)
    for secret in (old, new):
        assert verify(fake.receivers.posts[0], secret)
    fake.clock.advance(121)
    send(fake, 1, 2)
    run(fake)
    assert verify(fake.receivers.posts[1], new)
    with pytest.raises(WebhookVerificationError):
        verify(fake.receivers.posts[1], old)


@pytest.mark.parametrize(
    ("echo", "code"),
    [
        (lambda text: Reply(200, "", text.encode()), ""),
        (lambda text: Reply(200, "", b"ok"), "wrong_echo"),
        (lambda text: Reply(204, "", text.encode()), "status_204"),
        (lambda text: Reply(0, "timeout"), "timeout"),
    ],
)
def test_an_address_is_tested_by_an_echo_with_the_same_header(echo: object, code: str) -> None:
    fake = shop.a_shop()
    fake.receivers.echo = echo  # type: ignore[assignment]
    id = callbacks.test(fake.ports, SHOP, shop.addresses(fake)[0].id)
    run(fake)
    result = provider_query.result(fake.ports, id)
    assert result is not None
    assert result.code == code
    assert fake.receivers.posts[0].headers["authorization"].startswith("Basic ")


def test_a_test_that_comes_twice_calls_once_and_its_first_result_stands() -> None:
    fake = shop.a_shop()
    fake.receivers.echo = lambda text: Reply(200, "", text.encode())
    id = callbacks.test(fake.ports, SHOP, shop.addresses(fake)[0].id)
    (envelope,) = fake.queues.sent
    run(fake)
    fake.receivers.echo = lambda text: Reply(0, "timeout")
    fake.ports.queues.send([envelope])
    run(fake)
    assert provider_query.result(fake.ports, id) == provider_query.QueryResult()
    assert len(fake.receivers.posts) == 1
