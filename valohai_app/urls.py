"""All routes. `/api/v0/` is the public API, `/api/agent/v1/` the workers'; the rest are pages."""

from django.contrib import admin
from django.urls import include, path

api_v0 = [
    path("", include("accounts.api.urls")),
    path("", include("organizations.api.urls")),
    path("", include("projects.api.urls")),
    path("", include("environments.api.urls")),
    path("", include("environments.enrolment.api.urls")),
    path("", include("datastores.api.urls")),
    path("", include("executions.api.urls")),
]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v0/", include(api_v0)),
    path("api/agent/v1/", include("environments.enrolment.api.agent_urls")),
    path("api/agent/v1/", include("executions.agent_api.urls")),
    path("", include("common.urls")),
    path("", include("accounts.web.urls")),
    path("", include("organizations.web.urls")),
    path("", include("datastores.web.urls")),
    path("", include("environments.web.urls")),
    path("", include("executions.web.urls")),
    path("", include("projects.web.urls")),
]
