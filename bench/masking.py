"""What masking of secrets costs the agent: processor time for 20,000 lines a second that hold none, and where each holds one."""

import random
import string
import time
from collections.abc import Iterator, Sequence

from bench.figures import Figure, percentile
from peon.protocol.masking import Masker

LINES_PER_SECOND = 20_000
LINE_BYTES = 100
READ_BYTES = 65536
REPETITIONS = 200


def measure() -> Iterator[Figure]:
    chooser = random.Random(1)  # noqa: S311
    tokens = [_token(chooser) for _ in range(20)]
    keys = ["\n".join(_token(chooser, 64) for _ in range(28)) for _ in range(5)]
    plain = _lines(chooser)
    for what, secrets in (("no secret", []), ("20 tokens", tokens), ("20 tokens and 5 keys", tokens + keys)):
        yield Figure(
            f"masking 20,000 lines/s, {what}", _percent_of_a_core(Masker(secrets), plain), "% of a core", 5
        )
    talkative = [line[:-40] + tokens[0].encode() for line in plain]
    yield Figure(
        "masking 20,000 lines/s, a secret in each", _percent_of_a_core(Masker(tokens), talkative), "% of a core", 10
    )  # fmt: skip


def _percent_of_a_core(masker: Masker, lines: Sequence[bytes]) -> float:
    block = b"\n".join(lines)
    took = []
    for _ in range(REPETITIONS):
        began = time.thread_time()
        masker.mask(block)
        took.append(time.thread_time() - began)
    return percentile(took, 50) / len(lines) * LINES_PER_SECOND * 100


def _lines(chooser: random.Random) -> list[bytes]:
    words = ["".join(chooser.choices(string.ascii_lowercase, k=chooser.randint(2, 9))) for _ in range(2000)]
    line = "epoch {} loss {:.5f} "
    return [
        (line.format(n, chooser.random()) + " ".join(chooser.choices(words, k=20)))[:LINE_BYTES].encode()
        for n in range(READ_BYTES // (LINE_BYTES + 1))
    ]


def _token(chooser: random.Random, length: int = 40) -> str:
    return "".join(chooser.choices(string.ascii_letters + string.digits + "+/", k=length))
