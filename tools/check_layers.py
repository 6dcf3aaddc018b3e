#!/usr/bin/env python3
"""Keeps the house's direction: rooms include only rooms of lower rank, engines are sealed, contracts stay narrow.

Usage: check_layers.py [ROOT]. Prints each violation as FILE:LINE: what is wrong; exits 1 when there is any.
"""
import re
import sys
from pathlib import Path

from house_files import files_of, line_of, read, report, root_from_arguments, without_hidden_text

RANKS = {
    "base": 0, "model": 1, "contract": 2, "adapters": 3, "runtime": 3, "migrate": 4, "projection": 4, "placement": 4,
    "federation": 4, "hive": 5, "modules": 6, "intake": 7, "front": 8,
}  # fmt: skip
ENGINE_SEAL = "adapters/builtin.h"
PUBLIC = "include/triune/"
PUBLIC_HEADER_LIMIT = 12
PURE_METHOD_LIMIT = 12
README_LINE_LIMIT = 60

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.MULTILINE)
CLASS = re.compile(r"\b(?:class|struct)\s+(\w+)[^;{()]*\{")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def includes(code):
    """(line, quote, target) of each include that is not commented out."""
    visible = COMMENT.sub(lambda match: "\n" * match.group(0).count("\n"), code)
    return [(line_of(visible, match.start()), match.group(1), match.group(2)) for match in INCLUDE.finditer(visible)]


def is_standard(target):
    return re.fullmatch(r"[a-z_0-9]+", target) is not None


def room_of(name):
    parts = name.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def engine_of(name):
    """The engine whose folder `name` (relative to src/) lies in, or None."""
    parts = name.split("/")
    return parts[1] if parts[0] == "adapters" and len(parts) > 2 else None


def seal_problem(name, target):
    """What is wrong with including an engine's header, or None."""
    if not target.startswith("adapters/") or target == ENGINE_SEAL:
        return None
    inside = name.removeprefix("src/")
    if inside == "adapters/builtin.cpp":
        return None
    if engine_of(inside) is not None and engine_of(inside) == engine_of(target):
        return None
    if name.startswith("tests/fault/") and target.split("/")[-1].startswith("fault_"):
        return None  # an engine's fault injector, which exists for these tests
    if engine_of(inside) is not None:
        return f"engine {engine_of(inside)} includes {target}: engines never include each other"
    return f"includes {target}: outside of adapters only {ENGINE_SEAL} may be seen"


def rank_problem(name, target):
    room, other = room_of(name), target.split("/")[0]
    if room not in RANKS or other not in RANKS or room == other:
        return None
    if RANKS[other] < RANKS[room]:
        return None
    return f"{room} (rank {RANKS[room]}) includes {target} (rank {RANKS[other]}): only lower ranks may be included"


def is_test_support(root, name, target):
    """A unit test may include what tests share."""
    return name.endswith("_test.cpp") and (Path(root) / "tests" / target).is_file()


def foreign_problem(root, name, quote, target):
    """Who may include what is neither a room nor the public API."""
    first = target.split("/")[0]
    if name.startswith(PUBLIC):
        allowed = first == "triune" or is_standard(target)
        return None if allowed else f"public header includes {target}: only triune/ and the standard library are allowed"
    if first in RANKS or first == "triune" or is_standard(target):
        return None
    if name.startswith("src/contract/") and name.endswith(".h"):
        return f"contract header includes {target}: no third party may be seen in a contract"
    if quote == '"' and name.startswith("src/") and not is_test_support(root, name, target):
        return f'includes "{target}": not a room; write <{target}> for a third party'
    return None


def include_problems(root, name):
    found = []
    for line, quote, target in includes(read(root, name)):
        for problem in (seal_problem(name, target), rank_problem(name, target), foreign_problem(root, name, quote, target)):
            if problem:
                found.append(f"{name}:{line}: {problem}")
    return found


def body_after(code, opening):
    """Text between the brace at `opening` and the one that closes it."""
    depth = 0
    for offset in range(opening, len(code)):
        depth += {"{": 1, "}": -1}.get(code[offset], 0)
        if depth == 0:
            return code[opening + 1 : offset]
    return code[opening + 1 :]


def contract_problems(root, name):
    """A contract has at most 12 pure virtual methods and no bodies that an engine could forget to replace."""
    code, found = without_hidden_text(read(root, name)), []
    for match in CLASS.finditer(code):
        methods = re.findall(r"\bvirtual\b[^;{]*", body_after(code, match.end() - 1))
        pure = [method for method in methods if re.search(r"=\s*0\s*$", method)]
        bodies = [method for method in methods if method not in pure and "~" not in method]
        where = f"{name}:{line_of(code, match.start())}: {match.group(1)}"
        if len(pure) > PURE_METHOD_LIMIT:
            found.append(f"{where} has {len(pure)} pure virtual methods; {PURE_METHOD_LIMIT} is the limit")
        found += [f"{where} has a default body: {' '.join(method.split())}" for method in bodies]
    return found


def rooms(root):
    return sorted(path.name for path in (Path(root) / "src").iterdir() if path.is_dir()) if (Path(root) / "src").is_dir() else []


def engines(root):
    folder = Path(root) / "src" / "adapters"
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def map_problems(root):
    """ARCHITECTURE.md's table of rooms equals the folders, so that the map never lies."""
    path = Path(root) / "ARCHITECTURE.md"
    if not path.is_file():
        return ["ARCHITECTURE.md: missing; its table of rooms must equal the folders under src/"]
    listed = set(re.findall(r"^\|\s*`src/(\w+)/`", path.read_text(encoding="utf-8"), re.MULTILINE))
    actual = set(rooms(root))
    found = [f"ARCHITECTURE.md: the table of rooms lacks `src/{room}/`" for room in sorted(actual - listed)]
    return found + [f"ARCHITECTURE.md: the table names `src/{room}/`, which does not exist" for room in sorted(listed - actual)]


def folder_problems(root, names):
    found = [f"src/{room}/: not a room; give it a rank in tools/check_layers.py" for room in rooms(root) if room not in RANKS]
    folders = [f"src/{room}" for room in rooms(root)] + [f"src/adapters/{engine}" for engine in engines(root)]
    for folder in folders:
        if f"{folder}/README.md" not in names:
            found.append(f"{folder}/README.md: missing; say why the folder exists and what belongs in it")
            continue
        lines = len(read(root, f"{folder}/README.md").splitlines())
        if lines > README_LINE_LIMIT:
            found.append(f"{folder}/README.md: {lines} lines; {README_LINE_LIMIT} is the limit")
    return found


def public_problems(names):
    # Of the hive itself; a module has its own below modules/.
    headers = [name for name in names if name.startswith(PUBLIC) and "/" not in name[len(PUBLIC) :]]
    if len(headers) <= PUBLIC_HEADER_LIMIT:
        return []
    return [f"{PUBLIC}: {len(headers)} headers; {PUBLIC_HEADER_LIMIT} is the limit"]


def problems_of(root):
    names = files_of(root)
    found = map_problems(root) + folder_problems(root, set(names)) + public_problems(names)
    for name in names:
        if name.endswith((".h", ".cpp", ".in")) and name.startswith(("src/", "include/", "tests/", "bench/", "fuzz/")):
            found += include_problems(root, name)
        if name.startswith("src/contract/") and name.endswith(".h"):
            found += contract_problems(root, name)
    return found


if __name__ == "__main__":
    sys.exit(report(problems_of(root_from_arguments())))
