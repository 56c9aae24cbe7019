"""Addresses that people may be led to, and those that they may not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.links import MAX_ADDRESS, refusal


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.example",
        "http://shop.example/",
        "HTTPS://Shop.example:8443/a?b=c&d=%20#e",
        "https://shop.example?q=a@b.example",
        "https://a.cn/商品 1",
        "https://商城.example/",
        "https://shop.example/@ann",
        "https://shop.example/\\",
        "https://shop.example/\u202e",
        "http://10.0.0.5/oa",
        "http://oa/",
        "http://localhost:8080",
        "https://[2001:db8::1]/a",
        "https://[::1]:8443/",
        "https://a.example/".ljust(MAX_ADDRESS, "x"),
        "https://a.example/" + "é" * ((MAX_ADDRESS - 18) // 2),
    ],
)
def test_an_address_that_people_may_be_led_to(address: str) -> None:
    """Private ones, too: it is the person's browser that opens them."""
    assert refusal(address) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "http"),
        ("shop.example", "http"),
        ("//shop.example", "http"),
        ("ftp://shop.example", "http"),
        ("javascript:alert(1)", "http"),
        ("data:text/html,x", "http"),
        (" https://shop.example", "http"),
        ("dingtalk://dingtalkclient/page/link?url=https://a.example", "http"),
        ("https:shop.example", "http"),
        ("https:/shop.example", "http"),
        ("https://", "host"),
        ("https:///shop.example", "host"),
        ("https://?a", "host"),
        ("https://#a", "host"),
        ("https://:443/", "host"),
        ("https://a b.example", "host"),
        ("https://a.example\\b.example/", "host"),
        ("https://a%2eexample/", "host"),
        ("https://{{host}}/", "host"),
        ("https://ann@shop.example", "user"),
        ("https://bank.example:x@evil.example/", "user"),
        ("https://bank.example\\@evil.example", "user"),
        ("https://@shop.example", "user"),
        ("https://shop.example:99999/", "no address"),
        ("https://shop.example:x/", "no address"),
        ("https://[::1/", "no address"),
        ("https://a.example\uff0fevil.example", "no address"),
        ("https://shop.example/\r\nSet-Cookie: x=1", "control"),
        ("https://shop.example/\x00", "control"),
        ("https://sh\top.example", "control"),
        ("https://shop.example/\x7f", "control"),
        ("https://shop.example/\x85", "control"),
        ("https://shop.example/\ud800", "control"),
        ("https://a.example/".ljust(MAX_ADDRESS + 1, "x"), "2048"),
        ("https://a.example/" + "é" * 1016, "2048"),
    ],
)
def test_an_address_that_people_may_not_be_led_to(address: str, reason: str) -> None:
    assert reason in (refusal(address) or "")


@given(
    st.text()
    | st.text(max_size=40).map("https://{}".format)
    | st.text(max_size=40).map("https://shop.example{}".format)
)
def test_what_is_refused_and_why_is_said_of_any_text(address: str) -> None:
    if refusal(address) is None:
        assert address.lower().startswith(("https://", "http://"))
        assert len(address.encode()) <= MAX_ADDRESS
        assert not any(unicodedata.category(character) == "Cc" for character in address)
