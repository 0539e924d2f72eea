"""The benchmarks. `make bench` lists them, `make bench-NAME` runs one."""
