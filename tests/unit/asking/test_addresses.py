"""Which addresses are public, and that what was checked is what is given on."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from evalbot.asking.addresses import CheckedResolver, is_public
from evalbot.errors import ModelUnavailable


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
        "",
        "localhost",
        "2130706433",
        "0x7f.1",
        "127.1",
    ],
)
def test_private_addresses_in_any_dress(address: str) -> None:
    """Loopback, private, link-local, metadata, shared, reserved and multicast ones, wrapped in IPv6 too, and no address."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses(address: str) -> None:
    """The open internet."""
    assert is_public(address)


async def test_what_was_checked_is_what_is_connected_to() -> None:
    """A name is looked up once for a connection, and exactly these addresses are given, as numbers."""
    asked: list[str] = []

    async def lookup(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.216.34", "2606:4700::1"] if len(asked) == 1 else ["127.0.0.1"]

    found = await CheckedResolver(allow_private=False, lookup=lookup).resolve("bot.example", 443)
    assert asked == ["bot.example"]
    assert [(one["host"], one["port"], one["family"]) for one in found] == [
        ("93.184.216.34", 443, socket.AF_INET),
        ("2606:4700::1", 443, socket.AF_INET6),
    ]
    assert all(one["flags"] & socket.AI_NUMERICHOST for one in found)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:192.168.0.1"]])
async def test_a_name_that_leads_inside_is_refused(addresses: list[str]) -> None:
    """One private address among public ones is enough; with leave it is given."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        return addresses

    with pytest.raises(ModelUnavailable, match="private") as caught:
        await CheckedResolver(allow_private=False, lookup=lookup).resolve("bot.example", 80)
    assert caught.value.kind == "forbidden_address"
    allowed = await CheckedResolver(allow_private=True, lookup=lookup).resolve("bot.example", 80)
    assert [one["host"] for one in allowed] == addresses
