"""Starts and ends machines of environments that have a provider, so that jobs find workers and idle machines cost nothing.

`planner.py` decides, `round.py` carries out, `providers/` start and end machines. docs/autoscaling.md tells the story.
"""
