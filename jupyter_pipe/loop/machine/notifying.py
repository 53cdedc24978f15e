"""Sends notices through Apprise (the extra `loop`), whose URLs may take secrets from
the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from jupyter_pipe.errors import ExtraMissingError, LoopError

__all__ = ["filled_urls", "send_notice"]

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def filled_urls(urls: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The URLs with `${NAME}` replaced. Raises LoopError for a variable that is not
    set."""

    def value_of(match: re.Match[str]) -> str:
        value = environment.get(match[1])
        if not value:
            raise LoopError(
                f"notify: needs the variable {match[1]}, which is not set.",
                code="loop_notify",
                hint=f"Set it where the loop is started: export {match[1]}=…",
            )
        return value

    return [_VARIABLE.sub(value_of, url) for url in urls]


def send_notice(urls: Sequence[str], title: str, text: str) -> int:
    """Send to each URL; the number of those that took it. Raises LoopError if one did
    not, which is never named: it may hold a password."""
    if not urls:
        return 0
    try:
        import apprise
    except ImportError:
        raise ExtraMissingError("Sending notices", "loop") from None
    failed = 0
    # One sender for each: Apprise tells of all together only whether all went well.
    for url in urls:
        sender = apprise.Apprise()
        if not (
            sender.add(url)
            and sender.notify(
                title=title, body=text, body_format=apprise.NotifyFormat.TEXT
            )
        ):
            failed += 1
    if failed:
        raise LoopError(
            f"{failed} of {len(urls)} receivers did not take the notice.",
            code="loop_notify",
        )
    return len(urls)
