"""The egress policy: where the project may connect to, for every address that an operator or a sender can choose.

A name is resolved once, every address it has is checked, and the connection goes to an address that was checked, so that a
name which answers differently the next time (DNS rebinding) gains nothing. Names still decide the Host header, SNI and the
certificate. Redirects are never followed (web/transport.py), so that each address passes here.

The allow-list of a stage names hosts and networks that may be reached although they are private: `127.0.0.1`, `10.1.0.0/16`,
`mail.corp.example`. What it lists may also use any port and plain HTTP. An origin in it (`http://sms.example:7901`) opens that port
of that host, and plain HTTP where it says so, and nothing private: its addresses are checked as all others are. In production it is empty.

Ranges: the IANA special-purpose registries for IPv4 and IPv6 as Python's ipaddress has them, and what `_NEVER` adds.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from chalicelib.domain.errors import Misconfigured, Unavailable

WEB_PORTS = frozenset({80, 443})
MAIL_PORTS = frozenset({25, 465, 587})

_SCHEMES = {"http": 80, "https": 443}

# Below this, only the ports of the protocol itself; above it, private installations of providers choose freely.
_FREE_PORTS = 1024
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.:-]*[a-z0-9_:])?")
_URL_CHARACTERS = re.compile(r"[\x21-\x7e]{1,2048}")

# What ipaddress calls global on some Python versions and nobody should be sent to: shared address space, IETF protocol assignments (a
# cloud's metadata among them), the 6to4 relay, Teredo and 6to4 (both tunnels to an IPv4 address of the sender's choice), documentation.
_NEVER = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",
            "192.0.0.0/24",
            "192.88.99.0/24",
            "2001::/32",
            "2002::/16",
            "3fff::/20",
        ),
    )
)
_GLOBAL_UNICAST = ip_network(
    "2000::/3"
)  # all that IANA has ever given out for the public IPv6 internet
_NAT64 = ip_network(
    "64:ff9b::/96"
)  # RFC 6052; what DNS64 answers in an IPv6-only network, so its IPv4 half decides

IPAddress = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]


class Blocked(Misconfigured):
    """An address that the policy does not let through; nothing was sent. An operator must change it, or the allow-list."""


def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, IPv4 first: functions outside a dual-stack network cannot use the others."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise Unavailable("dns") from error
    return list(
        dict.fromkeys(
            str(entry[4][0])
            for entry in sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
        )
    )


def is_public(address: IPAddress) -> bool:
    """Whether an address is on the public internet, as itself and as the IPv4 address that may be embedded in it."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address not in _GLOBAL_UNICAST:
            return False
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    special = (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
    )
    return address.is_global and not special


@dataclass(frozen=True)
class Policy:
    """`allow` holds host names and networks that may be reached although private, and origins that are public."""

    allow: tuple[str, ...] = ()
    resolve: Resolver = field(default=system_resolve, compare=False, repr=False)

    def check(self, host: str, port: int, ports: frozenset[int] = WEB_PORTS) -> tuple[str, ...]:
        """The addresses that may be connected to, to be tried in order.

        Raises Blocked when one address of the name is forbidden: a name with public and private addresses is an attack or a
        mistake. Raises Unavailable when the name has none.
        """
        name = _canonical(host)
        literal = _literal(name)
        addresses = (name,) if literal else tuple(self.resolve(name, port))
        if not addresses:
            raise Unavailable("dns")
        for address in addresses:
            self._check_address(name, ip_address(address), port, ports)
        return addresses

    def _check_address(
        self, name: str, address: IPAddress, port: int, ports: frozenset[int]
    ) -> None:
        if self._lists(name, address):
            return
        if not is_public(address):
            raise Blocked("egress_address")
        if not 0 < port < 65536 or (
            port < _FREE_PORTS and port not in ports and not self._opens(name, port)
        ):
            raise Blocked("egress_port")

    def _lists(self, name: str, address: IPAddress | None) -> bool:
        for entry in self.allow:
            try:
                network = ip_network(entry, strict=False)
            except ValueError:
                if name == entry.lower().rstrip("."):
                    return True
                continue
            if address is not None and address.version == network.version and address in network:
                return True
        return False

    def _opens(self, name: str, port: int, schemes: Sequence[str] = tuple(_SCHEMES)) -> bool:
        """Whether the allow-list has this origin, with one of these schemes."""
        return any((scheme, name, port) in map(_origin, self.allow) for scheme in schemes)

    def lists(self, host: str) -> bool:
        """Whether the allow-list names this host; unlike `check`, without resolving it."""
        try:
            name = _canonical(host)
        except Blocked:
            return False
        return self._lists(name, _literal(name))

    def refusal(self, url: str) -> str | None:
        """Why this URL may never be used, or None; without resolving it, for checking settings when they are entered."""
        if not _URL_CHARACTERS.fullmatch(url) or "\\" in url:
            return "must be 1 to 2048 printable ASCII characters"
        try:
            parts = urlsplit(url)
            port = _SCHEMES.get(parts.scheme, 443) if parts.port is None else parts.port
            host = _canonical(parts.hostname or "")
        except (ValueError, Blocked):
            return "has no valid host and port"
        if parts.scheme not in _SCHEMES:
            return "must begin with https://"
        if parts.username is not None or parts.password is not None:
            return "must not contain credentials"
        if (
            parts.scheme == "http"
            and not self.lists(host)
            and not self._opens(host, port, ("http",))
        ):
            return "must begin with https:// (plain HTTP only to what is on the allow-list)"
        return self._literal_refusal(host, port)

    def _literal_refusal(self, host: str, port: int) -> str | None:
        literal = _literal(host)
        if literal is None or self._lists(host, literal):
            return None
        try:
            self._check_address(host, literal, port, WEB_PORTS)
        except Blocked:
            return "is not a public address and port"
        return None

    def connect(
        self, host: str, port: int, *, timeout: float, ports: frozenset[int] = WEB_PORTS
    ) -> socket.socket:
        """A TCP connection to a checked address of `host`, within `timeout` seconds for all of them; raises Unavailable."""
        until = time.monotonic() + timeout
        for address in self.check(host, port, ports):
            remaining = until - time.monotonic()
            if remaining <= 0:
                break
            try:
                connection = socket.create_connection((address, port), remaining)
            except OSError:
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        raise Unavailable("connect")


def _canonical(host: str) -> str:
    name = host.strip("[]").rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise Blocked("egress_host") from None
    if len(name) > 253 or not _HOST.fullmatch(name):
        raise Blocked("egress_host")
    return name


def _origin(entry: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an entry of the allow-list; None for one that is no origin."""
    try:
        parts = urlsplit(entry)
        if (
            parts.scheme not in _SCHEMES
            or parts.path.strip("/")
            or parts.query
            or parts.username is not None
        ):
            return None
        return (
            parts.scheme,
            _canonical(parts.hostname or ""),
            _SCHEMES[parts.scheme] if parts.port is None else parts.port,
        )
    except (ValueError, Blocked):
        return None


def _literal(name: str) -> IPAddress | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
