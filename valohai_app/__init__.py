"""The composition root: settings, routes and process entry points. No models, no logic."""

from valohai_app.celery import app as celery_app

__all__ = ["celery_app"]
