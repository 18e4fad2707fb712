"""The Celery application. Tasks live in each app's `background.py`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "valohai_app.settings")

app = Celery("valohai_app")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="background")
