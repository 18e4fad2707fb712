"""The blocking half of the application: every HTTP view."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "valohai_app.settings")

application = get_wsgi_application()
