"""Earmark's own settings of gunicorn, on an address that only this machine reaches."""

from __future__ import annotations

import os
from dataclasses import replace

import web.gunicorn
from benchmarks.streaming.site import LIMITS
from progress.streamer.supervisor import Supervisor
from web.gunicorn import *  # noqa: F403 - the settings of production, whatever they are

bind = f"127.0.0.1:{os.environ['PORT']}"
backlog = 8192

web.gunicorn.streamer = Supervisor(replace(web.gunicorn.streamer.settings, limits=LIMITS))
