"""Small files of a version of a dataset in a few large objects, so that a job need not ask for each of them.

`services.py` asks for packages and drops them, `planner.py` decides which files go together, `building.py` makes one,
`selectors.py` finds those that a job can take. What a job sees does not depend on any of it.
"""
