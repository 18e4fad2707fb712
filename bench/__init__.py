"""Measurements of the whole platform, each beside its aim and the figure of a peer or a floor. Not timed tests."""
