"""The application for a WSGI server: ``gunicorn web.wsgi:app``."""

from __future__ import annotations

from tasks import startup

from .app import create_app

app = create_app(startup.read_settings(needs_key=True))
