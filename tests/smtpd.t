#!/usr/bin/python3
"""sendling against the tests' own strict server: every mechanism of AUTH, the
number of waits for the server, and octets that must not change."""

import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import harness

HEADER = (b'From: alice@example.com\r\nTo: bob@example.org\r\n'
          b'Subject: hello\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n'
          b'Message-ID: <1@example.com>\r\n')
MESSAGE = HEADER + b'\r\nHello.\r\n'
MIME = (b'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n'
        b'Content-Transfer-Encoding: 8bit\r\n')


class Server:
    """tests/smtpd.py with these options, and what it took."""

    def __init__(self, certificates, *options):
        self.certificates = certificates
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=certificates))
        self.process = subprocess.Popen(
            [sys.executable, harness.TESTS / 'smtpd.py', '--until-eof',
             '--folder', self.folder, '--cert', certificates + '/good.pem',
             '--key', certificates + '/good.key', '--auth', 'alice:se=c,ret',
             *options],
            stdin=subprocess.PIPE)
        while not (self.folder / 'ports').exists():
            if self.process.poll() is not None:
                raise SystemExit('smtpd.py does not start')
            time.sleep(0.01)
        self.ports = dict(line.split('=') for line in
                          (self.folder / 'ports').read_text().split())

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def submit(self, message, *argv, scheme='smtps', config=''):
        for mail in self.folder.glob('0*'):
            mail.unlink()
        return harness.Run(
            self.folder,
            f'smarthost {scheme}://localhost:'
            f'{self.ports["smtps" if scheme == "smtps" else "smtp"]}\n'
            f'user alice\ntls-trust {self.certificates}/ca.pem\nlog off\n'
            + config + ('' if 'password' in config
                        else 'password se=c,ret\n'),
            '-f', 'alice@example.com', *argv, message=message)

    def mails(self):
        """The message and the envelope of each mail taken."""
        return [(mail.with_suffix('.eml').read_bytes(),
                 json.loads(mail.read_text()))
                for mail in sorted(self.folder.glob('0*.json'))]

    def faults(self):
        log = self.folder / 'faults'
        return log.read_text() if log.exists() else ''


def test_mechanism(t, server, name, config):
    r = server.submit(MESSAGE, 'bob@example.org', config=config)
    used = [(message, envelope['auth'])
            for message, envelope in server.mails()]
    t.ok(r.status == 0 and r.err + r.out == '' and used == [(MESSAGE, name)],
         f'AUTH {name}', r.words(), used)
    r = server.submit(MESSAGE, 'bob@example.org',
                      config=config + 'password Tr0ub4dor\n')
    t.ok(r.status == 77 and server.mails() == [] and 'Tr0ub4dor' not in r.err,
         f'AUTH {name}, wrong password: 77 and no mail', r.words())


def test_mechanisms(t, certificates):
    with contextlib.closing(Server(certificates)) as server:
        test_mechanism(t, server, 'PLAIN', '')
        for name in ('PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-1'):
            test_mechanism(t, server, name, f'auth {name}\n')
    with contextlib.closing(Server(certificates, '--tls12')) as server:
        test_mechanism(t, server, 'SCRAM-SHA-256-PLUS', '')
        test_mechanism(t, server, 'SCRAM-SHA-1-PLUS',
                       'auth SCRAM-SHA-1-PLUS\n')
        # The server offers -PLUS: to bind nothing must not look like an
        # attack to it.
        test_mechanism(t, server, 'SCRAM-SHA-256', 'auth SCRAM-SHA-256\n')


def test_waits(t, certificates):
    """The fewest waits that the standards allow; a hundred recipients may be
    asked for at a time, so each further hundred is one more."""
    many = [f'user{n}@example.org' for n in range(1000)]
    with contextlib.closing(Server(certificates, '--delay', '20')) as server:
        for scheme, recipients, extra, waits in (
                ('smtps', many[:100], '', 3), ('smtps', many, '', 12),
                ('smtp', many[:1], '', 5), ('smtp', many, '', 14),
                ('smtps', many[:1], 'chunking off\n', 4),
                ('smtps', many, 'chunking off\n', 13),
                ('smtp', many[:1], 'chunking off\n', 6),
                ('smtp', many, 'chunking off\n', 15)):
            r = server.submit(MESSAGE, *recipients, scheme=scheme,
                              config=extra)
            took = [(len(envelope['to']), envelope['turns'])
                    for _, envelope in server.mails()]
            t.ok(r.status == 0 and took == [(len(recipients), waits)],
                 f'{scheme}, {len(recipients)} recipient'
                 f'{"s" * (len(recipients) > 1)}, '
                 f'{"DATA" if extra else "BDAT"}: {waits} waits',
                 r.words(), took)
        t.ok(server.faults() == '', 'the server finds no fault',
             server.faults())


def test_octets(t, certificates):
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
    with contextlib.closing(Server(certificates)) as server:
        for scheme in ('smtps', 'smtp'):
            for name, rest in bodies.items():
                message = HEADER + rest
                r = server.submit(message, 'bob@example.org', scheme=scheme)
                same = [mail for mail, _ in server.mails()] == [message]
                t.ok(r.status == 0 and same, f'{scheme}, {name}: unchanged',
                     r.words())
        t.ok(server.faults() == '', 'the server finds no fault',
             server.faults())


def test_refusals(t, certificates):
    with contextlib.closing(Server(
            certificates, '--size', '1000', '--refuse',
            'nobody@example.org=550 5.1.1 No such user')) as server:
        r = server.submit(MESSAGE, 'nobody@example.org', 'bob@example.org')
        took = [envelope['to'] for _, envelope in server.mails()]
        t.ok(r.status == 67 and took == [['bob@example.org']],
             'a refused recipient: the other has the mail', r.words(), took)
        r = server.submit(MESSAGE + b'x\r\n' * 400, 'bob@example.org')
        t.ok(r.status == 65 and server.mails() == [],
             'a message over the limit of SIZE', r.words())
        r = server.submit(MESSAGE, 'bob@example.org', config='auth off\n')
        t.ok(r.status == 69 and '530' in r.err,
             'no AUTH where the server wants it', r.words())
        r = server.submit(MESSAGE, 'bob@example.org', scheme='smtp+plain')
        t.ok(r.status == 69 and 'smtp://' in r.err,
             'no TLS where the server wants it', r.words())


def main():
    t = harness.Tap()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([harness.TESTS / 'certs.sh', folder], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        test_mechanisms(t, folder)
        test_waits(t, folder)
        test_octets(t, folder)
        test_refusals(t, folder)
    return t.end()


sys.exit(main())
