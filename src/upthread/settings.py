"""Every setting of Upthread: its environment variable, what it may be, and what it means.

Nothing else reads the environment. Each variable ``NAME`` may also be given as ``NAME_FILE``, the path of a file that
holds the value, which is how containers are handed secrets. An empty variable counts as one that is not set.
"""

import ipaddress
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from upthread.errors import StartError

Guests = Literal["off", "comment", "all"]
Registration = Literal["open", "closed"]
SeedContract = Literal["auto", "on", "off"]
LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

SHORTEST_SECRET = 32
"""Characters of a secret, so that it can't be guessed."""
LINE_LIMIT = 255
"""Characters of a name or tagline: no host name is longer."""
DATABASE_NAME_LIMIT = 63
"""Bytes of a database's name on MongoDB."""
MONGODB_SCHEMES = ("mongodb://", "mongodb+srv://")
SQLITE_SCHEME = "sqlite:///"


class Secret(str):
    """A text that is not to be seen in a log or a traceback."""

    __slots__ = ()

    def __repr__(self) -> str:
        """A stand-in."""
        return "'…'" if self else "''"


class Setting(Struct, frozen=True, kw_only=True):
    """One row of the table of settings."""

    variable: str
    field: str
    """Its name in :class:`Settings`."""
    group: str
    default: str = ""
    """As it would be written in the environment."""
    values: str
    """What it may be, to go on after "has to be"."""
    meaning: str
    read: Callable[[str], Any]
    """Makes the value of its text; raises ValueError if it can't be."""
    confidential: bool = False
    """Whether a value must not be seen, not even a wrong one."""


class Settings(Struct, frozen=True, kw_only=True):
    """How this process is set up."""

    data: Path
    secret: Secret
    host: str
    port: int
    workers: int
    trusted_proxies: tuple[str, ...]
    """Networks in CIDR notation."""
    post_host: str
    post_port: int
    comment_host: str
    comment_port: int
    account_host: str
    account_port: int
    call_secret: Secret
    seed_contract: SeedContract
    database_url: Secret
    post_database_url: Secret
    post_database_host: str
    post_database_port: int
    post_database: str
    comment_database_url: Secret
    comment_database_host: str
    comment_database_port: int
    comment_database: str
    account_database_url: Secret
    account_database_host: str
    account_database_port: int
    account_database: str
    site_name: str
    tagline: str
    guests: Guests
    registration: Registration
    env: str
    hostname: str
    version: str
    commit: str
    log_format: LogFormat
    log_level: LogLevel
    otlp_endpoint: str
    zipkin_enabled: bool
    zipkin_host: str
    zipkin_port: int

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings as these variables give them.

        Raises:
            StartError: a value is none that the setting can have; the variable is named.
        """
        return cls(**{setting.field: _value(setting, environ) for setting in SETTINGS})

    @property
    def readable_logs(self) -> bool | None:
        """Whether logs are lines for people; None if the terminal decides."""
        return None if self.log_format == "auto" else self.log_format == "console"

    @property
    def serves_seed_contract(self) -> bool:
        """Whether post and comment answer the original's paths, which ask nobody for a secret."""
        return not self.call_secret if self.seed_contract == "auto" else self.seed_contract == "on"

    @property
    def brand(self) -> str:
        """What the site's brand says besides its name: which environment this is, and which machine; mostly nothing."""
        return " ".join(part for part in (self.env, self.hostname) if part) if self.env else ""


def _value(setting: Setting, environ: Mapping[str, str]) -> Any:
    variable, text = setting.variable, environ.get(setting.variable, "").strip()
    path = environ.get(f"{setting.variable}_FILE", "")
    if path:
        if text:
            raise StartError("{variable} and {variable}_FILE are both set; set one of them.", variable=variable)
        variable, text = f"{variable}_FILE", _content(f"{variable}_FILE", Path(path))
    try:
        return setting.read(text or setting.default)
    except ValueError:
        if setting.confidential:
            raise StartError("{variable} has to be {values}.", variable=variable, values=setting.values) from None
        raise StartError(
            "{variable} has to be {values}, not {text}.", variable=variable, values=setting.values, text=repr(text)
        ) from None


def _content(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise StartError(
            "{variable}: {path} can't be read: {reason}.", variable=variable, path=str(path), reason=str(reason)
        ) from None


# How each kind of value is read. A ValueError without a message will do: what was wanted is in the table.


def _number(text: str, *, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
        raise ValueError
    return int(text)


def _choice(text: str, *, choices: tuple[str, ...]) -> str:
    if text.lower() not in choices:
        raise ValueError
    return text.lower()


def _line(text: str) -> str:
    if len(text) > LINE_LIMIT or not text.isprintable():
        raise ValueError
    return text


def _host(text: str) -> str:
    if not text.isprintable() or any(character in " /@?#" for character in text):
        raise ValueError
    return text


def _secret(text: str) -> Secret:
    if 0 < len(text) < SHORTEST_SECRET:
        raise ValueError
    return Secret(text)


def _url(text: str) -> Secret:
    if text.startswith(SQLITE_SCHEME):
        if not text.removeprefix(SQLITE_SCHEME):
            raise ValueError
    elif text and not (text.startswith(MONGODB_SCHEMES) and text.isprintable() and urlsplit(text).netloc):
        raise ValueError
    return Secret(text)


def _server(text: str) -> Secret:
    if not text.startswith(MONGODB_SCHEMES):
        return Secret(_host(text))
    if urlsplit(text).path.strip("/"):
        raise ValueError
    return _url(text)


def _database_name(text: str) -> str:
    if len(text.encode()) > DATABASE_NAME_LIMIT or any(character in '/\\. "$*<>:|?' for character in text):
        raise ValueError
    return text


def _switch(text: str) -> bool:
    return _choice(text, choices=("true", "false")) == "true"


def _http_address(text: str) -> str:
    if text and not (text.startswith(("http://", "https://")) and text.isprintable() and urlsplit(text).netloc):
        raise ValueError
    return text


def _networks(text: str) -> tuple[str, ...]:
    parts = [part.strip() for part in text.split(",")]
    return tuple(str(ipaddress.ip_network(part, strict=False)) for part in parts if part)


def _one_of(*choices: str) -> dict[str, Any]:
    return {"values": " or ".join([", ".join(choices[:-1]), choices[-1]]), "read": partial(_choice, choices=choices)}


def _from_to(least: int, most: int) -> dict[str, Any]:
    return {
        "values": f"a whole number from {least} to {most}",
        "read": partial(_number, least=least, most=most),
    }


_LINE: dict[str, Any] = {"values": f"a line of at most {LINE_LIMIT} characters", "read": _line}


def _database_of(room: str, database: str) -> tuple[Setting, ...]:
    variable, group = f"{room.upper()}_DATABASE", "Databases"
    return (
        Setting(
            variable=f"{variable}_URL",
            field=f"{room}_database_url",
            group=group,
            values="a URL that begins with `mongodb://`, `mongodb+srv://` or `sqlite:///`",
            meaning=f"Where the {room} service keeps its data, if not in the data folder.",
            read=_url,
            confidential=True,
        ),
        Setting(
            variable=f"{variable}_HOST",
            field=f"{room}_database_host",
            group=group,
            values="an address or a host name",
            meaning=f"The MongoDB server of the {room} service. Instead of a URL, not beside one.",
            read=_host,
        ),
        Setting(
            variable=f"{variable}_PORT",
            field=f"{room}_database_port",
            group=group,
            default="27017",
            meaning=f"The port of `{variable}_HOST`.",
            **_from_to(1, 65535),
        ),
        Setting(
            variable=variable,
            field=f"{room}_database",
            group=group,
            default=database,
            values="a name that MongoDB takes",
            meaning=f"The {room} service's database on MongoDB, unless its URL names one.",
            read=_database_name,
        ),
    )


SETTINGS = (
    Setting(
        variable="UPTHREAD_DATA",
        field="data",
        group="Data",
        default="data",
        values="the path of a folder",
        meaning="Where everything is kept that is in no other database. Made if it is not there.",
        read=Path,
    ),
    Setting(
        variable="UPTHREAD_SECRET",
        field="secret",
        group="Data",
        values=f"at least {SHORTEST_SECRET} characters",
        meaning="Signs cookies; the same for all processes of a site. Unless set, one is made and kept in the data "
        "folder, in the file `secret`.",
        read=_secret,
        confidential=True,
    ),
    Setting(
        variable="UPTHREAD_HOST",
        field="host",
        group="Serving",
        default="127.0.0.1",
        values="an address or a host name",
        meaning="Where to listen. `0.0.0.0` or `::` is every network that this machine is on.",
        read=_host,
    ),
    Setting(
        variable="UPTHREAD_PORT",
        field="port",
        group="Serving",
        default="9292",
        meaning="The port to listen on; 0 takes any that is free.",
        **_from_to(0, 65535),
    ),
    Setting(
        variable="UPTHREAD_WORKERS",
        field="workers",
        group="Serving",
        default="1",
        meaning="How many processes serve the site, or the service. More than there are cores do not help.",
        **_from_to(1, 64),
    ),
    Setting(
        variable="UPTHREAD_TRUSTED_PROXIES",
        field="trusted_proxies",
        group="Serving",
        values="addresses or networks separated by commas",
        meaning="The proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Unless set, none is.",
        read=_networks,
    ),
    Setting(
        variable="POST_SERVICE_HOST",
        field="post_host",
        group="Services as processes of their own",
        default="post",
        values="an address or a host name",
        meaning="Where the post service is.",
        read=_host,
    ),
    Setting(
        variable="POST_SERVICE_PORT",
        field="post_port",
        group="Services as processes of their own",
        default="5000",
        meaning="The port of the post service, for those who call it and for itself.",
        **_from_to(1, 65535),
    ),
    Setting(
        variable="COMMENT_SERVICE_HOST",
        field="comment_host",
        group="Services as processes of their own",
        default="comment",
        values="an address or a host name",
        meaning="Where the comment service is.",
        read=_host,
    ),
    Setting(
        variable="COMMENT_SERVICE_PORT",
        field="comment_port",
        group="Services as processes of their own",
        default="9292",
        meaning="The port of the comment service, for those who call it and for itself.",
        **_from_to(1, 65535),
    ),
    Setting(
        variable="ACCOUNT_SERVICE_HOST",
        field="account_host",
        group="Services as processes of their own",
        default="account",
        values="an address or a host name",
        meaning="Where the account service is.",
        read=_host,
    ),
    Setting(
        variable="ACCOUNT_SERVICE_PORT",
        field="account_port",
        group="Services as processes of their own",
        default="9293",
        meaning="The port of the account service, for those who call it and for itself.",
        **_from_to(1, 65535),
    ),
    Setting(
        variable="UPTHREAD_CALL_SECRET",
        field="call_secret",
        group="Services as processes of their own",
        values=f"at least {SHORTEST_SECRET} characters",
        meaning="What the processes tell each other to be let in; the same for all. Unless set, a service answers "
        "everyone on its own network (loopback and private addresses) and nobody else, and says so at start.",
        read=_secret,
        confidential=True,
    ),
    Setting(
        variable="UPTHREAD_SEED_CONTRACT",
        field="seed_contract",
        group="Services as processes of their own",
        default="auto",
        meaning="Whether the post and comment services answer the original's paths as well, which let anyone post, "
        "vote and comment who reaches their port ([how and why](original.md)). `auto`: only where no "
        "`UPTHREAD_CALL_SECRET` is set, as then everyone is let in anyway.",
        **_one_of("auto", "on", "off"),
    ),
    Setting(
        variable="DATABASE_URL",
        field="database_url",
        group="Databases",
        values="`host:port` of a MongoDB server, or a URL that begins with `mongodb://` or `mongodb+srv://` and names "
        "no database",
        meaning="Where every service keeps its data that has no setting of its own below. Unless set, that is the data "
        "folder.",
        read=_server,
        confidential=True,
    ),
    *_database_of("post", "posts"),
    *_database_of("comment", "comments"),
    *_database_of("account", "accounts"),
    Setting(
        variable="UPTHREAD_SITE_NAME",
        field="site_name",
        group="The site",
        default="Upthread",
        meaning="What the site is called.",
        **_LINE,
    ),
    Setting(
        variable="UPTHREAD_TAGLINE",
        field="tagline",
        group="The site",
        meaning="What it is about, shown beside the name.",
        **_LINE,
    ),
    Setting(
        variable="UPTHREAD_GUESTS",
        field="guests",
        group="The site",
        default="off",
        meaning="What people without an account may do: only read, comment as well, or comment, post and vote.",
        **_one_of("off", "comment", "all"),
    ),
    Setting(
        variable="UPTHREAD_REGISTRATION",
        field="registration",
        group="The site",
        default="open",
        meaning="Whether new people may sign up.",
        **_one_of("open", "closed"),
    ),
    Setting(
        variable="ENV",
        field="env",
        group="The site",
        meaning="Which environment this is, such as `staging`. Shown beside the name if set.",
        **_LINE,
    ),
    Setting(
        variable="HOSTNAME",
        field="hostname",
        group="The site",
        meaning="Which machine or container this is. Shown together with `ENV` only.",
        **_LINE,
    ),
    Setting(
        variable="UPTHREAD_VERSION",
        field="version",
        group="The site",
        meaning="The version that `/healthcheck` and `/metrics` show; set in images. Unless set, that of the package.",
        **_LINE,
    ),
    Setting(
        variable="UPTHREAD_COMMIT",
        field="commit",
        group="The site",
        meaning="The commit that this was built from, shown there as well; set in images.",
        **_LINE,
    ),
    Setting(
        variable="UPTHREAD_LOG_FORMAT",
        field="log_format",
        group="Logs",
        default="auto",
        meaning="Lines for people, JSON for machines, or whichever fits: `console` on a terminal, `json` elsewhere.",
        **_one_of("auto", "console", "json"),
    ),
    Setting(
        variable="UPTHREAD_LOG_LEVEL",
        field="log_level",
        group="Logs",
        default="info",
        meaning="The least severe kind of record to write.",
        **_one_of("debug", "info", "warning", "error"),
    ),
    Setting(
        variable="OTEL_EXPORTER_OTLP_ENDPOINT",
        field="otlp_endpoint",
        group="Traces",
        values="a URL that begins with `http://` or `https://`",
        meaning="The collector that takes traces by OTLP over HTTP, such as `http://collector:4318`. Unless set, none "
        "are sent there.",
        read=_http_address,
    ),
    Setting(
        variable="ZIPKIN_ENABLED",
        field="zipkin_enabled",
        group="Traces",
        default="false",
        values="true or false",
        meaning="Whether traces are sent to Zipkin.",
        read=_switch,
    ),
    Setting(
        variable="ZIPKIN_HOST",
        field="zipkin_host",
        group="Traces",
        default="zipkin",
        values="an address or a host name",
        meaning="Where Zipkin is.",
        read=_host,
    ),
    Setting(
        variable="ZIPKIN_PORT",
        field="zipkin_port",
        group="Traces",
        default="9411",
        meaning="The port of Zipkin.",
        **_from_to(1, 65535),
    ),
)
"""The table that :class:`Settings` is made from, and docs/settings.md is checked against."""
