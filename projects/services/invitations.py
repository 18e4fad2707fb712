"""Inviting people into one project by e-mail, and what they do with the letter."""

from collections.abc import Callable

from django.db import transaction

from accounts.addresses import checked_email
from accounts.errors import EmailRefused
from accounts.models import User
from audit.services import record
from common import mail
from organizations import invitations
from organizations.access import Capability, require
from projects.errors import CollaboratorRefused
from projects.models import Project, ProjectCollaborator, ProjectInvitation
from projects.services.collaborators import hold_owner, let_in, refuse_needless

Link = Callable[[str], str]
"""The address of the page that accepts, for the secret of an invitation."""


@transaction.atomic
def invite_collaborator(
    *, project: Project, actor: User, email: str, link: Link, is_read_only: bool = False
) -> ProjectInvitation:
    """Send a letter with a link. Whether somebody has an account with this address does not show.

    Raises `EmailRefused` (also for people who have the access already) or `Throttled`.
    """
    require(actor, Capability.ADMINISTER, project)
    email = checked_email(email)
    invitations.refuse_oneself(actor, email)
    account = invitations.account_of(email)
    if account is not None:
        _refuse_needless(project, account, email, is_read_only=is_read_only)
    invitations.count_letter(actor, email)
    invitation = ProjectInvitation(project=project, email=email, is_read_only=is_read_only, inviter=actor)
    secret = invitations.issue(invitation)
    invitations.save_new(invitation)
    facts = {"email": email, "is_read_only": is_read_only}
    record("project_invitation.sent", actor=actor, target=invitation, after=facts)
    _write(invitation, link(secret))
    return invitation


@transaction.atomic
def resend_invitation(*, invitation: ProjectInvitation, actor: User, link: Link) -> ProjectInvitation:
    """A new letter with a new link; the old link ends. Raises `InvitationClosed`, `SentJustNow` or `Throttled`."""
    require(actor, Capability.ADMINISTER, invitation.project)
    current = invitations.locked(invitation)
    secret = invitations.renew(current)
    invitations.count_letter(actor, current.email)
    record("project_invitation.resent", actor=actor, target=current)
    _write(current, link(secret))
    return current


@transaction.atomic
def cancel_invitation(*, invitation: ProjectInvitation, actor: User) -> None:
    """The link ends at once. Raises `InvitationClosed`."""
    require(actor, Capability.ADMINISTER, invitation.project)
    current = invitations.locked(invitation)
    invitations.cancel(current)
    record("project_invitation.cancelled", actor=actor, target=current)


@transaction.atomic
def accept_invitation(*, invitation: ProjectInvitation, user: User) -> ProjectCollaborator:
    """Make `user` a collaborator of the project. Whoever holds the link may, as for organizations.

    Where the organization wants a second factor, it counts once the user has set one up. Raises `InvitationGone`, or
    `CollaboratorRefused`, and then the link stays good for somebody else.
    """
    hold_owner(invitation.project)
    current = invitations.locked(invitation)
    invitations.check_open(current)
    collaborator = let_in(
        current.project, user, is_read_only=current.is_read_only, actor=user, invited_as=current.email
    )
    invitations.mark_accepted(current, user)
    return collaborator


def _refuse_needless(project: Project, account: User, email: str, *, is_read_only: bool) -> None:
    try:
        refuse_needless(project, account, is_read_only=is_read_only)
    except CollaboratorRefused as error:
        raise EmailRefused(f"{email}: {error.message}", code=error.code) from error


def _write(invitation: ProjectInvitation, address: str) -> None:
    context = {
        "project": invitation.project.full_name,
        "inviter": invitation.inviter.username if invitation.inviter else "",
        "is_read_only": invitation.is_read_only,
        "days": invitations.LIFETIME.days,
        "address": address,
    }
    mail.send_later(to=invitation.email, template="project_invitation", context=context)
