"""Routes."""

from django.urls import URLPattern, URLResolver, path

from environments.api import machines, registries, views

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
    path(
        "environments/<str:reference>/machines/",
        machines.MachineListView.as_view(),
        name="environment-machines",
    ),
    path(
        "environments/<str:reference>/machines/<uuid:machine_id>/",
        machines.MachineDetailView.as_view(),
        name="environment-machine",
    ),
    *(
        path(
            f"environments/<str:reference>/machines/<uuid:machine_id>/{name}/",
            view.as_view(),
            name=f"environment-machine-{name}",
        )
        for name, view in machines.ACTIONS.items()
    ),
    path(
        "environments/<str:reference>/decisions/",
        machines.DecisionListView.as_view(),
        name="environment-decisions",
    ),
    path("environments/<str:reference>/check/", machines.CheckView.as_view(), name="environment-check"),
    path("registry-credentials/", registries.RegistryListView.as_view(), name="registry-list"),
    path(
        "registry-credentials/<uuid:registry_id>/",
        registries.RegistryDetailView.as_view(),
        name="registry-detail",
    ),
]
