"""Routes. Literal segments come before the ones that take an id."""

from django.urls import URLPattern, URLResolver, path

from projects.api import audit, collaborators, variables, views
from projects.api.repository import ProjectRepositoryView

urlpatterns: list[URLPattern | URLResolver] = [
    path("projects/", views.ProjectListView.as_view(), name="project-list"),
    path(
        "projects/ownership_options/", views.OwnershipOptionsView.as_view(), name="project-ownership-options"
    ),
    path("projects/<str:project_id>/", views.ProjectDetailView.as_view(), name="project-detail"),
    path("projects/<str:project_id>/transfer/", views.ProjectTransferView.as_view(), name="project-transfer"),
    path(
        "projects/<str:project_id>/members/", collaborators.MemberListView.as_view(), name="project-members"
    ),
    path(
        "projects/<str:project_id>/collaborators/",
        collaborators.CollaboratorListView.as_view(),
        name="project-collaborators",
    ),
    path(
        "projects/<str:project_id>/collaborators/invitations/",
        collaborators.InvitationListView.as_view(),
        name="project-invitations",
    ),
    path(
        "projects/<str:project_id>/collaborators/invitations/<uuid:invitation_id>/",
        collaborators.InvitationDetailView.as_view(),
        name="project-invitation-detail",
    ),
    path(
        "projects/<str:project_id>/collaborators/invitations/<uuid:invitation_id>/resend/",
        collaborators.InvitationResendView.as_view(),
        name="project-invitation-resend",
    ),
    path(
        "projects/<str:project_id>/collaborators/<int:user_id>/",
        collaborators.CollaboratorDetailView.as_view(),
        name="project-collaborator-detail",
    ),
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
    path("audit-events/", audit.AuditEventListView.as_view(), name="audit-event-list"),
    path("audit-events/csv/", audit.AuditEventCsvView.as_view(), name="audit-event-csv"),
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
