#!/usr/bin/env python3
"""End to end: sendling-setup, as `make install' lays it out, is used by a
person at a pseudo-terminal, who goes from nothing to a delivered mail. DNS is a
dnsmasq, the servers are those of smtpd.py on the ports that providers have, and
the system trusts their authority: all of it in namespaces of their own.

    tests/setup.t --fetch       only fetches the packages, where it can
    tests/setup.t NAME          only the tests whose names hold this word
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import traceback

import daemons
import harness
import oauthd
import tokens
from daemons import RUN, run, wait_for
from home import SANITIZED, can_trace
from person import Person
from providers import (CACHE, PACKAGES, PASSWORD, SCRIPT, SHELLS, Home, lay_out,
                       lines, mode, serve, start_dns)


NOBODY = 65534


# The tests

def test_table(t, home, shell):
    """A provider of the table, a refused password, then the right one."""
    with serve(2) as server, home.setup('alice@gmail.com', shell=shell) as p:
        p.sees('Gmail and Google Workspace is in the table')
        p.sees('needs two-step login')
        p.sees('Trying smtps://smtp.gmail.com:465 ... it answers.')
        p.sees('It takes an application password')
        p.answers('(p)assword, or by (o)Auth [p]: ', '')
        p.answers('User name [alice@gmail.com]: ', '')
        p.sees('Application password (not shown): ')
        silent = wait_for(lambda: not p.echoes())
        p.types('wrong\n')
        p.sees('535 5.7.8 Authentication failed')
        refused = server.told.count(('TLSv1.3', 'QUIT'))
        p.answers('Which [p]: ', 'p')
        p.answers('(not shown): ', PASSWORD)
        p.answers('take them out? (yes or no) [yes]: ', 'no')
        p.sees('accepted the login')
        p.answers('Keep mails that cannot be sent now, and try again? (yes or '
                  'no) [yes]: ', '')
        p.answers(f'Write this to {home.config}? (yes or no) [yes]: ', '')
        p.sees(f'Written: {home.password}, mode 600')
        p.answers('Send a mail to alice@gmail.com now? (yes or no) [yes]: ',
                  'y')
        p.sees('took it')
        t.ok(p.wait() == 0, 'status 0', p.shown)
        t.ok(silent and 'wrong' not in p.shown and PASSWORD not in p.shown,
             'what is typed as password is not shown', p.shown)
        t.ok(p.left_the_terminal_as_it_was(), 'the terminal is as it was')
        logins = [line for _, line in server.told if line.startswith('AUTH')]
        t.ok(len(logins) == 3, 'one login for each password, and the mail\'s',
             *logins, refused)
        t.ok(len(server.took) == 1 and
             server.took[0][1]['to'] == ['alice@gmail.com'] and
             server.took[0][1]['user'] == 'alice@gmail.com',
             'the mail came, from nothing', server.took, p.shown)
    t.ok(lines(home.config) == [
        'smarthost smtps://smtp.gmail.com:465', 'user alice@gmail.com',
        f'password-file {home.password}', 'from alice@gmail.com',
        'domain gmail.com', SPOOL], 'the configuration', *lines(home.config))
    t.ok(home.password.read_text() == PASSWORD + '\n' and
         mode(home.password) == 0o600 and mode(home.config) == 0o600 and
         mode(home.folder) == 0o700,
         'its password, byte for byte, is for nobody else')
    t.ok(home.files() == sorted(map(str, (home.config, home.password))),
         'nothing else is left', *home.files())



def walk(p, dialogue, to=None):
    """Answers the questions up to that one, which is only seen."""
    for question, answer in dialogue[:to]:
        p.answers(question, answer)
    if to is not None:
        p.sees(dialogue[to][0])


YES = '(yes or no) [yes]: '
PROVIDER = 'Name of your provider in it (? shows all; none: look further): '
SPOOL = 'spool ~/.local/state/sendling/spool'
CRONTAB = ('What is kept is sent by a line in the crontab:\n'
           '  */5 * * * * /usr/local/bin/sendling -oeq -q')
KEEP = ('Keep mails that cannot be sent now, and try again? ' + YES, '')
WRITE = ('Write this to ', '')
# The ways through, question by question; the last begins to write.
TABLE = [('Mail address: ', 'alice@gmail.com'),
         ('(p)assword, or by (o)Auth [p]: ', ''),
         ('User name [alice@gmail.com]: ', ''), ('(not shown): ', 'wrong'),
         ('Which [p]: ', ''), ('(not shown): ', PASSWORD),
         ('take them out? ' + YES, 'no'), KEEP, WRITE]
GUESS = [('Mail address: ', 'alice@guess.example'), (PROVIDER, ''),
         ('Is smtp://smtp.guess.example:587 the server to log in at? ' + YES,
          ''), ('User name [alice@guess.example]: ', 'alice@gmail.com'),
         ('Password (not shown): ', PASSWORD), KEEP, WRITE]
PIN = [('Mail address: ', 'alice@pin.example'), (PROVIDER, ''),
       ('Pin this key? (yes or no) [no]: ', 'yes'),
       ('Is smtps://smtp.pin.example:465 the server to log in at? ' + YES, ''),
       ('User name [alice@pin.example]: ', 'alice@gmail.com'),
       ('Password (not shown): ', PASSWORD), KEEP, WRITE]
ADD = [('Mail address: ', 'alice@gmail.com'),
       ('(a)dd an account to it, (r)eplace it, (q)uit [a]: ', ''),
       ('Name of the new account [gmail.com]: ', 'second')] + TABLE[1:3] + \
    TABLE[5:]
REPLACE = ADD[:1] + [(ADD[1][0], 'r')] + TABLE[1:3] + TABLE[5:8] + [
    ('password is there already.\nReplace it? (yes or no) [no]: ', ''),
    ('Another file for the password', ''), TABLE[-1]]
BYHAND = [('Mail address: ', 'alice@nowhere.example'), (PROVIDER, ''),
          ('Server (its name, or name:port): ', 'smtp.guess.example:587'),
          ('User name [alice@nowhere.example]: ', 'alice@gmail.com'),
          ('Password (not shown): ', PASSWORD), KEEP, WRITE]
SYSTEM = TABLE[:3] + TABLE[5:7] + [
    ('Group (- for root alone) [senders]: ', ''),
    ('Make the group senders? ' + YES, ''),
    ('leave as alice@gmail.com? ' + YES, ''),
    ('Where shall mail to root go (- for nowhere) [alice@gmail.com]: ', ''),
    KEEP, WRITE]
SES = GUESS[:1] + [(PROVIDER, 'ses'), ('eu-west-1: ', '')]
OAUTH = TABLE[:1] + [
    (TABLE[1][0], 'o'), TABLE[2],
    ('Client ID, of your own registration: ', 'x'),
    ('Client secret (Enter: none, or as before): ', 'secret'),
    ('Paste the whole address that it shows then: ', '')]
NO_MAIL = ('Send a mail to ', 'no')
OLD = ('# mine\nsmarthost smtps://old.example\nuser old\n'
       'password old-secret\nfrom old@old.example\n'
       'domain old.example')


@contextlib.contextmanager
def all_servers():
    with serve(2) as gmail, serve(4, implicit=False) as guess, \
            serve(5, 'self-signed') as pinned:
        yield gmail, guess, pinned


def test_names(t, home, shell):
    """A domain that no table and no record knows."""
    with serve(4, implicit=False) as server, home.setup(shell=shell) as p:
        walk(p, GUESS[:2])
        p.sees('Trying smtps://smtp.guess.example:465 ... no: ')
        p.sees('Connection refused')
        p.sees('Trying smtp://smtp.guess.example:587 ... it answers.')
        p.sees('to log in at? ' + YES)
        t.ok('not shown' not in p.shown and not any(
            line.startswith('AUTH') for _, line in server.told),
            'the server is confirmed before a password is typed', p.shown)
        p.types('\n')
        walk(p, GUESS[3:] + [NO_MAIL])
        t.ok(p.wait() == 0, 'status 0', p.shown)
        t.ok(server.took == [], 'no mail goes where none is wanted')
    t.ok('smarthost smtp://smtp.guess.example:587' in lines(home.config) and
         'user alice@gmail.com' in lines(home.config),
         'the configuration', *lines(home.config))


RECORD = [('Mail address: ', 'alice@example.org'), (PROVIDER, ''),
          ('Is smtps://mail.example.org:465 the server to log in at? ' + YES,
           ''), ('User name [alice@example.org]: ', ''),
          ('Password (not shown): ', PASSWORD), KEEP, WRITE]


def test_records(t, home, shell):
    """SRV: _submissions before _submission, and before any name is guessed;
    a target is shown and confirmed before a password is typed."""
    users = {'alice@example.org': PASSWORD}
    with serve(3, users=users) as server, serve(7) as relay, \
            home.setup(shell=shell) as p:
        walk(p, RECORD[:2])
        p.sees('DNS names for example.org (SRV)')
        p.sees('Trying smtps://mail.example.org:465 ... it answers.')
        p.sees(RECORD[2][0])
        t.ok('smtp.example.org' not in p.shown, 'no name is guessed', p.shown)
        t.ok('not shown' not in p.shown and not any(
            line.startswith('AUTH') for _, line in server.told),
            'it is confirmed before a password is typed', p.shown)
        p.types('\n')
        walk(p, RECORD[3:] + [('Send a mail to ', 'yes')])
        t.ok(p.wait() == 0 and len(server.took) == 1, 'the mail came', p.shown)
        t.ok(not any(line.startswith('AUTH') for _, line in relay.told),
             'nobody logs in at the other target')
    t.ok('smarthost smtps://mail.example.org:465' in lines(home.config),
         'the configuration', *lines(home.config))


def test_record_order(t, home):
    """Targets that do not answer are passed over; a domain may name none."""
    with serve(7), home.setup('alice@example.org') as p:
        p.answers(PROVIDER, '')
        p.sees('Trying smtps://mail.example.org:465 ... no: ')
        p.sees('Trying smtp://relay.example:587 ... it answers.')
        p.answers('Is smtp://relay.example:587 the server to log in at? ' +
                  YES, 'no')
        p.sees('Trying smtps://smtp.example.org:465 ... no: ')
        t.ok(True, 'another service, then the names')
    with serve(3), home.setup('alice@only587.example') as p:
        p.answers(PROVIDER, '')
        p.sees('Trying smtp://mail.example.org:587 ... it answers.')
        t.ok(True, '_submission alone is STARTTLS')
    with serve(4, implicit=False), home.setup('alice@none.example') as p:
        p.answers(PROVIDER, '')
        p.sees('the domain offers no submission of mail')
        p.sees('Server (its name, or name:port): ')
        t.ok('Trying smtp' not in p.shown,
             'where a target is a dot no name is guessed', p.shown)


def test_no_tls(t, home):
    """A server without TLS is not offered, by whatever way it is found."""
    table = home.path / 'table'
    table.write_text('provider mine Mine\ndomain plain.example\n'
                     'smarthost smtp+plain://mail.plain.example:587\n')
    with serve(6, None) as server, \
            home.setup('-p', str(table), 'alice@plain.example') as p:
        p.sees('smtp+plain://mail.plain.example:587 has no TLS: it is not')
        p.answers('(q)uit [t]: ', 'o')
        p.sees('Trying smtp://mail.plain.example:587 ... no: ')
        for typed in ('mail.plain.example:587', 'smtp+plain://mail.plain'
                      '.example:587', 'lmtp://mail.plain.example:587'):
            p.answers('Server (its name, or name:port): ', typed)
        p.sees('Server (its name, or name:port): ')
        t.ok(p.shown.count('has no TLS') == 3, 'it is said', p.shown)
        t.ok('assword' not in p.shown, 'no password is asked for', p.shown)
        t.ok(not any(line.startswith('AUTH') for _, line in server.told),
             'and none is sent', *server.told)


def test_pin(t, home, shell):
    """A certificate of one's own machine."""
    with serve(5, 'self-signed') as server, home.setup(shell=shell) as p:
        walk(p, PIN[:2])
        p.sees('The certificate of smtps://smtp.pin.example:465 is not trusted')
        p.sees('names: localhost')
        p.sees('issuer: CN=sendling test self-signed')
        p.sees('pin: tls-pin sha256:')
        p.sees('looks neither at the\nname')
        walk(p, PIN[2:] + [NO_MAIL])
        t.ok(p.wait() == 0, 'status 0', p.shown)
        logins = [tls for tls, line in server.told if line.startswith('AUTH')]
        t.ok(logins == ['TLSv1.3'], 'one login, in TLS', *server.told)
    key = run('sh', '-c', f'openssl x509 -in {RUN}/certs/self-signed.pem '
              '-pubkey -noout | openssl pkey -pubin -outform DER | '
              'openssl dgst -sha256 -binary | base64').strip()
    t.ok(f'tls-pin sha256:{key}' in lines(home.config),
         'the pin is that of the key', key, *lines(home.config))


def test_pin_refused(t, home):
    with serve(5, 'self-signed') as server, home.setup() as p:
        walk(p, PIN[:2])
        p.answers(PIN[2][0], '')
        p.sees('Server (its name, or name:port): ')
        t.ok('User name' not in p.shown and not any(
            line.startswith('AUTH') for _, line in server.told),
            'without a pin there is no login', p.shown)


def test_unverified(t, home):
    """An entry that nobody has verified is tried, and then left."""
    with home.setup('alice@mailbox.org') as p:
        p.sees('Nobody has verified its entry: it is tried before')
        p.sees('Trying smtp://smtp.mailbox.org:587 ... no: ')
        p.sees('Looking for the servers that DNS names for mailbox.org')
        t.ok(True, 'it is tried before it is believed')
    with serve(2, users={'alice@mailbox.org': PASSWORD}), \
            home.setup('alice@mailbox.org') as p:
        p.sees('Nobody has verified its entry: it is tried before')
        p.answers('Is smtps://smtp.mailbox.org:465 the server to log in at? '
                  + YES, '')
        p.sees('User name [alice@mailbox.org]: ')
        t.ok(True, 'it is confirmed when it answers')


def test_own_table(t, home):
    """Tables of the user and of the system come before the installed one."""
    system = pathlib.Path('/etc/sendling/providers')
    system.parent.mkdir(exist_ok=True)
    system.write_text('# the system\nprovider sys Sys\ndomain gmail.com *.sys\n'
                      'smarthost smtps://nothing.invalid\n')
    for address, text, title in (
            ('a@gmail.com', '', 'Sys is in'), ('a@deep.below.SYS', '', 'Sys is'),
            ('a@gmail.com', 'provider me Me\n\tdomain GMail.com\n', 'Me is in'),
            ('a@yahoo.de', '', 'Yahoo Mail is in'),
            ('a@sys', '', 'sys is not in the table'),
            ('a@evilgmail.com', '', 'evilgmail.com is not in the table')):
        home.put(text, 'providers')
        with home.setup(address) as p:
            p.sees(title)
            t.ok(True, f'{address}: {title}')
    home.put('provider me Me\ndomain gmail.com\n', 'providers')
    with home.setup('--system', 'a@gmail.com') as p:
        p.sees('Sys is in')
        t.ok(True, 'with --system no user\'s table is read')
    system.unlink()


def test_choose_provider(t, home):
    """A service that no domain belongs to; what is to be filled in."""
    table = home.path / 'table'
    table.write_text(
        'provider cloud Cloud Mail\nask REGION Region, as in eu-west-1\n'
        'smarthost smtps://%REGION%.guess.example:465\n'
        'smarthost smtp://%REGION%.guess.example:587\n'
        'user is apikey\nlogin key\nunverified login\nsay It takes a key.\n')
    with serve(4, implicit=False, users={'apikey': 'k'}) as server, \
            home.setup('-p', str(table), 'alice@own.example') as p:
        p.answers(PROVIDER, '?')
        p.sees('cloud          Cloud Mail')
        p.sees('sendgrid       SendGrid')
        p.answers(PROVIDER, 'nobody')
        p.sees('nobody is not in it.')
        p.answers(PROVIDER, 'cloud')
        p.sees('What its entry says of the login is not verified.')
        p.sees('It takes a key.')
        p.answers('Region, as in eu-west-1: ', 'smtp')
        p.answers('Password or key (not shown): ', 'k')
        walk(p, [KEEP, WRITE, ('Send a mail to alice@own', 'yes')])
        t.ok(p.wait() == 0 and len(server.took) == 1 and
             server.took[0][1]['user'] == 'apikey', 'the mail came', p.shown)
    t.ok('smarthost smtp://smtp.guess.example:587' in lines(home.config) and
         'user apikey' in lines(home.config), 'the configuration',
         *lines(home.config))


def test_exchangers(t, home):
    """A domain at Google or Microsoft, where a tool asks DNS for its MX."""
    with serve(2), home.setup('alice@workspace.example', shell='busybox') as p:
        p.sees('Mail for workspace.example goes to aspmx.l.google.com.')
        p.answers('Is your provider Gmail and Google Workspace? ' + YES, '')
        p.sees('Trying smtps://smtp.gmail.com:465 ... it answers.')
        t.ok(True, 'Google is known by the MX')
    with serve(2, implicit=False), \
            home.setup('alice@tenant.example', shell='busybox') as p:
        p.answers('Is your provider Microsoft 365? ' + YES, '')
        p.sees('administrator can turn them on again')
        p.sees('Trying smtp://smtp.office365.com:587 ... it answers.')
        p.sees('(p)assword, or by (o)Auth [o]: ')
        t.ok(True, 'Microsoft is known by the MX, and wants OAuth')


def test_add(t, home, shell):
    """An account beside one that is there."""
    home.put(OLD)
    with serve(2), home.setup(shell=shell) as p:
        walk(p, ADD[:1])
        p.sees('There is a configuration already')
        p.sees('  smarthost smtps://old.example')
        walk(p, ADD[1:] + [NO_MAIL])
        t.ok(p.wait() == 0, 'status 0', p.shown)
        t.ok('old-secret' not in p.shown, 'the password is not shown', p.shown)
    added = ('account second\nsmarthost smtps://smtp.gmail.com:465\n'
             f'user alice@gmail.com\npassword-file {home.password}.second\n'
             f'from alice@gmail.com\ndomain gmail.com\n{SPOOL}\n')
    t.ok(home.config.read_text() == 'account default\n' + OLD + '\n\n' + added,
         'what is there stays the account default', home.config.read_text())
    t.ok(mode(home.config) == 0o600, 'and what its mode was')
    home.put('log off\naccount work\nsmarthost smtps://old.example\n')
    home.config.chmod(0o640)
    with serve(2), home.setup('alice@gmail.com', shell=shell) as p:
        p.answers(ADD[1][0], 'a')
        p.answers(ADD[2][0], 'work')
        p.sees('There is an account work already.')
        walk(p, ADD[2:-1])
        p.answers('Replace it? (yes or no) [no]: ', 'yes')
        walk(p, ADD[-1:] + [NO_MAIL])
        t.ok(p.wait() == 0, 'a second time: status 0', p.shown)
    t.ok(home.config.read_text() ==
         'log off\naccount work\nsmarthost smtps://old.example\n\n' + added,
         'beside accounts there is one more', home.config.read_text())
    t.ok(mode(home.config) == 0o640, 'whose file has the mode it had')


def test_typed(t, home):
    """What is typed and is neither an address nor a server."""
    server = 'Server (its name, or name:port): '
    with serve(4, implicit=False), home.setup('alice') as p:
        p.sees('alice has no @: write it like alice@example.org.')
        p.answers('Mail address: ', 'Alice <alice@nowhere.example>')
        p.sees('is no address: write it like alice@example.org.')
        p.answers('Mail address: ', 'alice@m\u00fcller.example')
        p.sees('is not in ASCII: write it as DNS has it, with xn--.')
        p.answers('Mail address: ', 'alice@nowhere.example')
        p.answers(PROVIDER, '')
        for typed, said in (
                ('http://smtp.guess.example', 'http://smtp.guess.example '
                 'begins neither with smtps:// nor with smtp://'),
                ('smtps:/smtp.guess.example', 'begins neither'),
                ('srv://example.org', 'begins neither'),
                ('smtp.guess.example 587', 'A port stands behind a colon'),
                ('smtp.guess.example:abc',
                 'no: smarthost: `smtp://smtp.guess.example:abc\' must end'),
                ('lmtp+unix:/run/lmtp', 'lmtp+unix:/run/lmtp has no TLS')):
            at = len(p.shown)
            p.answers(server, typed)
            p.sees(said)
            p.sees(server)
            p.at -= len(server)
            t.ok('spelled right' not in p.shown[at:] and
                 'sendling-setup.' not in p.shown[at:],
                 f'{typed}: what is said is about that', p.shown[at:])


def test_twice(t, home):
    """Who runs it again for an address would not use what is added."""
    home.put(OLD.replace('old@old.example', 'Alice@Gmail.com'))
    with serve(2), home.setup('alice@gmail.com') as p:
        p.sees('This is for root alone; --system is for the whole machine.')
        p.sees('Mail from alice@gmail.com goes by what is there: an account '
               'that is added would be used with -a alone.')
        p.answers('(q)uit [q]: ', '')
        t.ok(p.wait() == 1 and 'old-secret' not in p.shown, 'it is said',
             p.shown)
    environment = {'HOME': '', 'TMPDIR': str(home.temporary)}
    with home.setup('alice@gmail.com', **environment) as p:
        p.sees('sendling-setup: HOME is not set')
        t.ok(p.wait() == 1 and not list(home.temporary.iterdir()),
             'nor is anything left where there is no HOME', p.shown)


def test_include(t, home):
    """Who knows what is in a file that is included: none is added to."""
    home.put('include other\n')
    with serve(2), home.setup('alice@gmail.com') as p:
        p.answers('\n(r)eplace it, (q)uit [q]: ', '')
        t.ok(p.wait() == 1, 'nothing is the default', p.shown)
    t.ok(home.config.read_text() == 'include other\n', 'it stays as it was')


def test_replace(t, home):
    """A link stays one; no file is replaced without a word."""
    real = home.path / 'dotfiles'
    real.write_text('smarthost smtps://old.example\n')
    home.put('old\n', 'password')
    home.config.symlink_to(real)
    with serve(2), home.setup() as p:
        walk(p, REPLACE + [NO_MAIL])
        t.ok(p.wait() == 0, 'status 0', p.shown)
    t.ok(home.config.is_symlink() and
         'smarthost smtps://smtp.gmail.com:465' in lines(real) and
         f'password-file {home.password}.2' in lines(real),
         'the file behind the link is replaced', *lines(real))
    t.ok(home.password.read_text() == 'old\n' and
         (home.folder / 'password.2').read_text() == PASSWORD + '\n',
         'the password file is not')


def test_show(t, home, shell):
    """-n writes nothing, and the password is nowhere."""
    home.put(OLD)
    before = home.files()
    with serve(2) as server, home.setup('-n', shell=shell) as p:
        walk(p, TABLE[:3] + TABLE[5:8])
        t.ok(p.wait() == 0, 'status 0', p.shown)
        p.sees(f'This would be {home.config}:')
        t.ok(p.shown[p.at:].strip() ==
             'smarthost smtps://smtp.gmail.com:465\nuser alice@gmail.com\n'
             f'password-file {home.password}\nfrom alice@gmail.com\n'
             f'domain gmail.com\n{SPOOL}\n\n' + CRONTAB,
             'the configuration is shown', p.shown)
        t.ok(PASSWORD not in p.shown, 'the password is not')
        t.ok(server.took == [], 'no mail is sent')
    t.ok(home.files() == before and home.config.read_text() == OLD,
         'no file is written', *home.files())


def system_files():
    return [path for path in sorted(pathlib.Path('/etc').glob('sendling*'))
            if path.is_file()] + sorted(
                pathlib.Path('/etc').glob('aliases*'))


def forget_system():
    for path in system_files():
        path.unlink()
    if 'senders:' in pathlib.Path('/etc/group').read_text():
        run('groupdel', 'senders')


def test_system(t, home, shell):
    """A whole machine: a stranger cannot send, a member of the group can."""
    forget_system()
    if shell == 'busybox':  # its addgroup wants what the overlay has not
        run('groupadd', '--system', 'senders')
    dialogue = [step for step in SYSTEM
                if shell != 'busybox' or 'Make the group' not in step[0]]
    aliases = pathlib.Path('/etc/aliases')
    aliases.write_text('# kept\npostmaster: root\nother:\n  a@b.example,\n'
                       '  c@b.example')
    aliases.chmod(0o640)
    with serve(2) as server, home.setup('--system', shell=shell) as p:
        walk(p, dialogue)
        p.answers('Send a mail to alice@gmail.com now?', 'yes')
        t.ok(p.wait() == 0 and len(server.took) == 1, 'the mail came', p.shown)
        password = pathlib.Path('/etc/sendling.password')
        t.ok(mode(password) == 0o640 and password.stat().st_uid == 0 and
             password.group() == 'senders' and
             password.read_text() == PASSWORD + '\n',
             'the password is for root and the group')
        t.ok(mode(pathlib.Path('/etc/sendling.conf')) == 0o644,
             'the configuration for all')
        t.ok('force-from alice@gmail.com' in
             lines(pathlib.Path('/etc/sendling.conf')), 'one sender for all')
        t.ok(aliases.read_text() == '# kept\npostmaster: root\nother:\n'
             '  a@b.example,\n  c@b.example\nroot: alice@gmail.com\n' and
             mode(aliases) == 0o640, 'root has an alias, the others stay',
             aliases.read_text())
        member = password.stat().st_gid
        for group, status, what in ((member, 0, 'a member of the group sends'),
                                    (NOBODY, 75, 'a stranger does not')):
            done = subprocess.run(
                ['/usr/local/bin/sendling', 'bob@example.org'],
                input=b'Subject: x\n\nx\n', user=NOBODY, group=NOBODY,
                extra_groups=[group], env={}, stderr=subprocess.PIPE,
                cwd='/')
            t.ok(done.returncode == status, what, done)
    t.ok([path.name for path in system_files()] ==
         ['sendling.conf', 'sendling.password', 'aliases'],
         'nothing else is left', *system_files())
    t.ok(home.files() == [], 'nor in the home of who ran it', *home.files())


def test_group_declined(t, home):
    """A group that was not to be made is none that may read the password."""
    forget_system()
    with serve(2), home.setup('--system') as p:
        walk(p, TABLE[:3] + TABLE[5:7])
        p.answers('Group (- for root alone) [senders]: ', 'unwanted')
        p.answers('Make the group unwanted? ' + YES, 'no')
        p.answers('Group (- for root alone) [senders]: ', '-')
        p.answers('leave as alice@gmail.com? ' + YES, '')
        p.answers('Where shall mail to root go', 'root@')
        p.sees('`root@\' is no address')
        p.answers('Where shall mail to root go', '')
        walk(p, [KEEP, WRITE, NO_MAIL])
        t.ok(p.wait() == 0 and 'sendling-setup.' not in p.shown,
             'status 0, and no file of the way is named', p.shown)
    password = pathlib.Path('/etc/sendling.password')
    t.ok(mode(password) == 0o600 and password.stat().st_gid == 0 and
         'unwanted' not in pathlib.Path('/etc/group').read_text(),
         'the password is for root alone, and no group was made', p.shown)
    forget_system()


def test_root_alias(t, home):
    """What root's alias is may stay; what it becomes is checked."""
    forget_system()
    aliases = pathlib.Path('/etc/aliases')
    old = 'a: b@c.example\n"Root" : x@old.example,\n\ty@old.example\nz: q@c.d\n'
    aliases.write_text(old)
    dialogue = [step if 'Group' not in step[0] else (step[0], '-')
                for step in SYSTEM if 'Make the group' not in step[0]]
    for answers, left in (
            ([''], old),
            (['|sh', 'new@x.example, n2@x.example'],
             'a: b@c.example\nroot: new@x.example, n2@x.example\nz: q@c.d\n')):
        with serve(2), home.setup('--system') as p:
            walk(p, dialogue[:-3])
            p.sees('  "Root" : x@old.example,\n  \ty@old.example')
            for answer in answers:
                p.answers('Where shall it go (- leaves it so) [-]: ', answer)
            walk(p, dialogue[-2:] + [NO_MAIL])
            t.ok(p.wait() == 0, f'{answers}: status 0', p.shown)
        t.ok(aliases.read_text() == left, f'{answers}: the aliases',
             aliases.read_text())
        for name in ('sendling.conf', 'sendling.password'):
            path = pathlib.Path('/etc', name)
            t.ok(path.stat().st_gid == 0, f'{name}: for root alone')
            path.unlink()
    with Person(['/bin/dash', SCRIPT, '--system'],
                {'PATH': '/usr/bin:/bin', 'HOME': '/'}, user=NOBODY) as p:
        t.ok(p.wait() == 1 and '--system is for root' in p.shown,
             'nobody else may', p.shown)
    forget_system()

def keeps(t, home, server, command, **who):
    """A mail while the server is away is kept, and sent by the command that
    the dialogue named, or that of the unit; from where cron starts it."""
    def run_as(line, text=b''):
        return subprocess.run(
            ['/bin/sh', '-c', line], input=text, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd='/', timeout=harness.WAIT,
            env={'HOME': str(home), 'PATH': '/usr/bin:/bin'}, **who)
    server.close()
    sent = run_as('/usr/local/bin/sendling bob@example.net',
                  b'Subject: later\n\nx\n')
    spool = home / '.local/state/sendling/spool'
    waits = [path.name[0] for path in spool.glob('[!.]*')]
    t.ok(sent.returncode == 0 and waits == ['Q'] and mode(spool) == 0o700,
         'without a server a mail is kept, for nobody else', sent, *waits)
    with serve(2) as server:
        ran = run_as(command.replace('-q', '-qf'))
        t.ok(ran.returncode == 0 and ran.stdout == b'' and
             [envelope['to'] for _, envelope in server.took] ==
             [['bob@example.net']] and not list(spool.glob('[!.]*')),
             '... and sent when it is back: ' + command, ran, *server.took)


def test_spool(t, home, shell):
    """What cannot be sent now is kept, and what is said sends it."""
    with serve(2) as server, home.setup(shell=shell) as p:
        walk(p, TABLE)
        p.sees(f'Written: {home.config}\n{CRONTAB}\n')
        p.answers('Send a mail to ', 'yes')
        t.ok(p.wait() == 0 and len(server.took) == 1, 'status 0', p.shown)
        t.ok(home.files() == sorted(map(str, (home.config, home.password))),
             'the mail at the end kept nothing', *home.files())
        keeps(t, home.path, server, CRONTAB.split('* ')[-1])


def test_no_spool(t, home):
    """Who wants none has none, and a first mail that fails is no kept one."""
    with serve(2) as server, home.setup() as p:
        walk(p, TABLE[:-2] + [(KEEP[0], 'no'), WRITE])
        p.sees('Send a mail to ')
        t.ok('What is kept' not in p.shown, 'nothing is said of it', p.shown)
        p.types('\x04')
        p.wait()
    t.ok('spool' not in home.config.read_text(), 'no line is written',
         *lines(home.config))
    home = Home()
    with serve(2) as server, home.setup() as p:
        walk(p, TABLE)
        p.sees('Send a mail to ')
        server.close()
        p.types('yes\n')
        p.sees('It was not sent. The configuration is written')
        t.ok(p.wait() == 75, 'a first mail that fails has its status', p.shown)
        t.ok(not (home.path / '.local').exists() or not list(
            (home.path / '.local/state/sendling/spool').glob('[!.]*')),
             'and is not kept', *home.files())


@contextlib.contextmanager
def under_systemd():
    """What says that it runs; /run is the test's own."""
    folder = pathlib.Path('/run/systemd/system')
    folder.mkdir(parents=True)
    try:
        yield
    finally:
        shutil.rmtree(folder.parent)


def read_unit():
    unit = pathlib.Path('/usr/local/lib/systemd/user/sendling-flush.service')
    return re.search('^ExecStart=(.*)', unit.read_text(), re.M)[1]


def test_timer(t, home):
    """Where systemd runs and has the unit its timer flushes."""
    turn_on = 'is sent by the timer; turn it on:\n  systemctl '
    timer = 'enable --now sendling-flush.timer\n'
    with under_systemd():
        with serve(2), home.setup() as p:
            walk(p, TABLE)
            p.sees(turn_on + timer)
            walk(p, [NO_MAIL])
            t.ok(p.wait() == 0 and '--user' not in p.shown and
                 '*/5' not in p.shown, 'root has that of the system', p.shown)
        home = Home()
        home.give(NOBODY)
        with serve(2) as server, home.setup(user=NOBODY) as p:
            walk(p, TABLE)
            p.sees(turn_on + '--user ' + timer)
            walk(p, [NO_MAIL])
            t.ok(p.wait() == 0, 'a user has one of his own', p.shown)
            keeps(t, home.path, server, read_unit(), user=NOBODY,
                  group=NOBODY, extra_groups=[])
        forget_system()
        with serve(2), home.setup('-n', '--system', 'alice@gmail.com',
                                  user=NOBODY) as p:
            walk(p, TABLE[1:3] + SYSTEM[3:5] + [
                ('Group (- for root alone) [senders]: ', '-')] + SYSTEM[7:-1])
            p.sees('is sent by the timer of root and of each user who sends; '
                   f'turn it on:\n  systemctl {timer}  systemctl --user {timer}')
            t.ok(p.wait() == 0, 'a machine has both', p.shown)
        run('mount', '-t', 'tmpfs', 'none', '/usr/local/lib/systemd/user')
        with serve(2), home.setup('-n', user=NOBODY) as p:
            walk(p, TABLE[:3] + TABLE[5:8])
            p.sees(CRONTAB)
            t.ok(p.wait() == 0, 'without the unit there is cron', p.shown)
        run('umount', '/usr/local/lib/systemd/user')


def test_spool_of_all(t, home):
    """One line of a machine gives each user a spool of his own; whose HOME
    root has does not matter."""
    forget_system()
    home.give(NOBODY)
    with serve(2) as server, home.setup('--system') as p:
        walk(p, SYSTEM)
        p.sees('a line in the crontab of root and of each user who sends:\n')
        walk(p, [NO_MAIL])
        t.ok(p.wait() == 0, 'status 0', p.shown)
        senders = pathlib.Path('/etc/sendling.password').stat().st_gid
        keeps(t, home.path, server, CRONTAB.split('* ')[-1], user=NOBODY,
              group=NOBODY, extra_groups=[senders])
    forget_system()


def test_present_spool(t, home):
    """An account that is added keeps mails where those that are there do."""
    spool = '\tspool  ~/mine\nspool-lifetime 2d\n'
    account = 'account work\nsmarthost smtps://old.example\n'
    for present, added in (
            (OLD + '\n' + spool, spool),
            (account + spool + 'account b\nsmarthost smtps://b.example\n', spool),
            ('spool off\n' + account, ''),
            (OLD + '\nspool off\n', 'spool off\n')):
        home.put(present)
        with serve(2), home.setup() as p:
            walk(p, ADD[:-3])
            p.answers('take them out? ', 'no')
            walk(p, [WRITE, NO_MAIL])
            t.ok(p.wait() == 0 and 'Keep mails' not in p.shown and
                 'What is kept' not in p.shown, 'nothing is asked', p.shown)
        text = home.config.read_text()
        t.ok(text.endswith(present + '\n' + text[text.index(
            'account second\n'):]) and text.endswith(
                'domain gmail.com\n' + added), f'it has {added!r}', text)
        shutil.rmtree(home.folder)


def test_replaced_spool(t, home):
    """What waits in a folder is not lost sight of."""
    for old, kept in (('  spool ~/mine', '  spool ~/mine'),
                      ('spool off', SPOOL)):
        home.put('smarthost smtps://old.example\n' + old + '\n')
        with serve(2), home.setup('alice@gmail.com') as p:
            walk(p, REPLACE[1:7] + [WRITE, NO_MAIL])
            t.ok(p.wait() == 0, f'{old}: status 0', p.shown)
        t.ok(lines(home.config)[-1] == kept, f'{old}: it keeps in: {kept}',
             *lines(home.config))
        shutil.rmtree(home.folder)


def test_no_folder(t, home):
    """A home in memory, or of another, keeps nothing, and is told."""
    memory = RUN / 'memory'
    memory.mkdir(exist_ok=True)
    with serve(2), home.setup('-n', HOME=str(memory)) as p:
        walk(p, TABLE[:3] + TABLE[5:8])
        p.sees('  spool: /mnt/memory/.local/state/sendling/spool: it is in '
               'memory, and lost when the machine stops\n  hint: ')
        p.sees('Nothing is kept then; sendling-spool(7) has more on this.')
        t.ok(p.wait() == 0 and '\nspool' not in p.shown and
             'What is kept' not in p.shown, 'there is no line then', p.shown)


ROUTES = {'table': (TABLE, ()), 'names': (GUESS, ()), 'pin': (PIN, ()),
          'add': (ADD, ()), 'replace': (REPLACE, ()), 'by hand': (BYHAND, ()),
          'system': (SYSTEM, ('--system',)), 'SES': (SES, ())}
if shutil.which('curl') and shutil.which('jq'):
    ROUTES['OAuth'] = OAUTH, ()


def test_interrupted(t, home, shell):
    """^C at every question, of every way."""
    if 'OAuth' not in ROUTES:
        t.skip('^C at the questions of OAuth', 'curl or jq is missing')
    for route, (dialogue, argv) in ROUTES.items():
        forget_system()
        with all_servers():
            for at, (question, _) in enumerate(dialogue):
                interrupt(t, route, dialogue, argv, at, shell, '\x03', 130)
    for key, status in (('\x04', 1), ('\x1c', 131)):
        with all_servers():
            for at, (question, _) in enumerate(TABLE):
                interrupt(t, 'table', TABLE, (), at, shell, key, status)


def interrupt(t, route, dialogue, argv, at, shell, key, status):
    home = Home()
    if route in ('add', 'replace'):
        home.put(OLD)
        home.put('old\n', 'password')
    before = home.files() + system_files()
    with home.setup(*argv, shell=shell) as p:
        walk(p, dialogue, at)
        p.types(key)
        # Of 100 keys that come between bash's question and its wait for the
        # answer, it loses one; a person presses it again.
        ended = p.wait(key if shell == 'bash' else '')
        t.ok(ended == status and home.files() + system_files() == before and
             p.left_the_terminal_as_it_was() and
             'Nothing was written.' in p.shown,
             f'{key!r} at {route}, "{dialogue[at][0].strip()}": status '
             f'{status}, no file, a sane terminal', ended,
             *home.files(), p.shown)
        t.ok(PASSWORD not in p.shown, '... and no password shown', p.shown)


def test_signals(t, home, shell):
    """Whoever ends it while a password is typed."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT,
                   signal.SIGTERM):
        with serve(2), home.setup(shell=shell) as p:
            walk(p, TABLE, 3)
            p.types('half a pass')
            p.process.send_signal(number)
            t.ok(p.wait() == 128 + number and home.files() == [] and
                 p.left_the_terminal_as_it_was(),
                 f'{number.name}: no file, a sane terminal', p.shown)


def test_silent_server(t, home, shell):
    """^C ends a try that waits for a server."""
    came = threading.Event()

    def say_nothing(server, sock):
        came.set()
        server.hear(sock, b'never')
    with serve(2, None, play=say_nothing), \
            socket.create_server(('127.0.0.2', 465)) as silent, \
            home.setup('alice@gmail.com', shell=shell) as p:
        sock, _ = silent.accept()
        p.sees('Trying smtps://smtp.gmail.com:465 ... ')
        p.types('\x03')
        t.ok(p.wait() == 130 and home.files() == [] and
             p.left_the_terminal_as_it_was(), 'it ends, and leaves nothing',
             p.shown)
        sock.close()


def test_no_login(t, home):
    """A relay that knows its clients."""
    with serve(4, implicit=False, users=()) as server, home.setup() as p:
        walk(p, GUESS[:3])
        p.sees('This server offers no login')
        walk(p, [KEEP, WRITE, ('Send a mail to ', 'yes')])
        t.ok(p.wait() == 0 and len(server.took) == 1, 'the mail came', p.shown)
    t.ok('auth off' in lines(home.config) and home.files() ==
         [str(home.config)], 'there is no password', *lines(home.config))


def test_what_now(t, home):
    """After a refusal nothing is tried that was not asked for."""
    def logins(server):
        return [line for _, line in server.told if line.startswith('AUTH')]
    with serve(2, users={'other': 'right'}) as server, \
            serve(4, implicit=False, users={'x': 'y'}) as second, \
            home.setup('alice@gmail.com') as p:
        walk(p, TABLE[1:4])
        p.sees('refused AUTH PLAIN for the user alice@gmail.com')
        p.sees('server: 535 5.7.8 Authentication failed')
        p.sees('hint: ')
        for answer, count in (('x', 1), ('t', 1), ('u', 2)):
            p.sees('Which [p]: ')
            t.ok(len(logins(server)) == count,
                 f'{count} logins before "{answer}"', *logins(server))
            p.types(answer + '\n')
        p.answers('User name [alice@gmail.com]: ', 'other')
        p.answers('(not shown): ', 'still wrong')
        p.answers('take them out? ' + YES, 'no')
        p.answers('Which [p]: ', 's')
        p.answers('Server (its name, or name:port): ', 'smtp.guess.example')
        p.answers('User name [alice@gmail.com]: ', 'z')
        p.answers('Password (not shown): ', 'y y')
        p.answers('Which [p]: ', 'w')
        walk(p, [KEEP, WRITE])
        p.answers('Send a mail to ', 'yes')
        p.sees('535 5.7.8')
        p.sees('It was not sent. The configuration is written')
        t.ok(p.wait() == 77, 'the status is that of the mail', p.shown)
        t.ok(len(logins(server)) == 3 and len(logins(second)) == 2,
             'each try was wanted', *logins(server), *logins(second))
    t.ok(lines(home.config)[:2] == ['smarthost smtp://smtp.guess.example:587',
                                    'user z'] and
         home.password.read_text() == 'y y\n',
         'what was wanted is written', *lines(home.config))


def microsoft(home, box):
    """A table with a provider whose tokens the box gives."""
    tokens.BROWSER.load_verify_locations(RUN / 'certs/ca.pem')
    home.put(f'test authorization {box.url}/authorize\ntest secret no\n'
             f'test token {box.url}/token\ntest scope {box.scope}\n', 'oauth')
    home.put('provider tenant A tenant\nlogin oauth password\noauth test\n'
             'smarthost smtp://smtp.office365.com:587\n', 'table')
    return str(home.folder / 'table')


def test_token(t, home, shell):
    """OAuth, from nothing: sendling-token is led through, and logs in again
    for each mail."""
    if not shutil.which('curl') or not shutil.which('jq'):
        t.skip('OAuth', 'curl or jq is missing')
        return
    with oauthd.Server(str(RUN / 'certs/good.pem')) as box, \
            serve(2, implicit=False, tokens=box.access_tokens,
                  users={'alice@own.example': ''}) as server, \
            home.setup('-p', microsoft(home, box), 'alice@own.example',
                       shell=shell) as p:
        p.answers(PROVIDER, 'tenant')
        p.sees('It wants OAuth, and takes no password')
        p.answers('(p)assword, or by (o)Auth [o]: ', '')
        p.answers('User name [alice@own.example]: ', '')
        p.answers('Client ID, of your own registration: ', 'public')
        p.sees('/authorize?')
        p.sees('\n')
        page = re.search(r'https://\S+/authorize\?\S+', p.shown)[0]
        p.types(tokens.browse(page) + '\n')
        p.sees('The server accepted the login.')
        walk(p, [KEEP, WRITE, ('Send a mail to ', 'yes')])
        t.ok(p.wait() == 0 and len(server.took) == 1 and
             server.took[0][1]['auth'] == 'XOAUTH2' and
             server.took[0][1]['user'] == 'alice@own.example',
             'the mail came', p.shown)
        t.ok(box.faults == [] and not any(
            token in p.shown for token in box.access_tokens),
            'no token is shown', p.shown, *box.faults)
    t.ok(lines(home.config)[1:4] == [
        'user alice@own.example', 'auth XOAUTH2', 'password-command '
        '/usr/local/bin/sendling-token alice@own.example'],
        'the configuration, which needs no PATH', *lines(home.config))
    t.ok(not home.password.exists(), 'there is no password file')


def test_token_shown(t, home):
    """-n logs nobody in by OAuth: that would write its tokens."""
    with oauthd.Server(str(RUN / 'certs/good.pem')) as box, \
            serve(2, implicit=False, tokens=box.access_tokens,
                  users={'alice@own.example': ''}), \
            home.setup('-n', '-p', microsoft(home, box),
                       "o'neil@own.example") as p:
        p.answers(PROVIDER, 'tenant')
        p.answers('(p)assword, or by (o)Auth [o]: ', '')
        p.answers('User name ', '')
        p.sees('Log in with: sendling-token --login --provider test')
        walk(p, [KEEP])
        t.ok(p.wait() == 0 and home.files() == [
            str(home.folder / name) for name in ('oauth', 'table')] and
            "password-command /usr/local/bin/sendling-token 'o'\\''neil@own"
            ".example'" in p.shown, 'it is shown, for a shell to read',
            p.shown, *home.files())


def test_secret(t, home, shell):
    """No argument, no environment and no trace has the password."""
    if not can_trace():
        return t.skip('the password is nowhere', 'strace cannot be used here')
    trace = RUN / 'trace'
    start, _ = SHELLS[shell]
    canary = 'canary-7c1f'
    dialogue = [(question, canary if 'not shown' in question and
                 answer == PASSWORD else answer)
                for question, answer in TABLE if 'take them' not in question]
    with serve(2, users={'alice@gmail.com': canary}), home.setup(
            shell=shell, secret='exported', SHELLOPTS='xtrace:allexport',
            under=('/usr/bin/strace', '-f', '-qq', '-v', '-s', '100000',
                   '-e', 'signal=none', '-o', str(trace), '-e', 'trace=execve,'
                   'open,openat,chmod,fchmodat,rename,renameat,renameat2'),
            option=('-x', '-a')) as p:
        walk(p, dialogue + [NO_MAIL])
        t.ok(p.wait() == 0, 'status 0', p.shown)
        t.ok(canary not in p.shown, 'a trace of the shell does not show it',
             p.shown)
    calls = trace.read_text(errors='replace').splitlines()
    t.ok(any('--probe' in call for call in calls) and
         not any(canary in call for call in calls),
         'no process has it in its arguments or its environment',
         *(call for call in calls if canary in call))
    made = [call for call in calls
            if f'{home.password}.' in call and 'O_CREAT' in call]
    t.ok(made and all('O_EXCL' in call and ', 0600)' in call
                      for call in made[:1]),
         'its file is made for nobody else', *made)
    t.ok(not any(re.search(r'chmod(at)?\(', call) and ', 0600' not in call and
                 str(home.password) in call for call in calls),
         'and never becomes another\'s', *calls)
    t.ok(home.password.read_text() == canary + '\n', 'and has it')


def test_surroundings(t, home):
    """What it refuses, and what it tells of."""
    done = subprocess.run([SCRIPT, '-h'], stdout=subprocess.PIPE)
    t.ok(done.returncode == 0 and
         done.stdout.startswith(b'usage: sendling-setup'), '-h', done)
    page = (harness.TESTS.parent / 'man/sendling-setup.1').read_text()
    told = set(re.findall(r'(?:^  |, )(--?[a-z-]+)', done.stdout.decode(),
                          re.M)) - {'-h', '--help'}
    named = {'-' + word for line in re.findall(r'^\.It Fl .*', page, re.M)
             for word in re.findall(r'Fl (\S+)', line)}
    t.ok(told == named - {'-h', '--help'} and told,
         'the page has its options', told, named)
    done = subprocess.run([SCRIPT, 'a@b.example'], stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
    t.ok(done.returncode == 1 and b'at a terminal' in done.stderr,
         'without a terminal it asks nothing', done)
    for wrong in (('-z',), ('a@b', 'c@d'), ('-p',)):
        done = subprocess.run([SCRIPT, *wrong], stderr=subprocess.PIPE)
        t.ok(done.returncode == 64 and b'usage:' in done.stderr,
             f'{wrong}: usage', done)
    with serve(2), home.setup('alice@gmail.com', SENDLING_SMARTHOST='x') as p:
        p.sees('SENDLING_SMARTHOST is set: it wins')
        p.sees('Trying smtps://smtp.gmail.com:465 ... it answers.')
        t.ok(True, 'a setting of the environment is told of, and left out')
    with home.setup('alice') as p:
        for wrong in ('@gmail.com', 'a b@gmail.com', 'alice@', 'a@b@c.example',
                      'a@-x.example', 'a@b;c'):
            p.answers('Mail address: ', wrong)
            p.sees('is no address: ')
        p.answers('Mail address: ', 'alice\x1b@gmail.com')
        p.sees('That holds a control character.')
        p.answers('Mail address: ', 'Alice@GMAIL.com')
        p.sees('Gmail and Google Workspace is in the table')
        t.ok(True, 'addresses are asked for until one is right')


def test_others(t, home):
    """Root with folders of somebody else, as su(1) and `sudo -E' leave them."""
    os.chown(home.temporary, 1, 1)
    with home.setup('-n', 'alice@gmail.com') as p:
        p.sees('is in the table of providers')
        t.ok(list(home.temporary.iterdir()) == [],
             'nothing is written to a TMPDIR of theirs')
        p.types('\x03')
        p.wait()
    os.chown(home.path, 1, 1)
    with home.setup('alice@gmail.com') as p:
        p.sees(f"{home.path} is somebody else's")
        t.ok(p.wait() == 1, 'nor is a HOME of theirs taken', p.shown)
    with home.setup('--system', 'alice@gmail.com') as p:
        p.sees('is in the table of providers')
        t.ok(True, 'which --system does not need')
        p.types('\x03')
        p.wait()


def test_pin_in_url(t, home):
    """The PIN of a token is no less a secret than a password."""
    home.put(OLD + '\ntls-certificate pkcs11:token=x?pin-value=12345678\n')
    with home.setup('alice@gmail.com') as p:
        p.sees('(q)uit [a]: ')
        t.ok('12345678' not in p.shown and 'pkcs11:token=x' in p.shown,
             'a PIN is not shown', p.shown)


# Running them

def run_test(t, name, test, **given):
    try:
        test(t, Home(), **given)
    except Exception:  # the tests behind it are run all the same
        t.ok(False, f'{name} died', traceback.format_exc())


class Named:
    """A Tap whose sentences say which test and shell they are of."""

    def __init__(self, tap, name):
        self.tap, self.name = tap, name

    def ok(self, good, sentence, *more):
        return self.tap.ok(good, f'{self.name}: {sentence}', *more)

    def skip(self, sentence, why):
        self.tap.skip(f'{self.name}: {sentence}', why)


def main():
    only = [word for word in sys.argv[1:] if not word.startswith('-')]
    daemons.enter_namespaces(CACHE, PACKAGES)
    lay_out()
    dns = start_dns()
    tap = harness.Tap()
    try:
        for name, test in list(globals().items()):
            if not name.startswith('test_') or only and \
                    not any(word in name for word in only):
                continue
            wants_shell = 'shell' in test.__code__.co_varnames[
                :test.__code__.co_argcount]
            # Sanitizers see the program, to which shells are all the same.
            for shell in SHELLS if wants_shell and not SANITIZED else ('dash',):
                label = name[5:].replace('_', ' ') + (
                    f', {shell}' if wants_shell else '')
                run_test(Named(tap, label), name, test,
                         **({'shell': shell} if wants_shell else {}))
    finally:
        dns.terminate()
        dns.wait()
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
