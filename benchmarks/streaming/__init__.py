"""The parts of the streaming benchmark: load generator, peers, publishers, scenarios."""
