"""Routes of the pages that show executions: home, a project's list, the create form."""

from django.urls import URLPattern, URLResolver, include, path

from executions.web import create, detail, files, home, listing, trace

project_pages: list[URLPattern | URLResolver] = [
    path("", listing.executions, name="project"),
    path("executions/bulk/", listing.bulk, name="executions_bulk"),
    path("executions/create/", create.create, name="execution_create"),
    path("executions/create/facts/", create.create_facts, name="execution_create_facts"),
    path("execution/<uuid:execution_id>/", detail.execution, name="execution"),
    path("execution/<uuid:execution_id>/facts/", detail.execution_facts, name="execution_facts"),
    path("execution/<uuid:execution_id>/trace/", trace.of_execution, name="execution_trace"),
    path("data/<uuid:datum_id>/", files.file, name="project_datum"),
    path("data/<uuid:datum_id>/trace/", trace.of_file, name="project_datum_trace"),
    path(
        "data/datasets/<uuid:dataset_id>/<uuid:version_id>/trace/",
        trace.of_version,
        name="project_dataset_version_trace",
    ),
    path("execution/<uuid:execution_id>/outputs/", detail.execution_outputs, name="execution_outputs"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("projects/switch/", home.project_switch, name="project_switch"),
    path("projects/create/", home.create_project, name="project_create"),
    path("p/<str:owner>/<str:project>/", include(project_pages)),
]
