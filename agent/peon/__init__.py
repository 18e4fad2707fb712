"""peon: the worker agent. Claims jobs from a Redis queue, runs them, and streams what they say."""

VERSION = "0.1.0"
