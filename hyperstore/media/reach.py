"""How far the frames of a store reach: anywhere for one's own, not to everything for a foreign one.

A URI in a dataset that came from somebody else is that stranger's wish. Followed blindly, it reads
files of this machine, or asks services that only this machine can reach. So such frames may name
local files inside the store's roots only, and no address that is not public. A name is resolved
once; what is checked is the address that is then connected to, at each redirect anew.
"""

import ipaddress
import os
import socket
from urllib.parse import urlsplit

from hyperstore.codec import Struct
from hyperstore.errors import MediaError, RefusedError
from hyperstore.media.uri import Bucket, Location, Web, shown

__all__ = ["ANYWHERE", "Address", "Reach", "is_public"]

Address = tuple[socket.AddressFamily, tuple[str, int]]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Reach(Struct, frozen=True):
    """What a frame's URIs may lead to."""

    foreign: bool = False
    roots: tuple[str, ...] = ()
    allow_hosts: frozenset[str] = frozenset()

    def check(self, location: Location, uri: str) -> None:
        """Refuse what can be seen to be out of reach without asking the network."""
        if not self.foreign:
            return
        if isinstance(location, str):
            self._check_file(location, uri)
        elif isinstance(location, Bucket) and location.host:
            # What is signed with the user's credentials goes to no host that a stranger chose.
            if location.host.lower() not in self.allow_hosts:
                raise _out_of_reach(uri, f"the host {location.host!a}")
        elif isinstance(location, Web):
            host, port = _host_of(location.url)
            if self._allows(host, port):
                return
            name = host.rstrip(".").lower()
            if name == "localhost" or name.endswith(".localhost"):
                raise _out_of_reach(uri, f"the host {host!a}")
            try:
                found = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
            except (OSError, UnicodeError):
                return  # A name; `addresses` sees what it stands for.
            for *_, (address, *_) in found:
                if not is_public(str(address)):
                    raise _out_of_reach(uri, f"the address {address}")

    def addresses(self, host: str, port: int, uri: str) -> list[Address]:
        """Return the addresses of a host, all of them within reach."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise MediaError(f"{shown(uri)}: the host {host!a} is not found: {error}") from None
        if self.foreign and not self._allows(host, port):
            for *_, (address, *_) in found:
                if not is_public(str(address)):
                    raise _out_of_reach(uri, f"{host!a}, which is {address}")
        return [(family, target[:2]) for family, _, _, _, target in found]  # type: ignore[misc]

    def _allows(self, host: str, port: int) -> bool:
        name = host.rstrip(".").lower()
        return name in self.allow_hosts or f"{name}:{port}" in self.allow_hosts

    def _check_file(self, path: str, uri: str) -> None:
        real = os.path.realpath(path)
        for root in self.roots:
            folder = os.path.realpath(root)
            if real.startswith(folder.rstrip("/") + "/"):
                return
        raise RefusedError(
            f"{shown(uri)} lies outside the roots of a store that came from somebody else; "
            "to allow its folder: hyperstore config set roots.NAME FOLDER"
        )


ANYWHERE = Reach()


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, whichever way it is wrapped."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and (ip in _NAT64 or int(ip) >> 32 == 0):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _host_of(url: str) -> tuple[str, int]:
    """Return host and port of an HTTP URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    except ValueError:
        return "", 0
    return parts.hostname or "", port


def _out_of_reach(uri: str, what: str) -> RefusedError:
    return RefusedError(
        f"{shown(uri)} leads to {what}; frames of a store that came from somebody else reach "
        "public hosts only; to allow it: hyperstore config set media.allow_hosts 'HOST[:PORT] ...'"
    )
