#!/usr/bin/python3
"""What a person at a terminal sees and a program does not: what is wrong before
a message is typed, that one is waited for, how far a long one is, colours.

    tests/terminal.t [WORD ...]    only the tests whose names hold a WORD
"""

import contextlib
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import threading

from home import (
    HEADER, MESSAGE, SERVE, SPEAK_UP, can_trace, run_tests, trace)
from person import WAIT, Person
from smtpd import Server

BOB = 'bob@example.org'
TYPED = MESSAGE.replace(b'\r', b'').decode()


def sits(home, config, *argv, name='sendling', environment=None, under=()):
    """A person who calls it."""
    named = () if config is None else ('-C', config)
    return Person([*under, home.path / name, *named, *argv],
                  {'TERM': 'xterm', 'PATH': os.environ['PATH'], **SPEAK_UP,
                   **(environment or {})})


def usual(home, text):
    """An environment in which that is the configuration."""
    folder = home.path / 'xdg/sendling'
    folder.mkdir(parents=True, exist_ok=True)
    home.config(text, 'xdg/sendling/config')
    return {'XDG_CONFIG_HOME': str(folder.parent)}


# Before a message is typed

ACCOUNT = 'from alice@example.com\nlog off\n'
TLS = 'smarthost smtps://127.0.0.1:1\n'
PLAIN = 'smarthost smtp+plain://127.0.0.1:1\n'

FORESEEN = (
    ('a spool that keeps nothing of what -C names', ACCOUNT + TLS +
     'user a\npassword-file /nowhere\nspool /nowhere\n', (BOB,), 78,
     '/nowhere'),
    ('no smarthost', ACCOUNT, (BOB,), 78, 'has no `smarthost\''),
    ('no such account', ACCOUNT + PLAIN, ('-a', 'work', BOB), 78,
     'there is no account `work\''),
    ('the account that -f chooses', ACCOUNT + PLAIN + 'account default\n'
     'account work\nmatch *@work.example\nuser a\npassword-file /nowhere\n',
     ('-f', 'a@work.example', BOB), 78, '/nowhere'),
    ('a password-file that is not there', ACCOUNT + TLS +
     'user a\npassword-file /nowhere\n', (BOB,), 78, '/nowhere'),
    ('a password-command that is not there', ACCOUNT + TLS +
     'user a\npassword-command /nowhere/pass x\n', (BOB,), 78, '/nowhere/pass'),
    ('a credential that is not there', ACCOUNT + TLS +
     'user a\npassword-credential x\n', (BOB,), 78, 'x'),
    ('a trust file that is not there', ACCOUNT + TLS + 'tls-trust /nowhere\n',
     (BOB,), 78, '/nowhere'),
    ('aliases that are not there', ACCOUNT + PLAIN + 'aliases /nowhere\n',
     ('root',), 78, '/nowhere'),
    ('a bare name', ACCOUNT + PLAIN + 'aliases off\n', ('root',), 67,
     '`domain'),
    ('a bare name beside -t', ACCOUNT + PLAIN + 'aliases off\n',
     ('-t', 'root'), 67, '`domain'),
    ('no address', ACCOUNT + PLAIN, ('a@b@c',), 65,
     "an '@' stands"),
    ('no sender', PLAIN + 'log off\n', ('-f', 'alice', BOB), 78, 'alice'),
    ('no spool that --queue-only could keep it in', ACCOUNT + PLAIN,
     ('--queue-only', BOB), 73, 'the account has no spool'),
    ('no spool, so that -odq sends', ACCOUNT + TLS +
     'user a\npassword-file /nowhere\n', ('-odq', BOB), 78, '/nowhere'),
    ('an envelope identifier that is none', ACCOUNT + PLAIN,
     ('-V', '\x01', BOB), 64, ''),
)


def test_foreseen(t, home):
    """Nothing was typed when it ended; with no prompt."""
    for sentence, config, argv, status, words in FORESEEN:
        path = home.config(config)
        with sits(home, path, *argv) as person:
            ended = person.wait()
            t.ok(ended == status and words in person.shown and
                 'type the message' not in person.shown,
                 f'{sentence}: told before a message is typed', ended,
                 person.shown)


def test_foreseen_as_sendmail(t, home):
    """Also under a name that knows no -C."""
    with sits(home, None, BOB, name='sendmail',
              environment=usual(home, ACCOUNT)) as person:
        ended = person.wait()
        t.ok(ended == 78 and 'has no `smarthost\'' in person.shown,
             'as sendmail too', ended, person.shown)


def test_not_foreseen(t, home, box):
    """What the message still decides is no fault."""
    broken = ('account work\nmatch alice@example.com\naccount default\n'
              'from root@example.org\nuser a\npassword-file /nowhere\n')
    for sentence, config, argv in (
            ('a good account', box.config(), (BOB,)),
            ('an account that From chooses', box.config() + broken, (BOB,)),
            ('and with the null reverse-path', box.config() + broken,
             ('-f', '', BOB)),
            ('a sender that From names', box.config('from-header yes').replace(
                'from alice@example.com\n', ''), (BOB,)),
            ('recipients that To names', box.config(), ('-t',)),
            ('whose spool takes it without a password', box.config(
                'user a', 'password-file /nowhere', f'spool {home.path}/spool'),
             ('--queue-only', BOB)),
            ('whose spool keeps it where it cannot be sent', box.config(
                'user a', 'password-file /nowhere', f'spool {home.path}/spool',
                'log off'), (BOB,))):
        with sits(home, None, *argv,
                  environment=usual(home, config)) as person:
            person.types(TYPED + '.\n')
            status = person.wait()
        box.settle()
        t.ok(status == 0 and len(box.took) == ('spool' not in sentence),
             f'{sentence}: a message may be typed', status, person.shown)
        box.clear()


def test_password_is_asked(t, home, certificate):
    """Where the configuration has none, behind the message."""
    with Server(certificate, users=[('alice', 'secret')]) as server:
        with sits(home, home.config(server.config('log off')), BOB) as person:
            person.sees('type the message')
            person.types(TYPED + '.\n')
            person.answers('Password of alice', 'secret')
            status = person.wait()
        server.settle()
        t.ok(status == 0 and len(server.took) == 1,
             'a password that is asked for is none that is missing', status,
             person.shown)


def test_prompt(t, home, box):
    """One line, for who calls sendling and types."""
    config = home.config(box.config())
    environment = usual(home, box.config())
    for argv, name, shown in (
            ((BOB,), 'sendling', True), (('-t',), 'sendling', True),
            (('-i', BOB), 'sendling', True), (('-oeq', BOB), 'sendling', False),
            ((BOB,), 'sendmail', False), (('-t', '-i'), 'send-mail', False)):
        with sits(home, None, *argv, name=name,
                  environment=environment) as person:
            person.types(TYPED + '\x04')
            status = person.wait()
        box.settle()
        first = person.shown.partition('\n')[0]
        t.ok(status == 0 and len(box.took) == 1 and
             person.shown.count('type the message') == shown and
             ('lone dot' in person.shown) == (shown and '-i' not in argv) and
             ('Control-D' in person.shown) == shown,
             f'{name} {" ".join(argv)}: {"a" if shown else "no"} prompt',
             status, person.shown, first)
        box.clear()
    for argv in (('-bs',), ('-bv', BOB), ('--check',)):
        with sits(home, config, *argv) as person:
            person.types('QUIT\n')
            status = person.wait()
            t.ok(status == 0 and 'type the message' not in person.shown,
                 f'{argv[0]}: no prompt', status, person.shown)
    with sits(home, None, BOB, environment=environment,
              under=('sh', '-c', '"$0" "$@" 2>' + str(home.path / 'err'))
              ) as person:
        person.types(TYPED + '\x04')
        status = person.wait()
        said = (home.path / 'err').read_text()
        t.ok(status == 0 and said == '', 'no prompt in a file', status, said)


# While it is sent

LONG = HEADER + b'\r\n' + (b'x' * 998 + b'\r\n') * 16000


class Slow:
    """A server that takes nothing of the mail's data before `go', and answers
    not before `answer'; `held' grows with each mail that it lets wait."""

    def __init__(self, reply='250 2.0.0 taken', chunking=False):
        self.reply = reply
        self.chunking = chunking
        self.go = threading.Event()
        self.answer = threading.Event()
        self.held = threading.Semaphore(0)
        self.server = Server(play=self.play)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go.set()
        self.answer.set()
        self.server.close()

    def play(self, _, sock):
        lines = sock.makefile('rb')
        sock.sendall(b'220 mail.test\r\n')
        for line in lines:
            if line[:4] == b'DATA':
                sock.sendall(b'354 go on\r\n')
                self.hold(sock)
                while next(lines, b'.\r\n') != b'.\r\n':
                    pass
                self.end(sock)
            elif line[:4] == b'BDAT':
                self.hold(sock)
                lines.read(int(line.split()[1]))
                if b'LAST' in line:
                    self.end(sock)
                else:
                    sock.sendall(b'250 ok\r\n')
            elif line[:4] == b'EHLO' and self.chunking:
                sock.sendall(b'250-mail.test\r\n250 CHUNKING\r\n')
            else:
                sock.sendall(b'250 ok\r\n')

    def hold(self, sock):
        self.holding = sock
        self.held.release()
        self.go.wait(WAIT)

    def end(self, sock):
        self.answer.wait(WAIT)
        sock.sendall(self.reply.encode() + b'\r\n')

    def is_sent_to(self):
        """Waits for one more mail."""
        if not self.held.acquire(timeout=WAIT):
            raise AssertionError('no mail came as far as its data')

    def has(self):
        """Octets that came to this machine by now: the system has them, but
        for what was read ahead."""
        return struct.unpack('i', fcntl.ioctl(
            self.holding, termios.FIONREAD, bytes(4)))[0] + (1 << 17)

    def config(self, *lines):
        return self.server.config('log off', *lines)


def drawn(shown):
    """The lines that are there once all was drawn over, and all that was ever
    drawn."""
    frames = [frame for line in shown.split('\n') for frame in
              line.split('\r')]
    lines = []
    for line in shown.split('\n'):
        now = ''
        for frame in line.split('\r'):
            now = frame + now[len(frame):]
        lines.append(now.rstrip())
    return lines, [frame.rstrip() for frame in frames if frame.strip()]


def uploads(home, config, *argv, redirect='', **more):
    """A long mail from a file."""
    if not (home.path / 'long').exists():
        home.file('long', LONG)
    return sits(home, config, *argv, BOB, **more, under=(
        'sh', '-c', f'exec "$0" "$@" <{home.path}/long {redirect}'))


def resize(person, columns):
    fcntl.ioctl(person.terminal, termios.TIOCSWINSZ,
                struct.pack('4H', 24, columns, 0, 0))


def plain(shown):
    return re.sub('\033\\[[0-9;]*m', '', shown)


STEP = re.compile(r'sending: \d+%, \d+\.\d of 16\.0 MB, '
                  r'(stalled|[0-9.]+ [kM]?B/s(, \d.* left)?)')
SENT = "sent 16.0 MB, waiting for the server's answer"


def test_progress(t, home):
    """Octets, rate, time left; in the end it is gone, and what is said then
    stands alone."""
    refused = ['sendling: mail not sent: ', '  server: 554', '']
    for reply, chunking, status, said in (
            ('250 2.0.0 taken', False, 0, ['']),
            ('554 5.7.1 no', False, 69, refused),
            ('250 2.0.0 in chunks', True, 0, [''])):
        with Slow(reply, chunking) as slow, uploads(
                home, home.config(slow.config())) as person:
            resize(person, 100)
            slow.is_sent_to()
            person.sees('sending: ')
            person.sees('sending: ')
            person.sees('s left')
            shown = drawn(person.shown)[1][-1]
            has = slow.has()
            t.ok(STEP.fullmatch(shown) and
                 float(shown.split()[2]) * 1000000 <= has,
                 f'{reply}: no octet counts that is not there', shown, has)
            slow.go.set()
            person.sees(SENT)
            slow.answer.set()
            ended = person.wait()
            lines, frames = drawn(person.shown)
            t.ok(ended == status and len(lines) == len(said) and
                 all(line.startswith(words) and bool(line) == bool(words)
                     for line, words in zip(map(plain, lines), said)),
                 f'{reply}: in the end it is gone', ended, *lines)
            steps = [frame for frame in frames if 'of 16.0' in frame]
            t.ok(steps and all(map(STEP.fullmatch, steps)),
                 f'{reply}: octets, rate and time left', *frames)


def test_progress_narrow(t, home):
    """As wide as the terminal is, also when it changes meanwhile."""
    with Slow() as slow, contextlib.ExitStack() as stack:
        config = home.config(slow.config())
        people = []
        for before, after in ((100, 30), (12, 100), (0, 40), (45, 4), (2, 1)):
            person = stack.enter_context(uploads(home, config))
            resize(person, before)
            people.append((person, before, after))
        for person, before, after in people:
            slow.is_sent_to()
        for person, before, after in people[:-1]:
            person.sees('%')
            resize(person, after)
            person.since = len(person.shown)
            person.sees('%')
        slow.go.set()
        slow.answer.set()
        for person, before, after in people:
            status = person.wait()
            frames = drawn(person.shown)[1]
            # What was there already has its end behind this.
            later = drawn(re.sub('^[^\\r\\n]*', '', person.shown[
                getattr(person, 'since', 0):]))[1]
            t.ok(status == 0 and bool(frames) == (before != 2) and
                 max(map(len, frames), default=0) < max(before or 80, after)
                 and max(map(len, later), default=0) < after,
                 f'{before} columns, then {after}: no line is longer', status,
                 repr(person.shown))


def test_no_progress(t, home):
    """Whoever sees none began before the one who does."""
    with Slow() as slow, contextlib.ExitStack() as stack:
        config = home.config(slow.config())
        environment = usual(home, slow.config())
        err = home.path / 'err'
        silent = {
            'a file': uploads(home, config, redirect=f'2>{err}'),
            'a pipe': uploads(home, config, redirect='2>&1 | cat'),
            'TERM=dumb': uploads(home, config, environment={'TERM': 'dumb'}),
            'no TERM': uploads(home, config, environment={'TERM': ''}),
            '-oeq': uploads(home, config, '-oeq'),
            'the background': sits(home, config, BOB, under=(
                'bash', '-mc', f'"$0" "$@" <{home.path}/long & wait')),
        }
        for person in silent.values():
            stack.enter_context(person)
            slow.is_sent_to()
        with open(home.path / 'long', 'rb') as mail:
            cron = home.start(
                '-i', '-FCronDaemon', BOB, name='sendmail', stdin=mail,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                environment=environment, start_new_session=True)
        slow.is_sent_to()
        home.file('dialogue', SERVE.replace(b'Hello.', LONG))
        served = stack.enter_context(sits(home, config, '-bs', '-v', under=(
            'sh', '-c', f'exec "$0" "$@" <{home.path}/dialogue')))
        slow.is_sent_to()
        seen = stack.enter_context(uploads(
            home, None, name='sendmail', environment=environment))
        seen.sees('sending: ')
        seen.sees('sending: ')
        t.ok(True, 'a person who calls sendmail sees one')
        slow.go.set()
        slow.answer.set()
        for sentence, person in silent.items():
            status = person.wait()
            t.ok(status == 0 and 'sent' not in person.shown and
                 'sending' not in person.shown,
                 f'{sentence}: none', status, repr(person.shown))
        t.ok(err.read_text() == '', 'nor in the file', err.read_text())
        with cron.stderr:
            said = cron.stderr.read()
        t.ok(cron.wait() == 0 and said == b'', 'cron: none', said)
        status = served.wait()
        t.ok(status == 0 and 'sending' not in served.shown, '-bs -v: none',
             status, served.shown[-2000:])
        t.ok(seen.wait() == 0, 'and all mails are sent', seen.shown)


def test_progress_beside_others(t, home):
    """The dialogue of -v has lines of its own; a terminal that is stopped holds
    nobody up."""
    with Slow() as slow, uploads(home, home.config(slow.config()),
                                 '-v') as person:
        slow.is_sent_to()
        person.sees('sending: ')
        slow.go.set()
        person.sees(SENT)
        slow.answer.set()
        status = person.wait()
        lines = drawn(plain(person.shown))[0]
        t.ok(status == 0 and lines[-1] == '' and
             all(re.match(r'C: |S: |-- |$', line) for line in lines),
             '-v: each line stands alone', status, *lines)
    with Slow() as slow, uploads(home, home.config(slow.config())) as person:
        slow.is_sent_to()
        person.sees('sending: ')
        person.types('\x13')
        slow.go.set()
        slow.answer.set()
        t.ok(person.process.wait(WAIT) == 0, 'with ^S it goes on')
        person.types('\x11')


def test_progress_interrupted(t, home):
    """^C leaves the line to the shell; the terminal shows the key before or
    behind what takes the line away."""
    with Slow() as slow, uploads(home, home.config(slow.config())) as person:
        slow.is_sent_to()
        person.sees('sending: ')
        person.types('\x03')
        status = person.wait()
        gone = [''], ['^C']
        # What was written comes through the terminal when it does.
        while (lines := drawn(person.shown)[0]) not in gone and \
                person.read(WAIT):
            pass
        t.ok(status == -signal.SIGINT and lines in gone, '^C takes it away',
             status, *lines)


def test_calls(t, home, box):
    """A program's mail costs no system call for any of this; a long one an
    answer that nobody looks."""
    if not can_trace():
        return t.skip('no system call for a screen', 'no strace')
    for message, most in ((MESSAGE, 0), (LONG, 2)):
        run, lines = trace(home, 'ioctl', BOB, config=home.config(
            box.config()), stdin=message)
        asked = [line for line in lines if not re.search(
            r'ioctl\(0, TCGETS', line)]
        t.ok(run.status == 0 and len(asked) <= most,
             f'{most} system calls for a screen, {len(message)} octets',
             run.words(), *asked)
        box.settle()
        box.clear()


# Colours

RED, YELLOW, GREEN, CYAN, END = (
    '\033[1;31m', '\033[33m', '\033[32m', '\033[36m', '\033[0m')
GRAY = ({'NO_COLOR': '1'}, {'TERM': 'dumb'}, {'TERM': ''})


def test_colours(t, home, certificate):
    """At a terminal that has them, unless NO_COLOR is set; never in a pipe or a
    file."""
    transcript = home.path / 'transcript'
    with Server(certificate, users=[('alice', 'secret')]) as server:
        good = home.config(server.config('password secret'), 'good')
        wrong = home.config(server.config('password wrong'), 'wrong')
        bad = home.config(ACCOUNT + TLS + 'spool /nowhere\nuser a\n'
                          'tls-verify no\npassword-file /nowhere\n', 'bad')
        odd = home.config(ACCOUNT + TLS + 'user a\npassword-credential x\n',
                          'odd')
        for config, argv, wanted in (
                (bad, (BOB,), (f'{RED}sendling:{END} ',
                                f'{CYAN}  hint:{END} ')),
                (bad, ('--check',), (f'{RED}{bad}:4:{END} ',
                                     f'  {CYAN}hint:{END} ')),
                (odd, ('--check',), (f'{YELLOW}remark:{END} ',)),
                (good, ('--check',), (f'{GREEN}no faults{END}; ',)),
                (good, ('--probe',), (f'{GREEN}login: accepted',)),
                (wrong, ('--probe',), (f'{RED}login: refused',
                                       f'{RED}error: ')),
                (wrong, ('--queue-only', '-v', '-X', transcript, BOB),
                 (f'{RED}sendling:{END} ',)),
                (wrong, ('--probe', '-v', '-X', transcript),
                 (f'{CYAN}C: {END}EHLO', f'{GREEN}S: {END}250',
                  f'{RED}S: {END}535'))):
            seen = []
            for environment in ({}, {'NO_COLOR': ''}, *GRAY):
                with sits(home, config, *argv,
                          environment=environment) as person:
                    person.types('From: alice@example.com\n\n.\n')
                    person.wait()
                    seen.append(person.shown)
            t.ok(all(words in shown for words in wanted
                     for shown in seen[:2]),
                 f'{config.name}, {argv[0]}: colours', *seen[:2])
            t.ok('\033' not in ''.join(seen[2:]),
                 f'{config.name}, {argv[0]}: none where none are wanted',
                 *map(repr, seen[2:]))
            run = home.run(*argv, config=config,
                           environment={'TERM': 'xterm'})
            t.ok(b'\033' not in run.out + run.err,
                 f'{config.name}, {argv[0]}: none in a pipe', run.words())
        t.ok('C: EHLO' in transcript.read_text() and
             '\033' not in transcript.read_text(), 'none in a transcript')


sys.exit(run_tests(globals()))
