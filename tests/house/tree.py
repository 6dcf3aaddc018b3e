"""A small house in a temporary folder, for the checks to find fault with."""
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
sys.dont_write_bytecode = True

GOOD = {
    "ARCHITECTURE.md": "# Map\n\n| room | what |\n|---|---|\n| `src/base/` | ground |\n| `src/contract/` | seams |\n"
    "| `src/adapters/` | engines |\n| `src/hive/` | facade |\n",
    "include/triune/hive.h": '#pragma once\n#include <vector>\n#include "triune/status.h"\n',
    "include/triune/status.h": "#pragma once\n#include <string>\n",
    "src/base/README.md": "# base\n",
    "src/base/clock.h": '#include "triune/status.h"\n',
    "src/contract/README.md": "# contract\n",
    "src/contract/store.h": '#include "base/clock.h"\nclass Store {\n public:\n  virtual ~Store() = default;\n'
    "  virtual int get(int key) = 0;\n  [[nodiscard]] virtual int size() const = 0;\n};\n",
    "src/adapters/README.md": "# adapters\n",
    "src/adapters/builtin.h": '#include "contract/store.h"\n',
    "src/adapters/builtin.cpp": '#include "adapters/builtin.h"\n#include "adapters/kuzu/store.h"\n#include "adapters/sqlite/store.h"\n',
    "src/adapters/kuzu/README.md": "# kuzu\n",
    "src/adapters/kuzu/store.h": '#include <kuzu.h>\n#include "contract/store.h"\n',
    "src/adapters/sqlite/README.md": "# sqlite\n",
    "src/adapters/sqlite/store.h": '#include "contract/store.h"\n',
    "src/adapters/sqlite/store.cpp": '#include "adapters/sqlite/store.h"\n',
    "src/hive/README.md": "# hive\n",
    "src/hive/hive.cpp": '#include <fmt/format.h>\n#include "adapters/builtin.h"\n#include "base/clock.h"\n',
}


class Tree:
    """GOOD with changes: a text replaces or adds a file, None takes one away."""

    def __init__(self, changes=None):
        self.root = Path(tempfile.mkdtemp(prefix="triune-house-"))
        for name, text in (GOOD | (changes or {})).items():
            if text is not None:
                self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.root)
