"""Routes of project pages. The list of executions, at the project's own address, is in `executions.web`."""

from django.urls import URLPattern, URLResolver, include, path

from projects.web import (
    administration,
    audit,
    collaborators,
    commits,
    fetching,
    invitations,
    organization_variables,
    settings,
)

project_pages = [
    path("fetch/", fetching.start, name="project_fetch"),
    path("fetch/status/", fetching.status, name="project_fetch_status"),
    path("commits/", commits.commits, name="commits"),
    path("commits/<str:identifier>/", commits.commit, name="commit"),
    path("commits/<str:identifier>/code/", commits.code, name="commit_code"),
    path("settings/", settings.settings, name="project_settings_index"),
    path("settings/repository/new-key/", settings.new_key, name="repository_new_key"),
    path("settings/repository/forget-host/", settings.forget_host, name="repository_forget_host"),
    path("settings/variables/delete/", settings.delete_variable, name="variable_delete"),
    path("settings/audit/csv/", audit.audit_csv, name="project_audit_csv"),
    path("settings/collaborators/add/", collaborators.add, name="collaborator_add"),
    path("settings/collaborators/<int:user_id>/change/", collaborators.change, name="collaborator_change"),
    path("settings/collaborators/<int:user_id>/remove/", collaborators.remove, name="collaborator_remove"),
    path(
        "settings/collaborators/invitations/<uuid:invitation_id>/resend/",
        collaborators.resend,
        name="collaborator_invitation_resend",
    ),
    path(
        "settings/collaborators/invitations/<uuid:invitation_id>/cancel/",
        collaborators.cancel,
        name="collaborator_invitation_cancel",
    ),
    path("settings/administration/transfer/", administration.transfer, name="project_transfer"),
    path(
        "settings/administration/transfer/effects/",
        administration.transfer_effects,
        name="project_transfer_effects",
    ),
    path("settings/<str:tab>/", settings.settings, name="project_settings"),
]

organization_pages = [
    path("variables/", organization_variables.variables, name="organization_variables"),
    path("variables/delete/", organization_variables.delete_variable, name="organization_variable_delete"),
    path(
        "variables/groups/create/",
        organization_variables.create_group,
        name="organization_variable_group_create",
    ),
    path(
        "variables/groups/<uuid:group_id>/", organization_variables.group, name="organization_variable_group"
    ),
    path(
        "variables/groups/<uuid:group_id>/variables/",
        organization_variables.set_variable,
        name="organization_group_variable",
    ),
    path(
        "variables/groups/<uuid:group_id>/variables/delete/",
        organization_variables.delete_group_variable,
        name="organization_group_variable_delete",
    ),
    path(
        "variables/groups/<uuid:group_id>/delete/",
        organization_variables.delete_group,
        name="organization_variable_group_delete",
    ),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("invitations/project/<str:secret>/", invitations.accept, name="project_invitation"),
    path("organizations/<str:organization>/", include(organization_pages)),
    path("p/<str:owner>/<str:project>/", include(project_pages)),
]
