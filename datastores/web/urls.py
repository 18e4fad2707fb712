"""Routes of a project's Data tab."""

from django.urls import URLPattern, URLResolver, include, path

from datastores.web import views

project_pages: list[URLPattern | URLResolver] = [
    path("data/", views.data, name="project_data"),
    path("data/aliases/", views.aliases, name="project_aliases"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("p/<str:owner>/<str:project>/", include(project_pages)),
]
