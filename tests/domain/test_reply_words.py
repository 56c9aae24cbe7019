"""Replies that opt out or in, and sentences that only contain such a word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import channel_options, reply_words

OUT = """
TD|td| T D |ＴＤ|td.|【TD】|退订|“退订”|T|N|n!|R|r|Ｒ|Stop|STOP ALL|unsubscribe|拒收|取消
取消订阅|请退订|请 退订|请，退订！|麻烦退订|麻烦您退订一下|您好，请退订，谢谢|我要退订|我想退订
帮我退订|请帮我退订谢谢|申请退订|退订谢谢|退订，谢谢！|退订。谢谢您|退订了|退订吧|退订短信
回复TD|回复R|TD退订|T退订|回复T 退订|请TD|td谢谢|请取消订阅|Stop. Thank you|stop, thanks
STOP!!!|Please stop|pls stop now|TD please|N thanks|stop 🙏|“Stop”|Stop |end|quit|cancel
"""
IN = "START|start |订阅|ｓｔａｒｔ|subscribe|请重新订阅|恢复订阅，谢谢|please start|unstop. Thanks"
NEITHER = """
。|not td|no|不|退订吗|怎么退订|如何退订？|我不想退订|我不要退订|不退订|别退订|不取消
不要取消订阅|退订不了|为什么要退订|退订流程是什么|R u there|R U OK|T恤有货吗|T-shirt|N95口罩|n1
Td bank|tdx|stopping by|stop by at 5|bus stop|please don't stop|start over|never stop
取消我的预约|取消订单|拒收快递|请问|谢谢|请|Thank you|i want to|ok|🙂|订阅号|无需订阅|不订阅
end of the month|weekend|cancel my order
"""


def listed(texts: str) -> list[str]:
    return [text for line in texts.strip("\n").split("\n") for text in line.split("|")]


@pytest.mark.parametrize("text", listed(OUT))
def test_a_word_opts_out_with_whatever_people_and_telephones_add(text: str) -> None:
    assert channel_options.of({}).wants_out(text) is True


@pytest.mark.parametrize("text", listed(IN))
def test_a_word_opts_in_again(text: str) -> None:
    assert channel_options.of({}).wants_out(text) is False


@pytest.mark.parametrize("text", ["", *listed(NEITHER), "T" * 5000, "TD " * 30, "\ud800"])
def test_a_sentence_with_such_a_word_is_neither(text: str) -> None:
    assert channel_options.of({}).wants_out(text) is None


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert channel_options.of({}).wants_out(text) in (True, False, None)


@given(st.text(st.sampled_from("tT 退订请谢a")), st.lists(st.text(max_size=3), max_size=5))
def test_a_word_by_itself_is_always_understood(text: str, words: list[str]) -> None:
    assert reply_words.asks(text, [*words, text]) is (
        bool(reply_words.plain(text)) and len(text) <= reply_words.LONGEST
    ) or reply_words.asks(text, words)


def test_words_that_overlap_cost_no_more_than_others() -> None:
    """An operator's words may be read in very many ways, of which none fits."""
    assert not reply_words.asks("退" * (reply_words.LONGEST - 1) + "!x", ["退", "退退", "退退退"])
