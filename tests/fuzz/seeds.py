#!/usr/bin/env python3
"""tests/fuzz/seeds.py FOLDER NAME: fills FOLDER with seeds for the target NAME
from the cases of its unit test (every string literal of tests/unit/*/NAME.c) and,
for those that talk SMTP, from what the servers of tests/dialogues say."""

import ast
import hashlib
import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
SPEAK_SMTP = ('session', 'reply', 'ehlo')
LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def unescape(literal):
    return ast.literal_eval('b"' + literal + '"')


def of_unit_test(name):
    path = next((TESTS / 'unit').glob('*/%s.c' % name), None)
    source = path.read_text('utf-8') if path else ''
    source = re.sub(r'^#include.*$', '', source, flags=re.M)
    for run in LITERALS.finditer(source):
        # Bytes beyond ASCII become escapes: a bytes literal takes no others.
        raw = ''.join(LITERAL.findall(run.group()))
        raw = ''.join(c if ord(c) < 128 else
                      ''.join('\\x%02x' % b for b in c.encode()) for c in raw)
        try:
            yield unescape(raw)
        except (SyntaxError, ValueError):
            continue


def of_dialogues(folder, side):
    for path in sorted((TESTS / folder).glob('*.dialogue')):
        said = b''
        for line in path.read_text('utf-8').splitlines():
            if line.startswith(side + ': ') or line == side + ':':
                said += line[3:].encode() + b'\r\n'
            elif line.startswith(side + '= '):
                try:
                    said += unescape(line[3:].replace('"', '\\"'))
                except (SyntaxError, ValueError):
                    pass
        yield said


def main():
    folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    seeds = list(of_unit_test(name))
    if name in SPEAK_SMTP:
        seeds += of_dialogues('dialogues', 'S')
    if name == 'serve':
        seeds += of_dialogues('serve', 'C')
    for seed in seeds:
        (folder / hashlib.sha1(seed).hexdigest()[:16]).write_bytes(seed)


main()
