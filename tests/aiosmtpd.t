#!/usr/bin/env python3
"""End to end against aiosmtpd, another implementation of the server's side:
STARTTLS and implicit TLS, PLAIN and LOGIN, and what it hands over."""

import asyncio
import logging
import os
import ssl
import sys
import tempfile
import threading
import warnings

import harness

try:
    from aiosmtpd.smtp import SMTP, AuthResult
except ImportError:
    # Debian's package belongs to Debian's own Python.
    if sys.executable != '/usr/bin/python3' and os.path.exists(
            '/usr/bin/python3'):
        os.execv('/usr/bin/python3', ['/usr/bin/python3', __file__])
    harness.skip_all('aiosmtpd is not installed')

HEADER = (b'From: alice@example.com\r\nTo: bob@example.org\r\n'
          b'Subject: hello\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n'
          b'Message-ID: <1@example.com>\r\n')

# Two parts, 8-bit text and an attachment, with what is easily changed.
MIXED = HEADER + (
    'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=next\r\n'
    '\r\n--next\r\nContent-Type: text/plain; charset=utf-8\r\n'
    'Content-Transfer-Encoding: 8bit\r\n\r\n'
    'Grüße\t \r\n.\r\n.Punkt\r\nFrom here\r\n--next\r\n'
    'Content-Type: application/octet-stream\r\n'
    'Content-Transfer-Encoding: base64\r\n\r\nAAECAwQFBgcICQ==\r\n'
    '--next--\r\n\r\n').encode()


class Server:
    """aiosmtpd on a loopback port of the kernel's choice."""

    def __init__(self, folder, implicit):
        self.mails = []
        self.auths = []
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder + '/good.pem', folder + '/good.key')
        self.loop = asyncio.new_event_loop()

        def session():
            more = {} if implicit else {'tls_context': tls,
                                        'require_starttls': True}
            # To aiosmtpd implicit TLS is none: it would offer no AUTH.
            return SMTP(self, authenticator=self.check, auth_required=True,
                        auth_require_tls=not implicit, loop=self.loop,
                        hostname='mail.test', decode_data=False,
                        data_size_limit=3000000, **more)
        self.server = self.loop.run_until_complete(self.loop.create_server(
            session, '127.0.0.1', 0, ssl=tls if implicit else None))
        port = self.server.sockets[0].getsockname()[1]
        self.url = '%s://localhost:%d' % ('smtps' if implicit else 'smtp',
                                          port)
        self.thread = threading.Thread(target=self.loop.run_forever,
                                       daemon=True)
        self.thread.start()

    def check(self, server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (b'alice', b'secret')
        self.auths.append(mechanism)
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('nobody@'):
            return '550 5.1.1 No such user here'
        envelope.rcpt_tos.append(address)
        return '250 2.1.5 Good'

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos,
                           envelope.original_content))
        return '250 2.0.0 Taken'

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.server.close()


def submit(folder, server, message, *recipients, auth='auto',
           password='secret'):
    del server.mails[:], server.auths[:]
    return harness.Run(
        folder, f'smarthost {server.url}\nuser alice\npassword {password}\n'
        f'auth {auth}\ntls-trust {folder}/ca.pem\nlog off\n',
        '-f', 'alice@example.com', *recipients, message=message)


def test_server(t, folder, server):
    kind = server.url.split(':')[0]
    for auth in ('PLAIN', 'LOGIN'):
        message = HEADER + b'\r\n.\r\n..dots \r\n\r\n'
        r = submit(folder, server, message, 'bob@example.org', auth=auth)
        t.ok(r.status == 0 and r.err + r.out == '', f'{kind}, {auth}: taken',
             r.words())
        t.ok(server.mails == [('alice@example.com', ['bob@example.org'],
                               message)],
             f'{kind}, {auth}: envelope and octets are unchanged',
             server.mails)
        t.ok(server.auths == [auth], f'{kind}, {auth}: is what was used',
             server.auths)
    r = submit(folder, server, MIXED, 'bob@example.org')
    t.ok(r.status == 0 and [m[2] for m in server.mails] == [MIXED],
         f'{kind}: 8-bit text and an attachment unchanged', r.words(),
         server.mails)
    large = HEADER + b'\r\n' + b'.' * 70 + b'\r\n' * 500000
    r = submit(folder, server, large, 'bob@example.org')
    t.ok(r.status == 0 and [m[2] for m in server.mails] == [large],
         f'{kind}: 1 MB unchanged', r.words())
    r = submit(folder, server, large * 4, 'bob@example.org')
    t.ok(r.status == 65 and not server.mails,
         f'{kind}: over its SIZE is 65', r.words())
    r = submit(folder, server, HEADER, 'bob@example.org', password='Tr0ub4dor')
    t.ok(r.status == 77 and not server.mails and 'Tr0ub4dor' not in r.err,
         f'{kind}: a wrong password is 77', r.words())
    t.ok(len(server.auths) == 1, f'{kind}: ... and was tried once')
    r = submit(folder, server, HEADER, 'nobody@example.org')
    t.ok(r.status == 67 and not server.mails,
         f'{kind}: an unknown recipient is 67', r.words())
    r = submit(folder, server, HEADER, 'nobody@example.org', 'bob@example.org')
    t.ok(r.status == 67 and [m[1] for m in server.mails] ==
         [['bob@example.org']], f'{kind}: of two, the known one has it',
         r.words())
    r = submit(folder, server, HEADER, '-N', 'never', 'bob@example.org')
    t.ok(r.status == 69 and not server.mails,
         f'{kind}: -N never without DSN is refused', r.words())


def main():
    # It warns of much that is meant here.
    logging.disable()
    warnings.simplefilter('ignore')
    t = harness.Tap()
    with tempfile.TemporaryDirectory() as folder:
        harness.make_certificates(folder)
        for implicit in (False, True):
            server = Server(folder, implicit)
            try:
                test_server(t, folder, server)
            finally:
                server.stop()
    return t.end()


sys.exit(main())
