"""What engines need whose stages run in containers, or on machines that are made for
them."""

from __future__ import annotations

from jupyter_pipe.export import Plan
from jupyter_pipe.submit import SubmitError

__all__ = ["require_images"]


def require_images(plan: Plan) -> None:
    """Raise SubmitError for a stage that has no image."""
    for task in plan.tasks:
        if not task.image:
            raise SubmitError(
                f"Stage {task.name!r} has no container image.",
                code="engine_settings",
                hint="Set image in engines.toml to one that has jupyter_pipe and the notebook's requirements "
                "(jupyter pipe export dockerfile writes it), or tag the stage image:IMAGE.",
            )
