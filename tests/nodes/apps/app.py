"""The workers' application: pytest-celery fills in the three lines below the imports."""

from __future__ import annotations

import os

from celery import Celery

from progress.celery import install
from progress.lease import LeaseTerms
from progress.redis import RedisLog

TERMS = LeaseTerms(lease_seconds=2, renew_seconds=0.4, reap_seconds=0.4)

imports = None
app = Celery("celery_test_app")
config = None

if config:
    app.config_from_object(config)
if url := os.environ.get("CELERY_RESULT_BACKEND"):
    install(app, RedisLog(url), terms=TERMS)
