"""Short links: a token says where it belongs, and nobody else can make one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import links
from chalicelib.domain.errors import NotFound
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.plans import ChunkId
from chalicelib.flow.content.render import link_token, read_link
from tests.builders import a_message
from tests.fakes.secrets import FakeVault

MESSAGE = a_message(links={"url": "https://a.example", "more_url": "https://b.example"})


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 499),
    st.integers(0, 300),
    st.sampled_from(["url", "more_url"]),
)
def test_a_token_leads_back_to_its_delivery(
    chunk: int, target: int, contact: int, variable: str
) -> None:
    token = link_token(
        FakeVault(),
        MESSAGE,
        ChunkId(MESSAGE.msgid, chunk),
        DeliveryRef(target, "push", contact),
        variable,
    )
    link = read_link(FakeVault(), token)
    assert (link.chunk, link.target, link.contact) == (
        ChunkId(MESSAGE.msgid, chunk),
        target,
        contact,
    )
    assert sorted(MESSAGE.links)[link.variable] == variable
    assert len(token) == 36


@given(st.integers(0, 35), st.sampled_from("ABCxyz019-_"))
def test_no_character_of_a_token_can_be_changed(position: int, other: str) -> None:
    token = link_token(
        FakeVault(), MESSAGE, ChunkId(MESSAGE.msgid, 0), DeliveryRef(0, "push", 0), "url"
    )
    changed = token[:position] + other + token[position + 1 :]
    if changed != token:
        with pytest.raises(NotFound):
            read_link(FakeVault(), changed)


@given(st.text(max_size=60))
def test_any_other_text_is_no_link(text: str) -> None:
    with pytest.raises(NotFound):
        read_link(FakeVault(), text)


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("https://a.cn/报告.pdf", "https://a.cn/%E6%8A%A5%E5%91%8A.pdf"),
        ("https://a.cn/a b.pdf?x=中", "https://a.cn/a%20b.pdf?x=%E4%B8%AD"),
        ("https://a.cn/%E6%8A%A5告", "https://a.cn/%E6%8A%A5%E5%91%8A"),
        ("https://例子.cn/a", "https://xn--fsqu00a.cn/a"),
        ("https://a.cn/a?b=c#d", "https://a.cn/a?b=c#d"),
        ("https://a.cn/中\n", "https://a.cn/中\n"),
    ],
)
def test_an_address_is_asked_for_as_browsers_do(address: str, asked: str) -> None:
    assert links.uri(address) == asked
