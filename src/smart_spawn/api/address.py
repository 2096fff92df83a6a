"""The address to listen on: what a host name stands for, and who can reach it."""

from __future__ import annotations

import ipaddress
import socket

from smart_spawn.errors import SettingsError


def addresses_of(host: str) -> list[tuple[socket.AddressFamily, str]]:
    """Resolve a host, an address or a name of this machine. Raises SettingsError."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return [(socket.AF_INET if address.version == 4 else socket.AF_INET6, str(address))]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        raise SettingsError(
            f"`host` is `{host}`, which is no address of this machine", hint="use 127.0.0.1"
        ) from None
    return [(family, str(sockaddr[0]).partition("%")[0]) for family, _, _, _, sockaddr in found]


def is_wide(host: str) -> bool:
    """Tell whether other machines may reach a host. Raises SettingsError for what is no address of this machine."""
    return not all(ipaddress.ip_address(address).is_loopback for _, address in addresses_of(host))
