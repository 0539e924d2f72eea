"""The Celery application and the pipelines."""
