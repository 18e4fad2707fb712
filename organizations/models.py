"""Organizations, their members, teams and invitations."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models import Owner
from audit.types import Scope, Target
from common.models import IdentifiedModel


class Organization(models.Model):
    owner = models.OneToOneField(
        Owner, primary_key=True, on_delete=models.PROTECT, related_name="organization"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    require_2fa = models.BooleanField(
        "require two-factor authentication", default=False, db_default=False,
        help_text="members without a second factor reach nothing of the organization until they set one up",
    )  # fmt: skip
    max_token_lifetime_days = models.PositiveIntegerField(
        "maximum lifetime of API tokens", null=True, blank=True, validators=[MinValueValidator(1)],
        help_text="days; older tokens of members no longer work. Empty: no limit",
    )  # fmt: skip
    forbid_personal_projects = models.BooleanField(
        default=False, db_default=False, help_text="members create projects in the organization only"
    )
    forbid_public_stores = models.BooleanField(
        default=False, db_default=False,
        help_text="projects of the organization do not use stores that are open to everybody",
    )  # fmt: skip
    auto_accept_invitations = models.BooleanField(
        default=False, db_default=False,
        help_text="whoever has proved an invited address is a member at once, without a click",
    )  # fmt: skip
    default_debug_port = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1024), MaxValueValidator(65535)],
        help_text="offered by forms that start remote debugging; above 1023",
    )  # fmt: skip
    # Slug of an environment and id of a store: both live in higher apps, so that no foreign key can point there.
    default_environment_slug = models.CharField(
        max_length=128, blank=True, default="", db_default="", help_text="of new projects"
    )
    default_store_id = models.UUIDField(null=True, blank=True, help_text="of new projects")

    def __str__(self) -> str:
        return self.owner.name

    @property
    def audit_target(self) -> Target:
        return Target("organization", str(self.pk), self.name, Scope((self.pk,)))

    @property
    def id(self) -> int:
        return self.owner_id

    @property
    def name(self) -> str:
        return self.owner.name


class OrganizationMembership(IdentifiedModel):
    class Role(models.TextChoices):
        OWNER = "owner"
        MEMBER = "member"
        VIEWER = "viewer", "viewer: sees all, changes nothing"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="one_membership_per_organization")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"

    @property
    def audit_target(self) -> Target:
        scope = Scope((self.organization_id, self.user_id))
        return Target("organization_membership", str(self.pk), str(self), scope)


class Team(IdentifiedModel):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint("organization", Lower("name"), name="team_name_unique_in_organization")
        ]

    def __str__(self) -> str:
        return f"{self.organization}:{self.name}"

    @property
    def audit_target(self) -> Target:
        return Target("team", str(self.pk), str(self), Scope((self.organization_id,)))


class TeamMembership(IdentifiedModel):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="team_memberships"
    )
    allow_project_administration = models.BooleanField(default=False)
    is_read_only = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership_per_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"

    @property
    def audit_target(self) -> Target:
        scope = Scope((self.team.organization_id, self.user_id))
        return Target("team_membership", str(self.pk), str(self), scope)


class InvitationBase(IdentifiedModel):
    """Somebody was invited by e-mail. The link of the mail holds a secret of which only the SHA-256 is kept."""

    email = models.EmailField()
    digest = models.CharField(max_length=64, unique=True)
    inviter = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"invitation of {self.email}"


PENDING = Q(accepted_at__isnull=True, cancelled_at__isnull=True)
"""Neither accepted nor cancelled; it may have expired."""


class Invitation(InvitationBase):
    """Into an organization, with a role and perhaps into teams at once."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(
        max_length=16, choices=OrganizationMembership.Role.choices, default=OrganizationMembership.Role.MEMBER
    )
    teams = models.ManyToManyField(Team, blank=True, related_name="invitations")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "organization", Lower("email"), condition=PENDING, name="one_pending_invitation"
            )
        ]

    @property
    def audit_target(self) -> Target:
        return Target("invitation", str(self.pk), self.email, Scope((self.organization_id,)))
