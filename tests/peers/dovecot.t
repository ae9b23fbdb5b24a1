#!/usr/bin/env python3
"""Dovecot's submission service, which passes on to another server what it has
taken: here to our own, which is strict."""

import peer
import smtpd

CONFIGURATION = '''
base_dir = {run}/dovecot
state_dir = {run}/dovecot
log_path = {log}/dovecot
protocols = submission
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
hostname = mail.example.org
mail_location = maildir:{run}/box
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
auth_failure_delay = 0
submission_relay_host = 127.0.0.1
submission_relay_port = PORT
submission_max_mail_size = 5000000
passdb {
  driver = passwd-file
  args = scheme=PLAIN {run}/users
}
userdb {
  driver = static
  args = uid=VMAIL gid=VMAIL home={run}
}
# Wrong passwords cost a client time; here they are the test.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service submission-login {
  inet_listener plain {
    port = 25
  }
  inet_listener submission {
    port = 587
  }
  inet_listener submissions {
    port = 465
    ssl = yes
  }
}
'''


class Relay(smtpd.Server):
    def keep(self, message, envelope):
        peer.deliver(envelope['to'], message)
        return super().keep(b'', envelope)


class Dovecot(peer.Peer):
    packages = ['dovecot-core', 'dovecot-submissiond']
    users = {'dovecot': 901, 'dovenull': 902}
    mechanisms = {way: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1',
                        'SCRAM-SHA-256'] for way in peer.URLS}
    line_end = b'\r\n'

    def start(self):
        relay = Relay(refuse={'nobody@example.org':
                              '550 5.1.1 No such user here'})
        for folder in ('dovecot', 'box'):
            (peer.RUN / folder).mkdir()
        peer.shutil.chown(peer.RUN / 'box', peer.VMAIL, peer.VMAIL)
        peer.write('users', '%s:{PLAIN.b64}%s\n' % (
            peer.USER, peer.base64.b64encode(peer.PASSWORD.encode()).decode()))
        self.spawn('/usr/sbin/dovecot', '-F', '-c', peer.write(
            'dovecot.conf', CONFIGURATION.replace(
                'PORT', relay.url('smtp').rpartition(':')[2]).replace(
                'VMAIL', str(peer.VMAIL))))


peer.main(Dovecot())
