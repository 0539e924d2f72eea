"""How a stream leaves a web server.

`entrance` decides whether a stream begins, and `urls` says where streams are. `body` is the body of
a response for any WSGI server; `gunicorn` takes the client's socket from the server where that is
possible, so that the stream holds no thread; `middleware` lets plain streams in before the
framework sees them; `problem` is an error response.
"""

from .entrance import Entrance
from .middleware import Admit, StreamMiddleware
from .problem import Problem

__all__ = ["Admit", "Entrance", "Problem", "StreamMiddleware"]
