"""Of several processes of a kind one leads: the one whose database session holds an advisory lock. The others stand by.

The lock ends with the session, so that a leader that dies or loses the database makes room at once. Two leaders for a
moment would do no harm: every change they make is conditional.
"""

from typing import Any

from django.db import connection


class Leadership:
    """`lock_key` is the kind's own; never change one, or two versions would both lead."""

    def __init__(self, lock_key: int) -> None:
        self._lock_key = lock_key
        self._session: Any = None

    def held(self) -> bool:
        """Try to lead; True while this process does. Raises a database error when PostgreSQL is away."""
        if self._session is not None and connection.connection is self._session:
            return True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [self._lock_key])
            row = cursor.fetchone()
        self._session = connection.connection if row and row[0] else None
        return self._session is not None

    def drop(self) -> None:
        """End the session, and the lock with it."""
        self._session = None
        connection.close()
