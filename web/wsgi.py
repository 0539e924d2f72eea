"""The application for a WSGI server: ``gunicorn web.wsgi:app``."""

from __future__ import annotations

import os

from tasks.settings import Settings

from .app import create_app

app = create_app(Settings.from_environ(os.environ))
