#!/usr/bin/env python3
"""Runs clang-tidy on what changed since the commit before the last, and remembers what passed.

A source file that passed is not looked at again until it, a header of ours that it includes, its compiler flags, the
rules or clang-tidy itself change. The memory lies in the cache folder, outside the clone.

Usage: check_tidy.py [--all] [BUILD_FOLDER]. --all looks at every file; without it, work stops being started after 45 s,
and what was left out is said.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from house_files import files_of

ROOT = Path(__file__).resolve().parent.parent
TIDY = "clang-tidy-19"
BUDGET_SECONDS = 45
FORGOTTEN_AFTER_SECONDS = 30 * 24 * 3600


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def memory_folder():
    cache = Path(os.environ.get("TRIUNE_CACHE") or Path.home() / ".cache" / "triune")
    folder = cache / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def forget_old(folder):
    limit = time.time() - FORGOTTEN_AFTER_SECONDS
    for entry in folder.iterdir():
        if entry.stat().st_mtime < limit:
            entry.unlink(missing_ok=True)


def dependencies(build):
    """{object: files of ours it was compiled from}, from ninja's log."""
    found, current = {}, None
    for line in run("ninja", "-C", str(build), "-t", "deps").stdout.splitlines():
        if line.startswith(" ") and current is not None:
            path = (build / line.strip()).resolve()
            if path.is_relative_to(ROOT):
                current.add(path.relative_to(ROOT).as_posix())
        elif ": #deps" in line:
            current = found.setdefault(line.split(": #deps")[0], set())
    return found


def changed_files():
    """Changed in the last commit or since, or new."""
    since = "HEAD~1" if run("git", "rev-parse", "-q", "--verify", "HEAD~1").returncode == 0 else "HEAD"
    names = run("git", "diff", "--name-only", since).stdout.splitlines()
    return set(names + run("git", "ls-files", "--others", "--exclude-standard").stdout.splitlines())


class Unit:
    """One source file with its command and the files of ours it depends on."""

    def __init__(self, name, entry, files):
        self.name, self.files = name, files | {name}
        self.command = entry["command"].replace(str(ROOT), "")

    def key(self, digest_of, rules):
        parts = [rules, self.command] + [f"{name} {digest_of(name)}" for name in sorted(self.files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def units(build):
    ours = set(files_of(ROOT))
    headers = {name for name in ours if name.endswith(".h")}
    depends, found = dependencies(build), {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = Path(entry["file"]).resolve()
        name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
        if name not in ours or not name.endswith(".cpp"):
            continue
        target = entry["command"].split(" -o ")[1].split(" ")[0]
        # Not compiled yet: it may include any header.
        found[name] = Unit(name, entry, depends.get(target) or headers)
    return [found[name] for name in sorted(found)]


def digests():
    known = {}

    def digest_of(name):
        if name not in known:
            path = ROOT / name
            known[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "absent"
        return known[name]

    return digest_of


def is_third_party_only(output):
    """Whether clang stumbles only over headers that are not ours: some that g++ takes, it does not (Kuzu's storage)."""
    places = re.findall(r"^(\S+?):\d+:\d+: error:", output, re.MULTILINE)
    return bool(places) and not any(Path(place).resolve().is_relative_to(ROOT) for place in places)


class Checker:
    def __init__(self, build, memory, deadline):
        self.build, self.memory, self.deadline = build, memory, deadline
        self.left_out, self.failed, self.done = 0, 0, 0

    def look(self, unit, key, count):
        if time.monotonic() > self.deadline:
            self.left_out += 1
            return
        result = run(TIDY, "-p", str(self.build), "--quiet", str(ROOT / unit.name))
        self.done += 1
        print(f"[{self.done}/{count}] {unit.name}", file=sys.stderr)
        if is_third_party_only(result.stdout):
            print(f"{unit.name}: clang does not take a third party's header; not checked", file=sys.stderr)
            (self.memory / key).touch()
        elif result.returncode == 0:
            (self.memory / key).touch()
        else:
            self.failed += 1
            print(result.stdout.replace(f"{ROOT}/", "") or result.stderr, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("build", nargs="?", default=str(ROOT / "build"))
    arguments = parser.parse_args()
    build, memory = Path(arguments.build).resolve(), memory_folder()
    forget_old(memory)
    rules = run(TIDY, "--version").stdout + (ROOT / ".clang-tidy").read_text(encoding="utf-8")
    changed, digest_of = changed_files(), digests()
    # The sources that changed themselves come first, then those that include a header that did.
    wanted = [unit for unit in units(build) if arguments.all or unit.files & changed]
    wanted.sort(key=lambda unit: unit.name not in changed)
    work = [(unit, unit.key(digest_of, rules)) for unit in wanted]
    work = [(unit, key) for unit, key in work if not (memory / key).exists()]
    deadline = float("inf") if arguments.all else time.monotonic() + BUDGET_SECONDS
    checker = Checker(build, memory, deadline)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda item: checker.look(*item, len(work)), work))
    print(f"clang-tidy: {len(wanted)} files wanted, {len(wanted) - len(work)} known to pass, {checker.failed} failed", file=sys.stderr)
    if checker.left_out:
        print(f"clang-tidy: {checker.left_out} files left out for time; run it again, or ./dev check --all", file=sys.stderr)
    return 1 if checker.failed else 0


if __name__ == "__main__":
    sys.exit(main())
