"""Routes of the public API, below an environment."""

from django.urls import URLPattern, URLResolver, path

from environments.enrolment.api import views

ENVIRONMENT = "environments/<str:reference>"

urlpatterns: list[URLPattern | URLResolver] = [
    path(
        f"{ENVIRONMENT}/enrolment-tokens/",
        views.TokenListView.as_view(),
        name="environment-enrolment-tokens",
    ),
    path(
        f"{ENVIRONMENT}/enrolment-tokens/<uuid:token_id>/",
        views.TokenView.as_view(),
        name="environment-enrolment-token",
    ),
    path(f"{ENVIRONMENT}/workers/", views.WorkerListView.as_view(), name="environment-workers"),
    path(
        f"{ENVIRONMENT}/workers/<uuid:credential_id>/",
        views.WorkerDetailView.as_view(),
        name="environment-worker",
    ),
]
