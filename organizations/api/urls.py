"""Routes of organizations, their members and invitations, and teams."""

from django.urls import URLPattern, URLResolver, include, path

from organizations.api import invitations, organizations, teams

one_organization: list[URLPattern | URLResolver] = [
    path("", organizations.OrganizationDetailView.as_view(), name="organization-detail"),
    path("members/", organizations.MemberListView.as_view(), name="organization-members"),
    path("members/<int:user_id>/", organizations.MemberDetailView.as_view(), name="organization-member"),
    path("invitations/", invitations.InvitationListView.as_view(), name="organization-invitations"),
    path(
        "invitations/<uuid:invitation_id>/",
        invitations.InvitationDetailView.as_view(),
        name="organization-invitation",
    ),
    path(
        "invitations/<uuid:invitation_id>/resend/",
        invitations.InvitationResendView.as_view(),
        name="organization-invitation-resend",
    ),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("organizations/", organizations.OrganizationListView.as_view(), name="organization-list"),
    path("organizations/<int:organization_id>/", include(one_organization)),
    path("teams/", teams.TeamListView.as_view(), name="team-list"),
    path("teams/<uuid:team_id>/", teams.TeamDetailView.as_view(), name="team-detail"),
    path("teams/<uuid:team_id>/members/", teams.TeamMemberListView.as_view(), name="team-members"),
    path(
        "teams/<uuid:team_id>/members/<int:user_id>/",
        teams.TeamMemberDetailView.as_view(),
        name="team-member",
    ),
]
