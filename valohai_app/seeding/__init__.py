"""A whole installation's worth of tenants, made at once: for measurements, and for trying the pages at size.

`population` decides who belongs where and `activity` what was run when, both pure and decided by a seed; `tenants` and `history`
make rows of them, and `copying` brings these into the database. What is made has no bytes in storage: code, logs and files are names only.
"""

from valohai_app.seeding.population import FULL, QUICK, Sizes
from valohai_app.seeding.run import Seeded, seed_tenants

__all__ = ["FULL", "QUICK", "Seeded", "Sizes", "seed_tenants"]
