"""Redis URL: how the Redis server is reached, checked once and said to each library in its way.

redis-py takes the rules of TLS from the URL's query, in small letters. Celery wants them apart from
the URL, refuses ``rediss://`` without them, and decodes a query twice. Hosts spell them in either
way, and Heroku leaves them out. So `read_redis_url` makes one URL of all spellings, which redis-py
understands, and `celery_settings` translates that one.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

#: The value of ``EARMARK_REDIS_CA`` by which any certificate is taken.
ANY_CERTIFICATE = "none"

_SCHEMES = ("redis", "rediss")
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_KNOWN = ("ssl_cert_reqs", "ssl_check_hostname", *_FILES)
_HIGHEST_DATABASE = 65535
# A client that asks for a certificate "optionally" verifies the one it gets, and servers always
# send one: so it is the same as required.
_IS_VERIFIED = {"none": False, "optional": True, "required": True}
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class RedisUrlError(ValueError):
    """A URL of Redis cannot work. The sentence names what, and never repeats a password."""


def read_redis_url(text: str, *, authority: str | None = None) -> str:
    """The URL as redis-py takes it, every rule of TLS written out.

    Args:
        text: As a host hands it out.
        authority: The file of the authority that signed the server's certificate, in PEM, or
            `ANY_CERTIFICATE`. It stands above what the URL says: hosts write that, and change it.

    Raises:
        RedisUrlError: the URL cannot work.
    """
    parts = _split(text)
    options = _options(parts)
    if parts.scheme == "redis":
        if options:
            raise RedisUrlError(
                f"REDIS_URL has {min(options)}, but begins with redis://, which is without TLS: "
                "begin it with rediss://."
            )
        if authority is not None:
            raise RedisUrlError(
                "EARMARK_REDIS_CA is set, but REDIS_URL begins with redis://, which is without "
                "TLS: begin it with rediss://, or unset EARMARK_REDIS_CA."
            )
        return parts._replace(query="", fragment="").geturl()
    query = urlencode(_rules(options, authority))
    return parts._replace(query=query, fragment="").geturl()


def celery_settings(url: str) -> dict[str, Any]:
    """Celery's settings for a URL that `read_redis_url` made: broker and results."""
    parts = urlsplit(url)
    bare = parts._replace(query="").geturl()
    settings: dict[str, Any] = {"broker_url": bare, "result_backend": bare}
    if parts.scheme == "rediss":
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        is_verified = options["ssl_cert_reqs"] == "required"
        options["ssl_cert_reqs"] = ssl.CERT_REQUIRED if is_verified else ssl.CERT_NONE
        options["ssl_check_hostname"] = options["ssl_check_hostname"] == "true"
        settings |= {"broker_use_ssl": options, "redis_backend_use_ssl": options}
    return settings


def _split(text: str) -> SplitResult:
    # The value may hold a password, so no message repeats it.
    scheme = text.strip().partition("://")[0].lower()
    if scheme not in _SCHEMES:
        raise RedisUrlError("REDIS_URL must begin with redis:// or rediss://.")
    try:
        parts = urlsplit(text.strip())
        # An @ in them: a password is read as host and path, and must not be repeated either.
        is_readable = parts.hostname and parts.port != 0 and "@" not in parts.path + parts.query
    except ValueError:
        is_readable = False
    if not is_readable or parts.fragment:
        raise RedisUrlError(
            "REDIS_URL cannot be read: write it as rediss://user:password@host:port/0, and "
            "letters such as / # ? @ in the password as %2F %23 %3F %40."
        )
    database = unquote(parts.path).strip("/")
    if database and not (database.isascii() and database.isdecimal() and len(database) <= 5):
        raise RedisUrlError(
            f"REDIS_URL ends with /{database}: set the database there to a number, such as /0."
        )
    return parts._replace(scheme=scheme)


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in _KNOWN:
            raise RedisUrlError(
                f"REDIS_URL has {name!r} after the question mark, which Earmark does not know: "
                f"leave it out. It knows {', '.join(_KNOWN)}."
            )
    return options


def _rules(options: dict[str, str], authority: str | None) -> dict[str, str]:
    files = {
        name: _file(f"REDIS_URL's {name}", options[name]) for name in _FILES if name in options
    }
    if "ssl_keyfile" in files and "ssl_certfile" not in files:
        raise RedisUrlError("REDIS_URL has ssl_keyfile without ssl_certfile: name both.")
    is_verified = _is_verified(options.get("ssl_cert_reqs", "required"))
    if authority is not None:
        is_verified = authority.strip().lower() != ANY_CERTIFICATE
        if is_verified:
            files["ssl_ca_certs"] = _file("EARMARK_REDIS_CA", authority.strip())
    if is_verified and "ssl_ca_certs" in files:
        _check_authority(files["ssl_ca_certs"])
    # redis-py before 6 does not look at the name by itself.
    looks_at_name = is_verified and _flag(options.get("ssl_check_hostname", "true"))
    return {
        "ssl_cert_reqs": "required" if is_verified else "none",
        "ssl_check_hostname": "true" if looks_at_name else "false",
        **files,
    }


def _is_verified(word: str) -> bool:
    known = _IS_VERIFIED.get(word.strip().lower().removeprefix("cert_"))
    if known is None:
        raise RedisUrlError(
            f"REDIS_URL has ssl_cert_reqs={word}: set it to required, or to none for a "
            "certificate that cannot be verified."
        )
    return known


def _flag(word: str) -> bool:
    known = _FLAGS.get(word.strip().lower())
    if known is None:
        raise RedisUrlError(f"REDIS_URL has ssl_check_hostname={word}: set it to true or false.")
    return known


def _file(what: str, text: str) -> str:
    path = Path(text).expanduser().absolute()
    try:
        with path.open("rb"):
            return str(path)
    except OSError as error:
        raise RedisUrlError(
            f"{what} is {text!r}, which cannot be read ({error.strerror}): "
            "set it to a file that this process may read."
        ) from error


def _check_authority(path: str) -> None:
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        raise RedisUrlError(
            f"The file {path} holds no certificate: set EARMARK_REDIS_CA to the certificate of "
            "the authority, a file that begins with -----BEGIN CERTIFICATE-----."
        ) from error
