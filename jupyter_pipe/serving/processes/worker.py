"""A worker: `python -m jupyter_pipe.serving.processes.worker SOCKET_FD NEWS_FD`,
started by the supervisor.

Its settings come as one line of JSON on standard input. When that closes, the
supervisor is gone, and the worker ends as it does on SIGTERM: requests in flight are
answered, and the log is written.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import sys
import threading
import warnings
from pathlib import Path

import msgspec

from jupyter_pipe.serving.live.following import News
from jupyter_pipe.serving.live.rehearsal import Rehearsal
from jupyter_pipe.serving.settings import FOLDER_VARIABLE, Settings

__all__ = ["main"]

# The scoring thread holds Python's lock most of the time; the loop should not wait 5 ms
# for it each time.
_SWITCH_SECONDS = 0.0005
_BACKLOG = 2048


def main(socket_fd: int, news_fd: int) -> None:
    """Serve until told to end."""
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=Settings)
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s"
    )
    warnings.simplefilter("ignore")
    sys.setswitchinterval(_SWITCH_SECONDS)
    news = os.fdopen(news_fd, "wb", buffering=0)

    def tell(said: News) -> None:
        news.write(msgspec.json.encode(said) + b"\n")

    asyncio.run(_serve(settings, socket.socket(fileno=socket_fd), tell))


async def _serve(settings: Settings, listening: socket.socket, tell: object) -> None:
    import uvicorn

    from jupyter_pipe.serving.service import Service
    from jupyter_pipe.serving.web.app import make_app

    # The supervisor's folder: what one worker found out of a version holds for all of
    # them.
    rehearsal = Rehearsal(Path(os.environ[FOLDER_VARIABLE]), trust=settings.trust)
    service = Service(settings, tell, rehearsal=rehearsal)  # type: ignore[arg-type]
    tls = settings.tls
    config = uvicorn.Config(
        make_app(service),
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(settings.grace_seconds),
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_ca_certs=(tls.ca or None) if tls else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.ca else ssl.CERT_NONE,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
    await server.serve(sockets=[listening])


def _end_with_parent(server: object) -> None:
    sys.stdin.buffer.read()
    server.should_exit = True  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
