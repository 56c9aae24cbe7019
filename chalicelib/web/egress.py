"""The egress policy: the addresses that the project may connect to.

It applies to every address that an operator or a sender can choose. A name is resolved once, and
every address of it is checked. The connection goes to a checked address, so a name that answers
differently the next time (DNS rebinding) gains nothing. Names still decide the Host header, SNI and
the certificate. Redirects are never followed (web/transport.py), so that each address is checked
here.

The allow-list of a stage names hosts and networks that may be reached although they are private:
`127.0.0.1`, `10.1.0.0/16`, `mail.corp.example`. Its hosts and networks may also use any port and
plain HTTP. An origin in it (`http://sms.example:7901`) opens that port of that host. It opens
plain HTTP or SMTP if that is its scheme. It does not open anything private: its addresses are
checked like all others. In production the list is empty.

Ranges: the IANA special-purpose registries for IPv4 and IPv6 as Python's ipaddress has them, and
`_NEVER`.
"""

from __future__ import annotations

import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from chalicelib.domain.errors import Misconfigured, Unavailable
from chalicelib.domain.sentences import Sentence
from chalicelib.domain.values import frozen

WEB_PORTS = frozenset({80, 443})
MAIL_PORTS = frozenset({25, 465, 587})

_SCHEMES = {"http": 80, "https": 443}
_ORIGINS = {**_SCHEMES, "smtp": 25}  # of the allow-list

# Below this port, only the ports of the protocol itself. Above it, private installations of
# providers choose freely.
_FREE_PORTS = 1024
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.:-]*[a-z0-9_:])?")
_URL_CHARACTERS = re.compile(r"[\x21-\x7e]{1,2048}")

# Ranges that ipaddress calls global on some Python versions, and that are not public destinations.
_NEVER = (
    ip_network("0.0.0.0/8"),
    ip_network("100.64.0.0/10"),  # shared address space
    ip_network("192.0.0.0/24"),  # IETF protocol assignments, a cloud's metadata among them
    ip_network("192.88.99.0/24"),  # the 6to4 relay
    ip_network("2001::/32"),  # Teredo: a tunnel to an IPv4 address of the sender's choice
    ip_network("2002::/16"),  # 6to4: such a tunnel, too
    ip_network("3fff::/20"),  # documentation
)
# The whole range that IANA has ever given out for the public IPv6 internet.
_GLOBAL_UNICAST = ip_network("2000::/3")
# RFC 6052. DNS64 answers with it in an IPv6-only network, so its IPv4 half decides.
_NAT64 = ip_network("64:ff9b::/96")

IPAddress = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Sequence[str]]


class Blocked(Misconfigured):
    """An address that the policy forbids.

    Nothing was sent.

    An operator must change the address, or the allow-list.
    """


def system_resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name, IPv4 first.

    Functions outside a dual-stack network cannot use the others.
    """
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise Unavailable("dns") from error
    entries.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


def is_public(address: IPAddress) -> bool:
    """Return True for an address on the public internet.

    An IPv4 address that is embedded in it must be public, too.
    """
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


@frozen
class Policy:
    """Hosts and networks that may be reached although private (`allow`), and origins that are
    public.
    """

    allow: tuple[str, ...] = ()
    resolve: Resolver = field(default=system_resolve, compare=False, repr=False)

    def check(self, host: str, port: int, ports: frozenset[int] = WEB_PORTS) -> tuple[str, ...]:
        """Return the addresses that may be connected to, in the order to try them.

        Raises Blocked if one address of the name is forbidden: a name with public and private
        addresses is an attack or a mistake. Raises Unavailable if the name does not resolve.
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
        is_allowed = port >= _FREE_PORTS or port in ports or self._opens(name, port)
        if not 0 < port < 65536 or not is_allowed:
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

    def _opens(self, name: str, port: int, schemes: Sequence[str] = tuple(_ORIGINS)) -> bool:
        """Return True if the allow-list has this origin, with one of these schemes."""
        return any((scheme, name, port) in map(_origin, self.allow) for scheme in schemes)

    def lists(self, host: str) -> bool:
        """Return True if the allow-list names this host.

        Unlike `check`, this does not resolve the name.
        """
        try:
            name = _canonical(host)
        except Blocked:
            return False
        return self._lists(name, _literal(name))

    def allows_plain_mail(self, host: str, port: int) -> bool:
        """Return True if mail may go to this server without TLS."""
        try:
            return self.lists(host) or self._opens(_canonical(host), port, ("smtp",))
        except Blocked:
            return False

    def refusal(self, url: str) -> Sentence | None:
        """Return the reason why this URL may never be used, or None.

        The name is not resolved: this checks settings when they are entered.
        """
        if not _URL_CHARACTERS.fullmatch(url) or "\\" in url:
            return Sentence("must be 1 to 2048 printable ASCII characters")
        try:
            parts = urlsplit(url)
            port = _SCHEMES.get(parts.scheme, 443) if parts.port is None else parts.port
            host = _canonical(parts.hostname or "")
        except (ValueError, Blocked):
            return Sentence("has no valid host and port")
        if parts.scheme not in _SCHEMES:
            return Sentence("must begin with https://")
        if parts.username is not None or parts.password is not None:
            return Sentence("must not contain credentials")
        may_be_plain = self.lists(host) or self._opens(host, port, ("http",))
        if parts.scheme == "http" and not may_be_plain:
            return Sentence(
                "must begin with https:// (plain HTTP only to what is on the allow-list)"
            )
        return self._literal_refusal(host, port)

    def _literal_refusal(self, host: str, port: int) -> Sentence | None:
        literal = _literal(host)
        if literal is None or self._lists(host, literal):
            return None
        try:
            self._check_address(host, literal, port, WEB_PORTS)
        except Blocked:
            return Sentence("is not a public address and port")
        return None

    def connect(
        self, host: str, port: int, *, timeout: float, ports: frozenset[int] = WEB_PORTS
    ) -> socket.socket:
        """Open a TCP connection to a checked address of `host`.

        Raises Unavailable.

        `timeout`: seconds for all addresses together.
        """
        until = time.monotonic() + timeout
        for address in _in_time(lambda: self.check(host, port, ports), timeout):
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


def _in_time(check: Callable[[], tuple[str, ...]], seconds: float) -> tuple[str, ...]:
    """Return what a check finds. Raises Unavailable if a name server does not answer in time.

    The resolver takes no timeout (getaddrinfo), so it gets a thread that may be left behind.
    """
    results: queue.SimpleQueue[tuple[str, ...] | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put(check())
        except Exception as error:  # noqa: BLE001 raised by the thread that waits
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except queue.Empty:
        raise Unavailable("dns") from None
    if isinstance(result, Exception):
        raise result
    return result


def _canonical(host: str) -> str:
    name = host.strip("[]").rstrip(".").lower()
    if not name.isascii():
        # As requests does. Python's own codec turns straße.example into strasse.example.
        import idna

        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except UnicodeError:
            raise Blocked("egress_host") from None
    if len(name) > 253 or not _HOST.fullmatch(name):
        raise Blocked("egress_host")
    return name


def _origin(entry: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of an entry of the allow-list, or None if it is
    not an origin.
    """
    try:
        parts = urlsplit(entry)
        has_more = parts.path.strip("/") or parts.query or parts.username is not None
        if parts.scheme not in _ORIGINS or has_more:
            return None
        port = _ORIGINS[parts.scheme] if parts.port is None else parts.port
        return parts.scheme, _canonical(parts.hostname or ""), port
    except (ValueError, Blocked):
        return None


def _literal(name: str) -> IPAddress | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
