"""Routes of executions. Literal names come before `<ref>`, which takes anything."""

from django.urls import URLPattern, URLResolver, include, path

from executions.api import trace, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("executions/", views.ExecutionListView.as_view(), name="execution-list"),
    path("", include("executions.api.log_urls")),
    path("executions/<str:ref>/", views.ExecutionDetailView.as_view(), name="execution-detail"),
    path("executions/<str:ref>/stop/", views.ExecutionStopView.as_view(), name="execution-stop"),
    path("executions/<str:ref>/tags/", views.ExecutionTagsView.as_view(), name="execution-tags"),
    path("executions/<str:ref>/outputs/", views.ExecutionOutputsView.as_view(), name="execution-outputs"),
    path("executions/<str:ref>/spec/", views.ExecutionSpecView.as_view(), name="execution-spec"),
    path(
        "executions/<str:ref>/reproduction/",
        views.ExecutionReproductionView.as_view(),
        name="execution-reproduction",
    ),
    path("executions/<str:ref>/trace/", trace.ExecutionTraceView.as_view(), name="execution-trace"),
    path("data/<uuid:datum_id>/trace/", trace.DatumTraceView.as_view(), name="datum-trace"),
    path(
        "dataset-versions/<uuid:version_id>/trace/",
        trace.DatasetVersionTraceView.as_view(),
        name="dataset-version-trace",
    ),
    path("notebook-executions/", views.NotebookExecutionsView.as_view(), name="notebook-execution-list"),
]
