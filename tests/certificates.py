"""Certificates for servers of tests that speak TLS."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.packages import missing


def gunicorn_options(folder: Path) -> tuple[str, str]:
    """The options of a gunicorn that speaks TLS, with a certificate of its own made in a folder."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        missing("openssl is not installed here.")
    return f"--keyfile={key}", f"--certfile={certificate}"
