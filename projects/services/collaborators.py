"""People who may work in one project although its owner gives them no right to, or not this much of it."""

from django.db import IntegrityError, transaction
from django.db.models.functions import Lower

from accounts.models import User
from audit.services import record, record_change, snapshot
from organizations.access import LOOKING, WORKING, Capability, require
from organizations.access_changes import announce
from organizations.invitations import cancel, is_open, locked
from organizations.models import PENDING, Organization, OrganizationMembership
from organizations.services.rights import hold
from projects import members
from projects.errors import CollaboratorNotFound, CollaboratorRefused, NotAColleague
from projects.models import Project, ProjectCollaborator, ProjectInvitation


@transaction.atomic
def add_collaborator(
    *, project: Project, actor: User, user: User, is_read_only: bool = False
) -> ProjectCollaborator:
    """Add a member of the organization that owns the project, where people know each other. Others are invited.

    Superusers know everybody, and may add anybody. Raises `CollaboratorRefused`.
    """
    hold_owner(project)
    require(actor, Capability.ADMINISTER, project)
    colleagues = OrganizationMembership.objects.filter(organization_id=project.owner_id)
    if not actor.is_superuser and not colleagues.filter(user=user).exists():
        raise NotAColleague(user.username, project.owner)
    return let_in(project, user, is_read_only=is_read_only, actor=actor)


@transaction.atomic
def change_collaborator(
    *, project: Project, actor: User, user_id: int, is_read_only: bool
) -> ProjectCollaborator:
    """Raises `CollaboratorNotFound`."""
    require(actor, Capability.ADMINISTER, project)
    collaborator = _held(project, user_id)
    before = snapshot(collaborator, ("is_read_only",))
    collaborator.is_read_only = is_read_only
    collaborator.save(update_fields=["is_read_only", "updated_at"])
    after = snapshot(collaborator, ("is_read_only",))
    record_change("collaborator.changed", actor=actor, target=collaborator, before=before, after=after)
    announce([user_id])
    return collaborator


@transaction.atomic
def remove_collaborator(*, project: Project, actor: User, user_id: int) -> None:
    """Their access ends at once, unless they have it from elsewhere too. Raises `CollaboratorNotFound`."""
    require(actor, Capability.ADMINISTER, project)
    _end(_held(project, user_id), actor)


def end_collaborations(organization: Organization, user: User, actor: User) -> None:
    """In every project of the organization, for somebody who was a member; links on the way to them end as well."""
    held = ProjectCollaborator.objects.filter(project__owner_id=organization.pk, user=user)
    for collaborator in held.select_related("user", "project__owner"):
        _end(collaborator, actor)
    addresses = user.email_addresses.filter(verified_at__isnull=False).values_list(Lower("email"), flat=True)
    sent = ProjectInvitation.objects.alias(lower=Lower("email"))
    waiting = sent.filter(PENDING, project__owner_id=organization.pk, lower__in=list(addresses))
    for invitation in map(locked, waiting.order_by("pk")):
        if is_open(invitation):
            cancel(invitation)
            record("project_invitation.cancelled", actor=actor, target=invitation)


def hold_owner(project: Project) -> None:
    """As `hold`, where an organization owns the project: nobody is let in while they are removed from it."""
    organization = Organization.objects.filter(pk=project.owner_id).first()
    if organization:
        hold(organization)


def let_in(
    project: Project, user: User, *, is_read_only: bool, actor: User, invited_as: str = ""
) -> ProjectCollaborator:
    """Make `user` a collaborator. The caller knows that it may be. Raises `CollaboratorRefused`."""
    refuse_needless(project, user, is_read_only=is_read_only)
    collaborator = ProjectCollaborator(project=project, user=user, is_read_only=is_read_only)
    try:
        with transaction.atomic():
            collaborator.save(force_insert=True)
    except IntegrityError as error:
        raise CollaboratorRefused(
            f"{user} collaborates in {project} already.", code="already_collaborates"
        ) from error
    facts = snapshot(collaborator, ("is_read_only",)) | ({"invited_as": invited_as} if invited_as else {})
    record("collaborator.added", actor=actor, target=collaborator, after=facts)
    announce([user.pk])
    return collaborator


def refuse_needless(project: Project, user: User, *, is_read_only: bool) -> None:
    """Raise `CollaboratorRefused` for somebody whom the collaboration would give nothing."""
    if project.collaborators.filter(user=user).exists():
        raise CollaboratorRefused(
            f"{user} collaborates in {project} already. Change what they may do in the list.",
            code="already_collaborates",
        )
    member = members.member_of(project, user)  # superusers aside: who is one does not show here
    if member and member.capabilities >= (LOOKING if is_read_only else WORKING):
        raise CollaboratorRefused(f"{user} has this access to {project} already.", code="has_access")


def _held(project: Project, user_id: int) -> ProjectCollaborator:
    held = ProjectCollaborator.objects.select_for_update(no_key=True, of=("self",))
    found = held.select_related("user", "project__owner").filter(project=project, user_id=user_id).first()
    if found is None:
        raise CollaboratorNotFound(user_id, project)
    return found


def _end(collaborator: ProjectCollaborator, actor: User) -> None:
    before = snapshot(collaborator, ("is_read_only",))
    record("collaborator.removed", actor=actor, target=collaborator, before=before)
    collaborator.delete()
    announce([collaborator.user_id])
