"""The values that environment variables may have, and the sentence for each that is wrong."""

import dataclasses
from pathlib import Path

import pytest

from library.retention import JobRetention
from tasks.settings import Settings, SettingsError


def test_an_empty_environment_gives_an_installation_in_the_current_folder():
    settings = Settings.from_environ({})
    assert settings.data_dir == Path.cwd() / ".earmark"
    assert settings.database_url == f"sqlite:///{Path.cwd()}/.earmark/earmark.db"
    assert settings.redis_url == "redis://127.0.0.1:6379/0"
    assert settings.port == 5000
    assert settings.secret_key is None
    assert settings.music_dir is None
    assert settings.secure_cookies is False


def test_the_database_follows_the_data_folder(tmp_path):
    settings = Settings.from_environ({"EARMARK_DATA": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/earmark.db"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///my.db?timeout=3", f"sqlite:///{Path.cwd()}/my.db?timeout=3"),
        ("sqlite:////srv/my.db", "sqlite:////srv/my.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("postgres://db/earmark", "postgres://db/earmark"),
    ],
)
def test_a_database_file_has_one_place_whatever_the_working_folder(url, expected):
    assert Settings.from_environ({"DATABASE_URL": url}).database_url == expected


def test_every_variable_is_read():
    settings = Settings.from_environ(
        {
            "DATABASE_URL": "postgres://u:p@db/earmark",
            "REDIS_URL": "rediss://:p@cache:6380/1",
            "SECRET_KEY": "key",
            "EARMARK_DATA": "/srv/earmark",
            "MUSIC": "/srv/music",
            "PORT": "8080",
            "EARMARK_EMAIL": " ada@example.org ",
            "EARMARK_PASSWORD": "correct horse",
            "EARMARK_SECURE_COOKIES": "Yes",
            "EARMARK_TRUSTED_PROXIES": "1",
            "EARMARK_MUSIC_ROOTS": "/srv/music:~/Music:",
            "EARMARK_MUSIC_WRITE": "/srv/music/lists",
            "EARMARK_SIGN_UP": "Invite",
            "EARMARK_LOCAL": "yes",
            "EARMARK_REDIS_CA": "none",
            "EARMARK_METRICS_PORT": "9100",
            "WEB_CONCURRENCY": "3",
            "EARMARK_KEEP_GONE_DAYS": "45",
            "EARMARK_KEEP_JOBS_DAYS": "30",
            "EARMARK_KEEP_JOBS": "250",
            "EARMARK_LOG": "JSON",
            "EARMARK_WINDOW": "40",
            "EARMARK_PRIVATE_SERVERS": "No",
            "EARMARK_SOUND_CACHE_MB": "500",
        }
    )
    assert settings == Settings(
        data_dir=Path("/srv/earmark"),
        database_url="postgres://u:p@db/earmark",
        redis_url="rediss://:p@cache:6380/1?ssl_cert_reqs=none&ssl_check_hostname=false",
        secret_key="key",
        music_dir=Path("/srv/music"),
        trusted_proxies=1,
        music_roots=(Path("/srv/music"), Path.home() / "Music"),
        music_write=(Path("/srv/music/lists"),),
        sign_up="invite",
        is_local=True,
        keep_gone_days=45,
        port=8080,
        email="ada@example.org",
        password="correct horse",
        secure_cookies=True,
        metrics_port=9100,
        web_processes=3,
        job_retention=JobRetention(days=30, each_account=250),
        log_format="json",
        window=40,
        private_servers=False,
        sound_cache_mb=500,
    )


def test_an_empty_variable_counts_as_unset():
    names = ("PORT", "MUSIC", "EARMARK_EMAIL", "SECRET_KEY", "EARMARK_DATA", "REDIS_URL")
    assert Settings.from_environ(dict.fromkeys(names, " ")) == Settings.from_environ({})


def test_folders_are_absolute_and_know_the_home_folder():
    settings = Settings.from_environ({"MUSIC": "~/Music", "EARMARK_DATA": "data"})
    assert settings.music_dir == Path.home() / "Music"
    assert settings.data_dir == Path.cwd() / "data"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80.5", "٣", "5_000"])
def test_a_port_for_metrics_that_is_no_port_is_named(port):
    with pytest.raises(SettingsError, match="EARMARK_METRICS_PORT is") as caught:
        Settings.from_environ({"EARMARK_METRICS_PORT": port})
    assert repr(port) in str(caught.value)


def test_metrics_are_off_until_a_port_is_set():
    assert Settings.from_environ({}).metrics_port is None
    assert Settings.from_environ({"EARMARK_METRICS_PORT": "9100"}).metrics_port == 9100


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80.5", "٣", "5_000"])
def test_a_port_that_is_no_port_is_named(port):
    with pytest.raises(SettingsError, match=r"PORT is .*1 to 65535") as caught:
        Settings.from_environ({"PORT": port})
    assert repr(port) in str(caught.value)


@pytest.mark.parametrize("email", ["ada", "@example.org", "ada@"])
def test_an_address_without_its_two_halves_is_refused(email):
    with pytest.raises(SettingsError, match="EARMARK_EMAIL"):
        Settings.from_environ({"EARMARK_EMAIL": email})


@pytest.mark.parametrize("name", ["EARMARK_MUSIC_ROOTS", "EARMARK_MUSIC_WRITE"])
@pytest.mark.parametrize("roots", ["music", "/srv/music:music", "/srv/../etc", "./music"])
def test_a_music_root_that_is_no_whole_path_is_refused(name, roots):
    with pytest.raises(SettingsError, match=f"{name} names"):
        Settings.from_environ({name: roots})


@pytest.mark.parametrize("environ", [{}, {"EARMARK_LOCAL": "yes", "MUSIC": "/srv/music"}])
def test_no_list_may_be_written_unless_its_folder_is_named(environ):
    settings = Settings.from_environ(environ)
    assert settings.music_write == ()
    assert not settings.writable.holds(Path("/srv/music"))


def test_a_way_to_sign_up_that_is_none_is_refused():
    with pytest.raises(SettingsError, match="EARMARK_SIGN_UP is 'anyone'"):
        Settings.from_environ({"EARMARK_SIGN_UP": "anyone"})


def test_sign_up_is_closed_but_for_an_installation_of_this_machine_alone():
    assert Settings.from_environ({}).sign_up == "closed"
    assert Settings.from_environ({"EARMARK_LOCAL": "yes"}).sign_up == "open"
    assert Settings.from_environ({"EARMARK_LOCAL": "yes", "EARMARK_SIGN_UP": "closed"}).sign_up == (
        "closed"
    )


def test_private_servers_are_named_by_people_of_this_machine_alone():
    assert not Settings.from_environ({}).private_servers
    assert Settings.from_environ({"EARMARK_LOCAL": "yes"}).private_servers
    assert Settings.from_environ({"EARMARK_PRIVATE_SERVERS": "yes"}).private_servers


def test_a_flag_that_is_neither_yes_nor_no_is_refused():
    with pytest.raises(SettingsError, match="EARMARK_SECURE_COOKIES is 'maybe'"):
        Settings.from_environ({"EARMARK_SECURE_COOKIES": "maybe"})


def test_a_wrong_redis_url_is_refused_without_repeating_its_password():
    with pytest.raises(SettingsError, match="REDIS_URL") as caught:
        Settings.from_environ({"REDIS_URL": "http://:hunter2@cache"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("mysql://u:hunter2@db/earmark", "must begin with postgres://"),
        ("earmark.db", "must begin with postgres://"),
        ("postgres://u:hunter2@db:port/earmark", "cannot be read"),
    ],
)
def test_a_wrong_database_url_is_refused_without_repeating_its_password(url, part):
    with pytest.raises(SettingsError, match=part) as caught:
        Settings.from_environ({"DATABASE_URL": url})
    assert "hunter2" not in str(caught.value)


def test_all_that_is_wrong_is_told_at_once_a_line_each():
    wrong = {
        "PORT": "http",
        "EARMARK_LOG": "xml",
        "WEB_CONCURRENCY": "many",
        "REDIS_URL": "x",
        "EARMARK_KEEP_GONE_DAYS": "-1",
        "EARMARK_KEEP_JOBS_DAYS": "0",
        "EARMARK_KEEP_JOBS": "all",
        "EARMARK_WINDOW": "0",
        "EARMARK_PRIVATE_SERVERS": "perhaps",
        "EARMARK_SOUND_CACHE_MB": "99",
    }
    with pytest.raises(SettingsError) as caught:
        Settings.from_environ(wrong)
    lines = str(caught.value).splitlines()
    assert sorted(line.split()[0] for line in lines) == sorted(wrong)


def test_a_logged_settings_object_tells_no_secret():
    settings = Settings.from_environ(
        {
            "DATABASE_URL": "postgres://u:hunter2@db/x",
            "REDIS_URL": "redis://:hunter2@cache",
            "SECRET_KEY": "hunter2",
            "EARMARK_PASSWORD": "hunter2",
        }
    )
    assert "hunter2" not in repr(settings)


def test_settings_never_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings.from_environ({}).port = 1
