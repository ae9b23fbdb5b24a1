"""What sendling does at a server of any make. Each file *.t in this folder has
one such server: how it is had, its configuration and what it offers; the cases
stand here, as tables. To add a server is to add a file.

Each server runs in namespaces of its own (../daemons.py), so that all have the
same ports: 25 without TLS, 587 with STARTTLS, 465 with TLS from the first
byte. It knows USER and PASSWORD, takes up to SIZE octets, and delivers for
each of NAMES at example.org, and for no other name, into a maildir of that
name below MAIL.

    tests/peers/exim.t            all cases
    tests/peers/exim.t --fetch    only fetches what the server needs
"""

import base64
import email
import email.policy
import os
import pathlib
import re
import secrets
import shutil
import smtplib
import ssl
import subprocess
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import daemons  # noqa: E402
import harness  # noqa: E402
from daemons import RUN, wait_for  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CACHE = harness.TESTS.parent / 'build/peers'
MAIL = RUN / 'mail'
LOG = RUN / 'log'
CERTS = RUN / 'certs'
NPM = CACHE / 'npm'
VMAIL = 905
USER = 'alice'
PASSWORD = 'p a:s"s%word'
TOKEN = 'ya29.to-ken/=='  # in its place, for XOAUTH2 and the like
SIZE = 5000000
PATIENCE = 60  # seconds for a mail that was accepted
MANY = ['r%d' % n for n in range(120)]
NAMES = ['bob', 'carol', *MANY]
URLS = {'plain': 'smtp+plain://localhost:25', 'starttls': 'smtp://localhost',
        'tls': 'smtps://localhost'}
PORTS = {'plain': 25, 'starttls': 587, 'tls': 465}

HEADER = (b'From: Alice <alice@example.com>\n'
          b'To: bob@example.org\n'
          b'Subject: to a peer\n'
          b'Date: Sun, 22 Nov 2026 12:00:00 +0000\n'
          b'Message-ID: <1@example.com>\n')
EIGHT_BIT = (b'MIME-Version: 1.0\n'
             b'Content-Type: text/plain; charset=utf-8\n'
             b'Content-Transfer-Encoding: 8bit\n')
HELLO = HEADER + b'\nHello.\n'
# What arrives as it was, with LF or CRLF on standard input.
MESSAGES = {
    'no body': HEADER + b'\n',
    'leading dots': HEADER + b'\n.\n..\n...\n.x\n. \nx.\n.\n',
    'trailing blanks': HEADER + b'\nblank \ntab\t\n  \n\t\nend \n\n\n\n',
    'From at the start of a line': HEADER + b'\nFrom here\n>From there\n\n',
    'a folded field': HEADER + b'X-Odd: two\n\tfolded\n  more\n\nbody\n',
    '8-bit text': HEADER + EIGHT_BIT + b'\n' +
        'Grüße, ῾Ελλάς, 日本\n'.encode() * 20,
    'lines of 998 octets': HEADER + b'\n' + (b'x' * 997 + b'.\n') * 20 +
        b'.' * 998 + b'\n',
    'a long body': HEADER + b'\n' + b''.join(
        b'%d. The quick brown fox.\n' % i for i in range(20000)),
    'half a MiB of one dot a line': HEADER + b'\n' + b'.\n' * (256 * 1024),
}


class Peer:
    packages = []       # of Debian
    users = {}          # that they want, with numbers
    mechanisms = {}     # which it offers, by the names of URLS
    foreign = set()     # and of those the ones that sendling does not know
    line_end = b'\n'    # of what it delivers
    altered = {}        # names of MESSAGES that it changes, and why
    broken = {}         # names of URLS that nobody can use there, and why
    ports = tuple(PORTS.values())
    cases = ()          # in place of those below

    def fetch(self):
        """What Debian's packages do not bring; OSError where it cannot be
        had."""

    def start(self):
        """Starts what is needed; with CERTS made, and MAIL and LOG there."""
        raise NotImplementedError

    def __init__(self):
        self.processes = []

    def spawn(self, *argv, **more):
        with open(LOG / 'said', 'ab') as said:
            self.processes.append(subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                **more))

    def died(self):
        return any(process.poll() is not None for process in self.processes)

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


class NodePeer(Peer):
    """A server from npm, by the lock in the folder npm/."""
    line_end = b'\r\n'

    def fetch(self):
        lock = (HERE / 'npm/package-lock.json').read_text()
        stamp = NPM / 'fetched'
        if not shutil.which('npm'):
            raise OSError('npm is not installed')
        with daemons.one_at_a_time(NPM):
            if stamp.exists() and stamp.read_text() == lock:
                return
            shutil.rmtree(NPM, ignore_errors=True)
            NPM.mkdir()
            for name in ('package.json', 'package-lock.json'):
                shutil.copy(HERE / 'npm' / name, NPM)
            daemons.run('npm', 'ci', '--omit=optional', '--ignore-scripts',
                        '--no-audit', '--no-fund', cwd=NPM)
            stamp.write_text(lock)

    def spawn_node(self, *argv):
        self.spawn('node', *argv, env={**os.environ, 'NODE_PATH':
                                       str(NPM / 'node_modules')})


def logs():
    return '\n'.join(f'{log.name}: {line}' for log in sorted(LOG.iterdir())
                     for line in log.read_text(
                         errors='replace').splitlines()[-40:])


def write(name, text, mode=0o644):
    """A file below RUN, with {run} and the like filled in."""
    path = RUN / name
    for word, value in (('{run}', RUN), ('{mail}', MAIL), ('{log}', LOG),
                        ('{cert}', CERTS / 'all-names.pem'),
                        ('{key}', CERTS / 'all-names.key')):
        text = text.replace(word, str(value))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def sasl_users(configuration):
    """USER for a server with Cyrus SASL, which reads that file."""
    write(configuration, 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\n'
          'sasldb_path: {run}/sasldb2\n')
    subprocess.run(['saslpasswd2', '-p', '-c', '-u', 'example.org', '-f',
                    RUN / 'sasldb2', USER], input=PASSWORD.encode(),
                   check=True)


def deliver(addresses, mail):
    """Into the maildirs of all, as a server does that is no more than a
    library."""
    for address in addresses:
        name = '%s.%d' % (secrets.token_hex(8), os.getpid())
        folder = MAIL / address.partition('@')[0]
        (folder / 'tmp' / name).write_bytes(mail)
        (folder / 'tmp' / name).rename(folder / 'new' / name)


# The client

class Box:
    """The maildir of a name."""

    def __init__(self, name):
        self.folder = MAIL / name / 'new'

    def next(self):
        """The next mail, taken out of the box; None when none comes."""
        for path in wait_for(lambda: sorted(self.folder.glob('*')), PATIENCE):
            mail = path.read_bytes()
            path.unlink()
            return mail
        return None

    def is_empty(self):
        return not list(self.folder.glob('*'))


def submit(peer, message, *argv, way='tls', auth='auto', password=None,
           url=None):
    if way in peer.broken:
        way = 'plain'
    if not peer.mechanisms[way]:
        auth = 'off'
    if password is None:
        password = TOKEN if auth in ('XOAUTH2', 'OAUTHBEARER') else PASSWORD
    login = f'user {USER}\npassword {password}\n' if auth != 'off' else ''
    return harness.Run(
        RUN, f'smarthost {url or URLS[way]}\nauth {auth}\n{login}'
        f'tls-trust {CERTS}/ca.pem\nlog off\n', '-f', 'alice@example.com',
        *argv, message=message)


def offered(way):
    """What EHLO offers for AUTH."""
    tls = ssl.create_default_context(cafile=CERTS / 'ca.pem')
    if way == 'tls':
        client = smtplib.SMTP_SSL('localhost', PORTS[way], context=tls)
    else:
        client = smtplib.SMTP('localhost', PORTS[way])
    with client:
        client.ehlo('client.example.org')
        if way == 'starttls':
            client.starttls(context=tls)
            client.ehlo('client.example.org')
        # smtplib mixes it up with the old form, AUTH=.
        found = re.findall(rb'^AUTH[ =](.*)', client.ehlo_resp, re.M)
        return {word.decode() for line in found for word in line.split()}


def taken(t, peer, message, r, what, name='bob'):
    """Whether the run went well and the mail arrived as it was; the mail."""
    mail = Box(name).next() if r.status == 0 else None
    wrong = daemons.difference(
        message.replace(b'\n', peer.line_end), mail)
    t.ok(r.status == 0 and r.err + r.out == '' and not wrong, what, r.words(),
         wrong)
    return mail or b''


# The cases

def test_ways(t, peer):
    """Each kind of connection, with each mechanism that is offered there. What
    the server calls that stands in its trace field (RFC 3848)."""
    for way, mechanisms in peer.mechanisms.items():
        if way in peer.broken:
            t.skip(f'{way}, {mechanisms}', peer.broken[way])
            continue
        found = offered(way)
        t.ok(found - peer.foreign == set(mechanisms),
             f'{way}: offers what is tested here', found)
        for auth in mechanisms or ['off']:
            r = submit(peer, HELLO, 'bob@example.org', way=way, auth=auth)
            mail = taken(t, peer, HELLO, r, f'{way}, {auth}: arrives')
            word = 'ESMTP%s%s' % ('' if way == 'plain' else 'S',
                                  'A' if mechanisms else '')
            t.ok(re.search(rb'^Received:[^;]*\bwith (UTF8)?%s\b' %
                           word.encode(), mail, re.M | re.I),
                 f'{way}, {auth}: the server calls it {word}', mail[:500])


def test_messages(t, peer):
    for name, message in MESSAGES.items():
        if name in peer.altered:
            t.skip(f'{name}: unchanged', peer.altered[name])
            continue
        r = submit(peer, message, 'bob@example.org')
        taken(t, peer, message, r, f'{name}: unchanged')
        r = submit(peer, message.replace(b'\n', b'\r\n'), 'bob@example.org',
                   way='starttls')
        taken(t, peer, message, r, f'{name}: ... from CRLF by STARTTLS')
    r = submit(peer, HELLO[:-1], 'bob@example.org')
    taken(t, peer, HELLO, r, 'a missing last line end is supplied')
    text = 'Grüße ' * 500
    r = submit(peer, HEADER + EIGHT_BIT + b'\n' + text.encode() + b'\n',
               'bob@example.org')
    mail = Box('bob').next() if r.status == 0 else b''
    parsed = email.message_from_bytes(mail, policy=email.policy.default)
    t.ok(r.status == 0 and parsed['Subject'] == 'to a peer' and
         parsed.get_content().rstrip('\r\n') == text,
         'a line of 4000 octets: its text arrives', r.words(), mail[:2000])
    r = submit(peer, b'Subject: bare\n\nHello.\n', 'bob@example.org')
    mail = Box('bob').next() if r.status == 0 else b''
    parsed = email.message_from_bytes(mail, policy=email.policy.default)
    t.ok(r.status == 0 and all(
        len(parsed.get_all(name, [])) == 1
        for name in ('From', 'Date', 'Message-ID', 'To')) and
        parsed.get_content() in ('Hello.\n', 'Hello.\r\n'),
        'a mail without fields: has those that we add, once', r.words(), mail)


def test_recipients(t, peer):
    both = HELLO.replace(b'Subject', b'Cc: carol@example.org\nSubject')
    hidden = both.replace(b'Subject', b'Bcc: bob@example.org\nSubject')
    r = submit(peer, hidden, '-t')
    taken(t, peer, both, r, 'two recipients, one twice: bob has it, no Bcc')
    taken(t, peer, both, r, '... so has carol', name='carol')
    r = submit(peer, HELLO, *(f'{name}@example.org' for name in MANY))
    t.ok(r.status == 0 and all(Box(name).next() for name in MANY) and
         all(Box(name).is_empty() for name in MANY),
         f'{len(MANY)} recipients: each has it once', r.words())
    r = submit(peer, HELLO, 'nobody@example.org', 'carol@example.org')
    mail = Box('carol').next()
    wrong = daemons.difference(HELLO.replace(b'\n', peer.line_end), mail)
    t.ok(r.status == 67 and 'nobody@example.org' in r.err and not wrong,
         'of two, the known one has it: 67, and the other is named', r.words(),
         wrong)


# What is refused: the exit status, and a word that is said.
REFUSALS = {
    'an unknown recipient': (67, 'nobody@example.org',
                             {'argv': ['nobody@example.org']}),
    'two, and all or none': (67, 'nobody@example.org',
                             {'argv': ['--all-or-none', 'nobody@example.org',
                                       'carol@example.org']}),
    'TLS from the first byte at 587': (76, 'smtp://', {
        'url': 'smtps://localhost:587'}),
    'more octets than it takes': (65, '', {
        'message': HEADER + b'\n' + b'x' * 70 + b'\n' * (SIZE + 1)}),
}


def test_refusals(t, peer):
    for name, (status, word, more) in REFUSALS.items():
        more = dict(more)
        argv = more.pop('argv', ['bob@example.org'])
        r = submit(peer, more.pop('message', HELLO), *argv, **more)
        t.ok(r.status == status and word in r.err and r.err,
             f'{name}: {status}', r.words())
    for way in [way for way in URLS if way not in peer.broken]:
        for auth in peer.mechanisms[way]:
            r = submit(peer, HELLO, 'bob@example.org', way=way, auth=auth,
                       password='Tr0ub4dor')
            t.ok(r.status == 77 and auth in r.err and 'Tr0ub4dor' not in r.err,
                 f'{way}, {auth}: a wrong password: 77, and it is named',
                 r.words())
    # What is sent now comes after all that should not have come.
    last = HELLO.replace(b'to a peer', b'the last one')
    r = submit(peer, last, 'bob@example.org', 'carol@example.org')
    for name in ('bob', 'carol'):
        taken(t, peer, last, r, f'nothing refused was delivered to {name}',
              name=name)


def prepare(peer):
    """What every server needs."""
    daemons.lay_over(CACHE / peer.name / 'root', {'vmail': VMAIL, **peer.users})
    daemons.raise_loopback()
    for folder in (MAIL, LOG):
        folder.mkdir()
        folder.chmod(0o777)
    harness.make_certificates(CERTS)
    for name in NAMES:
        for part in ('', 'new', 'cur', 'tmp'):
            (MAIL / name / part).mkdir()
            shutil.chown(MAIL / name / part, VMAIL, VMAIL)
    (RUN / 'password').write_text(PASSWORD)
    (RUN / 'token').write_text(TOKEN)
    (RUN / 'names').write_text(''.join(name + '\n' for name in NAMES))


def main(peer):
    peer.name = pathlib.Path(sys.argv[0]).stem
    daemons.enter_namespaces(CACHE / peer.name, peer.packages, peer.fetch)
    prepare(peer)
    t = harness.Tap()
    try:
        peer.start()
        for port in peer.ports:
            wait_for(lambda: daemons.answers(port) or peer.died())
            if peer.died():
                raise SystemExit('Bail out! it does not listen\n' + logs())
        for case in peer.cases or (test_ways, test_messages, test_recipients,
                                   test_refusals):
            case(t, peer)
    except Exception:
        t.ok(False, 'the tests went to their end', traceback.format_exc())
    finally:
        if t.failed:
            t.note(logs())
        peer.stop()
    sys.exit(t.end())
