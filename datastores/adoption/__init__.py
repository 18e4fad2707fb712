"""Adopting: files that are in a store already become files of a project, without being copied.

`single.adopt` answers at once for one address. Everything else is a row of `Adoption`, which `services.start` writes and
`running.run_slice` works on in the background; its state changes only in `lifecycle`.
"""
