"""The blocks of commands in man/sendling-recipes.7, as they are printed."""

import re

import harness

PAGE = harness.TESTS.parent / 'man/sendling-recipes.7'


class Block:
    """`where' is its section, `intro' the line in front of it, `user' who types
    it, or None where nobody does."""

    def __init__(self, where, intro, text):
        self.where, self.intro, self.text = where, intro, text
        found = re.search(r'\b[Aa]s (\w+):$', intro)
        self.user = found and found[1]


def printed(line):
    return line.replace('\\e', '\\').replace('\\-', '-').replace('\\&', '')


def blocks():
    found, where, intro, text = [], '', '', None
    for line in PAGE.read_text().splitlines():
        if line.startswith(('.Sh ', '.Ss ')):
            where = line[4:]
        elif line.startswith('.Bd '):
            text = []
        elif line == '.Ed':
            found.append(Block(where, intro, '\n'.join(text) + '\n'))
            text = None
        elif text is not None:
            text.append(printed(line))
        elif not line.startswith('.'):
            intro = line
    return found
