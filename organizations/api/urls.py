"""Routes of organizations and teams."""

from django.urls import path

from organizations.api import views

urlpatterns = [
    path("organizations/", views.OrganizationListView.as_view(), name="organization-list"),
    path(
        "organizations/<int:organization_id>/",
        views.OrganizationDetailView.as_view(),
        name="organization-detail",
    ),
    path("teams/", views.TeamListView.as_view(), name="team-list"),
    path("teams/<uuid:team_id>/", views.TeamDetailView.as_view(), name="team-detail"),
]
