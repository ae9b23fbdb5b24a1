#!/usr/bin/env python3
"""OpenSMTPD. It offers a login over TLS only, and in Debian 12 (6.8.0p2 with
OpenSSL 3) no handshake of it succeeds: its issues 1171 and 1239."""

import peer

CONFIGURATION = '''
pki mail cert "{cert}"
pki mail key "{key}"
table users file:{run}/users
table homes file:{run}/homes
smtp max-message-size 5000000
listen on lo port 25 hostname mail.example.org
listen on lo port 587 hostname mail.example.org tls-require pki mail auth <users>
listen on lo port 465 hostname mail.example.org smtps pki mail auth <users>
action keep maildir "{mail}/%{user.username}" userbase <homes>
match from auth for domain "example.org" action keep
match from local for domain "example.org" action keep
'''


class Opensmtpd(peer.Peer):
    packages = ['opensmtpd']
    users = {'opensmtpd': 901, 'opensmtpq': 902}
    mechanisms = {'plain': [], 'starttls': ['PLAIN', 'LOGIN'],
                  'tls': ['PLAIN', 'LOGIN']}

    broken = {way: 'its TLS fails with OpenSSL 3, for everyone'
              for way in ('starttls', 'tls')}

    def start(self):
        peer.pathlib.Path('/var/spool/smtpd').mkdir()
        peer.pathlib.Path('/var/spool/smtpd').chmod(0o711)
        secret = peer.daemons.run('openssl', 'passwd', '-6', peer.PASSWORD)
        peer.write('users', f'{peer.USER} {secret}')
        peer.write('homes', ''.join(
            f'{name} {peer.VMAIL}:{peer.VMAIL}:{{mail}}/{name}\n'
            for name in peer.NAMES))
        self.spawn('/usr/sbin/smtpd', '-d', '-f',
                   peer.write('smtpd.conf', CONFIGURATION))


peer.main(Opensmtpd())
