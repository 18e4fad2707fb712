"""What agent and server say to each other: Redis keys, scripts and message shapes.

Standard library only, CPython 3.6 and newer. The server imports this package; it imports nothing of the server.
`docs/agent-protocol.md` tells the story, these modules are its letter.
"""
