#!/usr/bin/env python3
"""sendling-token against an authorization server over HTTPS: what it prints,
keeps and says, several at once, killed anywhere, and that it shows no secret.

    tests/token.t [WORD ...]    only the tests whose names hold a WORD
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import harness
import home
import smtpd
from tokens import (
    ADDRESS, Done, PROGRAM, SHELLS, browse, children, each_shell, fails,
    hurried, prints_token, run_tests, set_up, shows, wait_until)


# Refreshing

@each_shell
def test_refresh(t, place):
    box = place.box
    first = set_up(t, place)
    for left, refreshed in ((3000, False), (310, False), (200, True)):
        place.change(obtained=int(time.time()) - 3600 + left)
        before, asked = place.state(), len(box.requests)
        run = place.run()
        prints_token(t, place, run, f'a token with {left} seconds left')
        t.ok((len(box.requests) - asked, run.out.strip() !=
              before['access_token']) == (refreshed, refreshed),
             '... is renewed' if refreshed else '... is used', run.out)
    t.ok(place.state()['refresh_token'] != first['refresh_token'],
         'a refresh token that rotates is kept')
    place.expire()
    prints_token(t, place, place.run(), '... and serves the next time')
    box.rotates = False
    kept = place.state()['refresh_token']
    for _ in range(2):
        place.expire()
        prints_token(t, place, place.run(), 'one that does not rotate')
    t.ok(place.state()['refresh_token'] == kept, '... stays')
    box.rotates = True
    place.tokens.chmod(0o700)
    t.ok(sorted(path.name for path in place.tokens.iterdir()) ==
         [f'.{ADDRESS}.lock', ADDRESS], 'nothing else is left behind',
         *place.tokens.iterdir())


def test_short_lives(t, place):
    """Tokens of few seconds are printed, as those without a time."""
    for given in ({'expires_in': 0}, {'expires_in': -5}, {'expires_in': '60'},
                  {'expires_in': None}, {}, {'expires_in': 'soon'},
                  {'expires_in': 1e99}):
        set_up(t, place)
        place.expire()
        place.box.access_tokens['short'] = 'public'
        place.box.played = [(200, 'application/json', json.dumps(
            {'access_token': 'short', 'token_type': 'bearer',
             **given}).encode())]
        prints_token(t, place, place.run(), f'a token of {given}')


def test_refused(t, place):
    """The server of mail refused the token: another one, once for all."""
    first = set_up(t, place)
    refused = {'SENDLING_TOKEN_REFUSED': '1'}
    asked = len(place.box.requests)
    run = place.run(environment=refused)
    prints_token(t, place, run, 'SENDLING_TOKEN_REFUSED=1')
    t.ok(run.out.strip() != first['access_token'] and
         len(place.box.requests) == asked + 1, '... asks for another one')
    run = place.run(environment={'SENDLING_TOKEN_REFUSED': '0'})
    t.ok(len(place.box.requests) == asked + 1, '... but 0 does not')


@each_shell
def test_at_once(t, place):
    """Ten at once refresh once, and all have the token."""
    box = place.box
    set_up(t, place)
    rounds = {'flock': [(10, '')]}
    if place.shell == SHELLS[0]:
        rounds = {'flock': [(2, ''), (10, ''), (3, '1')],
                  'links': [(10, ''), (3, '1')]}
    for kind, round_ in rounds.items():
        without = () if kind == 'flock' else ('flock',)
        place.environment['PATH'] = str(place.tools(without=without))
        for count, forced in round_:
            if not forced:
                place.expire()
            asked = len(box.requests)
            box.asked.clear()
            hold = box.hold = threading.Event()
            started = [place.start(ADDRESS, environment={
                'SENDLING_TOKEN_REFUSED': forced}) for _ in range(count)]
            box.asked.wait(harness.WAIT)
            if forced:
                asleep = set()
                wait_until(lambda: waiting(started, asleep) == count - 1)
            box.hold = None
            hold.set()
            runs = [Done(process, *process.communicate(timeout=harness.WAIT))
                    for process in started]
            said = {run.out for run in runs}
            t.ok(len(said) == 1 and said.pop().strip() in box.access_tokens
                 and len(box.requests) == asked + 1 and
                 all(run.status == 0 for run in runs),
                 f'{kind}: {count} at once{" that were refused" * bool(forced)}'
                 ' ask once', len(box.requests) - asked,
                 *(run.words() for run in runs))


def waiting(started, asleep):
    """How many of them have been seen to sleep until the lock is free."""
    for process in started:
        for pid in children(process.pid):
            with contextlib.suppress(OSError):
                words = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
                if words.startswith(b'sleep\0'):
                    asleep.add(process.pid)
    return len(asleep)


# Errors

HTML = b'<!DOCTYPE html><html><body>\x1b[31mproxy</body></html>'


def sleep_long(handler):
    handler.box.asked.wait(1)
    time.sleep(60)


def test_errors(t, place):
    """Each is one line, with a status that says what kind it is."""
    box = place.box
    set_up(t, place)
    place.expire()
    kind = 'application/json'
    command = f"log in with `sendling-token --login {ADDRESS}'"

    def error(word, description='', status=400):
        return (status, kind, json.dumps(
            {'error': word, 'error_description': description}).encode())

    secret = place.state()['refresh_token']
    cases = [
        (error('invalid_grant', 'Token is\r\nTrace: 1'), 77,
         'invalid_grant: Token is (HTTP 400 application/json): ' + command),
        (error('interaction_required', 'x'), 77, command),
        (error('invalid_client', 'AADSTS7000222', 401), 77,
         'refused: invalid_client: AADSTS7000222'),
        (error('invalid_scope'), 77, 'refused: invalid_scope'),
        (error('a\x1b[31m\x07\u202eb\x9b', '\x1b]0;x\x07'), 77, 'a?[31m??b?'),
        (error('x' * 1000000), 75, ''),
        (error('x' * 5000), 77, 'x' * 300 + ';'),
        (error('invalid_grant', 'you said ' + secret), 77,
         'you said [secret]'),
        (error('temporarily_unavailable'), 75, 'temporarily_unavailable'),
        (error('server_error'), 75, 'server_error'),
        (error('invalid_grant', '', 503), 75, 'HTTP 503'),
        (error('slow', '', 429), 75, 'HTTP 429'),
        ((200, 'text/html', HTML), 75, 'no token (HTTP 200 text/html)'),
        ((500, 'text/html', HTML), 75, 'no token (HTTP 500 text/html)'),
        ((404, 'text/html', HTML), 75, 'HTTP 404'),
        ((200, kind, b''), 75, 'no token (HTTP 200'),
        ((200, None, b''), 75, 'no token (HTTP 200 )'),
        ((200, kind, b'[1]'), 75, 'no token'),
        ((200, kind, b'{}'), 75, 'no token'),
        ((200, kind, b'null'), 75, 'no token'),
        ((200, kind, b'[' * 60000), 75, 'no token'),
        ((200, kind, b'{"access_token": "a", "token_type": 7}'), 75,
         'a token of no use'),
        ((400, kind, b'{"error": 7}'), 75, 'no token'),
        (error('invalid_grant', 7), 77, 'invalid_grant (HTTP 400'),
        ((200, kind, b'{"access_token": "a b"}'), 75, 'a token of no use'),
        ((200, kind, b'{"access_token": "a\\nb"}'), 75, 'a token of no use'),
        ((200, kind, b'{"access_token": ["a"]}'), 75, 'a token of no use'),
        ((200, kind, b'{"access_token": "a", "token_type": "mac"}'), 75,
         'a token of no use'),
        ((200, kind, b'\0\xff' * 100), 75, 'no token'),
        ((200, kind + ';\x1b[31m', b'{'), 75, 'no token'),
        ((302, kind, b'{"access_token": "a"}'), 75, 'HTTP 302'),
        ((200, kind, b' ' * 3000000), 75, ''),
        (lambda handler: None, 75, 'no token now: '),
    ]
    for played, status, words in cases:
        box.played = [played]
        sentence = words if callable(played) else \
            f'{played[0]} {played[1]!a} {played[2][:60]!a}'
        fails(t, place, place.run(), status, words, sentence)
    t.ok(place.state()['refresh_token'] == secret, 'what is kept stays')
    box.played = []
    prints_token(t, place, place.run(), '... and is good for the next time')
    place.expire()
    box.played = [(200, 'text/plain', json.dumps(
        box.tokens('public')).encode())]
    prints_token(t, place, place.run(), 'a token of another type is taken')


def test_redirects(t, place):
    """Nothing is sent after one."""
    set_up(t, place)
    place.expire()
    asked = len(place.box.requests)
    place.box.played = [lambda handler: handler.answer(
        307, 'text/html', b'', Location=place.box.url + '/token')]
    fails(t, place, place.run(), 75, 'HTTP 307', 'a redirection')
    t.ok(len(place.box.requests) == asked + 1, '... is not followed')


def test_network(t, place):
    """What a network does: later, but never without TLS that is right."""
    set_up(t, place)
    good = place.state()
    for sentence, url, environment, words in (
            ('nobody listens', 'https://localhost:1/token', {}, 'onnect'),
            ('no such name', 'https://nowhere.invalid/token', {}, 'resolve'),
            ('an authority that is not trusted', place.box.url + '/token',
             {'CURL_CA_BUNDLE': '/etc/ssl/certs/ca-certificates.crt'},
             'certificate'),
            ('a name that is not the certificate\'s', place.box.url.replace(
                'localhost', '127.0.0.1') + '/token', {}, '127.0.0.1')):
        place.change(obtained=1, token_endpoint=url)
        asked = len(place.box.requests)
        run = place.run(environment=environment)
        fails(t, place, run, 75, words, sentence)
        t.ok(len(place.box.requests) == asked, '... and nothing was sent')
    (place.path / '.curlrc').write_text('insecure\n')
    place.change(token_endpoint=place.box.url.replace('localhost', '127.0.0.1')
                 + '/token')
    fails(t, place, place.run(), 75, '127.0.0.1', '~/.curlrc changes nothing')
    place.change(token_endpoint=good['token_endpoint'])
    keys = place.path / 'keys'
    prints_token(t, place, place.run(environment={'SSLKEYLOGFILE': str(keys)}),
                 'SSLKEYLOGFILE')
    t.ok(not keys.exists(), '... has no effect')


def test_silence(t, place):
    """A server that says nothing holds nobody for long."""
    set_up(t, place)
    place.expire()
    place.program = hurried(place, lock_wait=1, server_wait=2)
    place.box.asked.clear()
    place.box.hold = threading.Event()
    process = place.start(ADDRESS)
    place.box.asked.wait(harness.WAIT)
    fails(t, place, place.run(environment={'SENDLING_TOKEN_REFUSED': '1'}), 75,
          'another sendling-token', 'one who waits for the lock gives up')
    run = Done(process, *process.communicate(timeout=harness.WAIT))
    place.box.hold.set()
    place.box.hold = None
    fails(t, place, run, 75, 'timed out', 'a silent server')


def test_tools(t, place):
    """Who lacks one is told which package to install."""
    set_up(t, place)
    for tool in 'curl', 'jq':
        place.environment['PATH'] = str(place.tools(without=[tool]))
        fails(t, place, place.run(), 69, f'install the package {tool}',
              f'no {tool}(1)')


# What is kept

def test_kept(t, place):
    """A file that is not there, not ours alone, or none of ours."""
    fails(t, place, place.run(), 77, f'`sendling-token --login {ADDRESS}\'',
          'nobody has logged in')
    set_up(t, place)
    for mode in (0o640, 0o604, 0o620, 0o602):
        place.kept.chmod(mode)
        fails(t, place, place.run(), 78, str(place.kept),
              f'what is kept has mode {mode:o}')
    place.kept.chmod(0o600)
    for mode in (0o770, 0o707):
        place.tokens.chmod(mode)
        fails(t, place, place.run(), 78, str(place.tokens),
              f'the folder has mode {mode:o}')
    place.tokens.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(place.kept, 1, 1)
        fails(t, place, place.run(), 78, str(place.kept),
              'what is kept is another\'s')
        os.chown(place.kept, 0, 0)
    good = place.kept.read_text()
    moved = place.path / 'moved'
    place.kept.rename(moved)
    place.kept.symlink_to(moved)
    fails(t, place, place.run(), 78, str(place.kept), 'what is kept is a link')
    place.kept.unlink()
    for text in ('', '{', '[]', good[:100], 'null', '{"serial": "x"}'):
        place.kept.write_text(text)
        place.kept.chmod(0o600)
        run = place.run()
        t.ok(run.status in (75, 77) and run.one_line(),
             f'what is kept is {text[:8]!r}', run.words())
    place.kept.write_text(good)
    for address in ('', '../x', '-x', '.x', 'a b', 'a\nb', 'a\x1bb', 'x' * 300):
        run = place.run('--', address) if not address else place.run(address)
        t.ok(run.status == 64 and '\x1b' not in run.err and run.out == '',
             f'an address like {address[:8]!r}: status 64', run.words())


def test_folder(t, place):
    """Another folder, for a machine; its command says so."""
    folder = place.path / 'system'
    run = place.run('-d', str(folder), ADDRESS)
    fails(t, place, run, 77, f"`sendling-token -d {folder} --login {ADDRESS}'",
          'another folder')
    run = place.login('-d', str(folder), '--client-id', 'public')
    t.ok(run.status == 0 and (folder / ADDRESS).exists(), '... is logged in',
         run.words())
    prints_token(t, place, place.run('-d', str(folder), ADDRESS), '... prints')
    del place.environment['XDG_DATA_HOME'], place.environment['HOME']
    run = place.run()
    fails(t, place, run, 64, 'no HOME', 'no HOME')
    prints_token(t, place, place.run('-d', str(folder), ADDRESS),
                 '... but a folder')


@each_shell
def test_variables(t, place):
    """The names of our own variables mean nothing in the environment."""
    victim = place.path / 'victim'
    victim.write_text('precious')
    with subprocess.Popen(['sleep', '60']) as other:
        run = place.run(environment={
            'held': str(victim), 'nc': str(other.pid), 'terminal': 'sane',
            'folder': '/', 'kept': str(victim), 'action': 'login'})
        fails(t, place, run, 77, 'nobody has logged in', 'such variables')
        t.ok(victim.exists(), '... remove no file')
        t.ok(other.poll() is None, '... and end no process')
        other.kill()


def test_usage(t, place):
    for argv in ((), ('a@b', 'c@d'), ('--what', 'a@b'), ('-d',),
                 ('--what-endpoint', 'x', 'a@b'), ('--login',)):
        run = place.run(*argv) if argv else place.run('-d', '/')
        t.ok(run.status == 64 and 'usage: ' in run.err and run.out == '',
             f'{argv}: status 64', run.words())
    run = place.run('--help')
    t.ok(run.status == 0 and run.out.startswith('usage: '), '--help',
         run.words())
    for endpoint in ('http://localhost/', 'ftp://x', 'https://', 'x',
                     'https://a"b', 'https://a b', 'https://a\\b'):
        run = place.run('--login', '--unattended', '--client-id', 'x',
                        '--token-endpoint', endpoint, ADDRESS)
        fails(t, place, run, 64, 'https://', f'the endpoint {endpoint!r}')


# Kills

KILLER = '''#!/bin/sh
n=1
until mkdir {folder}/count/$n 2>/dev/null; do n=$((n + 1)); done
echo "$n {name}" >>{folder}/names
test $n != "$DIE_BEFORE" || kill -9 -$GROUP
{program} "$@"
status=$?
test $n != "$DIE_AFTER" || kill -9 -$GROUP
exit $status
'''


def deadly(place, names):
    """A PATH whose tools end all of the run by SIGKILL before the nth of their
    calls, or after it."""
    tools = place.tools(without=names)
    for name in names:
        (tools / name).write_text(KILLER.format(
            folder=place.path, name=name, program=shutil.which(name)))
        (tools / name).chmod(0o755)
    place.environment['PATH'] = str(tools)


def run_deadly(place, **when):
    shutil.rmtree(place.path / 'count', ignore_errors=True)
    (place.path / 'count').mkdir()
    # The number of the group is that of the process that leads it.
    shell = 'GROUP=$$; export GROUP; exec ' + ' '.join(place.shell) + ' "$@"'
    process = subprocess.Popen(
        ['/bin/sh', '-c', shell, 'sh', PROGRAM, ADDRESS],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**place.environment, 'DIE_BEFORE': '', 'DIE_AFTER': '', **when},
        start_new_session=True)
    return Done(process, *process.communicate(timeout=harness.WAIT))


def test_killed(t, place):
    """By SIGKILL, with all its children, before and after each call of a tool
    that changes something: a server that takes no refresh token twice gives
    the next one a token, whatever was lost on the way."""
    names = ('mv', 'rm', 'sync', 'curl', 'jq', 'touch', 'head')
    set_up(t, place)
    path = place.environment['PATH']
    deadly(place, names)
    place.expire()
    (place.path / 'names').unlink(missing_ok=True)
    run = run_deadly(place)
    prints_token(t, place, run, 'nobody is killed')
    calls = (place.path / 'names').read_text().splitlines()
    worst = []
    # Before a call is after the last, but for what the shell opens.
    deaths = [('DIE_AFTER', n) for n in range(1, len(calls) + 1)] + [
        ('DIE_BEFORE', n) for n, call in enumerate(calls, 1)
        if call.split()[1] in ('mv', 'curl', 'head')]
    for when, n in deaths:
        place.expire()
        killed = run_deadly(place, **{when: str(n)})
        json.loads(place.kept.read_text())
        after = place.run(environment={'PATH': path})
        if after.status != 0 or killed.status != -signal.SIGKILL or \
                after.out.strip() not in place.box.access_tokens:
            worst.append(f'{when} {calls[n - 1]}: {killed.status} '
                         f'{after.words()}')
    t.ok(not worst and len(deaths) > 15, f'killed at {len(deaths)} places, '
         'and a token the next time', *worst)
    place.environment['PATH'] = path
    place.expire()
    place.run()
    left = sorted(p.name for p in place.tokens.iterdir())
    t.ok(left == [f'.{ADDRESS}.lock', ADDRESS], '... and nothing stays behind',
         *left)


@each_shell
def test_killed_alone(t, place):
    """The shell alone is killed while the server thinks: what it then gives is
    not lost."""
    box = place.box
    set_up(t, place)
    for number in signal.SIGKILL, signal.SIGTERM, signal.SIGINT:
        place.expire()
        box.asked.clear()
        hold = box.hold = threading.Event()
        asked = len(box.requests)
        process = place.start(ADDRESS, preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler))
        box.asked.wait(harness.WAIT)
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait()
        box.hold = None
        hold.set()
        process.communicate(timeout=harness.WAIT)
        prints_token(t, place, place.run(), f'after signal {number}')
        t.ok(len(box.requests) == asked + 1, '... without asking again',
             len(box.requests) - asked)


def test_stale_link(t, place):
    """Without flock(1): a lock of one who was killed long ago is broken, one
    of a moment ago is waited for."""
    set_up(t, place)
    place.environment['PATH'] = str(place.tools(without=['flock']))
    held = place.tokens / f'.{ADDRESS}.lock.held'
    place.expire()
    place.program = hurried(place, lock_wait=1)
    held.write_text(f'{int(time.time())}\n')
    fails(t, place, place.run(), 75, 'another sendling-token',
          'a lock of just now')
    for text in (f'{int(time.time()) - 100}\n', f'{int(time.time()) + 1000}\n',
                 ''):
        held.write_text(text)
        place.expire()
        prints_token(t, place, place.run(), f'a lock of {text!r} is broken')
        t.ok(not held.exists(), '... and given back',
             *place.tokens.iterdir())


def test_synced(t, place):
    """What is new is on the disk before it stands in for the old."""
    if not shutil.which('strace') or os.geteuid() != 0:
        return t.skip('the order of fsync and rename', 'no strace')
    set_up(t, place)
    place.expire()
    trace = place.path / 'trace'
    run = subprocess.run(
        ['strace', '-f', '-qq', '-y', '-o', trace, '-e',
         'trace=fsync,rename,renameat,renameat2', *place.shell, PROGRAM,
         ADDRESS], env=place.environment, text=True, capture_output=True)
    order = [re.sub(r'.*?(fsync|rename)\w*\(.*', r'\1', line) +
             (' folder' if f'{place.tokens}>' in line else '')
             for line in trace.read_text().splitlines()
             if ' = -1 ' not in line and
             (ADDRESS in line or f'{place.tokens}>' in line)]
    t.ok(run.returncode == 0 and
         order == ['fsync', 'rename', 'fsync folder'],
         'fsync, rename, fsync of the folder', *order, trace.read_text())


def test_full(t, place):
    """A full disk is told before a refresh token is spent."""
    set_up(t, place)
    place.expire()
    asked = len(place.box.requests)
    tools = place.tools(without=['yes'])
    (tools / 'yes').write_text('#!/bin/sh\nexec cat /dev/zero\n')
    (tools / 'yes').chmod(0o755)
    (tools / 'head').unlink()
    # What head(1) does there.
    (tools / 'head').write_text(
        '#!/bin/sh\necho x >/dev/full\n')
    (tools / 'head').chmod(0o755)
    run = place.run(environment={'PATH': str(tools)})
    fails(t, place, run, 75, 'cannot write to', 'a full disk')
    t.ok(len(place.box.requests) == asked, '... and nobody was asked')
    prints_token(t, place, place.run(), '... and later all is well')


# Runs the arguments behind it where the folder $1, with the file $2 in it, is a
# disk that is full; what is left there goes to standard output.
FULL_DISK = '''
mount -t tmpfs -o size=64k,mode=700 none "$1" &&
    cp -p "$2" "$1" && : >"$1/filler" && : >"$1/$3" || exit 99
cat /dev/zero >"$1/filler" 2>/dev/null
folder=$1
shift 3
"$@"
status=$?
ls -A "$folder"
exit $status
'''


@each_shell
def test_full_disk(t, place):
    """A real one: what is said is true, and nothing of ours stays behind."""
    if not home.can_mount():
        return t.skip('a disk that is full', 'no private mount namespace')
    set_up(t, place)
    place.expire()
    asked = len(place.box.requests)
    copy = place.path / ADDRESS
    shutil.copy(place.kept, copy)
    for without in (), ('flock',):
        path = place.tools(without=without)
        run = subprocess.run(
            ['unshare', '-m', 'sh', '-c', FULL_DISK, 'sh', place.tokens, copy,
             f'.{ADDRESS}.lock', 'env', f'PATH={path}', *place.shell,
             PROGRAM, ADDRESS], text=True, capture_output=True,
            env={**place.environment, 'PATH': os.environ['PATH']})
        t.ok(run.returncode == 75 and f'cannot write to {place.tokens}' in
             run.stderr and run.stderr.count('\n') == 1,
             f'a disk that is full, without {without}: status 75',
             run.returncode, run.stderr)
        t.ok(sorted(run.stdout.split()) == sorted(
            [ADDRESS, f'.{ADDRESS}.lock', 'filler']),
            '... and nothing is left there', run.stdout)
    t.ok(len(place.box.requests) == asked, '... and nobody was asked')
    prints_token(t, place, place.run(), '... and later all is well')


def test_no_links(t, place):
    """Without flock(1), on a file system that makes no links: a locked door is
    not said to be somebody else."""
    set_up(t, place)
    place.expire()
    tools = place.tools(without=['flock', 'ln'])
    (tools / 'ln').symlink_to('/bin/false')
    place.environment['PATH'] = str(tools)
    place.program = hurried(place, lock_wait=1)
    fails(t, place, place.run(), 75, 'cannot make a link', 'no links')


# Secrets

def watch(process, texts):
    """What any process of the run has in arguments and environment."""
    for pid in children(process.pid):
        for name in 'cmdline', 'environ':
            with contextlib.suppress(OSError):
                texts.add((name, pathlib.Path(
                    f'/proc/{pid}/{name}').read_bytes()))


@each_shell
def test_shown_nowhere(t, place):
    """While the server thinks, at each request of each way, all processes are
    looked at; with a caller who exports whatever is set, and traces."""
    box = place.box
    place.table(secret=None)
    secret = place.path / 'secret'
    secret.write_text(box.clients['machine'])
    login = ['--login', '--client-id', 'machine']
    in_file = ['--secret-file', str(secret)]
    seen, outputs, looked = set(), [], []

    def look(handler):
        watch(process, seen)
        looked.append(handler.path)
        raise_none(handler)

    def raise_none(handler):
        with box.lock:
            answer = box.token(box.requests[-1])
        handler.answer_json(200, answer)

    for argv in (login + in_file + ['--unattended', ADDRESS],
                 login + in_file + ['--device', ADDRESS], [ADDRESS],
                 login + ['--paste', ADDRESS], [ADDRESS]):
        box.played = [look]
        process = place.start(*argv, environment={
            'SHELLOPTS': 'xtrace:allexport', 'reply': 'x', 'why': 'x',
            'words': 'x', 'SENDLING_TOKEN_REFUSED': '1'})
        err = ''
        if '--paste' in argv:
            process.stdin.write(box.clients['machine'] + '\n')
            process.stdin.flush()
            for line in process.stderr:
                err += line
                if line.startswith(f'  {box.url}/authorize?'):
                    break
            watch(process, seen)
            process.stdin.write(browse(line.strip()) + '\n')
        out, rest = process.communicate(timeout=harness.WAIT)
        outputs.append(err + rest)
        if '--login' in argv:
            outputs.append(out)
        t.ok(process.returncode == 0, f'{argv[-2:]}: status 0', err + rest)
    texts = [text.decode(errors='replace') for _, text in seen]
    shown = [line for text in outputs for line in text.splitlines()
             if shows(place, line) and not line.startswith('+')]
    t.ok(len(looked) == 5 and any('curl' in text for text in texts),
         'each request was looked at', looked, len(texts))
    found = [text for text in texts if shows(place, text)]
    t.ok(not found, 'no secret is in arguments or environment', *found[:3])
    t.ok(not shown, 'no secret is said', *shown[:3])
    t.ok(not [text for text in outputs if shows(place, text)],
         'no trace shows one', *outputs[:1])





# With sendling

MESSAGE = (b'From: alice@example.org\r\nTo: bob@example.com\r\nSubject: hi\r\n'
           b'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@x.org>'
           b'\r\n\r\nHello.\r\n')


def send(place, server, *lines, environment=()):
    """A mail by sendling, whose password-command is the script."""
    config = harness.write_config(place.path, server.config(
        f'password-command {PROGRAM} {ADDRESS}', 'log off', *lines))
    done = subprocess.run(
        [harness.SENDLING, '-C', config, 'bob@example.com'], input=MESSAGE,
        env={**place.environment, **dict(environment)}, capture_output=True,
        timeout=harness.WAIT)
    server.settle()
    mails = [mail for mail, _ in server.took]
    server.clear()
    return done, mails


def test_sendling(t, place):
    """From the authorization server to a mail that has gone."""
    box = place.box
    set_up(t, place)
    with smtpd.Server(place.certificate, tokens=box.access_tokens,
                      users={ADDRESS: None}) as server:
        for auth in 'XOAUTH2', 'OAUTHBEARER':
            place.expire()
            done, mails = send(place, server, f'auth {auth}')
            t.ok(done.returncode == 0 and mails == [MESSAGE] and
                 not done.stderr and not server.faults,
                 f'auth {auth}: a mail goes with a fresh token', done, mails,
                 *server.faults)
        asked = len(box.requests)
        done, mails = send(place, server, 'auth XOAUTH2')
        t.ok(done.returncode == 0 and len(box.requests) == asked,
             'the next mail goes with the same', done)
        box.access_tokens.clear()
        done, mails = send(place, server, 'auth XOAUTH2')
        t.ok(done.returncode == 0 and mails == [MESSAGE] and
             len(box.requests) == asked + 1,
             'a token that is refused is replaced in the same session', done)
        place.expire()
        box.forget_refresh_tokens()
        done, mails = send(place, server, 'auth XOAUTH2')
        said = done.stderr.decode()
        t.ok(done.returncode == 78 and not mails and
             f"`sendling-token --login {ADDRESS}'" in said and
             not shows(place, said), 'who must log in is told so: status 78',
             done)
        place.change(token_endpoint='https://localhost:1/token')
        done, mails = send(place, server, 'auth XOAUTH2')
        said = done.stderr.decode()
        t.ok(done.returncode == 75 and not mails and
             'no token now' in said and 'status 75' in said,
             'without a network the mail is put off: status 75', done)


if __name__ == '__main__':
    sys.exit(run_tests(dict(globals())))
