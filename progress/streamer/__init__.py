"""The streamer: a machine's process for the streams of all its web workers.

`supervisor` starts it from gunicorn's master and starts it again when it dies, `protocol` is how a
web worker hands it a descriptor, and ``python -m progress.streamer`` is the process itself.
"""

from .protocol import StreamerClient
from .supervisor import StreamerSettings, Supervisor

__all__ = ["StreamerClient", "StreamerSettings", "Supervisor"]
