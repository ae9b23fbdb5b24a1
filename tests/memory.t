#!/usr/bin/python3
"""There is no memory from some allocation on: whatever the program then says of
the mail, and its exit status, must be true of what the server took.

    tests/memory.t [WORD ...]    only the tests whose names hold a WORD
"""

import contextlib
import itertools
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import harness
import tickets
from home import HANG, SANITIZED, SERVE, Done, run_tests
from smtpd import Server

BOB, ANN = 'bob@example.org', 'ann@example.org'
LIBRARY = pathlib.Path(os.environ.get(
    'STARVE_LIBRARY', harness.TESTS.parent / 'build/tests/starve.so'))

# GMP aborts where it gets no memory, and libtasn1 uses what it did not get.
DEAD = (-signal.SIGABRT, -signal.SIGSEGV)


class Sweep:
    """Runs of one kind, starved at each allocation of the program itself in
    turn; then with those of its libraries, at one of each `step`, and at each
    of the last."""

    def __init__(self, home, server, *argv, lines=(), step=29, last=100,
                 act=None, **more):
        self.home, self.server, self.argv, self.more = home, server, argv, more
        self.act = act or home.run
        self.config = home.config(server.config(*lines))
        self.step, self.last = step, last
        self.lies, self.seen, self.runs = [], set(), 0

    def run(self, own, at=None):
        self.server.settle()
        self.server.clear()
        count = self.home.path / 'count'
        environment = {'LD_PRELOAD': str(LIBRARY), 'STARVE_COUNT': str(count)}
        if own:
            environment['STARVE_OWN'] = '1'
        if at is not None:
            environment['STARVE'] = str(at)
        done = self.act(*self.argv, config=self.config,
                        environment=environment, **self.more)
        self.server.settle()
        return done, count

    def sweep(self, judge):
        """judge(done, who have the mail): a word for what was seen, or None
        for a lie."""
        for own in (True, False):
            total = int(self.run(own)[1].read_text())
            points = range(total + 1) if own else sorted(
                {*range(0, total, self.step), *range(total - self.last, total)})
            for at in points:
                done, _ = self.run(own, at)
                have = [who for _, envelope in self.server.took
                        for who in envelope['to']]
                word = judge(done, have)
                self.runs += 1
                self.seen.add(word)
                if word is None:
                    self.lies.append(f'{"own" if own else "any"} {at}: '
                                     f'{have} have it; {done.words()}')

    def tell(self, t, sentence, *wanted):
        t.ok(not self.lies and set(wanted) <= self.seen,
             f'{sentence}: {self.runs} runs, no lie', self.seen,
             *self.lies[:20], f'{len(self.lies)} lies')


def told(done):
    return done.err.decode(errors='replace')


def test_submission(t, home, certificate):
    for sentence, server, lines in (
            ('DATA', Server(without=['CHUNKING']), []),
            ('over TLS', Server(certificate, users=[('alice', 'secret')]),
             ['password secret'])):
        def judge(done, have):
            if done.status == 0 and have == [BOB] and done.silent():
                return 'sent'
            if done.status == 75 and 'may have been' in told(done):
                return 'doubtful'
            if done.status in (71, 75, 76, 77, 78, 127, *DEAD) and \
                    not have and 'may have been' not in told(done):
                return 'not sent'
            return None
        sweep = Sweep(home, server, BOB, lines=lines)
        sweep.sweep(judge)
        sweep.tell(t, sentence, 'sent', 'doubtful', 'not sent')
        server.close()


def test_some_recipients(t, home):
    """Once somebody has it, 75 would send it to him again."""
    server = Server(refuse=[(ANN, '550 5.1.1 No such user')])

    def judge(done, have):
        if done.status in (67, 69) and have == [BOB] and \
                re.search('sent to 1 of 2|not sent to all', told(done)):
            return 'sent to some'
        if done.status == 75 and 'may have been' in told(done):
            return 'doubtful'
        if done.status in (71, 75, 127, *DEAD) and not have and \
                'may have been' not in told(done):
            return 'not sent'
        return None
    sweep = Sweep(home, server, BOB, ANN)
    sweep.sweep(judge)
    sweep.tell(t, 'one of two', 'sent to some', 'doubtful', 'not sent')
    server.close()


def test_spool(t, home):
    """A mail that is in the spool goes out later: who is told that it was not
    sent sends it again."""
    server = Server(refuse=[(BOB, '451 4.2.1 Later')])
    spool = home.path / 'spool'
    folder = home.path / 'xdg/sendling'
    folder.mkdir(parents=True)
    # As the configuration of the user, which a later run finds, too.
    home.config(server.config(f'spool {spool}'), 'xdg/sendling/config')

    def run(*argv, environment, config, **more):
        for path in spool.glob('*'):
            path.unlink()
        return home.run(*argv, environment={
            **environment, 'XDG_CONFIG_HOME': str(folder.parent)}, **more)

    def judge(done, have):
        kept = list(spool.glob('*'))
        if have or any(path.name[0] != 'Q' for path in kept):
            return None
        if len(kept) == 1 and done.status == 0 and done.silent():
            return 'kept'
        if not kept and done.status in (71, 75, 127, *DEAD) and told(done):
            return 'not sent'
        return None
    sweep = Sweep(home, server, BOB, act=run)
    sweep.sweep(judge)
    sweep.tell(t, 'a spool', 'kept', 'not sent')
    server.close()


def test_queue(t, home):
    """Who lists a spool, or runs through an empty one, sends no mail."""
    spool = home.path / 'spool'
    spool.mkdir(mode=0o700)
    tickets.put(spool, 'H', int(time.time()))
    for argv, words in ((['-bp'], 'what is printed is not all'),
                        (['-q'], 'what was not sent waits in the spool')):
        def judge(done, have):
            if done.status == 0:
                return 'done'
            if done.status == 71 and words in told(done):
                return 'told'
            if done.status == 71 and 'nothing was done' in told(done):
                return 'early'
            if done.status in (75, 78, 127, *DEAD) and \
                    'mail not sent' not in told(done):
                return 'died'
            return None
        with Server() as server:
            sweep = Sweep(home, server, *argv, lines=[
                f'spool {spool}', 'spool-volatile yes'], step=199, last=9)
            sweep.sweep(judge)
            sweep.tell(t, ' '.join(argv), 'done', 'told', 'early')


def test_serve(t, home):
    """What the client of -bs is told of each of two mails; no reply at all
    tells it nothing, and so nobody has that mail."""
    server = Server()
    second = SERVE.partition(b'\r\n')[2].replace(BOB.encode(), ANN.encode())

    def talk(*argv, **more):
        """The second mail comes when the first is answered."""
        pipe = subprocess.PIPE
        process = home.start(*argv, stdin=pipe, stdout=pipe, stderr=pipe,
                             **more)
        heard = b''
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(SERVE.removesuffix(b'QUIT\r\n'))
            process.stdin.flush()
            while not re.search(rb'\n(250 2\.0\.0|4|5).*\n', heard) and \
                    (chunk := process.stdout.read1()):
                heard += chunk
            process.stdin.write(second)
            process.stdin.flush()
        out, err = process.communicate(timeout=HANG)
        return Done(process.returncode, heard + out, err)

    def judge(done, have):
        replies = done.out.decode().splitlines()
        ends = [reply for reply in replies[1:] if not reply.startswith(
            ('250-', '250 ENH', '250 2.1', '354', '221', '421'))]
        words = []
        if not all(reply[:3].isdigit() for reply in replies) or \
                done.status not in (0, 71, 127, *DEAD):
            return None
        for who, reply in itertools.zip_longest((BOB, ANN), ends):
            if 'may have been' in (reply or ''):
                words.append('doubtful')
            elif (who in have) != (reply or '').startswith('250 '):
                return None
            else:
                words.append('sent' if who in have else 'not sent')
        return ', '.join(words)
    sweep = Sweep(home, server, '-bs', '-F', 'Name', act=talk)
    sweep.sweep(judge)
    sweep.tell(t, '-bs', 'sent, sent', 'sent, doubtful', 'sent, not sent',
               'doubtful, not sent', 'not sent, not sent')
    server.close()


if SANITIZED:
    harness.skip_all('sanitizers have an allocator of their own')
if not LIBRARY.exists():
    harness.skip_all(f'{LIBRARY} is missing: make {LIBRARY}')
sys.exit(run_tests(dict(globals())))
