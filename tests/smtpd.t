#!/usr/bin/python3
"""sendling against the tests' own strict server: every mechanism of AUTH, the
number of waits for the server, and octets that must not change."""

import os
import sys
import tempfile

import harness
from smtpd import Server

HEADER = (b'From: alice@example.com\r\nTo: bob@example.org\r\n'
          b'Subject: hello\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n'
          b'Message-ID: <1@example.com>\r\n')
MESSAGE = HEADER + b'\r\nHello.\r\n'
MIME = (b'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n'
        b'Content-Transfer-Encoding: 8bit\r\n')


def serve(certificate, **options):
    return Server(certificate, users=[('alice', 'se=c,ret')], **options)


def submit(server, message, *argv, scheme='smtps', config=''):
    """A run; then `server.took` has what came of it."""
    del server.took[:]
    if 'password' not in config:
        config += 'password se=c,ret\n'
    run = harness.Run(
        os.path.dirname(server.certificate),
        server.config(config + 'log off', scheme=scheme),
        '-f', 'alice@example.com', *argv, message=message)
    server.settle()
    return run


def test_mechanism(t, server, name, config):
    r = submit(server, MESSAGE, 'bob@example.org', config=config)
    used = [(message, envelope['auth'])
            for message, envelope in server.took]
    t.ok(r.status == 0 and r.err + r.out == '' and used == [(MESSAGE, name)],
         f'AUTH {name}', r.words(), used)
    r = submit(server, MESSAGE, 'bob@example.org',
                      config=config + 'password Tr0ub4dor\n')
    t.ok(r.status == 77 and server.took == [] and 'Tr0ub4dor' not in r.err,
         f'AUTH {name}, wrong password: 77 and no mail', r.words())


def test_mechanisms(t, certificate):
    with serve(certificate) as server:
        test_mechanism(t, server, 'PLAIN', '')
        for name in ('PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-1'):
            test_mechanism(t, server, name, f'auth {name}\n')
    with serve(certificate, tls12=True) as server:
        test_mechanism(t, server, 'SCRAM-SHA-256-PLUS', '')
        test_mechanism(t, server, 'SCRAM-SHA-1-PLUS',
                       'auth SCRAM-SHA-1-PLUS\n')
        # The server offers -PLUS: to bind nothing must not look like an
        # attack to it.
        test_mechanism(t, server, 'SCRAM-SHA-256', 'auth SCRAM-SHA-256\n')


def test_waits(t, certificate):
    """The fewest waits that the standards allow; a hundred recipients may be
    asked for at a time, so each further hundred is one more."""
    many = [f'user{n}@example.org' for n in range(1000)]
    with serve(certificate, delay=20) as server:
        for scheme, recipients, extra, waits in (
                ('smtps', many[:100], '', 3), ('smtps', many, '', 12),
                ('smtp', many[:1], '', 5), ('smtp', many, '', 14),
                ('smtps', many[:1], 'chunking off\n', 4),
                ('smtps', many, 'chunking off\n', 13),
                ('smtp', many[:1], 'chunking off\n', 6),
                ('smtp', many, 'chunking off\n', 15)):
            r = submit(server, MESSAGE, *recipients, scheme=scheme,
                              config=extra)
            took = [(len(envelope['to']), envelope['turns'])
                    for _, envelope in server.took]
            t.ok(r.status == 0 and took == [(len(recipients), waits)],
                 f'{scheme}, {len(recipients)} recipient'
                 f'{"s" * (len(recipients) > 1)}, '
                 f'{"DATA" if extra else "BDAT"}: {waits} waits',
                 r.words(), took)
        t.ok(not server.faults, 'the server finds no fault',
             *server.faults)


def many(count):
    return [f'user{n}@example.org' for n in range(count)]


def count(server, verb):
    return sum(line.upper().startswith(verb) for _, line in server.told)


def test_limits(t, certificate):
    """A limit is learned from the first refusal, and kept over a reconnect:
    the server sees N recipients in N/limit transactions, and no more commands
    than one window of refusals costs beside them."""
    for recipients, limit, options, connections in (
            # Postfix: smtpd_recipient_limit, smtpd_hard_error_limit.
            (2500, 1000, {'errors_max': 20}, 2), (5000, 100, {}, 1),
            (5000, 100, {'errors_max': 20}, 2),
            (500, 100, {'errors_max': 20, 'without': ['PIPELINING']}, 1),
            (500, 100, {'errors_max': 20, 'without': ['CHUNKING']}, 2),
            (500, 100, {'too_many': '450 4.7.1 too many recipients'}, 1),
            (500, 100, {'too_many': '552 Too many recipients'}, 1)):
        to = many(recipients)
        with Server(rcpt_max=limit, **options) as server:
            run = submit_plain(server, to)
            title = ', '.join([f'{recipients} recipients, {limit} at a time',
                               *(f'{key} {value}'
                                 for key, value in options.items())])
            # A transaction that ends with 421 leaves nothing: it is the one
            # that teaches the limit.
            lost = connections - 1
            mails = [envelope['to'] for _, envelope in server.took]
            asked = count(server, 'RCPT')
            t.ok(run.status == 0 and run.out + run.err == '' and
                 sorted(sum(mails, [])) == sorted(to),
                 f'{title}: everybody has it once', run.words(),
                 [len(mail) for mail in mails])
            t.ok(len(mails) == -(-recipients // limit) and
                 count(server, 'MAIL') == len(mails) + lost and
                 server.count == connections and
                 asked <= recipients + 100 + lost * limit and
                 not server.faults,
                 f'{title}: {len(mails)} transactions, {asked} RCPT',
                 server.count, count(server, 'MAIL'), asked,
                 *server.faults)


def submit_plain(server, to):
    """A run without TLS, and the recipients in a field: there are more than
    may stand on a command line."""
    message = b'Bcc: ' + b',\r\n '.join(
        address.encode() for address in to) + b'\r\n' + MESSAGE.replace(
            b'To: bob@example.org\r\n', b'')
    with tempfile.TemporaryDirectory() as folder:
        run = harness.Run(
            folder, server.config('log off'), '-f', 'alice@example.com', '-t',
            message=message)
    server.settle()
    return run


def test_back_pressure(t, _):
    """A server that takes what it is told in small pieces, and can say as
    little at a time, misses no command."""
    to = many(60000)
    for options in ({}, {'rcpt_max': 1000, 'errors_max': 20}):
        with Server(window=4096, **options) as server:
            run = submit_plain(server, to)
            mails = [envelope['to'] for _, envelope in server.took]
            t.ok(run.status == 0 and not server.faults and
                 sorted(sum(mails, [])) == sorted(to),
                 f'a window of 4 KiB, {len(to)} recipients, '
                 f'{len(mails)} transactions: everybody has it once',
                 run.words(), *server.faults,
                 [len(mail) for mail in mails][:9], count(server, 'RCPT'))


def test_octets(t, certificate):
    picture = bytes(range(256)).hex().encode()
    bodies = {
        'no body': b'\r\n',
        'leading dots': b'\r\n.\r\n..\r\n.x\r\n...\r\n.\r\n',
        'trailing blanks': b'\r\ntext  \r\ntab\t\r\n\r\n \r\n\r\n',
        '8-bit': MIME + '\r\nGrüße, 你好, \u0085\r\n'.encode(),
        'a long body': b'\r\n' + (b'.' + picture[:70] + b'\r\n') * 40000,
        'an attachment':
            b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; '
            b'boundary="next"\r\n\r\n--next\r\n\r\nFrom here\r\n--next\r\n'
            b'Content-Type: application/octet-stream\r\n'
            b'Content-Transfer-Encoding: base64\r\n\r\n'
            b'AAECAwQFBgcICQ==\r\n--next--\r\n',
    }
    with serve(certificate) as server:
        for scheme in ('smtps', 'smtp'):
            for name, rest in bodies.items():
                message = HEADER + rest
                r = submit(server, message, 'bob@example.org', scheme=scheme)
                same = [mail for mail, _ in server.took] == [message]
                t.ok(r.status == 0 and same, f'{scheme}, {name}: unchanged',
                     r.words())
        t.ok(not server.faults, 'the server finds no fault',
             *server.faults)


def test_refusals(t, certificate):
    with serve(certificate, size=1000, refuse={
            'nobody@example.org': '550 5.1.1 No such user'}) as server:
        r = submit(server, MESSAGE, 'nobody@example.org', 'bob@example.org')
        took = [envelope['to'] for _, envelope in server.took]
        t.ok(r.status == 67 and took == [['bob@example.org']],
             'a refused recipient: the other has the mail', r.words(), took)
        r = submit(server, MESSAGE + b'x\r\n' * 400, 'bob@example.org')
        t.ok(r.status == 65 and server.took == [],
             'a message over the limit of SIZE', r.words())
        r = submit(server, MESSAGE, 'bob@example.org', config='auth off\n')
        t.ok(r.status == 69 and '530' in r.err,
             'no AUTH where the server wants it', r.words())
        r = submit(server, MESSAGE, 'bob@example.org', scheme='smtp+plain')
        t.ok(r.status == 69 and 'smtp://' in r.err,
             'no TLS where the server wants it', r.words())


def main():
    t = harness.Tap()
    with tempfile.TemporaryDirectory() as folder:
        certificate = harness.make_certificates(folder)
        test_mechanisms(t, certificate)
        test_waits(t, certificate)
        test_limits(t, certificate)
        test_back_pressure(t, certificate)
        test_octets(t, certificate)
        test_refusals(t, certificate)
    return t.end()


sys.exit(main())
