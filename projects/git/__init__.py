"""Talking to git repositories that strangers name, with the `git` command line."""
