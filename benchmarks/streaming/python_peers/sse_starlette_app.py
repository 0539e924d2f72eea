"""sse-starlette with a queue for each stream: GET opens one, POST publishes to all of a job."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

streams: dict[str, set[asyncio.Queue[ServerSentEvent]]] = defaultdict(set)
last: dict[str, int] = defaultdict(int)


async def follow(job: str) -> AsyncIterator[ServerSentEvent]:
    """What is published of a job from now on."""
    queue: asyncio.Queue[ServerSentEvent] = asyncio.Queue()
    streams[job].add(queue)
    try:
        yield ServerSentEvent(comment="ok")
        while True:
            yield await queue.get()
    finally:
        streams[job].discard(queue)


async def open_stream(request: Request) -> Response:
    """A stream of a job."""
    return EventSourceResponse(follow(request.path_params["job"]))


async def publish(request: Request) -> Response:
    """An event of a job."""
    job = request.path_params["job"]
    last[job] += 1
    event = ServerSentEvent((await request.body()).decode(), id=str(last[job]))
    for queue in streams[job]:
        queue.put_nowait(event)
    return Response(status_code=204)


app = Starlette(
    routes=[
        Route("/{job}", open_stream, methods=["GET"]),
        Route("/{job}", publish, methods=["POST"]),
    ]
)
