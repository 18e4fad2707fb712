"""Routes of the login, account and token pages."""

from django.urls import URLPattern, URLResolver, path

from accounts.web import login, profile, reset, security, tokens

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/login/", login.login, name="login"),
    path("auth/code/", login.login_code, name="login-code"),
    path("auth/link/", login.login_link, name="login-link"),
    path("auth/logout/", login.logout, name="logout"),
    path("auth/reset/", reset.ask, name="password-reset"),
    path("auth/reset/<str:token>/", reset.link, name="password-reset-link"),
    path("auth/profile/", profile.profile, name="profile"),
    path("auth/emails/", profile.emails, name="emails"),
    path("auth/emails/verify/<str:token>/", profile.verify, name="email-verify"),
    path("auth/emails/<uuid:email_id>/send/", profile.send_verification, name="email-send"),
    path("auth/emails/<uuid:email_id>/primary/", profile.make_primary, name="email-primary"),
    path("auth/emails/<uuid:email_id>/remove/", profile.remove_email, name="email-remove"),
    path("auth/security/", security.security, name="security"),
    path("auth/security/password/", security.password, name="password-change"),
    path("auth/security/two-factor/", security.begin_two_factor, name="two-factor-begin"),
    path("auth/security/two-factor/confirm/", security.confirm_two_factor, name="two-factor-confirm"),
    path("auth/security/two-factor/disable/", security.disable_two_factor, name="two-factor-disable"),
    path("auth/security/recovery-codes/", security.renew_recovery_codes, name="recovery-codes"),
    path("auth/sessions/end-others/", security.end_other_sessions, name="sessions-end-others"),
    path("auth/sessions/<uuid:session_id>/end/", security.end_session, name="session-end"),
    path("auth/tokens/", tokens.tokens, name="tokens"),
    path("auth/tokens/<uuid:token_id>/revoke/", tokens.revoke_token, name="token_revoke"),
]
