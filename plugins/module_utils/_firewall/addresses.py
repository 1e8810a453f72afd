# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note: this is private to the collection and may change without notice.

"""The addresses of this host, as ``/proc/net`` shows them."""

from __future__ import annotations

import re
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Collection

# "           |-- 172.17.0.1" followed by "              /32 host LOCAL"
_LEAF = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)$")


def parse_fib_trie(text: str) -> frozenset[str]:
    """The host's IPv4 addresses out of ``/proc/net/fib_trie``."""
    found, leaf = set(), ""
    for line in text.splitlines():
        match = _LEAF.search(line)
        if match is not None:
            leaf = match[1]
        elif line.endswith("/32 host LOCAL"):
            found.add(leaf)
    return frozenset(found)


def parse_if_inet6(text: str) -> frozenset[str]:
    """The host's IPv6 addresses out of ``/proc/net/if_inet6``, as 32 hexadecimal digits each."""
    return frozenset(line.split()[0] for line in text.splitlines() if line.strip())


def is_local(address: str, ipv4: Collection[str], ipv6: Collection[str]) -> bool:
    """Whether an address of a rule is one of the host's. A wildcard is, and so is what cannot be read."""
    if address in ("*", "0.0.0.0", "::") or address.startswith("127."):
        return True
    if ":" not in address:
        return address in ipv4
    # Here, since it takes long to load and hardly any host has such a rule.
    import ipaddress

    try:
        return ipaddress.IPv6Address(address).packed.hex() in ipv6
    except ValueError:
        return True
