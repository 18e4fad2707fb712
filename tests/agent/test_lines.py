"""Raw output to log lines: nothing lost, nothing invalid, nothing too long."""

import random

from peon.lines import LineLimit, LineSplitter
from peon.protocol.events import MAX_LINE_BYTES


def split(*blocks):
    splitter = LineSplitter()
    texts = [text for block in blocks for text in splitter.feed(block)] + splitter.close()
    return [line for text in texts for line in text.split("\n")]


def test_lines_cut_anywhere_come_out_whole():
    data = "first\nzweite Zeile: äöü €\n\nlast without end".encode()
    for cut in range(len(data)):
        assert split(data[:cut], data[cut:]) == ["first", "zweite Zeile: äöü €", "", "last without end"]


def test_many_lines_of_one_block_are_one_text():
    assert LineSplitter().feed(b"a\nb\nc\n") == ["a\nb\nc"]


def test_invalid_bytes_and_nul_are_replaced():
    assert split(b"\xff\xfe ok \x00 \xc3\n") == ["\ufffd\ufffd ok \ufffd \ufffd"]


def test_windows_line_ends_cut_anywhere():
    data = b"one\r\ntwo\r\n\r\nthree"
    for cut in range(len(data)):
        assert split(data[:cut], data[cut:]) == ["one", "two", "", "three"]


def test_every_state_of_a_progress_bar_is_a_line():
    assert split(b"\r 10%\r 20%", b"\r 30%\ndone\n") == [" 10%", " 20%", " 30%", "done"]


def test_progress_bar_that_ends_states_with_a_return_shows_in_a_pause():
    splitter = LineSplitter()
    assert splitter.feed(b"10%\r") == []
    assert splitter.idle() == ["10%"]
    assert splitter.feed(b"20%\n") == ["20%"]


def test_long_lines_continue_without_loss():
    text = "".join(random.Random(1).choice("abcäö€😀") for _ in range(200_000))
    lines = split(*_blocks(text.encode() + b"\nnext\n", 65536))
    assert lines[-1] == "next"
    assert "".join(lines[:-1]) == text
    assert all(len(line.encode()) <= MAX_LINE_BYTES for line in lines)


def test_long_line_of_invalid_bytes_stays_within_the_limit():
    lines = split(b"\xff" * 100_000 + b"\n")
    assert "".join(lines) == "\ufffd" * 100_000
    assert all(len(line.encode()) <= MAX_LINE_BYTES for line in lines)


def test_long_line_keeps_little_in_memory():
    splitter = LineSplitter()
    pieces = sum(len(splitter.feed(b"x" * 65536)) for _ in range(1600))
    assert pieces >= 1590
    assert len(splitter._rest) <= MAX_LINE_BYTES


def test_limit_is_off_by_default():
    text = "\n".join(str(number) for number in range(10_000))
    assert LineLimit(0).take(text) == text


def test_limit_says_how_much_it_dropped():
    now = [0.0]
    limit = LineLimit(5, clock=lambda: now[0])
    passing = limit.take("\n".join(str(number) for number in range(80)))
    assert passing.split("\n") == [str(number) for number in range(50)]
    assert limit.notice() is None
    now[0] = 11.0
    assert limit.notice() == "30 log lines dropped: this environment allows 5 lines per second"
    assert limit.notice(final=True) is None
    assert limit.take("again") == "again"


def _blocks(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]
