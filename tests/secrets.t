#!/usr/bin/python3
"""The ways of a password into the program, as people and services use them.

    tests/secrets.t [WORD ...]    only the tests whose names hold a WORD
"""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import time

import harness
from home import HANG, MESSAGE, SERVE, run_tests
from smtpd import Server

BOB = 'bob@example.org'
CANARY = 'c4nary-Pa55/w0rd'
PAGE = harness.TESTS.parent / 'man/sendling.conf.5'


# ~/.netrc

NETRC = [
    # What it holds, and what the line gives for alice; None: nothing.
    ('in one line', 'machine mail.example.org login alice password {}\n', True),
    ('in several lines',
     'machine mail.example.org\n\tlogin alice\n\tpassword {}\n', True),
    ('the password first',
     'machine mail.example.org password {} login alice', True),
    ('with an account',
     'machine mail.example.org login alice account x password {}\n', True),
    ('without a login', 'machine mail.example.org password {}\n', True),
    ('behind another machine',
     'machine a.example login alice password x\n\n'
     'machine mail.example.org login alice password {}\n', True),
    ('behind another login',
     'machine mail.example.org login bob password x '
     'machine mail.example.org login alice password {}\n', True),
    ('before another',
     'machine mail.example.org login alice password {}\n'
     'machine mail.example.org login alice password x\n', True),
    ('as the default', 'machine a.example login alice password x\n'
     'default login alice password {}\n', True),
    ('before the default', 'machine mail.example.org login alice password {}\n'
     'default login alice password x\n', True),
    ('behind a macro', 'macdef init\nmachine mail.example.org password x\n\n'
     'machine mail.example.org login alice password {}\n', True),
    ('before a macro', 'machine mail.example.org login alice password {}\n'
     'macdef init\npassword x\n\n', True),
    ('behind comments', '# machine mail.example.org password x\n'
     '  # password x\nmachine mail.example.org login alice password {}\n',
     True),
    ('of other words', 'machine a.example login machine password password\n'
     'machine mail.example.org login alice password {}\n', True),
    ('of another machine', 'machine a.example login alice password {}\n',
     False),
    ('of another login', 'machine mail.example.org login bob password {}\n',
     False),
    ('without a password', 'machine mail.example.org login alice\n', False),
    ('empty', '', False),
]


def printed(*renderer):
    """The line of awk as a reader of the manual sees it."""
    done = subprocess.run([*renderer, PAGE], stdout=subprocess.PIPE)
    text = re.sub('\x1b\\[[0-9;]*m|.\b', '', done.stdout.decode())
    return re.search('^ *(password-command *awk .*)$', text, re.M).group(1)


def awks(home):
    """A PATH for each awk that is here, of which it is the one."""
    for name in 'mawk', 'gawk', 'original-awk', 'busybox':
        path = shutil.which(name)
        if path is not None:
            folder = home.path / ('with-' + name)
            folder.mkdir()
            (folder / 'awk').symlink_to(path)
            yield name, f'{folder}:/usr/bin:/bin'


def test_netrc(t, home):
    """The line that sendling.conf(5) prints."""
    renderers = [words for words in
                 (('mandoc', '-Tascii'), ('mandoc', '-Tutf8'),
                  ('nroff', '-mandoc', '-Tutf8')) if shutil.which(words[0])]
    if not renderers:
        return t.skip('the line for ~/.netrc', 'neither mandoc nor nroff')
    lines = {printed(*words) for words in renderers}
    line = lines.pop()
    t.ok(not lines, 'one line for ~/.netrc is printed, however the manual is '
         'read', line, *lines)
    box = Server(users=[('alice', CANARY)])
    config = home.config(box.config(line))
    for awk, path in awks(home):
        for what, entries, found in NETRC:
            home.file('.netrc', entries.format(CANARY))
            run = home.run(BOB, config=config, environment={
                'HOME': str(home.path), 'PATH': path})
            box.settle()
            t.ok((run.status, len(box.took)) == ((0, 1) if found else (78, 0))
                 and (found or b'ended with status 1' in run.err),
                 f'{awk}, ~/.netrc, {what}: '
                 + ('found' if found else 'not found'), run.words())
            box.clear()


# The terminal

class Terminal:
    """A shell in a session with a terminal of its own, as a person sits at."""

    def __init__(self, home):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve('/bin/dash', ['sh', '-i'], {
                'PS1': 'READY>', 'PATH': '/usr/bin:/bin', 'ENV': '',
                'HOME': str(home.path)})
        self.shown = b''
        self.see(b'READY>')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.master)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def type(self, keys):
        os.write(self.master, keys if isinstance(keys, bytes)
                 else keys.encode())

    def see(self, words):
        """All that is shown, up to these words."""
        limit = time.monotonic() + HANG
        while words not in self.shown:
            ready = select.select([self.master], [], [],
                                  max(0, limit - time.monotonic()))[0]
            if not ready:
                raise TimeoutError(f'{words} is not shown: {self.shown}')
            self.shown += os.read(self.master, 4096)
        seen, _, self.shown = self.shown.partition(words)
        return seen

    def echoes(self):
        flags = termios.tcgetattr(self.master)[3]
        return flags & (termios.ECHO | termios.ICANON) == \
            termios.ECHO | termios.ICANON

    def status(self):
        """Of what has ended, when the shell is back."""
        self.see(b'READY>')
        self.type('echo status=$?.\n')
        self.see(b'status=$?.\r\n')
        return int(re.search(rb'status=(\d+)\.', self.see(b'READY>')).group(1))


def asked(home, box, terminal, *lines):
    """The program, asking for the password of a mail from a file."""
    config = home.config(box.config(*lines))
    mail = home.file('mail', MESSAGE)
    terminal.type(f'{home.path}/sendling -C {config} {BOB} < {mail}\n')
    terminal.see(b'Password of alice: ')


def test_terminal(t, home):
    if not pathlib.Path('/bin/dash').exists():
        return t.skip('the password from a terminal', 'no dash')
    long = ''.join(f'{n:04}' for n in range(1024))
    for what, password, typed in (
            ('typed', CANARY, CANARY + '\n'),
            ('pasted with CR', CANARY, CANARY + '\r\necho pasted\r\n'),
            ('of 4096 octets', long, long + '\n')):
        box = Server(users=[('alice', password)])
        with Terminal(home) as terminal:
            asked(home, box, terminal)
            t.ok(not terminal.echoes(), f'a password {what}: no echo')
            terminal.type(typed)
            seen = terminal.see(b'READY>')
            box.settle()
            terminal.type('echo more\n')
            seen += terminal.see(b'more\r\nmore\r\n')
            t.ok(len(box.took) == 1 and terminal.echoes() and
                 seen.strip() == b'echo', f'a password {what}: it is taken, '
                 'nothing is shown, and nothing of it left for the shell',
                 seen)
    box = Server(users=[('alice', CANARY)])
    for what, keys, status in (
            ('an empty answer', '\n', 78), ('its end', '\x04', 78),
            ('^C', 'c4nary\x03', 130), ('^\\', 'c4nary\x1c', 131)):
        with Terminal(home) as terminal:
            asked(home, box, terminal)
            terminal.type(keys)
            t.ok(terminal.status() == status and terminal.echoes(),
                 f'{what}: status {status}, and the echo is back')
    for name in 'TERM', 'HUP', 'INT', 'QUIT':
        with Terminal(home) as terminal:
            asked(home, box, terminal)
            group = os.tcgetpgrp(terminal.master)
            os.kill(group, getattr(signal, 'SIG' + name))
            status = terminal.status()
            t.ok(status == 128 + getattr(signal, 'SIG' + name) and
                 terminal.echoes(), f'SIG{name}: the echo is back', status)
    with Terminal(home) as terminal:
        asked(home, box, terminal)
        terminal.type('c4nary\x1a')
        status = terminal.status()
        t.ok(status > 128 and terminal.echoes(),
             '^Z: stopped, and the echo is back', status)
        terminal.type('fg\n')
        terminal.see(b'Password of alice: ')
        t.ok(not terminal.echoes(), 'fg: asked again, without echo')
        terminal.type(CANARY + '\n')
        status = terminal.status()
        box.settle()
        t.ok(status == 0 and len(box.took) == 1, 'the mail goes', status)
    with Terminal(home) as terminal:
        asked(home, box, terminal, 'deadline 1s')
        seen = terminal.see(b'READY>')
        t.ok(b'`deadline\'' in seen and terminal.echoes(),
             'it is asked no longer than `deadline\' says', seen)


def test_no_terminal(t, home, box):
    """A job is not asked, and told what to write."""
    config = home.config(box.config('user alice'))
    for argv in (BOB,), ('-t',), ('-bs',):
        run = home.run(*argv, config=config, start_new_session=True,
                       stdin=SERVE if argv == ('-bs',) else MESSAGE)
        t.ok(b'`password-file PATH' in run.out + run.err and box.count == 0,
             f'{argv[0]}, without a terminal: an error that names the keywords',
             run.words())


if __name__ == '__main__':
    sys.exit(run_tests(dict(globals())))
