#!/usr/bin/env python3
"""End to end: sendling-setup, as `make install' lays it out, is used by a
person at a pseudo-terminal, who goes from nothing to a delivered mail. DNS is a
dnsmasq, the servers are those of smtpd.py on the ports that providers have, and
the system trusts their authority: all of it in namespaces of their own.

    tests/setup.t --fetch       only fetches the packages, where it can
    tests/setup.t NAME          only the tests whose names hold this word
"""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import traceback

import daemons
import harness
import smtpd
from daemons import RUN, run, wait_for
from person import Person

CACHE = harness.TESTS.parent / 'build/setup'
PACKAGES = ['dnsmasq-base', 'busybox']
SCRIPT = '/usr/local/bin/sendling-setup'
APPLETS = RUN / 'applets'
# How a shell is started, and where it finds its tools: busybox its own.
SHELLS = {'dash': (['/bin/dash'], '/usr/local/bin:/usr/bin:/bin'),
          'bash': (['/bin/bash'], '/usr/local/bin:/usr/bin:/bin'),
          'busybox': ([str(APPLETS / 'busybox'), 'sh'], f'/usr/local/bin:{APPLETS}')}
PASSWORD = 'p a:s"s\\#w%rd'
NAMES = ('smtp.gmail.com', 'smtp.office365.com', 'mail.example.org',
         'smtp.mailbox.org', 'smtp.guess.example', 'mail.guess2.example',
         'mail.oauth.example', 'relay.example')
ZONE = '''
port=53
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
no-daemon
user=root
group=root
local=/#/
host-record=smtp.gmail.com,127.0.0.2
host-record=smtp.office365.com,127.0.0.2
host-record=mail.example.org,127.0.0.3
host-record=smtp.mailbox.org,127.0.0.2
host-record=smtp.guess.example,127.0.0.4
host-record=mail.guess2.example,127.0.0.4
host-record=smtp.pin.example,127.0.0.5
host-record=mail.plain.example,127.0.0.6
host-record=relay.example,127.0.0.7
host-record=mail.oauth.example,127.0.0.8
srv-host=_submissions._tcp.example.org,mail.example.org,465,10,5
srv-host=_submission._tcp.example.org,relay.example,587,0,5
srv-host=_submission._tcp.only587.example,mail.example.org,587,10,5
mx-host=workspace.example,aspmx.l.google.com,1
mx-host=tenant.example,tenant-example.mail.protection.outlook.com,1
'''


# The surroundings

def lay_out():
    """All that the tests see, in our namespaces alone."""
    root = CACHE / 'root'
    shutil.rmtree(root / 'usr/local', ignore_errors=True)
    run(os.environ.get('MAKE', 'make'), '-s', 'install', f'DESTDIR={root}',
        f'B={pathlib.Path(harness.SENDLING).parent}', cwd=harness.TESTS.parent,
        env={name: value for name, value in os.environ.items()
             if not name.startswith('MAKE') and name != 'MFLAGS'})
    daemons.lay_over(root, {})
    APPLETS.mkdir()
    for name in run(f'{root}/bin/busybox', '--list').split() + ['busybox']:
        (APPLETS / name).symlink_to(f'{root}/bin/busybox')
    pathlib.Path('/etc/resolv.conf').write_text('nameserver 127.0.0.1\n')
    (RUN / 'zone').write_text(ZONE)
    run(str(harness.TESTS / 'certs.sh'), str(RUN / 'certs'),
        'ours=' + ','.join('DNS:' + name for name in NAMES))
    with open('/etc/ssl/certs/ca-certificates.crt', 'a') as trusted:
        trusted.write((RUN / 'certs/ca.pem').read_text())
    daemons.raise_loopback()


def start_dns():
    server = subprocess.Popen(
        ['/usr/sbin/dnsmasq', '-C', str(RUN / 'zone')],
        stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if not wait_for(lambda: daemons.answers(53) or server.poll() is not None) \
            or server.poll() is not None:
        raise SystemExit('Bail out! dnsmasq did not start')
    return server


def serve(last, certificate='ours', implicit=True, **more):
    """A server at 127.0.0.`last`, on 587 and, unless told otherwise, 465."""
    more.setdefault('users', {'alice@gmail.com': PASSWORD})
    ports = {'smtp': 587}
    if implicit:
        ports['smtps'] = 465
    return smtpd.Server(
        certificate and str(RUN / f'certs/{certificate}.pem'),
        host=f'127.0.0.{last}', ports=ports, **more)


class Home:
    """A home of the person's own, and the whole of what the run leaves."""

    def __init__(self):
        self.path, self.temporary = RUN / 'home', RUN / 'tmp'
        for path in self.path, self.temporary:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
        self.folder = self.path / '.config/sendling'
        self.config = self.folder / 'config'
        self.password = self.folder / 'password'

    def put(self, text, name='config'):
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)

    def files(self):
        return sorted(str(path) for top in (self.path, self.temporary)
                      for path in top.rglob('*') if not path.is_dir())

    def setup(self, *argv, shell='dash', under=(), **environment):
        start, path = SHELLS[shell]
        return Person([*under, *start, SCRIPT, *argv],
                      {'HOME': str(self.path), 'PATH': path, 'TERM': 'xterm',
                       'TMPDIR': str(self.temporary), **environment})


def mode(path):
    return path.stat().st_mode & 0o7777


def lines(path):
    return [line for line in path.read_text().splitlines()
            if line and not line.startswith('#')]


# The tests

def test_table(t, home, shell):
    """A provider of the table, a refused password, then the right one."""
    with serve(2) as server, home.setup('alice@gmail.com', shell=shell) as p:
        p.sees('Gmail and Google Workspace is in the table')
        p.sees('needs two-step login')
        p.sees('Trying smtps://smtp.gmail.com:465 ... it answers.')
        p.sees('It takes an application password')
        p.answers('(p)assword, or by (o)Auth [p]: ', '')
        p.answers('User name [alice@gmail.com]: ', '')
        p.sees('Application password (not shown): ')
        silent = wait_for(lambda: not p.echoes())
        p.types('wrong\n')
        p.sees('535 5.7.8 Authentication failed')
        refused = server.told.count(('TLSv1.3', 'QUIT'))
        p.answers('Which [p]: ', 'p')
        p.answers('(not shown): ', PASSWORD)
        p.answers('take them out? (yes or no) [yes]: ', 'no')
        p.sees('accepted the login')
        p.answers(f'Write this to {home.config}? (yes or no) [yes]: ', '')
        p.sees(f'Written: {home.password}, mode 600')
        p.answers('Send a mail to alice@gmail.com now? (yes or no) [yes]: ',
                  'y')
        p.sees('took it')
        t.ok(p.wait() == 0, 'status 0', p.shown)
        t.ok(silent and 'wrong' not in p.shown and PASSWORD not in p.shown,
             'what is typed as password is not shown', p.shown)
        t.ok(p.left_the_terminal_as_it_was(), 'the terminal is as it was')
        logins = [line for _, line in server.told if line.startswith('AUTH')]
        t.ok(len(logins) == 3, 'one login for each password, and the mail\'s',
             *logins, refused)
        t.ok(len(server.took) == 1 and
             server.took[0][1]['to'] == ['alice@gmail.com'] and
             server.took[0][1]['user'] == 'alice@gmail.com',
             'the mail came, from nothing', server.took, p.shown)
    t.ok(lines(home.config) == [
        'smarthost smtps://smtp.gmail.com:465', 'user alice@gmail.com',
        f'password-file {home.password}', 'from alice@gmail.com',
        'domain gmail.com'], 'the configuration', *lines(home.config))
    t.ok(home.password.read_text() == PASSWORD + '\n' and
         mode(home.password) == 0o600 and mode(home.config) == 0o600 and
         mode(home.folder) == 0o700,
         'its password, byte for byte, is for nobody else')
    t.ok(home.files() == sorted(map(str, (home.config, home.password))),
         'nothing else is left', *home.files())


# Running them

def run_test(t, name, test, **given):
    try:
        test(t, Home(), **given)
    except Exception:  # the tests behind it are run all the same
        t.ok(False, f'{name} died', traceback.format_exc())


class Named:
    """A Tap whose sentences say which test and shell they are of."""

    def __init__(self, tap, name):
        self.tap, self.name = tap, name

    def ok(self, good, sentence, *more):
        return self.tap.ok(good, f'{self.name}: {sentence}', *more)


def main():
    only = [word for word in sys.argv[1:] if not word.startswith('-')]
    daemons.enter_namespaces(CACHE, PACKAGES)
    lay_out()
    dns = start_dns()
    tap = harness.Tap()
    try:
        for name, test in list(globals().items()):
            if not name.startswith('test_') or only and \
                    not any(word in name for word in only):
                continue
            wants_shell = 'shell' in test.__code__.co_varnames[
                :test.__code__.co_argcount]
            for shell in SHELLS if wants_shell else ('dash',):
                label = name[5:].replace('_', ' ') + (
                    f', {shell}' if wants_shell else '')
                run_test(Named(tap, label), name, test,
                         **({'shell': shell} if wants_shell else {}))
    finally:
        dns.terminate()
        dns.wait()
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
