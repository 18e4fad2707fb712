"""Routes of the login and token pages."""

from django.urls import URLPattern, URLResolver, path

from accounts.web import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/login/", views.login, name="login"),
    path("auth/link/", views.login_link, name="login-link"),
    path("auth/logout/", views.logout, name="logout"),
    path("auth/tokens/", views.tokens, name="tokens"),
    path("auth/tokens/<uuid:token_id>/revoke/", views.revoke_token, name="token_revoke"),
]
