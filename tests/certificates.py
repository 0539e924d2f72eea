"""Certificates for servers of tests that speak TLS."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.packages import missing


def gunicorn_options(folder: Path) -> tuple[str, str]:
    """The options of a gunicorn that speaks TLS, with a certificate of its own made in a folder."""
    key, certificate = make_certificate(folder)
    return f"--keyfile={key}", f"--certfile={certificate}"


def make_certificate(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """A key and a certificate for a name, which is its own authority."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        missing("openssl is not installed here.")
    return key, certificate
