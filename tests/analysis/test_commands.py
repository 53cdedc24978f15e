"""What the words of a shell command say about files."""

from __future__ import annotations

import pytest

from jupyter_pipe.analysis.source.commands import (
    CommandFiles,
    files_of_command,
    files_of_words,
)

ANYTHING = CommandFiles(anything=True)


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("ls inputs", CommandFiles(reads_below=["inputs"])),
        ("ls", CommandFiles(reads_below=["."])),
        ("cat a.txt | sort > b.txt", CommandFiles(reads=["a.txt"], writes=["b.txt"])),
        ("echo one >> a.txt 2>&1", CommandFiles(reads=["a.txt"], writes=["a.txt"])),
        ("wc -l < a.txt 2> /dev/null", CommandFiles(reads=["a.txt"])),
        (
            "mkdir -p out && touch out/a",
            CommandFiles(folders=["out"], writes=["out/a"]),
        ),
        ("cp a.csv out/", CommandFiles(reads=["a.csv"], writes=["out/", "out/a.csv"])),
        ("mv a.csv b.csv", CommandFiles(reads=["a.csv"], writes=["b.csv", "a.csv"])),
        ("rm -rf out", CommandFiles(writes=["out"], writes_below=["out"])),
        (
            "cd sub; cat a.txt; cat b.txt",
            CommandFiles(reads=["sub/a.txt", "sub/b.txt"]),
        ),
        ("tar xzf a.tgz -C out", CommandFiles(reads=["a.tgz"], writes_below=["out"])),
        (
            "tar -czf a.tgz in",
            CommandFiles(reads=["in"], writes=["a.tgz"], reads_below=["in"]),
        ),
        ("unzip -o a.zip -d out", CommandFiles(reads=["a.zip"], writes_below=["out"])),
        (
            "zip -r a.zip in",
            CommandFiles(reads=["in"], writes=["a.zip"], reads_below=["in"]),
        ),
        ("wget -q https://example.org/d/a.zip?raw=1", CommandFiles(writes=["a.zip"])),
        (
            "wget https://example.org/d -O data/a.zip",
            CommandFiles(writes=["data/a.zip"]),
        ),
        ("curl -s https://example.org/a.csv -o b.csv", CommandFiles(writes=["b.csv"])),
        ("curl -s https://example.org/a.csv", CommandFiles()),
        ("sed -i s/a/b/ f.txt", CommandFiles(reads=["f.txt"], writes=["f.txt"])),
        ("cat part_*.txt $HOME/a", CommandFiles(reads=["part_*.txt", "*/a"])),
        ("cat <<EOF > q.txt\nhello > world\nEOF\n", CommandFiles(writes=["q.txt"])),
        (
            "for f in a b; do cat $f > $f.out; done",
            CommandFiles(reads=["*"], writes=["*.out"]),
        ),
        (
            "git clone https://example.org/me/tool.git",
            CommandFiles(folders=["tool"], writes_below=["tool"]),
        ),
        ("git log -3", CommandFiles()),
        ("A=1 nohup echo hi # > no.txt", CommandFiles()),
        ("bash -c 'echo 1 > k.txt'", CommandFiles(writes=["k.txt"])),
        ("python --version", CommandFiles()),
        ("python tool.py", ANYTHING),
        ("make all", ANYTHING),
        ("echo 'not closed", ANYTHING),
        ("git checkout main", ANYTHING),
        ("pip install -q x", CommandFiles(installs=True)),
        (
            "python3 -m pip install -r needs.txt",
            CommandFiles(reads=["needs.txt"], installs=True),
        ),
        ("uv pip install x && conda install -y y", CommandFiles(installs=True)),
        ("pip list", CommandFiles()),
    ],
)
def test_a_command(command: str, files: CommandFiles) -> None:
    assert files_of_command(command) == files


def test_a_program_without_a_shell_takes_its_words_as_they_are() -> None:
    words = ["cp", "a b.txt", "c > d.txt"]
    assert files_of_words(words, "sub") == CommandFiles(
        reads=["sub/a b.txt"], writes=["sub/c > d.txt"]
    )


def test_a_program_that_is_not_known_touches_what_it_is_told_outside() -> None:
    found = files_of_command("./tool --out=/data/x.csv ../y.csv")
    assert found.anything
    assert found.writes == ["/data/x.csv", "../y.csv"]
