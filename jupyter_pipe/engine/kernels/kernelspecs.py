"""Whether a kernel is installed, asked cheaply: a run in which nothing changes starts
none."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from jupyter_pipe.errors import KernelError
from jupyter_pipe.notebook.kernel_names import require_kernel_name

__all__ = ["check_kernel", "find_program"]


def check_kernel(name: str) -> None:
    """Raises KernelError if no kernelspec has this name."""
    require_kernel_name(name)
    if not _is_found_easily(name):
        _check_thoroughly(name)


def find_program(name: str) -> str:
    """What the kernelspec starts; `python` if it names nothing. Raises jupyter_client's
    NoSuchKernel."""
    from jupyter_client.kernelspec import KernelSpecManager

    argv = KernelSpecManager().get_kernel_spec(name).argv
    return str(argv[0]) if argv else "python"


def _is_found_easily(name: str) -> bool:
    from jupyter_core.paths import jupyter_path

    if name == "python3" and find_spec("ipykernel") is not None:
        # jupyter_client offers the interpreter's own kernel even if nobody installed it
        return True
    return any(
        (Path(folder) / name / "kernel.json").is_file()
        for folder in jupyter_path("kernels")
    )


def _check_thoroughly(name: str) -> None:
    """As jupyter_client does, which knows other spellings and sources of
    kernelspecs."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    specs = KernelSpecManager()
    try:
        specs.get_kernel_spec(name)
    except NoSuchKernel:
        known = ", ".join(sorted(specs.find_kernel_specs())) or "none"
        raise KernelError(
            f"The notebook's kernel {name!r} is not installed. Installed: {known}.",
            code="kernel_missing",
            hint=f"Install it (python -m ipykernel install --user --name {name}), or choose another "
            "kernel in JupyterLab and save the notebook.",
        ) from None
