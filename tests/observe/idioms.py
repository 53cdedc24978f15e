"""More idioms, by what they do -> what is noted: files changed in place, compared, and
not there."""

from __future__ import annotations

CHANGING = {
    "import os; os.truncate('config.json', 0)": "content config.json, wrote config.json",
    "f = open('config.json', 'r+'); f.truncate(0); f.close()": "content config.json, wrote config.json",
    "import os; os.ftruncate(os.open('config.json', os.O_RDWR), 1)": "content config.json, wrote config.json",
    "import os; os.link('config.json', 'hard.json')": "content config.json, wrote hard.json",
    "from pathlib import Path; Path('hard.json').hardlink_to('config.json')": (
        "content config.json, wrote hard.json"
    ),
    "import os; os.symlink('config.json', 'soft.json')": "wrote soft.json",
    "from pathlib import Path; Path('soft').symlink_to('inputs')": "wrote soft",
    "from pathlib import Path; Path('out').mkdir()": "wrote out",
    "from pathlib import Path; Path('out/deep').mkdir(parents=True, exist_ok=True)": (
        "wrote out, wrote out/deep"
    ),
    "import os; os.utime('inputs/a.csv', (1, 1))": "",
    "from pathlib import Path; Path('inputs/a.csv').touch()": "",
    "import shutil; shutil.move('config.json', 'inputs/c.json')": (
        "content config.json, removed config.json, wrote inputs/c.json"
    ),
    "import shutil; shutil.make_archive('deep', 'zip', 'inputs/deep')": (
        "content inputs/deep/b.csv, listing inputs/deep, wrote deep.zip"
    ),
    "import os\nif os.fork() == 0: os.execvp('cat', ['cat', 'inputs/a.csv'])\nos.wait()": (
        "content inputs/a.csv"
    ),
    "import os; os.spawnlp(os.P_WAIT, 'cat', 'cat', 'inputs/a.csv')": "content inputs/a.csv",
    "import os; os.waitpid(os.posix_spawn('/bin/cat', ['cat', 'inputs/a.csv'], {}), 0)": (
        "content inputs/a.csv"
    ),
    "import os; os.popen('cat inputs/a.csv').read()": "content inputs/a.csv",
}
COMPARING = {
    "import filecmp; filecmp.cmp('inputs/a.csv', 'config.json')": "content config.json, content inputs/a.csv",
    "import filecmp; filecmp.cmp('inputs/a.csv', 'inputs/notes.txt', shallow=False)": (
        "content inputs/a.csv, content inputs/notes.txt"
    ),
    "import filecmp; filecmp.cmpfiles('inputs', 'inputs/deep', ['a.csv', 'b.csv'])": (
        "content inputs/a.csv, missing inputs/b.csv, missing inputs/deep/a.csv"
    ),
}
ABSENT = {
    "import os, contextlib\nwith contextlib.suppress(OSError): os.stat('none')": "missing none",
    "import os, contextlib\nwith contextlib.suppress(OSError): os.lstat('none')": "missing none",
    "import os, contextlib\nwith contextlib.suppress(OSError): os.path.getsize('none')": "missing none",
    "import os, contextlib\nwith contextlib.suppress(OSError): os.open('none', os.O_RDONLY)": "missing none",
    "import glob; glob.glob('none/*.csv')": "missing none",
    "import os; list(os.walk('none'))": "missing none",
    "from pathlib import Path; list(Path('none').glob('*'))": "missing none",
    "import pandas as pd; pd.read_csv('none.csv')": "missing none.csv",
}
