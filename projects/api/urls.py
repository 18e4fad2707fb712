"""Routes. Literal segments come before the ones that take an id."""

from django.urls import URLPattern, URLResolver, path

from projects.api import variables, views
from projects.api.repository import ProjectRepositoryView

urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/", views.ProjectListView.as_view(), name="project-list"),
    path(
        "projects/ownership_options/", views.OwnershipOptionsView.as_view(), name="project-ownership-options"
    ),
    path("projects/<str:project_id>/", views.ProjectDetailView.as_view(), name="project-detail"),
    path("projects/<str:project_id>/commits/", views.ProjectCommitsView.as_view(), name="project-commits"),
    path("projects/<str:project_id>/fetch/", views.ProjectFetchView.as_view(), name="project-fetch"),
    path(
        "projects/<str:project_id>/repository/",
        ProjectRepositoryView.as_view(),
        name="project-repository",
    ),
    path(
        "projects/<str:project_id>/environment_variable/",
        views.ProjectVariableView.as_view(),
        name="project-environment-variable",
    ),
    path(
        "projects/<str:project_id>/import-package/",
        views.ProjectPackageView.as_view(),
        name="project-import-package",
    ),
    path("commits/", views.CommitListView.as_view(), name="commit-list"),
    path("commits/<str:identifier>/", views.CommitDetailView.as_view(), name="commit-detail"),
    path("variable-groups/", variables.GroupListView.as_view(), name="variable-group-list"),
    path(
        "variable-groups/<uuid:group_id>/",
        variables.GroupDetailView.as_view(),
        name="variable-group-detail",
    ),
    path(
        "variable-groups/<uuid:group_id>/variables/",
        variables.GroupVariablesView.as_view(),
        name="variable-group-variables",
    ),
    path(
        "organizations/<int:organization_id>/environment-variables/",
        variables.OrganizationVariablesView.as_view(),
        name="organization-environment-variables",
    ),
    path("repositories/", views.RepositoryListView.as_view(), name="repository-list"),
]
