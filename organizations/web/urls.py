"""Routes of the pages about organizations. Higher apps add tabs of their own below the same prefix."""

from django.urls import URLPattern, URLResolver, include, path

from organizations.web import accept, audit, index, invitations, members, settings, teams

organization_pages: list[URLPattern | URLResolver] = [
    path("", index.overview, name="organization"),
    path("members/", members.members, name="organization_members"),
    path("members/<int:user_id>/role/", members.change_role, name="organization_member_role"),
    path("members/<int:user_id>/remove/", members.remove, name="organization_member_remove"),
    path("teams/", teams.teams, name="organization_teams"),
    path("teams/<uuid:team_id>/", teams.team, name="organization_team"),
    path("teams/<uuid:team_id>/rename/", teams.rename, name="organization_team_rename"),
    path("teams/<uuid:team_id>/delete/", teams.delete, name="organization_team_delete"),
    path("teams/<uuid:team_id>/members/", teams.add_member, name="organization_team_add"),
    path("teams/<uuid:team_id>/members/<int:user_id>/", teams.change_member, name="organization_team_member"),
    path(
        "teams/<uuid:team_id>/members/<int:user_id>/remove/",
        teams.remove_member,
        name="organization_team_remove",
    ),
    path("invitations/", invitations.invitations, name="organization_invitations"),
    path(
        "invitations/<uuid:invitation_id>/resend/",
        invitations.resend,
        name="organization_invitation_resend",
    ),
    path(
        "invitations/<uuid:invitation_id>/cancel/",
        invitations.cancel,
        name="organization_invitation_cancel",
    ),
    path("settings/", settings.settings, name="organization_settings"),
    path("delete/", settings.delete, name="organization_delete"),
    path("audit/", audit.log, name="organization_audit"),
    path("audit/csv/", audit.log_csv, name="organization_audit_csv"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("organizations/", index.organizations, name="organizations"),
    path("create-organization/", index.create, name="organization_create"),
    path("context/", index.switch_context, name="switch_context"),
    path("activity/", audit.activity, name="activity"),
    path("activity/csv/", audit.activity_csv, name="activity_csv"),
    path("invitations/<str:secret>/", accept.accept, name="invitation"),
    path("organizations/<str:organization>/", include(organization_pages)),
]
