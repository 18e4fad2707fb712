"""The platform's settings, for tests: throwaway services when none are given, a throwaway data folder, cheap passwords.

pytest-django loads this before any test; with several workers the first process starts the services and hands their
addresses down in the environment.
"""

import os

from tests.support import services

services.provide(os.environ)
os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ["DATA_DIR"] = str(services.throwaway_folder("data"))
os.environ["ALLOW_LOCAL_REPOSITORIES"] = "true"
os.environ.setdefault(
    "ALLOWED_HOSTS", "testserver,localhost,127.0.0.1,.example.com"
)  # letters need to know them

from valohai_app.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
MIDDLEWARE = [name for name in MIDDLEWARE if "whitenoise" not in name]  # noqa: F405
# Tests that commit empty their tables afterwards, the audit log too; see the migration audit 0002.
DATABASES["default"]["OPTIONS"]["options"] = "-c audit.allow_truncate=on"  # noqa: F405
