"""Ways of reading and writing that notebooks use: each notes exactly what is an input,
and no noise."""

from __future__ import annotations

import sqlite3
import zipfile
from pathlib import Path

import pytest

from tests.observe import idioms
from tests.observe.observing import observe, words

# What the code does -> what is noted, separated by commas. The folder is that of
# `folder` below.
READING = {
    "open('inputs/a.csv').read()": "content inputs/a.csv",
    "name = 'a'; open('inputs/%s.csv' % name).read()": "content inputs/a.csv",
    "import io; io.open('inputs/a.csv', 'rb').read()": "content inputs/a.csv",
    "import os; os.read(os.open('inputs/a.csv', os.O_RDONLY), 10)": "content inputs/a.csv",
    "import os; open(os.path.abspath('inputs/a.csv')).read()": "content inputs/a.csv",
    "import os; os.chdir('inputs'); open('a.csv').read(); os.chdir('..')": "content inputs/a.csv",
    "from pathlib import Path; Path('inputs', 'a.csv').read_text()": "content inputs/a.csv",
    "from pathlib import Path; (Path('inputs') / 'a.csv').open('rb').read()": "content inputs/a.csv",
    "import pandas as pd; pd.read_csv('inputs/a.csv')": "content inputs/a.csv",
    "import numpy as np; np.loadtxt('inputs/a.csv')": "content inputs/a.csv",
    "import numpy as np; np.genfromtxt('inputs/a.csv')": "content inputs/a.csv",
    "import numpy as np; np.fromfile('array.npy', dtype='u1')": "content array.npy",
    "import numpy as np; np.load('array.npy')": "content array.npy",
    "import numpy as np; np.load('array.npy', mmap_mode='r')": "content array.npy",
    "import numpy as np; np.memmap('array.npy', mode='r')": "content array.npy",
    "import pickle; pickle.load(open('value.pkl', 'rb'))": "content value.pkl",
    "import pandas as pd; pd.read_pickle('value.pkl')": "content value.pkl",
    "import joblib; joblib.load('value.pkl')": "content value.pkl",
    "import json; json.load(open('config.json'))": "content config.json",
    "import mmap; f = open('inputs/a.csv', 'rb'); m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)": (
        "content inputs/a.csv"
    ),
    "import configparser; configparser.ConfigParser().read('settings.ini')": "content settings.ini",
    "import configparser; configparser.ConfigParser().read('none.ini')": "missing none.ini",
    "import csv; list(csv.reader(open('inputs/a.csv')))": "content inputs/a.csv",
    "import linecache; linecache.getline('inputs/a.csv', 1)": "content inputs/a.csv",
    "import fileinput; list(fileinput.input('inputs/a.csv'))": "content inputs/a.csv",
    "import zipfile; zipfile.ZipFile('bundle.zip').namelist()": "content bundle.zip",
    "import gzip\ntry: gzip.open('inputs/a.csv').read()\nexcept OSError: pass": "content inputs/a.csv",
    "import matplotlib.image as i; i.imread('pixel.png')": "content pixel.png",
    "import hashlib; hashlib.md5(open('inputs/a.csv', 'rb').read())": "content inputs/a.csv",
    "import runpy; runpy.run_path('plug.py')": "module plug.py, missing plug/__init__.py",
    "exec(open('plug.py').read())": "content plug.py",
    "open('none.csv')": "missing none.csv",
    "from concurrent.futures import ThreadPoolExecutor as T\n"
    "import pandas as pd\nlist(T(2).map(pd.read_csv, ['inputs/a.csv']))": "content inputs/a.csv",
    "import threading\ndef f(): open('inputs/a.csv').read()\n"
    "t = threading.Thread(target=f); t.start(); t.join()": ("content inputs/a.csv"),
}
WORKERS = {
    "import multiprocessing as m, pandas as pd\n"
    "with m.get_context('fork').Pool(2) as p: p.map(pd.read_csv, ['inputs/a.csv'])": "content inputs/a.csv",
    "import multiprocessing as m, pandas as pd\n"
    "with m.get_context('spawn').Pool(1) as p: p.map(pd.read_csv, ['inputs/a.csv'])": "content inputs/a.csv",
    "from joblib import Parallel, delayed\nimport os, pandas as pd\n"
    "Parallel(n_jobs=2)(delayed(pd.read_csv)(p) for p in ['inputs/a.csv'])": "content inputs/a.csv",
    "from concurrent.futures import ProcessPoolExecutor\nimport os\n"
    "with ProcessPoolExecutor(1) as p: list(p.map(os.listdir, ['inputs']))": "listing inputs",
    "from concurrent.futures import ProcessPoolExecutor\nimport os\n"
    "with ProcessPoolExecutor(1) as p: p.submit(os.getenv, 'MODE_X').result()": "variable MODE_X",
    "import os\nif os.fork() == 0:\n  open('inputs/a.csv').read(); open('out', 'w').close(); os._exit(0)\n"
    "os.wait()": ("content inputs/a.csv, wrote out"),
}
LISTING = {
    "import os; os.listdir('inputs')": "listing inputs",
    "import os; os.listdir()": "listing .",
    "import os; list(os.scandir('inputs'))": "listing inputs",
    "import os; list(os.walk('inputs'))": "listing inputs, listing inputs/deep",
    "import os; os.listdir('none')": "missing none",
    "import glob; glob.glob('inputs/*.csv')": "listing inputs *.csv",
    "import glob; glob.glob('inputs/[ab].csv') + glob.glob('inputs/*.txt')": (
        "listing inputs *.txt, listing inputs [ab].csv"
    ),
    "import glob; glob.glob('*/*.csv')": (
        "listing . *, listing inputs *.csv, listing linked *.csv, listing pack *.csv"
    ),
    "import glob; glob.glob('inputs/**/*.csv', recursive=True)": "listing inputs, listing inputs/deep",
    "import glob; glob.glob('*.csv', root_dir='inputs')": "listing inputs *.csv",
    "from pathlib import Path; sorted(Path('inputs').glob('*.csv'))": "listing inputs *.csv",
    "from pathlib import Path; sorted(Path('.').glob('inputs/*.csv'))": "listing inputs *.csv",
    "from pathlib import Path; sorted(Path('inputs').rglob('*.csv'))": "listing inputs, listing inputs/deep",
    "from pathlib import Path; sorted(Path('inputs').iterdir())": "listing inputs",
    "import os; os.listdir('inputs'); from glob import glob; glob('inputs/*.csv')": (
        "listing inputs, listing inputs *.csv"
    ),
}
ASKING = {
    "import os; os.path.exists('inputs/a.csv')": "file inputs/a.csv",
    "import os; os.path.exists('none')": "missing none",
    "import os; os.path.isfile('inputs')": "folder inputs",
    "import os; os.path.isdir('none')": "missing none",
    "import os; os.access('none', os.R_OK)": "missing none",
    "import os; os.path.getmtime('inputs/a.csv')": "times inputs/a.csv",
    "import os; os.path.getsize('inputs/a.csv')": "content inputs/a.csv",
    "import os; os.stat('inputs/a.csv').st_mtime": "times inputs/a.csv",
    "from pathlib import Path; Path('none').exists()": "missing none",
    "from pathlib import Path; Path('inputs/a.csv').is_file()": "file inputs/a.csv",
    "from pathlib import Path; Path('inputs/a.csv').stat().st_mtime": "times inputs/a.csv",
    "import os\nif os.path.exists('inputs/a.csv'): open('inputs/a.csv').read()": "content inputs/a.csv",
    "import os\nif os.path.exists('none.csv'): open('none.csv').read()": "missing none.csv",
    "try: open('none.csv')\nexcept FileNotFoundError: open('inputs/a.csv')": (
        "content inputs/a.csv, missing none.csv"
    ),
}
LINKS = {
    "import os; [one.name for one in os.scandir('.data/links') if one.is_file()]": (
        "listing .data/links, link .data/links/gone.csv, missing .data/links/gone.csv, "
        "link .data/links/deep, folder .data/links/deep"
    ),
    "import os; list(os.walk('.data/links'))": (
        "listing .data/links, link .data/links/gone.csv, missing .data/links/gone.csv, "
        "link .data/links/deep, folder .data/links/deep"
    ),
    "import glob; glob.glob('.data/links/*.csv')": "listing .data/links *.csv",
    "import os; os.listdir('.data/links')": "listing .data/links",
    "open('link.csv').read()": "content link.csv",
    "import os; os.readlink('link.csv')": "link link.csv",
    "from pathlib import Path; Path('link.csv').readlink()": "link link.csv",
    "import os; os.path.realpath('link.csv')": "link inputs/a.csv, link link.csv",
    "from pathlib import Path; Path('linked/a.csv').resolve()": "link inputs/a.csv, link linked",
    "import os; os.path.islink('link.csv'), os.path.islink('tool.py')": "link link.csv, link tool.py",
    "from pathlib import Path; Path('link.csv').is_symlink()": "link link.csv",
    "import os; os.path.lexists('link.csv')": "link link.csv",
    "import os; os.path.isfile(os.path.realpath('link.csv'))": (
        "file inputs/a.csv, link inputs/a.csv, link link.csv"
    ),
    "import os; os.environ.update(PATH=f'linked:{os.environ[\"PATH\"]}')\n"
    "import pexpect; pexpect.spawn('true', timeout=9).wait()": "variable PATH",
    "import inspect, plug; inspect.getmodule(inspect.currentframe())": (
        "missing plug/__init__.py, module plug.py"
    ),
    "import os; os.path.samefile('link.csv', 'inputs/a.csv')": (
        "file inputs/a.csv, file link.csv, link inputs/a.csv, link link.csv"
    ),
    "import os; os.listdir('linked')": "listing linked",
}
ENTRIES = {
    "import os; [e.is_dir() for e in os.scandir('inputs')]": "listing inputs",
    "import os; [e.stat().st_size for e in os.scandir('inputs/deep')]": (
        "content inputs/deep/b.csv, listing inputs/deep"
    ),
    "import os; [e.stat().st_mtime for e in os.scandir('inputs/deep')]": (
        "content inputs/deep/b.csv, listing inputs/deep, times inputs/deep/b.csv"
    ),
    "import pkgutil; list(pkgutil.iter_modules(['pack']))": "listing pack",
    "from concurrent.futures import ThreadPoolExecutor as T\n"
    "import os\nlist(T(2).map(os.path.exists, ['none', 'tool.py']))": "file tool.py, missing none",
}
VARIABLES = {
    "import os; os.environ.get('MODE_X')": "variable MODE_X",
    "import os; os.environ['SET_X']": "variable SET_X",
    "import os; os.environ['MODE_X']": "variable MODE_X",
    "import os; os.getenv('MODE_X', 'off')": "variable MODE_X",
    "import os; 'MODE_X' in os.environ": "variable MODE_X",
    "import os; os.environ.setdefault('SET_X', '1')": "variable SET_X",
    "import os; os.environb.get(b'SET_X')": "variable SET_X",
    "import os; os.path.expandvars('$SET_X/data')": "variable SET_X",
    "import os; environment = os.environ; environment.get('SET_X')": "variable SET_X",
    "import os; os.environ['MODE_X'] = '1'; os.environ['MODE_X']": "",
    "import os; del os.environ['SET_X']": "variable SET_X",
    "import os\ntry: del os.environ['MODE_X']\nexcept KeyError: pass": "variable MODE_X",
    "import os; os.environ.pop('MODE_X', None)": "variable MODE_X",
}
MODULES = {
    "import plug": "module plug.py, missing plug/__init__.py",
    "from importlib import import_module; import_module('plug').VALUE": (
        "module plug.py, missing plug/__init__.py"
    ),
    "__import__('pack.inner')": (
        "module pack/__init__.py, module pack/inner.py, missing pack/inner/__init__.py"
    ),
    "import sys; sys.path.insert(0, 'bundle.zip'); import zipped": "module bundle.zip",
    "import importlib.util as u\ns = u.spec_from_file_location('x', 'plug.py')\n"
    "s.loader.exec_module(u.module_from_spec(s))": "module plug.py, missing plug/__init__.py",
    "try: import absent\nexcept ImportError: pass": "missing absent.py, missing absent/__init__.py",
    "import reader": "module reader.py, content inputs/a.csv, missing reader/__init__.py",
}
CALENDAR = {
    "import datetime; datetime.date.today()": "calendar",
    "from datetime import date as d; d.today()": "calendar",
    "from datetime import datetime; now = datetime.now; datetime.now().year": "calendar",
    "from datetime import date; asked = date.today; asked()": "calendar",
    "from datetime import date; list(map(lambda ask: ask(), [date.today]))": "calendar",
    "from datetime import datetime\nfrom dataclasses import dataclass, field\n"
    "@dataclass\nclass A:\n  at: datetime = field(default_factory=datetime.now)\nA()": "calendar",
    "import pandas as pd; pd.DataFrame({'today': [1]}).today": "",
    "import pandas as pd; pd.Timestamp.now()": "calendar",
    "import pandas as pd; pd.Timestamp('today')": "calendar",
    "import time; time.strftime('%Y')": "calendar",
    "import time; time.localtime()": "calendar",
    "import time; time.strftime('%H', time.gmtime(3))": "",
    "import time; time.time(); time.perf_counter()": "",
    "from datetime import datetime; datetime(2020, 1, 1).strftime('%Y')": "",
    "import datetime\ndef never(): return datetime.date.today()": "",
    "import datetime\ndef day(): return datetime.date.today()\nday()": "calendar",
    "import dated; dated.stamp()": "calendar, module dated.py, missing dated/__init__.py",
    "import dated": "module dated.py, missing dated/__init__.py",
    "now = 3\nclass A:\n  def now(self): return 3\nprint(A.now)": "",
    "exec('import datetime; datetime.date.today()')": "calendar",
}
PROGRAMS = {
    "import os; os.system('cat inputs/a.csv > copy.csv')": "content inputs/a.csv, wrote copy.csv",
    "import os; os.system('ls inputs')": "listing inputs",
    "import os; os.system('ls inputs/*.csv')": "file inputs/a.csv, listing inputs *.csv",
    "import os; os.system('cd inputs && wc -l a.csv')": "content inputs/a.csv",
    "import os; os.system('echo $MODE_X')": "variable MODE_X",
    "import os; os.system('cat none.csv 2>/dev/null')": "missing none.csv",
    "import os; os.system('date > /dev/null')": "calendar",
    "import subprocess; subprocess.run(['cat', 'inputs/a.csv'])": "content inputs/a.csv",
    "import subprocess; subprocess.run('cat < inputs/a.csv', shell=True)": "content inputs/a.csv",
    "import subprocess; subprocess.check_output(['wc', 'a.csv'], cwd='inputs')": "content inputs/a.csv",
    "import subprocess, sys; subprocess.run([sys.executable, '-S', 'tool.py'])": (
        "content tool.py, program python -S tool.py"
    ),
    "import os; os.system('echo one > one.txt')": "wrote one.txt",
    "import os; os.system('cp inputs/a.csv b.csv')": "content inputs/a.csv, wrote b.csv",
    "import os; os.system('rm config.json')": "removed config.json",
    "import subprocess; subprocess.run(['sh', '-c', 'cat inputs/a.csv'])": "content inputs/a.csv",
    "import subprocess; subprocess.run(['grep', '-r', 'x', 'inputs'])": (
        "content inputs/a.csv, content inputs/deep/b.csv, content inputs/notes.txt, "
        "listing inputs, listing inputs/deep, missing x"
    ),
}
WRITING = {
    "open('new.csv', 'w').write('x')": "wrote new.csv",
    "open('config.json', 'w').write('{}')": "wrote config.json",
    "open('config.json', 'a').write('{}')": "appended config.json, wrote config.json",
    "open('new.log', 'a').write('x')": "wrote new.log",
    "open('config.json', 'a').write('x'); open('config.json').read()": (
        "content config.json, wrote config.json"
    ),
    "open('new.csv', 'x').write('x')": "missing new.csv, wrote new.csv",
    "import importlib.util; importlib.util.find_spec('plug')": "file plug.py",
    "from importlib.util import find_spec; find_spec('json')": "",
    "from importlib.util import find_spec; find_spec('pack.more')": (
        "missing pack/more.py, missing pack/more/__init__.py, module pack/__init__.py"
    ),
    "open('config.json', 'r+').write('{}')": "content config.json, wrote config.json",
    "open('new.csv', 'w').write('x'); open('new.csv').read()": "wrote new.csv",
    "open('config.json').read(); open('config.json', 'w').write('{}')": (
        "content config.json, wrote config.json"
    ),
    "import os; os.makedirs('out/deep', exist_ok=True)": "wrote out, wrote out/deep",
    "import os; os.mkdir('out'); open('out/a', 'w').write('x'); os.listdir('out')": "wrote out, wrote out/a",
    "open('inputs/own.csv', 'w').write('x'); import os; os.listdir('inputs')": (
        "listing inputs, wrote inputs/own.csv"
    ),
    "open('part', 'w').write('x'); import os; os.replace('part', 'whole')": "wrote whole",
    "import os; os.rename('config.json', 'renamed.json')": (
        "content config.json, removed config.json, wrote renamed.json"
    ),
    "import os; os.remove('config.json')": "removed config.json",
    "import shutil; shutil.copy('inputs/a.csv', 'copy.csv')": "content inputs/a.csv, wrote copy.csv",
    "import shutil; shutil.rmtree('inputs/deep')": "removed inputs/deep, removed inputs/deep/b.csv",
    "import os, contextlib\nwith contextlib.suppress(OSError): os.remove('none')": "missing none",
    "import os, contextlib\nwith contextlib.suppress(OSError): os.rename('none', 'new')": "missing none",
    "open('new', 'w').close(); import os; os.remove('new')": "",
    "import shutil, os; shutil.rmtree('inputs/deep'); os.mkdir('inputs/deep')": (
        "emptied inputs/deep, removed inputs/deep/b.csv, wrote inputs/deep"
    ),
    "import shutil, os; shutil.rmtree('new', ignore_errors=True); os.makedirs('new/own')": (
        "emptied new, emptied new/own, wrote new, wrote new/own"
    ),
    "import shutil, os\ntry: shutil.rmtree('new')\nexcept OSError: os.mkdir('new')": (
        "emptied new, missing new, wrote new"
    ),
    "import os; os.remove('inputs/deep/b.csv'); os.rmdir('inputs/deep'); os.mkdir('inputs/deep')": (
        "emptied inputs/deep, removed inputs/deep/b.csv, wrote inputs/deep"
    ),
    "import os; os.system('rm -rf inputs/deep; mkdir inputs/deep')": (
        "emptied inputs/deep, removed inputs/deep/b.csv"
    ),
    "import os; os.system('rm -rf new && mkdir new')": "emptied new",
    "import os; os.system('rm -f inputs/*.txt')": "listing inputs *.txt, removed inputs/notes.txt",
    "import pandas as pd; pd.DataFrame({'x': [1]}).to_csv('frame.csv')": "wrote frame.csv",
    "import numpy as np; np.save('new.npy', [1])": "wrote new.npy",
    "import sqlite3; c = sqlite3.connect('data.db'); c.execute('select * from t').fetchall()": (
        "content data.db"
    ),
    "import sqlite3; c = sqlite3.connect('data.db'); c.execute('insert into t values (2)'); c.commit()": (
        "content data.db, wrote data.db"
    ),
    "import sqlite3; c = sqlite3.connect('new.db'); c.execute('create table t (x)'); c.commit()": (
        "wrote new.db"
    ),
    "import sqlite3; sqlite3.connect(':memory:')": "",
    "from pathlib import Path; Path('new.txt').touch()": "wrote new.txt",
    "import tempfile\nwith tempfile.TemporaryDirectory() as d: open(d + '/x', 'w').write('a')": "",
    "import tempfile\nwith tempfile.NamedTemporaryFile() as f: open(f.name).read()": "",
    "import os; open('t', 'w').write('x'); os.remove('t')": "",
}
NOISE = (
    "import pandas as pd, numpy as np; pd.DataFrame({'x': [1]}).describe()",
    "import matplotlib; matplotlib.use('agg')\n"
    "import matplotlib.pyplot as p; p.plot([1]); p.savefig('/dev/null')",
    "import sklearn.linear_model, scipy.stats",
    "import json, random, decimal, logging; logging.getLogger('x').warning('y')",
    "import warnings; warnings.warn('x')",
    "import traceback\ntry: 1/0\nexcept ZeroDivisionError: traceback.format_exc()",
    "import inspect, collections; inspect.getsource(collections.Counter)",
    "import locale; locale.getlocale(); import platform; platform.platform()",
    "open('/dev/null').read(); open('/proc/self/status').read()",
    "import os; os.path.realpath('inputs'); os.getcwd()",
    "import time; time.tzset(); import zoneinfo; zoneinfo.ZoneInfo('UTC')",
    "import tempfile; tempfile.gettempdir()",
    "from joblib import Parallel, delayed\n"
    "Parallel(n_jobs=2, prefer='threads')(delayed(abs)(1) for _ in '12')",
)
PIXEL = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU"
    b"\x00\x00\x00\nIDATx\x9cc\xf8\x0f\x00\x01\x01\x01\x00\x1b\xb6\xeeV\x00\x00\x00\x00IEND\xaeB`\x82"
)
FILES = {
    "inputs/a.csv": "1\n2\n",
    "inputs/notes.txt": "n",
    "inputs/deep/b.csv": "2\n",
    "config.json": "{}",
    "settings.ini": "[a]\nb=1\n",
    "plug.py": "VALUE = 1\n",
    "tool.py": "print(1)\n",
    "pack/__init__.py": "",
    "pack/inner.py": "",
    "reader.py": "TEXT = open('inputs/a.csv').read()\n",
    "dated.py": "import datetime\n\ndef stamp():\n    return datetime.datetime.now()\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a notebook with something of every kind in it."""
    import pickle

    import numpy as np

    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    np.save(tmp_path / "array.npy", np.arange(3))
    (tmp_path / "value.pkl").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "pixel.png").write_bytes(PIXEL)
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.writestr("zipped.py", "VALUE = 2\n")
    with sqlite3.connect(tmp_path / "data.db") as database:
        database.execute("create table t (x)")
    database.close()
    (tmp_path / "link.csv").symlink_to("inputs/a.csv")
    (tmp_path / "linked").symlink_to("inputs")
    (tmp_path / ".data" / "links").mkdir(parents=True)
    (tmp_path / ".data" / "links" / "gone.csv").symlink_to("nowhere.csv")
    (tmp_path / ".data" / "links" / "deep").symlink_to("../../inputs")
    monkeypatch.setenv("SET_X", "1")
    monkeypatch.delenv("MODE_X", raising=False)
    return tmp_path


TABLES = (
    READING,
    LISTING,
    ASKING,
    LINKS,
    ENTRIES,
    VARIABLES,
    MODULES,
    CALENDAR,
    PROGRAMS,
    WRITING,
    WORKERS,
)
TABLES += (idioms.CHANGING, idioms.COMPARING, idioms.ABSENT)


@pytest.mark.parametrize(
    ("code", "noted"), [case for table in TABLES for case in table.items()]
)
def test_an_idiom_notes_its_inputs_and_outputs_and_nothing_else(
    folder: Path, code: str, noted: str
) -> None:
    assert words(observe(folder, code)) == sorted(noted.split(", ") if noted else [])


@pytest.mark.parametrize("code", NOISE)
def test_noise_is_not_noted(folder: Path, code: str) -> None:
    assert words(observe(folder, code)) == []
