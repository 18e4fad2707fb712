"""Every setting of the platform, read from environment variables. `docs/operations/settings.md` lists them.

Without DATABASE_URL and REDIS_URL nothing here works on purpose: `script/server` starts an embedded PostgreSQL and
Redis and passes their addresses, so that there is one code path everywhere.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from valohai_app import env

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / ".data")))

DEBUG = env.boolean("DEBUG")
SECRET_KEY = env.text("SECRET_KEY")
SECRETS_KEYS = env.items("SECRETS_KEYS") or [SECRET_KEY]
URL_BASE = env.text("URL_BASE").rstrip("/")  # the public origin; empty: whatever host the client used
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", "*")
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS", URL_BASE)
PLATFORM_LONG_NAME = env.text("PLATFORM_LONG_NAME", "Valohai-compatible MLOps")
PLATFORM_SHORT_NAME = env.text("PLATFORM_SHORT_NAME", "MLOps")

INSTALLED_APPS = [
    "common.admin_config.PlatformAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "csp",
    "common",
    "audit",
    "accounts",
    "organizations",
    "projects",
    "environments",
    "datastores",
    "executions",
    "valohai_app",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "common.web.headers.SafetyHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "common.web.privacy.NotStored",
    "audit.middleware.AuditOrigin",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.LastSeen",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "valohai_app.urls"
WSGI_APPLICATION = "valohai_app.wsgi.application"
ASGI_APPLICATION = "valohai_app.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "common.web.context.platform",
                "organizations.web.context.account_menu",
            ],
        },
    },
]


def database_from_url(url: str) -> dict[str, Any]:
    """`psql://user:password@host:port/name?sslmode=require`, also `postgres://` and `postgresql://`."""
    parts = urlsplit(url)
    if parts.scheme not in {"psql", "postgres", "postgresql"}:
        raise env.SettingInvalid(
            "DATABASE_URL must name a PostgreSQL database, such as postgres://user:password@host:5432/name. "
            "To run with an embedded one, start the platform with script/server."
        )
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
        # Blocking views run on a fixed pool of threads, each with a connection that it keeps.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": database_from_url(env.text("DATABASE_URL"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def trusting(redis_url: str, authority: str) -> str:
    """The address with the certificate of a private authority that signed the server's: every client reads it there."""
    if not authority or urlsplit(redis_url).scheme != "rediss":
        return redis_url
    trust = urlencode({"ssl_cert_reqs": "required", "ssl_ca_certs": authority})
    return f"{redis_url}{'&' if urlsplit(redis_url).query else '?'}{trust}"


REDIS_URL = trusting(env.text("REDIS_URL"), env.text("REDIS_CA_FILE"))
WORKER_REDIS_URL = env.text("WORKER_REDIS_URL") or env.text(
    "REDIS_URL"
)  # as workers on other machines reach it
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "vh:cache",
        "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient", "IGNORE_EXCEPTIONS": True},
    }
}

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["accounts.hashers.PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 60 * 60  # seconds
LOGIN_URL = "/auth/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/auth/login/"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = env.integer("SESSION_HOURS", 14 * 24) * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = env.boolean("SESSION_EXPIRE_AT_BROWSER_CLOSE")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
BEHIND_TLS = URL_BASE.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
# No other host of the domain can plant cookies with this prefix (docs/decisions/0101).
COOKIE_PREFIX = "__Host-" if BEHIND_TLS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid", f"{COOKIE_PREFIX}csrftoken"
HSTS_SECONDS = env.integer("HSTS_SECONDS", 365 * 24 * 3600) if BEHIND_TLS else 0
SECURE_SSL_REDIRECT = env.boolean("SECURE_SSL_REDIRECT")
if env.boolean("TRUST_FORWARDED_PROTO"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
DEFAULT_EXCEPTION_REPORTER_FILTER = "common.web.error_reports.NamesWithoutValues"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone",
        "midi", "payment", "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
    )
)  # fmt: skip
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "static")))


def platform_storage(kind: str) -> dict[str, Any]:
    """django-storages configuration of the platform's own storage: snapshots, logs and the default store."""
    if kind == "filesystem":
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": env.text("STORAGE_DIR", str(DATA_DIR / "storage"))},
        }
    if kind == "s3":
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": env.text("AWS_S3_BUCKET_NAME"),
                "region_name": env.text("AWS_REGION") or None,
                "endpoint_url": env.text("AWS_S3_ENDPOINT_URL") or None,
                "access_key": env.text("AWS_ACCESS_KEY_ID") or None,
                "secret_key": env.text("AWS_SECRET_ACCESS_KEY") or None,
                "signature_version": "s3v4",
                "file_overwrite": True,
            },
        }
    if kind == "gcs":
        return {
            "BACKEND": "storages.backends.gcloud.GoogleCloudStorage",
            "OPTIONS": {"bucket_name": env.text("GS_BUCKET_NAME"), "file_overwrite": True},
        }
    if kind == "azure":
        return {
            "BACKEND": "storages.backends.azure_storage.AzureStorage",
            "OPTIONS": {
                "account_name": env.text("AZURE_ACCOUNT_NAME"),
                "account_key": env.text("AZURE_ACCOUNT_KEY"),
                "azure_container": env.text("AZURE_CONTAINER"),
                "overwrite_files": True,
            },
        }
    raise env.SettingInvalid(f"MAIN_STORAGE_TYPE is {kind!r}; use filesystem, s3, gcs or azure.")


def storage_origins(kind: str) -> list[str]:
    """Where browsers fetch previews from and upload to by signed address, when the storage is not our own."""
    if kind == "s3":
        endpoint = urlsplit(env.text("AWS_S3_ENDPOINT_URL"))
        if endpoint.netloc:
            return [f"{endpoint.scheme}://{endpoint.netloc}"]
        bucket, region = env.text("AWS_S3_BUCKET_NAME"), env.text("AWS_REGION")
        return [f"https://{bucket}.s3.amazonaws.com", f"https://{bucket}.s3.{region}.amazonaws.com"]
    if kind == "gcs":
        return ["https://storage.googleapis.com"]
    if kind == "azure":
        return [f"https://{env.text('AZURE_ACCOUNT_NAME')}.blob.core.windows.net"]
    return []


STORAGE_KIND = env.text("MAIN_STORAGE_TYPE", "filesystem")
STORAGES = {
    "default": platform_storage(STORAGE_KIND),
    "staticfiles": {"BACKEND": "common.web.static.StaticFilesStorage"},
}
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:", *storage_origins(STORAGE_KIND)],
        "media-src": ["'self'", *storage_origins(STORAGE_KIND)],
        "connect-src": ["'self'", *storage_origins(STORAGE_KIND)],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}
FILE_URL_LIFETIME_SECONDS = env.integer("FILE_URL_LIFETIME_SECONDS", 3600)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.TokenAuthentication",
        "accounts.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "common.rest.parsers.BoundedJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "accounts.api.permissions.TokenScope",
    ],
    "DEFAULT_PAGINATION_CLASS": "common.rest.pagination.LimitOffsetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "common.rest.errors.exception_handler",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "MLOps platform API",
    "VERSION": "v0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v0/",
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024


def celery_broker(redis_url: str) -> str:
    """Celery has a name of its own for a Redis behind a Unix socket."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    return f"redis+socket://{parts.path}?virtual_host={dict(parse_qsl(parts.query)).get('db', '0')}"


CELERY_BROKER_URL = trusting(env.text("CELERY_BROKER"), env.text("REDIS_CA_FILE")) or celery_broker(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"global_keyprefix": "vh:celery:", "visibility_timeout": 3600}

# Jobs and workers
AGENT_DIR = Path(
    env.text("AGENT_DIR", str(DATA_DIR / "agent-build"))
)  # where script/build-agent puts the agent
LEASE_SECONDS = env.integer("LEASE_SECONDS", 15)
HEARTBEAT_SECONDS = env.integer("HEARTBEAT_SECONDS", 2)
MASK_SECRETS_IN_LOGS = env.boolean("MASK_SECRETS_IN_LOGS", True)
STOP_GRACE_SECONDS = env.integer("STOP_GRACE_SECONDS", 30)
DEFAULT_NO_OUTPUT_TIMEOUT_SECONDS = env.integer("DEFAULT_NO_OUTPUT_TIMEOUT_SECONDS", 8 * 3600)
ALLOW_LOCAL_REPOSITORIES = env.boolean("ALLOW_LOCAL_REPOSITORIES")
LOCAL_REPOSITORY_ROOTS = env.items("LOCAL_REPOSITORY_ROOTS")
ALLOW_PRIVATE_NETWORK_URLS = env.boolean("ALLOW_PRIVATE_NETWORK_URLS", True)
ALLOWED_INTERNAL_HOSTS = env.hosts("ALLOWED_INTERNAL_HOSTS")
PULSE_PATH = env.text(
    "PULSE_PATH"
)  # scheduler, ingest and autoscaler touch it after each round that went well

METRICS_TOKEN = env.text("METRICS_TOKEN")

# Machines that the autoscaler starts
AUTOSCALER_ROUND_SECONDS = env.integer("AUTOSCALER_ROUND_SECONDS", 5)
MACHINE_ENROLMENT_SECONDS = env.integer("MACHINE_ENROLMENT_SECONDS", 600)
MACHINE_SILENCE_SECONDS = env.integer("MACHINE_SILENCE_SECONDS", 120)
# What machines are tagged with at a provider, so that rights can be limited to them.
INSTALLATION_ID = env.text("INSTALLATION_ID", urlsplit(URL_BASE).hostname or "local")
AGENT_APP_URL = env.text("AGENT_APP_URL", URL_BASE or "http://127.0.0.1:8000").rstrip("/")
AGENT_REDIS_URL = env.text("AGENT_REDIS_URL", REDIS_URL)

# E-mail
if env.text("EMAIL_HOST"):
    EMAIL_HOST = env.text("EMAIL_HOST")
    EMAIL_PORT = env.integer("EMAIL_PORT", 587)
    EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
    EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
    EMAIL_USE_TLS = env.boolean("EMAIL_USE_TLS", EMAIL_PORT == 587)
    EMAIL_USE_SSL = env.boolean("EMAIL_USE_SSL", EMAIL_PORT == 465)
    EMAIL_TIMEOUT = 20
else:  # whoever runs the installation finds the letters in a folder
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(DATA_DIR / "mail")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", "mlops@localhost")

# Tenancy
ORGANIZATION_CREATION = env.text("ORGANIZATION_CREATION", "everyone")  # who may create one; or superusers
AUTOMATIC_ACCEPTANCE = env.text("AUTOMATIC_ACCEPTANCE", "owners")  # who may switch it on; or superusers

# Audit
AUDIT_RETENTION_DAYS = env.integer("AUDIT_RETENTION_DAYS", 180)  # 0: rows are kept for ever

# Code
GIT_LIST_TIMEOUT_SECONDS = env.integer("GIT_LIST_TIMEOUT_SECONDS", 30)
GIT_FETCH_TIMEOUT_SECONDS = env.integer("GIT_FETCH_TIMEOUT_SECONDS", 600)
GIT_MAX_REPOSITORY_MB = env.integer("GIT_MAX_REPOSITORY_MB", 8000)
FETCH_HISTORY_COMMITS = env.integer("FETCH_HISTORY_COMMITS", 500)  # newest commits kept per reference
FETCH_BUDGET_SECONDS = env.integer(
    "FETCH_BUDGET_SECONDS", 10
)  # then older commits are stored in the background
PACKAGE_MAX_FILES = env.integer("PACKAGE_MAX_FILES", 10_000)
PACKAGE_MAX_MB = env.integer("PACKAGE_MAX_MB", 1000)
PACKAGE_MAX_UNPACKED_MB = env.integer("PACKAGE_MAX_UNPACKED_MB", 2000)
YAML_MAX_BYTES = 256 * 1024

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "valohai_app.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        # Below, it writes down requests with the beginning of their token.
        "swiftclient": {"level": "WARNING"},
    },
}
