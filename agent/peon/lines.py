"""From the raw bytes of a command's output to log lines.

A line ends with a newline, or with a carriage return, so that every state of a progress bar is a line of its own and
nothing printed is lost. Bytes that are no UTF-8, and NUL, become U+FFFD. A line over MAX_LINE_BYTES goes on in the next.
Secrets are masked in whole lines, before a long one is cut, so that none can slip through in two halves.
"""

import time

from peon.protocol.events import MAX_LINE_BYTES
from peon.protocol.masking import Masker

_REPLACEMENT = "\ufffd"
_NOTHING_SECRET = Masker()


class LineSplitter:
    """One stream. `feed` gives blocks of text: complete lines, joined by newlines, without the last newline."""

    def __init__(self, masker=_NOTHING_SECRET):
        self._masker = masker
        # So much of an unfinished line may be the beginning of a secret.
        self._kept_back = max(masker.longest - 1, 0)
        self._rest = b""

    def feed(self, data):
        data = self._rest + data if self._rest else data
        end = data.rfind(b"\n") + 1
        if b"\r" in data:
            # A carriage return at the very end may be half of a line end.
            end = max(end, data.rfind(b"\r", 0, len(data) - 1) + 1)
        self._rest = data[end:]
        blocks = self._whole_lines(data[:end]) if end else []
        if len(self._rest) > MAX_LINE_BYTES + self._kept_back:
            blocks.extend(self._cut_rest())
        return blocks

    def idle(self):
        """Nothing came for a while: a progress bar that ends each state with a carriage return is shown as it is."""
        if not self._rest.endswith(b"\r"):
            return []
        data, self._rest = self._rest, b""
        return self._whole_lines(data)

    def close(self):
        """The last line, when no newline ended it."""
        data, self._rest = self._rest, b""
        return self._whole_lines(data + b"\n") if data else []

    def _whole_lines(self, data):
        if b"\r" in data:
            data = _without_carriage_returns(data)
            if not data:
                return []
        return [_text(self._masker.mask(data[:-1]))]

    def _cut_rest(self):
        """Pieces of a line that may still go on."""
        self._rest = self._masker.mask(self._rest)
        pieces = []
        while len(self._rest) > MAX_LINE_BYTES + self._kept_back:
            end = _character_boundary(self._rest, MAX_LINE_BYTES)
            pieces.append(_text(self._rest[:end]))
            self._rest = self._rest[end:]
        return pieces


def _without_carriage_returns(data):
    """Line ends of Windows become newlines; states of a progress bar become lines, without the empty ones between."""
    data = data.replace(b"\r\n", b"\n")
    if b"\r" not in data:
        return data
    lines = []
    for line in data[:-1].split(b"\n") if data.endswith((b"\n", b"\r")) else data.split(b"\n"):
        states = [state for state in line.split(b"\r") if state]
        lines.extend(states or ([] if b"\r" in line else [line]))
    return b"\n".join(lines) + b"\n" if lines else b""


def _text(data):
    """Valid lines of allowed length from raw ones."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    if "\0" in text:
        text = text.replace("\0", _REPLACEMENT)
    # Only then can a line be too long: replaced bytes take three, and a rest joined with new data may be long.
    if len(data) > MAX_LINE_BYTES or _REPLACEMENT in text:
        text = "\n".join(_cut_long(text.split("\n")))
    return text


def _cut_long(lines):
    for line in lines:
        if len(line) * 4 <= MAX_LINE_BYTES:
            yield line
            continue
        data = line.encode("utf-8")
        while len(data) > MAX_LINE_BYTES:
            end = _character_boundary(data, MAX_LINE_BYTES)
            yield data[:end].decode("utf-8")
            data = data[end:]
        yield data.decode("utf-8")


def _character_boundary(data, end):
    """The largest position up to `end` that does not cut a UTF-8 character (within the 3 bytes that one can hold)."""
    for position in range(end, end - 4, -1):
        if data[position] & 0xC0 != 0x80:
            return position
    return end


class LineLimit:
    """At most `per_second` lines a second, averaged over ten; 0 is no limit."""

    WINDOW_SECONDS = 10

    def __init__(self, per_second, clock=time.monotonic):
        self.per_second = per_second
        self._clock = clock
        self._room = float(per_second * self.WINDOW_SECONDS)
        self._at = clock()
        self._dropped = 0
        self._dropped_since = None

    def take(self, text):
        """The lines of a block that may pass, or None."""
        if not self.per_second:
            return text
        now = self._clock()
        self._room = min(
            self.per_second * self.WINDOW_SECONDS, self._room + (now - self._at) * self.per_second
        )
        self._at = now
        lines = text.split("\n")
        passing = lines[: int(self._room)]
        self._room -= len(passing)
        if len(passing) < len(lines):
            self._dropped += len(lines) - len(passing)
            self._dropped_since = self._dropped_since or now
        return "\n".join(passing) if passing else None

    def notice(self, final=False):
        """What to say of dropped lines, at most every few seconds; None when nothing is to be said."""
        if not self._dropped or (not final and self._clock() - self._dropped_since < self.WINDOW_SECONDS):
            return None
        count, self._dropped, self._dropped_since = self._dropped, 0, None
        return "{} log lines dropped: this environment allows {} lines per second".format(
            count, self.per_second
        )
