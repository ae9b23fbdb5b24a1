#!/usr/bin/python3
"""Servers that break off, lie or speak another protocol where a dialogue file
cannot say it: in the midst of the mail data, inside the TLS handshake, without
an end. Each server is a function that is given the accepted socket; sendling
must tell the truth, and must not try a second time."""

import os
import socket
import struct
import sys
import tempfile

import harness
from smtpd import Server

HEADER = (b'From: alice@example.com\r\nTo: bob@example.org\r\n'
          b'Subject: hello\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n'
          b'Message-ID: <1@example.com>\r\n\r\n')
LARGE = HEADER + (b'x' * 78 + b'\r\n') * 200000


def reset(sock):
    """Closes without a word to TCP's end of the connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))
    sock.close()


def rest(server, sock):
    """All that the client still says."""
    server.hear(sock, b'no client says this')


# The servers

def up_to_data(server, sock):
    sock.sendall(b'220 ready\r\n')
    server.hear(sock, b'EHLO')
    sock.sendall(b'250-mail.example\r\n250 PIPELINING\r\n')
    server.hear(sock, b'DATA\r\n')
    sock.sendall(b'250 ok\r\n250 ok\r\n354 go\r\n')


def reset_amid_data(server, sock):
    up_to_data(server, sock)
    sock.recv(65536)
    reset(sock)


def close_amid_data(server, sock):
    up_to_data(server, sock)
    sock.recv(65536)
    sock.close()


def refuse_amid_data(server, sock):
    up_to_data(server, sock)
    sock.recv(65536)
    sock.sendall(b'552 5.3.4 more than I can take\r\n')
    rest(server, sock)


def refuse_and_close_amid_data(server, sock):
    up_to_data(server, sock)
    sock.recv(65536)
    sock.sendall(b'552 5.3.4 more than I can take\r\n')
    sock.shutdown(socket.SHUT_WR)


def accept_amid_data(server, sock):
    up_to_data(server, sock)
    sock.recv(65536)
    sock.sendall(b'250 2.0.0 queued\r\n')
    rest(server, sock)


def say_later_and_close_amid_data(server, sock):
    up_to_data(server, sock)
    sock.recv(65536)
    sock.sendall(b'421 4.3.2 shutting down\r\n')
    sock.shutdown(socket.SHUT_WR)


def plain(server, sock):
    sock.sendall(b'220 mail.example ESMTP\r\n')
    rest(server, sock)


def up_to_starttls(server, sock):
    sock.sendall(b'220 ready\r\n')
    server.hear(sock, b'EHLO')
    sock.sendall(b'250-mail.example\r\n250 STARTTLS\r\n')
    server.hear(sock, b'STARTTLS\r\n')
    sock.sendall(b'220 go ahead\r\n')


def clear_text_after_starttls(server, sock):
    up_to_starttls(server, sock)
    sock.recv(65536)
    sock.sendall(b'250-mail.example\r\n250 AUTH PLAIN\r\n')
    rest(server, sock)


def close_in_handshake(server, sock):
    up_to_starttls(server, sock)
    sock.recv(65536)
    sock.close()


def reset_in_handshake(server, sock):
    up_to_starttls(server, sock)
    sock.recv(65536)
    reset(sock)


def endless_line(server, sock):
    sock.sendall(b'220 ')
    while True:
        sock.sendall(b'x' * 65536)


def endless_reply(server, sock):
    while True:
        sock.sendall(b'220-again\r\n' * 4096)


def endless_text(server, sock):
    while True:
        sock.sendall((b'220-' + b'x' * 3000 + b'\r\n') * 20)


# The runs

def submit(certificate, play, scheme, message, *argv):
    with Server(certificate, play=play) as server:
        r = harness.Run(os.path.dirname(certificate),
                        server.config('log off', scheme=scheme), *argv,
                        'bob@example.org', message=message)
    return r, server


CASES = [
    ('reset amid the mail data', reset_amid_data, 'smtp+plain', LARGE, 75, ''),
    ('closed amid the mail data', close_amid_data, 'smtp+plain', LARGE, 75,
     ''),
    ('refused amid the mail data', refuse_amid_data, 'smtp+plain', LARGE, 65,
     '5.3.4 more than I can take'),
    ('refused and closed amid the mail data', refuse_and_close_amid_data,
     'smtp+plain', LARGE, 65, '5.3.4 more than I can take'),
    ('421 amid the mail data', say_later_and_close_amid_data, 'smtp+plain',
     LARGE, 75, '4.3.2 shutting down'),
    ('250 before the end of the mail data', accept_amid_data, 'smtp+plain',
     LARGE, 76, ''),
    ('smtps to a server without TLS', plain, 'smtps', HEADER, 76, 'smtp://'),
    ('clear text in the place of TLS', clear_text_after_starttls, 'smtp',
     HEADER, 76, 'TLS'),
    ('closed inside the handshake', close_in_handshake, 'smtp', HEADER, 75,
     'TLS'),
    ('reset inside the handshake', reset_in_handshake, 'smtp', HEADER, 75,
     'TLS'),
    ('a reply line without an end', endless_line, 'smtp+plain', HEADER, 76,
     ''),
    ('a reply of lines without an end', endless_reply, 'smtp+plain', HEADER,
     76, ''),
    ('a reply of long lines without an end', endless_text, 'smtp+plain',
     HEADER, 76, ''),
]


def test_case(t, certificate, title, play, scheme, message, status, words):
    r, server = submit(certificate, play, scheme, message)
    t.ok(r.status == status and words in r.err,
         f'{title}: status {status}', r.words())
    t.ok('may have been delivered' not in r.err,
         f'{title}: nothing is in doubt', r.words())
    t.ok(server.count == 1 and b'\r\n.\r\n' not in server.heard,
         f'{title}: one try, and no end of the mail data',
         f'{server.count} connections')


def test_implicit_port(t, certificate):
    """A server with implicit TLS waits for the client to speak first."""
    def play(server, sock):
        server.context.wrap_socket(sock, server_side=True).recv(1)

    for scheme in ('smtp', 'smtp+plain'):
        for limit in harness.LIMITS:
            r, _ = submit(certificate, play, scheme, HEADER,
                          '--set', f'deadline={limit}s')
            if good := r.status == 75 and 'smtps://' in r.err:
                break
        t.ok(good, f'{scheme} to a port with implicit TLS: the hint names '
             'smtps', r.words())


def main():
    t = harness.Tap()
    with tempfile.TemporaryDirectory() as folder:
        certificate = harness.make_certificates(folder)
        for case in CASES:
            test_case(t, certificate, *case)
        test_implicit_port(t, certificate)
    return t.end()


sys.exit(main())
