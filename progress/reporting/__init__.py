"""What runs in a task's process: the reporter a task speaks to, and the way to the log.

`reporter` is what tasks use. What they say waits in a `buffer`; one background thread sends it for
all jobs of the process (`sender`), and tries again while the log's server is away. `memo` keeps
what has to be said again to a log that lost it. `item` and `phases` are parts of the reporter.
"""
