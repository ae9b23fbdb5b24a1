#!/usr/bin/env python3
"""aiosmtpd, as Debian has it."""

import asyncio
import os
import ssl
import sys

import peer

# Debian's package belongs to Debian's own Python.
PYTHON = '/usr/bin/python3'


class Aiosmtpd(peer.Peer):
    mechanisms = {way: ['PLAIN', 'LOGIN'] for way in peer.URLS}
    line_end = b'\r\n'

    def fetch(self):
        peer.daemons.run(PYTHON, '-c', 'import aiosmtpd')

    def start(self):
        self.spawn(PYTHON, '-W', 'ignore', __file__, 'serve')


def serve():
    from aiosmtpd.smtp import SMTP, AuthResult

    def check(server, session, envelope, mechanism, data):
        return AuthResult(handled=False, success=(
            data.login.decode(), data.password.decode()) == (peer.USER,
                                                             peer.PASSWORD))

    class Handler:
        async def handle_RCPT(self, server, session, envelope, address,
                              options):
            if address.partition('@')[0] not in peer.NAMES:
                return '550 5.1.1 No such user here'
            envelope.rcpt_tos.append(address)
            return '250 2.1.5 Good'

        async def handle_DATA(self, server, session, envelope):
            tls = server.transport.get_extra_info('ssl_object') is not None
            trace = 'Received: with ESMTP%s%s\r\n' % (
                'S' if tls else '', 'A' if session.authenticated else '')
            peer.deliver(envelope.rcpt_tos,
                         trace.encode() + envelope.original_content)
            return '250 2.0.0 Taken'

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(peer.CERTS / 'all-names.pem',
                        peer.CERTS / 'all-names.key')
    loop = asyncio.new_event_loop()

    def listen(way):
        def session():
            more = {'tls_context': tls, 'require_starttls': True} if \
                way == 'starttls' else {}
            # To aiosmtpd implicit TLS is none: it would offer no AUTH.
            return SMTP(Handler(), authenticator=check, auth_required=True,
                        auth_require_tls=way == 'starttls', loop=loop,
                        hostname='mail.example.org', decode_data=False,
                        data_size_limit=peer.SIZE, **more)
        return loop.create_server(session, '127.0.0.1', peer.PORTS[way],
                                  ssl=tls if way == 'tls' else None)

    for way in peer.PORTS:
        loop.run_until_complete(listen(way))
    loop.run_forever()


if sys.argv[1:] == ['serve']:
    serve()
peer.main(Aiosmtpd())
