"""The layer check finds each kind of violation, and nothing in a good house."""
import subprocess
import sys
import unittest
from pathlib import Path

from tree import GOOD, Tree

import check_layers


class Layers(unittest.TestCase):
    def problems(self, **changes):
        with Tree({name: text for name, text in changes.get("files", {}).items()}) as tree:
            return check_layers.problems_of(tree.root)

    def assert_only(self, files, *expected):
        problems = self.problems(files=files)
        self.assertEqual(len(problems), len(expected), problems)
        for problem, text in zip(problems, expected):
            self.assertIn(text, problem)

    def test_good_house_has_no_problem(self):
        self.assertEqual(self.problems(), [])

    def test_higher_rank_is_refused(self):
        code = '#pragma once\n\n#include "contract/store.h"\n'
        self.assert_only({"src/base/clock.h": code}, "src/base/clock.h:3: base (rank 0) includes contract/store.h (rank 2)")

    def test_angle_brackets_do_not_hide_an_include(self):
        self.assert_only({"src/base/clock.h": "#  include <hive/hive.h>\n"}, "base (rank 0) includes hive/hive.h")

    def test_equal_ranks_never_meet(self):
        files = {
            "ARCHITECTURE.md": GOOD["ARCHITECTURE.md"] + "| `src/runtime/` | pools |\n",
            "src/runtime/README.md": "# runtime\n",
            "src/runtime/pool.cpp": '#include "adapters/builtin.h"\n',
        }
        self.assert_only(files, "runtime (rank 3) includes adapters/builtin.h (rank 3)")

    def test_commented_include_is_none(self):
        self.assert_only({"src/base/clock.h": '// #include "hive/hive.h"\n/*\n#include "hive/hive.h"\n*/\n'})

    def test_engines_never_include_each_other(self):
        code = '#include "adapters/kuzu/store.h"\n'
        self.assert_only({"src/adapters/sqlite/store.cpp": code}, "engine sqlite includes adapters/kuzu/store.h")

    def test_outsiders_see_only_the_list_of_engines(self):
        code = '#include "adapters/kuzu/store.h"\n'
        self.assert_only({"src/hive/hive.cpp": code}, "outside of adapters only adapters/builtin.h")
        self.assert_only({"tests/integration/hive_test.cpp": code}, "outside of adapters only adapters/builtin.h")

    def test_fault_tests_may_see_fault_injectors(self):
        code = '#include "adapters/sqlite/fault_files.h"\n'
        self.assert_only({"tests/fault/disk_test.cpp": code})
        self.assert_only({"tests/integration/disk_test.cpp": code}, "outside of adapters")

    def test_public_header_shows_no_room_and_no_third_party(self):
        self.assert_only({"include/triune/hive.h": '#include "base/clock.h"\n'}, "public header includes base/clock.h")
        self.assert_only({"include/triune/hive.h": "#include <fmt/format.h>\n"}, "public header includes fmt/format.h")

    def test_public_headers_are_few(self):
        self.assert_only({f"include/triune/h{number}.h": "" for number in range(11)}, "13 headers; 12 is the limit")

    def test_contract_header_shows_no_third_party(self):
        self.assert_only({"src/contract/store.h": "#include <sqlite3.h>\n"}, "contract header includes sqlite3.h")

    def test_third_party_takes_angle_brackets(self):
        self.assert_only({"src/hive/hive.cpp": '#include "kuzu.h"\n'}, "write <kuzu.h> for a third party")

    def test_unit_test_may_use_what_tests_share(self):
        shared, code = {"tests/support/a.h": ""}, '#include "support/a.h"\n'
        self.assert_only(shared | {"src/hive/hive_test.cpp": code})
        self.assert_only(shared | {"src/hive/hive.cpp": code}, "write <support/a.h> for a third party")

    def test_contract_stays_narrow(self):
        methods = "".join(f"  virtual int method_{number}() = 0;\n" for number in range(13))
        self.assert_only({"src/contract/store.h": f"class Store {{\n{methods}}};\n"}, "Store has 13 pure virtual methods")

    def test_contract_has_no_default_body(self):
        for body in ("virtual int get() { return 0; }", "virtual int get();", "virtual int get() const noexcept {}"):
            self.assert_only({"src/contract/store.h": f"struct Store {{\n  {body}\n}};\n"}, "Store has a default body")

    def test_comment_about_virtual_methods_is_none(self):
        self.assert_only({"src/contract/store.h": "class Store {\n  // a virtual method has no body {\n  int a;\n};\n"})

    def test_map_equals_the_folders(self):
        lacks = GOOD["ARCHITECTURE.md"].replace("| `src/hive/` | facade |\n", "")
        self.assert_only({"ARCHITECTURE.md": lacks}, "lacks `src/hive/`")
        extra = GOOD["ARCHITECTURE.md"] + "| `src/front/` | doors |\n"
        self.assert_only({"ARCHITECTURE.md": extra}, "names `src/front/`, which does not exist")
        self.assert_only({"ARCHITECTURE.md": None}, "ARCHITECTURE.md: missing")

    def test_unknown_room_is_refused(self):
        files = {"ARCHITECTURE.md": GOOD["ARCHITECTURE.md"] + "| `src/attic/` | x |\n", "src/attic/README.md": "# attic\n"}
        self.assert_only(files, "src/attic/: not a room")

    def test_every_folder_says_why_it_exists(self):
        self.assert_only({"src/hive/README.md": None}, "src/hive/README.md: missing")
        self.assert_only({"src/adapters/kuzu/README.md": None}, "src/adapters/kuzu/README.md: missing")
        self.assert_only({"src/hive/README.md": "line\n" * 61}, "src/hive/README.md: 61 lines; 60 is the limit")

    def test_program_fails_with_the_problem_on_stderr(self):
        program = Path(check_layers.__file__)
        with Tree({"src/base/clock.h": '#include "hive/hive.h"\n'}) as tree:
            bad = subprocess.run([sys.executable, program, tree.root], capture_output=True, text=True, check=False)
        with Tree() as tree:
            good = subprocess.run([sys.executable, program, tree.root], capture_output=True, text=True, check=False)
        self.assertEqual((bad.returncode, good.returncode), (1, 0))
        self.assertIn("src/base/clock.h:1: base (rank 0) includes hive/hive.h", bad.stderr)


if __name__ == "__main__":
    unittest.main()
