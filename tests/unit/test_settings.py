"""The settings: their defaults, what they refuse, and that the manual has them all."""

import stat
import threading
from pathlib import Path

import msgspec
import pytest

from upthread.databases import MongoAddress, Place, Room, place_of
from upthread.errors import StartError
from upthread.runtime.secret import site_secret
from upthread.settings import SETTINGS, Secret, Setting, Settings

MANUAL = Path(__file__).parents[2] / "docs" / "settings.md"


def test_nothing_has_to_be_set() -> None:
    """Without any variable the site is served to this machine only, from a folder beside, with guests reading."""
    settings = Settings.from_environment({})
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 9292, 1)
    assert settings.data == Path("data")
    assert (settings.site_name, settings.tagline, settings.brand) == ("Upthread", "", "")
    assert (settings.guests, settings.registration) == ("off", "open")
    assert (settings.secret, settings.trusted_proxies) == ("", ())
    assert (settings.post_host, settings.comment_host, settings.account_host) == ("post", "comment", "account")
    assert (settings.post_port, settings.comment_port, settings.account_port) == (5000, 9292, 9293)
    assert settings.call_secret == ""
    assert place_of("post", settings) == Path("data/post.sqlite3")
    assert (settings.log_format, settings.log_level) == ("auto", "info")


@pytest.mark.parametrize(
    ("secret", "chosen", "served"),
    [("", "", "yes"), ("y" * 32, "", "no"), ("y" * 32, "on", "yes"), ("", "off", "no"), ("", "auto", "yes")],
)
def test_a_secret_closes_the_original_paths_unless_told_otherwise(secret: str, chosen: str, served: str) -> None:
    """Paths that ask for no secret are served where there is none, or where somebody says so."""
    environment = {"UPTHREAD_CALL_SECRET": secret, "UPTHREAD_SEED_CONTRACT": chosen}
    assert Settings.from_environment(environment).serves_seed_contract is (served == "yes")


def test_every_variable_sets_its_setting() -> None:
    """Each setting is what its variable says."""
    settings = Settings.from_environment(
        {
            "UPTHREAD_DATA": "/srv/upthread",
            "UPTHREAD_SECRET": "x" * 32,
            "UPTHREAD_HOST": "::",
            "UPTHREAD_PORT": "80",
            "UPTHREAD_WORKERS": "4",
            "UPTHREAD_TRUSTED_PROXIES": "192.0.2.1, 10.0.1.7/24 ,2001:db8::/32",
            "POST_SERVICE_HOST": "10.0.0.1",
            "POST_SERVICE_PORT": "1",
            "COMMENT_SERVICE_HOST": "10.0.0.2",
            "COMMENT_SERVICE_PORT": "2",
            "ACCOUNT_SERVICE_HOST": "10.0.0.3",
            "ACCOUNT_SERVICE_PORT": "3",
            "UPTHREAD_CALL_SECRET": "y" * 32,
            "UPTHREAD_SEED_CONTRACT": "On",
            "DATABASE_URL": "mongodb://z",
            "POST_DATABASE_URL": "mongodb://a",
            "POST_DATABASE_HOST": "10.0.1.1",
            "POST_DATABASE_PORT": "11",
            "POST_DATABASE": "p",
            "COMMENT_DATABASE_URL": "mongodb+srv://b",
            "COMMENT_DATABASE_HOST": "10.0.1.2",
            "COMMENT_DATABASE_PORT": "12",
            "COMMENT_DATABASE": "c",
            "ACCOUNT_DATABASE_URL": "sqlite:///a.sqlite3",
            "ACCOUNT_DATABASE_HOST": "10.0.1.3",
            "ACCOUNT_DATABASE_PORT": "13",
            "ACCOUNT_DATABASE": "a",
            "UPTHREAD_SITE_NAME": "Птицы",
            "UPTHREAD_TAGLINE": "Everything that flies",
            "UPTHREAD_GUESTS": "ALL",
            "UPTHREAD_REGISTRATION": "closed",
            "UPTHREAD_LOG_FORMAT": "json",
            "UPTHREAD_LOG_LEVEL": "DEBUG",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4318/",
            "ZIPKIN_ENABLED": "True",
            "ZIPKIN_HOST": "10.0.2.1",
            "ZIPKIN_PORT": "21",
            "ENV": "staging",
            "HOSTNAME": "web-1",
            "UPTHREAD_VERSION": "9.9",
            "UPTHREAD_COMMIT": "c0ffee0",
        }
    )
    assert msgspec.structs.asdict(settings) == {
        "data": Path("/srv/upthread"),
        "secret": "x" * 32,
        "host": "::",
        "port": 80,
        "workers": 4,
        "trusted_proxies": ("192.0.2.1/32", "10.0.1.0/24", "2001:db8::/32"),
        "post_host": "10.0.0.1",
        "post_port": 1,
        "comment_host": "10.0.0.2",
        "comment_port": 2,
        "account_host": "10.0.0.3",
        "account_port": 3,
        "call_secret": "y" * 32,
        "seed_contract": "on",
        "database_url": "mongodb://z",
        "post_database_url": "mongodb://a",
        "post_database_host": "10.0.1.1",
        "post_database_port": 11,
        "post_database": "p",
        "comment_database_url": "mongodb+srv://b",
        "comment_database_host": "10.0.1.2",
        "comment_database_port": 12,
        "comment_database": "c",
        "account_database_url": "sqlite:///a.sqlite3",
        "account_database_host": "10.0.1.3",
        "account_database_port": 13,
        "account_database": "a",
        "site_name": "Птицы",
        "tagline": "Everything that flies",
        "guests": "all",
        "registration": "closed",
        "log_format": "json",
        "log_level": "debug",
        "otlp_endpoint": "https://collector:4318/",
        "zipkin_enabled": True,
        "zipkin_host": "10.0.2.1",
        "zipkin_port": 21,
        "env": "staging",
        "hostname": "web-1",
        "version": "9.9",
        "commit": "c0ffee0",
    }


@pytest.mark.parametrize(
    ("env", "hostname", "brand"),
    [("", "", ""), ("staging", "", "staging"), ("staging", "web-1", "staging web-1"), ("", "web-1", "")],
)
def test_the_brand_tells_where_one_is(env: str, hostname: str, brand: str) -> None:
    """The environment's name is shown if it is set, and the machine's only beside it, since shells set that anyway."""
    assert Settings.from_environment({"ENV": env, "HOSTNAME": hostname}).brand == brand


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("UPTHREAD_PORT", "http"),
        ("UPTHREAD_PORT", "-1"),
        ("UPTHREAD_PORT", "65536"),
        ("UPTHREAD_PORT", "٩٢"),
        ("UPTHREAD_WORKERS", "-1"),
        ("UPTHREAD_WORKERS", "1.5"),
        ("UPTHREAD_HOST", "http://localhost"),
        ("UPTHREAD_GUESTS", "yes"),
        ("UPTHREAD_REGISTRATION", "maybe"),
        ("UPTHREAD_TRUSTED_PROXIES", "proxy.example"),
        ("UPTHREAD_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("UPTHREAD_LOG_FORMAT", "xml"),
        ("UPTHREAD_LOG_LEVEL", "loud"),
        ("UPTHREAD_SITE_NAME", "x" * 256),
        ("UPTHREAD_TAGLINE", "two\nlines"),
        ("POST_DATABASE_HOST", "ann:secret@db"),
        ("COMMENT_DATABASE_PORT", "0"),
        ("ACCOUNT_DATABASE", "a.b"),
        ("ACCOUNT_DATABASE", "x" * 64),
    ],
)
def test_a_bad_value_is_named_in_one_line(variable: str, value: str) -> None:
    """A value that can't be stops the start with one line that names the variable, the value, and what it may be."""
    with pytest.raises(StartError) as refused:
        Settings.from_environment({variable: value})
    (setting,) = [setting for setting in SETTINGS if setting.variable == variable]
    assert str(refused.value) == f"{variable} has to be {setting.values}, not {value!r}."
    assert "\n" not in str(refused.value)


def test_a_weak_secret_is_refused_unseen() -> None:
    """A secret that is too short is refused without being printed."""
    with pytest.raises(StartError) as refused:
        Settings.from_environment({"UPTHREAD_SECRET": "hunter2"})
    assert str(refused.value) == "UPTHREAD_SECRET has to be at least 32 characters."


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("POST_DATABASE_URL", "mysql://ann:hunter2@db"),
        ("COMMENT_DATABASE_URL", "mongodb://"),
        ("ACCOUNT_DATABASE_URL", "sqlite:///"),
        ("ACCOUNT_DATABASE_URL", "sqlite:account.sqlite3"),
        ("DATABASE_URL", "postgres://ann:hunter2@db"),
        ("DATABASE_URL", "mongodb://db/reddit"),
    ],
)
def test_a_wrong_url_is_refused_unseen(variable: str, value: str) -> None:
    """A URL that says no place is refused with its variable's name, without being printed: it may hold a password."""
    with pytest.raises(StartError) as refused:
        Settings.from_environment({variable: value})
    (setting,) = [setting for setting in SETTINGS if setting.variable == variable]
    assert str(refused.value) == f"{variable} has to be {setting.values}."


def on_mongodb(url: str, database: str, variable: str) -> MongoAddress:
    """A place on MongoDB."""
    return MongoAddress(Secret(url), database, variable)


@pytest.mark.parametrize(
    ("environment", "room", "place"),
    [
        ({"UPTHREAD_DATA": "/srv"}, "comment", Path("/srv/comment.sqlite3")),
        ({"POST_DATABASE_URL": "sqlite:///p.db"}, "post", Path("p.db")),
        ({"POST_DATABASE_URL": "sqlite:////srv/p.db"}, "post", Path("/srv/p.db")),
        ({"POST_DATABASE_URL": "sqlite:////srv/p.db"}, "account", Path("data/account.sqlite3")),
        (
            {"POST_DATABASE_HOST": "post_db"},
            "post",
            on_mongodb("mongodb://post_db:27017/?directConnection=true", "posts", "POST_DATABASE_HOST"),
        ),
        (
            {"COMMENT_DATABASE_HOST": "::1", "COMMENT_DATABASE_PORT": "1", "COMMENT_DATABASE": "talk"},
            "comment",
            on_mongodb("mongodb://[::1]:1/?directConnection=true", "talk", "COMMENT_DATABASE_HOST"),
        ),
        (
            {"ACCOUNT_DATABASE_URL": "mongodb://u:p%40@a,b:1/people?replicaSet=rs0", "ACCOUNT_DATABASE": "unused"},
            "account",
            on_mongodb("mongodb://u:p%40@a,b:1/people?replicaSet=rs0", "people", "ACCOUNT_DATABASE_URL"),
        ),
        (
            {"ACCOUNT_DATABASE_URL": "mongodb+srv://db.example"},
            "account",
            on_mongodb("mongodb+srv://db.example", "accounts", "ACCOUNT_DATABASE_URL"),
        ),
        (
            {"DATABASE_URL": "127.0.0.1:27017"},
            "comment",
            on_mongodb("mongodb://127.0.0.1:27017/?directConnection=true", "comments", "DATABASE_URL"),
        ),
        (
            {"DATABASE_URL": "mongodb://u:p@db/?tls=true", "POST_DATABASE_URL": "sqlite:///p.db"},
            "account",
            on_mongodb("mongodb://u:p@db/?tls=true", "accounts", "DATABASE_URL"),
        ),
        ({"DATABASE_URL": "db:1", "POST_DATABASE_URL": "sqlite:///p.db"}, "post", Path("p.db")),
    ],
)
def test_where_a_service_keeps_its_data(environment: dict[str, str], room: Room, place: Place) -> None:
    """A service's data are where its own settings say, else where the one for all says, else in the data folder."""
    assert place_of(room, Settings.from_environment(environment)) == place


def test_one_database_is_named_once() -> None:
    """A host beside a URL is refused by a line that names both."""
    settings = Settings.from_environment({"POST_DATABASE_HOST": "db", "POST_DATABASE_URL": "sqlite:///p.db"})
    with pytest.raises(StartError, match=r"^POST_DATABASE_HOST and POST_DATABASE_URL are both set; set one of them\.$"):
        place_of("post", settings)


def test_a_database_is_told_without_its_password() -> None:
    """What is logged of a database are its name and its servers."""
    place = on_mongodb("mongodb://ann:hunter2@a,b:1/people", "people", "ACCOUNT_DATABASE_URL")
    assert str(place) == "the MongoDB database people on a,b:1"
    assert "hunter2" not in repr(place)


def test_a_secret_is_not_printed_with_the_settings() -> None:
    """Settings in a log or traceback show that there is a secret, not which."""
    settings = Settings.from_environment({"UPTHREAD_SECRET": "hunter2" * 5})
    assert "hunter2" not in repr(settings)
    assert "…" in repr(settings)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_every_value_can_come_from_a_file(setting: Setting, tmp_path: Path) -> None:
    """NAME_FILE names a file with the value, line end and all; an empty one leaves the default."""
    examples = {
        "secret": "x" * 32,
        "call_secret": "y" * 32,
        "trusted_proxies": "192.0.2.1",
        "otlp_endpoint": "http://c",
    }
    example = "mongodb://db" if setting.field.endswith("_url") else "word"
    value = setting.default or examples.get(setting.field, example)
    file = tmp_path / "value"
    file.write_text(f"{value}\n", encoding="utf-8")
    from_file = Settings.from_environment({f"{setting.variable}_FILE": str(file)})
    assert from_file == Settings.from_environment({setting.variable: value})
    file.write_text("", encoding="utf-8")
    assert Settings.from_environment({f"{setting.variable}_FILE": str(file)}) == Settings.from_environment({})


def test_a_file_that_is_wrong_is_named(tmp_path: Path) -> None:
    """A missing file, one with a bad value, and a value given twice are told by the variable that names the file."""
    file = tmp_path / "port"
    with pytest.raises(StartError, match=r"^UPTHREAD_PORT_FILE: .*port can't be read: No such file or directory\.$"):
        Settings.from_environment({"UPTHREAD_PORT_FILE": str(file)})
    file.write_bytes(b"\xff")
    with pytest.raises(StartError, match=r"^UPTHREAD_PORT_FILE: .* it is not UTF-8 text\.$"):
        Settings.from_environment({"UPTHREAD_PORT_FILE": str(file)})
    file.write_bytes(b"http")
    with pytest.raises(StartError, match=r"^UPTHREAD_PORT_FILE has to be a whole number"):
        Settings.from_environment({"UPTHREAD_PORT_FILE": str(file)})
    with pytest.raises(StartError, match=r"^UPTHREAD_PORT and UPTHREAD_PORT_FILE are both set"):
        Settings.from_environment({"UPTHREAD_PORT_FILE": str(file), "UPTHREAD_PORT": "80"})


def test_the_table_makes_the_settings() -> None:
    """There is one row for each setting, and no other."""
    assert [setting.field for setting in SETTINGS] == list(Settings.__struct_fields__)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.variable)
def test_the_manual_has_every_setting(setting: Setting) -> None:
    """The manual says of each setting, in its group, what the program does."""
    default = f"`{setting.default}`" if setting.default else "empty"
    row = f"| `{setting.variable}` | {default} | {setting.values} | {setting.meaning} |"
    group = MANUAL.read_text(encoding="utf-8").partition(f"\n## {setting.group}\n")[2].partition("\n## ")[0]
    assert row in group.splitlines()


def test_the_manual_has_no_other_setting() -> None:
    """The manual promises nothing that isn't there."""
    rows = [line for line in MANUAL.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) == len(SETTINGS)


# the site's secret


def with_data(data: Path, secret: str = "") -> Settings:
    """Settings with this data folder."""
    return msgspec.structs.replace(Settings.from_environment({}), data=data, secret=Secret(secret))


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    """The first start makes a secret, in a file for the owner's eyes only, and later starts have the same."""
    settings = with_data(tmp_path / "new" / "data")
    secret = site_secret(settings)
    assert len(secret) >= 32
    assert site_secret(settings) == secret
    (file,) = settings.data.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert site_secret(with_data(tmp_path / "other")) != secret


def test_a_given_secret_is_used_and_not_kept(tmp_path: Path) -> None:
    """A secret that is set is the one used, and leaves no file."""
    assert site_secret(with_data(tmp_path, "y" * 40)) == b"y" * 40
    assert list(tmp_path.iterdir()) == []


def test_processes_that_start_together_share_the_secret(tmp_path: Path) -> None:
    """However many start at the same moment on an empty folder, all have the same secret."""
    settings = with_data(tmp_path)
    start = threading.Barrier(8)
    found: list[bytes] = []

    def look() -> None:
        start.wait()
        found.append(site_secret(settings))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_a_damaged_secret_is_told(tmp_path: Path) -> None:
    """An empty file in the secret's place, or a folder that can't be used, is one clear line."""
    (tmp_path / "secret").touch()
    with pytest.raises(StartError, match=r"holds no secret"):
        site_secret(with_data(tmp_path))
    with pytest.raises(StartError, match=r"can't be used: Not a directory"):
        site_secret(with_data(tmp_path / "secret" / "below"))
