"""The text check finds what has no place in a tracked file."""
import unittest

from tree import Tree

import check_text

# Written in two parts, so that the check does not find this file.
BAD = {
    "/wo" + "rk/main": "a path of one machine",
    "/ro" + "ot/.cache": "a path of one machine",
    "TO" + "DO: later": "a mark of unfinished work",
    "registry." + "npmjs.org": "a registry's host",
    "py" + "pi.org": "a registry's host",
    "<<<<" + "<<< HEAD": "a merge conflict",
}


class Text(unittest.TestCase):
    def test_good_house_has_no_problem(self):
        with Tree() as tree:
            self.assertEqual(check_text.problems_of(tree.root), [])

    def test_finds_each_kind(self):
        for text, what in BAD.items():
            with self.subTest(text), Tree({"docs/a.md": f"first\n{text}\n"}) as tree:
                problems = check_text.problems_of(tree.root)
                self.assertEqual(len(problems), 1, problems)
                self.assertTrue(problems[0].startswith(f"docs/a.md:2: {what}"), problems)

    def test_leaves_alike_words_alone(self):
        with Tree({"docs/a.md": "network/work/flow TodoWrite $HOME/work/ ${root}/work/a\n"}) as tree:
            self.assertEqual(check_text.problems_of(tree.root), [])


if __name__ == "__main__":
    unittest.main()
