"""Rules about web links: which ones may be posted, how they are shown, and which of them are the same page."""

import ipaddress
import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from upthread.errors import Invalid

LINK_LIMIT = 2_000
"""Characters of a link: about what all browsers and proxies carry."""
TRACKING = re.compile(
    r"utm_.+|mtm_.+|pk_.+|hsa_.+|fbclid|gclid|gclsrc|dclid|wbraid|gbraid|msclkid|yclid|ysclid|twclid|ttclid|igshid"
    r"|igsh|mc_cid|mc_eid|_hsenc|_hsmi|vero_id|oly_anon_id|oly_enc_id|rdt_cid|ref_src|ref_url"
)
"""Query parameters that tell where a reader came from, not what they read."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?![0-9]+(?:[/?#]|$))")  # `example.org:8080` has a port, not a scheme
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def check(text: str) -> str:
    """The link that somebody typed, ready to be kept: with a scheme, its host in lower case and ASCII.

    ``example.org/x`` becomes ``https://example.org/x``. Path, query and fragment stay as they are.

    Raises:
        Invalid: field url; it is too long or no link to a web page.
    """
    typed = text.strip()
    if len(typed) > LINK_LIMIT:
        raise Invalid("A link has at most {limit} characters.", field="url", limit=LINK_LIMIT)
    if not is_showable(typed):
        raise Invalid("A link can't contain spaces or invisible characters.", field="url")
    scheme = _SCHEME.match(typed)
    if scheme is None:
        typed = "https://" + typed.removeprefix("//")
    elif scheme[1].lower() not in _DEFAULT_PORTS:
        raise Invalid("Only links to web pages (http or https) can be posted.", field="url")
    elif not typed.startswith("//", scheme.end()):
        raise _not_a_link()
    try:
        parts = urlsplit(typed)
        port = "" if parts.port is None else f":{parts.port}"
        host = _ascii_host(parts.hostname or "")
    except ValueError:
        raise _not_a_link() from None
    if "@" in parts.netloc:
        raise Invalid("A link can't contain a user name or password.", field="url")
    return parts._replace(scheme=parts.scheme.lower(), netloc=host + port).geturl()


def is_showable(url: str) -> bool:
    """Whether every character of it can be seen, so that nothing is hidden in it."""
    return url.isprintable() and " " not in url


def is_web(url: str) -> bool:
    """Whether following it can only ever open a web page: what is asked of links that nobody here typed."""
    return is_showable(url) and url.lower().startswith(("http://", "https://"))


def domain(url: str) -> str:
    """The host as shown beside a title, without ``www.``; empty where there is none."""
    try:
        return _domain_of(urlsplit(url).netloc)
    except ValueError:
        return ""


def as_domain(host: str) -> str:
    """A host that somebody typed, in the form that :func:`domain` gives."""
    folded = host.strip().lower().rstrip(".").removeprefix("www.")
    try:
        return _ascii_host(folded).removeprefix("www.")
    except ValueError:
        return folded


def canonical(url: str) -> str:
    """What two links have in common if they lead to the same page.

    Scheme, ``www.``, default port, trailing slash, fragment and tracking parameters make no difference.
    """
    try:
        parts = urlsplit(url)
        page = _domain_of(parts.netloc) + _unusual_port_of(parts.netloc) + parts.path.rstrip("/")
    except ValueError:
        return url
    if not parts.query:
        return page
    query = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if not _tracks(key)]
    return page + ("?" + urlencode(query) if query else "")


def key(url: str) -> int | None:
    """A number that links to the same page share, for an index that stays small; None without a link.

    With 64 bits, two pages of one community meet in it less often than the disk fails.
    """
    if not url:
        return None
    return int.from_bytes(blake2b(canonical(url).encode(), digest_size=8).digest(), signed=True)


# Most links lead to few hosts, so what is made of these is remembered.


@lru_cache(maxsize=1_000)
def _domain_of(netloc: str) -> str:
    return as_domain(SplitResult("", netloc, "", "", "").hostname or "")


@lru_cache(maxsize=1_000)
def _unusual_port_of(netloc: str) -> str:
    """The port with its colon unless it goes without saying.

    Raises:
        ValueError: it is no number that a port can have.
    """
    port = SplitResult("", netloc, "", "", "").port
    return "" if port in (None, *_DEFAULT_PORTS.values()) else f":{port}"


def _tracks(parameter: str) -> bool:
    return TRACKING.fullmatch(parameter.lower()) is not None


def _ascii_host(host: str) -> str:
    """A host in lower case and ASCII (Punycode); IPv6 addresses in brackets.

    Characters are folded as browsers fold them (NFKC, lower case), except that letters such as ß, which the newer
    standard for host names keeps, are kept.

    Raises:
        ValueError: it can't be the host of a public page, ``localhost`` or an IP address.
    """
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    folded = unicodedata.normalize("NFKC", host.lower()).replace("\u3002", ".").removesuffix(".")
    labels = [_ascii_label(label) for label in folded.split(".")]
    if labels[-1].isdigit():
        return ipaddress.IPv4Address(".".join(labels)).compressed
    if len(labels) == 1 and folded != "localhost":
        raise ValueError("a host of one word is not on the web")
    ascii_host = ".".join(labels)
    if len(ascii_host) > 253:  # noqa: PLR2004 - the limit of the domain name system
        raise ValueError("too long for a host name")
    return ascii_host


def _ascii_label(label: str) -> str:
    if not label.isascii():
        if any(unicodedata.category(character)[0] not in "LMN" and character != "-" for character in label):
            raise ValueError("not a letter or digit")
        label = "xn--" + label.encode("punycode").decode()
    if not _LABEL.fullmatch(label):
        raise ValueError("not a part of a host name")
    return label


def _not_a_link() -> Invalid:
    return Invalid("This does not look like a link. A link looks like https://example.org/page.", field="url")
