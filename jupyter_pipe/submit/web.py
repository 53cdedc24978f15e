"""JSON over HTTP, for engines that have an address. What cannot be reached, takes too
long or has trouble of its own raises SilentError; what the engine refuses raises
SubmitError with the engine's words."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from jupyter_pipe.submit import SilentError, SubmitError

__all__ = ["RefusedError", "Web"]

_SECONDS_TO_WAIT = 30.0
_LONGEST_ANSWER = 1 << 24
_LONGEST_WORDS = 300
# Too many requests, and what servers and proxies in front of them say while they start
# or end.
_LATER = frozenset({408, 425, 429, *range(500, 600)})
# Said before anything was done, so that what makes something can be asked again: Prefect
# answers 503 while its SQLite is locked.
_NOT_NOW = frozenset({429, 503})
_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before it is asked again."""


class RefusedError(SubmitError):
    """The engine said no. `answer` is the status with which it did."""

    def __init__(self, message: str, answer: int, *, hint: str = "") -> None:
        super().__init__(message, code="engine_refused", hint=hint)
        self.answer = answer


class Web:
    """`title` is the engine's name for people, `url` the address below which all paths
    are. `token` is sent with each request, if there is one; `renew` gives another where
    it is no longer accepted."""

    def __init__(
        self,
        title: str,
        url: str,
        token: str = "",
        *,
        renew: Callable[[], str] | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise SubmitError(
                f"{url} is not the address of {title}: it does not begin with http:// or https://.",
                code="engine_settings",
            )
        self._title = title
        self._url = url.rstrip("/")
        self._token = token
        self._renew = renew

    def get(self, path: str) -> Any:
        """The answer to a question, decoded."""
        return self._ask("GET", path, None)

    def pages(self, path: str, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The answers to a question of which each says with which token to ask for the
        next."""
        token = ""
        while True:
            query = urlencode({**asked, **({"page_token": token} if token else {})})
            page = self.get(f"{path}?{query}")
            yield page
            token = page.get("next_page_token", "")
            if not token:
                return

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to what makes something, decoded."""
        return self._ask("POST", path, body)

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to what is said of something that is there, decoded."""
        return self._ask("PUT", path, body)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to what changes something, decoded."""
        return self._ask("PATCH", path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            return self._ask_once(method, path, body)
        except RefusedError as error:
            if error.answer != 401 or self._renew is None:
                raise
        # Tokens of sessions end after some hours, and a run may last for days.
        self._token = self._renew()
        return self._ask_once(method, path, body)

    def _ask_once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - checked
            f"{self._url}{path}", data, headers, method=method
        )
        try:
            with self._open(request) as answer:
                return json.loads(answer.read(_LONGEST_ANSWER) or b"null")
        except urllib.error.HTTPError as error:
            raise self._problem(error) from None
        except (OSError, ValueError) as error:
            # For example: connection refused, timed out, half an answer.
            raise SilentError(str(getattr(error, "reason", error))) from None

    def _open(self, request: urllib.request.Request) -> Any:
        """The response, of an engine that is not too busy for the moment."""
        for pause in _PAUSES:
            try:
                return urllib.request.urlopen(request, timeout=_SECONDS_TO_WAIT)  # noqa: S310
            except urllib.error.HTTPError as error:
                if error.code not in _NOT_NOW:
                    raise
                error.close()
            time.sleep(pause)
        return urllib.request.urlopen(request, timeout=_SECONDS_TO_WAIT)  # noqa: S310

    def _problem(self, error: urllib.error.HTTPError) -> Exception:
        with error:
            words = error.read(_LONGEST_WORDS).decode("utf-8", "replace").strip()
        if error.code in _LATER:
            return SilentError(f"HTTP {error.code}")
        hint = (
            "Check the names of its variables in engines.toml."
            if error.code in {401, 403}
            else ""
        )
        return RefusedError(
            f"{self._title} refuses ({error.code} {error.reason}): {words}",
            error.code,
            hint=hint,
        )
