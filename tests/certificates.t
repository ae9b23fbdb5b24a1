#!/usr/bin/env python3
"""What sendling makes of each kind of certificate and of trust, over STARTTLS
and implicit TLS, TLS 1.2 and 1.3: it goes on with a good one only, and else
ends with 77 or 78 before anything but EHLO and STARTTLS has left it."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import harness
import home
from smtpd import Server

MESSAGE = (b'From: alice@example.com\nTo: bob@example.org\n'
           b'Date: Sun, 22 Nov 2026 12:00:00 +0000\n'
           b'Message-ID: <1@example.com>\n\nHello.\n')
NOBODY = 65534

BUNDLE = '/etc/ssl/certs/ca-certificates.crt'

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
    ('rsa', 'localhost', None, 0, ''),
    ('revoked', 'localhost', None, 0, ''),  # nobody can know
    ('good', '127.0.0.1', None, 77, r'127\.0\.0\.1'),
    ('ip', 'localhost', None, 77, 'localhost'),
    ('ip-as-name', '127.0.0.1', None, 77,
     r'for 127\.0\.0\.1 \(as a DNS name\), not for 127\.0\.0\.1'),
    ('ip-as-cn', '127.0.0.1', None, 77, r'\(as a common name\), not for'),
    ('wrong-name', 'localhost', None, 77, 'localhost'),
    ('longer-name', 'localhost', None, 77, 'localhost'),
    ('nul', 'localhost', None, 77, 'localhost'),
    ('cn-only', 'localhost', None, 77, 'localhost'),
    ('cn-alone', 'localhost', None, 77,
     r'for localhost \(as a common name\), not for localhost'),
    ('cn-and-ip', 'localhost', None, 77, 'localhost'),
    ('good', 'localhost', 'mail.example.org', 77, 'mail.example.org'),
    ('wildcard', 'localhost', 'a.mail.example.org', 77, 'a.mail.example.org'),
    ('wildcard', 'localhost', 'example.org', 77, 'example.org'),
    ('part-star', 'localhost', 'foo.example.org', 77, 'foo.example.org'),
    ('middle-star', 'localhost', 'mail.example.org', 77, 'mail.example.org'),
    ('two-stars', 'localhost', 'a.b.example.org', 77, 'a.b.example.org'),
    ('star', 'localhost', None, 77, 'localhost'),
    ('star-org', 'localhost', 'example.org', 77, 'example.org'),
    ('unknown-ca', 'localhost', None, 77, UNTRUSTED),
    ('self-signed', 'localhost', None, 77, UNTRUSTED + '|self'),
    ('not-a-ca', 'localhost', None, 77, UNTRUSTED),
    ('sha1', 'localhost', None, 77, 'insecure|SHA-?1|weak'),
    ('small', 'localhost', None, 77, 'RSA key of 1024 bits'),
    ('below-small', 'localhost', None, 77, 'RSA key of 1024 bits'),
    ('no-server', 'localhost', None, 77, 'purpose|meant'),
    ('expired', 'localhost', None, 77, 'expired'),
    ('not-yet', 'localhost', None, 77, 'not yet|future|activated'),
]

# certificate, host, whose keys are pinned, CRL, status, words. There is no
# trust where the key is pinned but for the wrong one.
PINNED = [
    ('good', 'localhost', ['good'], None, 0, ''),
    ('good', 'localhost', ['rsa', 'good'], None, 0, ''),
    ('good', '127.0.0.1', ['good'], None, 0, ''),
    ('self-signed', 'localhost', ['self-signed'], None, 0, ''),
    ('unknown-ca', 'localhost', ['unknown-ca'], None, 0, ''),
    ('expired', 'localhost', ['expired'], None, 0, ''),
    ('not-yet', 'localhost', ['not-yet'], None, 0, ''),
    ('wrong-name', 'localhost', ['wrong-name'], None, 0, ''),
    ('cn-alone', 'localhost', ['cn-alone'], None, 0, ''),
    ('small', 'localhost', ['small'], None, 0, ''),
    ('good', 'localhost', ['good'], 'ca.crl', 0, ''),
    ('good', 'localhost', [], 'ca.crl', 0, ''),
    ('good', 'localhost', ['rsa'], None, 77, 'no `tls-pin. names'),
    ('good', 'localhost', ['rsa', 'small'], None, 77, 'no `tls-pin. names'),
    ('chained', 'localhost', ['intermediate'], None, 77, 'tls-pin'),
    ('revoked', 'localhost', [], 'ca.crl', 77, 'was revoked'),
    ('revoked', 'localhost', ['revoked'], 'ca.crl', 77, 'was revoked'),
    ('below-revoked', 'localhost', [], 'ca.crl', 77, 'was revoked'),
    ('good', 'localhost', [], 'old.crl', 77, 'out of date since 2020-02-01'),
    ('good', 'localhost', [], 'other-ca.crl', 77, 'no list of its issuer'),
    ('good', 'localhost', [], 'missing.crl', 78, 'tls-crl: .*missing.crl'),
    ('good', 'localhost', [], 'empty.crl', 78, 'tls-crl: .*empty.crl'),
    ('good', 'localhost', [], 'good.pem', 78, 'tls-crl: .*good.pem'),
    ('good', 'localhost', ['good'], 'missing.crl', 78, 'tls-crl: .*missing'),
]


def serve(certificate, host='', tls12=False):
    return Server(certificate, users=[('alice', 'secret')], tls12=tls12,
                  host='::1' if ':' in host else '127.0.0.1')


def expect(t, what, server, run, status, words):
    """A run against the server, and what it was told."""
    server.settle()
    if status == 0:
        t.ok(run.status == 0 and len(server.took) == 1 and not run.err,
             f'{what}: delivered', run.words())
    else:
        t.ok(run.status == status and re.search(words, run.err, re.I),
             f'{what}: status {status}, and why', run.words())
        t.ok(not server.took and all(
            tls is None and re.fullmatch(r'EHLO \S+|STARTTLS', line)
            for tls, line in server.told) and
            (status != 78 or server.count == 0),
            f'{what}: nothing was told', server.told, server.count)
    server.clear()


def submit(folder, scheme, host, server, trust, *lines, **more):
    """By a configuration with those lines."""
    config = (f'smarthost {server.url(scheme, host)}\nuser alice\n'
              'password secret\nlog off\n')
    if trust is not None:
        config += f'tls-trust {trust}\n'
    config += ''.join(f'{line}\n' for line in lines)
    return harness.Run(folder, config, '-f', 'alice@example.com',
                       'bob@example.org', message=MESSAGE, **more)


def ways(certificate, host):
    """Servers of each version of TLS, and a way to each."""
    for version in ('TLS 1.3', 'TLS 1.2'):
        with serve(certificate, host, version == 'TLS 1.2') as server:
            for scheme in ('smtp', 'smtps'):
                yield server, scheme, f'{scheme}, {version}'


def system_trust(certs):
    """For a run in which the system trusts the tests' authority."""
    home.private_mounts()
    home.mount(f'{certs}/ca.pem', BUNDLE, flags=home.MS_BIND)


def trust_ways(certs):
    """How the tests' authority is trusted: what to write, what to do first."""
    given = [('a file', f'{certs}/ca.pem', None),
             ('a folder', f'{certs}/folder', None)]
    if home.can_mount() and os.path.exists(BUNDLE):
        given.append(('the system', None, lambda: system_trust(certs)))
    return given


def test_no_store(t, folder, certs):
    """A small container has no authorities: a file of one's own will do."""
    if not home.can_mount() or not os.path.exists(BUNDLE):
        return t.skip('no store of the system', 'nothing can be mounted')
    nothing = folder / 'no-authorities'
    nothing.touch()

    def prepare():
        home.private_mounts()
        home.mount(str(nothing), BUNDLE, flags=home.MS_BIND)
    for line, status in ((f'tls-trust {certs}/ca.pem', 0), ('', 78)):
        run = harness.Run(folder, f'smarthost smtps://mail.example.org\n'
                          f'domain example.org\n{line}\n', '--check',
                          prepare=prepare)
        t.ok(run.status == status and
             ('holds no certificate' in run.words()) == (status == 78),
             f'--check without a store of the system, and '
             f'{"a file" if line else "none"}',
             run.words())


def test_certificates(t, folder, certs):
    trusted = trust_ways(certs)
    if len(trusted) < 3:
        t.skip('trust of the system', 'nothing can be mounted')
    for certificate, host, name, status, words in CERTIFICATES:
        lines = [] if name is None else [f'tls-name {name}']
        for server, scheme, way in ways(f'{certs}/{certificate}.pem', host):
            for by, trust, prepare in trusted:
                run = submit(folder, scheme, host, server, trust, *lines,
                             prepare=prepare)
                expect(t, f'{way}, {certificate} for {name or host}, by {by}',
                       server, run, status, words)


def pin_of(path):
    """As the manual makes it."""
    made = subprocess.run(
        f'openssl x509 -in {path} -noout -pubkey | openssl pkey -pubin '
        '-outform DER | openssl dgst -sha256 -binary | openssl base64',
        shell=True, check=True, stdout=subprocess.PIPE)
    return 'sha256:' + made.stdout.decode().strip()


def test_pins(t, folder, certs):
    (certs / 'empty.crl').touch()
    for certificate, host, pins, crl, status, words in PINNED:
        lines = [f'tls-pin {pin_of(f"{certs}/{pin}.pem")}' for pin in pins]
        lines += [f'tls-crl {certs}/{crl}'] * bool(crl)
        trust = 'missing' if certificate in pins else 'ca'
        for server, scheme, way in ways(f'{certs}/{certificate}.pem', host):
            run = submit(folder, scheme, host, server,
                         f'{certs}/{trust}.pem', *lines)
            expect(t, f'{way}, {certificate} for {host}, pinned {pins}, '
                   f'{crl}', server, run, status, words)


def test_line_to_paste(t, folder, certs):
    """What is told of a certificate that is not trusted makes it trusted."""
    for certificate in ('self-signed', 'expired', 'small', 'cn-alone',
                        'wrong-name', 'not-a-ca', 'sha1', 'no-server'):
        for server, scheme, way in ways(f'{certs}/{certificate}.pem', ''):
            trust = f'{certs}/ca.pem'
            run = submit(folder, scheme, 'localhost', server, trust)
            server.settle()
            line = re.search(r'`(tls-pin \S+)\'', run.err)
            t.ok(run.status == 77 and line, f'{way}, {certificate}: a line',
                 run.words())
            server.clear()
            run = submit(folder, scheme, 'localhost', server, trust,
                         line[1] if line else '')
            expect(t, f'{way}, {certificate}, pasted', server, run, 0, '')


def test_unverified(t, folder, certs):
    """Only where that is said, and each time. Which passwords go there is held
    by unit/verify and unit/mechanism: here all is this machine."""
    log = folder / 'log'
    for certificate in ('good', 'self-signed', 'expired', 'wrong-name'):
        for server, scheme, way in ways(f'{certs}/{certificate}.pem', ''):
            log.unlink(missing_ok=True)
            more = ['tls-verify no', 'auth SCRAM-SHA-256']
            run = submit(folder, scheme, 'localhost', server, None, *more)
            expect(t, f'{way}, {certificate}, tls-verify no', server, run, 0,
                   '')
            config = (f'smarthost {server.url(scheme, "localhost")}\n'
                      f'user alice\npassword secret\nlog {log}\n' +
                      '\n'.join(more) + '\n')
            run = harness.Run(folder, config, '-f', 'alice@example.com',
                              'bob@example.org', message=MESSAGE)
            words = log.read_text()
            expect(t, f'{way}, {certificate}, and logged', server, run, 0, '')
            t.ok(re.search(r' tls="TLS\S+ \S+ \S+ unverified" ', words) and
                 'tls-verify no: ' in words, f'{way}: the log says so', words)


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
        for server, scheme, way in ways(f'{certs}/good.pem', ''):
            run = submit(folder, scheme, 'localhost', server, trust)
            expect(t, f'{way}, {sentence}', server, run, status, words)


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
        harness.make_certificates(certs, 'more')
        (certs / 'folder').mkdir()
        shutil.copy(certs / 'ca.pem', certs / 'folder')
        shutil.copy(certs / 'good.key', certs / 'folder')
        test_no_store(t, folder, certs)
        test_certificates(t, folder, certs)
        test_pins(t, folder, certs)
        test_line_to_paste(t, folder, certs)
        test_unverified(t, folder, certs)
        test_trust(t, folder, certs)
        test_unreadable(t, folder, certs)
    return t.end()


sys.exit(main())
