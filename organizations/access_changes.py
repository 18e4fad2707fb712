"""Says that the rights of users may have changed, so that whoever serves them over an open connection asks again at once."""

from collections.abc import Iterable

from common import notices


def announce(user_ids: Iterable[int]) -> None:
    """Once the current transaction has committed, have every open connection of these users ask whether it may go on.

    Call it wherever a right may end: a member, team member or collaborator removed or changed, a project transferred,
    an organization's rules tightened. Called for nothing it costs a look or two; each user is told once.
    """
    for user_id in set(user_ids):
        notices.publish_on_commit(f"access:{user_id}", "changed")
