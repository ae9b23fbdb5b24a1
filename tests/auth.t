#!/usr/bin/python3
"""AUTH by the real program: what leaves for whom, whatever the server says,
and whatever `password-command' does.

    tests/auth.t [WORD ...]    only the tests whose names hold a WORD
"""

import base64
import contextlib
import fcntl
import json
import re
import socket
import struct
import sys
import time

from daemons import raise_loopback
from home import (
    CLONE_NEWNET, LIBC, SERVE, can_mount, check, run_tests)
from smtpd import Server

BOB = 'bob@example.org'
ALICE = 'alice@example.com'
STALE = 'ya29.stale-c4nary_0123456789.abcdefghijklmnopqrstuvwxyz~+/=='
FRESH = 'ya29.fresh-c4nary_9876543210.zyxwvutsrqponmlkjihgfedcba~+/=='
PASSWORD = 'c4nary-Pa55/w0rd'
CANARIES = (STALE, FRESH, PASSWORD)
TOKENS = ('OAUTHBEARER', 'XOAUTH2')
PASSWORDS = ('PLAIN', 'LOGIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'CRAM-MD5')
AWAY = '192.0.2.1'
SIOCSIFADDR = 0x8916
REASON = {'status': 'invalid_token', 'schemes': 'bearer', 'scope': 'mail.send'}


def b64(text):
    octets = text if isinstance(text, bytes) else text.encode()
    return base64.b64encode(octets).decode()


def bearer(token, mechanism, server=None):
    """What must be said, without its base64."""
    if mechanism == 'XOAUTH2':
        return f'user={ALICE}\1auth=Bearer {token}\1\1'
    port = next(iter(server.ports.values()))
    return (f'n,a={ALICE},\1host=127.0.0.1\1port={port}\1'
            f'auth=Bearer {token}\1\1')


class Gate(Server):
    """A server that says what is given to each line of AUTH in turn, and then
    takes the mail as any. `said` has those lines. What is None closes the
    connection; a list stands for replies in one segment, of which a None as
    the last closes it."""

    def __init__(self, replies, mechanisms, *certificate, **more):
        self.replies = list(replies)
        self.mechanisms = mechanisms
        self.said, self.after = [], []
        super().__init__(*certificate, play=self.answer, **more)

    def answer(self, server, sock):
        if self.context:
            sock = self.context.wrap_socket(sock, server_side=True)
        sock.sendall(b'220 mail.test ESMTP\r\n')
        lines = sock.makefile('rb')
        waiting = False
        for line in lines:
            line = line.rstrip(b'\r\n')
            verb = line[:4].upper()
            if verb == b'QUIT':
                return
            if waiting or verb == b'AUTH':
                self.said.append(line.decode())
                reply = self.replies.pop(0) if self.replies else '503 enough'
                reply = reply if isinstance(reply, list) else [reply]
                sock.sendall(b''.join(r.encode() + b'\r\n' for r in reply
                                      if r is not None))
                if reply[-1] is None:
                    return
                waiting = reply[-1].startswith('334')
                continue
            if verb == b'EHLO':
                reply = b'250-mail.test\r\n250 AUTH %s\r\n' % \
                    self.mechanisms.encode()
            else:
                self.after.append(line.decode())
                reply = b'354 go on\r\n' if verb == b'DATA' else b'250 ok\r\n'
            sock.sendall(reply)
            if verb == b'DATA':
                while (line := next(lines)) != b'.\r\n':
                    pass
                sock.sendall(b'250 taken\r\n')

    def commands(self):
        return [line for line in self.said if line.startswith('AUTH')]


def shows(octets):
    """What of the secrets is in it, in forms that people could read back."""
    text = octets.decode(errors='replace')
    return [form for secret in CANARIES
            for form in (secret, secret[:20], secret[-20:],
                         b64(secret)[:24], b64('x' + secret)[2:26],
                         b64('xx' + secret)[3:27], secret.encode().hex())
            if form in text]


def account(server, auth, *lines, user=ALICE):
    login = [f'user {user}'] if user else []
    return server.config(*login, f'auth {auth}', *lines)


def attempt(home, replies, auth, *lines, argv=(BOB,), **more):
    """A run against such a server; the server and the run."""
    user = more.pop('user', ALICE)
    offered = more.pop('offered', auth)
    with Gate(replies, offered) as server:
        run = home.run(*argv, config=home.config(
            account(server, auth, *lines, user=user)), **more)
    return server, run


# S11, S12

def secret_for(auth):
    return f'password {STALE if auth in TOKENS else PASSWORD}'


# What a server says to the lines of AUTH, and the status: none is a login, and
# after none of them anything of the mail leaves.
NO_LOGIN = {
    '535': (['535 5.7.8 no'], 77),
    '535 in three lines': (['535-5.7.8 no\r\n535-5.7.8 not\r\n535 5.7.8 ever'],
                           77),
    '454': (['454 4.7.0 later'], 75),
    '421': (['421 4.7.0 bye'], 75),
    '500': (['500 what?'], 77),
    '250 in place of 235': (['250 ok'], 77),
    'nothing, and closes': ([None], 75),
    'two replies of yes': ([['235 ok', '235 ok']], None),
    'yes and then 421': ([['235 ok', '421 bye']], None),
    'no SMTP': (['hello there'], 76),
    'prompts for ever': (['334 ' + b64('go on')] * 20, None),
    'empty prompts for ever': (['334 '] * 20, None),
    'prompts that are no base64': (['334 ...!'] * 20, None),
}


def test_no_mail_without_login(t, home):
    for auth in (*PASSWORDS, *TOKENS, 'EXTERNAL'):
        for what, (replies, status) in NO_LOGIN.items():
            if what == '250 in place of 235' and auth in (
                    'PLAIN', 'EXTERNAL', *TOKENS):
                continue  # it says yes
            server, run = attempt(
                home, replies, auth, *([secret_for(auth)]
                                       if auth != 'EXTERNAL' else []),
                offered='PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 CRAM-MD5 '
                'OAUTHBEARER XOAUTH2 EXTERNAL')
            good = run.status == status if status else run.status in (
                75, 76, 77)
            t.ok(good and not server.after and len(server.commands()) == 1 and
                 len(server.said) <= 4 and not shows(run.out + run.err) and
                 server.count == 1,
                 f'{auth}, {what}: one try and no mail', run.words(),
                 *server.said, *server.after)
            if 'for ever' in what and 'prompts' in what:
                t.ok(server.said[-1] == '*', 'which is broken off',
                     *server.said)


def test_in_clear(t, home):
    """What shows a secret goes to nobody but this machine without TLS."""
    if not can_mount():
        return t.skip('a server of another address', 'no namespaces')
    for auth in (*PASSWORDS, *TOKENS, 'auto'):
        for allowed in ('no', 'yes'):
            shown = auth in ('PLAIN', 'LOGIN', 'auto', *TOKENS)
            replies = ['535 no']
            if shown:
                replies = ['334 '] * 2 * (auth == 'LOGIN') + ['235 ok']
            with elsewhere(replies, 'PLAIN' if auth == 'auto' else auth) as (
                    server, enter):
                run = home.run(BOB, preexec_fn=enter, config=home.config(
                    server.config(f'user {ALICE}', f'auth {auth}',
                                  secret_for(auth),
                                  f'auth-in-clear {allowed}')))
            goes = allowed == 'yes' or not shown
            t.ok((server.commands() != []) == goes and
                 (run.status == 0) == (goes and shown) and
                 (goes or b'auth-in-clear' in run.err) and
                 not shows(run.err + run.out),
                 f'{auth} without TLS to another machine, auth-in-clear '
                 f'{allowed}: it {"goes" if goes else "does not"}',
                 run.words(), *server.said)


def test_unverified(t, home, certificate):
    """What shows a secret goes to nobody whose certificate was not verified,
    named or not: who stands between would offer nothing else."""
    if not can_mount():
        return t.skip('a server of another address', 'no namespaces')
    for auth in ('PLAIN', 'LOGIN', 'SCRAM-SHA-256 PLAIN', 'auto', *TOKENS):
        offered = auth if auth in TOKENS else 'LOGIN PLAIN'
        for allowed in ('no', 'yes'):
            replies = ['334 '] * 2 * (auth == 'LOGIN') + ['235 ok']
            with elsewhere(replies, offered, certificate) as (server, enter):
                run = home.run(BOB, preexec_fn=enter, config=home.config(
                    f'smarthost {server.url("smtps")}\nfrom {ALICE}\n'
                    f'user {ALICE}\nauth {auth}\n{secret_for(auth)}\n'
                    f'tls-verify no\nauth-in-clear {allowed}\n'))
            goes = allowed == 'yes'
            t.ok(bool(server.said) == goes and (run.status == 0) == goes and
                 (goes or b'auth-in-clear' in run.err and
                  run.status == 77),
                 f'auth {auth}, tls-verify no, auth-in-clear {allowed}: it '
                 f'{"goes" if goes else "does not"}', run.words(),
                 *server.said)


@contextlib.contextmanager
def elsewhere(replies, mechanisms, *certificate):
    """A server in a network of its own, at an address that is not that of
    loopback; and what enters that network."""
    with open('/proc/self/ns/net') as ours:
        check(LIBC.unshare(CLONE_NEWNET))
        try:
            raise_loopback()
            with socket.socket() as s:
                fcntl.ioctl(s, SIOCSIFADDR, struct.pack(
                    '16sHH4s8x', b'lo:1', socket.AF_INET, 0,
                    socket.inet_aton(AWAY)))
            server = Gate(replies, mechanisms, *certificate, host=AWAY)
            theirs = open('/proc/self/ns/net')
        finally:
            check(LIBC.setns(ours.fileno(), CLONE_NEWNET))
    with theirs, server:
        yield server, lambda: check(LIBC.setns(theirs.fileno(), CLONE_NEWNET))


def test_downgrade(t, home, certificate):
    """Who takes -PLUS off the list on its way is found out: the client says
    that it could have bound (RFC 5802 section 6)."""
    for offered, flag in (('SCRAM-SHA-256', 'y,,'),
                          ('SCRAM-SHA-1 LOGIN', 'y,,'),
                          ('SCRAM-SHA-256-PLUS PLAIN', 'p=tls-exporter,,')):
        with Gate(['535 no'], offered, certificate) as server:
            home.run(BOB, config=home.config(
                account(server, 'auto', f'password {PASSWORD}')))
        first = base64.b64decode(server.said[0].split()[2]).decode()
        t.ok(first.startswith(flag), f'{offered}: {flag}', first)


# Tokens

def test_tokens(t, home):
    """Of any length, from a file and from a command; whole."""
    for auth in TOKENS:
        for size in (1, 200, 400, 16384, 65536, 65537):
            token = 'x' * size
            path = home.file('token', token + '\nrest\n' * (size < 65536))
            for source in (f'password-file {path}',
                           f'password-command cat {path}'):
                long = size > 200
                server, run = attempt(
                    home, ['334 ', '235 ok'] if long else ['235 ok'], auth,
                    source)
                sent = b64(bearer(token, auth, server))
                said = [f'AUTH {auth}', sent] if long else [
                    f'AUTH {auth} {sent}']
                if size > 65536:
                    t.ok(run.status == 78 and b'than 6553' in run.err and
                         server.said == [], f'{auth}, {size} octets, '
                         f'{source.split()[0]}: more than is taken',
                         run.words())
                    continue
                t.ok(run.silent() and run.status == 0 and server.said == said,
                     f'{auth}, {size} octets, {source.split()[0]}: it goes '
                     'whole', run.words(),
                     *(line[:80] for line in server.said))


def test_long_names(t, home):
    """They are not cut."""
    user = 'a' * (1024 - len('@example.com')) + '@example.com'
    for auth, sent in (('EXTERNAL', user), ('PLAIN', f'\0{user}\0{PASSWORD}')):
        server, run = attempt(
            home, ['334 ', '235 ok'], auth,
            *([secret_for(auth)] if auth == 'PLAIN' else []), user=user)
        t.ok(run.status == 0 and server.said == [f'AUTH {auth}', b64(sent)],
             f'{auth}: a long name goes whole', run.words(),
             *(line[:80] for line in server.said))


def test_control_characters(t, home):
    """Neither in a token nor in a user's name: S20."""
    for auth in TOKENS:
        for octet in ('\\000', '\\001', '\\r', '\\013', '\\033', '\\177', ' ',
                      '!', '\\303\\274'):
            for line in (f'password-command printf "{STALE}{octet}x"',
                         f'password-command printf "{octet}{STALE}"'):
                server, run = attempt(home, ['235 ok'], auth, line)
                t.ok(run.status == 78 and server.said == [] and
                     not shows(run.err), f'{auth}: {octet} in a token: it '
                     'stays here', run.words())
    for auth in (*TOKENS, *PASSWORDS, 'EXTERNAL'):
        for octet in ('\1', '\r', '\x1b', '\x7f'):
            server, run = attempt(home, ['235 ok'], auth,
                                  *([secret_for(auth)] if auth != 'EXTERNAL'
                                    else []),
                                  user=f'alice{octet}@example.com')
            t.ok(run.status == 78 and server.said == [] and
                 octet.encode() not in run.err,
                 f'{auth}: {octet!r} in the user: it stays here', run.words())


def counting(home, first, then):
    """A command that counts its runs, and what it saw; and the file of that."""
    path = home.path / 'runs'
    path.write_text('')
    return (f'password-command echo "${{SENDLING_TOKEN_REFUSED-unset}}" >> '
            f'{path}; if test "$SENDLING_TOKEN_REFUSED"; then {then}; else '
            f'{first}; fi'), path


# What the server says to the lines of AUTH, with a token that is stale, in
# both mechanisms; what the second run of the command does; the status, how
# often AUTH was said, in how many connections, and words of the failure.
REFUSED = '535 5.7.8 bad token'
RENEWALS = {
    'a fresh token, in the same session':
        ([REFUSED, '235 ok'], f'echo {FRESH}', 0, 2, 1, ''),
    'the server closes behind the refusal':
        ([[REFUSED, None], '235 ok'], f'echo {FRESH}', 0, 2, 2, ''),
    'it says 421 behind the refusal':
        ([[REFUSED, '421 bye', None], '235 ok'], f'echo {FRESH}', 0, 2, 2, ''),
    'it closes when it hears the fresh token':
        ([REFUSED, None, '235 ok'], f'echo {FRESH}', 0, 3, 2, ''),
    'it always closes':
        ([REFUSED, None, None, None], f'echo {FRESH}', 75, 3, 2, ''),
    'the fresh one is refused too':
        ([REFUSED, REFUSED, '235 ok'], f'echo {FRESH}', 77, 2, 1, 'bad token'),
    'the server closes, and the fresh one is refused too':
        ([[REFUSED, None], [REFUSED, None], '235 ok'], f'echo {FRESH}', 77, 2,
         2, 'bad token'),
    'the same token again':
        ([REFUSED, '235 ok'], f'echo {STALE}', 77, 1, 1,
         'the same token again'),
    'the command fails':
        ([REFUSED, '235 ok'], 'echo log in again >&2; exit 1', 77, 1, 1,
         'ended with status 1'),
    'the command fails for now':
        ([REFUSED, '235 ok'], 'exit 75', 75, 1, 1, 'bad token'),
    'the command fails, and the server has gone':
        ([[REFUSED, None], '235 ok'], 'exit 1', 77, 1, 1, 'bad token'),
    'the command gives no token':
        ([REFUSED, '235 ok'], 'echo', 77, 1, 1, 'empty'),
    'the fresh one is none':
        ([REFUSED, '235 ok'], 'echo "no token!"', 78, 1, 1, 'no OAuth token'),
    'the refusal is no such':
        (['454 4.7.0 later', '235 ok'], f'echo {FRESH}', 75, 1, 1, 'later'),
    'the account may not':
        (['535 5.7.139 disabled', '235 ok'], f'echo {FRESH}', 77, 1, 1,
         'administrator'),
}


def test_renewal(t, home):
    for auth in TOKENS:
        for what, (replies, then, status, count, connections, words) in \
                RENEWALS.items():
            command, runs = counting(home, f'echo {STALE}', then)
            server, run = attempt(home, replies, auth, command, environment={
                'SENDLING_TOKEN_REFUSED': '9'})
            renewed = '454' not in replies[0] and '139' not in replies[0]
            t.ok(run.status == status and words.encode() in run.err and
                 len(server.commands()) == count and
                 server.count == connections and
                 bool(server.after) == (status == 0) and
                 runs.read_text() == ('unset\n1\n' if renewed else
                                      'unset\n') and
                 not shows(run.err + run.out),
                 f'{auth}: {what}: {status}', run.words(), server.count,
                 *server.said, runs.read_text())
            if status == 0:
                t.ok(server.commands()[-1] == f'AUTH {auth} ' + b64(
                    bearer(FRESH, auth, server)), 'it is the fresh one')


def test_yes_before_renewal(t, home):
    """What the server says while a fresh token is fetched answers nothing, and
    it does not get that token."""
    for words in b'235 2.7.0 welcome\r\n', b'23':
        asked, said = home.path / 'asked', home.path / 'said'

        def play(server, sock, words=words, asked=asked, said=said):
            sock.sendall(b'220 mail.test\r\n')
            server.hear(sock, b'\n')
            sock.sendall(b'250-mail.test\r\n250 AUTH XOAUTH2\r\n')
            server.hear(sock, b'\n')
            sock.sendall(REFUSED.encode() + b'\r\n')
            while not asked.exists():
                time.sleep(0.01)
            sock.sendall(words)
            said.touch()
            server.hear(sock, b'never')
        with Server(play=play) as server:
            run = home.run(BOB, config=home.config(account(
                server, 'XOAUTH2', 'password-command if test '
                f'"$SENDLING_TOKEN_REFUSED"; then touch {asked}; while ! test '
                f'-e {said}; do sleep 0.01; done; echo {FRESH}; else echo '
                f'{STALE}; fi', 'timeout 20s')))
        t.ok(run.status == 76 and b'nothing had asked' in run.err and
             server.heard.count(b'AUTH XO') == 1 and server.count == 1,
             f'{words!r} meanwhile: no answer to the second login',
             run.words(), bytes(server.heard))
        asked.unlink()
        said.unlink()


def test_no_renewal(t, home):
    """Of a password, whatever it comes from, nor of a token that no command
    gives."""
    path = home.file('token', STALE + '\n')
    for auth in (*PASSWORDS, *TOKENS):
        challenge = {'LOGIN': ['334 ', '334 '], 'CRAM-MD5': ['334 ' + b64('x')]}
        replies = [*challenge.get(auth, []), '535 no', '235 ok']
        command, runs = counting(home, f'echo {PASSWORD}', f'echo {FRESH}')
        for source in ([f'password-file {path}', f'password {STALE}']
                       if auth in TOKENS else [command]):
            runs.write_text('')
            server, run = attempt(home, replies, auth, source)
            t.ok(run.status == 77 and len(server.commands()) == 1 and
                 runs.read_text() == ('' if auth in TOKENS else 'unset\n'),
                 f'{auth}, {source.split()[0]}: refused is refused',
                 run.words(), *server.said, runs.read_text())
    for auth in TOKENS:
        command, runs = counting(home, 'seq -s - 1000', f'echo {FRESH}')
        server, run = attempt(home, ['535 no', '235 ok'], auth, command)
        t.ok(run.status == 77 and server.said == [f'AUTH {auth}'] and
             runs.read_text() == 'unset\n', f'{auth}: nor of one that the '
             'server has not heard', run.words(), *server.said)


def test_renewal_by_probe(t, home):
    """The login test tells what a mail would meet."""
    for replies, then, status, words in (
            ([REFUSED, '235 ok'], f'echo {FRESH}', 0, 'login: accepted'),
            ([REFUSED, REFUSED], f'echo {FRESH}', 77, 'login: refused'),
            ([REFUSED, '235 ok'], 'exit 1', 77, 'login: refused')):
        command, runs = counting(home, f'echo {STALE}', then)
        server, run = attempt(home, replies, 'XOAUTH2', command,
                              argv=('--probe',))
        t.ok(run.status == status and words.encode() in run.out and
             runs.read_text() == 'unset\n1\n' and server.after == [] and
             not shows(run.out + run.err),
             f'--probe: {then.split()[0]}, {replies[1]}: {status}',
             run.words(), *server.said)


def test_renewal_once_for_mails(t, home):
    """Several mails by -bs: what is fresh stays, what is refused twice is not
    tried again."""
    two = SERVE.replace(b'QUIT', SERVE.partition(b'\r\n')[2])
    for replies, count in (([REFUSED, '235 ok'], 2), ([REFUSED, REFUSED], 2)):
        command, runs = counting(home, f'echo {STALE}', f'echo {FRESH}')
        server, run = attempt(home, replies, 'XOAUTH2', command, argv=('-bs',),
                              stdin=two)
        good = replies[-1] != REFUSED
        t.ok(len(server.commands()) == count and
             runs.read_text() == 'unset\n1\n' and
             server.after.count('DATA') == 2 * good and server.count == 1,
             f'two mails, {"refused again" if not good else "fresh"}',
             run.words(), *server.said, *server.after)


# What a server says of a token, which it may have in any form.
REASONS = {
    'why': REASON,
    'the token': {'status': STALE, 'scope': STALE},
    'a part of it': {'status': '401', 'scope': STALE[10:45]},
    'the fresh one': {'status': '401', 'scope': FRESH},
    'it and more': {'status': 'x' * 140 + STALE},
    'no object': [STALE],
}


def escaped(text):
    return re.sub(r'[A-Za-z]', lambda m: '\\u%04x' % ord(m[0]), text)


def test_canary(t, home):
    """What is told of a refusal, on every channel, has the reason in it and no
    token."""
    log, transcript = home.path / 'canary.log', home.path / 'canary'
    for auth in TOKENS:
        for what, reason in REASONS.items():
            for spelled in (lambda text: text, escaped):
                said = spelled(json.dumps(reason)) if what != 'why' else \
                    json.dumps(reason)
                for file in (log, transcript):
                    file.unlink(missing_ok=True)
                command, _ = counting(home, f'echo {STALE}', f'echo {FRESH}')
                server, run = attempt(
                    home, ['334 ' + b64(said), '535 5.7.8 no'] * 2, auth,
                    command, f'log {log}',
                    argv=('-v', '-d99', '--json', '-X', transcript, BOB))
                told = run.out + run.err + log.read_bytes() + \
                    transcript.read_bytes()
                t.ok(run.status == 77 and not shows(told) and
                     b'535 5.7.8 no' in told and len(server.commands()) == 2,
                     f'{auth}: {what} in JSON: no token is told', run.words(),
                     shows(told))
                if what == 'why':
                    t.ok(b'(status invalid_token, schemes bearer, scope '
                         b'mail.send)' in run.err, 'but the reason is',
                         run.words())


sys.exit(run_tests(dict(globals())))
