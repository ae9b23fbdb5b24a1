#!/usr/bin/env python3
"""README: its commands are run as they are printed, by those who shall type
them, on a machine with a mail.example.org of its own; and each block of it is
either run here or in the test that is named below."""

import re
import subprocess
import sys
import textwrap

import daemons
import harness
import smtpd
from machine import Activated, Machine

README = (harness.TESTS.parent / 'README').read_text()
PASSWORDS = {'alice@example.org': 'wonderland', 'app@example.org': 'for apps',
             'machine@example.org': 'never for users'}
# How a block begins that is run, or held, elsewhere, and by which test.
ELSEWHERE = {
    'apt-get update': 'deps.sh',
    'make deb': 'trees/bookworm.t',
    'make\n': 'build.t',
    'sendling-setup alice': 'setup.t',
    'sendling-setup --system': 'setup.t',
    'password-command pass': 'manual.t',
    'Gmail': 'manual.t',
    'for name': 'divert.t',
    'ln -s': 'divert.t',
    'sendmail_path': 'callers/php.sh',
    'git config': 'callers/git.sh',
    'set sendmail': 'callers/mutt.sh',
    '*/5': 'mailq.t',
    'smarthost  srv': 'fleet.t',
    '_submissions': 'fleet.t',
    'mailq --json': 'mailq.t',
}
MSMTPRC = '''defaults
auth on
tls on
tls_starttls off
account default
host mail.example.org
port 465
from alice@example.org
user alice@example.org
password wonderland
'''


class Book:
    """The blocks of README that nobody has run yet."""

    def __init__(self):
        self.left = []
        sections = re.split(r'^(\S.*)\n-+\n', README, flags=re.M)
        for title, text in zip(sections[1::2], sections[2::2]):
            if title != 'Figures':
                self.left += [
                    (title, textwrap.dedent(block))
                    for block in re.findall(r'(?:^ {4}.*\n)+', text, re.M)]

    def take(self, title, word):
        """The next block of this section that has the word."""
        for pair in self.left:
            if pair[0].startswith(title) and word in pair[1]:
                self.left.remove(pair)
                return pair[1]
        raise KeyError(f'{title}: {word}')

    def drop_others(self):
        """Without those that other tests have, which must be there."""
        self.left = [(title, block) for title, block in self.left if not any(
            block.startswith(begin) and (harness.TESTS / test).exists()
            for begin, test in ELSEWHERE.items())]


class User:
    """Somebody at a shell of the machine."""

    def __init__(self, machine, name):
        self.machine, self.name = machine, name
        self.home = f'/home/{name}' if name != 'root' else '/root'

    def type(self, text, stdin=b''):
        return self.machine.shell(
            text, stdin=stdin, environment={'HOME': self.home},
            user=None if self.name == 'root' else self.name)

    def append(self, name, text):
        return self.type(f'cat >>{name}', text.encode())


def prepare(machine, certificates):
    machine.add_user('alice')
    machine.shell('echo 127.0.0.1 mail.example.org >>/etc/hosts')
    machine.write('/usr/local/sbin/systemctl', '#!/bin/sh\nexit 0\n', 0o755)
    authorities = machine.path('/etc/ssl/certs/ca-certificates.crt')
    authorities.parent.mkdir(parents=True, exist_ok=True)
    authorities.write_text((certificates / 'ca.pem').read_text())


def went(*runs):
    return all(run.status == 0 for run in runs)


def words(*runs):
    return '\n'.join(run.words() for run in runs)


def came(server):
    """From whom and to whom, of each mail that has come since."""
    server.settle()
    mails = [(envelope['from'], envelope['to']) for _, envelope in server.took]
    server.took.clear()
    return mails


def try_provider(t, book, alice, server):
    title = 'Your provider'
    runs = [alice.type(book.take(title, 'mkdir')),
            alice.append('~/.config/sendling/config',
                         book.take(title, 'smarthost')),
            alice.type(book.take(title, 'umask'), b'wonderland\n'),
            alice.type(book.take(title, 'sendling --check'))]
    t.ok(went(*runs) and b'login: accepted' in runs[-1].out and
         came(server) == [('alice@example.org', ['bob@example.net'])],
         'the configuration by hand, --check, --probe and a first mail',
         words(*runs))


def try_alias(t, book, root, alice, server):
    run = root.append('/etc/aliases', book.take('As the', 'root: alice'))
    sent = alice.type('echo hello | sendling root')
    t.ok(went(run, sent) and
         came(server) == [('alice@example.org', ['alice@example.org'])],
         "root's mail goes where the alias says", words(run, sent))


def try_spool(t, book, machine, alice, server):
    title = 'A spool'
    runs = [alice.append('~/.config/sendling/config',
                         book.take(title, 'spool ')),
            alice.type(book.take(title, 'systemctl'))]
    hosts = machine.path('/etc/hosts')
    there = hosts.read_text()
    hosts.write_text(there.replace('127.0.0.1 mail', '127.0.0.9 mail'))
    run = alice.type(book.take(title, 'sendling -bp'))
    t.ok(went(run, *runs) and b'bob@example.net' in run.out and
         b'Connection refused' in run.out and not came(server),
         'what meets no network is kept', words(run, *runs))
    hosts.write_text(there)
    run = alice.type('sendling -qf')
    t.ok(went(run) and len(came(server)) == 1, '... and sent', words(run))


def try_container(t, book, machine, server):
    title = 'In a container'
    secret = machine.write('/run/secrets/mail', 'for apps\n', 0o644)
    secret.parent.chmod(0o755)
    lines = book.take(title, 'SENDLING_SMARTHOST').split()
    run = machine.start(
        'setpriv', '--reuid=54321', '--regid=54321', '--clear-groups',
        '--bounding-set=-all', '--no-new-privs', 'sendling',
        'bob@example.net', stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        environment=dict(line.split('=', 1) for line in lines))
    _, log = run.communicate(b'Subject: x\n\nx\n', timeout=harness.WAIT)
    t.ok(run.returncode == 0 and b'from=<app@example.org>' in log and
         came(server) == [('app@example.org', ['bob@example.net'])],
         'the environment is enough for somebody without a name', log)
    run = User(machine, 'root').type(book.take(title, '--set'))
    t.ok(went(run) and
         came(server) == [('app@example.org', ['bob@example.net'])],
         'one line is enough', words(run))


def try_import(t, book, alice, server):
    alice.append('~/.msmtprc', MSMTPRC)
    alice.type('chmod 600 ~/.msmtprc; rm -r ~/.config/sendling')
    block = book.take('Coming from', 'sendling-import')
    run = alice.type(block)
    sent = alice.type('echo hello | sendling bob@example.net')
    t.ok(went(run, sent) and
         came(server) == [('alice@example.org', ['bob@example.net'])],
         'what msmtp had goes on', words(run, sent))
    again = alice.type(block)
    sent = alice.type('echo hello | sendling bob@example.net')
    t.ok(b'password is there already: move it away' in again.err and
         went(sent) and len(came(server)) == 1,
         '... and so it does when that is typed again', words(again, sent))


def try_socket(t, book, machine, root, alice, server):
    title = 'Several users'
    runs = [root.type(book.take(title, 'systemd-sysusers')),
            root.append('/etc/sendling/config',
                        book.take(title, 'password-credential')),
            root.type(book.take(title, 'enable --now'),
                      b'never for users\n'),
            root.append('/etc/sendling.conf', book.take(title, '+unix:'))]
    alice.type('rm -r ~/.config/sendling')
    with Activated(machine, 'sendling'):
        sent = alice.type('echo hello | sendling bob@example.net')
        t.ok(went(sent, *runs) and
             came(server) == [('alice@example.org', ['bob@example.net'])],
             'alice sends through the socket', words(sent, *runs))
        shop = User(machine, 'www-data').type(
            'echo hello | sendling -f shop@example.org bob@example.net')
        t.ok(went(shop) and
             came(server) == [('shop@example.org', ['bob@example.net'])],
             'www-data sends as the last line says', words(shop))
        other = alice.type(
            'echo hello | sendling -f shop@example.org bob@example.net')
        t.ok(other.status == 69 and not came(server),
             'alice does not', words(other))
    run = alice.type('cat /etc/sendling/password')
    t.ok(run.status != 0 and b'never' not in run.out,
         'the password is for root alone', words(run))


def main():
    daemons.enter_namespaces(harness.TESTS.parent / 'build/recipes', [])
    daemons.raise_loopback()
    t, book = harness.Tap(), Book()
    with Machine() as machine:
        certificates = machine.folder / 'certificates'
        harness.make_certificates(certificates)
        prepare(machine, certificates)
        root, alice = User(machine, 'root'), User(machine, 'alice')
        with smtpd.Server(str(certificates / 'wrong-name.pem'),
                          users=PASSWORDS, ports={'smtps': 465}) as server:
            try_provider(t, book, alice, server)
            try_alias(t, book, root, alice, server)
            try_spool(t, book, machine, alice, server)
            try_container(t, book, machine, server)
            try_import(t, book, alice, server)
            try_socket(t, book, machine, root, alice, server)
            t.ok(server.faults == [], 'all as a correct client',
                 *server.faults)
    book.drop_others()
    t.ok(not book.left, 'each block is run, here or elsewhere', *book.left)
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
