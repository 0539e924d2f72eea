"""How a stream leaves a web server.

`body` is the body of a response for any WSGI server; `gunicorn` takes the client's socket where
that is possible, so that a stream holds no thread; `middleware` lets plain streams in before the
framework.
"""

from .middleware import Admit, StreamMiddleware

__all__ = ["Admit", "StreamMiddleware"]
