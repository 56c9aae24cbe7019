"""Receivers of callbacks are called behind the egress policy, and their answers are bounded."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Unavailable, Uncertain
from chalicelib.ports import Reply
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Request, Response
from chalicelib.web.receivers import MOST, Receivers

URL = "https://shop.example/callbacks"


class Transport:
    """A transport that answers or raises."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.requests = answer, list[Request]()

    def send(self, request: Request, timeout: float) -> Response:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return Response(200, {}, b"ok") if self.answer is None else self.answer


def receivers(answer: Any = None) -> tuple[Receivers, Transport]:
    policy, transport = Policy(), Transport(answer)
    return Receivers(policy, 5, Http(policy, 5, transport)), transport


def test_a_post_has_the_body_and_the_headers_and_bounds_the_answer() -> None:
    ours, transport = receivers()
    assert ours.post(URL, {"webhook-id": "1"}, b"[]") == Reply(200, "", b"ok")
    (request,) = transport.requests
    assert (request.method, request.url, request.body, request.most) == ("POST", URL, b"[]", MOST)
    assert request.headers["webhook-id"] == "1"
    assert request.headers["content-type"] == "application/json; charset=utf-8"


def test_a_test_adds_its_echo_to_the_query() -> None:
    ours, transport = receivers()
    ours.get(f"{URL}?a=b", {}, {"echostr": "x"})
    assert transport.requests[0].url == f"{URL}?a=b&echostr=x"


@pytest.mark.parametrize("error", [Unavailable("connect"), Uncertain("timeout")])
def test_an_error_is_a_reply_without_a_status(error: Exception) -> None:
    ours, _ = receivers(error)
    assert ours.post(URL, {}, b"[]") == Reply(0, str(error))


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://user:pass@shop.example/",
        "ftp://shop.example/",
    ],
)
def test_an_address_that_egress_forbids_is_refused_when_saved_and_when_called(url: str) -> None:
    ours, transport = receivers()
    assert ours.refusal(url) is not None
    assert ours.post(url, {}, b"[]") == Reply(0, "egress_url")
    assert transport.requests == []


def test_a_redirect_is_an_answer_like_others() -> None:
    ours, _ = receivers(Response(302, {"location": "https://10.0.0.1/"}, b""))
    assert ours.post(URL, {}, b"[]").status == 302
