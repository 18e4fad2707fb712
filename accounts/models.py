"""Owners, users, and what proves who somebody is: e-mail addresses, second factors, sessions, API tokens.

Users and organizations share one integer id and one name space, so that `owner/project` is unambiguous: both are an
`Owner` row with something attached.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower

from audit.types import Scope, Target
from common import clock
from common.crypto import EncryptedTextField
from common.models import IdentifiedModel

OWNER_NAME = RegexValidator(
    r"\A[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?\Z",
    "Use 1 to 64 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit.",
)


class Owner(models.Model):
    """Whoever can own projects, environments and stores: a user or an organization."""

    class Kind(models.TextChoices):
        USER = "user"
        ORGANIZATION = "organization"

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=64, validators=[OWNER_NAME])
    kind = models.CharField(max_length=16, choices=Kind.choices)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="owner_name_unique")]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def create_user(
        self,
        username: str,
        email: str = "",
        password: str | None = None,
        *,
        verified_email: bool = True,
        **fields: Any,
    ) -> User:
        """For commands and tests, which know what they do: nothing is checked or recorded."""
        user = self.model(username=username, email=self.normalize_email(email), **fields)
        user.set_password(password)
        return self.store_new(user, verified_email=verified_email)

    def create_superuser(
        self, username: str, email: str = "", password: str | None = None, **fields: Any
    ) -> User:
        return self.create_user(username, email, password, is_staff=True, is_superuser=True, **fields)

    @transaction.atomic
    def store_new(self, user: User, *, verified_email: bool) -> User:
        """The user with their place among the owners and their primary address."""
        user.owner = Owner.objects.create(name=user.username, kind=Owner.Kind.USER)
        user.save(using=self._db, force_insert=True)
        if user.email:
            verified_at = clock.now() if verified_email else None
            user.email_addresses.create(email=user.email, verified_at=verified_at, is_primary=True)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    owner = models.OneToOneField(Owner, primary_key=True, on_delete=models.PROTECT, related_name="user")
    username = models.CharField(max_length=64, unique=True, validators=[OWNER_NAME])
    email = models.EmailField(blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may open the administration site", default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_active_at = models.DateTimeField(null=True, blank=True, help_text="last request, to the minute")

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.username

    @property
    def id(self) -> int:
        return self.owner_id

    @property
    def display_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.username

    @property
    def audit_target(self) -> Target:
        return Target("user", str(self.pk), self.username, Scope((self.pk,)))


class EmailAddress(IdentifiedModel):
    """An address of a user. The primary one is copied to `User.email`; only verified ones receive a password reset."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="email_addresses")
    email = models.EmailField()
    verified_at = models.DateTimeField(null=True, blank=True)
    is_primary = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "email addresses"
        constraints = [
            # Nobody can block an address by claiming it: only a proven claim is exclusive.
            models.UniqueConstraint(
                Lower("email"), condition=Q(verified_at__isnull=False), name="verified_email_unique"
            ),
            models.UniqueConstraint("user", Lower("email"), name="email_once_per_user"),
            models.UniqueConstraint(fields=["user"], condition=Q(is_primary=True), name="one_primary_email"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def audit_target(self) -> Target:
        return Target("email_address", str(self.pk), self.email, Scope((self.user_id,)))


class TotpDevice(models.Model):
    """The authenticator app of a user (RFC 6238). It counts once it is confirmed by a code."""

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="totp_device")
    seed = EncryptedTextField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_used_step = models.BigIntegerField(
        default=0, help_text="the time step of the last code that was accepted; no code counts twice"
    )

    def __str__(self) -> str:
        return f"authenticator of {self.user}"


class RecoveryCode(IdentifiedModel):
    """Signs in once when the authenticator is lost. Only a hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_unique")]

    def __str__(self) -> str:
        return f"recovery code of {self.user}"


class UserSession(IdentifiedModel):
    """A browser that is signed in, so that its user can see it and sign it out."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="user_sessions")
    token = models.ForeignKey(
        "ApiToken", null=True, blank=True, on_delete=models.CASCADE, related_name="user_sessions",
        help_text="has signed the browser in by a login link",
    )  # fmt: skip
    session_key = models.CharField(max_length=40, unique=True)
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=255, blank=True)
    last_seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"session of {self.user}"


class ApiToken(IdentifiedModel):
    """A token for the REST API. The secret is shown once, at creation; only its SHA-256 is kept."""

    class AccessScope(models.TextChoices):
        FULL = "full", "full access"
        READ_ONLY = "read_only", "read only"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8, help_text="the first characters, to tell tokens apart")
    access_scope = models.CharField(
        max_length=16, choices=AccessScope.choices, default=AccessScope.FULL, db_default=AccessScope.FULL
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @property
    def audit_target(self) -> Target:
        return Target("api_token", str(self.pk), str(self), Scope((self.user_id,)))
