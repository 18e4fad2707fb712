"""One scheduler leads: the one whose database session holds an advisory lock. The others stand by.

The lock ends with the session, so that a leader that dies or loses the database makes room at once. Two leaders for a
moment would do no harm: every change they make is conditional.
"""

from typing import Any

from django.db import connection

LOCK_KEY = 0x76685F7363686564  # "vh_sched"; never change it, or two versions would both lead


class Leadership:
    def __init__(self) -> None:
        self._session: Any = None

    def held(self) -> bool:
        """Try to lead; True while this process does. Raises a database error when PostgreSQL is away."""
        if self._session is not None and connection.connection is self._session:
            return True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])
            row = cursor.fetchone()
        self._session = connection.connection if row and row[0] else None
        return self._session is not None

    def drop(self) -> None:
        """End the session, and the lock with it."""
        self._session = None
        connection.close()
