"""How notebooks read and write what no variable holds: statements by kind, as data.

{file} is a file of `FILES` or `MADE`, {folder} and {stem} are its folder and its name
without `.txt`; {input} is one of `FILES`, {made} one of `MADE`, {name} a variable of
`VARIABLES`, {number} has three digits. Nothing printed may depend on the folder or the
time: two folders are compared.
"""

from __future__ import annotations

__all__ = ["FILES", "IMPORTS", "MADE", "READERS", "VARIABLES", "WRITERS"]

FILES = ("inputs/a.txt", "inputs/b.txt", "inputs/deep/c.txt", "note.txt")
MADE = ("out/p.txt", "out/q.txt", "made.txt")
VARIABLES = ("FUZZ_MODE", "FUZZ_LEVEL")

READERS: dict[str, tuple[str, ...]] = {
    "literal": ('print(open("{file}").read() if os.path.exists("{file}") else None)',),
    "computed": (
        'name = "{stem}"\nprint(Path("{folder}", name + ".txt").read_text() if os.path.isdir("{folder}") and '
        '(name + ".txt") in os.listdir("{folder}") else "-")',
        'path = os.path.join("{folder}", "%s.txt" % "{stem}")\ntry:\n    print(open(path).read())\n'
        'except OSError:\n    print("none")',
        'text = ""\nfor path in [Path("{folder}") / f"{stem}.txt"]:\n    if path.is_file():\n'
        "        text += path.read_text()\nprint(text)",
        'with suppress(OSError):\n    print(np.loadtxt("{folder}" + "/" + "{stem}" + ".txt"))',
        'with suppress(OSError):\n    print(pd.read_csv("%s/{stem}.txt" % "{folder}", header=None))',
        'with suppress(OSError):\n    print(list(csv.reader(io.open("{folder}/" + "{stem}.txt"))))',
        'with suppress(OSError):\n    print(os.read(os.open(os.fspath("{file}"), os.O_RDONLY), 9))',
        'with suppress(OSError):\n    print(linecache.getline("{folder}/{stem}" + ".txt", 1))',
        'with suppress(OSError):\n    print(*fileinput.input(["{file}"]))',
    ),
    "globbed": (
        'print(sorted(glob.glob("{folder}/*.txt")))',
        'print([open(path).read() for path in sorted(glob.glob("{folder}/*.txt"))])',
        'print(sorted(path.name for path in Path("{folder}").glob("*.txt")))',
        'print(sum(float(path.read_text()) for path in Path("{folder}").glob("*.txt")))',
        'print(sorted(path.name for path in Path("inputs").rglob("*.txt")))',
        'print(sorted(glob.glob("inputs/**/*.txt", recursive=True)))',
    ),
    "listed": (
        'print(sorted(os.listdir("inputs")))',
        'print(sorted(entry.name for entry in os.scandir("inputs")))',
        'print(sorted(path.name for path in Path("inputs").iterdir()))',
        'print(len([name for name in os.listdir("inputs/deep")]))',
    ),
    "walked": (
        'print(sorted(name for _, _, names in os.walk("inputs") for name in names))',
        'print(sum(len(names) for _, _, names in os.walk("out")))',
    ),
    "conditional": (
        'print("yes" if os.path.exists("{file}") else "no")',
        'print(Path("{file}").read_text() if Path("{file}").exists() else "nothing")',
        'try:\n    print(open("{file}").read())\nexcept FileNotFoundError:\n    print("missing")',
        'print(os.path.isfile("{file}"), os.path.isdir("{folder}"))',
        'print(os.path.getsize("{file}") if os.access("{file}", os.R_OK) else -1)',
        'print(configparser.ConfigParser().read(["nothing.ini", "conf.ini"]))',
    ),
    "program": (
        'print(subprocess.run(["cat", "{file}"], capture_output=True, text=True).stdout)',
        'print(subprocess.run("cat {folder}/{stem}.txt", shell=True, capture_output=True, text=True).stdout)',
        "!cat {file}",
        "!ls inputs",
        "!wc -c < {file}",
        "!test -f {file} && echo yes",
        "!find inputs -name '*.txt' | sort",
        "!cd inputs && cat a.txt",
        "listed = !ls inputs\nprint(listed)",
        'print(os.popen("cat {folder}/*.txt 2>&1").read())',
        'print(subprocess.getoutput("if [ -e {file} ]; then echo there; fi"))',
        'print(subprocess.getoutput("for each in inputs/*.txt; do head -1 $each; done"))',
        'print(subprocess.getoutput("echo $(cat {file}) ${name}"))',
        'print(subprocess.run([sys.executable, "tool.py"], capture_output=True, text=True).stdout)',
    ),
    "environment": (
        'print(os.environ.get("{name}"))',
        'print(os.getenv("{name}", "default"))',
        'print("{name}" in os.environ)',
        'print(sorted(name for name in os.environ if name.startswith("FUZZ_")))',
        'print(dict(os.environ).get("{name}"))',
        'print(os.environ.copy().get("{name}", 0))',
        'print(os.path.expandvars("${name}"))',
        'print(os.environb.get(b"{name}"))',
        'print(list(map(os.getenv, ["{name}"])))',
        'print(subprocess.getoutput("echo ${name}"))',
    ),
    "calendar": (
        "print(datetime.date.today())",
        "print(date.today().isoformat())",
        "print(date.fromtimestamp(time.time()))",
        "asked = date.today\nprint(asked())",
        "print(*map(lambda ask: ask(), [date.today]))",
        "import plug\nprint(plug.day())",
    ),
    "modules": (
        # The name comes out of data: the analysis does not know which module it is.
        "print(importlib.import_module(json.loads('[\"plug\"]')[0]).VALUE)",
        "import plug\nprint(plug.VALUE)",
        'print(importlib.util.find_spec("extra") is not None)',
        'exec(open("script.py").read())',
        'print(runpy.run_path("script.py")["RESULT"])',
        "%run script.py",
        "import plug\nimportlib.reload(plug)\nprint(plug.VALUE)",
        "from pack import part\nprint(part.VALUE)",
        "import pack.part\nprint(pack.LEVEL, pack.part.VALUE)",
        "print(importlib.import_module(json.loads('[\"pack.part\"]')[0]).VALUE)",
        'print(importlib.util.find_spec("pack.more") is not None)',
        'try:\n    import extra\n    print("extra")\nexcept ImportError:\n    print("no extra")',
        'print(sorted(one.name for one in pkgutil.iter_modules(["pack"])))',
        'print(pkgutil.get_data("pack", "data.txt"))',
        'print(importlib.resources.files("pack").joinpath("data.txt").read_text())',
    ),
    "sqlite": (
        'print(sqlite3.connect("data.db").execute("select sum(x) from t").fetchall())',
        'print(pd.read_sql("select * from t", sqlite3.connect("data" + ".db")).x.tolist())',
    ),
    "native": (
        'with suppress(Exception):\n    print(polars.read_csv("{file}", has_header=False).rows())',
        "with suppress(Exception):\n"
        '    print(polars.scan_csv("{folder}/*.txt", has_header=False).collect().rows())',
        "with suppress(Exception):\n"
        '    print(polars.read_csv("{folder}/" + "{stem}.txt", has_header=False).shape)',
    ),
    "copied": (
        'print(shutil.copy("note.txt", "copy of note.txt"), open("copy of note.txt").read())',
        'with suppress(OSError):\n    print(filecmp.cmp("{file}", "note.txt", shallow=False))',
    ),
    "links": (
        'print(os.readlink("link.txt") if os.path.islink("link.txt") else "no link")',
        'print(os.path.basename(os.path.realpath("link.txt")))',
        'print(Path("link.txt").resolve().name, Path("link.txt").is_symlink())',
        'with suppress(OSError):\n    print(open("link.txt").read())',
        'with suppress(OSError):\n    print(os.path.samefile("link.txt", "{input}"))',
        'with suppress(OSError):\n    print(open("out/latest.txt").read())',
        'with suppress(OSError):\n    print(sorted(os.listdir("linked")))',
        'with suppress(OSError):\n    print(Path("linked", "a.txt").read_text())',
    ),
    "entries": (
        'print(sum(one.stat().st_size for one in os.scandir("inputs") if one.is_file()))',
        'print(sorted((one.name, one.is_dir()) for one in os.scandir("inputs")))',
        'print(sorted(path.name for path in Path("inputs").iterdir() if path.is_dir()))',
        'print(sorted(name for _, names, _ in os.walk("inputs") for name in names))',
        'print(sum(path.stat().st_size for path in Path("inputs").rglob("*.txt")))',
    ),
    "times": (
        'with suppress(OSError):\n    print(os.path.getmtime("{input}") > os.path.getmtime("note.txt"))',
        'with suppress(OSError):\n    print(os.stat("{input}").st_mtime < os.stat("note.txt").st_mtime)',
        'print(max(glob.glob("inputs/*.txt"), key=os.path.getmtime, default=None))',
        'print(*sorted(Path("inputs").glob("*.txt"), key=lambda path: path.stat().st_mtime)[-1:])',
        'with suppress(OSError):\n    print(filecmp.cmp("{input}", "note.txt"))',
    ),
    "archives": (
        'print(zipfile.ZipFile("data.zip").read("x.txt"))',
        'print(zipfile.Path("data.zip").joinpath("x.txt").read_text())',
        'print(pd.read_csv("data.zip", header=None).values.tolist())',
        'print(shutil.unpack_archive("data.zip", "unpacked"), open("unpacked/x.txt").read())',
    ),
    "elsewhere": (
        'os.chdir("inputs")\nprint(open("a.txt").read() if os.path.exists("a.txt") else 0)\nos.chdir("..")',
        'with contextlib.chdir("inputs"):\n    print(sorted(glob.glob("*.txt")))',
        'with ThreadPoolExecutor(2) as pool:\n    print(list(pool.map(os.path.exists, ["{file}"])))',
        'with ThreadPoolExecutor(1) as pool:\n    print(len(pool.submit(os.listdir, "inputs").result()))',
        'with multiprocessing.get_context("fork").Pool(1) as pool:\n'
        '    print(pool.map(os.path.getsize, ["note.txt"]), pool.map(os.getenv, ["{name}"]))',
    ),
}
WRITERS: dict[str, tuple[str, ...]] = {
    "written": (
        'open("{made}", "w").write("{number}")\nprint("made")',
        'Path("{made_folder}", "{made_stem}" + ".txt").write_text("{number}")',
        'name = "{made_stem}"\nwith open(f"{made_folder}/{{name}}.txt", "w") as file:\n'
        "    print({number}, file=file)",
        'np.savetxt("{made}", [{number}])',
        'polars.DataFrame({{"x": [{number}]}}).write_csv("{made}", include_header=False)',
        'pd.Series([{number}]).to_csv("{made}", header=False, index=False)',
        'with open("{made}", "w") as file:\n    file.write("{number}{number}")\n    file.truncate(3)',
    ),
    "by program": (
        'print(os.system("echo {number} > {made}"))',
        "!echo {number} > {made}",
        'print(subprocess.run("echo {number} > {made}", shell=True).returncode)',
    ),
    "derived": (
        'Path("{made}").write_text(Path("note.txt").read_text() + "{number}")',
        'print(shutil.copy("inputs/a.txt", "{made}") if os.path.exists("inputs/a.txt") else 0)',
    ),
    "environment": (
        'os.environ["{name}"] = "{number}"',
        'os.environ.update({name}="{number}")',
        'print(os.environ.setdefault("{name}", "{number}"))',
        'print(os.environ.pop("{name}", None))',
        'with suppress(KeyError):\n    del os.environ["{name}"]',
    ),
    "replaced": (
        'Path("{made}.new").write_text("{number}")\nos.replace("{made}.new", "{made}")',
        'Path("{made}").unlink(missing_ok=True)',
        'Path("{made}.tmp").write_text("{number}")\nshutil.move("{made}.tmp", "{made}")',
        'with suppress(OSError):\n    os.rename("{made}", "{made}.old")',
    ),
    "appended": ('with open("app.log", "a") as file:\n    print({number}, file=file)',),
    "continued": (
        'open("chain.txt", "w").write("{number}\\n")',
        'with open("chain.txt", "a") as file:\n    print({number}, file=file)',
        'print(open("chain.txt").read() if os.path.exists("chain.txt") else 0)',
    ),
    "swept": (
        'shutil.rmtree("own", ignore_errors=True)\nos.makedirs("own")\nnp.savetxt("own/x.txt", [{number}])',
        'if os.path.exists("own"):\n    shutil.rmtree("own")\nos.makedirs("own/deep")',
        "!rm -rf own; mkdir own; echo {number} > own/x.txt",
        'os.makedirs("own", exist_ok=True)\n'
        'Path("own", os.getenv("{name}", "z") + ".txt").write_text("{number}")',
        'os.makedirs("own", exist_ok=True)\nPath("own/y.txt").write_text("{number}")',
        'print(sorted(os.listdir("own")) if os.path.isdir("own") else 0)',
        'print(os.path.exists("own/y.txt"), os.path.exists("own/new.txt"))',
    ),
    "linked": (
        'with suppress(OSError):\n    os.remove("out/latest.txt")\nos.symlink("p.txt", "out/latest.txt")',
        'os.makedirs("out", exist_ok=True)\nPath("out/p.txt").write_text("{number}")',
    ),
    "tables": (
        'with contextlib.closing(sqlite3.connect("made.db")) as made, made:\n'
        '    made.executescript("drop table if exists u; create table u as select {number} as x")',
        'if os.path.exists("made.db"):\n    with contextlib.closing(sqlite3.connect("made.db")) as made:\n'
        '        print(made.execute("select x from u").fetchall())',
    ),
}
IMPORTS = """\
import configparser, contextlib, csv, datetime, filecmp, fileinput, glob, importlib, importlib.resources
import importlib.util, io, json, linecache, multiprocessing, os, pkgutil, runpy, shutil, sqlite3, subprocess
import sys, time, zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import polars"""
