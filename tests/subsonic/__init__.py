"""Music servers to test with: a double of our own, raw sockets for faults, and two real servers."""
