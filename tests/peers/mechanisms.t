#!/usr/bin/env python3
"""AUTH in all mechanisms at real servers: Dovecot's submission server, which
asks an endpoint of this test what an OAuth token is worth (RFC 7662), and Exim,
which has its own mind of certificates.

    tests/peers/mechanisms.t --fetch    only fetches what the servers need
"""

import base64
import http.server
import json
import shutil
import sys
import threading
import traceback
import urllib.parse

import peer
from peer import CERTS, HELLO, RUN, daemons, harness, wait_for

import smtpd  # noqa: E402, I100: peer says where it is

USER = 'alice@example.org'
PASSWORD = 'p a:s"s%word'
PORT = 465
EXIM_PORT = 2465
CLIENT = f'tls-certificate {CERTS}/client.pem\ntls-key {CERTS}/client.key'
GOOD = 'good-' + 'a1B2._~+/-' * 8
LONG = 'long-' + 'a1B2._~+/-' * 600
HUGE = 'huge-' + 'a1B2._~+/-' * 1700
STALE = 'stale-' + 'a1B2._~+/-' * 8

CONFIGURATION = '''
base_dir = {run}/dovecot
state_dir = {run}/dovecot
log_path = {log}/dovecot
auth_verbose = yes
protocols = submission
listen = 127.0.0.1, ::1
mail_location = maildir:{mail}/dovecot
hostname = mail.example.org
ssl = required
ssl_cert = <{cert}
ssl_key = <{key}
ssl_ca = <{run}/certs/ca.pem
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_ssl_username_from_cert = yes
auth_mechanisms = plain login scram-sha-1 scram-sha-256 cram-md5 oauthbearer xoauth2 external
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
submission_relay_trusted = no
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {run}/oauth2.conf
}
passdb {
  driver = static
  mechanisms = external
  args = nopassword
}
# Who may act as others.
passdb {
  driver = static
  mechanisms = external
  master = yes
  args = nopassword
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN {run}/users
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home={run}
}
auth_failure_delay = 0
auth_username_chars =
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service submission-login {
  inet_listener submission {
    port = 587
  }
  inet_listener submissions {
    port = 465
    ssl = yes
  }
}
'''
OAUTH2 = '''
introspection_url = http://127.0.0.1:{endpoint}/introspect
introspection_mode = post
username_attribute = username
active_attribute = active
active_value = true
openid_configuration_url = https://login.example.org/.well-known/openid
'''


# Whom a certificate is for is the name in it.
EXIM = r'''
primary_hostname = mail.example.org
local_interfaces = <; 127.0.0.1
daemon_smtp_ports = 2465
tls_on_connect_ports = 2465
tls_advertise_hosts = *
tls_certificate = {cert}
tls_privatekey = {key}
tls_verify_certificates = {run}/certs/ca.pem
tls_try_verify_hosts = *
spool_directory = {run}/spool
log_file_path = {log}/exim-%s
pid_file_path = {run}/exim.pid
log_selector = +smtp_mailauth
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = recipient
acl_smtp_data = accept

begin acl
recipient:
  accept authenticated = *
  deny message = log in first

begin routers
relay:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = relay

begin transports
relay:
  driver = smtp
  port = {relay}
  hosts_try_dane =
  tls_verify_certificates =

begin authenticators
external:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = $tls_in_certificate_verified
  server_param2 = ${certextract {subj_altname,dns,>:}{$tls_in_peercert}}
  server_condition = ${if forany {$auth2}{match{$item}{^client\.example\$}}}
  server_set_id = $auth1/$auth2
'''


class Introspection(http.server.BaseHTTPRequestHandler):
    """What tokens are worth; it keeps which it was asked for."""

    good = {}   # tokens and whose they are
    asked = []

    def do_POST(self):
        said = self.rfile.read(int(self.headers['Content-Length'])).decode()
        token = urllib.parse.parse_qs(said, strict_parsing=True)['token'][0]
        self.asked.append(token)
        answer = {'active': token in self.good}
        if token in self.good:
            answer['username'] = self.good[token]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_):
        pass


class Servers(peer.Peer):
    name = 'mechanisms'
    packages = ['dovecot-core', 'dovecot-submissiond', 'exim4-base',
                'exim4-daemon-heavy']
    users = {'dovecot': 903, 'dovenull': 904, 'Debian-exim': 901}

    def __init__(self, relay, endpoint):
        super().__init__()
        self.relay = relay
        self.endpoint = endpoint

    def start(self):
        peer.write('oauth2.conf', OAUTH2.replace(
            '{endpoint}', str(self.endpoint.server_port)))
        peer.write('users', '%s:{PLAIN.b64}%s\n' % (
            USER, base64.b64encode(PASSWORD.encode()).decode()))
        self.spawn('/usr/sbin/dovecot', '-F', '-c',
                   peer.write('dovecot.conf', CONFIGURATION.replace(
                       '{relay}', str(self.relay.ports['smtp']))))
        (RUN / 'spool').mkdir()
        shutil.chown(RUN / 'spool', 'Debian-exim', 'Debian-exim')
        peer.write('/etc/exim4/exim4.conf', EXIM.replace(
            '{relay}', str(self.relay.ports['smtp'])))
        self.spawn('/usr/sbin/exim4', '-bdf', '-q1h')
        for port in (PORT, EXIM_PORT):
            wait_for(lambda: daemons.answers(port) or self.died())


def submit(auth, secret, *argv, url='smtps://localhost', user=USER):
    """A run of this mechanism, with this line about the secret."""
    login = f'user {user}\n' if user else ''
    return harness.Run(
        RUN, f'smarthost {url}\n{login}{secret}\nauth {auth}\n'
        f'tls-trust {CERTS}/ca.pem\nlog off\n', '-f', 'alice@example.org',
        *argv, 'bob@example.org', message=HELLO)


def taken(t, box, r, what):
    mails = [message for message, _ in box.took]
    box.clear()
    return t.ok(r.status == 0 and r.err + r.out == '' and len(mails) == 1 and
                mails[0].endswith(HELLO.replace(b'\n', b'\r\n')), what,
                r.words(), mails)


def refused(t, box, r, what, *words, status=77):
    t.ok(r.status == status and all(word in r.err for word in words) and
         not box.took and PASSWORD not in r.err and GOOD not in r.err and
         STALE not in r.err, what, r.words(), box.took)
    box.clear()


def test_passwords(t, box):
    for auth in ('PLAIN', 'LOGIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256',
                 'CRAM-MD5', 'auto'):
        for url in ('smtps://localhost', 'smtp://localhost'):
            taken(t, box, submit(auth, f'password {PASSWORD}', url=url),
                  f'{auth} at {url}: a mail goes')
        refused(t, box, submit(auth, 'password Tr0ub4dor'),
                f'{auth}: a wrong password is refused', '535 5.7.8',
                f'AUTH {"PLAIN" if auth == "auto" else auth} for the user')


def test_tokens(t, box):
    for auth, why in (('OAUTHBEARER', '(status invalid_token)'),
                      ('XOAUTH2', '(status 401, schemes bearer, scope mail)')):
        for name, token in (('a token', GOOD), ('one of 6 KB', LONG)):
            taken(t, box, submit(auth, f'password-command echo {token}'),
                  f'{auth}: {name}: a mail goes')
            t.ok(Introspection.asked[-1] == token, 'as the endpoint heard')
        Introspection.asked.clear()
        refused(t, box, submit(auth, f'password-command echo {HUGE}'),
                f'{auth}: one that is longer than its lines', '500',
                'the token has 17005 octets')
        refused(t, box, submit(auth, f'password {STALE}'),
                f'{auth}: a token that is none, and why', '535 5.7.8',
                why)
        t.ok(Introspection.asked == [STALE], 'it was tried once',
             Introspection.asked)
        refused(t, box, submit(auth, f'password {GOOD}',
                               user='carol@example.org'),
                f'{auth}: the token of somebody else', '535 5.7.8')


def test_fresh_tokens(t, box):
    command = ('password-command echo x >> {}/runs; '
               'if test "$SENDLING_TOKEN_REFUSED"; then echo {}; else echo '
               f'{STALE}; fi')
    runs = RUN / 'runs'
    for auth in ('OAUTHBEARER', 'XOAUTH2'):
        for name, fresh, asked, count in (
                ('a fresh one is taken', GOOD, [STALE, GOOD], 2),
                ('another that is none', STALE + 'x', [STALE, STALE + 'x'], 2),
                ('the same again', STALE, [STALE], 2)):
            Introspection.asked.clear()
            runs.write_text('')
            r = submit(auth, command.format(RUN, fresh))
            if fresh == GOOD:
                taken(t, box, r, f'{auth}: {name}: a mail goes')
            else:
                refused(t, box, r, f'{auth}: {name}: refused', '535 5.7.8')
            t.ok(Introspection.asked == asked and
                 runs.read_text() == 'x\n' * count,
                 '... and tried no more than that', Introspection.asked,
                 runs.read_text())
    runs.write_text('')
    refused(t, box, submit('PLAIN', command.format(RUN, 'y')),
            'PLAIN: a password is not asked for again', '535 5.7.8')
    t.ok(runs.read_text() == 'x\n', 'the command has run once')


def test_certificates(t, box):
    exim = f'smtps://localhost:{EXIM_PORT}'
    # By whom, at whom, as whom, and what Exim makes of that.
    for auth, user, url in (('EXTERNAL', '', 'smtps://localhost'),
                            ('EXTERNAL', USER, 'smtps://localhost'),
                            ('auto', USER, 'smtps://localhost'),
                            ('EXTERNAL', '', exim), ('EXTERNAL', USER, exim),
                            ('auto', USER, exim)):
        r = submit(auth, CLIENT, url=url, user=user)
        wait_for(lambda: box.took or r.status)
        taken(t, box, r, f'{auth} by a certificate at {url}, as '
              f'{user or "whom it is for"}: a mail goes')
        if url != exim:
            log = (peer.LOG / 'dovecot').read_text()
            t.ok(f'user=<{user or "sendling test client"}>, method=EXTERNAL' in
                 log, 'as Dovecot notes', log[-2000:])
        if url == exim:
            log = (peer.LOG / 'exim-main').read_text().splitlines()
            t.ok(any(f'A=external:{user}/client.example' in line
                     for line in log[-6:]), 'as Exim notes', *log[-6:])
    refused(t, box, submit('EXTERNAL', '', url=exim),
            'EXTERNAL without a certificate: Exim does not offer it',
            'does not offer AUTH', status=69)
    refused(t, box, submit('EXTERNAL', ''),
            'EXTERNAL without a certificate: Dovecot refuses it', '535 5.7.8',
            'AUTH EXTERNAL for the user')
    refused(t, box, submit('EXTERNAL', CLIENT.replace('client', 'self-signed'),
                           url=exim),
            'EXTERNAL by the certificate of a stranger', status=69)


def test_no_mixing(t, box):
    Introspection.asked.clear()
    refused(t, box, submit('auto', f'password {GOOD}'),
            'auto: a token goes nowhere as one', '535 5.7.8')
    t.ok(not Introspection.asked, 'the endpoint was not asked')
    refused(t, box, submit('XOAUTH2', f'password {PASSWORD}'),
            'XOAUTH2: a password does not leave', 'no OAuth token', status=78)
    t.ok(not Introspection.asked, 'the endpoint was not asked')


def main():
    daemons.enter_namespaces(peer.CACHE / Servers.name, Servers.packages)
    peer.prepare(Servers)
    harness.make_certificates(CERTS, 'more')
    (CERTS / 'all-names.key').chmod(0o644)
    Introspection.good = {token: USER for token in (GOOD, LONG)}
    endpoint = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Introspection)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    t = harness.Tap()
    box = smtpd.Server()
    servers = Servers(box, endpoint)
    try:
        servers.start()
        if servers.died():
            raise SystemExit('Bail out! it does not listen\n' + peer.logs())
        test_passwords(t, box)
        test_tokens(t, box)
        test_fresh_tokens(t, box)
        test_certificates(t, box)
        test_no_mixing(t, box)
    except Exception:
        t.ok(False, 'the tests went to their end', traceback.format_exc())
    finally:
        if t.failed:
            t.note(peer.logs())
        servers.stop()
        box.close()
    sys.exit(t.end())


main()
