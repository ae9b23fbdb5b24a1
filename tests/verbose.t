#!/usr/bin/python3
"""-v: what a person needs who wonders what happens, in the order in which it
happened; and -v -v: when.

    tests/verbose.t [WORD ...]    only the tests whose names hold a WORD
"""

import os
import re
import socket
import sys

from home import HEADER, MESSAGE, SERVE, run_tests
from smtpd import Server

USER = [('alice', 'secret')]
BOB = 'bob@example.org'


def told(run):
    return run.err.decode()


def in_order(text, *patterns):
    """Whether each pattern is a whole line, behind that of the one before."""
    return re.search('^' + r'\n(?:.*\n)*?'.join(patterns) + '$', text,
                     re.M) is not None


DIALOGUE = (
    r'-- connecting to 127\.0\.0\.1 port \d+ for smtp://127\.0\.0\.1:\d+',
    r'-- 127\.0\.0\.1 port \d+: connected', 'S: 220 .*', 'C: EHLO .*',
    'S: 250 STARTTLS', 'C: STARTTLS', 'S: 220 .*', r'-- TLS: TLS1\.3 \S+ \S+',
    '-- certificate: for localhost',
    '-- certificate: issued by CN=sendling test ca',
    r'-- certificate: valid \d+-\d+-\d+ to \d+-\d+-\d+',
    '-- certificate: tls-pin sha256:.*', '-- certificate: taken',
    'C: EHLO .*', 'S: 250 AUTH .*', r'C: AUTH PLAIN \[secret\]', 'S: 235 .*',
    'C: MAIL FROM:.*', 'C: RCPT TO:.*', 'C: BDAT .*', 'S: 250 .*Sender ok',
    'S: 250 .*Recipient ok', 'S: 250 .*queued.*', 'C: QUIT')


def test_dialogue(t, home, certificate):
    """STARTTLS and AUTH, under our name and under that of sendmail."""
    with Server(certificate, users=USER) as box:
        config = home.config(box.config('password secret', scheme='smtp'))
        run = home.run('-v', BOB, config=config)
        t.ok(run.status == 0 and run.out == b'' and
             in_order(told(run), *DIALOGUE), 'all of it, in order',
             run.words())
        t.ok(in_order(told(run), f'-- configuration {config}',
                      '-- account default, the only one',
                      "-- the sender is <alice@example.com>, by `from'",
                      DIALOGUE[0]), 'and what was decided before',
             run.words())
        run = home.run('-v', '-v', BOB, config=config)
        time = r' *\d+\.\d ms  '
        t.ok(run.status == 0 and in_order(
            told(run), *(time + line for line in DIALOGUE)) and
             all(re.match(time + '(--|C:|S:) ', line)
                 for line in told(run).splitlines()),
             'with -v -v each has its time', run.words())
        times = [float(line.split()[0]) for line in told(run).splitlines()]
        t.ok(times == sorted(times), 'which goes on', run.words())
        folder = home.path / '.config/sendling'
        folder.mkdir(parents=True)
        (folder / 'config').write_text(config.read_text())
        (folder / 'config').chmod(0o600)
        run = home.run('-v', BOB, name='sendmail',
                       environment={'HOME': str(home.path)})
        t.ok(run.status == 0 and in_order(told(run), *DIALOGUE),
             'the same under the name sendmail', run.words())
        run = home.run(BOB, config=config)
        t.ok(run.silent(), 'nothing without -v', run.words())


def test_socket(t, home):
    """A path has no port."""
    run = home.run('-v', BOB, config=home.config(
        f'smarthost smtp+unix:{home.path}/no\nfrom a@example.org\n'))
    t.ok(in_order(told(run), f'-- connecting to {home.path}/no for smtp.unix:.*',
                  f'-- {home.path}/no: No such file or directory'),
         'a unix socket is told as a path', run.words())


def test_untrusted(t, home, certificate):
    """A certificate that is not trusted, and who is tried then."""
    with Server(certificate, users=USER) as box, Server() as other:
        config = box.config('password secret').replace(
            'ca.pem', 'other-ca.pem')
        run = home.run('-v', BOB, config=home.config(config))
        t.ok(run.status == 77 and in_order(
            told(run), '-- .*: connected', '-- TLS: .*',
            '-- certificate: for localhost', '-- certificate: issued by .*',
            '-- certificate: valid .*', '-- certificate: tls-pin sha256:.*',
            '-- certificate: not taken', 'sendling: mail not sent: .*',
            '  server: .*', '  hint: .*') and 'C:' not in told(run),
             'a certificate that is not trusted is shown', run.words())
        run = home.run('-v', BOB, config=home.config(
            'smarthost smtp+plain://127.0.0.1:1\n' + other.config()))
        t.ok(run.status == 0 and in_order(
            told(run), r'-- connecting to 127\.0\.0\.1 port 1 for .*',
            r'-- 127\.0\.0\.1 port 1: Connection refused',
            '-- connecting to .*', '-- .*: connected', 'S: 220 .*'),
             'several smarthosts, one after the other', run.words())


def test_message(t, home, box):
    """What is done to the message."""
    aliases = home.file('aliases', 'root: carol@example.net, bob\n')
    config = home.config(box.config('domain example.org',
                                    f'aliases {aliases}'))
    run = home.run('-v', '-t', 'root', config=config, stdin=(
        'Bcc: dave@example.com\nSubject: \xe4\nTo: erin\nReturn-Path: <x@y>\n'
        '\nx\n').encode())
    for line in (
            '-- the alias root gives the recipient <carol@example.net>',
            '-- the alias root gives the recipient <bob@example.org>',
            "-- the recipient erin becomes <erin@example.org> by `domain'",
            '-- an address was completed: To: erin@example.org',
            '-- Bcc was left out', '-- the Return-Path field was left out',
            r'-- a field was added: From: .*<alice@example\.com>',
            '-- a field was added: Date: .*',
            '-- a field was added: Message-ID: <.*@example.com>',
            '-- 1 header field with 8-bit bytes, which were encoded'):
        t.ok(run.status == 0 and re.search(f'^{line}$', told(run), re.M),
             line, run.words())
    run = home.run('-v', '-f', 'x@a.example', BOB, config=home.config(
        'account a\nmatch *@a.example\n' + box.config() +
        'account default\nsmarthost smtp+plain://127.0.0.1:1\n'),
        stdin=HEADER + b'\r\n' + b'x' * 2000 + b'\r\n')
    t.ok(run.status == 0 and in_order(
        told(run), "-- account a, whose `match' or `from' fits the sender",
        '-- the sender is <x@a.example>, by option -f', 'C: .*'),
         'the account, and why', run.words())
    t.ok('-- the body was encoded for this server\n' in told(run),
         'what the server cost', run.words())
    t.ok('-- MIME fields were added, for the body\n' in told(run),
         'and what it has to be told', run.words())
    run = home.run('-v', '-a', 'a', BOB, config=home.path / 'config')
    t.ok('-- account a, which -a names\n' in told(run), 'or -a', run.words())
    box.settle()


def one_each(server, sock):
    """Takes one recipient in a session, as it says."""
    sock.sendall(b'220 x\r\n')
    for word, answer in ((b'EHLO', b'250-x\r\n250 LIMITS MAILMAX=1 RCPTMAX=1'),
                         (b'MAIL', b'250 sender'), (b'RCPT', b'250 one'),
                         (b'DATA', b'354 go on'), (b'\r\n.\r\n', b'250 taken'),
                         (b'QUIT', b'221 bye')):
        server.hear(sock, word)
        sock.sendall(answer + b'\r\n')


def test_reconnect(t, home):
    """Another connection for the rest of a mail, and why."""
    with Server(play=one_each) as box:
        run = home.run('-v', BOB, 'carol@example.org',
                       config=home.config(box.config()))
        session = (r'-- connecting to 127\.0\.0\.1 port \d+ for .*',
                   r'-- 127\.0\.0\.1 port \d+: connected', 'S: 220 x',
                   'C: EHLO .*', 'C: MAIL .*', 'C: RCPT TO:<{}@.*', 'C: DATA',
                   'S: 250 taken')
        said = told(run)
        t.ok(run.status == 0 and box.count == 2 and in_order(
            said, *(line.format('bob') for line in session),
            '-- mail sent to 1 of 2 recipients; RCPT TO: .* takes no more '
            'recipients in this session', 'C: QUIT', *(line.format('carol') for line in session)) and
             said.count('-- connecting') == 2,
             'a further connection for one mail is shown', run.words())


def cut_off(server, sock):
    """Ends with a 421 right behind all that the client reads at a time, which
    lets it think of a mail that then never leaves."""
    sock.sendall(b'220 x\r\n')
    server.hear(sock, b'\n')
    lines = [b'250-X%s\r\n' % (b'x' * 121)] * 127 + [b'250 %s\r\n' % (
        b'x' * 122)]
    sock.sendall(b''.join(lines) + b'421 4.3.2 closing\r\n')
    server.hear(sock, b'never')


def test_truth(t, home):
    """What was not said is not shown as said."""
    with Server(play=cut_off) as box:
        run = home.run('-v', BOB, config=home.config(box.config()))
        said = bytes(box.heard).decode()
        shown = re.findall('^C: (.*)$', told(run), re.M)
        t.ok(run.status == 75 and
             shown == said.replace('\r\n', '\n').splitlines() and
             'S: 421 4.3.2 closing\n' in told(run),
             'shown is what was heard', run.words(), said)


def test_serve(t, home, box):
    """With -bs, where standard error is not the dialogue's own pipe."""
    config = home.config(box.config())
    run = home.run('-bs', '-v', config=config, stdin=SERVE)
    t.ok(run.status == 0 and b'C: MAIL' not in run.out and in_order(
        told(run), '-- the sender is <.*>, by MAIL FROM', '-- connecting .*',
        'C: MAIL .*', 'S: 250 .*queued.*'), '-bs -v', run.words())
    run = home.run('-bs', config=config, stdin=SERVE)
    t.ok(run.status == 0 and run.err == b'', '-bs without -v', run.words())
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = home.start('-bs', '-v', config=config, stdin=theirs,
                             stdout=theirs, stderr=theirs)
        ours.sendall(SERVE)
        ours.shutdown(socket.SHUT_WR)
        process.wait()
        theirs.close()
        said = b''.join(iter(lambda: ours.recv(65536), b''))
    t.ok(process.returncode == 0 and b'221 ' in said and
         all(re.match(rb'\d\d\d[ -]', line)
             for line in said.splitlines()),
         '-bs -v on one socket: nothing between the replies', said)
    box.settle()


def test_quiet(t, home, box):
    """-oeq goes before, and what a stranger says is made visible."""
    run = home.run('-v', '-oeq', BOB, config=home.config(box.config()))
    t.ok(run.status == 0 and run.silent(), '-v -oeq', run.words())
    box.settle()

    def play(server, sock):
        sock.sendall(b'554 \x1b[2J\x07\x9b\r\n')
        server.hear(sock, b'QUIT')
    with Server(play=play) as rude:
        run = home.run('-v', BOB, config=home.config(rude.config()))
        t.ok(b'S: 554 \\x1b[2J\\x07\\x9b\n' in run.err and
             b'\x1b' not in run.err, 'a stranger\'s words are made visible',
             run.words())


if __name__ == '__main__':
    sys.exit(run_tests(dict(globals())))
