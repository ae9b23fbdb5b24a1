"""What token.t and token-login.t share: sendling-token in homes that know the
authorization server of oauthd.py."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

import harness
import home
import oauthd

PROGRAM = harness.TESTS.parent / 'cmd/sendling-token'
ADDRESS = 'alice@example.org'
SHELLS = [(shutil.which(shell[0]), *shell[1:]) for shell in (
    ('dash',), ('bash',), ('busybox', 'sh')) if shutil.which(shell[0])]
TOOLS = set('awk cat curl cut date dirname find flock head id jq ln mkdir mkfifo '
            'mv nc od rm sed sha256sum sleep stty sync touch tr yes'.split())
APPLETS = shutil.which('busybox') and subprocess.run(
    ['busybox', '--list'], capture_output=True, text=True).stdout.split()
BROWSER = ssl.create_default_context()


class Done:
    def __init__(self, process, out, err):
        self.status, self.out, self.err = process.returncode, out, err

    def words(self):
        return f'status {self.status}\nstdout: {self.out}\nstderr: {self.err}'

    def one_line(self):
        return self.out == '' and re.fullmatch(
            r'sendling-token: [ -~]+\n', self.err)


class Place:
    """A home with a table that knows the server, and runs in it."""

    def __init__(self, folder, box, certificate):
        self.path = pathlib.Path(tempfile.mkdtemp(dir=folder))
        self.box = box
        self.shell, self.program = SHELLS[0], PROGRAM
        self.tokens = self.path / 'data/sendling/tokens'
        self.kept = self.tokens / ADDRESS
        self.environment = {
            'PATH': os.environ['PATH'], 'HOME': str(self.path),
            'XDG_DATA_HOME': str(self.path / 'data'),
            'CURL_CA_BUNDLE': str(pathlib.Path(certificate).with_name(
                'ca.pem'))}
        self.table()

    def table(self, **changes):
        table = self.path / '.config/sendling/oauth'
        table.parent.mkdir(parents=True, exist_ok=True)
        rows = {'domains': 'example.net EXAMPLE.org example.org',
                'authorization': self.box.url + '/authorize',
                'token': self.box.url + '/token',
                'device': self.box.url + '/device', 'secret': 'no',
                'scope': self.box.scope, 'unattended': self.box.scope,
                **changes}
        table.write_text(''.join(f'test  {name}   {value}\n' for name, value
                                 in rows.items() if value is not None))

    def start(self, *argv, **more):
        environment = {**self.environment, **more.pop('environment', {})}
        for name in 'stdin', 'stdout', 'stderr':
            more.setdefault(name, subprocess.PIPE)
        return subprocess.Popen([*self.shell, self.program, *argv], text=True,
                                env=environment, errors='replace', **more)

    def run(self, *argv, answers='', **more):
        process = self.start(*argv or (ADDRESS,), **more)
        out, err = process.communicate(answers, timeout=harness.WAIT)
        return Done(process, out, err)

    def state(self):
        return json.loads(self.kept.read_text())

    def change(self, **values):
        self.kept.write_text(json.dumps({**self.state(), **values}))

    def expire(self):
        self.change(obtained=1)

    def login(self, *argv, way=None, answers=()):
        """A whole login, with a browser where it wants one."""
        process = self.start('--login', *argv, ADDRESS)
        for answer in answers:
            process.stdin.write(answer + '\n')
            process.stdin.flush()
        seen = ''
        for line in process.stderr:
            seen += line
            if line.startswith(f'  {self.box.url}/authorize?'):
                break
        else:
            process.wait()
            return Done(process, process.stdout.read(), seen)
        target = browse(line.strip())
        answer = (way or str)(target)
        out, err = process.communicate(answer and answer + '\n',
                                       timeout=harness.WAIT)
        return Done(process, out, seen + err)

    def tools(self, *, without=()):
        """A PATH of the tools that are needed alone, BusyBox's where the shell
        is."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.path))
        for name in TOOLS - set(without):
            program = shutil.which(name)
            if len(self.shell) > 1 and name in APPLETS:
                program = self.shell[0]
            if program:
                (folder / name).symlink_to(program)
        return folder


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def browse(url):
    """Where the authorization server sends a browser."""
    opener = urllib.request.build_opener(
        Stay, urllib.request.HTTPSHandler(context=BROWSER))
    try:
        opener.open(url, timeout=harness.WAIT)
    except urllib.error.HTTPError as answer:
        return answer.headers['Location'] or answer.read().decode()
    return None


def shows(place, *texts):
    """The secrets of the server that are seen in these."""
    return [secret for secret in place.box.secrets for text in texts
            if secret in text]


def prints_token(t, place, run, sentence):
    """A token that the server knows, as one line and nothing else."""
    return t.ok(run.status == 0 and run.err == '' and
                run.out.endswith('\n') and
                run.out[:-1] in place.box.access_tokens and
                not place.box.faults, sentence, run.words(),
                *place.box.faults)


def fails(t, place, run, status, words, sentence):
    """With one line that holds these words, and no secret."""
    return t.ok(run.status == status and run.one_line() and
                words in run.err and not shows(place, run.err),
                f'{sentence}: status {status}', run.words(), f'not: {words}',
                *place.box.faults)


def logged_in(t, place, run, sentence):
    return t.ok(run.status == 0 and run.out == '' and
                run.err.endswith(': logged in\n') and
                not shows(place, run.err) and not place.box.faults and
                not list(place.tokens.glob('.*login*')),
                sentence, run.words(), *place.box.faults,
                *os.listdir(place.path))


def each_shell(test):
    """The test once for each of them; a place has one."""
    def run(t, place):
        for shell in SHELLS:
            fresh = Place(place.path, place.box, place.certificate)
            fresh.certificate = place.certificate
            fresh.shell = shell
            fresh.environment['PATH'] = str(fresh.tools())
            t.prefix = os.path.basename(shell[0]) + ': '
            test(t, fresh)
        t.prefix = ''
    return run


def sleepless(place):
    """A PATH whose sleep(1) takes no time and leaves how long it was to be."""
    tools = place.tools(without=['sleep'])
    (tools / 'sleep').write_text(
        f'#!/bin/sh\necho "$1" >>{place.path}/slept\n')
    (tools / 'sleep').chmod(0o755)
    place.environment['PATH'] = str(tools)
    return place.path / 'slept'


def set_up(t, place):
    run = place.login('--client-id', 'public')
    if run.status != 0:
        t.ok(False, 'a login before', run.words())
    return place.state()


def wait_until(condition):
    end = time.monotonic() + harness.WAIT
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


def children(pid):
    """All below this process, and it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in os.listdir(f'/proc/{pid}/task'):
            path = pathlib.Path(f'/proc/{pid}/task/{task}/children')
            for child in path.read_text().split():
                found += children(int(child))
    return found


def hurried(place, **changes):
    """A copy of the program with other limits, which its head has."""
    folder = place.path / 'hurried'
    folder.mkdir()
    text = PROGRAM.read_text()
    for name, value in changes.items():
        text, count = re.subn(rf'\b{name}=\d+', f'{name}={value}', text)
        assert count == 1, name
    program = folder / 'sendling-token'
    program.write_text(text)
    return program


class Tap(harness.Tap):
    prefix = ''

    def ok(self, good, sentence, *more):
        return super().ok(good, self.prefix + sentence, *more)


def run_tests(tests):
    """Runs the functions called test_... of these names, with a place each."""
    for tool in 'curl', 'jq', 'openssl':
        if not shutil.which(tool):
            harness.skip_all(f'{tool}(1) is missing')
    t = Tap()
    with tempfile.TemporaryDirectory() as folder:
        certificate = harness.make_certificates(folder)
        BROWSER.load_verify_locations(f'{folder}/ca.pem')
        for name, test in tests.items():
            if not name.startswith('test_') or home.SANITIZED and \
                    name != 'test_sendling' or sys.argv[1:] and \
                    not any(word in name for word in sys.argv[1:]):
                continue
            t.note(name)
            with oauthd.Server(certificate) as box:
                place = Place(folder, box, certificate)
                place.certificate = certificate
                start = time.monotonic()
                try:
                    test(t, place)
                except Exception:  # the tests behind it are run all the same
                    t.ok(False, f'{name} died', traceback.format_exc())
                t.prefix = ''
                if os.environ.get('TEST_TIMES'):
                    t.note(f'{name}: {time.monotonic() - start:.1f} s')
    for shell in 'dash', 'bash', 'busybox':
        if not shutil.which(shell):
            t.skip(f'all of this in {shell}', f'{shell} is missing')
    return t.end()
