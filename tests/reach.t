#!/usr/bin/python3
"""The ways to a server that are none over TCP to an address: unix sockets, and
hosts that DNS names; and what is said where one leads nowhere."""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import home as surroundings
import smtpd
from home import (CLONE_NEWNET, LIBC, MESSAGE, NOBODY, become, can_mount,
                  check, in_order, mount, private_mounts)

MS_BIND = 4096
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
TLS, STARTTLS = '_submissions._tcp', '_submission._tcp'

BOB = 'bob@example.org'
SENDER = 'from alice@example.com\nhelo client.example\n'


def arrived(t, box, run, what):
    """The mail was taken once, byte for byte, without a fault or a word."""
    took = [message for message, _ in box.took]
    t.ok(run.status == 0 and run.silent() and took == [MESSAGE]
         and box.faults == [], f'{what}: the mail arrives',
         run.words(), took, box.faults)


def failed(t, run, status, what, *words):
    err = run.err.decode(errors='backslashreplace')
    t.ok(run.status == status and all(word in err for word in words),
         f'{what}: status {status}, with words', run.words(), words)


# Unix sockets.

def test_unix_socket(t, home):
    path = str(home.path / 'submit')
    with smtpd.Server(host=path, users={'alice': 'secret'}) as box:
        log = home.path / 'log'
        run = home.run(BOB, config=home.config(box.config(
            'password secret', f'log {log}')))
        arrived(t, box, run, 'a unix socket')
        t.ok(box.took[0][1]['auth'] == 'PLAIN',
             'a secret may go over it', box.took[0][1])
        t.ok(f'smarthost={path}' in log.read_text(),
             'the log names the path', log.read_text())
    with smtpd.Server(host=str(home.path / 'other')) as box:
        run = home.run(BOB, config=home.config(box.config(
            'connect-command exit 1')))
        arrived(t, box, run, 'a unix socket, which needs no command')


def test_unix_socket_silent_service(t, home):
    def close(_, sock):
        sock.close()
    with smtpd.Server(host=str(home.path / 'submit'), play=close) as box:
        run = home.run(BOB, config=home.config(box.config()))
    failed(t, run, 75, 'an end before the greeting', box.host,
           'the server closed the connection',
           'is the service that listens there running?')


def test_unix_socket_full(t, home):
    """Nobody accepts, and no more may wait: EAGAIN."""
    path = str(home.path / 'submit')
    with socket.socket(socket.AF_UNIX) as listener, \
            socket.socket(socket.AF_UNIX) as waiting:
        listener.bind(path)
        listener.listen(0)
        waiting.connect(path)
        run = home.run(BOB, config=home.config(
            f'smarthost smtp+unix:{path}\n{SENDER}'))
    failed(t, run, 75, 'a full queue', path,
           'Resource temporarily unavailable',
           'is the service that listens there running?')


def test_unix_socket_faults(t, home):
    path = home.path / 'submit'
    config = home.config(f'smarthost smtp+unix:{path}\n{SENDER}', mode=0o644)
    failed(t, home.run(BOB, config=config), 75, 'no socket', str(path),
           'No such file', 'there is no such socket')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        failed(t, home.run(BOB, config=config), 75, 'nobody listens',
               'Connection refused', 'nobody listens there')
        listener.listen()
        path.chmod(0o600)
        if os.geteuid() == 0:
            run = home.run(BOB, config=config,
                           preexec_fn=in_order(lambda: become(NOBODY)))
            failed(t, run, 75, 'no permission', 'Permission denied',
                   'owners and modes')
        else:
            t.skip('no permission', 'not root')
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(str(path))
        failed(t, home.run(BOB, config=config), 75, 'datagrams',
               'not for connections')


# The own address.

def test_source_address(t, home):
    peers = []

    def note(_, sock):
        peers.append(sock.getpeername()[0])
    with smtpd.Server(play=note) as box:
        url = box.url('smtp+plain', 'localhost')
        run = home.run(BOB, config=home.config(
            f'smarthost {url}\nsource-address 127.0.0.9\n{SENDER}'))
        box.settle()
        t.ok(peers == ['127.0.0.9'], 'the own address is what was asked for',
             peers, run.words())
        failed(t, home.run(BOB, config=home.config(
            f'smarthost {url}\nsource-address 192.0.2.9\n{SENDER}')),
            75, 'an address of another machine', 'localhost',
            'Cannot assign requested address',
            '`source-address 192.0.2.9', 'no address of this machine')
    failed(t, home.run(BOB, config=home.config(
        f'smarthost {url}\nsource-address ::1\nfamily ipv4\n{SENDER}')),
        78, 'another family', '`source-address ::1', '`family')


# Commands that connect.

def through(box, command, *lines, **more):
    return box.config(f'connect-command {command}', *lines, **more)


def children(pid='self'):
    """Those that are left, zombies too."""
    with open(f'/proc/{pid}/task/{os.getpid()}/children') as listed:
        return listed.read().split()


def test_command(t, home, box, certificate):
    nc = shutil.which('nc.openbsd')
    if nc is None:
        return t.skip('connect-command', 'no netcat-openbsd')
    run = home.run(BOB, config=home.config(through(box, f'{nc} %h %p')))
    arrived(t, box, run, 'nc')
    with smtpd.Server(certificate, users={'alice': 'secret'}) as secured:
        for scheme in 'smtps', 'smtp':
            secured.clear()
            run = home.run(BOB, config=home.config(through(
                secured, f'{nc} %h %p', 'password secret', scheme=scheme)))
            arrived(t, secured, run, f'nc and TLS on top, {scheme}')
        secured.clear()
        run = home.run(BOB, config=home.config(through(
            secured, f'{nc} %h %p', 'password secret',
            'tls-name mail.example.org').replace('tls-name localhost\n', '')))
        failed(t, run, 77, 'nc, and the name is verified', 'not trusted')
    # The name goes as it is: nobody here looks it up.
    box.clear()
    port = box.ports['smtp']
    run = home.run(BOB, config=home.config(
        f'smarthost smtp+plain://mail.invalid:{port}\n'
        f'connect-command test %h%% = mail.invalid% && exec {nc} 127.0.0.1 %p'
        f'\n{SENDER}'.replace('invalid% ', 'invalid%% ')))
    arrived(t, box, run, 'a name that only the command knows')
    # A secret does not go over it in clear.
    with smtpd.Server(users={'alice': 'secret'}) as other:
        run = home.run(BOB, config=home.config(through(
            other, f'{nc} %h %p', 'password secret', 'auth PLAIN')))
        failed(t, run, 77, 'a password over a command without TLS', 'TLS')
        t.ok(b'secret' not in other.heard, 'no secret was sent')


@contextlib.contextmanager
def sshd(home):
    """OpenSSH's server on a port of its own, and the command that goes through
    it."""
    key, port = home.path / 'key', 0
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key],
                   check=True)
    home.file('authorized', key.with_suffix('.pub').read_bytes())
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    pathlib.Path('/run/sshd').mkdir(mode=0o755, exist_ok=True)
    config = home.file('sshd_config', f'''Port {port}
ListenAddress 127.0.0.1
HostKey {key}
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
AuthorizedKeysFile {home.path}/authorized
''')
    server = subprocess.Popen(['/usr/sbin/sshd', '-D', '-f', config],
                              stderr=subprocess.DEVNULL)
    try:
        while server.poll() is None and not listens(port):
            time.sleep(0.01)
        yield (f'ssh -F none -q -i {key} -p {port} -W %h:%p '
               '-o BatchMode=yes -o StrictHostKeyChecking=no '
               '-o UserKnownHostsFile=/dev/null root@127.0.0.1')
    finally:
        server.terminate()
        server.wait()


def test_command_ssh(t, home, box):
    if os.geteuid() != 0 or not os.path.exists('/usr/sbin/sshd'):
        return t.skip('ssh -W', 'not root, or no openssh-server')
    with sshd(home) as command:
        run = home.run(BOB, config=home.config(through(box, command)))
        arrived(t, box, run, 'ssh -W')
        run = home.run(BOB, config=home.config(
            f'smarthost smtp+plain://127.0.0.1:9\nconnect-command {command}\n'
            f'{SENDER}'.replace('-q ', '')))
        failed(t, run, 75, 'ssh -W to a dead port', '127.0.0.1:9',
               'ended with status 255')


def test_command_proxies(t, home, box):
    nc, socks = shutil.which('nc.openbsd'), shutil.which('microsocks')
    if nc is None or socks is None:
        return t.skip('proxies', 'no netcat-openbsd, no microsocks')
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    with subprocess.Popen([socks, '-i', '127.0.0.1', '-p', str(port)],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None and not listens(port):
                time.sleep(0.01)
            run = home.run(BOB, config=home.config(through(
                box, f'{nc} -X 5 -x 127.0.0.1:{port} %h %p')))
            arrived(t, box, run, 'SOCKS 5 by nc -X and microsocks')
            run = home.run(BOB, config=home.config(
                f'smarthost smtp+plain://127.0.0.1:9\nconnect-command {nc} '
                f'-X 5 -x 127.0.0.1:{port} %h %p\n{SENDER}'))
            failed(t, run, 75, 'a proxy that cannot connect',
                   '127.0.0.1:9', 'ended with status 1', 'refused')
        finally:
            process.terminate()
    box.clear()
    asked = []
    with smtpd.Server(play=lambda _, sock: connect_for(sock, asked)) as proxy:
        run = home.run(BOB, config=home.config(through(
            box, f'{nc} -X connect -x 127.0.0.1:{proxy.ports["smtp"]} %h %p')))
        arrived(t, box, run, 'HTTP CONNECT by nc -X')
        t.ok(asked and asked[0].startswith(b'CONNECT 127.0.0.1:'),
             'the proxy was asked', asked)


def connect_for(sock, asked):
    """An HTTP proxy that knows CONNECT."""
    head = b''
    while b'\r\n\r\n' not in head:
        head += sock.recv(1)
    asked.append(head)
    host, port = head.split()[1].rsplit(b':', 1)
    with socket.create_connection((host.decode(), int(port))) as there:
        sock.sendall(b'HTTP/1.0 200 Connection established\r\n\r\n')
        back = threading.Thread(target=pump, args=(there, sock))
        back.start()
        pump(sock, there)
        back.join()


def pump(source, to):
    with contextlib.suppress(OSError):
        while (chunk := source.recv(65536)):
            to.sendall(chunk)
        to.shutdown(socket.SHUT_WR)


def test_command_ends(t, home, box):
    """Its early death is told with its last words; nothing of it is left."""
    url = 'smarthost smtp+plain://mail.example.org\n'
    for what, command, words in (
            ('status', 'echo warned >&2; echo no way >&2; exit 3',
             ('ended with status 3: no way',)),
            ('signal', 'kill -9 $$', ('ended with signal 9',)),
            ('no command', '/nowhere/nc %h %p',
             ('ended with status 127', '/nowhere/nc')),
            ('half a greeting', 'printf 220; exit 1',
             ('ended with status 1',)),
            ('a good end with a word', 'echo so long >&2',
             ('ended with status 0: so long',)),
            ('a good end without one', 'exit 0',
             ("(connect-command): `connect-command' ended with status 0, "
              'without a word\n',
              'hint: the server may have closed the connection; or see what '
              'the command does in a shell')),
            ('what stays when it has closed', 'exec <&- >&-; sleep 1000',
             ("(connect-command): `connect-command' closed the connection, "
              'did not end, and was ended, without a word\n',
              'hint: see what the command does in a shell')),
            ('the same with a word', 'echo hm >&2; exec <&- >&-; sleep 1000',
             ('did not end, and was ended: hm\n',)),
            ('a line without end', "printf '%%01000d' 7 >&2; exit 3",
             ('ended with status 3: 000',)),
            ('its pipe is left to another',
             'setsid sleep 60 >&- & echo gone >&2; exit 3',
             ('ended with status 3: gone',))):
        run = home.run(BOB, config=home.config(
            f'{url}connect-command {command}\n{SENDER}'), timeout=40)
        failed(t, run, 75, f'{what}', 'mail.example.org:25 (connect-command)',
               *words)
    run = home.run(BOB, config=home.config(
        f'{url}connect-command echo out loud >&2; sleep 1000\ntimeout 1s\n'
        f'{SENDER}'))
    failed(t, run, 75, 'a silent command', 'out loud', 'timed out after 1 s',
           'mail.example.org:25 (connect-command)')
    run = home.run(BOB, config=home.config(
        f'{url}connect-command sleep 1000\ndeadline 1s\n{SENDER}'))
    failed(t, run, 75, 'the deadline', 'timed out')
    mark = f'{os.getpid()}00'
    run = home.run(BOB, config=home.config(
        f"{url}connect-command trap '' TERM; sleep {mark} & sleep {mark}\n"
        f'timeout 1s\n{SENDER}'))
    failed(t, run, 75, 'a command that ignores SIGTERM', 'timed out')
    left = subprocess.run(['pgrep', '-f', f'sleep {mark}'],
                          stdout=subprocess.PIPE).stdout
    t.ok(left == b'', 'nothing of it is left', left)
    # It goes on when the mail was sent: what it says last still comes, and
    # it is not waited for.
    nc = shutil.which('nc.openbsd')
    if nc:
        run = home.run(BOB, config=home.config(through(
            box, f'{nc} %h %p; echo bye >&2; sleep 1000')))
        t.ok(run.status == 0 and len(box.took) == 1 and run.err == b'bye\n',
             'one that does not end is ended', run.words())


def test_command_outlives_nobody(t, home):
    """Who is killed can end nothing any more."""
    mark = f'{os.getpid()}11'
    process = home.start(BOB, config=home.config(
        'smarthost smtp+plain://mail.example.org\n'
        f'connect-command exec sleep {mark}\n{SENDER}'),
        stdin=subprocess.PIPE)
    process.stdin.write(MESSAGE)
    process.stdin.close()

    def runs():
        return subprocess.run(['pgrep', '-f', f'^sleep {mark}'],
                              stdout=subprocess.DEVNULL).returncode == 0
    while process.poll() is None and not runs():
        time.sleep(0.01)
    process.kill()
    process.wait()
    end = time.monotonic() + surroundings.HANG
    while runs() and time.monotonic() < end:
        time.sleep(0.01)
    t.ok(not runs(), 'the command ends with the program, however that ends')


def test_command_floods(t, home, box):
    run = home.run(BOB, config=home.config(
        'smarthost smtp+plain://mail.example.org\nconnect-command yes >&2\n'
        f'deadline 1s\n{SENDER}'), stderr=subprocess.DEVNULL)
    t.ok(run.status == 75, 'a flood on standard error has an end', run.words())
    nc = shutil.which('nc.openbsd')
    if nc is None:
        return t.skip('a flood that nobody reads', 'no netcat-openbsd')
    ends = os.pipe()
    run = home.run(BOB, config=home.config(through(
        box, f'yes >&2 & sleep 0.5; exec {nc} %h %p', 'deadline 20s')),
        stderr=ends[1], timeout=60)
    t.ok(run.status == 0 and len(box.took) == 1,
         'a flood that nobody reads holds no mail up', run.words())
    for fd in ends:
        os.close(fd)


def test_command_told(t, home, box):
    nc = shutil.which('nc.openbsd')
    if nc is None:
        return t.skip('what -v tells', 'no netcat-openbsd')
    run = home.run('-v', BOB, config=home.config(through(box, f'{nc} %h %p')))
    t.ok(b"by `connect-command'" in run.err, '-v says how', run.words())


def test_command_stderr(t, home, box):
    """It goes on to our standard error, so far, and made visible: a server's
    words may be among it."""
    run = home.run(BOB, config=home.config(
        'smarthost smtp+plain://mail.example.org\nconnect-command '
        r"printf 'a\tb\033[2J\377\000\r\n\303' >&2; sleep 0.3; "
        r"printf '\251!\302\233\r' >&2; sleep 0.3; "
        r"printf '\nc\033\r\302' >&2; exit 3"
        f'\n{SENDER}'))
    t.ok(run.status == 75 and run.err.startswith(
        b'a\tb\\x1b[2J\\xff\\x00\n\xc3\xa9!\\xc2\\x9b\n'
        b'c\\x1b\\x0d\\xc2sendling: ') and
         b'ended with status 3: c\\x1b\\x0d\\xc2\n' in run.err,
         'no control characters, and no character cut', run.words())
    nc = shutil.which('nc.openbsd')
    if nc is None:
        return t.skip('a talkative command', 'no netcat-openbsd')
    for octets, told in ((60000, 60000), (300000, 65536)):
        box.clear()
        run = home.run(BOB, config=home.config(through(
            box, f'yes | head -c {octets} >&2; exec {nc} %h %p')))
        t.ok(run.status == 0 and len(box.took) == 1 and
             (len(run.err) == told) == (told == octets) and
             told - 4096 < len(run.err) < told + 4096 and
             (b"\n[`connect-command' says more, which is not shown]\n"
              in run.err) == (told < octets),
             f'a talkative command: {octets} octets', run.status,
             len(run.err), run.err[-100:])


def test_command_privileges(t, home, box):
    """As with password-command: none that root was given by a caller."""
    if os.geteuid() != 0:
        return t.skip('root as sendmail', 'not root')
    run = home.run(BOB, name='sendmail', environment={
        'SENDLING_SMARTHOST': box.url('smtp+plain'),
        'SENDLING_CONNECT_COMMAND': f'touch {home.path}/ran',
        'SENDLING_FROM': 'alice@example.com'})
    t.ok(not (home.path / 'ran').exists(),
         'root as sendmail runs no command of the environment', run.words())


# Hosts that DNS names.

@contextlib.contextmanager
def network():
    """A network of our own, of loopback alone."""
    with open('/proc/self/ns/net') as ours:
        check(LIBC.unshare(CLONE_NEWNET))
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_one:
                fcntl.ioctl(any_one, SIOCSIFFLAGS, struct.pack(
                    '16sH22x', b'lo', IFF_UP))
            yield
        finally:
            check(LIBC.setns(ours.fileno(), CLONE_NEWNET))


@contextlib.contextmanager
def dnsmasq(*options):
    """Debian's, with these records, and no others of example.org."""
    process = subprocess.Popen(
        ['/usr/sbin/dnsmasq', '--keep-in-foreground', '--no-resolv',
         '--no-hosts', '--conf-file=/dev/null', '--listen-address=127.0.0.1',
         '--bind-interfaces', '--user=root', '--pid-file=', '--log-facility=-',
         '--local=/example.org/', '--local=/provider.net/',
         *(f'--host-record={name},127.0.0.1' for name in (
             'mx1.example.org', 'mx2.example.org', 'mail.example.org',
             'mx.provider.net')), *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and not listens(53):
            time.sleep(0.01)
        yield
    finally:
        process.terminate()
        process.wait()


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(('127.0.0.1', port)) == 0


def record(service, host, port=0, priority=0, weight=0, domain='example.org'):
    target = f',{host},{port},{priority},{weight}' if host else ''
    return f'--srv-host={service}.{domain}{target}'


def run_srv(home, *lines, domain='example.org', options='', argv=(BOB,),
            **more):
    """One run with a smarthost that DNS names, and the network's server."""
    resolv = home.file('resolv.conf', f'nameserver 127.0.0.1\n{options}',
                       mode=0o644)
    switch = home.file('nsswitch.conf', 'hosts: dns\n', mode=0o644)

    def ask_here():
        mount(resolv, '/etc/resolv.conf', flags=MS_BIND)
        if os.path.exists('/etc/nsswitch.conf'):
            mount(switch, '/etc/nsswitch.conf', flags=MS_BIND)
    return home.run(*argv, config=home.config('\n'.join([
        f'smarthost srv://{domain}', *lines, SENDER])),
        preexec_fn=in_order(private_mounts, ask_here), **more)


def unable(t, what):
    """Whether there can be no such test, which is said."""
    why = None if can_mount() else 'no private mount namespace'
    if not os.path.exists('/usr/sbin/dnsmasq'):
        why = 'no dnsmasq: install dnsmasq-base'
    if why:
        t.skip(what, why)
    return why


def near(certificate, name):
    return str(pathlib.Path(certificate).with_name(name))


def test_srv_certificates(t, home, certificate):
    """Whose name the certificate must have, as DNS can be forged."""
    if unable(t, 'hosts that DNS names'):
        return
    for service in TLS, STARTTLS:
        for host, name, lines, good in (
                ('mail.example.org', 'wrong-name', (), True),
                ('mail.example.org', 'wildcard', (), True),
                ('mail.example.org', 'domain', (), True),
                ('mx.provider.net', 'domain', (), True),
                ('mx.provider.net', 'wrong-name', (), False),
                ('mx.provider.net', 'provider', (), False),
                ('mx.provider.net', 'provider',
                 ('tls-name mx.provider.net',), True),
                ('mx.provider.net', 'wrong-name',
                 ('tls-name mail.example.org',), True),
                ('mail.example.org', 'good', (), False),
                ('mail.example.org', 'domain',
                 ('tls-name mail.example.org',), False)):
            with network(), smtpd.Server(near(certificate, name + '.pem')) \
                    as box, dnsmasq(record(service, host, box.ports[
                        'smtps' if service == TLS else 'smtp'])):
                run = run_srv(home, f'tls-trust {near(certificate, "ca.pem")}',
                              *lines)
                what = f'{service}, {host} with a certificate {name} {lines}'
                if good:
                    arrived(t, box, run, what)
                else:
                    failed(t, run, 77, what, 'not trusted')
                    t.ok(lines or f'`tls-name {host}' in run.err.decode(),
                         f'{what}: says which line to write', run.words())


def test_srv_order(t, home, certificate):
    """Implicit TLS first, then by priority; the next when one is dead."""
    if unable(t, 'the order of hosts that DNS names'):
        return
    trust = f'tls-trust {near(certificate, "ca.pem")}'
    pem = near(certificate, 'wildcard.pem')
    with network(), smtpd.Server(pem) as one, smtpd.Server(pem) as two:
        tls, starttls = one.ports['smtps'], two.ports['smtp']
        with dnsmasq(record(TLS, 'mx1.example.org', tls, 20),
                     record(STARTTLS, 'mx2.example.org', starttls, 10)):
            run = run_srv(home, trust)
            arrived(t, one, run, 'implicit TLS before STARTTLS')
            t.ok(two.count == 0, 'the other is left alone')
        one.clear()
        with dnsmasq(record(TLS, 'mx2.example.org', two.ports['smtps'], 20),
                     record(TLS, 'mx1.example.org', tls, 10)):
            arrived(t, one, run_srv(home, trust), 'by priority')
        one.clear()
        with dnsmasq(record(TLS, 'mx2.example.org', 9, 5),
                     record(TLS, 'nowhere.example.org', 9, 6),
                     record(TLS, 'mx1.example.org', tls, 10)):
            arrived(t, one, run_srv(home, trust), 'the next when one is dead')
        one.clear()
        with dnsmasq(record(TLS, None),
                     record(STARTTLS, 'mx1.example.org', one.ports['smtp'])):
            arrived(t, one, run_srv(home, trust),
                    'not offered with implicit TLS')
        with dnsmasq(record(TLS, 'mx1.example.org', 9, 1),
                     record(TLS, 'nowhere.example.org', 9, 2),
                     record(STARTTLS, 'mx2.example.org', 10, 1)):
            run = run_srv(home, trust)
            failed(t, run, 75, 'all are dead', 'none of 3 smarthosts',
                   'mx1.example.org:9 (127.0.0.1): Connection refused',
                   'nowhere.example.org',
                   'mx2.example.org:10 (127.0.0.1): Connection refused')


def test_srv_weights(t, home, certificate):
    """A fleet of machines spreads over a fleet of relays; who has no weight
    beside so much is as good as never the first."""
    if unable(t, 'weights'):
        return
    pem, runs = near(certificate, "wildcard.pem"), 40
    with network(), contextlib.ExitStack() as stack:
        boxes = [stack.enter_context(smtpd.Server(pem)) for _ in range(3)]
        stack.enter_context(dnsmasq(*(
            record(TLS, 'mx1.example.org', box.ports['smtps'], 10, weight)
            for box, weight in zip(boxes, (30000, 30000, 0)))))
        for _ in range(runs):
            run_srv(home, f'tls-trust {near(certificate, "ca.pem")}')
        took = [len(box.took) for box in boxes]
        t.ok(sum(took) == runs and took[0] > 0 and took[1] > 0 and took[2] < 5,
             'machines spread over the relays by weight', took)


def test_srv_long_answer(t, home, certificate):
    """What does not fit into a datagram is asked for by TCP."""
    if unable(t, 'a long answer'):
        return
    with network(), smtpd.Server(near(certificate, 'wildcard.pem')) as box:
        with dnsmasq('--edns-packet-max=512',
                     record(TLS, 'mail.example.org', box.ports['smtps'], 1),
                     *(record(TLS, f'a-host-with-a-long-name-{n}.example.org',
                              465, 2) for n in range(30))):
            arrived(t, box, run_srv(home, 'tls-trust ' + near(
                certificate, 'ca.pem')), '31 records')


class Names:
    """A name server that answers as `play` says: a function of the question,
    which may give None."""

    def __init__(self, play):
        self.play, self.count = play, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 53))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            question, client = self.socket.recvfrom(4096)
            if not question:
                return
            self.count += 1
            answer = self.play(question)
            if answer is not None:
                self.socket.sendto(answer, client)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b'', ('127.0.0.1', 53))
        self.thread.join()
        self.socket.close()


def with_code(code):
    return lambda question: question[:2] + bytes([0x81, 0x80 | code]) + \
        question[4:]


def cut_off(question):
    """Says that there is an answer, which is not there."""
    return question[:2] + b'\x81\x80' + question[4:6] + b'\0\1' + question[8:]


def test_srv_failing_servers(t, home):
    """Nobody can tell now: later, and by the deadline."""
    if unable(t, 'failing name servers'):
        return
    fast = 'options timeout:1 attempts:1\n'
    with network():
        for what, play, words in (
                ('SERVFAIL', with_code(2), ('no name server answered',)),
                ('REFUSED', with_code(5), ('no name server answered',)),
                ('a cut answer', cut_off, ('no whole answer',)),
                ('garbage', lambda _: b'x' * 40, ('no name server',))):
            with Names(play) as names:
                run = run_srv(home, 'deadline 20s', options=fast)
                failed(t, run, 75, what, f'{TLS}.example.org', *words)
                t.ok(names.count > 0, f'{what}: was asked')
        with Names(lambda _: None):
            run = run_srv(home, 'deadline 1s',
                          options='options timeout:30 attempts:5\n')
            failed(t, run, 75, 'silence', 'srv://example.org: timed out',
                   'looking up the smarthost', 'resolv.conf')
        with Names(with_code(3)):
            failed(t, run_srv(home), 68, 'NXDOMAIN', f'{TLS}.example.org')
        # No port 53 at all.
        failed(t, run_srv(home, options=fast), 75, 'no name server',
               'no name server answered')


def test_srv_probe(t, home, certificate):
    """Each host that DNS names has a block of its own, and no more than one is
    logged in to after a refusal."""
    if unable(t, 'a login test'):
        return
    pem = near(certificate, 'wildcard.pem')
    trust = f'tls-trust {near(certificate, "ca.pem")}'
    user = [('alice', 'secret')]
    with network(), smtpd.Server(pem, users=user) as one, \
            smtpd.Server(pem, users=user) as two, dnsmasq(
                record(TLS, 'mx1.example.org', one.ports['smtps'], 10, 5),
                record(TLS, 'mx2.example.org', two.ports['smtps'], 20, 7),
                record(TLS, 'mail.example.org', 9, 30)):
        starts = [
            f'smarthost: smtps://mx1.example.org:{one.ports["smtps"]} '
            '(srv://example.org, priority 10, weight 5)\n',
            f'smarthost: smtps://mx2.example.org:{two.ports["smtps"]} '
            '(srv://example.org, priority 20, weight 7)\n',
            'smarthost: smtps://mail.example.org:9 (srv://example.org, '
            'priority 30, weight 0)\n']
        for lines, status, logins, words in (
                (('user alice', 'password secret'), 0, (1, 1),
                 ('accepted by', 'accepted by', 'see the error')),
                (('user alice', 'password wrong'), 77, (1, 0),
                 ('refused: 535', 'as one was refused', 'as one was')),
                (('auth off',), 0, (0, 0), ('by `auth off',) * 3)):
            run = run_srv(home, trust, *lines, argv=('--probe',))
            blocks = run.out.decode().split('\n\n')
            t.ok(run.status == status and len(blocks) == 3 and
                 all(map(str.startswith, blocks, starts)) and
                 all(re.search('^login: .*' + word, block, re.M)
                     for word, block in zip(words, blocks)) and
                 tuple(sum(line.startswith('AUTH') for _, line in box.told)
                       for box in (one, two)) == logins,
                 f'--probe of three hosts: {lines[-1]}', run.words())
            one.settle()
            two.settle()
            one.clear()
            two.clear()
        found = json.loads(run_srv(home, trust, argv=(
            '--probe', '--json')).out)
        t.ok([host['srv'] for host in found['smarthosts']] == [
            {'domain': 'example.org', 'priority': priority, 'weight': weight}
            for priority, weight in ((10, 5), (20, 7), (30, 0))],
             'and in JSON', found)
    with network(), dnsmasq():
        run = run_srv(home, argv=('--probe',))
        t.ok(run.status == 68 and
             run.out.startswith(b'smarthost: srv://example.org\n') and
             b'\nerror: ' in run.out, 'no hosts at all', run.words())


def test_srv_none(t, home):
    if unable(t, 'a domain without hosts'):
        return
    with network():
        with dnsmasq():
            failed(t, run_srv(home), 68, 'no records', 'srv://example.org',
                   f'{TLS}.example.org', f'{STARTTLS}.example.org',
                   '`smarthost smtps://HOST')
        with dnsmasq(record(TLS, None), record(STARTTLS, None)):
            failed(t, run_srv(home), 68, 'not offered', 'srv://example.org',
                   'offers no submission of mail')


# Silence.

DIALOGUE = ((b'', b'220 ready\r\n'), (b'EHLO', b'250-mx\r\n250 AUTH PLAIN\r\n'),
            (b'AUTH', b'235 ok\r\n'), (b'MAIL', b'250 ok\r\n'),
            (b'RCPT', b'250 ok\r\n'), (b'DATA', b'354 go\r\n'))


def silent_after(count):
    """Answers so many times, and then never."""
    def play(server, sock):
        for wanted, reply in DIALOGUE[:count]:
            server.hear(sock, wanted)
            sock.sendall(reply)
        server.hear(sock, b'no client says this')
    return play


def offers_starttls(answers):
    def play(server, sock):
        sock.sendall(b'220 ready\r\n')
        server.hear(sock, b'EHLO')
        sock.sendall(b'250-mx\r\n250 STARTTLS\r\n')
        server.hear(sock, b'STARTTLS\r\n')
        if answers:
            sock.sendall(b'220 go\r\n')
        server.hear(sock, b'no client says this')
    return play


def test_silence(t, home):
    """Nothing hangs, whatever does not answer: each step says which it was,
    with whom, and what to do."""
    login = f'user alice\npassword secret\nauth-in-clear yes\n{SENDER}'
    short, whole = 'timeout 1s\n', 'deadline 1s\n'
    with contextlib.ExitStack() as stack:
        def server(play=silent_after(0), **more):
            return stack.enter_context(smtpd.Server(play=play, **more))
        full = stack.enter_context(socket.socket(socket.AF_INET))
        full.bind(('127.0.0.1', 0))
        full.listen(0)
        for _ in range(2):
            waiting = stack.enter_context(socket.socket(socket.AF_INET))
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        silent = server(lambda box, sock: box.hear(sock, b'never said'))
        steps = [
            ('connecting', 'smtp+plain://127.0.0.1:%d' % full.getsockname()[1],
             'connect-timeout 1s\n'),
            ('the TLS handshake', f'smtps://127.0.0.1:{silent.ports["smtp"]}',
             short),
            ('the greeting', silent.url('smtp+plain'), short),
            ('the greeting', silent.url('smtp'), short),
            ('the greeting', server(
                lambda box, sock: box.hear(sock, b'never said'),
                host=str(home.path / 'unix')).url('smtp+unix'), short),
            ('the greeting', 'smtp+plain://mail.example.org',
             'connect-command sleep 1000\n' + short),
            ('the TLS handshake', 'smtps://mail.example.org',
             'connect-command sleep 1000\n' + short),
            ('STARTTLS', server(offers_starttls(False)).url('smtp'), short),
            ('the TLS handshake', server(offers_starttls(True)).url('smtp'),
             short)]
        for count, step in ((1, 'EHLO'), (2, 'AUTH'), (3, 'MAIL FROM'),
                            (4, 'RCPT TO'), (5, 'DATA')):
            steps.append((step, server(silent_after(count)).url('smtp+plain'),
                          short))
        steps += [(step, url, lines.replace(short, whole))
                  for step, url, lines in steps if not lines.startswith(
                      'connect-timeout')]
        steps.append(('the end of the mail data',
                      server(silent_after(6)).url('smtp+plain'), whole))
        runs = []
        for number, (step, url, lines) in enumerate(steps):
            tls = 'tls-trust /etc/ssl/certs/ca-certificates.crt\n' \
                if url.startswith(('smtps', 'smtp:')) else ''
            config = home.config(f'smarthost {url}\n{lines}{tls}{login}',
                                 name=f'config{number}')
            runs.append(threading.Thread(target=lambda n, c: results.update(
                {n: home.run(BOB, config=c)}), args=(number, config)))
        results = {}
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        for number, (step, url, lines) in enumerate(steps):
            where = url.split(':', 1)[1].strip('/')
            failed(t, results[number], 75,
                   f'{step}, {url}, {lines.strip()!r}', step, where, 'hint: ')


if __name__ == '__main__':
    sys.exit(surroundings.run_tests(dict(globals())))
