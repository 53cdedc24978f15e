"""Executes the cells of one notebook: nbclient's protocol, papermill's client, our
conditions.

Cells that are not the user's leave no trace in history and outputs; the user's get the
execution counts of the source notebook. Waiting is for events: a reply, the kernel's
end, a stop, the deadline. How outputs arrive is in `output_receiving`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from nbclient.exceptions import CellExecutionError, DeadKernelError

from jupyter_pipe.artifacts.bootstrap import bootstrap_source
from jupyter_pipe.artifacts.masking import Masker
from jupyter_pipe.artifacts.protocol import Observations
from jupyter_pipe.engine.execution.failures import (
    CellPlace,
    StageFailure,
    cell_failure,
    death_failure,
    timeout_failure,
)
from jupyter_pipe.engine.execution.notebook_saving import ExecutedNotebook
from jupyter_pipe.engine.execution.output_receiving import ReceivingClient
from jupyter_pipe.engine.execution.papermill_engine import Execution, StageInterrupted
from jupyter_pipe.engine.execution.stage_cells import (
    is_users,
    leading_cells,
    number_of,
    role_of,
    will_run,
)
from jupyter_pipe.engine.kernels.lifecycle import (
    FreshKernels,
    KernelRequest,
    StageKernel,
    StageOrder,
)
from jupyter_pipe.engine.kernels.out_of_memory import MemoryWatch
from jupyter_pipe.errors import KernelError
from jupyter_pipe.events import CellFinished, CellStarted, FailureKind
from jupyter_pipe.runs.model import Failure

__all__ = ["run_notebook"]

_INTERRUPT_SECONDS = 3.0
_TERMINATE_SECONDS = 2.0


def run_notebook(
    nb: Any, kernel_name: str, output_path: str | None, execution: Execution | None
) -> Any:
    """Execute the notebook. Raises StageFailure or StageInterrupted; the notebook is
    saved anyway."""
    if execution is None:
        folder = Path(output_path or "notebook.ipynb").absolute().parent
        execution = Execution("notebook", folder, folder, environment=dict(os.environ))
    executed = ExecutedNotebook(nb, output_path)
    executed.notebook_start()
    try:
        asyncio.run(StageClient(executed, kernel_name, execution).run())
    finally:
        executed.notebook_complete()
    return nb


class StageClient(ReceivingClient):
    """One execution of one notebook."""

    def __init__(
        self, executed: ExecutedNotebook, kernel_name: str, execution: Execution
    ) -> None:
        super().__init__(executed, kernel_name, Masker(execution.secrets))
        self._execution = execution
        executed.before_saving = self._joiner.settle
        self._place = CellPlace(execution.stage, executed.nb.cells, 0)
        self._ending = False
        # The cells of ours that the kernel runs before the first request.
        self._led: tuple[int, ...] = ()
        # Whether the next of the user's cells has its number already: `load_inputs`
        # gives it to the first.
        self._counted = False
        self._memory = MemoryWatch()
        self._cell_late = asyncio.Event()

    async def run(self) -> None:
        """Start the kernel, run the cells, end the kernel."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_stop(hard: bool) -> None:
            # The signal comes from another thread; asyncio's events may only be set in
            # their own.
            loop.call_soon_threadsafe(self._on_stop, stop, hard)

        self._execution.stop.listen(on_stop)
        try:
            await self._run_until(stop)
        finally:
            self._execution.stop.listen(None)

    def _on_stop(self, stop: asyncio.Event, hard: bool) -> None:
        stop.set()
        # The second Ctrl-C: no cell is given the time to clean up.
        if hard and self._kernel is not None:
            self._kernel.kill()

    async def _run_until(self, stop: asyncio.Event) -> None:
        """The cells against the stop signal and the deadline: whichever comes first."""
        running = asyncio.ensure_future(self._start_and_run())
        ends = {
            asyncio.ensure_future(event.wait()) for event in (stop, self._cell_late)
        }
        limit = self._execution.timeout_seconds
        await asyncio.wait(
            {running, *ends}, timeout=limit, return_when=asyncio.FIRST_COMPLETED
        )
        for end in ends:
            end.cancel()
        if running.done():
            return running.result()
        place, late = self._place, self._cell_late.is_set()
        interrupted = await self._end_early(running)
        # Stopped and late at once counts as stopped: the user has seen enough.
        if stop.is_set():
            raise StageInterrupted
        seconds = (self._execution.cell_timeout_seconds if late else limit) or 0
        raise StageFailure(timeout_failure(place, seconds, interrupted, of_cell=late))

    async def _end_early(self, running: asyncio.Future[None]) -> Failure | None:
        """Interrupt, then terminate, then kill. Returns what the interrupted cell
        showed."""
        self._ending = True
        if self._kernel is None:
            running.cancel()
        else:
            # As the stop button of a notebook: `finally` and `except KeyboardInterrupt`
            # get to run, and the traceback shows where the cell was.
            await self._kernel.interrupt()
            await asyncio.wait({running}, timeout=_INTERRUPT_SECONDS)
            if not running.done():
                self._kernel.terminate()
                await asyncio.wait({running}, timeout=_TERMINATE_SECONDS)
            if not running.done():
                self._kernel.kill()
        try:
            await running
        except StageFailure as broken:
            # A kernel that had to be killed tells of no frames, only that it is dead.
            return broken.failure if broken.failure.frames else None
        except asyncio.CancelledError:
            return None
        return None

    async def _start_and_run(self) -> None:
        execution, leading = self._execution, leading_cells(self.nb.cells)
        request = KernelRequest(
            self.kernel_name,
            execution.folder,
            dict(execution.environment),
            execution.scratch / "kernel.log",
            execution.imports,
            dict(execution.secrets),
            self._order(leading),
        )
        try:
            self._kernel = await (execution.kernels or FreshKernels()).start(request)
        except KernelError as error:
            failure = Failure(
                "KernelError", error.message, kind=FailureKind.worker, hint=error.hint
            )
            raise StageFailure(failure) from error
        self.kc = self._kernel.client
        if self._begins_by_itself:
            self._led = leading
        try:
            await self._run_cells()
        finally:
            await self._kernel.shut_down()

    @property
    def _begins_by_itself(self) -> bool:
        """Whether the kernel needs to be told neither of the beginning nor of the
        numbers of cells."""
        return bool(
            self._execution.context
            and self._kernel
            and self._kernel.process.begins_stage
        )

    def _order(self, leading: Sequence[int]) -> StageOrder | None:
        if not self._execution.context:
            return None
        cells, numbers = self.nb.cells, self._execution.numbers
        return StageOrder(
            str(self._execution.context),
            tuple(cells[index].source for index in leading),
            tuple(
                number_of(cell, numbers)
                for cell in cells
                if is_users(cell) and will_run(cell)
            ),
        )

    async def _run_cells(self) -> None:
        assert self._kernel is not None
        try:
            await self._prepare_kernel(self._kernel)
            for index in range(len(self.nb.cells)):
                # An interrupt ends one cell; the next would run on with what is
                # missing.
                if not self._ending:
                    await self._run_cell(index)
            self.set_widgets_metadata()
        except DeadKernelError as error:
            raise StageFailure(await self._death()) from error

    async def _prepare_kernel(self, kernel: StageKernel) -> None:
        """What a kernel does not do by itself before the first cell."""
        context = None if self._begins_by_itself else self._execution.context
        source = [
            kernel.process.protection,
            bootstrap_source(context) if context else "",
        ]
        if any(source):
            await self._silently("\n".join(source))

    async def _run_cell(self, index: int) -> None:
        """One cell from its count to its end, with those that it leads to run before
        it: the user's are reported, and their limits of time kept."""
        cell = self.nb.cells[index]
        if index in self._led or not will_run(cell):
            return
        group = (*self._led, index) if role_of(cell) == "inputs" else (index,)
        place = self._place = CellPlace(self._execution.stage, self.nb.cells, group[0])
        if is_users(cell):
            self._report_start(place)
            await self._count(cell)
        began = time.monotonic()
        for each in group:
            self.nb_man.cell_start(self.nb.cells[each], each)
        alarm = self._set_alarm(cell)
        try:
            await self._execute(cell, index)
            self._place = place.at(index)
        except BaseException as error:
            # With leading cells, the one that raised need not be the one that was asked
            # for.
            failed = self._place.index
            self.nb_man.cell_exception(
                self.nb.cells[failed], cell_index=failed, exception=error
            )
            raise
        finally:
            if alarm is not None:
                alarm.cancel()
            self._joiner.settle()
            self._end_cells(group)
        if role_of(cell) == "inputs":
            self._counted = True
        if is_users(cell):
            self._report_end(place, time.monotonic() - began)

    async def _count(self, cell: Any) -> None:
        """Give the kernel the number of the user's cell, unless it knows it."""
        number = number_of(cell, self._execution.numbers)
        # A request of its own for each number would cost each cell a round trip.
        if number is not None and not self._counted and not self._begins_by_itself:
            await self._silently(
                f'__import__("jupyter_pipe_kernel").set_execution_count({number})'
            )
        self._counted = False

    def _end_cells(self, group: Iterable[int]) -> None:
        """The last that the kernel has come to is `_place`."""
        for each in group:
            if each <= self._place.index:
                self.nb_man.cell_complete(self.nb.cells[each], cell_index=each)
            else:
                self.nb_man.cell_not_reached(self.nb.cells[each])

    def _set_alarm(self, cell: Any) -> asyncio.TimerHandle | None:
        """For a cell of the user's that may only take so long."""
        seconds = self._execution.cell_timeout_seconds
        if seconds is None or not is_users(cell):
            return None
        return asyncio.get_running_loop().call_later(seconds, self._cell_late.set)

    async def _execute(self, cell: Any, index: int) -> None:
        """Raises StageFailure, and says in `_place` where, or DeadKernelError."""
        ours = not is_users(cell)
        try:
            await self.async_execute_cell(cell, index, store_history=not ours)
        except CellExecutionError as error:
            led = self._reply.get("jupyter_pipe")
            if led == -1:
                raise _not_begun(self._place, self._reply) from error
            if led is not None:
                cell = self._blame(self._led[led], cell)
            raise await self._failure(_raised(cell, self._reply)) from error
        if ours:
            # Imports may warn each time they are replayed; the notebook showed that
            # once, in the cell that has them.
            cell.outputs, cell.execution_count = [], None
        for payload in self._reply.get("payload", ()):
            # `exit` without parentheses is not an exception: the kernel is about to end
            # by itself.
            if payload.get("source") == "ask_exit":
                content = {
                    "ename": "KernelExit",
                    "evalue": "the cell asked the kernel to exit",
                }
                raise StageFailure(cell_failure(self._place, content, {}))

    def _blame(self, index: int, asked: Any) -> Any:
        """The cell that failed ran before the one that was asked for: what was shown is
        its own."""
        cell = self.nb.cells[index]
        self._place = self._place.at(index)
        cell.outputs, asked.outputs = asked.outputs, []
        return cell

    async def _failure(self, raised: Mapping[str, Any]) -> StageFailure:
        """What the cell raised, with the user's frames as the kernel knows them, and
        what was touched."""
        path = self._execution.scratch / "failure.json"
        cells = [
            (number, cell.source)
            for number, cell in enumerate(self.nb.cells)
            if _has_run(cell)
        ]
        source = (
            '__import__("jupyter_pipe_kernel.failure", fromlist=["failure"])'
            f".write_failure({str(path)!r}, {cells!r}, {str(self._execution.folder)!r})"
        )
        report: dict[str, Any] = {}
        if self._execution.context:
            # What the cell raised is known without the report; it only adds frames and
            # observations.
            with contextlib.suppress(DeadKernelError, OSError, ValueError):
                await self._silently(source)
                report = json.loads(path.read_text(encoding="utf-8"))
                path.unlink()
        return StageFailure(
            cell_failure(self._place, raised, report), _observations(report)
        )

    async def _death(self) -> Failure:
        assert self._kernel is not None
        status = await asyncio.shield(self._kernel.exited)
        return death_failure(
            # The system's killer and `kill -9` look alike from here; only its counter
            # tells.
            self._place,
            status,
            memory_ran_out=status == -9 and self._memory.ran_out(),
        )

    async def _silently(self, source: str) -> None:
        """Run source that leaves no trace. Raises DeadKernelError, or StageFailure if
        it fails."""
        assert self._kernel is not None
        reply = asyncio.ensure_future(self.kc.execute(source, silent=True, reply=True))
        await asyncio.wait(
            {reply, self._kernel.exited}, return_when=asyncio.FIRST_COMPLETED
        )
        if not reply.done():
            reply.cancel()
            raise DeadKernelError("Kernel died")
        content = reply.result()["content"]
        if content["status"] == "error":
            raise _not_begun(self._place, content)

    def _report_start(self, place: CellPlace) -> None:
        self._execution.report(
            CellStarted(
                stage=place.stage,
                cell_id=place.cell_id or "",
                position=place.position or 0,
                total=place.total,
            )
        )

    def _report_end(self, place: CellPlace, seconds: float) -> None:
        self._execution.report(
            CellFinished(
                stage=place.stage,
                cell_id=place.cell_id or "",
                position=place.position or 0,
                total=place.total,
                seconds=seconds,
            )
        )


def _has_run(cell: Any) -> bool:
    return bool(
        cell.cell_type == "code" and cell.metadata.papermill.get("status") != "pending"
    )


def _observations(report: Mapping[str, Any]) -> Observations:
    try:
        return msgspec.convert(report.get("observed", {}), Observations)
    except msgspec.ValidationError:
        return Observations(complete=False)


def _raised(cell: Any, reply: Mapping[str, Any]) -> Mapping[str, Any]:
    """The name and text of what ended the cell.

    Where an object fails to be shown, the cell itself has raised nothing: ipykernel's
    reply is an error without an exception (`NoneType`), and the last output has the
    real one.
    """
    if reply.get("ename") != "NoneType":
        return reply
    shown = (
        output for output in reversed(cell.outputs) if output.output_type == "error"
    )
    return next(shown, reply)


def _not_begun(place: CellPlace, content: Mapping[str, Any]) -> StageFailure:
    """What the kernel side raised, and no cell."""
    return StageFailure(
        replace(cell_failure(place, content, {}), kind=FailureKind.internal)
    )
