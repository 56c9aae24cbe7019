"""Contacts: one identity for every spelling, one canonical spelling to store and send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from tests.domain.spellings import mailboxes_with_spellings, numbers_with_spellings

SMS, EMAIL, APP = ChannelType.SMS, ChannelType.EMAIL, ChannelType.APP
WECOM, LINKED = ChannelType.WECHATWK, ChannelType.WECHATWK_LINKEDCORP

HONG_KONG = (
    "85291234567",
    "+85291234567",
    "0085291234567",
    "852-9123 4567",
    "+852 9123 4567",
    "(852) 9123.4567",
    "852\u20119123\u00a04567",
    "\uff0b\uff18\uff15\uff12\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
    "852\u200b91234567",
    "\u0668\u0665\u0662\u0669\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
)
CHINA = (
    "13800138000",
    "8613800138000",
    "+8613800138000",
    "+86 138 0013 8000",
    "0086-138-0013-8000",
    "+86 (0)138 0013 8000",
    "013800138000",
    "\u202d13800138000\u202c",
)


@pytest.mark.parametrize("spelling", HONG_KONG)
def test_a_number_abroad_is_e164(spelling: str) -> None:
    assert contacts.canonical(SMS, spelling) == contacts.identity(SMS, spelling) == "+85291234567"


@pytest.mark.parametrize("spelling", CHINA)
def test_a_mobile_number_of_the_mainland_is_its_eleven_digits(spelling: str) -> None:
    assert contacts.canonical(SMS, spelling) == contacts.identity(SMS, spelling) == CHINA[0]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("+1 305 555 1234", "+13055551234"),
        ("13055551234", "13055551234"),  # of the mainland
        ("+44 (0)7911 123456", "+447911123456"),
        ("010-8888 6666", "+861088886666"),
        ("10086", "10086"),
        ("10690001", "10690001"),  # not the number of seven digits in North America
        ("+91234567", "91234567"),
        ("1064812345678", "1064812345678"),  # a thing's, which has 13 digits
        ("+1064812345678", "1064812345678"),
        ("1234", None),
        ("1" * 21, None),
        ("13800138000 ext. 5", None),
        ("tel:+85291234567", None),
        ("+000123456", None),
        ("", None),
        ("\u200b", None),
    ],
)
def test_other_numbers(text: str, canonical: str | None) -> None:
    assert contacts.canonical(SMS, text) == canonical


@pytest.mark.parametrize(
    ("text", "canonical", "identity"),
    [
        ("Ann.Lee@Example.COM", "Ann.Lee@example.com", "ann.lee@example.com"),
        ("ann@exam\u200bple.com", "ann@example.com", "ann@example.com"),
        ("a\u00adn\u200dn@example.com", "ann@example.com", "ann@example.com"),
        ("ann@example\u3002com", "ann@example.com", "ann@example.com"),
        ("\uff21nn\uff20example\uff0ecom", "Ann@example.com", "ann@example.com"),
        ("ann@\u4f8b\u5b50.\u4e2d\u56fd", "ann@xn--fsqu00a.xn--fiqs8s", None),
        ("ann@XN--FSQU00A.xn--fiqs8s", "ann@xn--fsqu00a.xn--fiqs8s", None),
        ("jose\u0301@example.com", "jos\u00e9@example.com", "jos\u00e9@example.com"),
    ],
)
def test_addresses(text: str, canonical: str, identity: str | None) -> None:
    assert contacts.canonical(EMAIL, text) == canonical
    assert contacts.identity(EMAIL, text) == (identity or canonical)


@pytest.mark.parametrize(
    "text",
    [
        *("ann", "a@b@c", "a b@c.cn", "a..b@c.cn", ".a@c.cn", "a@c_d.cn", "a@c.cn.", "=?x?=@c.cn"),
        *("a@" + "b" * 253, "a" * 65 + "@b.cn", "a@\u2603.net", "a\n@b.cn", "\u200b@b", "\ud800@b"),
    ],
)
def test_what_no_server_takes_is_no_address(text: str) -> None:
    assert contacts.canonical(EMAIL, text) is None


@pytest.mark.parametrize(
    ("kind", "first", "second", "same"),
    [
        (WECOM, "ZhangSan", "zhangsan", True),
        (LINKED, "CorpId/ZhangSan", "CorpId/zhangsan", True),
        (LINKED, "CorpId/ZhangSan", "corpid/ZhangSan", False),
        (ChannelType.DINGTALK_CC, "Manager", "manager", False),
        (ChannelType.WECHATOA, "oAbC", "oabc", False),
        (ChannelType.ALIPAY_LIFE, "\uff12\uff10\uff18\uff18102122458832", "2088102122458832", True),
        (APP, "191e35f7\u200b", " 191e35f7", True),
        (APP, "191E35F7", "191e35f7", False),
    ],
)
def test_ids_of_vendors(kind: ChannelType, first: str, second: str, same: bool) -> None:
    assert contacts.same(kind, first, second) is same


@pytest.mark.parametrize(
    "blank", ["", " ", "\u200b", "\ufeff", "\u3164", "\u2800", "\u3000", "a b"]
)
def test_an_id_that_shows_nothing_or_has_spaces_is_none(blank: str) -> None:
    assert [contacts.canonical(kind, blank) for kind in ChannelType if kind is not SMS] == [
        None
    ] * (len(ChannelType) - 1)


@given(numbers_with_spellings())
def test_however_a_number_is_written_it_is_one_number(written: tuple[str, ...]) -> None:
    assert len({contacts.identity(SMS, spelling) for spelling in written}) == 1


@given(mailboxes_with_spellings())
def test_however_an_address_is_written_it_is_one_mailbox(written: tuple[str, ...]) -> None:
    assert len({contacts.identity(EMAIL, spelling) for spelling in written}) == 1


@given(st.sampled_from(ChannelType), st.text(max_size=40) | st.from_regex(r"[+0-9 ]{5,22}"))
def test_what_is_canonical_stays_so(kind: ChannelType, text: str) -> None:
    identity, canonical = contacts.identity(kind, text), contacts.canonical(kind, text)
    assert contacts.identity(kind, identity) == identity
    if canonical is not None:
        assert contacts.canonical(kind, canonical) == canonical
        assert contacts.same(kind, text, canonical)
    assert contacts.opt_out_names(kind, text)[0] == contacts.owner_names(kind, text)[0] == identity


def test_the_names_of_earlier_releases_are_looked_up_and_usual_contacts_have_none() -> None:
    assert contacts.opt_out_names(SMS, "+86 138 0013 8000") == ("13800138000",)
    assert contacts.opt_out_names(EMAIL, "Ann@Example.com") == ("ann@example.com",)
    assert contacts.opt_out_names(SMS, "852-91234567") == (
        "+85291234567",
        "85291234567",
        "0085291234567",
    )
    assert "13055551234" not in contacts.owner_names(SMS, "+13055551234"), "somebody else's"
    assert set(contacts.owner_names(SMS, "13800138000")) == {
        f"{prefix}13800138000" for prefix in ("", "+86", "86", "0086")
    }
    assert "x@\u4e2d\u56fd.cn" in contacts.opt_out_names(EMAIL, "X@xn--fiqs8s.cn")
