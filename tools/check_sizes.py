#!/usr/bin/env python3
"""Keeps files and functions small: at most 600 lines in a file and 70 in a function.

tools/size_limits.txt lists what is over the limit, each with the size it may have: `PATH LINES` for a file and
`PATH:FUNCTION LINES` for a function. The list only shrinks: an entry that grew, is no longer over the limit or no longer
exists fails, and so does an entry that the last commit did not have.

Usage: check_sizes.py [ROOT].
"""
import ast
import re
import subprocess
import sys
from pathlib import Path

from house_files import files_of, line_of, read, report, root_from_arguments, without_hidden_text

FILE_LIMIT = 600
FUNCTION_LIMIT = 70
CODE = (".h", ".cpp", ".py", ".ts", ".js", ".sql", ".cmake")
SCRIPTS = ("dev", "tools/", ".ci/")
LIST = "tools/size_limits.txt"

SCOPE = re.compile(r"\s*(?:(?:public|private|protected)\s*:\s*|inline\s+|typedef\s+|static\s+|constexpr\s+)*(?:namespace|class|struct|union|enum|extern)\b")
SIGNATURE_END = re.compile(r"\)\s*(?:(?:const|noexcept|override|final|mutable)\s*)*$")
MEMBER_INITIALISER = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:)(?:.*,)?\s*\w[\w:<>]*\s*$", re.DOTALL)
VALUE = re.compile(r"(?<![=!<>+\-*/|&^])=(?!=)\s*[^()]*$")
NAME = re.compile(r"(operator\s*\(\)|operator\s*[^\w\s(]+|[~\w:]+(?:<[^<>]*>)?)\s*\(")
TEST_NAME = re.compile(r"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST)\s*\(\s*(\w+)\s*,\s*(\w+)")


def without_template(head):
    """`head` without `template <…>`, whose `class` is no scope."""
    match = re.search(r"\btemplate\s*<", head)
    if not match:
        return head
    depth, end = 1, match.end()
    while end < len(head) and depth > 0:
        depth += {"<": 1, ">": -1}.get(head[end], 0)
        end += 1
    return without_template(head[: match.start()] + head[end:])


def name_of(head, line):
    """A function's name from the text before its brace; of a test, both of its names."""
    test = TEST_NAME.search(head)
    if test:
        return f"{test.group(1)}.{test.group(2)}"
    match = NAME.search(without_template(head))
    return match.group(1) if match else f"line {line}"


def brace_kind(head):
    """What a brace after `head`, the text since the last statement, opens: scope, function, or a value inside `head`."""
    head = without_template(head)
    if head.count("(") > head.count(")") or MEMBER_INITIALISER.search(head):
        return "value"
    if "(" not in head or VALUE.search(head):
        return "scope"
    return "scope" if SCOPE.match(head) and not SIGNATURE_END.search(head) else "function"


def visible_code(code):
    """Without comments, literals and the preprocessor's lines; every line keeps its number."""
    directive = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
    return directive.sub(lambda match: "\n" * match.group(0).count("\n"), without_hidden_text(code))


def cpp_functions(code):
    """(name, lines from brace to brace) of each function; what is nested in one counts to it."""
    code = visible_code(code)
    found, open_braces, function, start = [], [], None, 0
    for match in re.finditer(r"[{};]", code):
        if match.group() == "{":
            head = code[start : match.start()]
            kind = "nested" if function or "value" in open_braces else brace_kind(head)
            if kind == "function":
                line = line_of(code, match.start())
                function = (len(open_braces), name_of(head, line), line)
            open_braces.append(kind)
        elif match.group() == "}" and open_braces:
            closed = open_braces.pop()
            if function and len(open_braces) == function[0]:
                found.append((function[1], line_of(code, match.start()) - function[2] + 1))
                function = None
            if closed == "value":
                continue  # the signature goes on
        if "value" not in open_braces:
            start = match.end()
    return found


def python_functions(code):
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [(node.name, node.end_lineno - node.lineno + 1) for node in ast.walk(tree) if isinstance(node, kinds)]


def functions(name, code):
    if name.endswith((".h", ".cpp")):
        return cpp_functions(code)
    return python_functions(code) if name.endswith(".py") else []


def oversized(root):
    """Everything over a limit: {"PATH" or "PATH:FUNCTION": lines}."""
    found = {}
    for name in files_of(root):
        if not name.endswith(CODE) and not name.startswith(SCRIPTS):
            continue
        code = read(root, name)
        lines = len(code.splitlines())
        if lines > FILE_LIMIT:
            found[name] = lines
        for function, length in functions(name, code):
            if length > FUNCTION_LIMIT:
                found[f"{name}:{function}"] = max(length, found.get(f"{name}:{function}", 0))
    return found


def parse_list(text):
    entries = [line.rsplit(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {entry: int(lines) for entry, lines in entries}


def committed_list(root):
    """The list as of the last commit, or None where there is none to compare with."""
    shown = subprocess.run(["git", "-C", str(root), "show", f"HEAD:./{LIST}"], capture_output=True, check=False)
    return parse_list(shown.stdout.decode()) if shown.returncode == 0 else None


def ratchet_problems(allowed, before):
    if before is None:
        return []
    grown = [entry for entry, lines in allowed.items() if lines > before.get(entry, 0)]
    return [f"{LIST}: {entry}: the list only shrinks; make it smaller instead" for entry in grown]


def problems_of(root):
    path = Path(root) / LIST
    allowed = parse_list(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found, actual = [], oversized(root)
    for entry, lines in sorted(actual.items()):
        limit = allowed.get(entry, FUNCTION_LIMIT if ":" in entry else FILE_LIMIT)
        if lines > limit:
            found.append(f"{entry}: {lines} lines; {limit} is the limit")
    for entry, lines in sorted(allowed.items()):
        if actual.get(entry, 0) < lines:
            found.append(f"{LIST}: {entry} has {actual.get(entry, 'few enough')} lines now; lower or remove the entry")
    return found + ratchet_problems(allowed, committed_list(root))


if __name__ == "__main__":
    sys.exit(report(problems_of(root_from_arguments())))
