"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class PasswordHasher(Argon2PasswordHasher):
    """argon2id with the parameters that RFC 9106 recommends for machines without much memory to spare, on one core:
    64 MiB and 3 passes, about 200 ms. A password that was hashed in another way is hashed anew when its user logs in.
    """

    time_cost = 3
    memory_cost = 64 * 1024  # KiB
    parallelism = 1  # a login shall not take every core of the machine
