"""Ways to run a job's command: in a container, or as a process of this host."""
