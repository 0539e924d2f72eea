"""Every spelling of a Redis URL: what redis-py and Celery are told, or the sentence it gets."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from celery import Celery

from tasks.redis_url import RedisUrlError, celery_settings, read_redis_url
from tasks.settings import Settings, SettingsError

AUTHORITY = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"


COMPARED = ("host", "port", "db", "username", "password")
COMPARED += ("cert_reqs", "ca_certs", "check_hostname", "certfile", "keyfile")
WANTED = {"host", "port", "db", "username", "password", "ssl_cert_reqs", "ssl_ca_certs"}
WANTED |= {"ssl_check_hostname", "ssl_certfile", "ssl_keyfile"}


def rules(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.mark.parametrize("word", ["none", "NONE", "None", "CERT_NONE", "cert_none"])
def test_a_certificate_is_left_unverified_in_every_spelling_of_none(word):
    url = read_redis_url(f"rediss://:p@cache:6380/1?ssl_cert_reqs={word}")
    assert rules(url) == {"ssl_cert_reqs": "none", "ssl_check_hostname": "false"}
    assert celery_settings(url)["broker_use_ssl"]["ssl_cert_reqs"] is ssl.CERT_NONE


@pytest.mark.parametrize(
    "query",
    ["", "?", *(f"?ssl_cert_reqs={word}" for word in ("required", "CERT_REQUIRED", "optional"))],
)
def test_a_certificate_and_its_name_are_verified_unless_the_url_says_otherwise(query):
    url = read_redis_url(f"rediss://cache{query}")
    assert rules(url) == {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}
    assert celery_settings(url)["redis_backend_use_ssl"] == {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
    }


@pytest.mark.parametrize("query", ["", "?ssl_cert_reqs=none", "?ssl_ca_certs=/etc/hostname"])
def test_the_authority_of_ones_own_stands_above_what_the_host_wrote(query):
    url = read_redis_url(f"rediss://cache{query}", authority=AUTHORITY)
    assert rules(url) == {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": "true",
        "ssl_ca_certs": AUTHORITY,
    }
    unverified = read_redis_url("rediss://cache?ssl_cert_reqs=required", authority=" None ")
    assert rules(unverified)["ssl_cert_reqs"] == "none"


@pytest.mark.parametrize(
    "text",
    [
        "redis://cache",
        "redis://:p%2Fq@cache:7000/3",
        "rediss://ada:p%40q@cache:6380/1?ssl_cert_reqs=CERT_NONE",
        f"rediss://cache/0?ssl_ca_certs={AUTHORITY}&ssl_check_hostname=No",
        "rediss://[::1]:6380/2",
    ],
)
def test_redis_py_and_celery_reach_the_same_server_by_the_same_rules(text):
    url = read_redis_url(text)
    with redis.Redis.from_url(url) as client:
        pool = client.connection_pool
        asked = pool.connection_class(**pool.connection_kwargs)
    app = Celery(set_as_current=False)
    app.conf.update(celery_settings(url))
    for found in (app.backend.connparams, broker_parameters(app)):
        made = found.pop("connection_class", redis.Connection)(
            **{name: value for name, value in found.items() if name in WANTED}
        )
        assert isinstance(made, redis.SSLConnection) == isinstance(asked, redis.SSLConnection)
        for name in COMPARED:
            assert getattr(made, name, None) == getattr(asked, name, None), name


def broker_parameters(app: Celery) -> dict:
    """What Celery's transport connects with; it is not asked to."""
    from kombu.transport.redis import Channel

    class Unconnected(Channel):
        def __init__(self, connection):
            self.connection = connection
            for name in ("max_connections", "credential_provider", "client_name"):
                setattr(self, name, None)

    connection = app.connection_for_write()
    transport = type("Transport", (), {"client": connection, "default_port": 6379})()
    transport.client.transport_options = {}
    return Unconnected(transport)._connparams()


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("http://:hunter2@cache", "must begin with redis:// or rediss://"),
        ("redis+socket:///run/redis.sock", "must begin with redis:// or rediss://"),
        ("cache:6379", "must begin with redis:// or rediss://"),
        ("rediss://", "cannot be read"),
        ("rediss://:hunter2@", "cannot be read"),
        ("rediss://:hunter2/x@cache:6380/0", "cannot be read"),
        ("rediss://ada:1/hunter2@cache:6380/0", "cannot be read"),
        ("rediss://ada:1?hunter2@cache:6380/0", "cannot be read"),
        ("rediss://ada:1#hunter2@cache:6380/0", "cannot be read"),
        ("rediss://:hunter2@cache:port/0", "cannot be read"),
        ("rediss://:hunter2@cache:99999/0", "cannot be read"),
        ("rediss://:hunter2@cache/jobs", "ends with /jobs: set the database there to a number"),
        ("rediss://:hunter2@cache?ssl_cert_reqs=", "ssl_cert_reqs=: set it to required"),
        ("rediss://:hunter2@cache?ssl_cert_reqs=no", "ssl_cert_reqs=no: set it to required"),
        ("rediss://:hunter2@cache?ssl=true", "'ssl' after the question mark"),
        ("rediss://:hunter2@cache?ssl_check_hostname=2", "ssl_check_hostname=2: set it to true"),
        ("rediss://:hunter2@cache?ssl_keyfile=/etc/hostname", "ssl_keyfile without ssl_certfile"),
        ("rediss://:hunter2@cache?ssl_ca_certs=/none", "ssl_ca_certs is '/none', which cannot be"),
        ("redis://:hunter2@cache?ssl_cert_reqs=none", "is without TLS: begin it with rediss://"),
    ],
)
def test_a_url_that_cannot_work_gets_one_sentence_without_its_password(url, part):
    with pytest.raises(SettingsError) as caught:
        Settings.from_environ({"REDIS_URL": url})
    sentence = str(caught.value)
    assert part in sentence
    assert sentence.count("\n") == 0
    assert "hunter2" not in sentence


def test_an_authority_that_cannot_work_gets_one_sentence(tmp_path: Path):
    empty = tmp_path / "ca.pem"
    empty.write_text("")
    for authority, part in ((str(empty), "holds no certificate"), ("/none", "'/none', which")):
        with pytest.raises(RedisUrlError, match=part):
            read_redis_url("rediss://cache", authority=authority)
    with pytest.raises(RedisUrlError, match="EARMARK_REDIS_CA is set, but"):
        read_redis_url("redis://cache", authority=AUTHORITY)
