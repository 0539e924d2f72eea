"""What runs beside the tasks: leases are renewed, and lost jobs are settled.

`heartbeat` runs in each worker's main process, `reaper` there and beside the clock. `faults` names
the points at which a test may kill a process.
"""
