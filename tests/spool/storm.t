#!/usr/bin/env python3
"""Many processes at one spool: none of the mails is lost, and none comes twice
but where somebody was killed.

    tests/spool/storm.t [WORD ...]    only the tests whose names hold a WORD

SPOOL_EVERY=10 in the environment: a tenth of the mails.
"""

import collections
import contextlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import rig
from harness import SENDLING, Tap, skip_all

EVERY = int(os.environ.get('SPOOL_EVERY', '1'))
FLUSHERS = 8
MAILS = 3000 // EVERY
KILLS = 100 // EVERY
IN_FLIGHT = 16  # whom a kill may leave in doubt
PASSING = 0  # the number of mails that nobody counts
BOB = 'bob@example.org'
EOPNOTSUPP = 95


SUMS = collections.Counter()


class Spool:
    """A spool, its server, and runs that may be many at a time."""

    def __init__(self):
        self.rig = rig.Rig()
        self.box = rig.Box()
        self.rig.lay({})
        self.rig.config('then', self.box.config(
            f'spool {self.rig.spool}', 'spool-volatile yes', 'log off'))
        self.numbers = itertools.count(1)
        self.wrong = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.box.close(settle=False)
        self.rig.__exit__()

    def start(self, *argv, stdin=b'', under=()):
        process = subprocess.Popen(
            [*under, SENDLING, *argv], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=self.rig.environment('then'), cwd='/')
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(stdin)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        return process

    def end(self, process, good=(0,)):
        err = process.stderr.read()
        process.stderr.close()
        if process.wait() not in good:
            self.wrong.append('status %s: %s' % (
                process.returncode, err.decode(errors='replace')))
        return process.returncode

    def run(self, *argv, stdin=b'', under=()):
        return self.end(self.start(*argv, stdin=stdin, under=under))

    def submit(self, *argv, under=()):
        """One more mail; its number."""
        number = next(self.numbers)
        self.run(*argv, '--', BOB, stdin=rig.mail(number), under=under)
        return number

    def fill(self, count):
        together(*[lambda: [self.submit('--queue-only')
                            for _ in range(count // 4)]] * 4)

    def waiting(self):
        return sum(name[0] == 'Q' for name in self.rig.names())

    def judge(self, t, sentence, twice_at_most=0):
        """After a run that nothing hinders each mail has come, once; how many
        came more often."""
        self.run('-qf')
        self.box.settle()
        times = collections.Counter(
            rig.number_of(message) for message, _ in self.box.took)
        del times[PASSING]
        sent = next(self.numbers) - 1
        lost = [n for n in range(1, sent + 1) if not times[n]]
        twice = sum(times.values()) - sum(n > 0 for n in times.values())
        left = [name for name in self.rig.names() if name != '.lock']
        changed = sum(message != rig.wired(rig.mail(rig.number_of(message)))
                      for message, _ in self.box.took)
        SUMS.update(mails=sent, lost=len(lost), twice=twice, changed=changed)
        t.ok(not lost and not left and not changed and not self.wrong and
             twice <= twice_at_most,
             f'{sentence}: mails {sent}, lost {len(lost)}, twice {twice}, '
             f'changed {changed}', f'lost {lost[:9]}', f'left {left[:9]}',
             *self.wrong[:5])


def together(*acts):
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_passing(t):
    """They take no lock for a run."""
    with Spool() as s:
        s.fill(MAILS)

        def send():
            while s.waiting():
                s.submit()
        together(*[send] * FLUSHERS)
        s.judge(t, f'{FLUSHERS} flush in passing')


def test_kills(t):
    """At random, among those who flush and those who send."""
    with Spool() as s:
        s.fill(MAILS // 3)
        chance, lock = random.Random(1), threading.Lock()
        running, kills, over = set(), [0], threading.Event()

        def flush(*argv, stdin=b''):
            while not over.is_set():
                process = s.start(*argv, stdin=stdin)
                with lock:
                    running.add(process)
                process.stderr.read()
                with lock:
                    running.discard(process)
                process.wait()

        def enqueue():
            while not over.is_set():
                s.submit('--queue-only')
                time.sleep(0.01)

        def kill():
            end = time.monotonic() + 60
            while kills[0] < KILLS and time.monotonic() < end:
                time.sleep(chance.random() * 0.03)
                with lock:
                    if running:
                        victim = chance.choice(sorted(
                            running, key=lambda p: p.pid))
                        running.discard(victim)
                        victim.send_signal(signal.SIGKILL)
                        kills[0] += 1
            over.set()
        def pass_by():
            flush('--', BOB, stdin=rig.mail(PASSING))
        together(*[lambda: flush('-qf'), pass_by] * (FLUSHERS // 2), enqueue,
                 kill)
        SUMS['kills'] = kills[0]
        s.judge(t, f'a storm of {kills[0]} kills', IN_FLIGHT * kills[0])


def test_enqueuers(t):
    """With those who flush at the same time."""
    with Spool() as s:
        over = threading.Event()

        def enqueue():
            for _ in range(MAILS // 24):
                s.submit('--queue-only')

        def flush():
            while not over.is_set():
                s.run('-qf')
        flushers = [threading.Thread(target=flush) for _ in range(3)]
        for thread in flushers:
            thread.start()
        together(*[enqueue] * 8)
        over.set()
        for thread in flushers:
            thread.join()
        s.judge(t, '8 enqueue while 3 flush')


class Held:
    """A run that stands still at its N-th call until it is let go."""

    def __init__(self, s, n, *argv, stdin=b'', unnamed=0):
        self.said, said = os.pipe()
        heard, self.go = os.pipe()

        def prepare():
            # Out of the way of each other first.
            a, b = os.dup(said), os.dup(heard)
            a = os.dup2(a, 20)
            b = os.dup2(b, 21)
            os.dup2(a, 3)
            os.dup2(b, 4)
        self.process = subprocess.Popen(
            [rig.INJECT, *(['-T', str(unnamed)] if unnamed else []),
             s.rig.result, str(n), 'hold', SENDLING, *argv],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=s.rig.environment('then'),
            preexec_fn=prepare, close_fds=False)
        os.close(said)
        os.close(heard)
        self.process.stdin.write(stdin)
        self.process.stdin.close()
        self.held = os.read(self.said, 1) == b'h'

    def release(self):
        with contextlib.suppress(BrokenPipeError):
            os.write(self.go, b'g')
        self.process.wait()
        os.close(self.said)
        os.close(self.go)


def calls_between(s, first, last, *argv, stdin=b'', unnamed=0):
    """The calls of a run from the first that is one of `first' to the last."""
    s.rig.inject(0, 'none', *argv, config='then', stdin=stdin,
                 unnamed=unnamed)
    trace = rig.read_trace(s.rig.trace)
    begin = next(c.n for c in trace if first(c))
    end = max(c.n for c in trace if last(c))
    return range(begin, end + 1)


def test_stopped_writer(t):
    """Files that bear a name while they are written are collected when their
    writer is dead, not when he is slow. He stands at each of his calls while
    another run collects and flushes."""
    with Spool() as s:
        argv = ('--queue-only', '--', BOB)
        calls = calls_between(
            s, lambda c: c.name == 'openat' and c.path()[:1] == 't',
            lambda c: c.name == 'fsync', *argv,
            stdin=rig.mail(next(s.numbers)), unnamed=EOPNOTSUPP)
        stood = 0
        for n in calls[::EVERY]:
            held = Held(s, n, *argv, stdin=rig.mail(next(s.numbers)),
                        unnamed=EOPNOTSUPP)
            stood += held.held
            s.run('-qf')
            held.release()
            status = int(s.rig.result.read_text().split()[2])
            if status != 0:
                s.wrong.append('the writer who stood at call %d ended so: %d' %
                               (n, status))
        s.judge(t, f'a writer who stands still at {stood} calls')


def test_two_runs(t):
    """The second run of -q leaves all to the first, wherever that stands."""
    with Spool() as s:
        s.submit('--queue-only')
        calls = calls_between(
            s, lambda c: c.name == 'openat' and c.path() == '.lock',
            lambda c: c.name in ('unlinkat', 'fsync'), '-qf')
        stood = 0
        for n in calls[::EVERY]:
            s.submit('--queue-only')
            held = Held(s, n, '-qf')
            stood += held.held
            s.run('-qf')
            held.release()
        s.judge(t, f'a second run while the first stands at {stood} calls')


def test_pid_namespaces(t):
    """Each of them is process 1, at the same time."""
    if not shutil.which('unshare') or subprocess.run(
            ['unshare', '-p', '-f', 'true'],
            stderr=subprocess.DEVNULL).returncode != 0:
        t.skip('60 in PID namespaces', 'namespaces are not allowed here')
        return
    with Spool() as s:
        started = [s.start('--queue-only', '--', BOB,
                           stdin=rig.mail(next(s.numbers)),
                           under=('unshare', '-p', '-f', '--kill-child'))
                   for _ in range(60)]
        for process in started:
            s.end(process)
        s.judge(t, '60 in PID namespaces of their own')


def main():
    if os.geteuid() != 0 or not os.path.exists(rig.INJECT):
        skip_all('needs root and the injector')
    t = Tap()
    for name, test in list(globals().items()):
        if name.startswith('test_') and (
                not sys.argv[1:] or any(w in name for w in sys.argv[1:])):
            start = time.monotonic()
            try:
                test(t)
            except Exception as error:  # the others are run all the same
                t.ok(False, f'{name} died', repr(error))
            t.note(f'{name}: {time.monotonic() - start:.0f} s')
    t.note('count: mails %d by many processes, lost %d, changed %d; twice %d, '
           'after %d kills' % tuple(SUMS[name] for name in (
               'mails', 'lost', 'changed', 'twice', 'kills')))
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
