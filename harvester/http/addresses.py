"""Which addresses may be asked: pure judgements, no network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import urljoin

from msgspec import Struct
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from harvester.errors import AddressRefused

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

DEFAULT_PORTS = {"http": 80, "https": 443}

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")

_NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # carrier-grade NAT; Alibaba Cloud's metadata stands at 100.100.100.200
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's platform address, reachable from every machine there
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved and broadcast
            "2001::/23",  # IETF assignments, Teredo among them
            "2001:db8::/32",
            "3fff::/20",
        ),
    )
)
"""The IANA special-purpose registries, without what the rules below refuse already.

``ipaddress.is_global`` is not enough: Python 3.11 says yes to multicast, NAT64, 6to4 and site-local
addresses, and its answers change between minor versions.
"""


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, NAT64, 6to4); any other address as it is."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet."""
    real = unwrapped(address)
    if isinstance(real, IPv6Address) and real not in _GLOBAL_UNICAST:
        return False
    return not any(real in network for network in _NOT_PUBLIC)


class Reach(Struct, frozen=True, kw_only=True):
    """Where a run may connect to."""

    allow_private: tuple[Network, ...] = ()
    """Networks that may be asked although not public, at any port: intranets, tests."""
    ports: tuple[range, ...] = (range(80, 81), range(443, 444), range(8000, 10000))

    def refusal(self, address: str, port: int) -> str | None:
        """Why we do not connect there; None when we do."""
        real = unwrapped(ip_address(address))
        if any(real in network for network in self.allow_private):
            return None
        if not is_public(real):
            return f"{address} is not a public address"
        if not any(port in allowed for allowed in self.ports):
            return f"port {port} is not one we ask"
        return None


def checked(url: str) -> Url:
    """The parts of an address we may try, its host in lower case. Raises AddressRefused."""
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise AddressRefused("the address is malformed") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise AddressRefused("only http and https addresses are asked")
    if parts.auth is not None:
        raise AddressRefused("an address with a user name in it is not asked")
    if not parts.host:
        raise AddressRefused("the address names no host")
    return parts


def led_to(base: str, said: str) -> str | None:
    """The address that a portal's words lead to from ``base``; None for what is none, such as ``http://[host]/``."""
    try:
        return urljoin(base, said.strip())
    except ValueError:
        return None


def site(parts: Url) -> str:
    """The host as politeness counts it: with its port, where that is neither 80 nor 443."""
    host = (parts.host or "").rstrip(".")
    return host if parts.port in (None, *DEFAULT_PORTS.values()) else f"{host}:{parts.port}"


def may_share_secrets(one: Url, other: Url) -> bool:
    """Whether what was meant for one address may go to the other: same host and port, never less safe."""

    def door(parts: Url) -> tuple[str | None, str | None, int]:
        return parts.scheme, parts.host, parts.port or DEFAULT_PORTS[parts.scheme or "http"]

    upgrade = (door(one)[::2], door(other)[::2]) == (("http", 80), ("https", 443)) and one.host == other.host
    return upgrade or door(one) == door(other)
