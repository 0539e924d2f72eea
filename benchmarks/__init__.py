"""What is measured: `make bench` lists it."""
