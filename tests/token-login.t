#!/usr/bin/env python3
"""The ways by which sendling-token lets somebody log in, against an
authorization server over HTTPS, in every shell.

    tests/token-login.t [WORD ...]    only the tests whose names hold a WORD
"""

import contextlib
import fcntl
import os
import pathlib
import random
import re
import shutil
import socket
import stat
import subprocess
import sys
import termios
import time
import urllib.error
import urllib.request

import harness
import oauthd
from tokens import (
    ADDRESS, PROGRAM, SHELLS, each_shell, fails, logged_in, prints_token,
    run_tests, shows, sleepless, wait_until)

PAGE = harness.TESTS.parent / 'man/sendling-token.1'


# Ways to log in

@each_shell
def test_paste(t, place):
    box = place.box
    run = place.login('--client-id', 'public')
    logged_in(t, place, run, 'a pasted address logs in')
    asked = box.requests[-1]
    t.ok(asked['grant_type'] == oauthd.CODE and 'client_secret' not in asked,
         '... with a code and no secret', asked)
    before = len(box.requests)
    prints_token(t, place, place.run(), '... and its token is printed')
    t.ok(len(box.requests) == before, '... without asking again')
    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in
             (place.kept, place.tokens)]
    t.ok(modes == [0o600, 0o700], '... out of a file for us alone', modes)
    kept = place.kept.read_text()
    t.ok('verifier' not in kept and 'code"' not in kept,
         '... that keeps nothing of the way', kept)


@each_shell
def test_questions(t, place):
    """What no option says is asked for; the secret may be a long odd one."""
    place.table(secret=None)
    run = place.login(answers=['installed', place.box.clients['installed']])
    logged_in(t, place, run, 'client id and secret are asked for')
    t.ok(re.search(r'sendling-token\(1\) says where .*\nClient ID', run.err)
         and '\n.Ss The registration' in PAGE.read_text(),
         '... and it is said where one is had', run.err)
    place.expire()
    prints_token(t, place, place.run(), '... and kept for the next refresh')


def test_questions_again(t, place):
    """The login before knows the answers."""
    place.table(secret=None)
    place.login(answers=['installed', place.box.clients['installed']])
    run = place.login(answers=[''])
    logged_in(t, place, run, 'a second login is told nothing but Enter')
    place.expire()
    prints_token(t, place, place.run(), '... and knows the secret still')
    run = place.login('--client-id', 'public', answers=[''])
    logged_in(t, place, run, 'another client has not the secret of the last')
    secret = place.path / 'secret'
    secret.write_text(place.box.clients['installed'] + '\r\nsecond\n')
    run = place.login('--client-id', 'installed', '--secret-file', secret)
    logged_in(t, place, run, 'the secret out of a file')


def test_others_home(t, place):
    """Root with the HOME of somebody else, as `sudo -E' leaves it."""
    if os.geteuid() != 0:
        t.note('only root can try it')
        return
    table = place.path / '.config/sendling/oauth'
    folder = place.path / 'system'
    for theirs in table, table.parent, table.parent.parent, place.path:
        os.chown(theirs, 1, 1)
        run = place.run('-d', str(folder), '--login', '--client-id', 'public',
                        ADDRESS)
        t.ok(run.status == 64 and f'{table} is not read' in run.err and
             place.box.url not in run.err and not place.box.requests,
             f'{theirs.name} is theirs: no endpoint is taken from it',
             run.words(), *place.box.requests)
        os.chown(theirs, 0, 0)
    os.chown(place.path, 1, 1)
    del place.environment['XDG_DATA_HOME']
    run = place.run('--login', '--client-id', 'public', ADDRESS)
    fails(t, place, run, 78, str(place.path), 'no login is kept in it')
    t.ok(not (place.path / '.local').exists(), '... and no folder is made')


def test_other_provider(t, place):
    """Three settings are enough for one that no table knows."""
    (place.path / '.config/sendling/oauth').unlink()
    box = place.box
    run = place.login(
        '--client-id', 'public', '--authorization-endpoint',
        box.url + '/authorize', '--token-endpoint', box.url + '/token',
        '--scope', box.scope, answers=[''])
    logged_in(t, place, run, 'a provider by three settings')
    place.expire()
    prints_token(t, place, place.run(), '... whose token is refreshed')
    logged_in(t, place, place.login(answers=['']),
              '... and that the next login need not be told')
    place.kept.unlink()
    run = place.login(answers=['other', box.url + '/authorize',
                               box.url + '/token', box.scope, 'public', ''])
    logged_in(t, place, run, 'all of it asked for')


def test_pasted_wrongly(t, place):
    """A code is taken with the state of this login only."""
    other = []

    def keep_first(target):
        other.append(target)
        return target

    for sentence, way, status, words in (
            ('nothing', lambda _: '', 64, 'no answer'),
            ('another state', lambda target: re.sub(
                'state=[0-9a-f]{4}', 'state=0000', target), 78, 'not the one'),
            ('no state', lambda target: target.split('&state')[0], 78,
             'not the one'),
            ('the code alone', lambda target: re.search(
                'code=([^&]*)', target).group(1), 78, 'not the one'),
            ('no', lambda target: re.sub('code=[^&]*', 'error=access_denied&'
             'error_description=You+said%20no%1b[31m%0aSecond', target), 78,
             'access_denied: You said no?[31m?Second'),
            ('a wrong escape', lambda target: re.sub(
                'code=[^&]*', 'code=%zz%', target), 78, ''),
            ('another code', lambda target: re.sub(
                'code=[^&]*', 'code=not-given', target), 78,
             'invalid_grant')):
        run = place.login('--client-id', 'public', way=way)
        last = run.err.splitlines()[-1]
        t.ok(run.status == status and words in last and
             '\x1b' not in run.err and not place.kept.exists(),
             f'pasted: {sentence}', run.words())
    run = place.login('--client-id', 'public',
                      way=lambda target: ' ' + keep_first(target) + '#\r')
    logged_in(t, place, run, 'pasted with what comes along')
    run = place.login('--client-id', 'public', way=lambda target: re.sub(
        'code=[^&]*', re.search('code=[^&]*', other[0]).group(), target))
    t.ok(run.status == 78 and 'invalid_grant' in run.err,
         'a code is taken once', run.words())
    prints_token(t, place, place.run(), '... and the login before holds')


def call(url):
    """A browser that opens this as soon as somebody listens; what it is
    shown."""
    end = time.monotonic() + harness.WAIT
    while time.monotonic() < end:
        try:
            return urllib.request.urlopen(
                url, timeout=harness.WAIT).read().decode()
        except urllib.error.HTTPError as refused:
            return str(refused.code)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    return None


def listeners():
    """Addresses that somebody listens at, by port."""
    found = {}
    for name, any_address in ('tcp', '00000000'), ('tcp6', '0' * 32):
        for line in pathlib.Path('/proc/net', name).read_text().splitlines():
            words = line.split()
            if words[3] == '0A':
                address, port = words[1].split(':')
                found.setdefault(int(port, 16), []).append(address)
    return found


@each_shell
def test_listen(t, place):
    """The kinds of nc that there are."""
    kinds = {'nc': shutil.which('nc')}
    if shutil.which('busybox') and place.shell == SHELLS[0]:
        kinds['nc of BusyBox'] = shutil.which('busybox')
    for kind, program in kinds.items():
        if not program:
            t.skip('a browser calls back', 'no nc')
            continue
        tools = place.tools(without=['nc'])
        (tools / 'nc').symlink_to(program)
        place.environment['PATH'] = str(tools)
        shown, open_at = [], []

        def way(target):
            port = int(re.match(r'http://[^:]*:(\d+)/', target).group(1))
            open_at.append(listeners().get(port))
            for stray in ('/favicon.ico', '/?code=evil&state=evil'):
                shown.append(call(f'http://127.0.0.1:{port}{stray}'))
            shown.append(call(target.replace('localhost', '127.0.0.1')))
            return ''

        run = place.login('--listen', '--client-id', 'public', way=way)
        logged_in(t, place, run, f'{kind}: a browser calls back')
        t.ok(open_at == [['0100007F']], '... on loopback only', open_at)
        t.ok(shown[:2] == ['404', '404'] and 'login is done' in shown[2],
             '... and is told so, as others are not', shown)
    place.environment['PATH'] = str(place.tools(without=['nc']))
    run = place.run('--login', '--listen', '--client-id', 'public', ADDRESS)
    fails(t, place, run, 69, 'install netcat', 'no nc(1)')


def chosen_ports(place, *ports):
    """A PATH whose od(1) lets these ports be chosen, one after the other."""
    tools = place.tools(without=['od'])
    (place.path / 'ports').write_text(
        ''.join(f' {port - 61000}\n' for port in ports))
    (tools / 'od').write_text(f'''#!/bin/sh
case $* in
*"-N 2 "*)
	head -n 1 {place.path}/ports
	sed -i 1d {place.path}/ports
	;;
*) exec {shutil.which('od')} "$@" ;;
esac
''')
    (tools / 'od').chmod(0o755)
    place.environment['PATH'] = str(tools)


def above_clients(count):
    """So many ports that nobody has, of those that are chosen from."""
    free = []
    while len(free) < count:
        with socket.socket() as sock, contextlib.suppress(OSError):
            port = random.randrange(61000, 65536)
            sock.bind(('127.0.0.1', port))
            free.append(port)
            free = list(dict.fromkeys(free))
    return free


@each_shell
def test_port_taken(t, place):
    """Another is tried where somebody has it, a server or a client."""
    if not shutil.which('nc'):
        t.skip('another port', 'no nc')
        return
    ports = above_clients(5)
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket()) for _ in ports]
        for sock, port in zip(taken[:-1], ports):
            sock.bind(('127.0.0.1', port))
        taken[0].listen()
        chosen_ports(place, *ports)
        shown = []

        def way(target):
            shown.append(target)
            call(target)
            return ''

        run = place.login('--listen', '--client-id', 'public', way=way)
        logged_in(t, place, run, 'four ports that are taken: the fifth')
        t.ok(shown[0].startswith(f'http://127.0.0.1:{ports[-1]}/'),
             '... which is shown', *shown)
        # What was called is not given again at once.
        ports[-1] = above_clients(1)[0]
        taken[-1].bind(('127.0.0.1', ports[-1]))
        chosen_ports(place, *ports)
        run = place.run('--login', '--listen', '--client-id', 'public',
                        ADDRESS)
        fails(t, place, run, 75, f'port {ports[-1]}', 'all of five are taken')
        chosen_ports(place, 61000)
        run = place.run('--login', '--listen', '--client-id', 'public',
                        '--redirect', f'http://localhost:{ports[1]}', ADDRESS)
        fails(t, place, run, 75, f'port {ports[1]}',
              'one that was asked for is not exchanged')


@each_shell
def test_device(t, place):
    box = place.box
    slept = sleepless(place)
    box.device_answers = ['authorization_pending', 'slow_down',
                          'authorization_pending']
    run = place.run('--login', '--device', '--client-id', 'public', ADDRESS)
    logged_in(t, place, run, 'a code that is typed elsewhere logs in')
    t.ok('  WDJB-MJHT\n' in run.err and
         '  https://example.org/device\n' in run.err,
         '... which is shown with its page', run.err)
    t.ok(slept.read_text().split() == ['1', '1', '6', '6'],
         '... asked for no faster than the server wants', slept.read_text())
    prints_token(t, place, place.run(), '... and its token is printed')


def test_device_trouble(t, place):
    """What a server says instead, at once or in the end."""
    box = place.box
    slept = sleepless(place)
    place.run('--login', '--device', '--client-id', 'public', ADDRESS)
    for answers, status, words in (
            (['access_denied'], 78, 'access_denied'),
            (['authorization_pending', 'expired_token'], 77, 'run out')):
        place.box.device_answers = list(answers)
        run = place.run('--login', '--device', ADDRESS)
        t.ok(run.status == status and words in run.err.splitlines()[-1] and
             not shows(place, run.err), f'{answers[-1]}: status {status}',
             run.words())
    box.device_answers = []
    box.played = [(503, 'text/html', b'<html>'), lambda handler: None]
    slept.write_text('')
    run = place.run('--login', '--device', ADDRESS)
    logged_in(t, place, run, 'a server that fails now and then is asked again')
    t.ok(slept.read_text().split() == ['1', '2', '4'], '... less often',
         slept.read_text())


def test_device_runs_out(t, place):
    """The time that the server gives is all there is."""
    place.box.device_answers = ['authorization_pending'] * 1000
    place.box.device = lambda form, real=place.box.device: {
        **real(form), 'expires_in': 2}
    run = place.run('--login', '--device', '--client-id', 'public', ADDRESS)
    t.ok(run.status == 77 and 'run out' in run.err, 'a code runs out',
         run.words())
    asked = len(place.box.requests)
    t.ok(asked < 6, '... and few questions were asked', asked)


def test_device_answers(t, place):
    """What cannot be shown or used is refused."""
    place.box.device = lambda form: {
        'device_code': 'x', 'user_code': 'a\x1b[31m b',
        'verification_uri': 'http://z', 'expires_in': 1}
    run = place.run('--login', '--device', '--client-id', 'public', ADDRESS)
    t.ok('  a?[31m b\n' in run.err and '\x1b' not in run.err,
         'a code is made visible', run.words())
    for changes in ({'user_code': 7}, {'user_code': None}, {'user_code': ''},
                    {'device_code': ''}, {'verification_uri': 7}):
        place.box.device = lambda form, changes=changes: {
            'device_code': 'x', 'user_code': 'y', 'verification_uri': 'z',
            **changes}
        run = place.run('--login', '--device', '--client-id', 'public',
                        ADDRESS)
        fails(t, place, run, 75, 'no token', f'a device code with {changes}')


@each_shell
def test_unattended(t, place):
    box = place.box
    secret = place.path / 'secret'
    secret.write_text('machine secret\n')
    run = place.run('--login', '--unattended', '--client-id', 'machine',
                    '--secret-file', str(secret), ADDRESS)
    logged_in(t, place, run, 'a machine logs in')
    secret.unlink()
    prints_token(t, place, place.run(), '... and has a token')
    before = place.state()['access_token']
    place.expire()
    run = place.run()
    prints_token(t, place, run, '... and another when that has run out')
    t.ok(before not in run.out and
         box.requests[-1]['grant_type'] == 'client_credentials',
         '... by its secret', box.requests[-1])
    box.clients['machine'] = 'a new secret'
    place.expire()
    fails(t, place, place.run(), 77, 'invalid_client',
          'a secret that has run out')
    run = place.run('--login', ADDRESS, answers='a new secret\n')
    t.ok(run.status == 0, 'a second login asks for the secret only',
         run.words())
    box.clients['machine'] = 'machine secret'


@each_shell
def test_terminal(t, place):
    """A secret is not echoed, and ^C leaves no file and a sane terminal."""
    place.table(secret=None)
    for typed in 'no secret\n', '\x03':
        ours, theirs = os.openpty()
        process = place.start(
            '--login', '--unattended', '--client-id', 'machine', ADDRESS,
            stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(
                0, termios.TIOCSCTTY, 0))
        shown = b''
        while b'before):' not in shown:
            shown += os.read(ours, 1000)
        wait_until(lambda: not termios.tcgetattr(theirs)[3] & termios.ECHO)
        os.write(ours, typed.encode())
        status = process.wait(harness.WAIT)
        with contextlib.suppress(BlockingIOError):
            os.set_blocking(ours, False)
            while True:
                shown += os.read(ours, 10000)
        t.ok(status == (78 if typed != '\x03' else 130) and
             b'no secret' not in shown, f'{typed!r}: status {status}', shown)
        t.ok(termios.tcgetattr(theirs)[3] & termios.ECHO and
             not list(place.tokens.glob('.*login*')),
             '... and all is as it was', *place.tokens.iterdir())
        os.close(ours)
        os.close(theirs)


def test_no_stty(t, place):
    """Where the echo cannot be taken away no secret is asked for."""
    place.table(secret=None)
    place.environment['PATH'] = str(place.tools(without=['stty']))
    ours, theirs = os.openpty()
    os.write(ours, b'typed secret\n')
    run = place.run('--login', '--client-id', 'installed', ADDRESS,
                    stdin=theirs, answers=None)
    t.ok(run.status == 69 and 'use --secret-file' in run.err and
         'Client secret' not in run.err, 'no stty(1): status 69', run.words())
    os.close(ours)
    os.close(theirs)


def test_folders_of_others(t, place):
    """Nothing is written where others write too."""
    for mode in 0o777, 0o770:
        folder = place.path / f'{mode:o}'
        folder.mkdir()
        folder.chmod(mode)
        run = place.run('-d', str(folder), '--login', ADDRESS)
        fails(t, place, run, 78, str(folder), f'a folder of mode {mode:o}')
        t.ok(not list(folder.iterdir()), '... and nothing is in it')
    if os.geteuid() == 0:
        os.chown(folder, 1, 1)
        folder.chmod(0o755)
        run = place.run('-d', str(folder), '--login', ADDRESS)
        fails(t, place, run, 78, str(folder), 'a folder of another user')
    run = place.run('--login', '--client-id', 'x', '--secret-file',
                    '/nonexistent', ADDRESS)
    fails(t, place, run, 64, '/nonexistent', 'no file with the secret')


def test_table(t, place):
    """What is installed knows the two by their addresses."""
    (place.path / '.config/sendling/oauth').unlink()
    for address, url, scope in (
            ('a@gmail.com', 'https://accounts.google.com/o/oauth2/v2/auth?',
             'scope=https%3A%2F%2Fmail.google.com%2F'),
            ('a@outlook.com', 'https://login.microsoftonline.com/common/'
             'oauth2/v2.0/authorize?', 'scope=https%3A%2F%2Foutlook.office.com'
             '%2FSMTP.Send%20offline_access')):
        run = place.run('--login', '--client-id', 'x', '--secret-file',
                        '/dev/null', address)
        t.ok(f'  {url}' in run.err and scope in run.err and
             run.status == 64, f'{address}: its endpoint and scope',
             run.words())
    run = place.run('--login', '--provider', 'microsoft', '--tenant',
                    'contoso.example', '--client-id', 'x', ADDRESS)
    t.ok('microsoftonline.com/contoso.example/oauth2' in run.err,
         '--tenant', run.words())
    run = place.run('--login', '--provider', 'microsoft', '--unattended',
                    '--client-id', 'x', '--secret-file', '/dev/null', ADDRESS)
    fails(t, place, run, 64, '--tenant', 'a machine without a tenant')
    run = place.run('--login', '--provider', 'Google', '--client-id', 'x',
                    '--secret-file', '/dev/null', ADDRESS)
    t.ok('  https://accounts.google.com/o/oauth2' in run.err,
         'capital letters do not make it another provider', run.words())
    run = place.run('--login', '--provider', 'gogle', ADDRESS)
    fails(t, place, run, 64, 'no table has the provider gogle',
          'a provider that is misspelt')
    run = place.run('--login', '--device', 'a@gmail.com')
    fails(t, place, run, 64, 'google has no --device',
          'a way that the provider does not have')


def test_page(t, _):
    """The manual page names the options that there are."""
    page = PAGE.read_text()
    named = set(re.findall(r'\bFl (-?[a-z][-a-z]*)', page))
    usage = subprocess.run(['sh', PROGRAM, '--help'], capture_output=True,
                           text=True).stdout
    real = {word.lstrip('-') if len(word) == 2 else word[1:] for word in
            re.findall(r'(?<![-\w])(-d|--[a-z][-a-z]*)', usage)}
    t.ok(named - {'h', '-help'} == real, 'sendling-token(1) has every option',
         named ^ real)
    statuses = set(re.findall(r'^\.It (\d+)$', page, re.M))
    t.ok(statuses == {'0', '64', '69', '75', '77', '78'},
         '... and every status', statuses)



if __name__ == '__main__':
    sys.exit(run_tests(dict(globals())))
