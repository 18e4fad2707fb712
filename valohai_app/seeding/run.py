"""From the wish to the rows: one transaction, so that there is all of it or nothing."""

import time
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from accounts.models import Owner
from common import clock
from projects.models import Project
from valohai_app.seeding.activity import Activity
from valohai_app.seeding.copying import Copied
from valohai_app.seeding.history import History
from valohai_app.seeding.identities import Ids
from valohai_app.seeding.population import Sizes, populate
from valohai_app.seeding.tenants import Tenants


class AlreadySeeded(Exception):
    def __init__(self) -> None:
        super().__init__("This database has projects already. To add to them nevertheless, use --add.")


@dataclass(frozen=True)
class Seeded:
    rows: dict[str, int] = field(repr=False)
    seconds: float
    most: str
    """The user name of whoever has the most memberships."""
    median: str
    """Of whoever sees as many projects as half of all users who see any."""
    none: str
    """Of somebody who belongs nowhere."""


def seed_tenants(
    sizes: Sizes,
    *,
    seed: int = 1,
    password: str | None = None,
    add: bool = False,
    until: datetime | None = None,
    copied: Copied = lambda table, rows: None,
) -> Seeded:
    """Fill the database. The same seed and `until` (the last moment of the history, now by default) make the same
    rows in an empty database. Without a password nobody can sign in. `copied` hears of each table when it is done. Raises
    `AlreadySeeded`."""
    began = time.monotonic()
    end_ms = int((until or clock.now()).timestamp() * 1000)
    population = populate(sizes, seed)
    activity = Activity(sizes.projects, sizes.executions, seed, end_ms)
    with transaction.atomic():
        if not add and Project.objects.exists():
            raise AlreadySeeded
        ids = Ids(_reserve_owner_ids(sizes.users + sizes.organizations), sizes.users, seed)
        tenants = Tenants(population, activity.summary(), ids, end_ms, make_password(password))
        rows = tenants.copy(copied) | History(tenants, activity, seed).copy(copied)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    names = (tenants.username(number) for number in (population.most, population.median(), population.none))
    return Seeded(rows, time.monotonic() - began, *names)


def _reserve_owner_ids(count: int) -> int:
    """The first of `count` ids that the database will give to nobody else."""
    table = Owner._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        sequence = cursor.fetchone()[0]
        cursor.execute("SELECT nextval(%s)", [sequence])
        first = int(cursor.fetchone()[0])
        cursor.execute("SELECT setval(%s, %s)", [sequence, first + count - 1])
    return first
