"""The Celery application and the three pipelines."""
