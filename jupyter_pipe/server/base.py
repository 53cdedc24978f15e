"""What every handler shares: decoding, answering, errors in one shape.

A handler decodes the request, calls one method of a service in a thread, and answers.
Services know nothing of HTTP; they raise PipeError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import unquote

import msgspec
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_pipe.errors import PipeError
from jupyter_pipe.server.decoding import decode_body, error_body
from jupyter_pipe.server.payloads import ErrorBody
from jupyter_pipe.server.services import Services, Threads

__all__ = ["PipeHandler", "UnknownHandler", "allowed"]

# Bytes. The longest that clients send is a notebook as their editor has it.
_LARGEST_BODY = 4 << 20

T = TypeVar("T")
Method = TypeVar("Method", bound=Callable[..., Any])


def allowed(action: str) -> Callable[[Method], Method]:
    """Only for who is logged in, and may do `action` ("read", "write", "execute")."""

    def decorate(method: Method) -> Method:
        return cast(Method, web.authenticated(authorized(action)(method)))

    return decorate


class PipeHandler(APIHandler):
    """The base of our handlers. `auth_resource` is what an authorizer is asked
    about."""

    auth_resource = "pipelines"
    threads: ClassVar[Threads] = "reading"

    @property
    def services(self) -> Services:
        services: Services = self.settings["jupyter_pipe"]
        return services

    def body(self, kind: type[T]) -> T:
        """The request's JSON as `kind`. Raises PipeError if it is something else, or
        too long to be decoded on the server's loop."""
        data = self.request.body
        if len(data) > _LARGEST_BODY:
            raise PipeError(
                f"The request is longer than {_LARGEST_BODY} bytes.", code="bad_request"
            )
        return decode_body(data, kind)

    def text(self, name: str, default: str = "") -> str:
        """A query parameter."""
        value: str = self.get_query_argument(name, default)
        return value

    def number(self, name: str) -> int:
        """A query parameter that counts something, 0 if it is not given."""
        text = self.text(name, "0")
        # A number that is longer would be no place in any file.
        if not text.isdecimal() or len(text) > 15:
            raise PipeError(f"'{name}' must be a whole number.", code="bad_request")
        return int(text)

    async def work(self, function: Callable[..., T], *args: Any) -> T:
        """Run what may block away from the server's loop, in the threads of this kind
        of request."""
        threads = self.services.threads[self.threads]
        return await asyncio.get_running_loop().run_in_executor(
            threads, function, *args
        )

    async def start(self, function: Callable[..., T], *args: Any) -> T:
        """The same for what waits until another process has begun."""
        threads = self.services.threads["starting"]
        return await asyncio.get_running_loop().run_in_executor(
            threads, function, *args
        )

    def answer(self, value: Any, status: int = 200) -> None:
        """Send a record as JSON."""
        self.set_status(status)
        self.finish(msgspec.json.encode(value))

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Tornado's own answer to bytes that are not UTF-8 is not in our shape."""
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise PipeError(
                f"'{unquote(name or 'the path')}' is not UTF-8.", code="bad_request"
            ) from None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every error, ours or the server's, in the one shape."""
        # Type, error and traceback, as `sys.exc_info` gives them.
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(error, PipeError):
            self.set_status(error.http_status)
            body = error_body(error)
        else:
            body = _foreign_error(status_code, error)
        self.finish(msgspec.json.encode(body))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """A user's mistake is not an incident of the server."""
        if not isinstance(value, PipeError):
            super().log_exception(typ, value, tb)


class UnknownHandler(PipeHandler):
    """Answers in our shape where there is no route."""

    @allowed("read")
    async def get(self) -> None:
        """Refuse."""
        raise PipeError("There is nothing at this address.", code="route_unknown")

    # Tornado would answer 405 in HTML.
    post = put = patch = delete = get


def _foreign_error(status: int, error: BaseException | None) -> ErrorBody:
    if isinstance(error, web.HTTPError):
        return ErrorBody(
            f"http_{status}",
            error.log_message or error.reason or f"The server answered {status}.",
        )
    if status < 500:
        return ErrorBody(f"http_{status}", f"The server answered {status}.")
    return ErrorBody(
        "internal",
        "Something went wrong in jupyter_pipe.",
        "The server's log has the details.",
    )
