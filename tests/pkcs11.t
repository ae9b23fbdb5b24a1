#!/usr/bin/env python3
"""A client's key in a token, by way of softhsm2: what the PIN comes from, and
that its modules are loaded for a URL of PKCS#11 only, and never from the user's
folders as root or under the name sendmail."""

import glob
import os
import re
import shutil
import ssl
import subprocess
import sys

import harness
from home import MESSAGE, NOBODY, SANITIZED, become, can_trace, run_tests, \
    trace
from smtpd import Server

BOB = 'bob@example.org'
PIN = '246810'
# Whoever loads it leaves a file behind.
TRAP = '''#include <fcntl.h>
static void __attribute__((constructor)) spring(void)
{ (void)open("%s", O_CREAT, 0666); }
'''


def tool(*argv, **environment):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL,
                   env={**os.environ, **environment})


class Token:
    """With the keys `client' (EC) and `rsa-client' and the certificate of the
    first, for every user."""

    def __init__(self, home, certs):
        store = home.path / 'tokens'
        store.mkdir()
        self.environment = {'SOFTHSM2_CONF': str(home.file(
            'softhsm2.conf', f'directories.tokendir = {store}\n'
            'objectstore.backend = file\nlog.level = ERROR\n', 0o644))}
        self.make('softhsm2-util', '--init-token', '--free', '--label',
                  'mail', '--pin', PIN, '--so-pin', '13579')
        for number, name in enumerate(('client', 'rsa-client')):
            whole = home.path / 'whole.key'
            tool('openssl', 'pkcs8', '-topk8', '-nocrypt', '-in',
                 f'{certs}/{name}.key', '-out', whole)
            self.make('softhsm2-util', '--import', whole, '--token', 'mail',
                      '--label', name, '--id', f'0{number}', '--pin', PIN)
        self.make('p11tool', '--login', f'--set-pin={PIN}', '--write',
                  f'--load-certificate={certs}/client.pem', '--label',
                  'client', '--id', '00', 'pkcs11:token=mail')
        subprocess.run(['chmod', '-R', 'a+rwX', store], check=True)

    def make(self, *argv):
        tool(*argv, **self.environment)


def asking(certs, tls12=False):
    """A server that wants a client's certificate."""
    server = Server(f'{certs}/good.pem', tls12=tls12)
    server.context.verify_mode = ssl.CERT_REQUIRED
    server.context.load_verify_locations(f'{certs}/ca.pem')
    return server


def url(name='client', tail=''):
    return f'pkcs11:token=mail;object={name}{tail}'


def lines(certs, name, key, certificate=None):
    return (f'tls-certificate {certificate or f"{certs}/{name}.pem"}',
            f'tls-key {key}')


def test_key(t, home, certificate):
    more = os.path.dirname(certificate)
    token = Token(home, more)
    pin = home.file('pin', PIN + '\n')
    source = f'?pin-source={pin}'
    ways = (('the PIN in a file', 'client', url(tail=source), None),
            ('the PIN in file:', 'client',
             url(tail=f'?pin-source=file:{pin}'), None),
            ('the PIN in the URL', 'client', url(tail=f'?pin-value={PIN}'),
             None),
            ('the PIN encoded', 'client',
             url(tail=f'?pin-value=%32{PIN[1:]}'), None),
            ('an RSA key', 'rsa-client', url('rsa-client', source), None),
            ('both in the token', 'client', url(tail=source), url()))
    for tls12 in (False, True):
        with asking(more, tls12) as server:
            for sentence, name, key, certificate in ways:
                for scheme in ('smtp', 'smtps'):
                    run = home.run(BOB, environment=token.environment,
                                   config=home.config(server.config(
                                       *lines(more, name, key, certificate),
                                       scheme=scheme)))
                    server.settle()
                    t.ok(run.status == 0 and run.silent() and
                         len(server.took) == 1,
                         f'{sentence}, {scheme}, '
                         f'{"TLS 1.2" if tls12 else "TLS 1.3"}', run.words())
                    server.clear()
            run = home.run(BOB, config=home.config(server.config()))
            t.ok(run.status not in (0, None) and
                 b'`tls-certificate FILE\'' in run.err,
                 'without one it is told what is wanted', run.words())


def test_pin(t, home, certificate):
    """Nobody is asked, and nothing goes out."""
    more = os.path.dirname(certificate)
    token = Token(home, more)
    wrong = home.file('wrong', '999999\n')
    seen = home.file('seen', PIN + '\n', 0o644)
    for tail, words in (
            ('', b'pin-source=/FILE'), (f'?pin-source={wrong}', b'PIN'),
            (f'?pin-source={seen}', b'everybody may read it'),
            ('?pin-source=/nowhere', b'/nowhere: No such file'),
            (f'?pin-source=|cat%20{seen}', b'does not name a file'),
            ('?pin-value=999999', b'PIN')):
        with asking(more) as server:
            run = home.run(BOB, environment=token.environment,
                           config=home.config(server.config(
                               *lines(more, 'client', url(tail=tail)))))
            t.ok(run.status == 78 and words in run.err and
                 server.count == 0 and PIN.encode() not in run.err and
                 b'999999' not in run.err, f'{tail or "no PIN"}: refused',
                 run.words(), server.count)
            server.settle()
    config = home.config('smarthost smtps://mail.example.org\n' + '\n'.join(
        lines(more, 'client', url(tail=f'?pin-value={PIN}'))) + '\n',
        mode=0o644)
    run = home.run('--check', config=config, environment=token.environment)
    t.ok(run.status == 78 and b'everybody may read it' in run.out + run.err,
         'a configuration with a PIN is nobody else\'s', run.words())
    config.chmod(0o600)
    run = home.run('--check', '-v', config=config,
                   environment=token.environment)
    t.ok(run.status == 0 and PIN.encode() not in run.out + run.err and
         b'tls-key [hidden]' in run.out, 'and is not shown', run.words())


def test_touched(t, home, certificate):
    more = os.path.dirname(certificate)
    if not can_trace():
        return t.skip('modules are loaded for a URL only', 'no strace')
    token = Token(home, more)
    pin = home.file('pin', PIN + '\n')
    for sentence, own, wanted in (
            ('no certificate', (), False),
            ('a certificate in files', lines(
                more, 'client', f'{more}/client.key'), False),
            ('a key in a token', lines(
                more, 'client', url(tail=f'?pin-source={pin}')), True)):
        with asking(more) as server:
            server.context.verify_mode = ssl.CERT_OPTIONAL
            run, seen = trace(home, 'file', BOB,
                              config=home.config(server.config(*own)),
                              environment={**token.environment,
                                           'HOME': str(home.path)})
            touched = [line for line in seen
                       if re.search(r'pkcs11[/.]|p11-kit/|softhsm', line) and
                       'execve' not in line]
            t.ok(run.status == 0 and bool(touched) == wanted,
                 f'{sentence}: modules are '
                 f'{"" if wanted else "not "}looked for', run.words(),
                 *touched[:5])
            server.settle()


def test_modules(t, home, certificate):
    """What a user's own configuration of modules may do."""
    more = os.path.dirname(certificate)
    if os.geteuid() != 0:
        return t.skip('modules of the user', 'only root can be two users')
    if SANITIZED or shutil.which('cc') is None:
        return t.skip('modules of the user', 'no compiler for a module')
    token = Token(home, more)
    mark, trap = home.path / 'mark', home.path / 'trap.so'
    source = home.file('trap.c', TRAP % mark)
    tool('cc', '-shared', '-fPIC', '-o', trap, source)
    trap.chmod(0o755)
    home.path.chmod(0o777)
    for user in (0, NOBODY):
        for folder in (f'home{user}/.config/pkcs11/modules',
                       f'home{user}/.config/sendling'):
            (home.path / folder).mkdir(parents=True)
        for folder in (home.path / f'home{user}').rglob('*'):
            os.chown(folder, user, user)
        home.file(f'home{user}/.config/pkcs11/modules/trap.module',
                  f'module: {trap}\n', 0o644, user)
        home.file(f'home{user}/client.key', open(
            f'{more}/client.key', encoding='ascii').read(), 0o600, user)
        home.file(f'pin{user}', PIN + '\n', 0o600, user)
    for name, user, sprung in (('sendling', NOBODY, True),
                               ('sendmail', NOBODY, False),
                               ('sendling', 0, False),
                               ('sendmail', 0, False)):
        with asking(more) as server:
            own = home.file('client.pem', open(
                f'{more}/client.pem', encoding='ascii').read(), 0o644)
            trust = home.file('ca.pem', open(
                f'{more}/ca.pem', encoding='ascii').read(), 0o644)
            home.file(f'home{user}/.config/sendling/config', re.sub(
                'tls-trust .*', f'tls-trust {trust}', server.config(
                    f'tls-certificate {own}', 'log off',
                    f'tls-key {url()}?pin-source={home.path}/pin{user}')),
                0o600, user)
            for variable in ('HOME', 'XDG_CONFIG_HOME'):
                folder = home.path / f'home{user}'
                places = {'HOME': str(folder)}
                if variable != 'HOME':
                    places = {variable: str(folder / '.config')}
                run = home.run(BOB, name=name,
                               environment={**token.environment, **places},
                               preexec_fn=lambda: become(user))
                t.ok(run.status == 0 and mark.exists() == sprung,
                     f'{variable} of {"root" if user == 0 else "a user"}, '
                     f'{name}: its modules are '
                     f'{"" if sprung else "not "}loaded', run.words())
                mark.unlink(missing_ok=True)
            server.settle()


def main():
    for program in ('softhsm2-util', 'p11tool'):
        if shutil.which(program) is None:
            harness.skip_all(f'{program} is missing')
    if not glob.glob('/usr/share/p11-kit/modules/softhsm*'):
        harness.skip_all('p11-kit does not know the module of softhsm')
    return run_tests(dict(globals()), 'more')


sys.exit(main())
