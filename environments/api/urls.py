"""Routes."""

from django.urls import URLPattern, URLResolver, path

from environments.api import registries, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("environments/", views.EnvironmentListView.as_view(), name="environment-list"),
    path("environments/<str:reference>/", views.EnvironmentDetailView.as_view(), name="environment-detail"),
    path(
        "environments/<str:reference>/team-quotas/",
        views.TeamQuotasView.as_view(),
        name="environment-team-quotas",
    ),
    path(
        "environments/<str:reference>/dispatchers/",
        views.DispatchersView.as_view(),
        name="environment-dispatchers",
    ),
    path("registry-credentials/", registries.RegistryListView.as_view(), name="registry-list"),
    path(
        "registry-credentials/<uuid:registry_id>/",
        registries.RegistryDetailView.as_view(),
        name="registry-detail",
    ),
]
