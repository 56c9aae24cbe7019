"""The egress policy: URLs as settings, and connections."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Unavailable
from chalicelib.web.egress import Policy
from tests import ports
from tests.web.resolving import resolver


@pytest.mark.parametrize(
    "url",
    [
        "",
        "name.example",
        "//name.example/",
        "ftp://name.example/",
        "file:///etc/passwd",
        "gopher://name.example/",
        "https://",
        "https:///path",
        "https://user:pass@name.example/",
        "https://user@name.example/",
        "https://@name.example/",
        "https://name.example:99999/",
        "https://name.example:x/",
        "https://name.example:22/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/",
        "https://10.0.0.1:22/",
        "http://name.example/",
        "http://8.8.8.8/",
        "https://name.example/\r\nx",
        "https://name.example\\@other.example/",
        "https://name .example/",
        "https://n\u00e4me.example/",
        "https://name.example/" + "x" * 3000,
    ],
)
def test_an_address_that_can_never_be_used_is_refused_when_it_is_entered(url: str) -> None:
    refusal = Policy().refusal(url)
    if url == "https://name.example:22/":
        assert refusal is None  # names are judged when they are resolved
    else:
        assert refusal


@pytest.mark.parametrize(
    "url", ["https://name.example", "https://name.example:8443/base", "https://8.8.8.8/"]
)
def test_an_https_address_is_accepted(url: str) -> None:
    assert Policy().refusal(url) is None


def test_plain_http_is_for_hosts_on_the_allow_list() -> None:
    policy = Policy(("127.0.0.1", "sandbox.test"))
    assert policy.refusal("http://127.0.0.1:9000/jpush") is None
    assert policy.refusal("http://sandbox.test:9000/jpush") is None
    assert policy.refusal("http://127.0.0.2:9000/jpush")


@given(st.text(max_size=60))
def test_any_text_is_judged_without_an_error(url: str) -> None:
    Policy().refusal(url)
    Policy().refusal("https://" + url)
    Policy().lists(url)


def test_the_address_that_was_checked_is_the_one_connected_to() -> None:
    """DNS rebinding: the name answers differently the second time.

    The policy asks only once.
    """
    answers = [["127.0.0.1"], ["10.255.255.1"]]
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return answers.pop(0)

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connection = Policy(("127.0.0.1",), rebinding).connect("rebinding.test", port, timeout=2)
        with connection:
            assert connection.getpeername() == ("127.0.0.1", port)
    assert asked == ["rebinding.test"]


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        policy = Policy(("127.0.0.0/8",), resolver("127.0.0.2", "127.0.0.1"))
        with policy.connect("name.test", port, timeout=2) as connection:
            assert connection.getpeername()[0] == "127.0.0.1"


def test_nobody_listening_is_unavailable() -> None:
    with ports.taken() as port, pytest.raises(Unavailable, match="connect"):
        Policy(("127.0.0.1",)).connect("127.0.0.1", port, timeout=2)
