"""How a machine becomes a worker: a one-time token is exchanged for an identity of its own, which can be revoked."""
