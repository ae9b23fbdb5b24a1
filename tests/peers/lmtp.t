#!/usr/bin/env python3
"""Dovecot's LMTP service, at its unix socket and by TCP: what lands in each
mailbox, and what the reply for each recipient becomes."""

import fcntl
import os
import re
import socket
import struct

import peer
from peer import HELLO, MAIL, MESSAGES, RUN, Box, harness

SOCKET = RUN / 'dovecot/lmtp'
# Of this machine, and no loopback address: another one would look like it.
FAR = '192.0.2.1'
URLS = {'a unix socket': f'lmtp+unix:{SOCKET}',
        'TCP': 'lmtp://localhost',
        'TCP and STARTTLS': f'lmtp://{FAR}:24'}

CONFIGURATION = '''
base_dir = {run}/dovecot
state_dir = {run}/dovecot
log_path = {log}/dovecot
protocols = lmtp
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
hostname = mail.example.org
mail_location = maildir:{mail}/%n
mail_plugins = quota
quota_full_tempfail = no
postmaster_address = postmaster@example.org
passdb {
  driver = static
  args = nologin=yes
}
userdb {
  driver = passwd-file
  args = username_format=%n {run}/users
}
plugin {
  quota = maildir:box
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
  inet_listener lmtp {
    port = 24
  }
}
'''


def add_address():
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8916, struct.pack(  # SIOCSIFADDR
            '16sH2x4s8x', b'lo:1', socket.AF_INET, socket.inet_aton(FAR)))


def submit(url, message, *argv, config=''):
    return harness.Run(
        RUN, f'smarthost {url}\ntls-trust {peer.CERTS}/ca.pem\n'
        f'tls-name localhost\nlog off\n{config}', '-f', 'alice@example.com',
        *argv, message=message)


def test_messages(t, server):
    for way, url in URLS.items():
        for name, message in MESSAGES.items():
            r = submit(url, message, 'bob@example.org')
            mail = peer.taken(t, server, message, r, f'{way}, {name}: '
                              'unchanged')
        word = b'LMTPS' if 'STARTTLS' in way else b'LMTP'
        t.ok(re.search(rb'^\tby [^;]*\bwith %s\b' % word, mail, re.M | re.I)
             or re.search(rb'^Received:[^;]*\bwith %s\b' % word, mail,
                          re.M | re.I),
             f'{way}: the server calls it {word.decode()}', mail[:500])


def test_recipients(t, server):
    for way, url in URLS.items():
        r = submit(url, HELLO, *(f'{name}@example.org' for name in peer.MANY),
                   'r0@example.org')
        t.ok(r.status == 0 and all(Box(name).next() for name in peer.MANY) and
             all(Box(name).is_empty() for name in peer.MANY),
             f'{way}, {len(peer.MANY)} recipients, one twice: each has it',
             r.words())


# The recipients, the status, and what is said.
MIXES = [
    (('bob', 'nobody'), 67, ['nobody@example.org', '1 of 2']),
    (('bob', 'full'), 67, ['full@example.org', '5.2.2', '1 of 2']),
    (('full', 'bob', 'broken'), 69,
     ['full@example.org', 'broken@example.org', '1 of 3']),
    (('broken', 'bob'), 69, ['broken@example.org', '1 of 2']),
    (('full',), 67, ['the end of the mail data', 'full@example.org']),
    (('nobody',), 67, ['RCPT TO', 'nobody@example.org']),
    (('broken',), 75, ['broken@example.org']),
]


def test_mixes(t, server):
    """Some have it, others are refused, for good or for now, at RCPT or behind
    the end of the data."""
    for way, url in URLS.items():
        for names, status, words in MIXES:
            r = submit(url, HELLO, *(f'{name}@example.org' for name in names))
            has = 'bob' not in names or Box('bob').next() is not None
            t.ok(r.status == status and has and Box('bob').is_empty() and
                 all(word in r.err for word in words),
                 f'{way}, {", ".join(names)}: {status}', r.words())


def test_sessions(t, server):
    """Two mails of one dialogue."""
    mails = [HELLO.replace(b'Hello', b'Mail %d' % n) for n in (1, 2)]
    dialogue = b'EHLO client\r\n' + b''.join(
        b'MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\n'
        b'RCPT TO:<carol@example.org>\r\nDATA\r\n%s.\r\n'
        % mail.replace(b'\n', b'\r\n') for mail in mails) + b'QUIT\r\n'
    r = submit(URLS['TCP'], dialogue, '-bs')
    bodies = {name: sorted(Box(name).next().rpartition(b'\n\n')[2]
                           for _ in mails) for name in ('bob', 'carol')}
    t.ok(r.status == 0 and all(found == [b'Mail 1.\n', b'Mail 2.\n']
                               for found in bodies.values()),
         'two mails by -bs: both have both', r.words(), bodies)


def test_mistakes(t, server):
    r = submit('smtp+plain://localhost:24', HELLO, 'bob@example.org')
    t.ok(r.status != 0 and 'write `smarthost lmtp://localhost:24' in r.err,
         'smtp+plain:// at LMTP: the line to write', r.words())
    r = submit(f'smtp+unix:{SOCKET}', HELLO, 'bob@example.org')
    t.ok(r.status != 0 and f'write `smarthost lmtp+unix:{SOCKET}' in r.err,
         'smtp+unix: at LMTP: the line to write', r.words())
    r = harness.Run(RUN, f'smarthost lmtp://{FAR}\ntls-trust '
                    f'{peer.CERTS}/ca.pem\nlog off\n', '-f',
                    'alice@example.com', 'bob@example.org', message=HELLO)
    t.ok(r.status != 0 and 'certificate' in r.err and Box('bob').is_empty(),
         'a certificate for another name: no mail, not in clear either',
         r.words())
    r = submit(URLS['a unix socket'], HELLO, 'bob@example.org',
               config='user alice\npassword x\n')
    t.ok(r.status != 0 and 'AUTH' in r.err,
         'a login that LMTP does not offer is told', r.words())


class Lmtp(peer.Peer):
    packages = ['dovecot-core', 'dovecot-lmtpd']
    users = {'dovecot': 901, 'dovenull': 902}
    ports = (24,)
    cases = (test_messages, test_recipients, test_mixes, test_sessions,
             test_mistakes)

    def start(self):
        add_address()
        (RUN / 'dovecot').mkdir()
        lines = [f'{name}::{peer.VMAIL}:{peer.VMAIL}::{RUN}/home/{name}::'
                 for name in (*peer.NAMES, 'broken')]
        lines.append(f'full::{peer.VMAIL}:{peer.VMAIL}::{RUN}/home/full::'
                     'userdb_quota_rule=*:bytes=10')
        peer.write('users', '\n'.join(lines) + '\n')
        (RUN / 'home').mkdir()
        (MAIL / 'full').mkdir()
        for path in (RUN / 'home', MAIL / 'full'):
            os.chown(path, peer.VMAIL, peer.VMAIL)
        # Nobody but root can deliver into it.
        (MAIL / 'broken').mkdir(mode=0o700)
        self.spawn('/usr/sbin/dovecot', '-F', '-c',
                   peer.write('dovecot.conf', CONFIGURATION))


if __name__ == '__main__':
    peer.main(Lmtp())
