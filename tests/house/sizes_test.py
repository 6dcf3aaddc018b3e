"""The size check counts functions as a reader does, and its list of exceptions only shrinks."""
import subprocess
import unittest

from tree import Tree

import check_sizes

LONG_BODY = "  step();\n" * 71


class Functions(unittest.TestCase):
    def lengths(self, code):
        return check_sizes.cpp_functions(code)

    def test_counts_from_brace_to_brace(self):
        self.assertEqual(self.lengths("namespace a {\nint f(int b)\n{\n  return b;\n}\n}\n"), [("f", 3)])

    def test_finds_methods_and_skips_types(self):
        code = "class A : public B {\n public:\n  A() : b_{1}, c_(2) {\n  }\n  int get() const noexcept { return b_; }\n  enum class E { x, y };\n};\n"
        self.assertEqual(self.lengths(code), [("A", 2), ("get", 1)])

    def test_finds_templates_and_trailing_returns(self):
        code = "template <class T, class U = std::vector<T>>\nauto f(T a) -> std::map<int, T> {\n  return {};\n}\n"
        self.assertEqual(self.lengths(code), [("f", 3)])

    def test_braces_in_literals_and_comments_do_not_count(self):
        code = 'void f() {\n  g("}", \'}\', R"(}\n})", 1\'000); // }\n  /* } */\n}\nvoid h() {}\n'
        self.assertEqual(self.lengths(code), [("f", 5), ("h", 1)])

    def test_default_argument_in_braces_ends_nothing(self):
        self.assertEqual(self.lengths("void f(A a = {}, B b = B{1}) {\n}\n"), [("f", 2)])

    def test_table_is_no_function(self):
        self.assertEqual(self.lengths("constexpr A table[] = {\n  {f(1)},\n};\nstd::string name{};\n"), [])

    def test_lambda_counts_to_its_function(self):
        self.assertEqual(self.lengths("void f() {\n  auto g = [](int a) {\n    return a;\n  };\n}\n"), [("f", 5)])

    def test_test_case_has_both_names(self):
        self.assertEqual(self.lengths("TEST(Hive, Opens) {\n}\n"), [("Hive.Opens", 2)])


class Sizes(unittest.TestCase):
    def problems(self, files):
        with Tree(files) as tree:
            return check_sizes.problems_of(tree.root)

    def assert_problem(self, files, text):
        problems = self.problems(files)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(text, problems[0])

    def test_good_house_has_no_problem(self):
        self.assertEqual(self.problems({}), [])

    def test_long_file_is_refused(self):
        self.assertEqual(self.problems({"src/hive/a.cpp": "\n" * 600}), [])
        self.assert_problem({"src/hive/a.cpp": "\n" * 601}, "src/hive/a.cpp: 601 lines; 600 is the limit")

    def test_long_function_is_refused(self):
        code = "void f() {\n" + LONG_BODY + "}\n"
        self.assert_problem({"src/hive/a.cpp": code}, "src/hive/a.cpp:f: 73 lines; 70 is the limit")

    def test_long_python_function_is_refused(self):
        self.assert_problem({"tools/a.py": "def f():\n" + "    g()\n" * 70}, "tools/a.py:f: 71 lines; 70 is the limit")

    def test_listed_exception_is_allowed_up_to_its_size(self):
        code = "void f() {\n" + LONG_BODY + "}\n"
        self.assertEqual(self.problems({"src/hive/a.cpp": code, "tools/size_limits.txt": "src/hive/a.cpp:f 73\n"}), [])
        self.assert_problem({"src/hive/a.cpp": code, "tools/size_limits.txt": "src/hive/a.cpp:f 72\n"}, "72 is the limit")

    def test_exception_no_longer_needed_must_go(self):
        self.assert_problem({"tools/size_limits.txt": "# why\nsrc/hive/hive.cpp 700\n"}, "lower or remove the entry")

    def test_list_only_shrinks(self):
        code = "void f() {\n" + LONG_BODY + "}\n"
        with Tree({"src/hive/a.cpp": code, "tools/size_limits.txt": ""}) as tree:
            git = ["git", "-C", str(tree.root), "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
            for command in (["init", "-q"], ["add", "."], ["commit", "-q", "--no-verify", "-m", "tree"]):
                subprocess.run(git + command, check=True)
            tree.write("tools/size_limits.txt", "src/hive/a.cpp:f 73\n")
            problems = check_sizes.problems_of(tree.root)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn("the list only shrinks", problems[0])


if __name__ == "__main__":
    unittest.main()
