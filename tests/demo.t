#!/usr/bin/env python3
"""The demo: it runs to its end, shows what it should and leaves nothing behind;
and the recording of it shows the same, and nothing of where it was made."""

import html
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import harness

DEMO = harness.TESTS / 'demo.sh'
RECORDING = harness.TESTS.parent / 'man/demo.svg'
# A step each.
STEPS = ('sendling --check', 'sendling --probe', 'sendling --dry-run -t',
         'sendling -v -t', 'sendmail -FCronDaemon -i', 'mailq',
         'sendling -qI')
# What stands in the demo only where all of its parts are real.
SIGHTS = ('did you mean `smarthost', 'login: accepted by PLAIN',
          'C: AUTH PLAIN [secret]', 'PLAIN over TLSv1.3',
          '535 5.7.8 Authentication failed', 'From: CronDaemon <alice@',
          '1 attempt, next in', 'Mail queue is empty')


def run(**more):
    return subprocess.run([DEMO], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=harness.WAIT, env={**os.environ, **more})


def check_demo(tap):
    done = run()
    tap.ok(done.returncode == 0 and not done.stderr, 'the demo goes well',
           done.returncode, done.stderr, done.stdout)
    for step in STEPS:
        tap.ok(re.search(r'^(\$| ) .*' + re.escape(step), done.stdout, re.M),
               'it shows ' + step, done.stdout)
    missing = [sight for sight in SIGHTS if sight not in done.stdout]
    tap.ok(not missing, '... and what one is to see', *missing)
    folder = re.search(r'(/\S+)/\.config/sendling/config:1: ', done.stdout)
    tap.ok(folder and not os.path.exists(folder[1]),
           'it leaves nothing behind', folder)
    return re.findall(r'^\$ (.*)', done.stdout, re.M)


def check_needs(tap):
    """A server's certificate is checked, and so the demo, by the system's
    authorities: where none are they must come with what it installs."""
    with tempfile.TemporaryDirectory() as folder:
        lies = {'uname': 'echo Linux', 'id': 'echo 1000',
                'dpkg-query': 'exit 1', 'mktemp': 'echo $0.log', 'rm': ':',
                'cat': ':', 'grep': 'exit 1'}
        for name, body in lies.items():
            path = pathlib.Path(folder, name)
            path.write_text(f'#!/bin/sh\n{body}\n')
            path.chmod(0o755)
        done = subprocess.run(
            ['/bin/sh', harness.TESTS / 'deps.sh', 'build'], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={'PATH': folder})
    if 'apt-get' not in done.stdout:
        tap.skip('authorities are installed', 'not on Debian')
        return
    tap.ok(re.search(r'\bca-certificates\b', done.stdout),
           'authorities are among what it installs', done.stdout)


def check_failure(tap):
    """A demo that goes on whatever happens would show nothing."""
    done = run(SENDLING='/bin/true')
    tap.ok(done.returncode == 1 and 'should be 78' in done.stderr,
           'it ends where a step ends in another way than it should',
           done.returncode, done.stderr)


def check_recording(tap, shown):
    text = RECORDING.read_text()
    tap.ok(len(text) < 300000, 'the recording is small', len(text))
    lines = [html.unescape(line)
             for line in re.findall(r'<text[^>]*>([^<]*)', text)]
    seen = {mask(line.removeprefix('$ ')) for line in lines
            if line.startswith('$ ')}
    # What is said where all is in memory is not recorded.
    missing = [line for line in shown if mask(line) not in seen and
               'spool-volatile' not in line]
    tap.ok(not missing, 'it has each command of the demo: `make recording\'',
           *missing)
    told = re.findall(r'/(?:tmp|var|root|work|usr)/[\w/.]*', text)
    tap.ok(not told, '... and no path of the machine that made it', *told)


def mask(command):
    """What is another each time: ports, keys and ids."""
    return re.sub(r'localhost:\d+|sha256:\S+|-qI\S+', '', command).strip()[:60]


def main():
    tap = harness.Tap()
    shown = check_demo(tap)
    check_needs(tap)
    check_failure(tap)
    check_recording(tap, shown)
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
