#!/usr/bin/env python3
"""The recipes of sendling-recipes(7): the commands are those of the page, run
as who shall type them, with real programs of Debian; and what others may not
do is tried as them.

    tests/recipes.t --fetch     only fetches the packages, where it can
"""

import os
import pathlib
import re
import subprocess
import sys

import daemons
import harness
import recipes
import smtpd
from machine import UNITS, Activated, Machine, Unit, mode, write_start

CACHE = harness.TESTS.parent / 'build/recipes'
SECRET = 'never for users'
SEND = ('/usr/local/bin/sendling', 'bob@example.net')
LETTER = b'Subject: hello\r\n\r\nHello.\r\n'
# Takes down what it is told.
SYSTEMCTL = '#!/bin/sh\necho "$@" >>/run/systemctl\n'


def php():
    """What this Debian calls its PHP, or None; its lists may not be there
    yet."""
    for prepare in (), ('apt-get', '-q', 'update'):
        try:
            if prepare:
                daemons.run(*prepare)
            found = re.search(r'Depends: (php[0-9.]+)-cli', daemons.run(
                'apt-cache', 'depends', 'php-cli'))
        except OSError:
            continue
        if found:
            return found[1]
    return None


def packages():
    if os.environ.get('SENDLING_E2E') == 'inside':
        return []
    name = php()
    if name is None:
        if sys.argv[1:] == ['--fetch']:
            sys.exit(0)
        harness.skip_all('needs the packages of Debian')
    return ['cron', 'openbsd-inetd', 's6', f'{name}-cli', f'{name}-common']


def install_php(machine):
    program = next(machine.path('/usr/bin').glob('php[0-9]*'))
    link = machine.path('/usr/bin/php')
    link.unlink(missing_ok=True)
    link.symlink_to(program.name)


def install_cron(machine):
    """As the package's script does."""
    machine.shell('getent group crontab || groupadd --system crontab\n'
                  'mkdir -p /var/spool/cron/crontabs\n'
                  'chgrp crontab /usr/bin/crontab /var/spool/cron/crontabs\n'
                  'chmod 2755 /usr/bin/crontab\n'
                  'chmod 1730 /var/spool/cron/crontabs\n'
                  'rm -rf /etc/cron.d/* /etc/crontab')


def prepare(machine, certificates):
    """Users, programs, and a name and a certificate for mail.example.org."""
    for name in ('alice', 'bob'):
        machine.add_user(name)
    machine.shell('rm -f /usr/sbin/sendmail\n'
                  'ln -s /usr/local/bin/sendling /usr/sbin/sendmail\n'
                  'echo 127.0.0.1 mail.example.org >>/etc/hosts')
    machine.write('/usr/local/sbin/systemctl', SYSTEMCTL, 0o755)
    authorities = machine.path('/etc/ssl/certs/ca-certificates.crt')
    trusted = (certificates / 'ca.pem').read_text()
    if authorities.exists():
        trusted += authorities.read_text()
    machine.write('/etc/ssl/certs/ca-certificates.crt', trusted)
    install_php(machine)
    install_cron(machine)


class Book:
    """The page, of which each command is to be run."""

    def __init__(self, machine):
        self.machine = machine
        self.blocks = recipes.blocks()

    def take(self, where, user=None):
        """The next block of that section."""
        for block in self.blocks:
            if block.where == where and block.user == user:
                self.blocks.remove(block)
                return block
        raise KeyError(where)

    def follow(self, where, user='root', stdin=b'', **more):
        return self.machine.shell(
            self.take(where, user).text, stdin=stdin,
            user=None if user == 'root' else user, **more)


def senders(server):
    return sorted(envelope['from'] for _, envelope in server.took)


def empty(server):
    came = senders(server)
    server.took.clear()
    return came


def went(*runs):
    return all(run.status == 0 for run in runs)


def words(*runs):
    return '\n'.join(run.words() for run in runs)


def try_group(t, machine, book, server):
    where = 'A GROUP THAT MAY READ THE PASSWORD'
    runs = [book.follow(where, stdin=SECRET.encode() + b'\n'),
            book.follow(where), book.follow(where, 'alice')]
    t.ok(went(*runs) and empty(server) == ['alice@example.org'],
         'a member of the group sends', words(*runs))
    path = machine.path('/etc/sendling.password')
    t.ok(mode(path) == 0o640 and path.read_text() == SECRET + '\n',
         'and has the password')
    for user in 'bob', 'www-data':
        run = machine.run(*SEND, user=user, stdin=LETTER)
        cat = machine.run('cat', '/etc/sendling.password', user=user)
        t.ok(run.status == 78 and b'password' in run.err and
             cat.status != 0 and empty(server) == [],
             f'{user} does neither', words(run, cat))
    run = machine.shell('usermod -aG senders www-data')
    sent = machine.run(*SEND, user='www-data', stdin=LETTER)
    t.ok(went(run, sent) and empty(server) == ['www-data@example.org'],
         'but once put in', words(run, sent))
    machine.shell('gpasswd -d www-data senders')
    path.unlink()


def set_up_socket(t, machine, book, server):
    """The service, as the page does it."""
    where = 'Setting it up'
    runs = [book.follow(where), book.follow(where),
            book.follow(where, stdin=SECRET.encode() + b'\n'),
            book.follow(where)]
    password = machine.path('/etc/sendling/password')
    t.ok(went(*runs) and mode(password) == 0o600 and
         password.stat().st_uid == 0, 'the socket is set up', words(*runs))
    t.ok(b'login: accepted' in runs[-1].out and empty(server) == [],
         'and the login was tried', words(runs[-1]))
    # Its last command comes after the socket is there.
    block = book.take(where, 'root')
    commands, last = block.text.rstrip('\n').rsplit('\n', 1)
    run = machine.shell(commands)
    told = machine.path('/run/systemctl').read_text()
    t.ok(went(run) and told == 'enable --now sendling.socket\n',
         'and enabled', words(run), told)
    return last


def try_socket(t, machine, server, first):
    run = machine.shell(first)
    t.ok(went(run) and empty(server) == ['root@example.org'],
         'a first mail goes', words(run))
    for user in 'alice', 'bob', 'www-data':
        run = machine.run(*SEND, user=user, stdin=LETTER)
        cat = machine.run('cat', '/etc/sendling/password', user=user)
        t.ok(went(run) and cat.status != 0 and
             empty(server) == [f'{user}@example.org'],
             f'{user} sends, and cannot read the password', words(run, cat))


def try_senders(t, machine, book, server):
    where = 'Who may send as whom'
    as_office = machine.run(SEND[0], '-f', 'office@example.org', SEND[1],
                            user='alice', stdin=LETTER)
    t.ok(as_office.status == 69 and
         b'sender-of alice office@example.org' in as_office.err,
         'who may not send as another is told the line', words(as_office))
    run = book.follow(where)
    sent = book.follow(where, 'alice')
    t.ok(went(run, sent) and empty(server) == ['office@example.org'],
         'which lets her', words(run, sent))
    run = machine.run(SEND[0], '-f', 'office@example.org', SEND[1], user='bob',
                      stdin=LETTER)
    t.ok(run.status == 69 and empty(server) == [], 'and nobody else',
         words(run))


def try_spool(t, machine, book, server):
    where = 'Mail that waits'
    runs = [book.follow(where)]
    hosts = machine.path('/etc/hosts')
    there = hosts.read_text()
    hosts.write_text(there.replace('127.0.0.1 mail', '127.0.0.9 mail'))
    runs.append(machine.run(*SEND, user='alice', stdin=LETTER))
    files = list(machine.path('/var/spool/sendling').glob('Q*'))
    t.ok(went(*runs) and len(files) == 1, 'what cannot be sent now is kept',
         words(*runs))
    hosts.write_text(there)
    for path in files:  # due now
        os.utime(path, (0, 0))
    mailq = machine.run('/usr/local/bin/sendling', '-bp')
    t.ok(b'alice@example.org' in mailq.out, 'mailq of root lists it',
         words(mailq))
    machine.path('/run/systemctl').unlink()
    book.follow(where)
    told = machine.path('/run/systemctl').read_text()
    unit = told.split()[-1]
    run = machine.run(write_start(machine, 'flush', Unit(
        machine.path(f'{UNITS}/{unit}'))))
    t.ok(told == f'start {unit}\n' and went(run) and
         empty(server) == ['alice@example.org'], 'and the unit sends it',
         told, words(run))


def try_cron(t, machine, book, server):
    runs = [book.follow('CRON'), book.follow('CRON', 'alice')]
    cron = machine.start('cron', '-f', stdin=subprocess.DEVNULL)
    daemons.wait_for(lambda: len(server.took) >= 2)
    cron.terminate()
    cron.wait()
    mails = {envelope['to'][0]: message for message, envelope in server.took}
    t.ok(went(*runs) and sorted(mails) ==
         ['admin@example.org', 'alice@example.org'] and
         all(b'The machine is up' in mail for mail in mails.values()),
         'what cron jobs print arrives', words(*runs), server.took)
    server.took.clear()


def try_php(t, machine, book, server):
    where = 'PHP AS WWW-DATA'
    run = book.follow(where)
    t.ok(went(run) and empty(server) == ['www-data@example.org'],
         'mail() of PHP as www-data', words(run))
    run = book.follow(where)
    t.ok(went(run) and empty(server) == ['shop@example.org'],
         'and as another sender', words(run))


def try_port(t, machine, book, server):
    where = 'Programs that speak SMTP to localhost'
    run = book.follow(where)
    told = machine.path('/run/systemctl').read_text().splitlines()[-1]
    t.ok(went(run) and told == 'enable --now sendling-tcp.socket',
         'the socket for SMTP is set up', words(run), told)
    with Activated(machine, 'sendling-tcp'):
        speak_smtp(t, server, 'a program that speaks SMTP to localhost sends')


def speak_smtp(t, server, sentence):
    script = '''
import smtplib, sys
with smtplib.SMTP('127.0.0.1', 25) as client:
    client.sendmail('app@example.org', ['bob@example.net'], 'Hello.')
'''
    run = subprocess.run([sys.executable, '-c', script], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    t.ok(run.returncode == 0 and empty(server) == ['app@example.org'], sentence,
         run.stdout.decode())


def join(text):
    """A line that the page had to break."""
    return re.sub(r' \\\n +', ' ', text)


def try_inetd(t, machine, book, server):
    machine.write('/etc/inetd.conf', join(book.take('Without systemd').text))
    inetd = machine.start('inetd', '-i', '/etc/inetd.conf',
                          stdin=subprocess.DEVNULL)
    daemons.wait_for(lambda: daemons.answers(25))
    speak_smtp(t, server, 'the line for inetd')
    inetd.terminate()
    inetd.wait()


def try_s6(t, machine, book, server):
    machine.write('/usr/local/sbin/run', book.take('Without systemd').text,
                  0o755)
    path = machine.path('/run/sendling/submit')
    path.unlink(missing_ok=True)
    s6 = machine.start('/usr/local/sbin/run', stdin=subprocess.DEVNULL)
    daemons.wait_for(path.exists)
    run = machine.run(*SEND, user='alice', stdin=LETTER)
    cat = machine.run('cat', '/etc/sendling/password', user='alice')
    t.ok(went(run) and cat.status != 0 and
         empty(server) == ['alice@example.org'], 'the service for s6',
         words(run, cat))
    run = machine.run(SEND[0], '-f', 'bob@example.org', SEND[1], user='alice',
                      stdin=LETTER)
    t.ok(run.status == 69 and empty(server) == [],
         'which knows who calls as well', words(run))
    s6.terminate()
    s6.wait()


def try_without_systemd(t, machine, book, server):
    run = book.follow('Without systemd')
    t.ok(went(run), 'the service reads its password itself', words(run))
    try_inetd(t, machine, book, server)
    try_s6(t, machine, book, server)
    line = book.take('Without systemd').text
    command = line.split('sendling ', 1)[1]
    run = machine.shell(command, user='sendling')
    t.ok(went(run), 'and the line that flushes', words(run))


def main():
    daemons.enter_namespaces(CACHE, packages())
    daemons.raise_loopback()
    t = harness.Tap()
    with Machine(CACHE / 'root') as machine:
        certificates = machine.folder / 'certificates'
        harness.make_certificates(certificates)
        prepare(machine, certificates)
        book = Book(machine)
        with smtpd.Server(str(certificates / 'wrong-name.pem'),
                          users={'machine@example.org': SECRET},
                          ports={'smtps': 465}) as server:
            try_all(t, machine, book, server)
    left = [block.text for block in book.blocks if block.user]
    t.ok(left == [], 'every command of the page was run', *left)
    return t.end()


def try_all(t, machine, book, server):
    try_group(t, machine, book, server)
    first = set_up_socket(t, machine, book, server)
    with Activated(machine, 'sendling'):
        try_socket(t, machine, server, first)
        try_senders(t, machine, book, server)
        try_spool(t, machine, book, server)
        try_cron(t, machine, book, server)
        try_php(t, machine, book, server)
    try_port(t, machine, book, server)
    try_without_systemd(t, machine, book, server)
    t.ok(server.faults == [], 'all as correct clients', *server.faults)


if __name__ == '__main__':
    sys.exit(main())
