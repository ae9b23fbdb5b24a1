#!/usr/bin/python3
"""The order of acts: read, decide, open, talk, tell. Once all is open,
before it connects to a smarthost, the program opens nothing but sockets to
one, names no file and starts no process, however the mail goes and wherever
its end is told.

    tests/phases.t [WORD ...]    only the tests whose names hold a WORD
"""

import os
import re
import socket
import sys

from home import (
    LARGE, MESSAGE, MS_BIND, MS_REC, can_mount, can_trace, in_order, journal,
    mount, private_mounts, run_tests, trace)
from smtpd import Server

BOB = 'bob@example.org'
NAMES = ('first.test', 'second.test')
MIXED = MESSAGE.replace(b'Hello', 'Grüße'.encode())
DEVICES = ('null', 'zero', 'tty', 'random', 'urandom')


class World:
    """Where the smarthosts have names that must be looked up, and the system
    has a log."""

    def __init__(self, home):
        self.hosts = home.file('hosts', ''.join(
            f'127.0.0.1 {name}\n' for name in ('localhost', *NAMES)), 0o644)
        self.devices = home.path / 'dev'
        self.devices.mkdir()
        for name in DEVICES:
            (self.devices / name).touch()
        (self.devices / 'fd').symlink_to('/proc/self/fd')
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.bind(bytes(self.devices / 'log'))
        self.enter_journal, self.entries = journal(home)
        self.has_journal = False

    def enter(self):
        private_mounts()
        mount(self.hosts, '/etc/hosts', flags=MS_BIND)
        for name in DEVICES:
            mount(f'/dev/{name}', self.devices / name, flags=MS_BIND)
        mount(self.devices, '/dev', flags=MS_BIND | MS_REC)
        if self.has_journal:
            self.enter_journal()

    def logged(self):
        """What the system's log got."""
        lines = b''
        self.log.setblocking(False)
        try:
            while True:
                lines += self.log.recv(65536) + b'\n'
        except BlockingIOError:
            return lines


def dead_port():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return listener.getsockname()[1]


# What the last act of opening is, by the configuration: the secret is read, or
# its program has ended; else the last lookup begins, or what the own machine is
# called has been looked up; else there is the configuration alone.
LAST = ((r'openat\(.*/secret"', 'password-file', 1),
        (r'(wait4\(|<\.\.\. wait4 ).*WNOHANG, NULL\) = [1-9]',
         'password-command', 1),
        *((r'(clone3?|v?fork)\(', f'{name}:', count)
          for count, name in reversed(list(enumerate(NAMES, 1)))),
        (r'openat\(.*"/etc/hosts"', 'localhost:', 1),
        (r'openat\(.*/config"', '', 1))


def opened(own, config):
    """Where in these lines all is open."""
    pattern, _, count = next(last for last in LAST if last[1] in config)
    ends = [i for i, line in enumerate(own) if re.match(pattern, line)]
    return ends[count - 1] + 1 if len(ends) >= count else 0


def misplaced(lines, config):
    """The lines of strace, of the program itself and once all is open, that
    are neither sockets on the network nor its end; and how many connections it
    made. Lookups are made by threads, which have numbers of their own."""
    own = [line.split(None, 1)[1] for line in lines
           if line.split(None, 1)[0] == lines[0].split(None, 1)[0]]
    return [line for line in own[opened(own, config):] if not re.match(
        r'socket\(AF_INET6?,|connect\(\d+, \{sa_family=AF_INET6?, '
        r'sin6?_port=htons\((?!53\))|exit_group\(|newfstatat\(\d+, "",|'
        r'<\.\.\. |\+\+\+ ', line)], sum(
            bool(re.match(r'connect\(.*AF_INET', line)) for line in own)


def look(t, home, world, sentence, config, *argv, connections=1, status=0,
         message=MESSAGE):
    run, lines = trace(
        home, '%file,%process,socket,socketpair,connect,bind,memfd_create',
        *argv, BOB, config=home.config(config), stdin=message,
        preexec_fn=world.enter)
    wrong, made = misplaced(lines, config)
    t.ok(run.status == status and made == connections and not wrong,
         f'{sentence}: nothing is opened while it talks', run.words(),
         f'{made} connections', *wrong)


# What a mail that is kept costs once the talk is over: a file in the folder that
# is open, under its name, and whether the folder is still where it was.
KEPT = (r'openat\(\d+, "\.", O_RDWR\|.*O_TMPFILE|linkat\(AT_FDCWD, "/proc/self/fd/'
        r'\d+", \d+, "Q[0-9a-f-]+", AT_SYMLINK_FOLLOW|'
        r'newfstatat\((AT_FDCWD, ".*/spool"|\d+, "Q[0-9a-f-]+")|'
        r'utimensat\(\d+, NULL')


def kept(t, home, world, sentence, config):
    """A mail that goes into the spool: its folder is opened with all else."""
    run, lines = trace(
        home, '%file,%process,socket,socketpair,connect,bind,memfd_create',
        BOB, config=home.config(config), preexec_fn=world.enter,
        environment={'XDG_CONFIG_HOME': str(home.path / 'xdg')})
    wrong, made = misplaced(lines, config)
    files = [line for line in wrong if re.match(KEPT, line)]
    others = [line for line in wrong if line not in files]
    t.ok(run.status == 0 and made > 0 and len(files) > 2 and not others,
         f'{sentence}: nothing is opened but a file in the spool', run.words(),
         f'{made} connections', *others)


def refuses_once(server, sock):
    """A token; then it takes another one, and a mail."""
    replies = iter(('535 no', '235 ok'))
    lines = sock.makefile('rb')
    sock.sendall(b'220 mail.test\r\n')
    for line in lines:
        verb = line[:4]
        if verb == b'EHLO':
            sock.sendall(b'250-mail.test\r\n250 AUTH XOAUTH2\r\n')
        elif verb == b'AUTH':
            sock.sendall(f'{next(replies)}\r\n'.encode())
        elif verb == b'DATA':
            sock.sendall(b'354 go on\r\n')
            while next(lines) != b'.\r\n':
                pass
            sock.sendall(b'250 taken\r\n')
        else:
            sock.sendall(b'250 ok\r\n')


def renewal(t, home, world):
    """But for the command that gives a fresh token, and whether somebody is at
    the terminal who may be asked."""
    with Server(play=refuses_once) as server:
        config = server.config(
            'user alice', 'auth XOAUTH2', 'password-command echo '
            'token$SENDLING_TOKEN_REFUSED')
        run, lines = trace(
            home, '%file,%process,socket,socketpair,connect,bind,memfd_create',
            BOB, config=home.config(config), preexec_fn=world.enter)
    wrong, made = misplaced(lines, config)
    own = [line for line in wrong if not re.match(
        r'(clone3?|v?fork)\(|(wait4|waitid)\(|--- SIGCHLD|'
        r'open(at)?\(.*"/dev/tty"', line)]
    t.ok(run.status == 0 and made == 1 and len(wrong) > 1 and not own,
         'a fresh token: its command is run, and nothing else is opened',
         run.words(), f'{made} connections', *wrong)


def test_nothing_is_opened(t, home, certificate):
    if not can_trace():
        return t.skip('what is opened', 'no strace')
    if not can_mount():
        return t.skip('what is opened', 'no private mount namespace')
    world = World(home)
    box = Server(certificate, users=[('alice', 'secret')])
    secret = home.file('secret', 'secret\n')

    def config(scheme, *lines, urls=None):
        return '\n'.join([
            *(f'smarthost {url}' for url in urls or
              [box.url(scheme, NAMES[0])]),
            'user alice', f'password-file {secret}', f'tls-trust {box.trust}',
            'tls-name localhost', 'from alice@example.com', *lines, ''])

    for scheme in ('smtps', 'smtp'):
        look(t, home, world, scheme, config(scheme))
        look(t, home, world, f'a list and a key, {scheme}', config(
            scheme, *(f'tls-{what} {box.trust.with_name(name)}' for what, name
                      in (('crl', 'ca.crl'), ('certificate', 'client.pem'),
                          ('key', 'client.key')))))
    look(t, home, world, 'the password of a command', config('smtps').replace(
        f'password-file {secret}', 'password-command echo secret'))
    look(t, home, world, 'a large message', config('smtps'), message=LARGE)
    look(t, home, world, 'an 8-bit message', config('smtp'), message=MIXED)
    look(t, home, world, 'a transcript', config('smtps'), '-X',
         home.path / 'transcript')
    look(t, home, world, 'the dialogue on stderr', config('smtps'), '-v')
    look(t, home, world, 'the result as JSON', config('smtps'), '--json')
    look(t, home, world, 'a log in a file',
         config('smtps', f'log {home.path}/log'))
    t.ok(b'status=0' in (home.path / 'log').read_bytes(), 'which is written')
    world.logged()
    look(t, home, world, 'the log of the system', config('smtps', 'log syslog'))
    t.ok(b'status=0' in world.logged(), 'which is written')
    world.has_journal = True
    look(t, home, world, 'the journal', config('smtps', 'log syslog'))
    t.ok(b'SENDLING_STATUS=0' in world.entries.recv(65536) and
         world.logged() == b'', 'which is written')
    world.has_journal = False
    look(t, home, world, 'a log of objects',
         config('smtps', 'log syslog', 'log-format json'))
    t.ok(b'"status":0' in world.logged(), 'which is written')
    look(t, home, world, 'fail-over', config('smtps', urls=[
        f'smtps://{NAMES[0]}:{dead_port()}', box.url('smtps', NAMES[1])]),
         connections=2)
    look(t, home, world, 'nobody there', '\n'.join([
        f'smarthost smtp+plain://{name}:{dead_port()}' for name in NAMES] +
        ['from alice@example.com', 'log syslog', '']),
         connections=2, status=75)
    t.ok(b'status=75' in world.logged(), 'which is in the log')
    box.users = {'alice': 'another'}
    look(t, home, world, 'a wrong password', config('smtps', 'log syslog'),
         status=77)
    spool = home.path / 'spool'
    spool.mkdir(mode=0o700)
    (home.path / 'xdg/sendling').mkdir(parents=True)
    for sentence, more in ('a mail that is not needed in the spool', {}), \
            ('a mail that is kept', {'password': 'another'}):
        box.users = {'alice': more.get('password', 'secret')}
        text = config('smtps', 'log syslog', f'spool {spool}')
        home.file('xdg/sendling/config', text)
        if more:
            kept(t, home, world, sentence, text)
        else:
            look(t, home, world, sentence, text)
    t.ok(len(list(spool.iterdir())) == 1, 'which is there')
    box.users = {'alice': 'secret'}
    box.refusals = {BOB: '550 5.1.1 no'}
    look(t, home, world, 'a refusal', config('smtp', 'log syslog'), status=67)
    look(t, home, world, 'a certificate that is not trusted', config(
        'smtps', 'log syslog').replace(f'tls-trust {box.trust}\n', ''),
         status=77)
    box.close()
    renewal(t, home, world)
    plain = Server()
    look(t, home, world, 'plain text', plain.config().replace(
        '127.0.0.1', NAMES[0]))
    look(t, home, world, 'an address', plain.config())
    look(t, home, world, 'localhost', plain.config().replace(
        '127.0.0.1', 'localhost'))
    plain.close()
    world.log.close()
    world.entries.close()


sys.exit(run_tests(dict(globals()), 'more'))
