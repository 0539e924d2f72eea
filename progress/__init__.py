"""Live progress for Celery and Flask: a replayable log of what every job does."""
