"""No value of a secret gets through, however it is spelled or cut; everything else does, byte for byte."""

import base64
import json
import random
import time
from urllib.parse import quote

import pytest

from peon.job_log import JobLog
from peon.job_secrets import secret_values
from peon.lines import LineSplitter
from peon.protocol.events import MAX_LINE_BYTES
from peon.protocol.masking import MARK, Masker

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq+hkiG9w0BAQE/FAASC\nshort\nqzXwLk2Yk0n1lfE=\n-----END PRIVATE KEY-----\n"


def masked(text, *secrets):
    return Masker(secrets).mask(text.encode()).decode()


def split(masker, *blocks):
    splitter = LineSplitter(masker)
    texts = [text for block in blocks for text in splitter.feed(block)] + splitter.close()
    return [line for text in texts for line in text.split("\n")]


class TestExactValues:
    @pytest.mark.parametrize(
        "secret", ["hunter2", "a b c d", "pä$$wörd", "{}()[].*+?^$|\\", "123456", "******x"]
    )
    def test_is_taken_out_wherever_it_stands(self, secret):
        for text in ("{}", "key={} and more", "{0},{0}", "a\n{}\nb"):
            assert masked(text.format(secret), secret) == text.format("***")

    def test_five_characters_stay(self):
        assert masked("12345", "12345") == "12345"
        assert masked("äöüäö", "äöüäö") == "äöüäö"
        assert masked("äöüäöü", "äöüäöü") == "***"

    def test_nothing_else_changes(self):
        text = "hunter hunter3 HUNTER2 2retnuh h u n t e r 2"
        assert masked(text, "hunter2") == text

    @pytest.mark.parametrize("secret", ["", " ", "\n", "      ", "\n\n\n\n\n\n\n", "\t\t\t\t\t\t\t"])
    def test_blanks_are_no_secret(self, secret):
        assert masked("a      b\t\t\t\t\t\t\tc\n\n", secret) == "a      b\t\t\t\t\t\t\tc\n\n"

    def test_overlapping_secrets_leave_no_rest(self):
        assert masked("<abcdefghi>", "abcdef", "defghi") == "<***>"
        assert masked("<abcabcabc>", "abcabc") == "<***>"
        assert masked("<secret-and-more>", "secret", "secret-and-more") == "<***>"

    def test_without_secrets_it_is_the_same_object(self):
        data = b"x" * 100000
        assert Masker().mask(data) is data
        assert Masker(["not-in-it"]).mask(data) is data


class TestSpellings:
    VALUE = 'it\'s "quoted" \\ tab\there, 50% ü/+='

    @pytest.mark.parametrize(
        "spell",
        [
            json.dumps,
            lambda value: json.dumps(value, ensure_ascii=False),
            repr,
            quote,
            lambda value: quote(value, safe=""),
            lambda value: base64.b64encode(value.encode()).decode(),
            lambda value: "'" + value.replace("'", "'\\''") + "'",
        ],
    )
    def test_of_tools_are_known(self, spell):
        found = masked("<" + spell(self.VALUE) + ">", self.VALUE)
        assert "***" in found
        assert "quoted" not in found
        assert len(found) < 12

    def test_lines_of_a_multi_line_value(self):
        found = masked(PEM, PEM).split("\n")
        assert found == ["***", "***", "short", "***", "***", ""]

    def test_multi_line_value_in_one_line_goes_whole(self):
        for text in (json.dumps({"key": PEM}), repr(PEM), quote(PEM)):
            found = masked(text, PEM)
            assert "short" not in found
            assert "MIIE" not in found

    def test_indented_lines_are_known_without_the_indent(self):
        assert masked("user: y\nsecret-part", "{\n    secret-part\n}") == "user: y\n***"

    def test_windows_line_ends_of_the_value_do_not_matter(self):
        assert masked("first-line\nsecond-line", "first-line\r\nsecond-line\r\n") == "***\n***"


class TestLines:
    SECRET = "correct-horse-battery"

    def test_cut_between_two_reads(self):
        data = ("before " + self.SECRET + " after\nnext\n").encode()
        for cut in range(len(data)):
            assert split(Masker([self.SECRET]), data[:cut], data[cut:]) == ["before *** after", "next"]

    def test_one_byte_at_a_time(self):
        data = (self.SECRET + "\r" + self.SECRET + "\r\nend").encode()
        blocks = [data[i : i + 1] for i in range(len(data))]
        assert split(Masker([self.SECRET]), *blocks) == ["***", "***", "end"]

    def test_states_of_a_progress_bar(self):
        splitter = LineSplitter(Masker([self.SECRET]))
        assert splitter.feed(b"10% correct-horse-") == []
        assert splitter.feed(b"battery\r") == []
        assert splitter.idle() == ["10% ***"]

    def test_last_line_without_an_end(self):
        assert split(Masker([self.SECRET]), b"x " + self.SECRET.encode()) == ["x ***"]

    def test_among_invalid_bytes_and_nul(self):
        data = b"\xff" + self.SECRET.encode() + b"\x00\n"
        assert split(Masker([self.SECRET]), data) == ["\ufffd***\ufffd"]

    @pytest.mark.parametrize("read", [777, 4096, 65536])
    def test_in_a_line_that_is_cut_wherever_the_cut_falls(self, read):
        chooser = random.Random(read)
        secrets = [self.SECRET, "ü" * 20 + "end", "".join(chooser.choice("abc+/") for _ in range(1000))]
        masker = Masker(secrets)
        for _ in range(20):
            parts = []
            for _ in range(40):
                parts.append("." * chooser.randrange(12000))
                parts.append(chooser.choice(secrets))
            parts[-1] = "." * 5
            data = "".join(parts).encode()
            lines = split(masker, *[data[at : at + read] for at in range(0, len(data), read)])
            assert all(len(line.encode()) <= MAX_LINE_BYTES for line in lines)
            whole = "".join(lines)
            assert set(whole) == {".", "*"}
            assert whole.count(".") == sum(part.count(".") for part in parts)

    def test_long_line_in_one_read(self):
        data = ("." * (MAX_LINE_BYTES - 10) + self.SECRET + "." * 100 + "\n").encode()
        assert "".join(split(Masker([self.SECRET]), data)) == "." * (MAX_LINE_BYTES - 10) + "***" + "." * 100

    def test_long_line_keeps_little_in_memory(self):
        splitter = LineSplitter(Masker(["s" * 100000]))
        pieces = sum(len(splitter.feed(b"x" * 65536)) for _ in range(200))
        assert pieces >= 190
        assert len(splitter._rest) <= MAX_LINE_BYTES + 128


class TestManySecrets:
    def make(self, count):
        chooser = random.Random(count)
        letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"
        return [
            "".join(chooser.choice(letters) for _ in range(chooser.randrange(6, 300))) for _ in range(count)
        ]

    def test_each_of_a_thousand_is_found_at_any_place(self):
        secrets = self.make(1000)
        masker = Masker(secrets)
        for number, secret in enumerate(secrets):
            text = "-" * (number % 37) + secret + "-" * 3
            assert masker.mask_text(text) == "-" * (number % 37) + "***" + "---"

    def test_time_does_not_depend_on_what_a_secret_looks_like(self):
        """Nothing here is far from linear; a second of computing is a hundred times what any of them takes."""
        hostile = ["a" * 100000, "a" * 127 + "b", "ab" * 5000, "(a+)+$", "aaaaaaX"]
        masker = Masker(hostile)
        for text in (b"a" * 65536, b"ab" * 32768, (b"a" * 126 + b"c") * 500):
            began = time.process_time()
            masker.mask(text)
            assert time.process_time() - began < 1


class TestJobLog:
    class Spool:
        def __init__(self):
            self.lines = []

        def add_lines(self, stream, text):
            self.lines.extend((stream, line) for line in text.split("\n"))

    def test_every_stream_and_the_agents_own_lines(self):
        spool = self.Spool()
        log = JobLog(spool, Masker(["topsecret"]))
        log.write("o", b"out topsec")
        log.write("e", b"err topsecret\n")
        log.write("o", b'ret\n{"loss": "topsecret"}\n')
        log.say("input 'x': 404 for http://host/topsecret\nnext")
        log.close()
        assert spool.lines == [
            ("e", "err ***"),
            ("o", "out ***"),
            ("o", '{"loss": "***"}'),
            ("s", "input 'x': 404 for http://host/***"),
            ("s", "next"),
        ]


class TestWhatIsSecret:
    DETAILS = {
        "environment_variables": {"KEY": "value-of-key", "MODE": "value-of-mode", "NUMBER": 1234567},
        "secret_names": ["KEY", "NUMBER", "GONE"],
        "inputs": [
            {"files": [{"url": "https://me:pass%2Fword@host/x", "uri": "https://me:pass%2Fword@host/x"}]},
            {"files": [{"url": "http://[broken", "uri": "datum://1"}]},
        ],
    }

    def test_named_variables_token_and_passwords_of_inputs(self):
        found = set(secret_values(self.DETAILS, "job-token")) - {""}
        assert found == {"value-of-key", "1234567", "job-token", "pass%2Fword", "pass/word"}

    def test_older_server_names_nothing(self):
        details = {name: value for name, value in self.DETAILS.items() if name != "secret_names"}
        assert "value-of-key" not in secret_values(details, "job-token")


def test_mark_is_never_longer_than_a_secret():
    assert len(MARK) <= 6
