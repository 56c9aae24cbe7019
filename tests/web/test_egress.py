"""The egress policy: addresses, ports and origins."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Misconfigured, Unavailable
from chalicelib.web.egress import MAIL_PORTS, Blocked, Policy, is_public, system_resolve
from tests.web.resolving import resolver


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.169.254",  # metadata of most clouds
        "169.254.170.2",  # credentials of containers
        "100.100.100.200",  # metadata of Alibaba Cloud
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.192",  # metadata of Oracle Cloud
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::10.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:0a00:0001::1",
        "2002:0808:0808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",  # metadata of EC2
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_an_address_that_is_not_on_the_public_internet_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(Blocked):
        Policy(resolve=resolver(address)).check("name.example", 443)
    with pytest.raises(Blocked):
        Policy().check(address, 443)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert Policy(resolve=resolver(address)).check("name.example", 443) == (address,)


@given(st.ip_addresses(v=4))
def test_wrapping_an_ipv4_address_in_ipv6_never_makes_it_public(address: IPv4Address) -> None:
    for prefix in (0, 0xFFFF << 32, 0x64FF9B << 96):
        wrapped = IPv6Address(prefix | int(address))
        assert not is_public(wrapped) or is_public(address)
    assert not is_public(IPv6Address((0x2002 << 112) | (int(address) << 80)))


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: IPv4Address | IPv6Address) -> None:
    if address.is_private or address.is_multicast or address.is_loopback or address.is_link_local:
        embedded = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        assert is_public(address) == (embedded is not None and is_public(embedded))


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    with pytest.raises(Blocked):
        Policy(resolve=resolver("8.8.8.8", "10.0.0.1")).check("name.example", 443)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "localhost"]
)
def test_other_spellings_of_loopback_are_refused(host: str) -> None:
    with pytest.raises((Blocked, Unavailable)):
        Policy(resolve=system_resolve).check(host, 443)


@pytest.mark.parametrize(
    "host", ["", ".", "a b", "a\r\nb", "a/b", "a@b", "a%00b", "-", "x" * 300, "\u2028"]
)
def test_what_is_no_host_name_is_refused_without_being_resolved(host: str) -> None:
    def never(host: str, port: int) -> Sequence[str]:
        raise AssertionError

    with pytest.raises(Blocked):
        Policy(resolve=never).check(host, 443)


ORIGIN = "http://sms.example:7901"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (ORIGIN, True),
        (ORIGIN + "/sms/v2/std/", True),
        ("http://SMS.example.:7901", True),
        ("https://sms.example:7901", True),  # as every port from 1024 on
        ("http://sms.example:7902", False),
        ("http://sms.example", False),
        ("http://a.sms.example:7901", False),
        ("http://sms.example.evil:7901", False),
        ("http://sms.example:7901@evil.example", False),
        ("http://8.8.8.8:7901", False),
    ],
)
def test_an_origin_on_the_allow_list_opens_plain_http_to_itself_alone(
    url: str, allowed: bool
) -> None:
    assert (Policy((ORIGIN,)).refusal(url) is None) is allowed
    assert Policy().refusal(ORIGIN) is not None


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("http://8.8.8.8:7791", "http://8.8.8.8:7791/x"),
        ("http://sms.example", "http://sms.example:80"),
        ("https://a.b:444/", "https://a.b:444"),
    ],
)
def test_an_origin_may_be_an_address_and_have_any_port(origin: str, url: str) -> None:
    assert Policy((origin,)).refusal(url) is None


@pytest.mark.parametrize(
    "entry",
    [
        "http://sms.example:7901/path",
        "http://u@sms.example:7901",
        "ftp://sms.example:7901",
        "sms.example:7901",
        "http://:7901",
        "http://sms.example:x",
    ],
)
def test_what_is_no_origin_opens_nothing(entry: str) -> None:
    assert Policy((entry,)).refusal(ORIGIN) is not None


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"]
)
def test_an_origin_opens_nothing_private(address: str) -> None:
    literal = f"http://[{address}]:7901" if ":" in address else f"http://{address}:7901"
    policy = Policy((ORIGIN, literal), resolve=resolver(address))
    for host in ("sms.example", address):
        with pytest.raises(Blocked):
            policy.check(host, 7901)
    with pytest.raises(Blocked, match="egress_address"):
        Policy((ORIGIN,), resolve=resolver("8.8.8.8", address)).check("sms.example", 7901)
    assert policy.refusal(literal) is not None
    assert not policy.lists("sms.example")


@pytest.mark.parametrize(
    ("port", "allowed"), [(81, True), (82, False), (25, False), (443, True), (8443, True)]
)
def test_an_origin_opens_its_low_port_and_no_other(port: int, allowed: bool) -> None:
    policy = Policy(("http://sms.example:81",), resolve=resolver("8.8.8.8"))
    if allowed:
        assert policy.check("sms.example", port) == ("8.8.8.8",)
    else:
        with pytest.raises(Blocked, match="egress_port"):
            policy.check("sms.example", port)
    if port == 81:
        with pytest.raises(Blocked, match="egress_port"):
            policy.check("other.example", port)


@pytest.mark.parametrize(
    ("port", "allowed"),
    [(22, False), (25, False), (80, True), (443, True), (1023, False), (8443, True), (0, False)],
)
def test_low_ports_are_those_of_the_protocol(port: int, allowed: bool) -> None:
    policy = Policy(resolve=resolver("8.8.8.8"))
    if allowed:
        assert policy.check("name.example", port)
    else:
        with pytest.raises(Blocked):
            policy.check("name.example", port)


def test_mail_has_its_own_ports() -> None:
    policy = Policy(resolve=resolver("8.8.8.8"))
    assert policy.check("name.example", 465, MAIL_PORTS)
    with pytest.raises(Blocked):
        policy.check("name.example", 443, MAIL_PORTS)


@pytest.mark.parametrize("allow", ["127.0.0.1", "127.0.0.0/8", "sandbox.test", "Sandbox.Test."])
def test_the_allow_list_lets_a_private_address_through_by_network_or_name(allow: str) -> None:
    assert Policy((allow,), resolver("127.0.0.1")).check("sandbox.test", 22) == ("127.0.0.1",)


def test_the_allow_list_does_not_let_others_through() -> None:
    policy = Policy(("127.0.0.1", "sandbox.test"), resolver("10.0.0.1"))
    with pytest.raises(Blocked):
        policy.check("other.test", 443)
    with pytest.raises(Blocked):
        policy.check("notsandbox.test", 443)


def test_a_name_without_address_may_have_one_later() -> None:
    with pytest.raises(Unavailable) as error:
        Policy(resolve=resolver()).check("name.example", 443)
    assert not isinstance(error.value, Misconfigured)


def test_a_name_in_another_script_is_resolved_as_it_is_called() -> None:
    """Python's own codec turns straße.example into strasse.example, which others may own."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["9.9.9.9"]

    policy = Policy(resolve=resolve)
    for host in ("straße.example", "bücher.example", "例子。中国"):
        policy.check(host, 443)
    assert asked == ["xn--strae-oqa.example", "xn--bcher-kva.example", "xn--fsqu00a.xn--fiqs8s"]


def test_a_name_server_that_does_not_answer_takes_no_longer_than_a_connection() -> None:
    answered = threading.Event()

    def silent(host: str, port: int) -> Sequence[str]:
        answered.wait()
        return ["93.184.216.34"]

    with pytest.raises(Unavailable, match="dns"):
        Policy(resolve=silent).connect("slow.example", 443, timeout=0.05)
    answered.set()
