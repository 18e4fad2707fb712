"""Organizations, their members and teams."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from accounts.models import Owner
from common.models import IdentifiedModel


class Organization(models.Model):
    owner = models.OneToOneField(
        Owner, primary_key=True, on_delete=models.PROTECT, related_name="organization"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.owner.name

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

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="one_membership_per_organization")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"


class Team(IdentifiedModel):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint("organization", Lower("name"), name="team_name_unique_in_organization")
        ]

    def __str__(self) -> str:
        return f"{self.organization}:{self.name}"


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
