"""Projects, their repositories, commits and variables."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower

from accounts.models import Owner
from audit.types import Scope, Target
from common.crypto import EncryptedTextField
from common.models import IdentifiedModel
from organizations.models import PENDING, InvitationBase, Organization, Team

PROJECT_NAME = RegexValidator(
    r"\A[A-Za-z0-9_-]{1,64}\Z", "Use 1 to 64 letters, digits, hyphens and underscores."
)
VARIABLE_NAME = RegexValidator(r"\A[A-Za-z0-9_-]{1,128}\Z", "Use 1 to 128 letters, digits, '_' and '-'.")

DEFAULT_YAML_PATH = "valohai.yaml"
DEFAULT_FETCH_REFERENCE = "master, main"


class Project(IdentifiedModel):
    name = models.CharField(max_length=64, validators=[PROJECT_NAME])
    description = models.TextField(blank=True)
    owner = models.ForeignKey(Owner, on_delete=models.PROTECT, related_name="projects")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="projects")
    creator = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="created_projects"
    )
    yaml_path = models.CharField(max_length=255, default=DEFAULT_YAML_PATH)
    # Slug of an environment and id of a store: both live in higher apps, so that no foreign key can point there.
    default_environment_slug = models.CharField(max_length=128, blank=True)
    upload_store_id = models.UUIDField(null=True, blank=True)
    default_notifications = models.BooleanField(default=True)
    last_execution_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", Lower("name"), name="project_name_unique_for_owner"),
        ]

    def __str__(self) -> str:
        return self.full_name

    @property
    def full_name(self) -> str:
        return f"{self.owner.name}/{self.name}"

    @property
    def audit_scope(self) -> Scope:
        return Scope((self.owner_id,), self.pk, self.full_name)

    @property
    def audit_target(self) -> Target:
        return Target("project", str(self.pk), self.full_name, self.audit_scope)


class FormerAddress(models.Model):
    """An address that a project had before it was renamed or transferred; links to it go on to where it is now."""

    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=64)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="former_addresses")

    class Meta:
        verbose_name_plural = "former addresses"
        constraints = [models.UniqueConstraint("owner", Lower("name"), name="former_address_unique")]

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


class ProjectCollaborator(IdentifiedModel):
    """Somebody outside the owner who may work in one project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="collaborators")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collaborations"
    )
    is_read_only = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="one_collaboration_per_project")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}"

    @property
    def audit_target(self) -> Target:
        scope = Scope((self.project.owner_id, self.user_id), self.project_id, self.project.full_name)
        return Target("collaborator", str(self.pk), str(self.user), scope)


class ProjectInvitation(InvitationBase):
    """Into one project, as a collaborator from outside its owner."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    is_read_only = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "project", Lower("email"), condition=PENDING, name="one_pending_project_invitation"
            )
        ]

    @property
    def audit_target(self) -> Target:
        return Target("project_invitation", str(self.pk), self.email, self.project.audit_scope)


class ProjectCounter(models.Model):
    """The last number given out in a project, per kind of thing (`execution`, later `task` and `pipeline`)."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="counters")
    kind = models.CharField(max_length=16)
    last_value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "kind"], name="one_counter_per_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.last_value}"


class Repository(models.Model):
    """Where a project's code comes from."""

    id = models.BigAutoField(primary_key=True)
    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="repository")
    url = models.CharField(max_length=1024)
    fetch_reference = models.CharField(
        max_length=1024, default=DEFAULT_FETCH_REFERENCE,
        help_text="branch and tag names or wildcards, comma separated",
    )  # fmt: skip
    access_token = EncryptedTextField(blank=True, help_text="for https; the secret half of the URL")
    private_key = EncryptedTextField(blank=True, help_text="for ssh; OpenSSH format, no passphrase")
    public_key = models.TextField(blank=True)
    known_hosts = models.TextField(
        blank=True, help_text="host keys accepted for ssh; filled at the first contact, then enforced"
    )
    lfs_enabled = models.BooleanField(default=False)
    last_fetched_at = models.DateTimeField(null=True, blank=True)
    last_fetch_errors = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name_plural = "repositories"

    def __str__(self) -> str:
        return self.url

    @property
    def audit_target(self) -> Target:
        return Target("repository", str(self.pk), self.url, self.project.audit_scope)


class Commit(IdentifiedModel):
    """A snapshot of a project's code: a git commit, or an ad-hoc package (identifier `~` + SHA-256 of its bytes).

    The archive lives in the platform's storage, so that a run can be repeated after the remote is gone.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="commits")
    repository = models.ForeignKey(
        Repository, null=True, blank=True, on_delete=models.SET_NULL, related_name="commits"
    )
    identifier = models.CharField(max_length=80)
    ref = models.CharField(max_length=255, help_text="the reference it was first seen on")
    ref_names = models.JSONField(
        default=list, help_text="the references whose tip it is, as of the last fetch"
    )
    adhoc = models.BooleanField(default=False)
    committed_at = models.DateTimeField()
    description = models.TextField(blank=True)
    author = models.CharField(max_length=255, blank=True)
    yaml_path = models.CharField(max_length=255, default=DEFAULT_YAML_PATH)
    yaml_source = models.TextField(blank=True, help_text="the text of the file at yaml_path")
    config = models.JSONField(
        null=True, blank=True, help_text="the parsed file as a list, None when it is broken"
    )
    config_errors = models.JSONField(default=list, blank=True, help_text="messages with line and reason")
    missing_parts = models.JSONField(
        default=list, blank=True, help_text="what the archive lacks and why: submodules, LFS files"
    )
    archive_key = models.CharField(max_length=512, help_text="name of the tar.gz in the platform's storage")
    archive_sha256 = models.CharField(max_length=64)
    archive_size_bytes = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "identifier", "yaml_path"], name="commit_unique_in_project"
            ),
        ]
        indexes = [models.Index(fields=["project", "adhoc", "-committed_at"], name="commit_newest_first")]

    def __str__(self) -> str:
        return self.short_identifier

    @property
    def short_identifier(self) -> str:
        return self.identifier[: 8 if self.adhoc else 7]

    @property
    def audit_target(self) -> Target:
        return Target("commit", str(self.pk), self.short_identifier, self.project.audit_scope)


class Variable(IdentifiedModel):
    """An environment variable of jobs."""

    name = models.CharField(max_length=128, validators=[VARIABLE_NAME])
    value = EncryptedTextField(blank=True)
    secret = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class ProjectVariable(Variable):
    """Executions of the project inherit it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="variables")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="variable_name_unique_in_project")
        ]

    @property
    def audit_target(self) -> Target:
        return Target("project_variable", str(self.pk), self.name, self.project.audit_scope)


class OrganizationVariable(Variable):
    """Executions of every project of the organization inherit it."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="variables")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], name="variable_name_unique_in_organization"
            )
        ]

    @property
    def audit_target(self) -> Target:
        scope = Scope((self.organization_id,))
        return Target("organization_variable", str(self.pk), self.name, scope)


class VariableGroup(IdentifiedModel):
    """A named set of variables of an organization. Projects that it is assigned to inherit it; their executions may
    also ask for it by name or id."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="variable_groups")
    name = models.CharField(max_length=128)
    description = models.TextField(blank=True)
    projects = models.ManyToManyField(Project, blank=True, related_name="variable_groups")

    class Meta:
        constraints = [
            models.UniqueConstraint("organization", Lower("name"), name="variable_group_name_unique")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def audit_target(self) -> Target:
        return Target("variable_group", str(self.pk), self.name, Scope((self.organization_id,)))


class GroupVariable(Variable):
    group = models.ForeignKey(VariableGroup, on_delete=models.CASCADE, related_name="variables")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "name"], name="variable_name_unique_in_group")
        ]

    @property
    def audit_target(self) -> Target:
        scope = self.group.audit_target.scope
        return Target("group_variable", str(self.pk), f"{self.group}: {self.name}", scope)
