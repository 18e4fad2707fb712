"""Writes of accounts. Every function takes keywords and the actor, and refuses what the actor may not do."""

from accounts.services.emails import add_email, make_primary, remove_email, send_verification, verify_email
from accounts.services.passwords import (
    change_password,
    password_was_set,
    request_reset,
    reset_password,
    set_password,
)
from accounts.services.tokens import authenticate_token, create_api_token, revoke_api_token, token_of
from accounts.services.two_factor import (
    begin_two_factor,
    confirm_two_factor,
    disable_two_factor,
    remove_two_factor,
    renew_recovery_codes,
)
from accounts.services.users import (
    change_name,
    create_user,
    disable_user,
    enable_user,
    save_changed_user,
    save_new_user,
)

__all__ = [
    "add_email",
    "authenticate_token",
    "begin_two_factor",
    "change_name",
    "change_password",
    "confirm_two_factor",
    "create_api_token",
    "create_user",
    "disable_two_factor",
    "disable_user",
    "enable_user",
    "make_primary",
    "password_was_set",
    "remove_email",
    "remove_two_factor",
    "renew_recovery_codes",
    "request_reset",
    "reset_password",
    "revoke_api_token",
    "save_changed_user",
    "save_new_user",
    "send_verification",
    "set_password",
    "token_of",
    "verify_email",
]
