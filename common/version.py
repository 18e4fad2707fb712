"""The version of the platform, as clients and pages see it."""

VERSION = "0.1.0"
