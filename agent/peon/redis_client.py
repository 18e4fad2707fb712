"""Redis as the agent uses it. Nothing else constructs a client.

redis-py 8 has a socket time-out of 5 s by default, which turns a blocking read that waits longer into an error; 4.3,
the last for CPython 3.6, has none. Both are told what is meant.
"""


def connect(url, blocking=False, ca_file=None):
    """A thread-safe client; with `blocking` one for reads that wait. `ca_file`: of a private authority, for `rediss://`."""
    import redis

    trust = {"ssl_ca_certs": ca_file} if ca_file and url.startswith("rediss:") else {}

    return redis.Redis.from_url(
        url,
        socket_timeout=None if blocking else 10,
        socket_connect_timeout=5,
        health_check_interval=0 if blocking else 30,
        **trust,
    )


def errors():
    """Exceptions that mean "Redis is away or unwell, try again later"."""
    import redis

    return (redis.exceptions.RedisError, OSError)
