"""Owners, users and their API tokens.

Users and organizations share one integer id and one name space, so that `owner/project` is unambiguous: both are an
`Owner` row with something attached.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Lower

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
    @transaction.atomic
    def create_user(self, username: str, email: str = "", password: str | None = None, **fields: Any) -> User:
        owner = Owner.objects.create(name=username, kind=Owner.Kind.USER)
        user = self.model(owner=owner, username=username, email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str = "", password: str | None = None, **fields: Any
    ) -> User:
        return self.create_user(username, email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    owner = models.OneToOneField(Owner, primary_key=True, on_delete=models.PROTECT, related_name="user")
    username = models.CharField(max_length=64, unique=True, validators=[OWNER_NAME])
    email = models.EmailField(blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may open the administration site", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

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


class ApiToken(IdentifiedModel):
    """A token for the REST API. The secret is shown once, at creation; only its SHA-256 is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8, help_text="the first characters, to tell tokens apart")
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"
