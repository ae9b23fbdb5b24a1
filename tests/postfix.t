#!/usr/bin/env python3
"""End to end: sendling submits to a real Postfix with Dovecot's SASL, over
STARTTLS and implicit TLS, and what lands in the mailbox is compared byte for
byte.

    tests/postfix.t --fetch     only fetches the packages, where it can
"""

import pwd
import re
import subprocess
import sys

import daemons
import harness
import postfix
from daemons import RUN, answers, difference, run, wait_for

PASSWORD = 'p a:s"s#word'
HEADER = (b'From: Alice <alice@example.com>\n'
          b'To: bob@example.org\n'
          b'Subject: end to end\n'
          b'Date: Sun, 22 Nov 2026 12:00:00 +0000\n'
          b'Message-ID: <1@example.com>\n')


# The servers

MAIN_CF = '''
myhostname = mail.example.org
inet_interfaces = 127.0.0.1, ::1
virtual_mailbox_maps = inline:{{ {{ bob@example.org = bob/ }} {{ carol@example.org = carol/ }} }}
message_size_limit = 5000000
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_sasl_authenticated, reject
smtpd_end_of_data_restrictions = check_sender_access inline:{{ {{ mallory@example.com = 554 5.7.1 not today }} }}
smtpd_tls_chain_files = {folder}/certs/all-names.key {folder}/certs/all-names.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/dovecot/smtp
smtpd_error_sleep_time = 0
recipient_delimiter = +
'''

LISTENERS = '''
25        inet n - n - - smtpd -o smtpd_tls_auth_only=no
587       inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
465       inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
1587      inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_tls_mandatory_protocols=TLSv1.2
2465      inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_recipient_limit=40
1465      inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_tls_mandatory_protocols=TLSv1.2
'''

DOVECOT_CONF = '''
base_dir = {run}/dovecot
state_dir = {run}/dovecot
log_path = {run}/log/dovecot
auth_verbose = yes
protocols =
ssl = no
auth_mechanisms = plain login scram-sha-1 scram-sha-256
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {run}/users
}}
userdb {{
  driver = static
  args = uid=905 gid=905 home={run}
}}
auth_failure_delay = 0
# Wrong passwords cost a client time; here they are the test.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener smtp {{
    mode = 0666
  }}
}}
'''


class Servers:
    """Postfix and Dovecot, ended by their process ids."""

    def __init__(self):
        (RUN / 'dovecot').mkdir()
        self.postfix = postfix.Postfix(RUN, MAIN_CF, LISTENERS)
        run(str(harness.TESTS / 'certs.sh'), str(RUN / 'certs'))
        (RUN / 'dovecot.conf').write_text(DOVECOT_CONF.format(run=RUN))
        # passwd-file ends a field at a colon: only the last may hold one.
        (RUN / 'users').write_text('alice:{PLAIN.b64}%s\n' % base64(PASSWORD))
        self.processes = []

    def start(self):
        self.spawn('/usr/sbin/dovecot', '-F', '-c', str(RUN / 'dovecot.conf'))
        command, environment = self.postfix.command()
        self.spawn(*command, env=environment)
        for port in (25, 587, 465, 1587, 1465):
            self.wait_for(lambda: answers(port))
        self.wait_for((RUN / 'dovecot/smtp').exists)

    def spawn(self, *argv, **more):
        self.processes.append(subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=sys.stderr, **more))

    def wait_for(self, ready):
        if not wait_for(ready):
            raise SystemExit('Bail out! a server did not start\n' +
                             self.logs())

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()

    def logs(self):
        return ''.join(line + '\n' for log in ('mail', 'dovecot')
                       if (RUN / 'log' / log).exists()
                       for line in (RUN / 'log' / log).read_text(
                           errors='replace').splitlines()[-30:])


def base64(text):
    import base64 as b
    return b.b64encode(text.encode()).decode()


# The client

def submit(message, *argv, url='smtps://localhost', auth='auto',
           password=PASSWORD):
    return harness.Run(
        RUN, f'smarthost {url}\nuser alice\nauth {auth}\n'
        f'tls-trust {RUN}/certs/ca.pem\nlog off\npassword {password}\n',
        '-f', 'alice@example.com', *argv, message=message)


class Mailbox:
    def __init__(self, server, name):
        self.server = server
        self.folder = server.folder / 'mail' / name / 'new'

    def next(self):
        """The next mail, taken out of the box; None when none comes."""
        for path in wait_for(lambda: list(self.folder.glob('*'))):
            mail = path.read_bytes()
            path.unlink()
            return mail
        return None

    def is_empty(self):
        """Whether nothing is there when nothing is on its way any more."""
        wait_for(self.server.is_idle)
        return not list(self.folder.glob('*'))


def logged():
    """What the server noted of who authenticated: it may do so late."""
    log = RUN / 'log/mail'
    lines = log.read_text().splitlines() if log.exists() else []
    return [line for line in lines if 'sasl_method=' in line]


MESSAGES = {
    'a line': HEADER + b'\nHello.\n',
    'no body': HEADER + b'\n',
    'leading dots': HEADER + b'\n.\n..\n...\n.x\n. \nx.\n.\n',
    'trailing blanks': HEADER + b'\nblank \ntab\t\n  \n\t\nend \n\n\n\n',
    'a folded field and odd spaces': HEADER +
        b'X-Odd:  two\n\tfolded   \n  more\n\n \nbody\n',
    '8-bit text': HEADER + b'MIME-Version: 1.0\n'
        b'Content-Type: text/plain; charset=utf-8\n'
        b'Content-Transfer-Encoding: 8bit\n\n' +
        'Grüße, ῾Ελλάς, 日本\n'.encode() * 20,
    'lines of 998 octets': HEADER + b'\n' + (b'x' * 997 + b'.\n') * 50 +
        b'.' * 998 + b'\n',
    'a long body': HEADER + b'\n' + b''.join(
        b'%d. The quick brown fox.\n' % i for i in range(20000)),
    '1 MiB on one dot a line': HEADER + b'\n' + b'.\n' * (512 * 1024),
    'an attachment': HEADER + b'MIME-Version: 1.0\n'
        b'Content-Type: multipart/mixed; boundary="=_b"\n\n'
        b'--=_b\nContent-Type: text/plain\n\nSee the file.\n'
        b'--=_b\nContent-Type: application/octet-stream\n'
        b'Content-Transfer-Encoding: base64\n\n' +
        (b'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2\n'
         * 40000) + b'--=_b--\n',
}


def test_mechanisms(t, bob):
    for url in ('smtp+plain://localhost', 'smtp://localhost',
                'smtps://localhost', 'smtp://127.0.0.1',
                'smtp://localhost:1587', 'smtps://localhost:1465'):
        for auth in ('PLAIN', 'LOGIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256'):
            before = len(logged())
            r = submit(MESSAGES['a line'], 'bob@example.org', url=url,
                       auth=auth)
            what = f'{url}, {auth}'
            t.ok(r.status == 0 and r.err + r.out == '',
                 f'{what}: status 0 and no word', r.words())
            mail = bob.next() if r.status == 0 else None
            t.ok(not difference(MESSAGES['a line'], mail),
                 f'{what}: arrives', difference(MESSAGES['a line'], mail))
            taken = wait_for(lambda: logged()[before:])
            t.ok(bool(taken) and f'sasl_method={auth}, sasl_username=alice' in
                 taken[-1], f'{what}: is what the server saw', *taken[-1:])


def test_messages(t, bob):
    for name, message in MESSAGES.items():
        r = submit(message, 'bob@example.org')
        mail = bob.next() if r.status == 0 else None
        wrong = difference(message, mail)
        t.ok(r.status == 0 and not wrong, f'{name}: unchanged', r.words(), wrong)
    crlf = MESSAGES['leading dots'].replace(b'\n', b'\r\n')
    r = submit(crlf, 'bob@example.org')
    wrong = difference(MESSAGES['leading dots'], bob.next())
    t.ok(not wrong, 'CRLF on stdin arrives as if it were LF', r.words(), wrong)
    r = submit(MESSAGES['a line'][:-1], 'bob@example.org')
    wrong = difference(MESSAGES['a line'], bob.next())
    t.ok(not wrong, 'a missing last line end is supplied', r.words(), wrong)


def test_recipients(t, bob, carol):
    message = MESSAGES['a line']
    both = message.replace(b'Subject', b'Cc: carol@example.org\nBcc: \n'
                           b' bob@example.org\nSubject')
    r = submit(both, '-t')
    shown = both.replace(b'Bcc: \n bob@example.org\n', b'')
    for name, box in (('bob', bob), ('carol', carol)):
        wrong = difference(shown, box.next())
        t.ok(not wrong, f'-t: {name} has it, without Bcc', r.words(), wrong)
    t.ok(bob.is_empty(), '-t: one copy for an address named twice')

    r = submit(message, 'nobody@example.org')
    t.ok(r.status == 67, 'an unknown recipient is 67', r.words())
    t.ok('5.1.1' in r.err and 'nobody@example.org' in r.err,
         "... and the server's words are shown", r.err)
    r = submit(message, 'nobody@example.org', 'carol@example.org')
    t.ok(r.status == 67, 'one of two unknown is 67', r.words())
    t.ok(not difference(message, carol.next()), '... the other has the mail')
    r = submit(message, '--all-or-none', 'nobody@example.org',
               'carol@example.org')
    t.ok(r.status == 67 and carol.is_empty(),
         '--all-or-none: nobody has the mail', r.words())


def test_limit(t, bob):
    """More recipients than it takes in a transaction; at 20 errors in a session
    it says 421."""
    to = [f'bob+{n}@example.org' for n in range(200)]
    r = submit(MESSAGES['a line'], *to, url='smtps://localhost:2465')
    got = []
    while len(got) < len(to) and (mail := bob.next()):
        got += re.findall(rb'^Delivered-To: (.*)$', mail, re.M)
    t.ok(r.status == 0 and sorted(got) == sorted(a.encode() for a in to) and
         bob.is_empty(), f'{len(to)} recipients, 40 at a time: each has it once',
         r.words(), len(got))


def test_end_refused(t, bob):
    """By smtpd_end_of_data_restrictions, which leave the transaction open: the
    next mail of the session is none that is nested in it."""
    message = MESSAGES['a line']
    said = b'EHLO x\r\n' + b''.join(
        b'MAIL FROM:<%s@example.com>\r\nRCPT TO:<bob@example.org>\r\n'
        b'DATA\r\n%s.\r\n' % (name, message.replace(b'\n', b'\r\n'))
        for name in (b'mallory', b'alice')) + b'QUIT\r\n'
    for chunking in 'off', 'auto':
        r = harness.Run(
            RUN, f'smarthost smtps://localhost\nuser alice\npassword {PASSWORD}'
            f'\ntls-trust {RUN}/certs/ca.pem\nlog off\nchunking {chunking}\n',
            '-bs', message=said)
        taken = re.search('^250 2.0.0 Ok', r.out, re.M)
        wrong = difference(message, bob.next() if taken else None)
        t.ok(len(re.findall('^554 ', r.out, re.M)) == 1 and r.status == 0 and
             not wrong and bob.is_empty(),
             f'chunking {chunking}: behind an end that is refused the next mail '
             'arrives', r.words(), wrong)


def test_refusals(t, bob):
    message = MESSAGES['a line']
    for url in ('smtp://localhost', 'smtps://localhost'):
        for auth in ('auto', 'LOGIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256'):
            r = submit(message, 'bob@example.org', url=url, auth=auth,
                       password='Tr0ub4dor')
            t.ok(r.status == 77 and 'Tr0ub4dor' not in r.err,
                 f'{url}, {auth}: a wrong password is 77', r.words())
    r = submit(HEADER + b'\n' + b'x' * 70 + b'\n' * 6000000,
               'bob@example.org')
    t.ok(r.status == 65, 'more than the server takes is 65', r.words())
    r = submit(message, 'bob@example.org', url='smtps://localhost:587')
    t.ok(r.status == 76 and 'smtp://' in r.err,
         'implicit TLS to a STARTTLS port is 76 and says what to write',
         r.words())
    t.ok(bob.is_empty(), 'nothing of all that was delivered')


def main():
    daemons.enter_namespaces(postfix.CACHE, postfix.PACKAGES)
    daemons.lay_over(postfix.CACHE / 'root', postfix.USERS)
    daemons.raise_loopback()
    pwd.getpwnam('postfix')
    servers = Servers()
    t = harness.Tap()
    try:
        servers.start()
        bob, carol = (Mailbox(servers.postfix, name)
                      for name in ('bob', 'carol'))
        test_mechanisms(t, bob)
        test_messages(t, bob)
        test_recipients(t, bob, carol)
        test_limit(t, bob)
        test_end_refused(t, bob)
        test_refusals(t, bob)
        if t.failed:
            t.note(servers.logs())
    finally:
        servers.stop()
    return t.end()


sys.exit(main())
