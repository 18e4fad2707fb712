"""Routes of signing in and users."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("server/", views.ServerView.as_view(), name="server"),
    path("get-token/", views.GetTokenView.as_view(), name="get-token"),
    path("users/", views.UserListView.as_view(), name="user-list"),
    path("users/me/", views.MeView.as_view(), name="user-me"),
    path("users/login_link/", views.LoginLinkView.as_view(), name="user-login-link"),
]
