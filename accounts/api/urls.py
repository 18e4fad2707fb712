"""Routes of signing in, users and tokens."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("server/", views.ServerView.as_view(), name="server"),
    path("get-token/", views.GetTokenView.as_view(), name="get-token"),
    path("users/", views.UserListView.as_view(), name="user-list"),
    path("users/me/", views.MeView.as_view(), name="user-me"),
    path("users/login_link/", views.LoginLinkView.as_view(), name="user-login-link"),
    path("api-tokens/", views.ApiTokenListView.as_view(), name="api-token-list"),
    path("api-tokens/<uuid:token_id>/", views.ApiTokenDetailView.as_view(), name="api-token-detail"),
]
