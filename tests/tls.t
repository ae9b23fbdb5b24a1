#!/usr/bin/env python3
"""What a server or somebody on the way may do around a handshake, over STARTTLS
and implicit TLS: nothing but EHLO and STARTTLS is said to who is not known, and
nothing is kept for the next session."""

import contextlib
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys

from home import HANG, MESSAGE, SANITIZED, run_tests
import harness
from smtpd import Server, tls_context

BOB = 'bob@example.org'
VERSIONS = ('TLS 1.3', 'TLS 1.2')


def harmless(server):
    """Whether nothing was said but what is said to anybody: in the clear no
    more than EHLO and STARTTLS, and nothing by who was let in."""
    clear = bytes(server.heard).split(b'\x16\x03')[0]
    return re.fullmatch(rb'(EHLO \S+\r\nSTARTTLS\r\n)?(\x15.*)?', clear,
                        re.S) and b'AUTH' not in server.heard and \
        b'MAIL' not in server.heard


def begin(server, sock, implicit):
    """As far as the handshake; the last reply is the caller's to say."""
    if implicit:
        return
    sock.sendall(b'220 mail.test ESMTP\r\n')
    server.hear(sock, b'\r\n')
    sock.sendall(b'250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n')
    server.hear(sock, b'STARTTLS\r\n')


def talk(server, sock, certificate, tls12):
    """A handshake that is all right, and what is said behind it."""
    with contextlib.suppress(OSError):
        context = tls_context(certificate, tls12)
        with context.wrap_socket(sock, server_side=True) as tls:
            tls.sendall(b'250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n')
            while chunk := tls.recv(65536):
                server.heard += chunk


def meet(home, certificate, play, implicit):
    """A run against the play; and what it heard."""
    with Server(certificate, play=lambda server, sock: play(
            server, sock), users=[('alice', 'secret')]) as server:
        scheme = 'smtps' if implicit else 'smtp'
        run = home.run(BOB, config=home.config(server.config(
            'password secret', scheme=scheme)))
        server.settle()
    return run, server


# What comes between the reply to STARTTLS and the handshake: with the reply,
# and when the client has begun its handshake.
BETWEEN = [
    ('a reply with it', b'250-x\r\n250 AUTH PLAIN\r\n', b''),
    ('half a line with it', b'250-x', b''),
    ('a byte with it', b'\0', b''),
    ('a reply in a segment of its own', b'', b'250-x\r\n250 AUTH PLAIN\r\n'),
    ('half a line in a segment of its own', b'', b'2'),
    ('a line in two parts', b'250-', b'x\r\n'),
]


def test_between(t, home, certificate):
    for sentence, before, behind in BETWEEN:
        for version in VERSIONS:
            def play(server, sock):
                begin(server, sock, False)
                sock.sendall(b'220 go\r\n' + before)
                if behind:
                    sock.recv(1, socket.MSG_PEEK)
                    sock.sendall(behind)
                talk(server, sock, certificate, version == 'TLS 1.2')
            run, server = meet(home, certificate, play, False)
            t.ok(run.status in (75, 76) and harmless(server) and
                 server.count == 1 and b'TLS' in run.err,
                 f'{sentence}, {version}', run.words(), server.heard)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))


def test_cut(t, home, certificate):
    """The connection is lost within the handshake: no word in the clear, and no
    second attempt."""
    for implicit in (False, True):
        for sentence, said, end in (
                ('closed', b'', lambda sock: None), ('reset', b'', reset),
                ('closed in a record', b'\x16\x03\x03\x00\x7a\x02',
                 lambda sock: None),
                ('reset in a record', b'\x16\x03\x03\x00\x7a\x02', reset)):
            def play(server, sock):
                begin(server, sock, implicit)
                if not implicit:
                    sock.sendall(b'220 go\r\n')
                server.heard += sock.recv(65536)
                sock.sendall(said)
                end(sock)
            run, server = meet(home, certificate, play, implicit)
            t.ok(run.status == 75 and harmless(server) and
                 server.count == 1 and b'TLS' in run.err,
                 f'{sentence}, {"smtps" if implicit else "smtp"}',
                 run.words(), server.heard)


def hello(version, cipher, random=bytes(32), more=b''):
    """A record with a ServerHello."""
    body = struct.pack('>H', version) + random + b'\0' + \
        struct.pack('>HB', cipher, 0) + struct.pack('>H', len(more)) + more
    message = b'\x02' + struct.pack('>I', len(body))[1:] + body
    return b'\x16' + struct.pack('>HH', min(version, 0x0303),
                                 len(message)) + message


def chosen(version):
    """supported_versions, RFC 8446 section 4.2.1."""
    return struct.pack('>HHH', 43, 2, version)


# RFC 8446 section 4.1.3: what a server says that could have spoken TLS 1.3 and
# was kept from it.
KEPT = bytes(24) + b'DOWNGRD\1'
HELLOS = [
    ('SSL 3.0', hello(0x0300, 0xc02f)),
    ('TLS 1.0', hello(0x0301, 0xc013)),
    ('TLS 1.1', hello(0x0302, 0xc013)),
    ('TLS 1.1, as 1.3 has it', hello(0x0303, 0x1302, more=chosen(0x0302))),
    ('a version that is none', hello(0x0303, 0x1302, more=chosen(0x7f1c))),
    ('NULL', hello(0x0303, 0x003b)),
    ('NULL with ECDHE', hello(0x0303, 0xc006)),
    ('anonymous', hello(0x0303, 0xc018)),
    ('anonymous and DHE', hello(0x0303, 0x00a7)),
    ('export', hello(0x0303, 0x0003)),
    ('RC4', hello(0x0303, 0x0005)),
    ('RC4 with ECDHE', hello(0x0303, 0xc011)),
    ('3DES', hello(0x0303, 0x000a)),
    ('a cipher that nobody knows', hello(0x0303, 0xfafa)),
    ('a cipher of TLS 1.3 in 1.2', hello(0x0303, 0x1302)),
    ('TLS 1.2, kept from 1.3', hello(0x0303, 0xc02f, KEPT)),
    ('no handshake at all', b'\x17\x03\x03\x00\x05hello'),
]


def test_weak(t, home, certificate):
    """A ServerHello that chooses what a client must not take."""
    for implicit in (False, True):
        for sentence, said in HELLOS:
            def play(server, sock):
                begin(server, sock, implicit)
                if not implicit:
                    sock.sendall(b'220 go\r\n')
                server.heard += sock.recv(65536)
                sock.sendall(said)
                # A client that goes on waits for the certificate.
                server.hear(sock, b'never')
            run, server = meet(home, certificate, play, implicit)
            t.ok(run.status == 76 and harmless(server) and server.count == 1,
                 f'{sentence}, {"smtps" if implicit else "smtp"}',
                 run.words(), server.heard)


# RFC 2409 section 6.2.
GROUP = '''
-----BEGIN DH PARAMETERS-----
MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR
Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL
/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC
-----END DH PARAMETERS-----
'''


def test_small_group(t, home, certificate):
    """RFC 9325 section 4.1: below TLS 1.3 a server chooses the group. A pin is
    of its key, and says nothing of that."""
    rsa = f'{os.path.dirname(certificate)}/rsa.pem'
    large = subprocess.run(['openssl', 'genpkey', '-genparam', '-algorithm',
                            'DH', '-pkeyopt', 'group:modp_2048'],
                           check=True, stdout=subprocess.PIPE).stdout
    for small in (False, True):
        with Server(rsa, tls12=True) as server:
            server.context.set_ciphers('DHE:@SECLEVEL=0')
            server.context.load_dh_params(
                home.file('group.pem', GROUP if small else large))
            for scheme in ('smtp', 'smtps'):
                run = home.run(BOB, config=home.config(server.config(
                    scheme=scheme)))
                server.settle()
                if small:
                    t.ok(run.status == 76 and not server.took and
                         b'group has 1024 bits' in run.err and
                         b'`tls-priority NORMAL:-DHE-RSA' in run.err and
                         all(tls is None for tls, _ in server.told),
                         f'a group of 1024 bits, {scheme}', run.words(),
                         server.told)
                else:
                    t.ok(run.status == 0 and len(server.took) == 1,
                         f'a group of 2048 bits, {scheme}', run.words())
                server.clear()


class Openssl:
    """openssl s_server, which speaks SMTP by what is typed, with all that it
    tells of each client."""

    REPLIES = {'EHLO': '250 mail.test', 'MAIL': '250 ok', 'RCPT': '250 ok',
               'DATA': '354 go', '.': '250 ok'}

    def __init__(self, certificate, *argv):
        self.process = subprocess.Popen(
            ['stdbuf', '-oL', 'openssl', 's_server', '-accept', '127.0.0.1:0', '-cert',
             certificate, '-key', certificate[:-3] + 'key', '-crlf',
             '-tlsextdebug', '-naccept', '2', *argv], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said = ''
        self.port = self.wait(r'ACCEPT \S+:(\d+)')[1]

    def wait(self, wanted):
        while line := self.process.stdout.readline().decode(errors='replace'):
            self.said += line
            if match := re.match(wanted, line):
                return match
        raise AssertionError(f'no {wanted} in {self.said}')

    def say(self, text):
        self.process.stdin.write(text.encode() + b'\n')
        self.process.stdin.flush()

    def serve(self, keys):
        """One mail; with new keys amid it."""
        self.say('220 mail.test')
        for word in self.REPLIES:
            self.wait(r'\.\s*$' if word == '.' else word + r'\b')
            if word == '.' and keys:
                self.say('K')  # alone, or what is behind it gets lost
                self.wait('SSL_do_handshake')
            self.say(self.REPLIES[word])
        # QUIT is not waited for, and a reply would be the next one's.
        self.wait('CONNECTION CLOSED')


def test_nothing_kept(t, home, certificate):
    """Two sessions by one program: the second asks for nothing of the first, no
    ticket was wanted or taken, nothing is sent early."""
    if shutil.which('stdbuf') is None:
        return t.skip('nothing is kept', 'no stdbuf')
    for version in ('-tls1_3', '-tls1_2'):
        peer = Openssl(certificate, version)
        config = home.config('\n'.join([
            f'smarthost smtps://127.0.0.1:{peer.port}', 'tls-name localhost',
            f'tls-trust {os.path.dirname(certificate)}/ca.pem',
            'from alice@example.com', 'helo client.example', '']))
        before = sorted(home.path.iterdir())
        statuses = []
        for _ in range(2):
            process = home.start(BOB, config=config, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT,
                                 environment={'HOME': str(home.path)})
            process.stdin.write(MESSAGE)
            process.stdin.close()
            peer.serve(version == '-tls1_3')
            statuses.append(process.wait(HANG))
        said = peer.process.communicate(timeout=HANG)[0].decode(
            errors='replace')
        said = peer.said + said
        asked = re.findall(r'TLS client extension "([^"]*)"', said)
        t.ok(statuses == [0, 0] and 'server name' in asked and
             asked.count('server name') == 2, f's_server {version}: two mails',
             statuses, said)
        t.ok(not {'session ticket', 'psk', 'early data',
                  'early_data'} & set(asked) and 'Reused' not in said,
             f's_server {version}: nothing of the first session', said)
        t.ok(sorted(home.path.iterdir()) == before,
             f's_server {version}: no file is left')


OLD = '''const char *gnutls_check_version(const char *wanted);
const char *gnutls_check_version(const char *wanted)
{ return wanted == 0 ? "3.6.13" : 0; }
'''


def test_library(t, home, box):
    """Which version there is is asked of the one that runs."""
    names = subprocess.run(['nm', '-D', harness.SENDLING], check=True,
                           stdout=subprocess.PIPE).stdout.decode()
    t.ok('gnutls_init' in names and 'gnutls_global_set_log' not in names and
         'gnutls_global_set_audit' not in names,
         'GnuTLS is never told to write a log', names)
    if SANITIZED or shutil.which('cc') is None:
        return t.skip('an old GnuTLS', 'nothing can be put in its place')
    source, library = home.file('old.c', OLD), home.path / 'old.so'
    subprocess.run(['cc', '-shared', '-fPIC', '-o', library, source],
                   check=True)
    run = home.run(BOB, config=home.config(box.config()),
                   environment={'LD_PRELOAD': str(library)})
    t.ok(run.status == 71 and b'older than 3.7.2: 3.6.13' in run.err and
         box.count == 0, 'an old GnuTLS is refused', run.words())


sys.exit(run_tests(dict(globals()), 'more'))
