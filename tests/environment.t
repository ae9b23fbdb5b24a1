#!/usr/bin/python3
"""The program in the surroundings that its callers leave it in: closed and
leaked descriptors, no environment, no user, odd arguments and signals, odd
standard input, full disks, limits; what it prints, and every exit status.

    tests/environment.t [WORD ...]    only the tests whose names hold a WORD
"""

import contextlib
import ctypes
import fcntl
import itertools
import json
import os
import pathlib
import pathlib
import pty
import pwd
import re
import resource
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

import harness
from home import (
    CLONE_NEWNET, HEADER, HANG, LARGE, LIBC, MESSAGE, MS_BIND, MS_RDONLY,
    MS_REC, MS_REMOUNT, NOBODY, SANITIZED, SERVE, SPEAK_UP, Done, Home, become,
    can_mount, check, in_order, mount, private_mounts, run_tests, syslog)
from smtpd import Server

BOB = 'bob@example.org'
STRANGER = 54321  # has no passwd entry
F_SETSIG, F_SETLEASE = 10, 1024
CONFIG_PAGE = harness.TESTS.parent / 'man/sendling.conf.5'
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def arrived(t, box, run, sentence, message=MESSAGE, silent=True):
    """One mail came, whole, and nobody was told a word."""
    box.settle()
    mails = [mail for mail, _ in box.took]
    good = (run.status == 0 and mails == [message] and not box.faults and
            (run.silent() or not silent))
    t.ok(good, sentence, run.words(), f'{len(mails)} mails',
         *(mail[:400] for mail in mails), *box.faults)
    box.clear()


def failed(t, box, run, status, sentence, words=''):
    """It ended with the status and nothing was sent."""
    box.settle()
    t.ok(run.status == status and not box.took and not box.faults and
         words in run.err.decode(errors='replace'),
         f'{sentence}: status {status}', run.words(), box.heard, *box.faults)
    box.clear()


# Who runs it

def etc(home, box, *lines, name='etc', passwd=None):
    """A folder to be mounted over /etc."""
    folder = home.path / name
    folder.mkdir()
    for file in ('group', 'nsswitch.conf', 'hosts'):
        shutil.copy('/etc/' + file, folder)
    (folder / 'passwd').write_text(
        passwd or 'root:x:0:0:root:/root:/bin/sh\n')
    # No name server is asked.
    (folder / 'nsswitch.conf').write_text('passwd: files\nhosts: files\n')
    (folder / 'sendling.conf').write_text(box.config(*lines))
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


def over_etc(folder):
    return lambda: mount(folder, '/etc', flags=MS_BIND)


def test_cron(t, home, box):
    """A container's random uid, with nothing but the system's file."""
    if not can_mount():
        return t.skip('cron', 'no private mount namespace')
    world = etc(home, box, 'domain example.org', 'log off')
    prepare = in_order(private_mounts, over_etc(world),
                       lambda: become(STRANGER))
    text = (b'From: root (Cron Daemon)\nTo: bob\nSubject: Cron <x@y> true\n\n'
            b'done\n')
    run = home.run('-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'bob',
                   name='sendmail', stdin=text, preexec_fn=prepare)
    box.settle()
    mail, envelope = (box.took or [(b'', {'to': 0})])[0]
    t.ok(run.status == 0 and run.silent() and envelope['to'] == [BOB] and
         b'\r\n\r\ndone\r\n' in mail and not box.faults,
         'cron, an empty environment, a uid that nobody knows', run.words(),
         mail)
    box.clear()
    (world / 'sendling.conf').write_text(
        box.config('domain example.org', 'log off').replace(
            'from alice@example.com\n', ''))
    run = home.run(BOB, name='sendmail', preexec_fn=prepare)
    arrived(t, box, run, 'a uid that nobody knows has a reverse-path')
    (world / 'sendling.conf').unlink()
    run = home.run(BOB, name='sendmail', preexec_fn=prepare)
    failed(t, box, run, 78, 'no HOME and no file', '/etc/sendling.conf')


EVIL = {'SENDLING_SMARTHOST': 'smtp+plain://nobody.invalid',
        'SENDLING_FORCE_FROM': 'evil@example.net', 'SENDLING_PASSWD': 'typo',
        'NAME': 'Evil', 'LOGNAME': 'evil', 'USER': 'evil', 'TZ': 'EVIL-9',
        'TMPDIR': '/nonexistent', 'PATH': '/nonexistent'}


def set_id_caller(home, mode, owner, group):
    """A program that runs another one, and does not put its ids right."""
    caller = home.path / 'caller'
    caller.unlink(missing_ok=True)
    shutil.copy('/usr/bin/env', caller)
    os.chown(caller, owner, group)
    caller.chmod(mode)
    return [caller]


def test_set_id_caller(t, home, box, certificate):
    """Ids that differ when the file has no set-id bits: the mail goes, by what
    the system says alone."""
    if not can_mount():
        return t.skip('a set-id caller', 'no private mount namespace')
    if os.statvfs(home.path).f_flag & os.ST_NOSUID or SANITIZED:
        return t.skip('a set-id caller', 'set-id bits have no effect here')
    users = home.path / 'users'
    (users / '.config/sendling').mkdir(parents=True)
    (users / '.config/sendling/config').write_text('nonsense\n')
    world = etc(home, box, 'log off', passwd='root:x:0:0:root:/root:/bin/sh\n'
                f'alice:x:{STRANGER}:{STRANGER}:Alice A:{users}:/bin/sh\n')
    prepare = in_order(private_mounts, over_etc(world),
                       lambda: become(STRANGER))
    # The last has nothing in front of what the kernel tells.
    environments = ({**EVIL, 'HOME': str(users),
                     'XDG_CONFIG_HOME': str(users / '.config')}, {})
    no_from = MESSAGE.replace(b'From: alice@example.com\r\n', b'').replace(
        b'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n', b'')
    for (mode, owner, group), given in itertools.product(
            ((0o2755, 0, 12345), (0o4755, 12345, 0), (0o4755, 0, 0),
             (0o6755, 12345, 12345)), environments):
        under = set_id_caller(home, mode, owner, group)

        def run(*argv, under=under, given=given, **more):
            return home.run(*argv, under=under, environment=given,
                            preexec_fn=prepare, **more)
        for name in ('sendling', 'sendmail'):
            done = run(BOB, name=name, stdin=no_from)
            box.settle()
            mails = b''.join(mail for mail, _ in box.took)
            t.ok(done.status == 0 and done.silent() and len(box.took) == 1 and
                 b'From: Alice A <alice@example.com>\r\n' in mails and
                 b' +0000\r\n' in mails and not box.faults,
                 f'a caller of mode {mode:o} {owner}:{group}, {len(given)} '
                 f'variables, {name}: it goes by what the system says',
                 done.words(), mails)
            box.clear()
            # No mail that is larger than memory fails for TMPDIR.
            arrived(t, box, run(BOB, name=name, stdin=LARGE),
                    'and a large one', LARGE)
        for argv in (('-C', users / '.config/sendling/config'),
                     ('--config=/etc/sendling.conf',), ('--check',),
                     ('--set', 'domain=x.example'), ('-D', '/tmp/x')):
            failed(t, box, run(*argv, BOB), 64, f'{argv[0]} under it',
                   'set-id program')
        said = home.path / 'said'
        arrived(t, box, run('-X', said, BOB), '-X under it')
        t.ok(not said.exists(), '-X under it is ignored')
    done = run('-bs', stdin=SERVE)
    box.settle()
    t.ok(done.status == 0 and len(box.took) == 1 and b'\n250 2.0.0' in done.out,
         '-bs under it', done.words())
    box.clear()
    # What the system's configuration runs gets nothing of the environment.
    secure = Server(certificate, users=[('alice', 'secret')])
    trust = home.file('trust', pathlib.Path(certificate).with_name(
        'ca.pem').read_bytes(), mode=0o644)
    (world / 'sendling.conf').write_text(secure.config(
        'log off', 'password-command export -p >&2; echo secret').replace(
            f'tls-trust {secure.trust}', f'tls-trust {trust}'))
    done = run(BOB)
    secure.settle()
    names = set(re.findall(rb'export (\w+)', done.err)) - {
        b'PWD', b'OLDPWD', b'SHLVL', b'_'}
    t.ok(done.status == 0 and len(secure.took) == 1 and names == {b'PATH'} and
         b'nonexistent' not in done.err, 'password-command has a PATH of ours',
         done.words())
    # The folder of credentials is named by the environment.
    credential = home.file('credential', 'secret', owner=STRANGER)
    (world / 'sendling.conf').write_text(secure.config(
        'log off', f'password-credential {credential.name}').replace(
            f'tls-trust {secure.trust}', f'tls-trust {trust}'))
    secure.clear()
    done = home.run(BOB, under=under, preexec_fn=prepare, environment={
        'CREDENTIALS_DIRECTORY': str(home.path)})
    secure.settle()
    t.ok(done.status == 78 and secure.count == 0 and
         b'$CREDENTIALS_DIRECTORY is not set' in done.err,
         'password-credential is none under it', done.words())
    done = home.run(BOB, preexec_fn=prepare, environment={
        'CREDENTIALS_DIRECTORY': str(home.path),
        'XDG_CONFIG_HOME': '/nonexistent'})
    secure.settle()
    t.ok(done.status == 0 and len(secure.took) == 1,
         '... which it is without it', done.words())
    for sentence, prepare in (
            ('', prepare),
            (', no /proc', in_order(
                private_mounts, over_etc(world),
                lambda: mount(users, '/proc', flags=MS_BIND),
                lambda: become(STRANGER)))):
        (world / 'sendling.conf').write_text(box.config('log off'))
        arrived(t, box, run(BOB), f'a set-id caller{sentence}')
        home.program.chmod(0o2755)
        failed(t, box, run(BOB), 78, f'bits of our own{sentence}', 'set-id')
        home.program.chmod(0o755)


def log_in(name):
    entry = pwd.getpwnam(name)
    os.initgroups(name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def recipe(path):
    """The commands by which sendling.conf(5) shares /etc/sendling.conf, for
    another file: run where /etc is the test's own."""
    commands = re.search(r'^groupadd.*?(?=^\.Ed)', CONFIG_PAGE.read_text(),
                         re.M | re.S)[0]
    return commands.replace('/etc/sendling.conf', path)


def test_sharing(t, home):
    """Several users share a password, as the manual tells them to."""
    if not can_mount():
        return t.skip('sharing', 'no private mount namespace')
    box = Server(users=[('alice', 'secret')])
    world = etc(home, box, 'log off', 'password secret', passwd=''.join(
        f'{name}:x:{number}:{number}::/nonexistent:/bin/sh\n'
        for name, number in (('root', 0), ('alice', 5001), ('bob', 5002),
                             ('nobody', NOBODY))))
    shutil.copy('/etc/login.defs', world)
    mounted = in_order(private_mounts, over_etc(world))

    def run(name, *argv):
        return home.run('-i', *argv, BOB, preexec_fn=in_order(
            mounted, lambda: log_in(name)))

    def refused(name, path, words, hint):
        done = run(name)
        failed(t, box, done, 78, f'{name}, {words}', f'{path}: {words}')
        told = done.err.decode().split('  hint: ')[-1]
        t.ok(re.match(hint, told) and 'chmod 600' not in told,
             f'{name} is told how to share it', told)

    for path, lines in (
            ('/etc/sendling.conf', ('password secret',)),
            ('/etc/sendling.password',
             ('password-file /etc/sendling.password',))):
        (world / 'sendling.conf').write_text(box.config('log off', *lines))
        file = world / pathlib.Path(path).name
        if not file.exists():
            file.write_text('secret\n')
        share = (f'to share it with a group, as root: chown root:GROUP {path};'
                 f' chmod 640 {path}; usermod -aG GROUP ')
        file.chmod(0o600)
        refused('alice', path, 'user alice may not read it (owner root, group '
                'root, mode 0600)', share + 'alice\n')
        file.chmod(0o644)
        refused('alice', path, 'it holds a secret and everybody may read it',
                share + 'USER\n')
        done = subprocess.run(['sh', '-ec', recipe(path)], preexec_fn=mounted,
                              capture_output=True, text=True)
        t.ok(done.returncode == 0, 'the recipe of sendling.conf(5)',
             done.stderr)
        for name in ('root', 'alice'):
            arrived(t, box, run(name), f'{path} is shared: {name} sends')
        for name in ('bob', 'nobody'):
            refused(name, path, f'user {name} may not read it (owner root, '
                    'group senders, mode 0640)',
                    f'as root: usermod -aG senders {name}; ')
        subprocess.run(['groupdel', 'senders'], preexec_fn=mounted,
                       check=True)
        file.chmod(0o644)


def test_own_file(t, home, box):
    """Nobody is told to share what is only closed to its owner."""
    if os.geteuid() != 0:
        return t.skip('a file of mode 000', 'not root')
    locked = home.file('locked', 'secret\n', 0o000, STRANGER)
    config = home.config(box.config('user alice', f'password-file {locked}'),
                         mode=0o644)
    run = home.run(BOB, config=config, preexec_fn=lambda: become(STRANGER))
    failed(t, box, run, 78, 'a file of mode 000',
           f'  hint: chmod u+r {locked}\n')


def test_container_secrets(t, home):
    """Docker and podman give root's files of mode 0444."""
    if not can_mount():
        return t.skip('secrets', 'no private mount namespace')
    box = Server(users=[('alice', 'secret')])
    secret = home.file('secret', 'secret\n', 0o444)

    def prepare(mode, user):
        def act():
            private_mounts()
            mount('none', '/run', 'tmpfs')
            os.mkdir('/run/secrets', 0o755)
            shutil.copy(secret, '/run/secrets/mail')
            os.chmod('/run/secrets/mail', mode)
            become(user)
        return act

    config = home.config(
        box.config('password-file /run/secrets/mail'), mode=0o644)
    for user in (0, STRANGER):
        run = home.run(BOB, config=config, preexec_fn=prepare(0o444, user))
        arrived(t, box, run, f'/run/secrets, mode 0444, user {user}')
        run = home.run('--check', config=config,
                       preexec_fn=prepare(0o444, user))
        t.ok(run.status == 0 and run.out.startswith(
             b'remark: %s:5: /run/secrets/mail: everybody may read it (mode '
             b'0444)' % bytes(config)), '--check remarks on it', run.words())
        run = home.run(BOB, config=config, preexec_fn=prepare(0o464, user))
        failed(t, box, run, 78, 'one that a group may write',
               'others may write to it')
    run = home.run('--check', config=config, preexec_fn=prepare(0o400, 0))
    t.ok(run.status == 0 and b'remark' not in run.out,
         'none where it is root\'s alone', run.words())
    run = home.run('--check', config=config,
                   preexec_fn=prepare(0o400, STRANGER))
    t.ok(run.status == 78 and
         b'password-file: /run/secrets/mail: user 54321 may not read it' in
         run.out, '--check finds one that cannot be read', run.words())
    config = home.config(box.config(f'password-file {secret}'), mode=0o644)
    run = home.run(BOB, config=config, preexec_fn=lambda: become(STRANGER))
    failed(t, box, run, 78, 'mode 0444 elsewhere', 'everybody may read it')
    config = home.config('include /run/secrets/mail\nlog off\n', mode=0o644)
    secret = home.file('secret', box.config('password secret'), 0o444)
    run = home.run(BOB, config=config, preexec_fn=prepare(0o444, STRANGER))
    arrived(t, box, run, 'a configuration with a password in /run/secrets')
    run = home.run('--check', config=config,
                   preexec_fn=prepare(0o444, STRANGER))
    t.ok(run.status == 0 and run.out.startswith(
         b'remark: /run/secrets/mail: everybody may read it (mode 0444)'),
         '--check remarks on it', run.words())


def test_odd_logins(t, home, box):
    """--check remarks on what is a part of user and password all the same."""
    odd = home.file('odd', '"secret"\nmore')
    marked = home.file('marked', '\ufeffsecret\n')
    for lines, remark in (
            (['user alice # of sales', 'password secret'],
             "CONFIG:4: `user': ` #' begins no comment, it is part of it"),
            (['user alice', 'password "secret"'],
             'CONFIG:5: the password: the quotes around it are part of it'),
            (['user alice', 'password secret '],
             'CONFIG:5: the password: the blanks at its ends are part of it'),
            (['user alice', 'password secret # of mine'],
             "CONFIG:5: the password: ` #' begins no comment, it is part of "
             'it'),
            (['user alice', 'password abcd efgh ijkl mnop'],
             'CONFIG:5: the password: the blanks in it are part of it, and an '
             'application password is written as one word'),
            (['user alice', 'password correct horse battery'], None),
            (['user alice', 'password = secret'],
             'CONFIG:5: the password: the sign in front of it is part of it'),
            (['user alice', f'password-file {odd}'],
             f'CONFIG:5: {odd}: the password: the quotes around it are part '
             'of it'),
            (['user alice', f'password-file {marked}'],
             f'CONFIG:5: {marked}: the password: the byte order mark in front '
             'of it is part of it'),
            (['user alice', "password-command echo '\"a\"'"], None),
            (['user alice', 'password secret'], None)):
        config = home.config(box.config(*lines))
        run = home.run('--check', config=config)
        told = '' if remark is None else \
            f'remark: {remark}\n'.replace('CONFIG', str(config))
        t.ok(run.status == 0 and run.out.decode() ==
             told + 'no faults; accounts: 1\n',
             f'{lines}: --check says so', run.words())


def test_what_fails_some_mails(t, home, box):
    """--check remarks on what an account may do without until a mail comes
    that needs it."""
    where = f'smarthost {box.url("smtps" if box.context else "smtp+plain")}\n'
    sender = 'without `domain\' or a whole `from\' a mail whose caller names ' \
        'no whole sender is refused\n  hint: write: from you@example.org\n'
    asked = 'remark: CONFIG:2: without `password-file\' or ' \
        '`password-command\' the password is asked for, at a terminal only\n'
    for lines, told in (
            ('', 'remark: ' + sender),
            ('from alice\n', 'remark: CONFIG:2: ' + sender),
            ('from alice@example.com\n', ''),
            ('force-from alice@example.com\n', ''),
            ('domain example.com\n', ''),
            ('domain example.com\nfrom alice\n', ''),
            ('from-header yes\n', 'remark: ' + sender),
            ('user alice\n', asked + 'remark: ' + sender),
            ('user alice\nauth off\nfrom a@example.com\n', ''),
            ('user alice\npassword secret\nfrom a@example.com\n', '')):
        config = home.config(where + lines)
        run = home.run('--check', config=config)
        t.ok(run.status == 0 and run.out.decode() ==
             told.replace('CONFIG', str(config)) + 'no faults; accounts: 1\n',
             f'{lines.split()}: --check says so', run.words())


def test_nothing_in_the_environment(t, home, box):
    config = home.config(box.config())
    arrived(t, box, home.run(BOB, config=config),
            'no variable in the environment')
    for value in ('', 'relative', '/' + 'x' * 100000, '/a\nb', '\x1b[2J'):
        values = {name: value for name in
                  ('HOME', 'XDG_CONFIG_HOME', 'TMPDIR', 'NAME', 'LOGNAME',
                   'USER', 'TZ', 'LANG', 'CREDENTIALS_DIRECTORY')}
        run = home.run(BOB, config=config, environment=values)
        arrived(t, box, run, f'variables of {value[:12]!r}', silent=True)
    run = home.run(BOB, name='sendmail',
                   environment={'SENDLING_SMARTHOST':
                                f'smtp+plain://127.0.0.1:{box.ports["smtp"]}',
                                'SENDLING_LOG': 'off', 'SENDLING_FROM':
                                'alice@example.com', 'HOME': '/nowhere'})
    arrived(t, box, run, 'the configuration in the environment alone')


def test_hidden_home(t, home, box):
    """A daemon that root started, with root's HOME still in its
    environment."""
    if not can_mount():
        return t.skip('a hidden HOME', 'no private mount namespace')
    world = etc(home, box, 'log off')
    prepare = in_order(private_mounts, over_etc(world),
                       lambda: become(STRANGER))
    folder = home.path / 'root/.config/sendling'
    folder.mkdir(parents=True)
    (folder / 'config').write_text('smarthost smtps://nobody.invalid\n')
    closed = home.path / 'root'
    for sentence, variables in (
            ('HOME', {'HOME': str(closed)}),
            ('XDG_CONFIG_HOME', {'XDG_CONFIG_HOME': f'{closed}/.config'})):
        closed.chmod(0o700)
        run = home.run(BOB, environment=variables, preexec_fn=prepare)
        arrived(t, box, run, f'{sentence} that we may not search: the '
                'system\'s file is read')
        (closed / '.config').chmod(0o700)
        closed.chmod(0o755)
        run = home.run(BOB, environment=variables, preexec_fn=prepare)
        arrived(t, box, run, f'{sentence}, a folder below it')
        (closed / '.config').chmod(0o755)
    (folder / 'config').chmod(0o600)
    run = home.run(BOB, environment=variables, preexec_fn=prepare)
    failed(t, box, run, 78, 'a file that is there and may not be read',
           f'{folder}/config: user {STRANGER} may not read it')
    closed.chmod(0o700)
    run = home.run('-C', folder / 'config', BOB, preexec_fn=prepare)
    failed(t, box, run, 78, 'the same with -C', 'may not search the folders')
    (world / 'sendling.conf').unlink()
    run = home.run(BOB, environment=variables, preexec_fn=prepare)
    failed(t, box, run, 78, 'neither', f'tried {folder}/config (Permission '
           'denied), /etc/sendling.conf)')


def test_own_home(t, home, box):
    """cron in a container hands the HOME of root to the jobs of users."""
    if not can_mount():
        return t.skip("root's HOME", 'no private mount namespace')
    own, closed = home.path / 'own', home.path / 'closed'
    for path in (own, own / '.config', own / '.config/sendling', closed):
        path.mkdir(mode=0o700)
    config = own / '.config/sendling/config'
    config.write_text(box.config('log off'))
    for path in (own, own / '.config', own / '.config/sendling', config):
        os.chown(path, STRANGER, STRANGER)
    world = etc(home, box, 'nonsense', name='etc-home', passwd=(
        'root:x:0:0:root:/root:/bin/sh\n'
        f'carol:x:{STRANGER}:{STRANGER}:Carol:{own}:/bin/sh\n'))
    prepare = in_order(private_mounts, over_etc(world),
                       lambda: become(STRANGER))
    roots = {'HOME': str(closed)}
    run = home.run(BOB, environment=roots, preexec_fn=prepare)
    arrived(t, box, run, "the HOME of root: the user's own file is read")
    config.write_text('smarthost smtp+plain://127.0.0.1:9\nlog off\n'
                      'from alice@example.com\nspool ~/spool\n'
                      'spool-volatile yes\n')
    run = home.run(BOB, environment=roots, preexec_fn=prepare)
    t.ok(run.status == 0 and len(list((own / 'spool').glob('Q*'))) == 1,
         "... and the user's own spool keeps the mail", run.words())


# As Kubernetes sets them for a service called sendling.
SERVICE = {
    'SENDLING_SERVICE_HOST': '10.0.0.1', 'SENDLING_SERVICE_PORT': '25',
    'SENDLING_SERVICE_PORT_SMTP': '25', 'SENDLING_PORT': 'tcp://10.0.0.1:25',
    'SENDLING_PORT_25_TCP': 'tcp://10.0.0.1:25',
    'SENDLING_PORT_25_TCP_PROTO': 'tcp', 'SENDLING_PORT_25_TCP_PORT': '25',
    'SENDLING_PORT_25_TCP_ADDR': '10.0.0.1'}


def test_variables_of_others(t, home, box):
    config = home.config(box.config())
    run = home.run(BOB, config=config, environment=SERVICE)
    arrived(t, box, run, 'the variables of a service called sendling')
    empty = {f'SENDLING_{name}': value for name, value in (
        ('SMARTHOST', ''), ('USER', ''), ('PASSWORD', ''), ('TIMEOUT', ' '),
        ('ACCOUNT', ''), ('SMARTHOTS', ''))}
    run = home.run(BOB, config=config, environment=empty)
    arrived(t, box, run, 'empty variables are not set')
    for name, words in (('SMARTHOTS', "did you mean `smarthost'?"),
                        ('PASSWD', 'did you mean `password'),
                        ('PASSWORD', 'stands only in a configuration file')):
        run = home.run(BOB, config=config,
                       environment={'SENDLING_' + name: 'x'})
        failed(t, box, run, 78, f'SENDLING_{name}', words)


# Descriptors

def closing(*descriptors):
    def close():
        for fd in descriptors:
            os.close(fd)
    return close


def test_closed_descriptors(t, home, box):
    """What is told, here the whole dialogue, must not go to the server."""
    config = home.config(box.config())
    home.run(BOB, config=config)
    box.settle()
    usual = bytes(box.heard)
    box.clear()
    for closed in itertools.chain.from_iterable(
            itertools.combinations((0, 1, 2), n) for n in range(4)):
        run = home.run('-v', '-f', 'alice@example.com', BOB, config=config,
                       stdin=MESSAGE if 0 not in closed else
                       subprocess.DEVNULL, preexec_fn=closing(*closed))
        box.settle()
        mails = [mail for mail, _ in box.took]
        sentence = f'descriptors {closed or "none"} closed'
        if 0 in closed:
            t.ok(run.status == 74 and box.count == 0 and not run.out and
                 (b'standard input' in run.err) == (2 not in closed),
                 f'{sentence}: a read error, nothing is sent', run.words())
            continue
        t.ok(run.status == 0 and mails == [MESSAGE] and not box.faults and
             box.heard == usual,
             f'{sentence}: the mail arrives', run.words(), box.heard,
             *box.faults)
        box.clear()
        t.ok(bool(run.err) == (2 not in closed) and not run.out,
             f'{sentence}: stderr has the dialogue where it is open',
             run.words())
    box.refusals = {BOB: '550 5.1.1 No such user'}
    for closed in ((2,), (1, 2)):
        run = home.run('-v', BOB, config=config, preexec_fn=closing(*closed))
        failed(t, box, run, 67, f'descriptors {closed} closed, refused')
    box.refusals = {}


def test_closed_without_dev(t, home, box):
    if not can_mount():
        return t.skip('no /dev', 'no private mount namespace')
    config = home.config(box.config())
    folder = home.path / 'nodev'
    folder.mkdir()
    run = home.run('-v', BOB, config=config, preexec_fn=in_order(
        private_mounts, lambda: mount(folder, '/dev', flags=MS_BIND),
        closing(1, 2)))
    arrived(t, box, run, 'descriptors 1 and 2 closed, and no /dev/null')
    run = home.run(BOB, config=config, stdin=subprocess.DEVNULL,
                   preexec_fn=in_order(
                       private_mounts,
                       lambda: mount(folder, '/dev', flags=MS_BIND),
                       closing(0)))
    failed(t, box, run, 74, 'descriptor 0 closed, and no /dev/null')


LIST = ("/usr/bin/python3 -ISc 'import os\n"
        'for fd in range(600):\n'
        ' try: print(fd, os.fstat(fd).st_mode, file=open("{0}", "a"))\n'
        " except OSError: pass'; echo secret")


def test_leaked_descriptors(t, home, certificate):
    """What our caller left open is not passed on to password-command."""
    box = Server(certificate, users=[('alice', 'secret')])
    cases = [('as they are', {}),
             ('1 and 2 closed', {'preexec_fn': closing(1, 2)})]
    if can_mount() and not SANITIZED:  # which look into /proc
        empty = home.path / 'empty'
        empty.mkdir()
        cases.append(('beyond the limit, no /proc', {'preexec_fn': in_order(
            limit(resource.RLIMIT_NOFILE, 64), private_mounts,
            lambda: mount(empty, '/proc', flags=MS_BIND))}))
    for case, more in cases:
        listed = home.path / 'listed'
        listed.unlink(missing_ok=True)
        script = home.file('list', LIST.format(listed).replace("'; echo",
                                                               "'\necho"))
        config = home.config(box.config(f'password-command sh {script}'))
        with contextlib.ExitStack() as files:
            leaked = [files.enter_context(open('/etc/passwd')).fileno()
                      for _ in range(20)]
            leaked.append(files.enter_context(socket.socket()).fileno())
            leaked.append(fcntl.fcntl(leaked[0], fcntl.F_DUPFD, 500))
            files.callback(os.close, leaked[-1])
            run = home.run('-X', home.path / 'transcript', BOB, config=config,
                           pass_fds=leaked, **more)
        box.settle()
        seen = [line.split() for line in listed.read_text().splitlines()]
        good = [int(fd) for fd, _ in seen] == [0, 1, 2] and \
            stat.S_ISCHR(int(seen[0][1])) and stat.S_ISFIFO(int(seen[1][1]))
        t.ok(run.status == 0 and len(box.took) == 1 and good,
             f'descriptors {case}: password-command has 0 to 2 only',
             run.words(), seen)
        box.clear()


def test_working_directory(t, home, box):
    config = home.config(box.config())
    home_fd = os.open('/', os.O_RDONLY)
    deep = home.path / 'deep'
    deep.mkdir()
    try:
        os.chdir(deep)
        for _ in range(22):
            os.mkdir('d' * 200)
            os.chdir('d' * 200)
        run = home.run(BOB, config=config, cwd=None, stdin=LARGE)
        arrived(t, box, run, 'a working directory of 4 KiB', LARGE)
        gone = home.path / 'gone'
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()
        run = home.run(BOB, config=config, cwd=None, stdin=LARGE)
        arrived(t, box, run, 'a working directory that is gone', LARGE)
        run = home.run('-C', 'config', BOB, cwd=None)
        failed(t, box, run, 66, 'a relative path there')
    finally:
        os.fchdir(home_fd)
        os.close(home_fd)


# Arguments

def test_many_arguments(t, home, box):
    config = home.config(box.config())
    names = ['%05d%s@example.org' % (n, 'x' * 43) for n in range(30000)]

    def more_stack():
        resource.setrlimit(resource.RLIMIT_STACK, (64 << 20, 64 << 20))
    lists = [','.join(names[n:n + 1000]) for n in range(0, 30000, 1000)]
    run = home.run('-bv', *names, config=config, preexec_fn=more_stack)
    t.ok(run.status == 0 and run.out.count(b'\nto: <') == 30000,
         '2 MB of arguments are read', Done(run.status, b'', run.err).words())
    run = home.run(*lists[:2], *['-p' + 'x' * 100000] * 15, *['-i'] * 10000,
                   config=config, preexec_fn=more_stack)
    box.settle()
    t.ok(run.status == 0 and run.silent() and
         [e['to'] for _, e in box.took] == [names[:2000]],
         '2 MB of arguments, 2000 recipients, 10,000 options: it arrives',
         run.words())
    box.clear()
    run = home.run('-F', '', '-f', '', BOB, config=config)
    box.settle()
    t.ok(run.status == 0 and [e['from'] for _, e in box.took] == [''],
         "-F '' -f ''", run.words())
    box.clear()


def exec_bare(path, environment):
    """execve(2) without a single argument, for preexec_fn."""
    variables = [f'{k}={v}'.encode() for k, v in environment.items()]
    block = (ctypes.c_char_p * (len(variables) + 1))(*variables, None)
    none = (ctypes.c_char_p * 1)(None)
    LIBC.execve(os.fsencode(path), none, block)


def test_no_arguments(t, home, box):
    settings = {'SENDLING_SMARTHOST':
                f'smtp+plain://127.0.0.1:{box.ports["smtp"]}',
                'SENDLING_LOG': 'off', 'SENDLING_FROM': 'alice@example.com'}
    run = home.run(stdin=LARGE, preexec_fn=lambda: exec_bare(
        home.path / 'sendling', {**SPEAK_UP, **settings}))
    failed(t, box, run, 64, 'argc 0', 'recipient')
    for zeroth in ('', '/', 'sendmail/', '-sendmail', 'x' * 100000,
                   '\x1b[2J\n'):
        run = home.run(BOB, zeroth=zeroth, environment=settings)
        arrived(t, box, run, f'argv[0] is {zeroth[:12]!r}')


def test_names(t, home, box):
    settings = {'SENDLING_SMARTHOST':
                f'smtp+plain://127.0.0.1:{box.ports["smtp"]}',
                'SENDLING_LOG': 'off', 'SENDLING_FROM': 'alice@example.com'}
    for name in ('sendling', 'sendmail', 'send-mail'):
        run = home.run('-t', name=name, environment=settings)
        arrived(t, box, run, f'{name} -t')
        run = home.run('-t', '-oi', name=name, zeroth='/usr/sbin/' + name,
                       environment=settings)
        arrived(t, box, run, f'/usr/sbin/{name} -t -oi')
    run = home.run(name='mailq', environment=settings)
    t.ok(run.status == 0 and run.out == b'Mail queue is empty\n' and
         run.err == b'' and box.count == 0, 'mailq', run.words())
    run = home.run(name='newaliases', environment=settings)
    t.ok(run.status == 0 and run.silent() and box.count == 0, 'newaliases',
         run.words())
    for name in ('sendmail', 'send-mail', 'mailq', 'newaliases'):
        run = home.run('--version', name=name, environment=settings)
        failed(t, box, run, 64, f'{name} --version')


# Signals, limits

def odd_signals():
    every = signal.valid_signals()
    for number in every - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, every)


def test_signals(t, home, box, certificate):
    run = home.run(BOB, config=home.config(box.config()), stdin=LARGE,
                   preexec_fn=odd_signals)
    arrived(t, box, run, 'every signal blocked and ignored', LARGE)
    server = Server(play=lambda server, sock: server.hear(sock, b'QUIT'))
    process = home.start(
        BOB, config=home.config(server.config()), stdin=subprocess.DEVNULL,
        preexec_fn=lambda: signal.pthread_sigmask(
            signal.SIG_BLOCK, signal.valid_signals()))
    while server.count == 0 and process.poll() is None:
        time.sleep(0.01)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(HANG)
    t.ok(process.returncode == -signal.SIGTERM,
         'signals that were blocked: SIGTERM ends it', process.returncode)
    process.kill()
    process.wait()
    server.close()
    secure = Server(certificate, users=[('alice', 'secret')])
    config = home.config(secure.config(
        'password-command kill -0 $$; (sleep 0); echo secret'))
    run = home.run(BOB, config=config, preexec_fn=odd_signals)
    arrived(t, secure, run, 'every signal blocked and ignored, with a '
            'password-command')
    config = home.config(secure.config(
        'password-command echo secret; kill -TERM $$'))
    run = home.run(BOB, config=config, preexec_fn=odd_signals)
    failed(t, secure, run, 78, 'a signal ends the password-command',
           'signal 15')


def test_umask(t, home, box):
    config = home.config(box.config(f'log {home.path}/log'))
    run = home.run('-X', home.path / 'x', BOB, config=config, stdin=LARGE,
                   preexec_fn=lambda: os.umask(0o177))
    arrived(t, box, run, 'umask 0177', LARGE)
    for name in ('x', 'log'):
        path = home.path / name
        t.ok(path.stat().st_mode & 0o7777 == 0o600 and path.stat().st_size > 0,
             f'umask 0177: the {name} is there, 0600', path.stat())
        path.unlink()
    run = home.run('-X', home.path / 'x', BOB, config=config,
                   preexec_fn=lambda: os.umask(0))
    arrived(t, box, run, 'umask 0')
    for name in ('x', 'log'):
        t.ok((home.path / name).stat().st_mode & 0o7777 == 0o600,
             f'umask 0: the {name} is 0600')


def limit(what, most):
    return lambda: resource.setrlimit(what, (most, most))


def test_limits(t, home, box):
    config = home.config(box.config(f'log {home.path}/limited'))
    for name, most in (('FSIZE', 0), ('FSIZE', 4096), ('NPROC', 0),
                       ('CORE', 0), ('STACK', 256 << 10), ('NOFILE', 16),
                       ('MEMLOCK', 0), ('SIGPENDING', 0)):
        run = home.run(BOB, config=config, stdin=LARGE, preexec_fn=limit(
            getattr(resource, 'RLIMIT_' + name, None) or 11, most))
        arrived(t, box, run, f'RLIMIT_{name} {most}', LARGE)
    run = home.run(BOB, config=config, preexec_fn=limit(
        resource.RLIMIT_NOFILE, 4))
    box.settle()
    t.ok((run.status, len(box.took)) in ((0, 1), (71, 0), (78, 0)),
         'RLIMIT_NOFILE 4: all or nothing', run.words(), len(box.took))
    box.clear()


def test_memory(t, home, box):
    """Wherever the memory ends: all of the mail or none, and a status that
    says so."""
    if SANITIZED:
        return t.skip('memory', 'sanitizers need address space')
    config = home.config(box.config())
    seen = set()
    for most in range(8, 50, 3):
        # FSIZE: so that the message stays in memory.
        run = home.run(BOB, config=config, stdin=LARGE, preexec_fn=(
            in_order(limit(resource.RLIMIT_FSIZE, 0),
                     limit(resource.RLIMIT_AS, most << 20))))
        box.settle()
        seen.add(run.status)
        mails = [mail for mail, _ in box.took]
        if run.status == 0 and mails != [LARGE] or \
           run.status in (71, 127) and box.count > 1 or \
           run.status not in (0, 71, 127) or run.status and mails:
            t.ok(False, f'{most} MiB of memory', run.words(), len(mails))
        box.clear()
    t.ok({0, 71} <= seen, 'memory that ends: status 71, else 0', seen)


# Standard input

def test_kinds_of_input(t, home, box):
    config = home.config(box.config())
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = home.start(BOB, config=config, stdin=theirs,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for octet in MESSAGE:
            ours.send(bytes([octet]))
        ours.shutdown(socket.SHUT_WR)
        out, err = process.communicate(timeout=HANG)
    arrived(t, box, Done(process.returncode, out, err),
            'standard input is a socket, octet by octet')
    with tempfile.TemporaryFile() as file:
        file.write(b'To: nobody@example.org\n\nNot this.\n')
        start = file.tell()
        file.write(MESSAGE)
        file.seek(start)
        run = home.run(BOB, config=config, stdin=file)
        arrived(t, box, run, 'an unlinked file that was read in part')
    read, write = os.pipe()
    os.set_blocking(read, False)
    process = home.start(BOB, config=config, stdin=read,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with contextlib.suppress(BrokenPipeError):
        for part in (MESSAGE[:7], MESSAGE[7:90], MESSAGE[90:], b'.\n', b'x\n'):
            time.sleep(0.02)  # so that it meets an empty pipe
            os.write(write, part)
    os.close(write)
    out, err = process.communicate(timeout=HANG)
    arrived(t, box, Done(process.returncode, out, err),
            'a pipe that does not block, and a dot in a segment of its own',
            MESSAGE + b'.\r\nx\r\n')
    t.ok(not os.get_blocking(read), 'nor does it afterwards, for its owners')
    os.close(read)
    for text, wanted in ((MESSAGE[:-2], MESSAGE), (b'', None),
                         (MESSAGE.replace(b'\r', b''), MESSAGE),
                         (MESSAGE + b'.\r\nmore\r\n',
                          MESSAGE + b'.\r\nmore\r\n')):
        run = home.run(BOB, config=config, stdin=text)
        box.settle()
        t.ok(run.status == 0 and run.silent() and len(box.took) == 1 and
             wanted in (None, box.took[0][0]),
             f'the message ends in {text[-9:]!r}', run.words())
        box.clear()


def test_nobody_at_terminal(t, home, box):
    """Without a recipient nobody has to type first."""
    config = home.config(box.config())
    for argv in ((), ('-f', 'alice@example.com'), ('--dry-run',), ('-bv',)):
        master, slave = pty.openpty()
        run = home.run(*argv, config=config, stdin=slave,
                       start_new_session=True)
        os.close(slave)
        os.close(master)
        failed(t, box, run, 64, f'no recipient at a terminal, {argv}',
               '--help')


def test_configuration_at_terminal(t, home, box):
    """Nor with a configuration that leads nowhere."""
    broken = home.config('smarthost\n', 'broken')
    for argv in ((BOB,), ('-t',), ('--dry-run', BOB)):
        for config in (broken, '/nonexistent'):
            master, slave = pty.openpty()
            run = home.run(*argv, config=config, stdin=slave,
                           start_new_session=True)
            os.close(slave)
            os.close(master)
            failed(t, box, run, 78 if config == broken else 66,
                   f'{config.name if config == broken else "no file"} at a '
                   f'terminal, {argv[0]}')


def at_terminal(home, config, typed, *argv):
    """Runs it with a terminal as its standard input, and types."""
    master, slave = pty.openpty()
    process = home.start(*argv, BOB, config=config, stdin=slave,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         start_new_session=True)
    os.close(slave)
    try:
        os.write(master, typed)
        out, err = process.communicate(timeout=HANG)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    finally:
        os.close(master)
    return Done(process.returncode, out, err)


def test_terminal(t, home, box):
    config = home.config(box.config())
    text = MESSAGE.replace(b'\r', b'')
    for argv, typed, wanted in (
            ((), text + b'.\n', MESSAGE),
            ((), text + b'..\n.x\n.\n', MESSAGE + b'..\r\n.x\r\n'),
            ((), text + b'\x04', MESSAGE),
            (('-i',), text + b'.\nmore\n\x04', MESSAGE + b'.\r\nmore\r\n'),
            (('-oi',), text + b'.\nmore\n\x04', MESSAGE + b'.\r\nmore\r\n')):
        run = at_terminal(home, config, typed, *argv)
        arrived(t, box, run, f'terminal, {" ".join(argv) or "no option"}, '
                f'{typed[len(text):]!r}', wanted)


@contextlib.contextmanager
def silent_network():
    """A network of its own that has a name server, and it never answers: the
    act by which a child enters it."""
    with open('/proc/self/ns/net') as ours:
        check(LIBC.unshare(CLONE_NEWNET))
        try:
            silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            fcntl.ioctl(silent, SIOCSIFFLAGS, struct.pack(
                '16sH22x', b'lo', IFF_UP))
            silent.bind(('127.0.0.1', 53))
            theirs = open('/proc/self/ns/net')
        finally:
            check(LIBC.setns(ours.fileno(), CLONE_NEWNET))
    with silent, theirs:
        yield lambda: check(LIBC.setns(theirs.fileno(), CLONE_NEWNET))


def test_silent_name_server(t, home, box):
    """A lookup ends with the deadline, whatever the resolver has in mind."""
    if not can_mount():
        return t.skip('a silent name server', 'no private mount namespace')
    world = etc(home, box, name='silent')
    (world / 'nsswitch.conf').write_text('hosts: dns\n')
    (world / 'resolv.conf').write_text('nameserver 127.0.0.1\n'
                                       'options timeout:30 attempts:5\n')
    with silent_network() as enter:
        for urls in (['smtp+plain://mail.example.org'],
                     ['smtp+plain://mail.example.org',
                      'smtp+plain://mail.example.com']):
            run = home.run(BOB, config=home.config('\n'.join(
                f'smarthost {url}' for url in urls) + '\ndeadline 1s\n'
                'from alice@example.com\n'), preexec_fn=in_order(
                    private_mounts, over_etc(world), enter))
            failed(t, box, run, 75, f'{len(urls)} silent name(s)',
                   'mail.example.org: timed out')
        run = home.run('-bs', config=home.config(
            'smarthost smtp+plain://mail.example.org\ndeadline 1s\n'
            'from alice@example.com\n'), stdin=b'EHLO client\r\n' + 3 * (
                b'MAIL FROM:<alice@example.com>\r\nRCPT TO:<' + BOB.encode() +
                b'>\r\nDATA\r\n' + MESSAGE + b'.\r\n') + b'QUIT\r\n',
            preexec_fn=in_order(private_mounts, over_etc(world), enter))
        t.ok(run.status == 0 and run.out.count(b'\r\n451 ') == 3,
             'a silent name in -bs: put off, each time', run.words())


def test_read_error(t, home, box):
    config = home.config(box.config())
    for argv in ((BOB,), ('-t',), ('-bv', BOB), ('--dry-run', BOB),
                 ('-bs',)):
        folder = os.open('/', os.O_RDONLY)
        writable = os.open(home.path / 'writable', os.O_WRONLY | os.O_CREAT)
        for kind, more in (
                ('a folder', {'stdin': folder}),
                ('for writing only', {'stdin': writable}),
                ('closed', {'stdin': subprocess.DEVNULL,
                            'preexec_fn': closing(0)})):
            run = home.run(*argv, config=config, **more)
            failed(t, box, run, 74, f'standard input is {kind}, {argv[0]}',
                   '' if argv == ('-bs',) else 'standard input')
            t.ok(box.count == 0, 'nobody was called')
        os.close(folder)
        os.close(writable)


def test_writer(t, home, box):
    """Whoever writes the message is not cut off, whatever goes wrong: he would
    die of SIGPIPE."""
    good = home.config(box.config())
    # Exactly in the pipe's middle lies what the program does not read.
    text = HEADER + b'\r\n' + b'x\n' * 1000000
    for sentence, config, argv in (
            ('no configuration', '/nonexistent', (BOB,)),
            ('a broken one', home.config('smarthost\nlog\n', 'broken'),
             (BOB,)),
            ('an unknown option', good, ('-Z', BOB)),
            ('a bad value', good, ('-Nnonsense', BOB)),
            ('no recipient', good, ()),
            ('a bad recipient', good, ('<<',)),
            ('a mode that is refused', good, ('-bd',)),
            ('no such account', good, ('-a', 'none', BOB)),
            ('a transcript that cannot be', good, ('-X', '/nowhere/x', BOB)),
            ('a check of the envelope', '/nonexistent', ('-bv', BOB))):
        process = home.start(*argv, config=config, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        left, cut = text, False
        while left and not cut:
            try:
                left = left[os.write(process.stdin.fileno(), left[:65536]):]
            except BrokenPipeError:
                cut = True
        out, err = process.communicate(timeout=HANG)
        t.ok(not cut and 64 <= process.returncode <= 78,
             f'{sentence}: the writer is heard out',
             Done(process.returncode, out, err).words(),
             f'{len(left)} octets left')
    box.settle()
    t.ok(box.count == 0, 'nobody was called')


# What is full, missing, read-only

def test_full(t, home, box):
    config = home.config(box.config())
    with open('/dev/full', 'wb') as full:
        for argv in ((BOB,), ('-v', BOB), ('--json', BOB)):
            run = home.run(*argv, config=config, stdout=full, stderr=full)
            arrived(t, box, run,
                    f'{argv[0]}, standard output and error are full')
        run = home.run('-v', '-C', '/nonexistent', BOB, stdout=full,
                       stderr=full)
        failed(t, box, run, 66, 'a failure, standard error is full')
        run = home.run('--help', stdout=full)
        t.ok(run.status != 0 and b'standard output' in run.err,
             '--help, standard output is full', run.words())
    read, write = os.pipe()
    os.close(read)
    run = home.run('-v', '--json', BOB, config=config, stdout=write,
                   stderr=write)
    os.close(write)
    arrived(t, box, run, 'nobody reads standard output and error')


def test_log(t, home, box):
    for path in ('/dev/full', '/nonexistent/log', str(home.path)):
        config = home.config(box.config(f'log {path}'))
        run = home.run(BOB, config=config)
        arrived(t, box, run, f'log {path}')
    path = home.path / 'held'
    config = home.config(box.config(f'log {path}'))
    os.mkfifo(path)
    run = home.run(BOB, config=config, timeout=20)
    arrived(t, box, run, 'log is a pipe without a reader')
    reader = os.open(path, os.O_RDWR)
    with contextlib.suppress(BlockingIOError):
        os.set_blocking(reader, False)
        while True:
            os.write(reader, b'x' * 4096)
    run = home.run(BOB, config=config, timeout=20)
    arrived(t, box, run, 'log is a pipe that is full')
    os.close(reader)
    path.unlink()
    with open(path, 'wb') as held:
        os.chmod(path, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        fcntl.lockf(held, fcntl.LOCK_EX)
        run = home.run(BOB, config=config, timeout=20)
        arrived(t, box, run, 'log is locked by another')
        t.ok(b'status=0' in path.read_bytes(), 'and written all the same')
    with open(path, 'rb') as held:
        fcntl.fcntl(held, F_SETSIG, signal.SIGURG)  # which does nothing
        fcntl.fcntl(held, F_SETLEASE, fcntl.F_RDLCK)
        run = home.run(BOB, config=config, timeout=20)
        arrived(t, box, run, 'log is leased by another')
    read, write = os.pipe()
    with contextlib.suppress(BlockingIOError):
        os.set_blocking(write, False)
        while True:
            os.write(write, b'x' * 4096)
    os.set_blocking(write, True)
    run = home.run(BOB, config=home.config(box.config('log stderr')),
                   stderr=write, timeout=20)
    arrived(t, box, run, 'log stderr, and nobody reads it')
    os.close(read)
    os.close(write)
    if not can_mount():
        return t.skip('a log on a full disk', 'no private mount namespace')
    disk = home.path / 'disk'
    disk.mkdir()

    def fill():
        private_mounts()
        mount('none', disk, 'tmpfs', data='size=4k')
        (disk / 'log').touch(0o600)
        with open(disk / 'rest', 'wb', buffering=0) as rest, \
                contextlib.suppress(OSError):
            while True:
                rest.write(b'x' * 4096)
    config = home.config(box.config(f'log {disk}/log'))
    run = home.run('-X', disk / 'log', BOB, config=config, preexec_fn=fill)
    arrived(t, box, run, 'log and transcript on a full disk')
    run = home.run(BOB, config=config, stdin=LARGE, environment={
        'TMPDIR': str(disk)}, preexec_fn=fill)
    arrived(t, box, run, 'TMPDIR on a full disk', LARGE)


class Patient:
    """A server that waits for one command at a time, and lets something happen
    between RCPT and DATA. `came` is the mail data up to its end, or None."""

    def __init__(self, happens):
        self.happens, self.came = happens, None

    def __call__(self, _, sock):
        lines = sock.makefile('rb')
        sock.sendall(b'220 here\r\n')
        for line in lines:
            if line.startswith(b'RCPT'):
                self.happens()
            if line.startswith(b'DATA'):
                sock.sendall(b'354 go on\r\n')
                data = list(itertools.takewhile(
                    lambda line: line != b'.\r\n', lines))
                if data[-1:] == [b'end\r\n']:
                    self.came = b''.join(data)
            sock.sendall(b'250 fine\r\n')


def test_file_on_standard_input(t, home, box):
    """A large mail in a file is read twice and not copied: it arrives as it
    was, or not at all."""
    config = home.config(box.config())
    line = b'to be, or not\r to be \x00\xff.\n'
    lines = [b'.\n', b'\r\n', b'plain\n', b'with CR LF\r\n', b'bare\rCR\n']
    # Over 1 MiB in the file, or it would be kept in memory.
    body = b''.join(lines[n // 7 % 5] * (n % 50) for n in range(15000))
    for sentence, skipped, mail in (
            ('plain', b'', HEADER + b'\n' + b'all lines are plain\n' * 99999),
            ('mixed', b'', HEADER + b'\r\n' + body),
            ('its last line has no end', b'', HEADER + b'\n' + body + b'x\r'),
            ('behind what somebody else has read', b'read\n',
             HEADER + b'\n' + body),
            ('long lines and NULs', b'', HEADER + b'\n' + line * 99 +
             b'y' * 9999 + b'\n' + body)):
        run = home.run(BOB, config=config, stdin=mail)
        box.settle()
        expected = box.took[0][0] if run.status == 0 and box.took else None
        box.clear()
        with open(home.file('mail', skipped + mail), 'rb',
                  buffering=0) as stdin:
            stdin.seek(len(skipped))
            run = home.run(BOB, config=config, stdin=stdin,
                           environment={'TMPDIR': '/nonexistent'})
            arrived(t, box, run, sentence, expected)
            t.ok(stdin.read(1) == b'', 'and is read to its end')


def test_file_that_changes(t, home):
    mail = HEADER + b'\n' + b'what was meant\n' * 200000 + b'end\n'
    path = home.file('mail')

    def change(offset, octets):
        def happens():
            with open(path, 'r+b') as file:
                file.seek(offset)
                file.write(octets)
        return happens

    for sentence, happens, goes in (
            ('appended to', change(len(mail), b'more\nend\n'), True),
            ('removed', path.unlink, True),
            ('written once more, the same', change(0, mail), True),
            ('cut', lambda: os.truncate(path, len(mail) // 2), False),
            ('emptied', lambda: os.truncate(path, 0), False),
            ('another word', change(len(mail) - 50, b'thaw'), False),
            ('a line more', change(len(mail) - 40, b'\n'), False)):
        path.write_bytes(mail)
        play = Patient(happens)
        with Server(play=play) as box, open(path, 'rb') as stdin:
            run = home.run(BOB, config=home.config(box.config()), stdin=stdin)
            box.settle()
        if goes:
            t.ok(run.status == 0 and run.silent() and
                 play.came == mail.replace(b'\r', b'').replace(
                     b'\n', b'\r\n'), f'{sentence}: as it was', run.words())
        else:
            t.ok(run.status == 74 and play.came is None and
                 b'was changed meanwhile' in run.err,
                 f'{sentence}: nothing is sent', run.words())


def test_syslog(t, home, box):
    if not can_mount():
        return t.skip('syslog', 'no private mount namespace')
    config = home.config(box.config('log syslog'))
    folder, log = syslog(home)
    with log:
        prepare = in_order(private_mounts,
                           lambda: mount(folder, '/dev', flags=MS_BIND))
        run = home.run(BOB, config=config, preexec_fn=prepare)
        arrived(t, box, run, 'log syslog')
        said = log.recv(65536)
        t.ok(b'status=0' in said and said.startswith(b'<22>'),
             'one line is in the system\'s log', said)
    run = home.run(BOB, config=config, preexec_fn=prepare)
    arrived(t, box, run, 'nobody reads the system\'s log')
    folder, log = syslog(home)
    with log, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others:
        others.setblocking(False)
        others.connect(str(folder / 'log'))
        with contextlib.suppress(BlockingIOError):
            while True:
                others.send(b'x')
        run = home.run(BOB, 'other@example.org', config=config,
                       preexec_fn=prepare)
        arrived(t, box, run, 'the system\'s log is full')
    (folder / 'log').unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as log:
        log.bind(str(folder / 'log'))
        log.listen()
        run = home.run(BOB, config=config, preexec_fn=prepare)
        arrived(t, box, run, 'the system\'s log is a stream')
        reader = log.accept()[0]
        with reader:
            said = reader.recv(65536)
        t.ok(b'status=0' in said and said.startswith(b'<22>') and
             said.endswith(b'\0'), 'one line is in the stream', said)
    (folder / 'log').unlink()
    run = home.run(BOB, config=config, preexec_fn=prepare)
    arrived(t, box, run, 'there is no system\'s log')


def test_read_only(t, home, box):
    if not can_mount():
        return t.skip('a read-only root', 'no private mount namespace')

    def read_only():
        private_mounts()
        mount('/', '/mnt', flags=MS_BIND | MS_REC)
        mount(None, '/mnt', flags=MS_REMOUNT | MS_BIND | MS_RDONLY)
        for folder in {'/tmp', '/var/tmp', '/dev', tempfile.gettempdir()}:
            mount(folder, '/mnt' + folder, flags=MS_BIND)
            mount(None, '/mnt' + folder,
                  flags=MS_REMOUNT | MS_BIND | MS_RDONLY)
        os.chroot('/mnt')
        os.chdir('/')
        with contextlib.suppress(OSError):
            os.mkdir('/tmp/can-write')
            os._exit(99)
    config = home.config(box.config(f'log {home.path}/rolog'))
    for text in (MESSAGE, LARGE):
        run = home.run(BOB, config=home.config(box.config()), stdin=text,
                       preexec_fn=read_only)
        arrived(t, box, run, f'a read-only root, {len(text)} octets', text)
    run = home.run(BOB, config=config, preexec_fn=read_only, stdin=LARGE)
    arrived(t, box, run, 'a log on a read-only root', LARGE)


# What is told

def test_silence(t, home, box):
    config = home.config(box.config())
    for argv in ((BOB,), ('-t',), ('-i', '-oem', BOB), ('-bm', BOB),
                 ('-oep', BOB), ('--all-or-none', BOB), ('-B8BITMIME', BOB),
                 ('-Nnever', BOB), ('-G', BOB), ('-odb', '-om', BOB),
                 ('-X', home.path / 'said', BOB)):
        run = home.run(*argv, config=config)
        arrived(t, box, run, f'{argv[0]}: silence')
    for argv in (('-bi',), ('-I',), ('-q',), ('-q30m',)):
        run = home.run(*argv, config=config)
        t.ok(run.status == 0 and run.silent() and box.count == 0,
             f'{argv[0]}: silence', run.words())
    run = home.run('-bs', config=config, stdin=SERVE)
    box.settle()
    t.ok(run.status == 0 and run.err == b'' and len(box.took) == 1 and
         all(re.match(rb'\d{3}[ -]', line)
             for line in run.out.splitlines()), '-bs: SMTP and nothing else',
         run.words())
    box.clear()
    bad = home.config(box.config('log /nonexistent/log'))
    run = home.run('-bs', config=bad, stdin=SERVE, stderr=subprocess.STDOUT)
    box.settle()
    t.ok(run.status == 0 and len(box.took) == 1 and
         all(re.match(rb'\d{3}[ -]', line)
             for line in run.out.splitlines()),
         '-bs, one pipe for both, a log that cannot be: SMTP only',
         run.words())
    box.clear()


def on_terminal(home, *argv, **more):
    """A run whose standard error is a terminal."""
    master, slave = pty.openpty()
    run = home.run(*argv, stderr=slave, **more)
    os.close(slave)
    with open(master, 'rb', buffering=0) as terminal:
        with contextlib.suppress(OSError):  # the end
            while text := terminal.read(4096):
                run.err += text.replace(b'\r\n', b'\n')
    return run


def no_room():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_log_that_cannot_be(t, home, box):
    """The mail goes, and who sits there is told once."""
    taken = home.file('taken', mode=0o400)
    (home.path / 'link').symlink_to(taken)
    cases = [('/nonexistent/log', None, 'No such file'),
             (home.path / 'link', None, 'symbolic link'),
             (home.path, None, 'Is a directory')]
    if os.geteuid() == 0:
        cases += [(taken, lambda: become(STRANGER), 'Permission denied'),
                  (home.path / 'new', lambda: become(STRANGER),
                   'Permission denied')]
    for path, prepare, words in cases:
        config = home.config(box.config(f'log {path}'), mode=0o644)
        more = {'config': config, 'preexec_fn': prepare}
        run = on_terminal(home, BOB, **more)
        said = run.err.decode()
        arrived(t, box, run, f'a log that cannot be, {words}: the mail goes',
                silent=False)
        t.ok(re.fullmatch(f'sendling: no log, the mail goes on: [^\n]*'
                          f'{re.escape(str(path))}: [^\n]*{words}[^\n]*\n',
                          said), 'a person is told once', repr(said))
        arrived(t, box, home.run(BOB, **more), 'a program is not')
        arrived(t, box, on_terminal(home, '-oeq', BOB, **more),
                'nor with -oeq')
        home.config(box.config(f'log {path}', 'account a', 'account b'),
                    mode=0o644)
        run = home.run('--check', **more)
        t.ok(run.status == 78 and run.err == b'' and
             run.out.decode().partition('remark: ')[0].count('\n') == 2 and
             f':4: log: {path}: ' in run.out.decode() and
             words in run.out.decode() and '`log syslog' in run.out.decode(),
             '--check finds it, and tells it once', run.words())
    log = home.path / 'log'
    more = {'config': home.config(box.config(f'log {log}'))}
    run = home.run('--check', **more)
    t.ok(run.status == 0 and not log.exists(),
         '--check makes no file', run.words())
    run = on_terminal(home, BOB, **more, preexec_fn=no_room)
    said = run.err.decode()
    arrived(t, box, run, 'a log that has no room: the mail goes', silent=False)
    t.ok(re.fullmatch('sendling: no log, the mail goes on: [^\n]*File too '
                      'large\n', said), 'a person is told once', repr(said))
    arrived(t, box, home.run(BOB, **more, preexec_fn=no_room),
            'a program is not')


def test_silent_port(t, home):
    """A person is told what may be wrong while a greeting can still come; a
    program that counts words on standard error for a failure is not."""
    silent = Server(play=lambda server, sock: sock.recv(1))
    config = home.config(silent.config('timeout 11'))
    piped = home.start(BOB, config=config, stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    piped.stdin.write(MESSAGE)
    piped.stdin.close()
    run = on_terminal(home, BOB, config=config)
    told = ('sendling: still waiting for a greeting; if this port speaks TLS '
            'write `smarthost smtps://127.0.0.1:%d\'\n' %
            silent.ports['smtp']).encode()
    t.ok(run.status == 75 and run.err.startswith(told) and
         b'timed out after 11 seconds' in run.err[len(told):],
         'a silent port: told before the time is over', run.words())
    err = piped.stderr.read()
    t.ok(piped.wait() == 75 and b'still waiting' not in err and
         b'timed out after 11 seconds' in err, 'and a program is not', err)
    piped.stdout.close()
    piped.stderr.close()
    silent.close()


def test_dropped_wish(t, home, certificate):
    """That a wish was dropped is told where somebody reads it; the mail goes."""
    log, transcript = home.path / 'wishes', home.path / 'dialogue'
    words = 'the server does not offer DSN'
    for without, wish in (((), ('-N', 'success')), (('DSN',), ('-V', 'x')),
                          (('DSN',), ('-N', 'failure,delay', '-R', 'full')),
                          (('DSN',), ())):
        with Server(certificate, users=[('alice', 'secret')],
                    without=without) as server:
            for file in (log, transcript):
                file.unlink(missing_ok=True)
            config = home.config(server.config('password secret',
                                               f'log {log}'))
            dropped = bool(without and wish)
            run = on_terminal(home, *wish, BOB, config=config)
            t.ok(run.status == 0 and run.err.decode().count('\n') == dropped
                 and (words in run.err.decode()) == dropped,
                 f'{wish}, {without}: a person is told in one line',
                 run.words())
            t.ok((words in log.read_text()) == dropped, 'the log has it',
                 log.read_text())
            run = home.run(*wish, BOB, config=config)
            t.ok(run.status == 0 and run.silent(), 'a program is not told',
                 run.words())
            run = on_terminal(home, *wish, '-oeq', BOB, config=config)
            t.ok(run.status == 0 and run.silent(), 'nor with -oeq',
                 run.words())
            run = on_terminal(home, *wish, '-v', '-X', transcript, BOB,
                              config=config)
            t.ok(run.status == 0 and dropped ==
                 run.err.decode().count(f'-- {words}') ==
                 transcript.read_text().count(f'-- {words}') ==
                 run.err.decode().count(words),
                 'the dialogue has it, once', run.words())


def test_quiet(t, home, box):
    good = home.config(box.config())
    box.refusals = {BOB: '550 5.1.1 No such user'}
    cases = [(good, (BOB,), 67), ('/nonexistent', (BOB,), 66),
             (good, (), 64), (good, ('-Nnonsense', BOB), 64),
             (good, ('<<',), 65), (good, ('-bd',), 64)]
    for config, argv, status in cases:
        for quiet in (('-oeq',), ('-e', 'q'), ('-oem', '-oeq')):
            run = home.run(*quiet, *argv, config=config)
            t.ok(run.status == status and run.silent(),
                 f'{" ".join(quiet + argv)}: status {status}, silence',
                 run.words())
        run = home.run('-oem', *argv, config=config)
        t.ok(run.status == status and run.err != b'',
             f'-oem {" ".join(argv)}: status {status}, and words',
             run.words())
    box.settle()
    box.refusals = {}
    box.clear()


def test_some_refused(t, home, box):
    """Standard error, the log and JSON agree on who has the mail."""
    log = home.path / 'log'
    config = home.config(box.config(f'log {log}'))
    for refusal, status in (('550 5.1.1 No such user', 67),
                            ('451 4.2.0 Come back', 69)):
        box.refusals = {'no@example.org': refusal}
        run = home.run('--json', BOB, 'no@example.org', config=config)
        box.settle()
        word = 'refused' if status == 67 else 'later'
        t.ok(run.status == status and run.err.decode() ==
             'sendling: mail sent to 1 of 2 recipients\n'
             '  hint: send it again only to those who are named here\n'
             f'  {word}: no@example.org: {refusal}\n',
             f'1 of 2 {word}: standard error', run.words())
        told = json.loads(run.out)
        t.ok(told['error']['text'] == 'mail sent to 1 of 2 recipients' and
             {r['address']: (r['verdict'], r['reply'])
              for r in told['recipients']}.items() >=
             {'no@example.org': (word, refusal)}.items() and
             told['recipients'][0]['verdict'] == 'delivered',
             f'1 of 2 {word}: --json', told)
        note, line = log.read_text().splitlines()
        t.ok(f'not sent to <no@example.org>: {refusal}' in note and
             f' status={status} serverid=' in line and
             ' error="mail sent to 1 of 2 recipients"' in
             line, f'1 of 2 {word}: the log', note, line)
        log.unlink()
    box.refusals = {}
    box.clear()


def test_json(t, home, box):
    good = home.config(box.config())
    odd = 'odd "\\\x1b[31m\udcff\u00fc\t\u2028 \x00words'.replace('\x00', '')
    box.refusals = {'no@example.org': '550 5.1.1 ' + odd,
                    'later@example.org': '451 4.2.0 ' + odd}
    for sentence, config, argv, status in (
            ('success', good, (BOB,), 0),
            ('refused', good, ('no@example.org',), 67),
            ('later', good, ('later@example.org',), 75),
            ('mixed', good, ('no@example.org', BOB), 67),
            ('no file', '/nonexistent/"\\\x1b\n\udcff', (BOB,), 66),
            ('no recipient', good, (), 64),
            ('odd recipient', good, ('"a\\"b"@example.org',), 0),
            ('bad recipient', good, ('\x1b"\\ \udcff',), 65)):
        run = home.run('--json', *argv, config=config)
        try:
            told = json.loads(run.out.decode())
        except ValueError as fault:
            told = {'fault': fault}
        t.ok(run.status == status and told.get('status') == status and
             run.out.count(b'\n') == 1 and b'\x1b' not in run.out and
             (told['error'] is None) == (status == 0),
             f'--json, {sentence}: status {status}', run.words(), told)
    box.settle()
    box.refusals = {}
    box.clear()


# The exit table

def say(*words):
    """A server that says one thing after the other, and hears in between."""
    def play(server, sock):
        for word in words:
            sock.sendall(word)
            if not server.hear(sock, b'\r\n'):
                return
    return play


def test_each_recipient(t, home):
    """Who is named with words of his own beside what failed."""
    begin = [b'220 a\r\n', b'250 a\r\n', b'250 a\r\n']
    no, yes, odd = b'550 5.1.1 no\r\n', b'250 a\r\n', b'550 5.7.1 other\r\n'
    data = [b'354 a\r\n']
    for sentence, words, named in (
            ('all refused alike', [no, no, no], 'bc'),
            ('all refused', [no, odd, no], 'bc'),
            ('one refused', [yes, no, yes, *data, yes], 'b'),
            ('the mail refused', [yes, yes, yes, *data, no], ''),
            ('one, then the mail', [yes, no, yes, *data, no], 'b'),
            ('one, then lost', [yes, no, yes, *data], 'b')):
        server = Server(play=say(*begin, *words))
        run = home.run('a@x.example', 'b@x.example', 'c@x.example',
                       config=home.config(server.config()))
        server.close()
        lines = re.findall(r'^  \w+: (\w)@x.example', run.err.decode(), re.M)
        t.ok(''.join(lines) == named, f'{sentence}: names {named or "nobody"}',
             run.words(), server.heard)


def test_statuses(t, home, box, certificate):
    """Each row of the table once with the real program. Not to be had from
    outside: 70 (cannot happen), 73 (there is no spool)."""
    good = home.config(box.config())
    dead = socket.create_server(('127.0.0.1', 0))
    port = dead.getsockname()[1]
    dead.close()
    failed(t, box, home.run(config=good), 64, 'no recipient')
    failed(t, box, home.run('a b c d <<', config=good), 65, 'no address')
    failed(t, box, home.run('bob', config=good), 67, 'no domain')
    failed(t, box, home.run(BOB, config=home.config(
        f'smarthost smtp+plain://127.0.0.1:{port}\n')), 78,
        'a sender without a domain', 'from you@example.org')
    failed(t, box, home.run(BOB, config=home.config(
        f'smarthost smtp+plain://127.0.0.1:{port}\n'
        'from alice@example.com\n')), 75, 'nobody listens')
    for sentence, words, status in (
            ('5yz greeting', [b'554 5.3.2 not here\r\n'], 69),
            ('421 greeting', [b'421 4.3.2 not now\r\n'], 75),
            ('no SMTP', [b'SSH-2.0-OpenSSH_9\r\n'], 76),
            ('closed', [], 75),
            ('5yz to MAIL', [b'220 a\r\n', b'250 a\r\n',
                             b'550 5.1.8 who\r\n'], 69),
            ('5yz to RCPT', [b'220 a\r\n', b'250 a\r\n', b'250 a\r\n',
                             b'550 5.1.1 who\r\n'], 67),
            ('lost after the end', [b'220 a\r\n', b'250 a\r\n', b'250 a\r\n',
                                    b'250 a\r\n', b'354 a\r\n'], 75)):
        server = Server(play=say(*words))
        run = home.run(BOB, config=home.config(server.config()))
        server.close()
        t.ok(run.status == status and
             (b'may have been' in run.err) == ('lost' in sentence),
             f'{sentence}: status {status}', run.words(), server.heard)
    if can_mount():
        world = etc(home, box, name='etc2')
        run = home.run(BOB, config=home.config(
            'smarthost smtp+plain://mail.nowhere.example\n'
            'from alice@example.com\n'), preexec_fn=in_order(
                private_mounts, over_etc(world)))
        failed(t, box, run, 68, 'no such host')
        # The name servers of a network that is down.
        (world / 'nsswitch.conf').write_text('hosts: dns\n')
        (world / 'resolv.conf').write_text('nameserver 192.0.2.1\n')
        for family in ('any', 'ipv4', 'ipv6'):
            run = home.run(BOB, config=home.config(
                'smarthost smtp+plain://mail.example.org\n'
                f'from alice@example.com\nfamily {family}\n'),
                preexec_fn=in_order(
                    private_mounts, over_etc(world),
                    lambda: check(LIBC.unshare(CLONE_NEWNET))))
            failed(t, box, run, 75, f'no network, family {family}')
    else:
        t.skip('no such host', 'no private mount namespace')
    if SANITIZED:
        t.skip('no memory', 'sanitizers need address space')
    else:
        run = home.run(BOB, config=good, stdin=LARGE * 4, preexec_fn=in_order(
            limit(resource.RLIMIT_FSIZE, 0),
            limit(resource.RLIMIT_AS, 28 << 20)))
        failed(t, box, run, 71, 'no memory')
    folder = os.open('/', os.O_RDONLY)
    failed(t, box, home.run(BOB, config=good, stdin=folder), 74,
           'a read error')
    os.close(folder)
    secure = Server(certificate, users=[('alice', 'secret')])
    for sentence, trust, password, status in (
            ('wrong password', 'ca.pem', 'wrong', 77),
            ('not trusted', 'wildcard.pem', 'secret', 77),
            ('no trust', 'nonexistent.pem', 'secret', 78)):
        run = home.run(BOB, config=home.config(secure.config(
            f'password {password}').replace('ca.pem', trust)))
        failed(t, secure, run, status, sentence)
    failed(t, box, home.run(BOB, config='/nonexistent'), 66, 'no such file')
    failed(t, box, home.run(BOB, config=home.config('nonsense\n')), 78,
           'a bad configuration')


def test_check(t, home, box):
    """--check tells all faults: of lines, of accounts, of aliases."""
    bad = home.file('aliases', 'root\n')
    run = home.run('--check', config=home.config(
        'tiemout 5\ndomain example.org\n'
        f'aliases {bad}\n'
        'account default\n'
        'account work\nsmarthost smtps://a.example\npassword-file /x\n'
        f'account more\nsmarthost smtps://a.example\naliases {home.path}/no\n'
        'account fine\nsmarthost smtps://a.example\naliases off\n'))
    config = f'{home.path}/config'
    wanted = [f'{config}:1: tiemout: .*', '  hint: did you mean .*',
              f"{config}:4: account `default' has no `smarthost'",
              '  hint: write .*',
              f"{config}:7: account `work' has a password, .*",
              '  hint: write .*', f'{config}:3: aliases: {bad}:1.*',
              '  hint: write .*',
              f'{config}:7: account work: password-file: /x: No such .*',
              '  hint: write .*',
              f'{config}:10: account more: aliases: {home.path}/no: No such .*',
              '  hint: write .*']
    lines = run.out.decode().partition('remark: ')[0].splitlines()
    t.ok(run.status == 78 and run.err == b'' and len(lines) == len(wanted) and
         all(map(re.fullmatch, wanted, lines)), '--check tells all faults',
         run.words())
    run = home.run('--check', config='/nonexistent',
                   environment={'SENDLING_TIEMOUT': '5'})
    t.ok(run.status == 66 and b'did you mean' in run.out and
         b'/nonexistent' in run.err, '--check tells of the file, too',
         run.words())
    run = home.run('--config=', '--check')
    failed(t, box, run, 64, 'an empty name of a file', '--config')


def test_check_verbose(t, home, box):
    """--check -v shows what holds, from whatever source, but no password."""
    home.file('more', 'log syslog:local0\npassword canary 4711\n')
    config = home.config(
        'user alice\ninclude more\ntimeout 60\naliases off\n'
        'domain file.example\n'
        'account default\nsmarthost smtps://a.example smtp://b.example\n'
        'account work\nsmarthost smtps://c.example\nlog off\n'
        'match *@c.example\npassword-command echo x\n')
    run = home.run('-v', '--check', '--set', 'timeout=2m', config=config,
                   environment={'SENDLING_DOMAIN': 'from.example',
                                'SENDLING_TIMEOUT': '5'})
    accounts = run.out.decode().split('\n\n')
    t.ok(run.status == 0 and run.err == b'' and len(accounts) == 3 and
         accounts[2] == 'no faults; accounts: 2\n', '--check -v: two accounts',
         run.words())
    default, work = (account.splitlines() for account in accounts[:2])
    t.ok(default[0] == 'account default' and work[0] == 'account work',
         '--check -v names each account', *accounts)
    t.ok({'smarthost smtps://a.example', 'smarthost smtp://b.example',
          'user alice', 'password [hidden]', 'log syslog:local0', 'timeout 2m',
          'domain from.example', 'aliases off', 'deadline 30m',
          'tls-trust system'} <= set(default),
         '--check -v shows files, environment, --set and defaults', *default)
    t.ok({'smarthost smtps://c.example', 'match *@c.example', 'log off',
          'password-command echo x', 'timeout 2m'} <= set(work) and
         not any(line.startswith('password ') for line in work),
         '--check -v shows what an account has of its own', *work)
    t.ok(b'canary' not in run.out, '--check -v shows no password', run.words())
    plain = home.run('--check', config=config)
    t.ok(plain.out == b'no faults; accounts: 2\n', '--check is quiet without',
         plain.words())
    again = home.run('-v', '--check', config=home.config(accounts[1] + '\n'))
    t.ok(again.status == 0 and again.out.decode().startswith(accounts[1]),
         'what --check -v shows is a configuration', again.words())
    run = home.run('-v', '--check', config=home.config(
        'tiemout 5\nsmarthost smtps://a.example\naliases off\n'))
    t.ok(run.status == 78 and b'\naliases off\n' in run.out and
         b'\n\n' in run.out and run.out.rindex(b'tiemout') >
         run.out.index(b'\n\n'), '--check -v tells the faults at its end',
         run.words())


sys.exit(run_tests(dict(globals())))
