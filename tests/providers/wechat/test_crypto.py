from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.providers.wechat import crypto
from chalicelib.providers.wechat.crypto import CallbackCrypto, read_tree, read_xml

KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
CORP = "wx49f0ab532d5d035a"
ECHO = "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q=="
SIGNED = "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96"


def envelope(receiver: str = CORP) -> CallbackCrypto:
    return CallbackCrypto("123456", KEY, receiver)


def test_the_published_vector_of_the_plain_signature() -> None:
    assert (
        crypto.signature("test", "1410685589", "test") == "f21891de399b4e33a1a93c9a7b8a8fffb5a443ff"
    )


def test_the_published_vector_of_the_envelope() -> None:
    envelope().verify(SIGNED, "1411443780", "437374425", ECHO)
    assert envelope().decrypt(ECHO) == "5927782489442352469"


@pytest.mark.parametrize(
    ("signed", "timestamp", "nonce", "encrypted"),
    [
        ("", "1411443780", "437374425", ECHO),
        ("0" * 40, "1411443780", "437374425", ECHO),
        (SIGNED, "1411443781", "437374425", ECHO),
        (SIGNED, "1411443780", "437374426", ECHO),
        (SIGNED, "1411443780", "437374425", "x" + ECHO),
        ("\ud800", "1411443780", "\ud800", ECHO),
    ],
)
def test_anything_else_is_not_signed(
    signed: str, timestamp: str, nonce: str, encrypted: str
) -> None:
    with pytest.raises(Unverified):
        envelope().verify(signed, timestamp, nonce, encrypted)


@given(st.text())
def test_any_text_comes_back(plain: str) -> None:
    try:
        raw = plain.encode()
    except UnicodeEncodeError:
        return
    opened = envelope().decrypt(envelope().seal(plain))
    assert opened.encode() == raw


def test_an_answer_is_signed_and_opens() -> None:
    answer = read_xml(envelope().encrypt("success", "n", "1").encode())
    envelope().verify(
        answer["MsgSignature"], answer["TimeStamp"], answer["Nonce"], answer["Encrypt"]
    )
    assert envelope().decrypt(answer["Encrypt"]) == "success"


def test_what_is_meant_for_another_receiver_is_not_ours() -> None:
    with pytest.raises(Unverified, match="receiver"):
        envelope("wx0000000000000000").decrypt(ECHO)


@pytest.mark.parametrize(
    "encrypted", ["", "x", "é", "AAAA", base64.b64encode(bytes(64)).decode(), "\ud800"]
)
def test_what_was_not_encrypted_with_the_key_does_not_open(encrypted: str) -> None:
    with pytest.raises(Unverified):
        envelope().decrypt(encrypted)


@given(
    st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode()) | st.text(max_size=100)
)
def test_no_ciphertext_brings_another_error(encrypted: str) -> None:
    with pytest.raises(Unverified):
        envelope().decrypt(encrypted)


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY + "A", KEY[:-1] + "-", "é" * 43])
def test_a_key_has_43_characters_of_base64(key: str) -> None:
    assert not crypto.is_aes_key(key)
    with pytest.raises(Invalid, match="encoding_aes_key"):
        CallbackCrypto("t", key, "r")


def test_xml_is_read_as_texts_and_trees() -> None:
    body = (
        b"<xml><A>1</A><B><![CDATA[<!DOCTYPE x>&]]></B><C><D>x</D><D>y</D></C>"
        b"<E/><E>2</E><E>3</E> </xml>"
    )
    assert read_tree(body) == {
        "A": "1",
        "B": "<!DOCTYPE x>&",
        "C": {"D": ["x", "y"]},
        "E": ["", "2", "3"],
    }
    assert read_xml(body) == {"A": "1", "B": "<!DOCTYPE x>&"}


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><xml><A>&b;</A></xml>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (BOMB, "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>', "document type"),
        (b"<xml><A>&b;</A></xml>", "readable"),
        (b"", "readable"),
        (b"<xml>", "readable"),
        (b"<xml>\x00</xml>", "readable"),
        (b"<xml>\xff</xml>", "readable"),
        (b"<xml>" + b"<A>" * 8 + b"</A>" * 8 + b"</xml>", "too many"),
        (b"<xml>" + b"<A/>" * crypto.MAX_ELEMENTS + b"</xml>", "too many"),
        (b"<xml>" + b" " * crypto.MAX_XML + b"</xml>", "bytes"),
    ],
)
def test_xml_that_could_harm_or_that_is_none_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        read_tree(body)


def test_the_limits_themselves_are_allowed() -> None:
    assert read_tree(b"<xml>" + b"<A>" * 7 + b"</A>" * 7 + b"</xml>")
    assert (
        len(read_tree(b"<xml>" + b"<A/>" * (crypto.MAX_ELEMENTS - 1) + b"</xml>")["A"])
        == crypto.MAX_ELEMENTS - 1
    )
    assert read_tree(b"<xml>" + b" " * (crypto.MAX_XML - 11) + b"</xml>") == {}


@given(
    st.binary()
    | st.text().map(lambda inner: f"<xml><A>{inner}</A></xml>".encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_tree_or_invalid(body: bytes) -> None:
    try:
        tree: Any = read_tree(body)
    except Invalid:
        return
    assert isinstance(tree, dict)
