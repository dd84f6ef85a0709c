"""How often something may be tried: at most so many times within any stretch of so many seconds.

The rule looks at the times of the latest tries, so it is exact: no window that starts afresh lets twice as many
through, and the time to wait is known to the second. A key's list never grows beyond the limit.
"""

import hashlib
import ipaddress

from msgspec import Struct

MINUTE = 60
HOUR = 60 * MINUTE


class Limit(Struct, frozen=True):
    """At most ``tries`` within ``seconds``, for each key of this kind."""

    kind: str
    tries: int
    seconds: int


LOG_INS_BY_NAME = Limit("log-in name", 10, 15 * MINUTE)
"""Wrong passwords for one name, whether or not anybody has it."""
LOG_INS_BY_ADDRESS = Limit("log-in address", 30, 15 * MINUTE)
"""Wrong passwords from one address, whatever the name."""
SIGN_UPS_BY_ADDRESS = Limit("sign-up address", 5, HOUR)
"""New accounts from one address."""
CHECKS_BY_PERSON = Limit("check person", 10, 15 * MINUTE)
"""Wrong passwords of somebody signed in who changes the password or deletes the account. Counted apart from log-ins,
so that a stranger who guesses at the log-in page doesn't keep the owner from a new password."""


class Try(Struct, frozen=True):
    """One try that counts against a limit, for one key: a name, an address, a person."""

    limit: Limit
    key: str

    @property
    def digest(self) -> bytes:
        """What the count is kept under. A digest, because people type their password as their name at times."""
        return hashlib.blake2b(f"{self.limit.kind}:{self.key}".encode(), digest_size=16).digest()


def recent(times: list[int], limit: Limit, now: int) -> list[int]:
    """Those of the times of earlier tries that still count, oldest first."""
    return sorted(time for time in times if time > now - limit.seconds)


def wait(times: list[int], limit: Limit, now: int) -> int:
    """Seconds until one more try is within the limit; 0 if it is now."""
    counting = recent(times, limit, now)
    if len(counting) < limit.tries:
        return 0
    return counting[-limit.tries] + limit.seconds - now


def network_of(ip: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 of an IPv6 one, all of which one customer has.

    Text that is no address (a socket's name, say) stands for itself.
    """
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(address), 64), strict=False))
    return str(address)
