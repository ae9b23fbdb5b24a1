#!/usr/bin/env python3
"""What programs are told: with --json each mode prints one object in one line,
by the schema in sendling-json(7), whatever happens; and so it is with the lines
of a log of objects.

    tests/json.t [WORD ...]    only the tests whose names hold a WORD
"""

import base64
import functools
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import harness
import tickets
from home import (HANG, LARGE, MESSAGE, MS_BIND, SANITIZED, SERVE, can_mount,
                  in_order, journal, mount,
                  private_mounts, run_tests, syslog)
from smtpd import Server

BOB, ANN, NO = 'bob@example.org', 'ann@example.org', 'no@example.org'
PAGE = harness.TESTS.parent / 'man/sendling-json.7'
LIBRARY = pathlib.Path(os.environ.get(
    'STARVE_LIBRARY', harness.TESTS.parent / 'build/tests/starve.so'))
# What no terminal and no reader of JSON likes to see.
ODD = 'odd "\\\x1b[31m\udcff\u00fc\t\u2028\u202e words'
KINDS = {dict: 'object', list: 'array', str: 'string', bool: 'boolean',
         type(None): 'null'}


def schema_of_page():
    block = re.search(r'^\.Sh SCHEMA\n.*?^\.Bd -literal\n(.*?)^\.Ed',
                      PAGE.read_text(), re.M | re.S).group(1)
    return json.loads(block)


SCHEMA = schema_of_page()


class Wrong(Exception):
    """Where and what."""


def is_kind(value, kind):
    if type(value) in (int, float):
        return kind == 'number' or (kind == 'integer' and type(value) is int)
    return KINDS[type(value)] == kind


def resolved(schema):
    """Without references and allOf: one schema, whose words are these alone."""
    if '$ref' in schema:
        return resolved(SCHEMA['$defs'][schema['$ref'].rpartition('/')[2]])
    if 'allOf' not in schema:
        unknown = set(schema) - {'type', 'required', 'properties', 'items',
                                 'enum', 'minimum', 'maximum'}
        if unknown:
            raise Wrong(f'the schema has {unknown}')
        return schema
    whole = {'type': 'object', 'required': [], 'properties': {}}
    for part in map(resolved, schema['allOf']):
        whole['required'] += part['required']
        whole['properties'] |= part['properties']
    return whole


def hold(value, schema, where='it'):
    """Raises Wrong unless the value is by its schema; and more than JSON Schema
    would have it, a member that is not in it is wrong."""
    schema = resolved(schema)
    if 'enum' in schema:
        if value not in schema['enum']:
            raise Wrong(f'{where} is {value!r}')
        return
    kinds = schema['type']
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(is_kind(value, kind) for kind in kinds):
        raise Wrong(f'{where} is {value!r}, and no {kinds}')
    if 'minimum' in schema and not \
            schema['minimum'] <= value <= schema['maximum']:
        raise Wrong(f'{where} is {value}')
    if isinstance(value, dict):
        members = schema['properties']
        if set(schema['required']) - set(value) or set(value) - set(members):
            raise Wrong(f'{where} has {sorted(value)}, missing '
                        f'{set(schema["required"]) - set(value)}, unknown '
                        f'{set(value) - set(members)}')
        for name in value:
            hold(value[name], members[name], f'{where}.{name}')
    if isinstance(value, list):
        for i, item in enumerate(value):
            hold(item, schema['items'], f'{where}[{i}]')


def unique(pairs):
    if len({name for name, _ in pairs}) < len(pairs):
        raise Wrong(f'a name stands twice: {pairs}')
    return dict(pairs)


@functools.cache
def parsed(line):
    """Strictly: UTF-8 without control characters, no name twice, no NaN; and jq
    has to agree, another man's parser."""
    text = line.decode('utf-8')
    if re.search('[\0-\x1f\x7f-\x9f\u2028\u202e]', text):
        raise Wrong('it holds a control character')
    value = json.loads(text, object_pairs_hook=unique,
                       parse_constant=lambda word: 1 / 0)
    if shutil.which('jq'):
        done = subprocess.run(['jq', '-c', '.'], input=line,
                              stdout=subprocess.PIPE, check=True)
        if json.loads(done.stdout) != value:
            raise Wrong('jq reads it in another way')
    return value


def objects(out):
    if out and not out.endswith(b'\n'):
        raise Wrong(f'no line: {out[-100:]}')
    return [parsed(line) for line in out.splitlines()]


def looked_at(out, *names):
    """The objects, which are by the schemas of these names, one each; and what
    is wrong with them."""
    found = []
    try:
        found = objects(out)
        if len(found) != len(names):
            raise Wrong(f'{len(found)} objects')
        for value, name in zip(found, names):
            hold(value, SCHEMA['$defs'][name], name)
    except (Wrong, ValueError, subprocess.CalledProcessError) as fault:
        return found, f'{fault!r}'
    return found, None


class Box:
    """A user with a configuration where it is looked for, with a spool."""

    def __init__(self, home, config, *lines):
        self.home = home
        self.spool = home.path / 'spool'
        self.spool.mkdir(mode=0o700, exist_ok=True)
        (home.path / 'xdg/sendling').mkdir(parents=True, exist_ok=True)
        self.configure(config, *lines)

    def configure(self, config, *lines):
        self.config = self.home.config('\n'.join(
            (config + f'spool {self.spool}', *lines, '')),
            'xdg/sendling/config')

    def run(self, *argv, environment=None, **more):
        return self.home.run(*argv, environment={
            'XDG_CONFIG_HOME': str(self.home.path / 'xdg'),
            'HOME': str(self.home.path), **(environment or {})}, **more)

    def keep(self, *argv, **more):
        return self.run('--queue-only', *argv, **more)

    def ids(self):
        return sorted(path.name[1:] for path in self.spool.iterdir()
                      if path.name != '.lock')


def check(t, run, sentence, status, *names):
    """Whether the run ended so and printed objects of these schemas, of which
    the last has its status. The objects; empty ones where not."""
    found, fault = looked_at(run.out, *names)
    t.ok(fault is None and run.status == status and
         found[-1]['status'] == status and
         (found[-1]['error'] is None or status != 0 or
          bool(found[-1].get('queued'))) and
         (status == 0 or found[-1]['error']['status'] == status),
         f'{sentence}: status {status}, {", ".join(names)}', fault,
         run.words())
    return found if fault is None else [{}] * len(names)


def same_status(t, box, *argv, name='sendling', **more):
    plain = box.run(*argv, name=name, **more)
    run = box.run(*argv, '--json', name=name, **more)
    t.ok(run.status == plain.status, f'{" ".join(map(str, argv))}: the status '
         'is that without --json', plain.words(), run.words())
    return run


#
# The checker.
#

def test_checker(t, home):
    """It is told where something is wrong."""
    t.ok(not looked_at(b'{"status":0,"error":null}\n', 'result')[1], 'good')
    for out in (b'{"status":0}\n', b'{"status":0,"error":null,"more":1}\n',
                b'{"status":"0","error":null}\n', b'{"status":0,"error":{}}\n',
                b'{"status":true,"error":null}\n', b'',
                b'{"status":79,"error":null}\n', b'{"status":0,"error":null}',
                b'{"status":0,"status":0,"error":null}\n', b'{"status":0\n',
                b'{"status":0,"error":"\xff"}\n',
                b'{"status":0,"error":null}\n' * 2):
        t.ok(looked_at(out, 'result')[1] is not None, f'no good: {out}')
    used = set(re.findall(r'#/\$defs/(\w+)', json.dumps(SCHEMA)))
    t.ok(set(SCHEMA['$defs']) - used == {'log_mail', 'log_note'},
         'each schema is used', set(SCHEMA['$defs']) ^ used)
    for name in SCHEMA['$defs']:
        part = resolved(SCHEMA['$defs'][name])
        t.ok(set(part.get('required', ())) <= set(part.get('properties', ())),
             f'{name}: what is required is there')


#
# A mail.
#

def test_mail(t, home, certificate):
    server = Server(certificate, users=[('alice', 'secret')])
    config = home.config(server.config('password secret'))
    run = home.run('--json', BOB, config=config)
    server.settle()
    told, = check(t, run, 'a mail that is delivered', 0, 'mail')
    t.ok(told.get('recipients') == [
        {'address': BOB, 'verdict': 'delivered', 'code': 0, 'reply': None}] and
        told['reply'].startswith('250 ') and told['code'] == 250 and
        told['server_id'] in told['reply'] and told['account'] == 'default' and
        'TLS1' in told['tls'] and told['auth'] and told['queued'] is None and
        told['duration_ms'] >= 0 and told['size'] > 100 and
        told['message_id'] == '<1@example.com>' and
        told['smarthost'].startswith('127.0.0.1:' if '127' in told['smarthost']
                                     else 'localhost:'),
        'with all that is known of it', told)
    t.ok(run.err == b'', 'and nothing else is said', run.words())
    server.refusals = {NO: '550 5.1.1 ' + ODD, ANN: '451 4.2.1 ' + ODD}
    for sentence, argv, status in (
            ('all are refused', (NO,), 67), ('for now', (ANN,), 75),
            ('some are', (BOB, NO, ANN), 69),
            ('an odd recipient', ('"a\\"b"@example.org',), 0),
            ('a bad one', ('\x1b"\\ \udcff',), 65),
            ('a bad sender', ('-f', '\udcff@@', BOB), 65),
            ('no recipient', (), 64), ('no such option', ('--bogus', BOB), 64),
            ('no such account', ('-a', '\udcff"\\', BOB), 78),
            ('no configuration', ('-C', '/nonexistent/"\\\x1b\n\udcff', BOB),
             66)):
        run = home.run('--json', *argv, config=config)
        told, = check(t, run, sentence, status, 'mail')
    told, = check(t, home.run(BOB, NO, '--json', config=config), 'some are', 67,
                  'mail')
    t.ok([(who['verdict'], who['code']) for who in told.get('recipients', ())]
         == [('delivered', 0), ('refused', 550)] and
         told['recipients'][1]['reply'].startswith('550 5.1.1 odd "\\\\x1b'),
         'each has his verdict, code and words', told)
    run = home.run('--bogus', '--json', BOB, config=config)
    check(t, run, '--json behind what is wrong', 64, 'mail')
    server.settle()
    server.close()


def test_many_recipients(t, home, box):
    run = home.run('--json', *(f'r{i}@example.org' for i in range(1500)),
                   config=home.config(box.config()))
    told, = check(t, run, '1500 recipients', 0, 'mail')
    t.ok(len(told.get('recipients', ())) == 1500 and
         told['recipients_more'] == 0, 'all are there')


def test_streams(t, home, box):
    """Of a reader that is gone nothing comes of it."""
    config = home.config(box.config())
    read, write = os.pipe()
    os.close(read)
    run = home.run('--json', BOB, config=config, stdout=write)
    box.settle()
    t.ok(run.status == 0 and len(box.took) == 1, 'nobody reads: the mail goes',
         run.words())
    run = home.run('--version', '--json', stdout=write)
    os.close(write)
    t.ok(run.status == 71 and b'standard output' in run.err,
         'nobody reads the version: status 71', run.words())
    for argv in (['--check'], ['--probe'], ['-bp'], ['--check-spool'],
                 ['--dry-run', BOB]):
        for more in [], ['--json']:
            with open('/dev/full', 'wb') as full:
                run = home.run(*argv, *more, config=config, stdout=full)
            t.ok(run.status == 71 and b'standard output' in run.err,
                 f'no room for {" ".join(argv + more)}: status 71, and words',
                 run.words())


#
# The spool.
#

def test_queue(t, home):
    server = Server(refuse=[(BOB, '451 4.3.0 ' + ODD)])
    box = Box(home, server.config(), 'spool-retry 30m')
    run = box.run('--json', BOB, stdin=MESSAGE)
    told, = check(t, run, 'a mail that is kept', 0, 'mail')
    t.ok(told.get('queued') in box.ids() and
         told['recipients'][0]['verdict'] == 'queued' and
         told['recipients'][0]['code'] == 451 and
         told['error']['kind'] == 'later' and run.status == 0,
         'its id, and why it is there', told, *box.ids())
    one = told.get('queued')
    for argv, name in ((('-bp',), 'queue'), (('--check-spool',), 'spool'),
                       (('--show', one), 'shown'), (('-q',), 'result')):
        check(t, same_status(t, box, *argv), argv[0], 0, name)
    told, = check(t, box.run(name='mailq', *['--json']), 'mailq', 0, 'queue')
    t.ok([mail['id'] for mail in told.get('mails', ())] == [one],
         'it is listed', told)
    run = box.run('-qf', '--json')
    mail, whole = check(t, run, '-qf, and it waits further on', 0, 'mail',
                        'result')
    t.ok(mail.get('queued') == one and mail['status'] == 0 and
         mail['recipients'][0]['verdict'] == 'open' and
         mail['error']['server'].startswith('451 4.3.0 odd'),
         'an object for the mail', mail)
    server.refusals = {}
    box.keep(ANN, BOB)
    run = box.run('-qf', '--json')
    *mails, whole = check(t, run, '-qf of two', 0, 'mail', 'mail', 'result')
    server.settle()
    t.ok([mail.get('error') for mail in mails] == [None, None] and
         all(who['verdict'] == 'delivered' for mail in mails
             for who in mail['recipients']) and
         all(mail['server_id'] for mail in mails) and box.ids() == [],
         'both are delivered, and have the server\'s id', mails)
    server.refusals = {BOB: '550 5.1.1 no'}
    box.keep(BOB)
    mail, whole = check(t, box.run('-qf', '--json'), '-qf, it is given up', 0,
                        'mail', 'result')
    t.ok(mail.get('status') == 67 and mail['error']['kind'] == 'recipient' and
         mail['recipients'][0]['verdict'] == 'refused', 'which it says', mail)
    check(t, box.run('--check-spool', '--json'), 'a failed one', 69, 'spool')
    server.close()
    box.keep(ANN)
    run = same_status(t, box, '-qf')
    *mails, whole = check(t, run, '-qf, and nobody is there', 75,
                          *['mail'] * (run.out.count(b'\n') - 1), 'result')
    t.ok(run.err == b'' and whole.get('error', {}).get('kind') == 'later' and
         [mail['queued'] for mail in mails] ==
         [path.name[1:] for path in box.spool.glob('Q*')],
         'and why is said in JSON alone', run.words(), *box.ids())
    box.spool.chmod(0o755)
    for argv, status, name in ((('-bp',), 73, 'queue'), (('-q',), 73, 'result'),
                               (('--check-spool',), 73, 'spool'),
                               (('--show', one), 73, 'shown')):
        check(t, same_status(t, box, *argv),
              f'{argv[0]}, a spool that others see', status, name)


def test_fates(t, home):
    """Mails of all kinds, as they are listed and shown."""
    box = Box(home, 'smarthost smtps://mail.example.org\nauth off\n')
    one = tickets.put(box.spool, 'Q', 1795000000, journal=[
        'T 1 1 451 451 x\x1b\x07'], recipients=[
            ('o', BOB), ('d', ANN), ('f 550 5.1.1 550 5.1.1 nobody', NO)])
    tickets.put(box.spool, 'H', 1795000001, account='gone')
    tickets.put(box.spool, 'F', 1795000002)
    damaged = tickets.make_id(1795000003)
    (box.spool / ('Q' + damaged)).write_bytes(b'\xffx\0')
    told, = check(t, box.run('-bp', '--json'), 'all kinds of mails', 0, 'queue')
    t.ok(sorted(mail['state'] for mail in told.get('mails', ())) ==
         ['damaged', 'failed', 'held', 'waiting'], 'are listed', told)
    told, = check(t, box.run('--show', one, damaged, '--json'), '--show of two',
                  0, 'shown')
    mail, other = told.get('mails', [{'journal': []}, {}])
    t.ok(set(mail) == {*SCHEMA['$defs']['queue_mail']['properties'], 'journal',
                       'message_base64'}, 'a mail has all members', mail)
    t.ok(base64.b64decode(mail.get('message_base64', '')) == tickets.MESSAGE and
         len(mail['journal']) == 1 and mail['journal'][0].startswith(
             'T 1 1 451 451 x\\x1b'), 'its message, octet for octet, and its '
         'journal', mail)
    t.ok(base64.b64decode(other.get('message_base64', '')) == b'\xffx\0' and
         other['damage'], 'of one that is damaged all that is there', other)
    box.configure('smarthost smtps://mail.example.org\nnonsense x\n')
    told, = check(t, box.run('-bp', '--json'), 'under a broken configuration',
                  78, 'queue')
    t.ok([mail['account_missing'] for mail in told.get('mails', ())
          if mail.get('account') == 'gone'] == [None],
         'whether an account is missing nobody knows then', told)


def test_messages(t, home):
    """Of any size and of any octets."""
    box = Box(home, 'smarthost smtp+plain://127.0.0.1:9\n'
              'from alice@example.com\n')
    for size in 0, 1, 2, 3, 16383, 16384, 16385, 3 * 16384, 1000003:
        message = os.urandom(size)
        name = tickets.put(box.spool, 'Q', 1795000000, message=message)
        told, = check(t, box.run('--show', name, '--json'),
                      f'a message of {size} octets', 0, 'shown')
        t.ok(base64.b64decode(told['mails'][0]['message_base64']) == message,
             'is shown')
        (box.spool / ('Q' + name)).unlink()


def test_acts(t, home):
    box = Box(home, 'smarthost smtps://mail.example.org\nauth off\n')
    one, two = (tickets.put(box.spool, 'Q', 1795000000 + i) for i in range(2))
    for option, act, names in (('--hold', 'held', (one, two)),
                               ('--release', 'released', (two,)),
                               ('--delete', 'deleted', (one, two))):
        told, = check(t, box.run(option, *names, '--json'), option, 0, 'acted')
        t.ok(told.get('mails') == [{'id': name, 'spool': str(box.spool),
                                    'act': act} for name in names],
             f'{act} are those that were named', told)
    for option in '--hold', '--release', '--delete', '--show':
        run = same_status(t, box, option, one)
        told, = check(t, run, f'{option} of none that is there', 66,
                      'shown' if option == '--show' else 'acted')
        t.ok(told.get('mails') == [] and run.err == b'',
             'nothing is said elsewhere', run.words())
    one = tickets.put(box.spool, 'X', 1795000000)
    check(t, box.run('--hold', one, '--json'), '--hold of a damaged one', 64,
          'acted')
    check(t, box.run('--check-spool=soon', '--json'), 'no age', 64, 'result')


#
# What a mail would be, and the configuration.
#

def test_previews(t, home, box):
    config = home.config(box.config())
    text = MESSAGE.replace(b'Hello.', 'Grüße'.encode() + b'\r\n.\r\n..x\0y')
    for sentence, message in (('a message', MESSAGE), ('a large one', LARGE),
                              ('of 8 bits, and dots', text)):
        plain = home.run('--dry-run', BOB, ANN, config=config, stdin=message)
        told, = check(t, home.run('--dry-run', '--json', BOB, ANN,
                                  config=config, stdin=message),
                      f'--dry-run, {sentence}', 0, 'preview')
        head, _, shown = plain.out.partition(b'\n\n')
        t.ok(base64.b64decode(told.get('message_base64') or '') == shown and
             [who['address'] for who in told['recipients']] == [BOB, ANN] and
             f'account: {told["account"]}\nfrom: <{told["from"]}>\n'.encode()
             in head + b'\n', 'is what --dry-run shows', told)
    told, = check(t, home.run('-bv', '--json', BOB, config=config), '-bv', 0,
                  'preview')
    t.ok(told.get('message_base64', '') is None and told['account'] and
         told['from'], '-bv has no message', told)
    for argv, status in (('\x1b"\\ \udcff', 65), ('-a\udcff', 78)):
        for mode in '-bv', '--dry-run':
            run = home.run(mode, '--json', argv, BOB, config=config)
            check(t, run, f'{mode}, {ascii(argv)}', status, 'preview')
            t.ok(run.err == b'', 'all is in the object', run.words())


def test_configurations(t, home, certificate):
    server = Server(certificate, users=[('alice', 'secret')])
    box = Box(home, server.config('password secret'))
    for argv, name in ((('--check',), 'checked'), (('--probe',), 'probed'),
                       (('-bi',), 'result'), (('-I',), 'result'),
                       (('--version',), 'version'), (('--help',), 'help')):
        run = same_status(t, box, *argv)
        told, = check(t, run, argv[0], 0, name)
        t.ok(run.err == b'', 'nothing else is said', run.words())
        if name == 'probed':
            found = told['smarthosts'][0]
            t.ok(found['login'] == 'accepted' and found['tls']['pin'] and
                 found['turns'] and found['extensions'], 'all is there', told)
        if name == 'version':
            plain = home.run('--version').out.decode()
            t.ok(f'{told["program"]} {told["version"]}\n' == plain,
                 'what --version says', told)
        if name == 'help':
            t.ok(len(set(told['options'])) == len(told['options']) and
                 {'-t', '--json', '-bs'} <= set(told['options']),
                 'each option once', told)
    box.configure('smarthots smtps://x\naliases /nonexistent\n'
                  + server.config('password other'), 'bogus \x1b')
    told, = check(t, same_status(t, box, '--check'), '--check of bad lines', 78,
                  'checked')
    t.ok(len(told.get('faults', ())) >= 2, 'all are there', told)
    for argv, name in ((('--probe',), 'probed'), (('-bi',), 'result')):
        check(t, same_status(t, box, *argv), f'{argv[0]}, bad lines', 78, name)
    box.configure(server.config('password other'))
    check(t, same_status(t, box, '--probe'), '--probe, a wrong password', 77,
          'probed')
    for argv, name in ((('--check',), 'checked'), (('--probe',), 'probed')):
        run = same_status(t, box, '-C', '/nonexistent\udcff', *argv)
        check(t, run, f'{argv[0]}, no configuration', 66, name)
    server.close()


#
# The command line.
#

MODES = (('--check',), ('--probe',), ('-bp',), ('-q',), ('--hold', '0069'),
         ('--release', '0069'), ('--delete', '0069'), ('--show', '0069'),
         ('--check-spool',), ('-bi',), ('-bv',), ('--dry-run',), ('--help',),
         ('--version',))


def test_usage(t, home):
    """What is wrong before the mode begins."""
    for mode in MODES:
        run = home.run(*mode, '--json', '--bogus\udcff', stdin=b'')
        check(t, run, f'{mode[0]} and no such option', 64, 'result')
        t.ok(b'there is no option --bogus\\xff' in run.err, 'which is told a '
             'person as well', run.words())
    run = home.run('-bs', '--json', '--bogus', stdin=b'')
    t.ok(run.status == 64 and run.out == b'', '-bs says nothing in JSON',
         run.words())
    run = home.run('--json', '--bogus', name='mailq', stdin=b'')
    check(t, run, 'mailq and no such option', 64, 'result')
    for name in 'sendmail', 'newaliases':
        run = home.run('--json', name=name, stdin=b'')
        t.ok(run.status == 64 and run.out == b'',
             f'{name} has no such option', run.words())


def test_every_mode(t, home):
    """Each mode of cmd/options.h is one of those that are tested here."""
    modes = re.search(r'enum options_mode \{(.*?)\};', (
        harness.TESTS.parent / 'cmd/options.h').read_text(), re.S).group(1)
    known = {'SUBMIT', 'SERVE', 'VERIFY', 'QUEUE_LIST', 'QUEUE_RUN', 'HOLD',
             'RELEASE', 'DELETE', 'SHOW', 'CHECK_SPOOL', 'ALIASES', 'DRY_RUN',
             'CHECK', 'PROBE', 'HELP', 'VERSION'}
    t.ok(set(re.findall(r'MODE_(\w+)', re.sub(r'/\*.*?\*/', '', modes,
                                              flags=re.S))) == known,
         'no mode is without a test', modes)


def test_serve(t, home, box):
    run = home.run('-bs', '--json', config=home.config(box.config()),
                   stdin=SERVE)
    t.ok(run.status == 0 and b'{' not in run.out and
         all(re.match(rb'\d{3}[ -]', line) for line in run.out.splitlines()),
         '-bs: standard output is SMTP alone', run.words())


#
# No memory.
#

def test_no_memory(t, home, box):
    """From some allocation of ours on: what is printed parses all the same."""
    if SANITIZED or not LIBRARY.exists():
        return t.skip('no memory', 'a sanitizer, or no library to starve with')
    kept = Box(home, box.config())
    for i in range(60):
        tickets.put(kept.spool, 'H', 1795000000 + i, message=LARGE[:50000])
    count = home.path / 'count'
    for argv, names in (((BOB,), ('result',)),
                        (('-bp',), ('queue', 'cut_queue', 'result')),
                        (('--show', *kept.ids()[:2]), ('shown', 'result')),
                        (('--dry-run', BOB), ('preview', 'result')),
                        (('--check',), ('result',)),
                        (('--version',), ('result',))):
        def starved(**more):
            return kept.run(*argv, '--json', stdin=LARGE[:100000],
                            environment={
                                'LD_PRELOAD': str(LIBRARY), 'STARVE_OWN': '1',
                                'STARVE_COUNT': str(count), **more})
        starved()
        total, bad, seen = int(count.read_text()), [], set()
        for at in range(0, total, total // 40 + 1):
            run = starved(STARVE=str(at))
            # Before the arguments are read nobody knows that it is wanted.
            if run.out == b'' and run.status == 71 and at < total // 4 + 4:
                continue
            fits = [name for name in {**dict.fromkeys(names), 'mail': 0} if looked_at(run.out, name)[1]
                    is None]
            seen.update(fits[:1])
            if not fits or objects(run.out)[0]['status'] != run.status:
                bad.append(f'{at} of {total}: {run.words()}')
        t.ok(not bad and set(names[1:]) <= seen, f'{argv[0]}: JSON wherever memory ends',
             seen, *bad[:5])


#
# The log.
#

def logged(path):
    return [parsed(line) for line in path.read_bytes().splitlines()]


def test_log(t, home, certificate):
    """Each line of it, of a mail and of whatever else there is to be said."""
    server = Server(certificate, users=[('alice', 'secret')])
    log = home.path / 'log'
    config = home.config(server.config('password secret', f'log {log}',
                                       'log-format json'))
    server.refusals = {NO: '550 5.1.1 ' + ODD}
    run = home.run('-L', 'tag\x1b\udcff"', '--json', BOB, NO, config=config)
    home.run('-oxyz\udcff', *(f'r{i}@example.org' for i in range(1500)),
             config=config)
    home.run('\x1b"\\ \udcff', config=config)
    home.run('--set', f'log={log}', '--set', 'log-format=json', '--bogus')
    server.settle()
    told = {'log_mail': [], 'log_note': []}
    try:
        for line in logged(log):
            name = 'log_note' if 'note' in line else 'log_mail'
            hold(line, SCHEMA['$defs'][name], name)
            told[name].append(line)
        fault = None
    except (Wrong, ValueError) as wrong:
        fault = repr(wrong)
    t.ok(fault is None and len(told['log_mail']) == 3 and
         len(told['log_note']) >= 2, 'each line of a log of objects', fault,
         log.read_text(errors='replace')[:3000])
    one, many = told['log_mail'][:2]
    mine, = objects(run.out)
    t.ok({name: one[name] for name in mine} == mine and
         one['program'] == 'tag\\x1b\\xff"' and one['level'] == 'err' and
         re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', one['time']),
         'has what --json has', one, mine)
    t.ok(many['recipients_more'] > 1000 and many['level'] == 'info' and
         many['recipients_more'] + len(many['recipients']) == 1500,
         'of many recipients a few', many['recipients_more'])
    config = home.config(server.config('password secret', 'log stderr',
                                       'log-format json'))
    run = home.run(BOB, config=config)
    found, fault = looked_at(run.err, 'log_mail')
    t.ok(run.status == 0 and fault is None and found[0]['server_id'],
         'on standard error', fault, run.words())
    server.close()


def taken(sock):
    """The datagrams that are there."""
    got = []
    try:
        while True:
            got.append(sock.recv(1 << 20))
    except BlockingIOError:
        return got


def fields_of(entry):
    """Of a datagram of the journal's native protocol: lists by names."""
    fields = {}
    while entry:
        name, end, rest = re.match(rb'([A-Z][A-Z0-9_]*)([=\n])(.*)', entry,
                                   re.S).groups()
        if end == b'=':
            value, _, entry = rest.partition(b'\n')
        else:
            size = int.from_bytes(rest[:8], 'little')
            value, entry = rest[8:8 + size], rest[9 + size:]
        fields.setdefault(name.decode(), []).append(value.decode())
    return fields


def test_journal(t, home, certificate):
    if not can_mount():
        return t.skip('the journal', 'no private mount namespace')
    server = Server(certificate, users=[('alice', 'secret')])
    config = home.config(server.config('password secret', 'log syslog'))
    devices, log = syslog(home)
    enter, journal_log = journal(home)
    without = in_order(private_mounts,
                       lambda: mount(devices, '/dev', flags=MS_BIND))
    both = in_order(without, enter)
    run = home.run('-L', 'tag', BOB, ANN, config=config, preexec_fn=both)
    entries = taken(journal_log)
    fields = fields_of(entries[0]) if entries else {}
    t.ok(run.status == 0 and len(entries) == 1 and taken(log) == [] and
         fields.get('SENDLING_TO') == [BOB, ANN] and
         fields['SENDLING_FROM'] == ['alice@example.com'] and
         fields['SENDLING_STATUS'] == ['0'] and
         fields['SENDLING_SERVER_ID'] == ['0001'] and
         fields['SENDLING_AUTH'] and fields['SENDLING_TLS'][0][:4] == 'TLS1'
         and fields['SYSLOG_IDENTIFIER'] == ['tag'] and
         fields['PRIORITY'] == ['6'] and fields['SYSLOG_FACILITY'] == ['2'] and
         'status=0 serverid=0001' in fields['MESSAGE'][0],
         'the journal gets fields, and syslog nothing', entries, run.words())
    members = {'SENDLING_' + name.upper() for name in
               SCHEMA['$defs']['mail']['properties']} | {
                   'SENDLING_TAG', 'SENDLING_TO'}
    server.refusals = {NO: '550 5.1.1 ' + ODD}
    home.run('-oxyz', NO, config=config, preexec_fn=both)
    entries = [fields_of(entry) for entry in taken(journal_log)]
    t.ok(len(entries) == 2 and all(
        entry['PRIORITY'] == [level] for entry, level in
        zip(entries, ('3', '5'))) and {name for entry in entries
                                       for name in entry if name[:8] ==
                                       'SENDLING'} <= members and
         entries[0]['SENDLING_REPLY'][0].startswith('550 5.1.1 odd "\\\\x1b'),
         'a note and a refusal, by the names of the members', *entries)
    home.run(*(f'r{i}@example.org' for i in range(1500)), config=config,
             preexec_fn=both)
    entries = [fields_of(entry) for entry in taken(journal_log)]
    t.ok(len(entries) == 1 and len(entries[0]['SENDLING_TO']) == 100,
         'of 1500 recipients a hundred')
    run = home.run('--set', 'log-format=json', BOB, config=config,
                   preexec_fn=both)
    entries = [fields_of(entry) for entry in taken(journal_log)]
    found, fault = looked_at(entries[0]['MESSAGE'][0].encode() + b'\n',
                             'log_mail')
    t.ok(fault is None and entries[0]['SENDLING_TO'] == [BOB],
         'an object and fields', fault, entries)
    server.settle()
    count = len(server.took)
    # Nobody reads, and it is full.
    full = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    full.connect(str(home.path / 'journal/socket'))
    full.setblocking(False)
    try:
        while True:
            full.send(b'MESSAGE=x\n')
    except BlockingIOError:
        pass
    run = home.run(BOB, config=config, preexec_fn=both)
    server.settle()
    t.ok(run.status == 0 and run.err == b'' and len(server.took) == count + 1,
         'a journal that is full loses the line, and the mail goes',
         run.words())
    full.close()
    journal_log.close()
    run = home.run(BOB, config=config, preexec_fn=both)
    lines = taken(log)
    t.ok(run.status == 0 and len(lines) == 1 and
         b' tls="TLS1' in lines[0] and b' serverid=' in lines[0],
         'where it is dead syslog gets the line, with TLS and the server\'s id',
         lines, run.words())
    run = home.run(BOB, config=config, preexec_fn=without)
    lines = taken(log)
    t.ok(run.status == 0 and len(lines) == 1 and b' status=0' in lines[0],
         'and where there is none', lines, run.words())
    log.close()
    server.close()


# Of systemd, alone with itself; it writes all that it has when it ends.
JOURNALD = '/lib/systemd/systemd-journald'
KEEP = '''
    %s >/dev/null 2>&1 &
    until test -S /run/systemd/journal/socket; do
        kill -0 $! || exit 1
        sleep 0.05
    done
    "$@" && kill $! && wait $!
    journalctl -D /run/log/journal -o json SENDLING_TO=%s
''' % (JOURNALD, ANN)


def alone():
    private_mounts()
    for folder in '/run', '/var/log', '/etc/systemd':
        mount('none', folder, 'tmpfs')
    os.makedirs('/run/log/journal')
    pathlib.Path('/etc/systemd/journald.conf').write_text(
        '[Journal]\nStorage=volatile\n')


def test_systemd(t, home, box):
    """The real one finds a mail by its recipient."""
    if not can_mount() or not os.path.exists(JOURNALD) or \
            not shutil.which('journalctl'):
        return t.skip("systemd's journal", 'no mounts, or no systemd-journald')
    config = home.config(box.config('log syslog'))
    done = subprocess.run(
        ['sh', '-ec', KEEP, 'sh', home.program, '-C', config, BOB, ANN],
        input=MESSAGE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=HANG, preexec_fn=alone)
    box.settle()
    entries = objects(done.stdout)
    t.ok(done.returncode == 0 and len(entries) == 1 and
         entries[0]['SENDLING_TO'] == [BOB, ANN] and
         entries[0]['SENDLING_STATUS'] == '0' and
         entries[0]['PRIORITY'] == '6' and
         entries[0]['SYSLOG_IDENTIFIER'] == 'sendling' and
         entries[0]['MESSAGE'].startswith('from=<alice@example.com> '),
         "systemd's journal finds a mail by its recipient", done, *entries)


if __name__ == '__main__':
    sys.exit(run_tests(dict(globals())))
