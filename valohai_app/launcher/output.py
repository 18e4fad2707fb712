"""One log of all processes: on the terminal and in a file that is kept small."""

import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

LARGEST_FILE_BYTES = 16 * 1024 * 1024
LONGEST_LINE_BYTES = 64 * 1024
OLD_FILES = 3


class CombinedLog:
    """Lines of every process, each with the process's name in front."""

    def __init__(self, folder: Path) -> None:
        self._file = RotatingFileHandler(
            folder / "platform.log", maxBytes=LARGEST_FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8"
        )
        self._file.setFormatter(logging.Formatter("%(asctime)s %(name)-9s | %(message)s"))
        self._terminal = True

    def write(self, name: str, line: str) -> None:
        self._file.emit(logging.LogRecord(name, logging.INFO, "", 0, line, None, None))
        self.show(f"{name:9} | {line}")

    def show(self, text: str) -> None:
        """On the terminal only, which may be gone: that is no reason to stop."""
        if not self._terminal:
            return
        try:
            print(text, flush=True)
        except (BrokenPipeError, OSError):
            self._terminal = False
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115  so that the interpreter's last flush works


class LineReader:
    """Lines out of a pipe, without ever waiting for it."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._rest = b""

    def read(self) -> tuple[list[str], bool]:
        """The whole lines that have come, and whether more can come."""
        try:
            piece = os.read(self.descriptor, LONGEST_LINE_BYTES)
        except BlockingIOError:
            return [], True
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if self._rest and (not piece or len(self._rest) > LONGEST_LINE_BYTES):
            lines.append(self._rest)
            self._rest = b""
        return [line.decode(errors="replace") for line in lines], bool(piece)
