"""What Label Studio's own SDK makes of a form, its tasks and answers; run by an
environment that has it.

    python label_studio.py FOLDER      reads form.xml, tasks.json, answers.json; writes FOLDER/FORMAT.json

Fails with what the SDK complains of.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from label_studio_sdk.converter import Converter
from label_studio_sdk.label_interface import LabelInterface


def main(folder: Path) -> None:
    """Check form and tasks, and convert the answers as an export from its server
    would."""
    text = (folder / "form.xml").read_text(encoding="utf-8")
    form = LabelInterface(text)
    form.validate()
    for task in json.loads((folder / "tasks.json").read_text(encoding="utf-8")):
        # Its own check of a whole task fails on any task with predictions: they are
        # asked for apart.
        if not form.validate_task({"data": task["data"]}):
            raise SystemExit(f"not a task of this form: {task}")
        for prediction in task.get("predictions", []):
            complaints = form.validate_prediction(prediction, return_errors=True)
            if complaints:
                raise SystemExit(f"{prediction}: {complaints}")
    converter = Converter(text, project_dir=None)
    for name in ("JSON", "JSON_MIN"):
        converter.convert(
            str(folder / "answers.json"), str(folder / name), name, is_dir=False
        )
        shutil.move(folder / name / "result.json", folder / f"{name}.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
