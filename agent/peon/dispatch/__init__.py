"""Hands jobs of some queues to another scheduler, such as Slurm, each as a job of that scheduler which runs one agent.

    base.py      what a cluster has to offer: the interface between this package and a scheduler
    planner.py   decides what to do, from what the queues and the cluster show; pure
    loop.py      looks, decides, acts, and tells the platform
    queues.py    the queues in Redis, as a dispatcher uses them
    journal.py   what was handed over, on disk
    slurm.py     the cluster is Slurm's; slurm_text.py reads what its programs print

A queue's job that was handed over stays in its queue until the agent inside the cluster takes it from there. So nothing here
can run a job twice: a cluster's job that comes second finds nothing to take, and ends.
"""
