"""Inviting people into an organization by e-mail, and what they do with the letter."""

from collections.abc import Callable, Iterable
from contextlib import suppress

from django.db import transaction

from accounts.addresses import checked_email
from accounts.errors import EmailRefused
from accounts.models import User
from audit.services import record
from common import clock, mail
from organizations import invitations
from organizations.errors import AlreadyMember, InvitationGone, OrganizationNotFound, TeamRefused
from organizations.models import (
    PENDING,
    Invitation,
    Organization,
    OrganizationMembership,
    Team,
    TeamMembership,
)
from organizations.services.members import checked_role, join
from organizations.services.rights import hold, hold_and_require

Link = Callable[[str], str]
"""The address of the page that accepts, for the secret of an invitation."""


@transaction.atomic
def invite(
    *,
    organization: Organization,
    actor: User,
    email: str,
    link: Link,
    role: str = OrganizationMembership.Role.MEMBER,
    teams: Iterable[Team] = (),
) -> Invitation:
    """Send a letter with a link. Where the organization says so, an account that has proved the address is in at once.

    Raises `EmailRefused`, `RoleRefused`, `TeamRefused` or `Throttled`.
    """
    hold_and_require(actor, organization)
    email = checked_email(email)
    wanted = list(teams)
    for team in wanted:
        if team.organization_id != organization.pk:
            raise TeamRefused(team.name, organization)
    invitations.refuse_oneself(actor, email)
    account = invitations.account_of(email)
    if account and organization.memberships.filter(user=account).exists():
        raise EmailRefused(f"{email} belongs to {account}, who is a member of {organization} already.")
    invitations.count_letter(actor, email)
    invitation = Invitation(organization=organization, email=email, role=checked_role(role), inviter=actor)
    secret = invitations.issue(invitation)
    invitations.save_new(invitation)
    invitation.teams.set(wanted)
    facts = {"email": email, "role": invitation.role, "teams": sorted(team.name for team in wanted)}
    record("invitation.sent", actor=actor, target=invitation, after=facts)
    if account and organization.auto_accept_invitations:
        _let_in(invitation, account, actor=actor)
        _write(invitation, "organization_joined")
    else:
        _write(invitation, "organization_invitation", address=link(secret))
    return invitation


@transaction.atomic
def resend_invitation(*, invitation: Invitation, actor: User, link: Link) -> Invitation:
    """A new letter with a new link; the old link ends. Raises `InvitationClosed`, `SentJustNow` or `Throttled`."""
    hold_and_require(actor, invitation.organization)
    current = invitations.locked(invitation)
    secret = invitations.renew(current)
    invitations.count_letter(actor, current.email)
    record("invitation.resent", actor=actor, target=current)
    _write(current, "organization_invitation", address=link(secret))
    return current


@transaction.atomic
def cancel_invitation(*, invitation: Invitation, actor: User) -> None:
    """The link ends at once. Raises `InvitationClosed`."""
    hold_and_require(actor, invitation.organization)
    current = invitations.locked(invitation)
    invitations.cancel(current)
    record("invitation.cancelled", actor=actor, target=current)


@transaction.atomic
def accept(*, invitation: Invitation, user: User) -> OrganizationMembership:
    """Make `user` what the invitation says. Whoever holds the link may: see docs/decisions/0111.

    Raises `InvitationGone`, or `AlreadyMember`, and then the link stays good for somebody else.
    """
    hold(invitation.organization)
    current = invitations.locked(invitation)
    invitations.check_open(current)
    return _let_in(current, user, actor=user)


def accept_waiting(user: User, email: str) -> None:
    """Whoever proves an address is in every organization at once that invited it and says so; its link is used up.

    Called in the transaction in which the address is proved, which what happens meanwhile to an invitation does not hinder.
    """
    waiting = Invitation.objects.filter(
        PENDING,
        email__iexact=email,
        expires_at__gt=clock.now(),
        organization__auto_accept_invitations=True,
    )
    # In one order for everybody: two who hold several organizations do not wait for one another.
    for invitation in waiting.exclude(organization__memberships__user=user).order_by("organization", "pk"):
        with suppress(OrganizationNotFound, InvitationGone, AlreadyMember):
            accept(invitation=invitation, user=user)


def _let_in(invitation: Invitation, user: User, *, actor: User) -> OrganizationMembership:
    organization = invitation.organization
    membership = join(organization, user, invitation.role, actor=actor)
    for team in invitation.teams.order_by("name"):
        place = TeamMembership.objects.create(team=team, user=user)
        record("team_member.added", actor=actor, target=place)
    invitations.mark_accepted(invitation, user)
    facts = {"email": invitation.email, "user": user.username, "role": invitation.role}
    record("invitation.accepted", actor=actor, target=invitation, after=facts)
    return membership


def _write(invitation: Invitation, template: str, **more: str) -> None:
    context = {
        "organization": invitation.organization.name,
        "inviter": invitation.inviter.username if invitation.inviter else "",
        "role": invitation.role,
        "days": invitations.LIFETIME.days,
        **more,
    }
    mail.send_later(to=invitation.email, template=template, context=context)
