#!/usr/bin/python3
"""--probe, the login test that sends no mail, against real sockets: what it
finds out, what it leaves alone, and how it ends.

    tests/probe.t [WORD ...]    only the tests whose names hold a WORD
"""

import json
import os
import re
import socket
import subprocess
import sys

from home import (MS_BIND, can_mount, in_order, mount, private_mounts,
                  run_tests)
from smtpd import Server

USER = [('alice', 'secret')]
MS = r'\d+\.\d ms'
# Each line of a block, in this order; those with a `?' may be missing.
BLOCK = [
    r'smarthost: smtps?(\+plain)?://[a-z0-9.]+:\d+',
    rf'(address: [0-9.]+ port \d+, (connected in {MS}|[A-Z].*)\n)+',
    r'(tls: TLS1\.[23] \S+ \S+\n'
    r'names: localhost\nissuer: CN=sendling test ca\n'
    r'expires: 20\d\d-\d\d-\d\d, (29|30) days left\n'
    r'pin: tls-pin sha256:[A-Za-z0-9+/]{43}=\n)?',
    rf'(turn: [A-Za-z ]+ {MS}\n)+',
    r'(extensions: .*\n(size: \d+\n)?mechanisms: .*\n)?',
    r'login: (accepted by|refused:|not tried,|broken off,) .*\n',
    r'(error: .*\n(server: .*\n)?(hint: .*\n)?)?']


def probe(home, config, *more, **others):
    """A run, the lines and the blocks it printed."""
    path = home.config(config)
    run = home.run('--probe', *more, config=path, stdin=subprocess.DEVNULL,
                   **others)
    run.text = run.out.decode()
    run.blocks = run.text.split('\n\n')
    return run


def objects(home, config, *more, **others):
    run = probe(home, config, '--json', *more, **others)
    run.json = json.loads(run.out)
    return run


def is_block(text):
    pattern = BLOCK[0] + r'\n' + ''.join(BLOCK[1:])
    return re.fullmatch(pattern, text.rstrip('\n') + '\n') is not None


def verbs(box):
    return [line.split(' ')[0] for _, line in box.told]


def two(first, second, *more):
    """A configuration with two smarthosts, of the second box's account."""
    return first + second.config('password secret', *more)


def test_finds_all(t, home, certificate):
    """Implicit TLS, STARTTLS and none of it."""
    with Server(certificate, users=USER) as box:
        for scheme, turns in {
                'smtps': ['lookup', 'TLS handshake', 'greeting', 'EHLO',
                          'AUTH'],
                'smtp': ['lookup', 'greeting', 'EHLO', 'STARTTLS',
                         'TLS handshake', 'EHLO', 'AUTH'],
                'smtp+plain': ['lookup', 'greeting', 'EHLO', 'AUTH'],
        }.items():
            if scheme == 'smtp+plain':
                box.context = None  # or it offers no AUTH
            config = box.config('password secret', scheme=scheme)
            run = probe(home, config)
            box.settle()
            t.ok(run.status == 0 and run.err == b'' and is_block(run.text) and
                 'login: accepted by PLAIN\n' in run.text and
                 'size: 1073741824\n' in run.text and
                 '8BITMIME, SMTPUTF8' in run.text and
                 ('tls: ' in run.text) == (scheme != 'smtp+plain'),
                 f'{scheme}: all is found', run.words())
            t.ok('MAIL' not in verbs(box) and verbs(box)[-1] == 'QUIT' and
                 verbs(box).count('AUTH') == 1 and not box.faults and
                 not box.took,
                 f'{scheme}: one login, and no mail', box.told, box.faults)
            found = objects(home, config).json
            one = found['smarthosts'][0]
            t.ok(found['status'] == 0 and found['account'] == 'default' and
                 found['error'] is None and len(found['smarthosts']) == 1 and
                 one['smarthost'] == box.url(scheme) and
                 one['login'] == 'accepted' and one['mechanism'] == 'PLAIN' and
                 one['size'] == 1 << 30 and 'DSN' in one['extensions'] and
                 one['mechanisms'][0] == 'PLAIN' and one['error'] is None and
                 [turn['step'] for turn in one['turns']] == turns and
                 one['addresses'][0]['address'] == '127.0.0.1',
                 f'{scheme}: JSON says the same', found)
            box.settle()
            box.clear()


def test_untrusted(t, home, certificate):
    """That is when a person needs the pin."""
    with Server(certificate, users=USER) as box:
        strange = box.config('password secret').replace(
            'ca.pem', 'other-ca.pem')
        run = probe(home, strange)
        box.settle()
        told = re.search(r'^pin: tls-pin sha256:(.*)$', run.text, re.M)
        key = subprocess.run(['openssl', 'x509', '-in', certificate, '-pubkey',
                              '-noout'], stdout=subprocess.PIPE, check=True)
        der = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'DER'],
                             input=key.stdout, stdout=subprocess.PIPE,
                             check=True)
        digest = subprocess.run(['openssl', 'dgst', '-sha256', '-binary'],
                                input=der.stdout, stdout=subprocess.PIPE,
                                check=True)
        pin = subprocess.run(['openssl', 'base64'], input=digest.stdout,
                             stdout=subprocess.PIPE, check=True)
        t.ok(run.status == 77 and is_block(run.text) and told is not None and
             told.group(1) == pin.stdout.decode().strip() and
             'login: not tried, see the error\n' in run.text and
             'error: verifying' in run.text and run.err == b'' and
             'AUTH' not in verbs(box),
             'a certificate that is not trusted is shown with its pin',
             run.words())
        run = objects(home, strange)
        one = run.json['smarthosts'][0]
        t.ok(run.status == run.json['status'] == 77 and
             one['tls']['names'] == ['localhost'] and
             one['tls']['pin'] == 'sha256:' + pin.stdout.decode().strip() and
             one['error']['status'] == 77 and
             run.json['error']['text'] == one['error']['text'] and
             run.err == b'', 'and so in JSON', run.words())
        box.settle()


def test_refused(t, home, certificate):
    """None tries again after a refusal: servers ban who does."""
    with Server(certificate, users=USER) as first, \
            Server(certificate, users=USER) as second:
        config = two(f'smarthost {first.url("smtps")}\n', second).replace(
            'password secret', 'password wrong')
        run = probe(home, config)
        first.settle()
        second.settle()
        t.ok(run.status == 77 and all(map(is_block, run.blocks)) and
             'login: refused: 535 5.7.8 Authentication failed\n' in
             run.blocks[0] and 'not tried, as one was refused' in
             run.blocks[1] and 'hint: ' in run.blocks[0] and
             'error: ' not in run.blocks[1] and run.err == b'',
             'a refusal: the status is that of a mail', run.words())
        t.ok(verbs(first).count('AUTH') == 1 and 'AUTH' not in verbs(second)
             and verbs(second)[-1] == 'QUIT',
             'the second is met without a login', first.told, second.told)


def later(server, sock):
    """Puts the login off."""
    sock.sendall(b'220 x\r\n')
    server.hear(sock, b'\n')
    sock.sendall(b'250-x\r\n250 AUTH PLAIN\r\n')
    server.hear(sock, b'\n')
    sock.sendall(b'454 4.7.0 Too many login attempts\r\n')
    server.hear(sock, b'QUIT')


def closed(server, sock):
    """Takes no mail from anybody."""
    sock.sendall(b'554 5.3.2 not here\r\n')
    server.hear(sock, b'QUIT')


def test_several(t, home, box):
    """The status is that of a mail, and each smarthost is told."""
    dead = 'smarthost smtp+plain://127.0.0.1:1\n'
    alive = box.config()
    for config, status, words in (
            (dead + alive, 0, 'the first is dead'),
            (alive + dead, 0, 'the second is dead'),
            (dead + dead.replace(':1', ':2'), 75, 'both are dead')):
        run = probe(home, config)
        box.settle()
        t.ok(run.status == status and len(run.blocks) == 2 and
             all(map(is_block, run.blocks)) and
             run.text.count('port 1, Connection refused\n') == 1 and
             run.text.count('error: connecting to ') ==
             (2 if status else 1) and run.err == b'',
             f'{words}: status {status}', run.words())
    with Server(play=later) as first, Server(users=USER) as second:
        run = probe(home, two(
            f'smarthost {first.url("smtp+plain")}\n', second))
        t.ok(run.status == 0 and
             'login: refused: 454 4.7.0 Too many' in run.blocks[0] and
             'login: accepted' in run.blocks[1],
             'a login that is put off: the next is tried, as for a mail',
             run.words())
    with Server(play=closed) as server:
        run = probe(home, dead + server.config())
        t.ok(run.status == 75 and 'error: ' in run.blocks[0] and
             'server: 554 5.3.2 not here\n' in run.blocks[1],
             'one that may come back outweighs one that will not',
             run.words())


def test_no_login(t, home, box):
    """Without a user, or with `auth off', it ends before AUTH."""
    without = box.config()
    box.users = dict(USER)
    for config, why in ((without, 'no user'), (box.config(
            'password secret', 'auth off'), 'auth off')):
        run = probe(home, config)
        box.settle()
        t.ok(run.status == 0 and is_block(run.text) and
             'login: not tried, ' in run.text and 'AUTH' not in verbs(box) and
             'mechanisms: PLAIN' in run.text,
             f'{why}: success without a login', run.words())
        box.clear()
    run = probe(home, box.config('password secret'), '--set', 'auth=off')
    t.ok(run.status == 0 and 'AUTH' not in verbs(box),
         'the same by --set', run.words())
    box.settle()


def test_no_password(t, home, certificate):
    """The server is looked at all the same; the status is that of a mail."""
    with Server(certificate, users=USER) as box:
        run = probe(home, box.config('password-file /nonexistent'))
        box.settle()
        t.ok(run.status == 78 and is_block(run.text) and
             'not tried, as there is no password' in run.text and
             b'/nonexistent' in run.err and 'AUTH' not in verbs(box),
             'no password', run.words())
        run = objects(home, box.config('password-file /nonexistent'))
        t.ok(run.status == run.json['status'] == 78 and
             '/nonexistent' in run.json['error']['text'] and
             run.json['smarthosts'][0]['error'] is None,
             'and so in JSON', run.words())
    run = probe(home, '\nlog off\n')
    t.ok(run.status == 78 and run.out == b'' and b'smarthost' in run.err,
         'no smarthost', run.words())
    run = objects(home, 'smarthots x\n')
    t.ok(run.status == run.json['status'] == 78 and
         run.json['account'] is None and run.json['smarthosts'] == [] and
         'smarthots' in run.json['error']['text'],
         'a configuration that is none, in JSON', run.words())


def test_accounts(t, home, box):
    """-a, -f, and nobody."""
    config = (f'log off\naccount a\nmatch *@a.example\n{box.config()}'
              'account b\nsmarthost smtp+plain://127.0.0.1:1\n'
              'match *@b.example\n')
    for argv, name in ((('-a', 'a'), 'a'), (('-f', 'x@b.example'), 'b'),
                       (('-f', 'X <x@a.example>'), 'a')):
        run = objects(home, config, *argv)
        t.ok(run.json['account'] == name, f'{argv}: account {name}',
             run.words())
    run = probe(home, config)
    t.ok(run.status == 78 and run.out == b'' and b'a, b' in run.err,
         'which account it is must be known', run.words())
    box.settle()


def repeat(server, sock):
    """Says the secret, controls and far too much wherever it can."""
    sock.sendall(b'220 \x1b[31msecret-word\r\n')
    server.hear(sock, b'\n')
    sock.sendall(b'250-x\r\n' + b'250-X\x1b[31m\x9b\r\n' +
                 b'250-XSECRET-WORD\r\n' + b'250-XLONG ' + b'y' * 400 +
                 b'\r\n' + b'250-XMANY\r\n' * 90 + b'250 AUTH PLAIN\r\n')
    server.hear(sock, b'\n')
    sock.sendall(b'535 no, secret-word \x1b[31m\r\n')
    server.hear(sock, b'QUIT')


def test_hostile(t, home):
    for argv in ((), ('--json',), ('-v',), ('-v', '--json')):
        with Server(play=repeat, users=[('alice', 'secret-word')]) as box:
            run = probe(home, box.config('password secret-word'), *argv)
            said = (run.out + run.err).lower()
            t.ok(run.status == 77 and b'secret-word' not in said and
                 b'\x1b' not in said and b'\x9b' not in said and
                 len(run.out) < 5000 and b'repeats the secret' in said,
                 f'a server that repeats the secret, {argv}', run.words())


def test_stdin(t, home, box):
    """Nobody waits for a message."""
    ends = os.pipe()
    run = home.run('--probe', config=home.config(box.config()), stdin=ends[0])
    t.ok(run.status == 0, 'standard input is not read', run.words())
    for fd in ends:
        os.close(fd)
    box.settle()


def test_names(t, home, box):
    """Only under our own name."""
    config = box.config()
    for option in ('--probe', '--serverinfo'):
        run = home.run(option, config=home.config(config))
        t.ok(run.status == 0 and b'login: ' in run.out, f'{option} is one',
             run.words())
        run = home.run(option, name='sendmail')
        t.ok(run.status == 64 and run.out == b'',
             f'{option} is none under the name sendmail', run.words())
    box.settle()


def test_addresses(t, home):
    """All that were tried, in their order."""
    if not can_mount():
        return t.skip('addresses', 'no private mount namespace')
    hosts = home.file('hosts', '127.0.0.1 many.test\n127.0.0.2 many.test\n',
                      0o644)
    with Server(host='127.0.0.2') as box:
        run = probe(home, box.config().replace('127.0.0.2', 'many.test'),
                    preexec_fn=in_order(private_mounts, lambda: mount(
                        hosts, '/etc/hosts', flags=MS_BIND)))
        port = box.ports['smtp']
    t.ok(run.status == 0 and is_block(run.text) and re.search(
        f'^address: 127.0.0.1 port {port}, Connection refused\n'
        f'address: 127.0.0.2 port {port}, connected in {MS}\n', run.text,
        re.M) is not None, 'each address is told', run.words())


def lmtp(server, sock):
    sock.sendall(b'220 x LMTP\r\n')
    server.hear(sock, b'LHLO ')
    sock.sendall(b'250-x\r\n250-PIPELINING\r\n250 SIZE 77\r\n')
    server.hear(sock, b'QUIT')


def test_lmtp(t, home):
    """The same with the other greeting."""
    with Server(play=lmtp) as box:
        port = box.ports['smtp']
        run = probe(home, f'smarthost lmtp://127.0.0.1:{port}\n')
        t.ok(run.status == 0 and
             f'smarthost: lmtp://127.0.0.1:{port}\n' in run.text and
             'turn: LHLO ' in run.text and
             'extensions: PIPELINING, SIZE 77\nsize: 77\n' in run.text,
             'LMTP', run.words())


def test_silence(t, home):
    """It ends, with the words of a mail."""
    with socket.create_server(('127.0.0.1', 0)) as silent:
        run = probe(home, f'smarthost smtps://127.0.0.1:'
                    f'{silent.getsockname()[1]}\ntimeout 1s\n')
        t.ok(run.status == 75 and 'timed out' in run.text and
             'connected in' in run.text and 'tls: ' not in run.text,
             'silence ends', run.words())


if __name__ == '__main__':
    sys.exit(run_tests(dict(globals())))
