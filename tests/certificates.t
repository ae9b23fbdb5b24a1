#!/usr/bin/env python3
"""What sendling makes of each kind of certificate and of trust, over STARTTLS
and implicit TLS: it goes on with a good one only, and else ends with 77 or 78
before anything but EHLO and STARTTLS has left it."""

import os
import pathlib
import re
import shutil
import sys
import tempfile

import harness
from smtpd import Server

MESSAGE = (b'From: alice@example.com\nTo: bob@example.org\n'
           b'Date: Sun, 22 Nov 2026 12:00:00 +0000\n'
           b'Message-ID: <1@example.com>\n\nHello.\n')
NOBODY = 65534

# certificate, host in the URL, tls-name, status, what the words must hold
UNTRUSTED = 'issuer|authority|trust|signer'
CERTIFICATES = [
    ('good', 'localhost', None, 0, ''),
    ('good', 'LOCALHOST', None, 0, ''),
    ('all-names', 'localhost', None, 0, ''),
    ('good', 'localhost.', None, 0, ''),
    ('wrong-name', 'localhost', 'mail.example.org.', 0, ''),
    ('ip', '127.0.0.1', None, 0, ''),
    ('ip', '[::1]', None, 0, ''),
    ('chained', 'localhost', None, 0, ''),
    ('no-purpose', 'localhost', None, 0, ''),
    ('wrong-name', 'localhost', 'mail.example.org', 0, ''),
    ('wildcard', 'localhost', 'mail.example.org', 0, ''),
    ('good', '127.0.0.1', None, 77, r'127\.0\.0\.1'),
    ('ip', 'localhost', None, 77, 'localhost'),
    ('ip-as-name', '127.0.0.1', None, 77,
     r'for 127\.0\.0\.1 \(as a DNS name\), not for 127\.0\.0\.1'),
    ('wrong-name', 'localhost', None, 77, 'localhost'),
    ('longer-name', 'localhost', None, 77, 'localhost'),
    ('cn-only', 'localhost', None, 77, 'localhost'),
    ('good', 'localhost', 'mail.example.org', 77, 'mail.example.org'),
    ('wildcard', 'localhost', 'a.mail.example.org', 77, 'a.mail.example.org'),
    ('wildcard', 'localhost', 'example.org', 77, 'example.org'),
    ('star', 'localhost', None, 77, 'localhost'),
    ('star-org', 'localhost', 'example.org', 77, 'example.org'),
    ('unknown-ca', 'localhost', None, 77, UNTRUSTED),
    ('self-signed', 'localhost', None, 77, UNTRUSTED + '|self'),
    ('not-a-ca', 'localhost', None, 77, UNTRUSTED),
    ('sha1', 'localhost', None, 77, 'insecure|SHA-?1|weak'),
    ('no-server', 'localhost', None, 77, 'purpose|meant'),
    ('expired', 'localhost', None, 77, 'expired'),
    ('not-yet', 'localhost', None, 77, 'not yet|future|activated'),
]


def serve(certificate, host=''):
    return Server(certificate, users=[('alice', 'secret')],
                  host='::1' if ':' in host else '127.0.0.1')


def expect(t, what, server, run, status, words):
    """A run against the server, and what it was told."""
    server.close()
    if status == 0:
        t.ok(run.status == 0 and len(server.took) == 1, f'{what}: delivered',
             run.words())
        return
    t.ok(run.status == status, f'{what}: status {status}', run.words())
    t.ok(re.search(words, run.err, re.I), f'{what}: says why', run.words())
    t.ok(not server.took and all(
        tls is None and re.fullmatch(r'EHLO \S+|STARTTLS', line)
        for tls, line in server.told), f'{what}: nothing was told',
        server.told)


def submit(folder, scheme, host, server, trust, name=None, **more):
    config = (f'smarthost {server.url(scheme, host)}\nuser alice\n'
              'password secret\nlog off\n')
    if trust is not None:
        config += f'tls-trust {trust}\n'
    if name is not None:
        config += f'tls-name {name}\n'
    return harness.Run(folder, config, '-f', 'alice@example.com',
                       'bob@example.org', message=MESSAGE, **more)


def test_certificates(t, folder, certs):
    for certificate, host, name, status, words in CERTIFICATES:
        for scheme in ('smtp', 'smtps'):
            server = serve(f'{certs}/{certificate}.pem', host)
            run = submit(folder, scheme, host, server, f'{certs}/ca.pem', name)
            expect(t, f'{scheme}, {certificate} for {name or host}', server,
                   run, status, words)


def trusts(folder, certs):
    """trust, status, words, sentence"""
    empty = folder / 'empty.pem'
    empty.touch()
    nothing = folder / 'nothing'
    nothing.mkdir()
    letter = folder / 'letter.pem'
    letter.write_text('Dear CA,\n')
    good = folder / 'trusted'
    good.mkdir()
    shutil.copy(f'{certs}/ca.pem', good / 'ca.pem')
    return [(good, 0, '', 'a folder of certificates'),
            (folder / 'missing.pem', 78, 'missing.pem', 'no trust file'),
            (empty, 78, 'empty.pem', 'an empty trust file'),
            (nothing, 78, 'nothing', 'an empty trust folder'),
            (letter, 78, 'letter.pem', 'a trust file that holds none'),
            (None, 77, UNTRUSTED, 'trust of the system only')]


def test_trust(t, folder, certs):
    for trust, status, words, sentence in trusts(folder, certs):
        for scheme in ('smtp', 'smtps'):
            server = serve(f'{certs}/good.pem')
            run = submit(folder, scheme, 'localhost', server, trust)
            expect(t, f'{scheme}, {sentence}', server, run, status, words)


def test_unreadable(t, folder, certs):
    if os.geteuid() != 0:
        return t.skip('an unreadable trust file', 'root reads everything')
    # Where the user nobody finds the program and his own configuration, but
    # may not read the trust.
    home = folder / 'home'
    home.mkdir()
    program = shutil.copy(harness.SENDLING, home)
    secret = pathlib.Path(shutil.copy(f'{certs}/ca.pem', home / 'root.pem'))
    secret.chmod(0o600)
    folder.chmod(0o755)
    for trust, status in ((secret, 78), (f'{folder}/trusted/ca.pem', 0)):
        server = serve(f'{certs}/good.pem')
        run = submit(home, 'smtps', 'localhost', server, trust,
                     program=program, user=NOBODY)
        expect(t, 'a trust file that others may read' if status == 0 else
               'an unreadable trust file', server, run, status,
               'root.pem')


def main():
    t = harness.Tap()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        certs = folder / 'certs'
        certs.mkdir()
        harness.make_certificates(certs)
        test_certificates(t, folder, certs)
        test_trust(t, folder, certs)
        test_unreadable(t, folder, certs)
    return t.end()


sys.exit(main())
