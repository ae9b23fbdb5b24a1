"""A person at a terminal: a program on a pseudo-terminal, what it shows, and
what is typed."""

import fcntl
import os
import pty
import select
import subprocess
import termios
import time

import harness

# Seconds; TEST_WAIT shortens them for whoever writes tests.
WAIT = int(os.environ.get('TEST_WAIT', harness.WAIT))


class Person:
    """Runs argv; what it showed so far is `shown`, what of it was not looked
    for yet comes behind `at`."""

    def __init__(self, argv, environment, folder='/', **more):
        # The terminal outlives the program, so that it can be asked how it was
        # left.
        self.master, self.terminal = pty.openpty()
        self.before = termios.tcgetattr(self.terminal)
        self.shown = ''
        self.at = 0
        self.process = subprocess.Popen(
            argv, env=environment, cwd=folder, stdin=self.terminal,
            stdout=self.terminal, stderr=self.terminal, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.terminal)

    def read(self, seconds):
        """Whether something came within the seconds."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        chunk = os.read(self.master, 65536)
        self.shown += chunk.decode(errors='replace').replace('\r\n', '\n')
        return True

    def sees(self, words):
        """Waits until the words are shown, behind those seen before."""
        end = time.monotonic() + WAIT
        while (at := self.shown.find(words, self.at)) < 0:
            ended = self.process.poll() is not None
            if not self.read(0.05) and (ended or time.monotonic() > end):
                raise AssertionError(f'{words!r} is not shown; but:\n' +
                                     self.shown[self.at:])
        self.at = at + len(words)

    def types(self, text):
        os.write(self.master, text.encode())

    def answers(self, question, text):
        self.sees(question)
        self.types(text + '\n')

    def echoes(self):
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)

    def wait(self, again=''):
        """Its exit status; who types `again' does so each second."""
        start = time.monotonic()
        presses = 1
        while (status := self.process.poll()) is None:
            passed = time.monotonic() - start
            if passed > WAIT:
                raise AssertionError('it still runs; it shows:\n' + self.shown)
            if again and passed > presses:
                presses += 1
                self.types(again)
            self.read(0.05)
        while self.read(0):
            pass
        return status

    def left_the_terminal_as_it_was(self):
        return termios.tcgetattr(self.terminal) == self.before
