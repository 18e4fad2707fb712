"""The endless loop of the autoscaler. One process leads, others stand by.

A call (somebody changed the numbers of an environment, or wants a machine ended) leads to a round at once; else one comes
every AUTOSCALER_ROUND_SECONDS.
"""

import logging
import threading
import time

import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError

from common import pulse
from common.leadership import Leadership
from common.wakes import Wakes
from environments.autoscaling.round import Rounds

logger = logging.getLogger(__name__)

LOCK_KEY = 0x76685F7363616C65  # "vh_scale"
TOPIC = "autoscaler"
DECISION_DAYS = 30
_STAND_BY_SECONDS = 2.0
_CLEAN_SECONDS = 3600


class Autoscaler:
    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._leadership = Leadership(LOCK_KEY)
        self._wakes = Wakes(TOPIC)
        self._rounds = Rounds()
        self._clean_at = 0.0
        self._away: set[str] = set()

    def run(self) -> None:
        """Until `stopping` is set."""
        while not self.stopping.is_set():
            began = time.monotonic()
            if self._look():
                self._pause(time.monotonic() - began)
            else:
                self.stopping.wait(_STAND_BY_SECONDS)
        self._rounds.close()
        self._wakes.close()
        self._leadership.drop()

    def _look(self) -> bool:
        """One round; False when this process does not lead or something is away."""
        try:
            leads = self._leadership.held()
            if leads:
                self.turn()
        except (OperationalError, InterfaceError):
            self._note("PostgreSQL")
            self._leadership.drop()
            return False
        except redis.RedisError:
            self._note("Redis")
            self._wakes.close()
            return False
        for name in self._away:
            logger.warning("%s is back", name)
        self._away.clear()
        pulse.beat()
        return leads

    def turn(self) -> None:
        self._rounds.turn()
        if time.monotonic() >= self._clean_at:
            self._clean_at = time.monotonic() + _CLEAN_SECONDS
            self._rounds.clean(DECISION_DAYS)

    def _pause(self, turn_seconds: float) -> None:
        """After an expensive round at least as long as it took."""
        if turn_seconds > 0.5:
            self.stopping.wait(min(turn_seconds, settings.AUTOSCALER_ROUND_SECONDS))
        self._wakes.wait(max(0.05, settings.AUTOSCALER_ROUND_SECONDS - turn_seconds))

    def _note(self, name: str) -> None:
        if name not in self._away:
            logger.warning("%s is away; machines stay as they are until it is back", name)
            self._away.add(name)
