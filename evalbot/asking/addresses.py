"""Which network addresses a target may have: what a name stands for is looked up once, checked, and then connected to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

from evalbot.errors import ModelUnavailable

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host name for a port."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SPECIAL = tuple(
    ipaddress.ip_network(one)
    for one in ("192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48", "100::/64", "2001:db8::/32", "fec0::/10")
)
"""Networks for special use that some releases of Python take for public ones."""

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the open internet, also where an IPv4 address is wrapped in an IPv6 one.

    Private, loopback, link-local (cloud metadata among them), shared, reserved and multicast addresses do not.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if wrapped is None and found in _NAT64:
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(str(wrapped))
    special = any(found.version == network.version and found in network for network in _SPECIAL)
    return found.is_global and not found.is_multicast and not special


def refuse_private(host: str) -> ModelUnavailable:
    """Give the failure of a host that is not on the open internet."""
    return ModelUnavailable(
        f"The address of {host[:100]} is private, so it was not connected to.",
        "If it is your own app, set allow_private: true in the target's config.",
        kind="forbidden_address",
    )


async def look_up(host: str, port: int) -> Sequence[str]:
    """Give the addresses of a host name by the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


class CheckedResolver(AbstractResolver):
    """Looks names up for aiohttp, which connects to exactly the addresses given here.

    Raises ModelUnavailable (forbidden_address) when any address of a name is not public, unless private ones are allowed: a
    name that mixes both is up to something.
    """

    def __init__(self, *, allow_private: bool, lookup: Lookup = look_up) -> None:
        self._allow_private = allow_private
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Give the checked addresses of a host."""
        addresses = await self._lookup(host, port)
        if not self._allow_private and not all(is_public(address) for address in addresses):
            raise refuse_private(host)
        return [_result(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Hold nothing, close nothing."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    """Give an address in the form that aiohttp connects to without another look-up."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=_NUMERIC)
