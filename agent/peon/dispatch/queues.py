"""The queues in Redis, as a dispatcher uses them: it looks, and takes nothing out."""

import json
import time

from peon.protocol import keys, scripts

LOCK_SECONDS = 30
_MOST_CALLS = 256


class Queues:
    def __init__(self, redis, blocking_redis, names, identity):
        self._redis = redis
        self._blocking = blocking_redis
        self._identity = identity
        self._plain = {keys.dispatched(name): name for name in names}
        self.names = list(self._plain)
        self._hold = redis.register_script(scripts.HOLD)
        self._let_go = redis.register_script(scripts.LET_GO)

    def hold(self):
        """Whether every queue is this dispatcher's for the next LOCK_SECONDS; another one's stays its own."""
        return all(
            self._hold(keys=[keys.dispatcher(name)], args=[self._identity, LOCK_SECONDS * 1000])
            for name in self.names
        )

    def let_go(self):
        for name in self.names:
            self._let_go(keys=[keys.dispatcher(name)], args=[self._identity])

    def waiting(self):
        """Member -> (token, queue) of what waits, first to be claimed first."""
        found = {}
        for name in self.names:
            members = self._redis.zrange(keys.queue(name), 0, -1)
            tokens = self._redis.hmget(keys.queue_tokens(name), members) if members else []
            for member, token in zip(members, tokens):
                found[member.decode()] = ((token or b"").decode(), self._plain[name])
        return found

    def leased(self, members):
        """Those of the members that a worker holds."""
        asked = [(member, name) for member in members for name in self.names]
        if not asked:
            return set()
        pipe = self._redis.pipeline(transaction=False)
        pipe.time()
        for member, name in asked:
            pipe.zscore(keys.queue_leases(name), member)
        answers = pipe.execute()
        now_milliseconds = answers[0][0] * 1000
        return {
            member for (member, _), until in zip(asked, answers[1:]) if until and until > now_milliseconds
        }

    def wait(self, seconds):
        """True as soon as something is put into a queue or taken back; False when the time is over."""
        bells = [keys.queue_bell(name) for name in self.names]
        if self._blocking.bzpopmin(bells, timeout=seconds) is None:
            return False
        for bell in bells:
            self._redis.zpopmin(bell, _MOST_CALLS)  # one look answers all calls
        return True

    def say_hello(self, description):
        said = json.dumps(dict(description, queues=self.names, seen_at=time.time()))
        for name in self.names:
            self._redis.hset(keys.queue_workers(name), self._identity, said)

    def say_goodbye(self):
        for name in self.names:
            self._redis.hdel(keys.queue_workers(name), self._identity)
