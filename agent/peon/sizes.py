"""Sizes and durations for people."""


def size_text(size_bytes):
    """`312 B`, `1.6 MB`."""
    if size_bytes < 1000:
        return "{} B".format(size_bytes)
    size = float(size_bytes)
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 1000 or unit == "TB":
            return "{:.1f} {}".format(size, unit)


def duration_text(seconds):
    """`0.21 s`, `3 min 5 s`, `2 h 0 min`."""
    if seconds < 60:
        return "{:.2f} s".format(seconds)
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return "{} min {} s".format(minutes, rest)
    return "{} h {} min".format(*divmod(minutes, 60))
