"""The maker of one sound: ``python -m web.sound.maker``, in a process of its own.

What decodes strangers' files may crash, hang or take all memory: then this process ends, and the
lock on what it wrote says so. It is given an order on its standard input, as JSON.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from contextlib import suppress

from library.errors import SourceUnavailable, UnhearableFile, UnreadableFile
from library.sound.making import make

from .order import Order

#: Of the processor, and in all: an hour of sound takes a minute, and a server may be slow.
_CPU_SECONDS, _WALL_SECONDS = 180, 600
_MEMORY_BYTES = 2_000_000_000
#: What a source could not give is asked for again after so long.
_AWAY_SECONDS = 30.0


def main() -> None:
    """Do what the order says."""
    # So that what is half made is taken away, as after any exception.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _bound()
    fulfil(Order.from_json(sys.stdin.read()))


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS + 5))
    with suppress(ValueError, OSError):  # a lower one is set already
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    signal.alarm(_WALL_SECONDS)


def fulfil(order: Order) -> None:
    """Make what is ordered; what cannot be made is remembered."""
    store, waveform = order.store, order.key(order.waveform)
    made = waveform if order.sound is None else order.key(order.sound)
    part = store.part(made)
    try:
        if order.sound is None:
            os.write(order.part, b".")  # so that it shows that this began
        with order.opened() as path:
            peaks = make(
                path,
                frames=order.frames,
                part=order.part if order.sound else None,
                from_seconds=order.from_seconds or 0.0,
            )
        if order.from_seconds is None:
            store.write(store.waveform(waveform), peaks)
        if order.sound is not None:
            part.replace(store.whole(made))
    except UnhearableFile as error:
        store.fail(made, str(error))
    except (UnreadableFile, SourceUnavailable) as error:
        # A server may answer again in a moment.
        store.fail(made, str(error), for_seconds=_AWAY_SECONDS)
    except OSError as error:
        # The disk is away or full, which says nothing of the song.
        sys.exit(f"A song's sound was not made: {error.strerror}.")
    finally:
        part.unlink(missing_ok=True)
    store.prune()


if __name__ == "__main__":
    main()
