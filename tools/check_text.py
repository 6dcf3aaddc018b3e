#!/usr/bin/env python3
"""Keeps out of the tree what has no place in it: paths of one machine, marks of unfinished work, registries' hosts.

Usage: check_text.py [ROOT].
"""
import re
import sys

from house_files import files_of, line_of, read, report, root_from_arguments

RULES = [
    (re.compile(r"(?<![\w.}])/(?:work|root|farm)/"), "a path of one machine"),
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b"), "a mark of unfinished work: finish it or open an issue"),
    (
        re.compile(
            r"\b(?:registry\.[a-z]+\.(?:org|com)|(?:files\.)?python" r"hosted\.org|pypi\.org|crates\.io|proxy\.golang\.org"
            r"|repo1?\.maven\.[a-z.]+|(?:deb|security|snapshot)\.debian\.org)"
        ),
        "a registry's host: name the package, and let its client find the registry",
    ),
    (re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE), "a merge conflict"),
]


def problems_of(root):
    found = []
    for name in files_of(root):
        text = read(root, name)
        for pattern, what in RULES:
            found += [f"{name}:{line_of(text, match.start())}: {what} ({match.group(0)})" for match in pattern.finditer(text)]
    return found


if __name__ == "__main__":
    sys.exit(report(problems_of(root_from_arguments())))
