"""Takes the values of secrets out of what a job says. The agent masks output, the server what jobs tell it directly.

Works on UTF-8, a line or more at a time: no needle contains a line end, so that lines stay lines. Only plain search, no
regular expressions: the time is bounded by the length of the text, whatever a secret looks like.
"""

import base64
import json
import re
from urllib.parse import quote, quote_plus, unquote, urlsplit

MARK = b"***"
SHORTEST = 6  # characters; shorter values are words of every log
MOST_NEEDLE_BYTES = 128
_FEW = 32
_GRAM, _STEP = 8, 16


def passwords_in(addresses):
    """The passwords in addresses, as they are written and as they are meant."""
    written = {_password_in(address) for address in addresses} - {""}
    return sorted(written | {unquote(password) for password in written})


def _password_in(address):
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""  # no address at all; the download says so


class Masker:
    """`secrets` are texts, of one line or many."""

    def __init__(self, secrets=()):
        needles = {piece for secret in secrets for needle in _needles(secret) for piece in _pieces(needle)}
        self.longest = max([len(needle) for needle in needles] or [0])  # bytes
        self._single = sorted(needles)
        self._by_gram = {}
        if len(needles) > _FEW:
            self._sample(needles)

    def mask(self, data):
        """The bytes `data` with a mark in place of each secret; never longer than before."""
        found = self._found_in(data)
        return _without(data, found) if found else data

    def mask_text(self, text):
        """The same for text."""
        data = text.encode("utf-8", "replace")
        masked = self.mask(data)
        return text if masked is data else masked.decode("utf-8", "replace")

    def _sample(self, needles):
        """Looking for each of hundreds of long needles costs too much: a few bytes at every sixteenth place tell which can be there.

        Wherever a needle of 23 bytes or more lies, one of its first sixteen places is such a place.
        """
        self._single = [needle for needle in self._single if len(needle) < _GRAM + _STEP - 1]
        for needle in needles.difference(self._single):
            for start in range(_STEP):
                self._by_gram.setdefault(needle[start : start + _GRAM], set()).add(needle)

    def _found_in(self, data):
        found = [needle for needle in self._single if needle in data]
        if self._by_gram:
            grams = {data[at : at + _GRAM] for at in range(0, len(data), _STEP)}
            candidates = set().union(*[self._by_gram[gram] for gram in grams.intersection(self._by_gram)])
            found.extend(needle for needle in candidates if needle in data)
        return found


def _needles(secret):
    """The bytes to look for: each line as it is and as tools spell it, and the whole as they spell it in one line."""
    lines = [line for line in re.split("[\r\n]+", secret) if line]
    texts = {line.strip() if len(line.strip()) >= SHORTEST else line for line in lines if line.strip()}
    for text in list(texts) + [secret]:
        texts.update(_spellings(text))
    return {text.encode("utf-8", "replace") for text in texts if len(text) >= SHORTEST}


def _spellings(text):
    """One line each: JSON, Python, URL, a shell's trace, base64."""
    if not text.strip():
        return
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    data = text.encode("utf-8", "replace")
    yield quote(data)
    yield quote(data, safe="")
    yield quote_plus(data)
    if not _has_line_end(text):
        yield text.replace("'", "'\\''")
    if len(text) >= SHORTEST:
        yield base64.b64encode(data).decode().rstrip("=")


def _has_line_end(text):
    return "\n" in text or "\r" in text


def _pieces(needle):
    """A long needle as about equal parts, each looked for by itself: bounds the time of a search, and what must be
    kept back where a long line is cut."""
    count = -(-len(needle) // MOST_NEEDLE_BYTES)
    size = -(-len(needle) // count)
    return [needle[start : start + size] for start in range(0, len(needle), size)]


def _without(data, needles):
    """Overlapping and touching finds become one mark."""
    pieces, end = [], 0
    for start, stop in sorted(_spans(data, needles)):
        if start > end or not pieces:
            pieces.extend([data[end:start], MARK])
        end = max(end, stop)
    return b"".join(pieces) + data[end:]


def _spans(data, needles):
    for needle in needles:
        start = data.find(needle)
        while start >= 0:
            yield start, start + len(needle)
            start = data.find(needle, start + 1)
