#!/usr/bin/env python3
"""One account for a machine: the units of sendling.socket and what they start,
for users of whom none has the password.

By systemd-socket-activate, as the units say but for their sandbox; and by
systemd itself where it can be started in namespaces."""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import daemons
import harness
import home as surroundings
import smtpd
from machine import UNITS, Activated, Machine, Unit, mode, write_start

UNIT_NAMES = ('sendling.socket', 'sendling-tcp.socket', 'sendling@.service',
              'sendling-tcp@.service', 'sendling-service-flush.service',
              'sendling-service-flush.timer')
SECRET = 'never for users'
SOCKET = '/run/sendling/submit'
SPOOL = '/var/spool/sendling'
SENDLING = '/usr/local/bin/sendling'
USERS = ('smarthost smtp+unix:/run/sendling/submit\n'
         'domain example.org\nlog off\n')
LETTER = b'Subject: hello\r\n\r\nHello.\r\n'


def prepare(machine):
    machine.run('systemd-sysusers', '/usr/local/lib/sysusers.d/sendling.conf')
    machine.run('systemd-tmpfiles', '--create',
                '/usr/local/lib/tmpfiles.d/sendling.conf')
    for name in ('alice', 'bob'):
        machine.add_user(name)
    machine.write('/etc/sendling.conf', USERS)
    machine.write('/etc/sendling/password', SECRET + '\n', 0o600)


def configure(machine, server, *lines):
    """The service's configuration leads to the server."""
    if not any(line.startswith('log ') for line in lines):
        lines += 'log off',
    machine.write('/etc/sendling/config', '\n'.join([
        'smarthost ' + server.url('smtp+plain'), 'user machine@example.org',
        'password-credential password', 'domain example.org',
        'helo machine.example.org', *lines, '']))


def smarthost(**more):
    return smtpd.Server(users={'machine@example.org': SECRET}, **more)


def send(machine, user, *argv):
    return machine.run(SENDLING, *argv, 'carol@example.net', user=user,
                       stdin=LETTER)


def senders(server):
    return sorted(envelope['from'] for _, envelope in server.took)


# What is installed

def test_files(t, machine):
    paths = [machine.path(f'{UNITS}/{name}') for name in UNIT_NAMES]
    done = machine.run('systemd-analyze', '--man=no', 'verify', *[
        f'{UNITS}/{name}' for name in UNIT_NAMES])
    t.ok(all(path.exists() for path in paths) and done.status == 0 and
         done.silent(), 'systemd finds nothing in the units', done.words())
    for name in ('sendling@.service', 'sendling-tcp@.service',
                 'sendling-service-flush.service'):
        done = machine.run('systemd-analyze', 'security', '--offline=true',
                           '--threshold=15', '--no-pager', f'{UNITS}/{name}')
        level = re.search(rb'exposure level for \S+: ([0-9.]+)', done.out)
        t.ok(done.status == 0 and level and float(level[1]) <= 1.3,
             f'{name} is exposed to little', done.words())
        t.ok(len(Unit(machine.path(f'{UNITS}/{name}'))['ExecStart']) == 1,
             'and starts one program')
    for name in ('sendling', 'sendling-tcp'):
        unit = Unit(machine.path(f'{UNITS}/{name}.socket'))
        t.ok(unit.one('TriggerLimitIntervalSec') == '0' and
             int(unit.one('MaxConnections')) >= 64 and
             unit.one('Accept') == 'yes',
             f'a busy minute does not close {name}.socket', unit)
        unit = Unit(machine.path(f'{UNITS}/{name}@.service'))
        t.ok(unit.one('CollectMode') == 'inactive-or-failed',
             'nor are connections that failed kept', unit)
        t.ok(unit.one('RuntimeDirectoryPreserve') == 'yes',
             'and none takes the folder of locks from the others', unit)


def test_makes(t, machine):
    """What sysusers and tmpfiles have made."""
    entry = machine.run('getent', 'passwd', 'sendling').out.decode().strip()
    t.ok(entry.endswith(':/var/spool/sendling:/usr/sbin/nologin'),
         'the service has a user of its own, who does not log in', entry)
    for path, bits, owner in (
            ('/etc/sendling', 0o755, 0), ('/run/sendling', 0o755, 0),
            ('/run/sendling/slots', 0o700, None), (SPOOL, 0o700, None)):
        status = machine.path(path).stat()
        number = int(entry.split(':')[2]) if owner is None else owner
        t.ok(mode(machine.path(path)) == bits and status.st_uid == number,
             f'{path} has its owner and mode', oct(status.st_mode),
             status.st_uid)


# What users see

def test_users(t, machine):
    with smarthost() as server, Activated(machine, 'sendling'):
        configure(machine, server)
        for name in ('alice', 'bob', None):
            done = send(machine, name)
            t.ok(done.status == 0 and done.silent(),
                 f'{name or "root"} sends', done.words())
        t.ok(senders(server) == ['alice@example.org', 'bob@example.org',
                                 'root@example.org'] and
             {envelope['user'] for _, envelope in server.took} ==
             {'machine@example.org'},
             'each as himself, by the login of the service', server.took)
        t.ok(server.faults == [], 'as a correct client', server.faults)
        done = machine.run(SENDLING, '--probe', user='alice')
        t.ok(done.status == 0, 'and --probe finds nothing wrong', done.words())


def test_secret(t, machine):
    """While a connection is open: where the password lies, and who reads it."""
    with smarthost() as server, Activated(machine, 'sendling'), \
            socket.socket(socket.AF_UNIX) as caller:
        configure(machine, server)
        caller.connect(str(machine.path(SOCKET)))
        t.ok(caller.recv(3) == b'220', 'a connection is open')
        copies = sorted(machine.path('/run/credentials').glob('*/password'))
        t.ok(copies and copies[-1].read_text() == SECRET + '\n',
             'and its process has the password', copies)
        paths = ['/etc/sendling/password'] + [
            '/' + str(path.relative_to(machine.root)) for path in copies]
        for name in ('alice', 'bob'):
            done = machine.run('cat', *paths, user=name)
            t.ok(done.status != 0 and SECRET.encode() not in done.out,
                 f'{name} can read it nowhere', done.words())
            done = machine.shell('cat /proc/[0-9]*/environ /proc/[0-9]*/mem '
                                 '2>/dev/null || :', user=name)
            t.ok(SECRET.encode() not in done.out, 'nor in a process')
            done = machine.run(SENDLING, '-C', '/etc/sendling/config',
                               'carol@example.net', user=name, stdin=LETTER,
                               environment={'CREDENTIALS_DIRECTORY': str(
                                   pathlib.Path(paths[-1]).parent)})
            t.ok(done.status == 78 and server.took == [],
                 'nor send by the configuration of the service', done.words())
        found = [str(path) for path in machine.path('/etc/sendling').iterdir()
                 if SECRET in path.read_text() and mode(path) & 0o077]
        t.ok(found == [], 'no other file of it has the password', found)


def test_no_password(t, machine):
    """A smarthost that knows the machine by its address."""
    machine.path('/etc/sendling/password').unlink()
    with smtpd.Server() as server, Activated(machine, 'sendling'):
        machine.write('/etc/sendling/config',
                      server.config('domain example.org', 'log off'))
        done = send(machine, 'alice')
        t.ok(done.status == 0 and len(server.took) == 1,
             'a service without a password sends, too', done.words())
    with smarthost() as server, Activated(machine, 'sendling'):
        configure(machine, server)
        done = send(machine, 'alice')
        t.ok(done.status == 75 and server.took == [],
             'but not where one is wanted: that is mended, and sent again',
             done.words())
    machine.write('/etc/sendling/password', SECRET + '\n', 0o600)


def test_senders(t, machine):
    """Nobody sends as another, unless root says so."""
    with smarthost() as server, Activated(machine, 'sendling'):
        configure(machine, server, 'log /var/spool/sendling/log')
        done = send(machine, 'bob', '-f', 'alice@example.org')
        t.ok(done.status == 69 and server.took == [] and
             b'550 5.7.1 ' in done.err and
             b'sender-of bob alice@example.org' in done.err,
             'bob may not send as alice, and is told the line that would let '
             'him', done.words())
        configure(machine, server, 'sender-of bob alice@example.org',
                  'log /var/spool/sendling/log')
        runs = [send(machine, 'bob', '-f', 'alice@example.org'),
                send(machine, 'alice', '-f', ''),
                send(machine, None, '-f', 'alice@example.org'),
                send(machine, 'alice', '-f', 'bob@example.org')]
        t.ok([run.status for run in runs] == [0, 0, 0, 69] and
             senders(server) == ['', 'alice@example.org', 'alice@example.org'],
             'that line lets him and nobody else; the null sender is all '
             'users\', and root any', *[run.words() for run in runs])
        log = machine.path('/var/spool/sendling/log')
        uid = machine.run('id', '-u', 'bob').out.decode().strip()
        t.ok(f'uid={uid} ' in log.read_text(), 'the log has who called',
             log.read_text())
        log.unlink()


# What strangers do

GARBAGE = {
    'nothing': b'', 'a NUL': b'\0',
    'HTTP': b'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'TLS': b'\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03' + b'\xa5' * 500,
    'half a command': b'EHLO x', 'half a mail':
    b'EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nDATA\r\nhalf',
    'a line without an end': b'A' * 300000, 'lines': b'x\r\n' * 20000,
    'binary': bytes(range(256)) * 400, 'BDAT': b'EHLO x\r\nBDAT 999999999\r\n' +
    b'\xff' * 1000, 'QUIT and more': b'QUIT\r\n' * 100}


def pour(path, octets, wait):
    """To the socket; with `wait' what it says is read until it closes."""
    with socket.socket(socket.AF_UNIX) as caller, \
            contextlib.suppress(ConnectionError):
        caller.connect(path)
        caller.sendall(octets)
        caller.shutdown(socket.SHUT_WR)
        while wait and caller.recv(65536):
            pass


def test_garbage(t, machine):
    path = str(machine.path(SOCKET))
    with smarthost() as server, Activated(machine, 'sendling') as service:
        configure(machine, server)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda job: pour(path, *job), [
                (octets, wait) for octets in GARBAGE.values()
                for wait in (False, True, False, True)]))
        t.ok(not service.died(), 'garbage does not take the socket down')
        done = send(machine, 'alice')
        t.ok(done.status == 0 and senders(server) == ['alice@example.org'],
             'and a mail goes after it', done.words(), server.took)
        with contextlib.ExitStack() as idle:
            for _ in range(6):
                caller = idle.enter_context(socket.socket(socket.AF_UNIX))
                caller.connect(path)
            done = send(machine, 'bob')
            t.ok(done.status == 0, 'and beside callers who say nothing',
                 done.words())


# What waits

def flush(machine):
    """A run of the unit that flushes."""
    unit = Unit(machine.path(f'{UNITS}/sendling-service-flush.service'))
    return machine.run(write_start(machine, 'flush', unit))


def test_spool(t, machine):
    spool = machine.path(SPOOL)
    with smarthost() as server:
        down = server.url('smtp+plain')
        configure(machine, server)
    with Activated(machine, 'sendling'):
        done = send(machine, 'alice')
        t.ok(done.status == 75 and not any(spool.iterdir()),
             'without a spool a mail is put off with its sender', done.words())
        machine.write('/etc/sendling/config', '\n'.join([
            f'smarthost {down}', 'user machine@example.org', 'spool ' + SPOOL,
            'password-credential password', 'domain example.org', 'log off',
            '']))
        done = send(machine, 'alice')
        files = list(spool.glob('Q*'))
        t.ok(done.status == 0 and done.silent() and len(files) == 1,
             'with one it is kept', done.words(), files)
        owner = machine.run('id', '-u', 'sendling').out
        t.ok(files and files[0].stat().st_uid == int(owner) and
             mode(files[0]) == 0o600, 'for the user of the service alone')
        glob = Unit(machine.path(
            f'{UNITS}/sendling-service-flush.service'))[
                'ConditionPathExistsGlob']
        t.ok(glob == [f'{SPOOL}/[QFt]*'], 'which its timer sees', glob)
        done = machine.run(SENDLING, '-bp', user='bob')
        t.ok(b'empty' in done.out, 'other users do not', done.words())
        done = machine.run(SENDLING, '-bp')
        t.ok(b'alice@example.org' in done.out, 'root does', done.words())
    with smarthost() as server:
        configure(machine, server, 'spool ' + SPOOL)
        for path in files:  # due now
            os.utime(path, (0, 0))
        done = machine.run(SENDLING, '-q')
        t.ok(done.status == 0 and server.took == [] and files[0].exists(),
             'a run of root leaves it to the service', done.words())
        done = flush(machine)
        t.ok(done.status == 0 and senders(server) == ['alice@example.org'] and
             not list(spool.glob('Q*')), 'whose own run sends it',
             done.words(), server.took)


# SMTP to localhost

def talk(*commands, host='127.0.0.1'):
    """What the service says to a client that sends these."""
    with socket.create_connection((host, 25), harness.WAIT) as caller:
        caller.sendall(''.join(line + '\r\n' for line in commands).encode())
        said = b''
        while chunk := caller.recv(65536):
            said += chunk
    return said.decode()


def test_tcp(t, machine):
    with smarthost() as server, Activated(machine, 'sendling-tcp') as service:
        configure(machine, server)
        t.ok(service.listens == ['127.0.0.1:25', '[::1]:25'],
             'only this machine is listened to', service.listens)
        said = talk('EHLO client', 'QUIT')
        t.ok(said.startswith('220 ') and '\n221 ' in said,
             'a program that speaks SMTP finds a server', said)
        sends = ('EHLO client', 'MAIL FROM:<app@example.org>',
                 'RCPT TO:<carol@example.net>', 'DATA', LETTER.decode() + '.',
                 'QUIT')
        said = talk(*sends)
        t.ok('\n550 5.7.1 ' in said and 'sender-of tcp app@example.org' in said
             and server.took == [], 'but nobody knows who it is', said)
        configure(machine, server, 'sender-of tcp app@example.org')
        said = talk(*sends)
        t.ok(senders(server) == ['app@example.org'], 'unless a line lets it',
             said)


# systemd itself

BOOTED = '''
systemctl enable --now sendling.socket
for user in alice bob; do
    echo hello | setpriv --reuid $user --regid $user --init-groups \\
	sendling carol@example.net
    echo "$user: $?"
done
exec 3>&2 2>/dev/null
for i in 1 2; do
    for j in 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0; do
	head -c 50 /dev/urandom | nc -N -U /run/sendling/submit >/dev/null &
    done
    wait
done
exec 2>&3
echo hello | setpriv --reuid alice --regid alice --init-groups \\
    sendling carol@example.net
echo "after 60: $?"
systemctl list-units --all --plain --no-legend 'sendling@*' | wc -l
systemctl is-active sendling.socket sendling-service-flush.timer
(sleep 300 | nc -U /run/sendling/submit >/tmp/greeting) &
until grep -q 220 /tmp/greeting; do sleep 0.1; done
for path in /run/credentials/sendling@*/password; do
    setpriv --reuid bob --regid bob --init-groups cat $path || echo "no: $?"
done
setpriv --reuid bob --regid bob --init-groups \\
    sendling -f alice@example.org carol@example.net </dev/null
echo "as alice: $?"
systemctl start sendling-service-flush.service
echo "nothing to flush: $?"
yes A line of a large mail. | head -c 3000000 | sendling carol@example.net
echo "large: $?"
cp /etc/sendling/config /tmp/config
sed -i 's|^smarthost.*|smarthost smtp+plain://127.0.0.1:1|' /etc/sendling/config
echo hello | setpriv --reuid bob --regid bob --init-groups \\
    sendling carol@example.net
cp /tmp/config /etc/sendling/config
echo "kept: $(ls /var/spool/sendling | grep -c ^Q)"
touch -d @0 /var/spool/sendling/Q*
systemctl start sendling-service-flush.service
echo "flushed: $? $(ls /var/spool/sendling | grep -c ^Q)"
systemctl start sendling-tcp.socket
printf 'QUIT\\r\\n' | nc -N 127.0.0.1 25
systemctl show -P ActiveState sendling-tcp.socket
systemctl stop sendling.socket
test -e /run/sendling/submit; echo "gone: $?"
'''


def test_booted(t, machine):
    sentence = 'systemd starts and bears it all'
    if surroundings.SANITIZED or not shutil.which('/lib/systemd/systemd') or \
            not shutil.which('nc') or machine.boot('true', 60) is None:
        t.skip(sentence, 'systemd cannot be started in namespaces here')
        return
    with smarthost() as server:
        configure(machine, server, 'spool /var/spool/sendling')
        path = machine.path('/etc/sendling/config')
        path.write_text(path.read_text().replace('127.0.0.1', 'localhost'))
        said = machine.boot(BOOTED) or ''
        t.ok('alice: 0\n' in said and 'bob: 0\n' in said,
             'systemd starts the service for both users', said)
        t.ok('after 60: 0\n0\nactive\nactive\n' in said, 'and goes on to after '
             '60 connections of garbage, of which nothing is left', said)
        t.ok(senders(server) == ['alice@example.org'] * 2 +
             ['bob@example.org'] * 2 + ['root@example.org'] and
             'large: 0\n' in said, 'the mails came, a large one too', said,
             senders(server))
        t.ok('as alice: 69\n' in said, 'and bob is known as bob', said)
        t.ok('no: 1' in said and SECRET not in said,
             'the credential is for the service alone', said)
        t.ok('nothing to flush: 0\n' in said and
             'kept: 1\nflushed: 0 0\n' in said, 'what is kept in the spool is '
             'sent by the unit for that', said)
        t.ok(re.search(r'220 .*\s+221 .*\s+active', said) is not None,
             'and so is the socket on port 25', said)
        t.ok('gone: 1\n' in said, 'the socket goes with its unit')


def main():
    daemons.enter_namespaces(pathlib.Path('/nonexistent'), [])
    for program in ('systemd-socket-activate', 'systemd-sysusers', 'useradd'):
        if not shutil.which(program):
            harness.skip_all(f'no {program}')
    daemons.raise_loopback()
    t = harness.Tap()
    with Machine() as machine:
        prepare(machine)
        for name, test in list(globals().items()):
            if name.startswith('test_') and (
                    not sys.argv[1:] or
                    any(word in name for word in sys.argv[1:])):
                test(t, machine)
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
