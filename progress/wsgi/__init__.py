"""How a stream leaves a web server.

`entrance` decides whether a stream begins, and `urls` says where all is served. `body` is the body
of a response for any WSGI server, and `waiting` that of a page of events that is waited for.
`leaving` has them leave the server where that is possible, so that they hold no thread; `gunicorn`
takes the client's socket and the response's head from it. `middleware` lets plain streams in before
the framework sees them; `problem` is an error response.
"""

from .entrance import Entrance
from .middleware import Admit, StreamMiddleware
from .problem import Problem

__all__ = ["Admit", "Entrance", "Problem", "StreamMiddleware"]
