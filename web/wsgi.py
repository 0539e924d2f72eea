"""The application for a WSGI server: ``gunicorn web.wsgi:app``."""

from __future__ import annotations

from tasks import logs, startup

from .app import create_app

_settings = startup.read_settings(needs_key=True)
logs.configure(_settings)
app = create_app(_settings)
