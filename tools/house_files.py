"""What every check of the house needs: the files of a tree, and C++ text without comments and strings."""
import re
import subprocess
import sys
from pathlib import Path

SKIPPED_FOLDERS = re.compile(r"^(build(-[a-z]+)?|hive)/|(^|/)(\.git|node_modules|__pycache__)/")

# One alternative for each thing that can hide a brace or a quote. Raw strings come before plain ones.
_HIDDEN = re.compile(
    r"""//(?:\\\n|[^\n])*"""
    r"""|/\*.*?\*/"""
    r"""|\b(?:u8|[uUL])?R"([^()\\\s]{0,16})\(.*?\)\1\""""
    r"""|(?:\b(?:u8|[uUL]))?"(?:\\.|[^"\\\n])*\""""
    r"""|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)


def files_of(root):
    """Paths relative to root: what git tracks or would track, or everything where there is no repository."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=False)
    if listed.returncode == 0 and (Path(root) / ".git").exists():
        names = {name for name in listed.stdout.decode().split("\0") if name}
    else:
        names = {path.relative_to(root).as_posix() for path in Path(root).rglob("*")}
    return sorted(name for name in names if (Path(root) / name).is_file() and not SKIPPED_FOLDERS.search(name))


def read(root, name):
    return (Path(root) / name).read_text(encoding="utf-8", errors="replace")


def without_hidden_text(code):
    """C++ code with comments and literals blanked; every line keeps its number."""

    def blank(match):
        text = match.group(0)
        kept = '""' if text.endswith('"') else ("''" if text.endswith("'") else " ")
        return kept + "\n" * text.count("\n")

    return _HIDDEN.sub(blank, code)


def line_of(code, offset):
    return code.count("\n", 0, offset) + 1


def report(problems):
    """Prints problems and returns the exit code."""
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def root_from_arguments():
    return Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
