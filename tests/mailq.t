#!/usr/bin/env python3
"""What is in a spool: mailq, --show, --hold, --release, --delete and
--check-spool on tickets of any age and fate, and whoever parses what mailq
prints. And the hook that flushes when there is a network."""

import fcntl
import json
import os
import pathlib
import pty
import re
import resource
import subprocess
import sys
import time

import harness
import tickets
from home import (HANG, MS_BIND, NOBODY, SANITIZED, become, can_mount, in_order,
                  mount, private_mounts, run_tests)

REFUSED = 'f 550 5.1.1 550 5.1.1 nobody'
ESCAPES = '\x1b]0;x\x07\x1b[2J'
# What makes an account.
ACCOUNT = 'smarthost smtps://mail.example.org\nauth off\n'
SERVICE = '/var/spool/sendling'
# Check plugins and agents that read Postfix's mailq: the line that they look
# at, and what in it is the number of mails.
PARSERS = {
    'check_mailq -M postfix': (-1, r'Kbytes in (\d+)'),
    'checkmk': (-1, r'^-- \d+ Kbytes in (\d+) Requests?\.$'),
    'Linuxfabrik': (-1, r' in (.*) Requests?\.'),
    'Netdata': (-1, r'^(?:\S+ ){4}(\d+) '),
}
# And those that take mails apart: id, mark, size, time, sender.
ENTRY = re.compile(r'^([0-9a-f-]+)([*!#?]?) +(\d+) '
                   r'(\w{3} \w{3}\s+\d+ [\d:]+)  (\S+)$')


class Spool:
    """A home with a configuration and its spool."""

    def __init__(self, home, text=ACCOUNT, name='spool'):
        self.home = home
        self.path = home.path / name
        self.path.mkdir(mode=0o700, exist_ok=True)
        self.now = int(time.time())
        self.config = home.config(f'spool {self.path}\n{text}')

    def put(self, letter='Q', age=0, due=0, **more):
        """Ages and moments are seconds from now."""
        return tickets.put(self.path, letter, self.now - age,
                           self.now + due, **more)

    def run(self, *argv, **more):
        return self.home.run(*argv, config=self.config, **more)

    def usual(self):
        """The configuration where it is found; an environment for that."""
        folder = self.home.path / '.config/sendling'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'config').write_bytes(self.config.read_bytes())
        return {'HOME': str(self.home.path)}

    def names(self):
        """Of the mails in it."""
        return sorted(path.name for path in self.path.iterdir()
                      if path.name != '.lock')


def lines(run):
    return run.out.decode().splitlines()


def entries(run):
    """Each mail's lines, the first one taken apart."""
    text = run.out.decode().partition('\n')[2].rpartition('-- ')[0]
    for block in text.split('\n\n'):
        if block.strip():
            first, *rest = block.splitlines()
            yield ENTRY.match(first), rest


def test_nothing(t, home):
    run = home.run('-bp', environment={'HOME': str(home.path)})
    t.ok(run.status == 0 and run.out == b'Mail queue is empty\n' and
         run.err == b'', 'without a configuration the queue is empty',
         run.words())
    spool = Spool(home)
    run = spool.run('-bp')
    t.ok(run.status == 0 and run.out == b'Mail queue is empty\n' and
         run.err == b'', 'so it is with an empty spool', run.words())
    spool.path.rmdir()
    run = spool.run('-bp')
    t.ok(run.status == 0 and run.out == b'Mail queue is empty\n' and
         run.err == b'' and not spool.path.exists(),
         'so it is with one that is not there, and none is made', run.words())
    for option in '--show', '--delete', '--hold', '--release':
        run = spool.run(option, '00')
        t.ok(run.status == 66 and b"no mail has the id `00'" in run.err,
             f'{option} finds no mail', run.words())


def test_table(t, home):
    spool = Spool(home)
    plain = spool.put(age=7300, due=330, journal=[
        f'A 1 {spool.now}', 'T 1 0 451 451 4.3.0 later'], recipients=[
            ('o', 'bob@example.org'), ('o', 'carol@example.org'),
            ('d', 'dave@example.org')])
    spool.put(age=7200, account='elsewhere')
    spool.put('H', age=100, sender='')
    failed = spool.put('F', age=90, recipients=[(REFUSED, 'x@example.org')])
    spool.put('X', age=80)
    spool.put(age=70, account=ESCAPES, journal=[
        'T 1 0 451 ' + ESCAPES])
    run = spool.run('-bp')
    found = list(entries(run))
    t.ok(run.status == 0 and run.err == b'' and
         all(first for first, _ in found[:5]), 'each mail has its line',
         run.words())
    first, rest = found[0]
    t.ok(first.groups()[:3] == (plain, '', str(len(tickets.MESSAGE))) and
         first.group(5) == 'alice@example.com' and rest[0] ==
         '(2h old, 1 attempt, next in 5m: 451 4.3.0 later)' and
         [line.strip() for line in rest[1:]] ==
         ['bob@example.org', 'carol@example.org'],
         'with age, size, sender, last error, next attempt, and who is open',
         *rest)
    t.ok('`elsewhere\', which is not in the configuration' in found[1][1][0],
         'it is said that an account is gone', *found[1][1])
    t.ok(found[2][0].group(2) == '!' and found[2][0].group(5) ==
         'MAILER-DAEMON' and found[2][1][0].startswith('(held; '),
         'a held mail is marked, and no sender has a name', *found[2][1])
    t.ok(found[3][0].group(1, 2) == (failed, '#') and
         found[3][1][0].startswith('(failed; ') and
         found[3][1][1].strip() == 'x@example.org (550 5.1.1 nobody)',
         'a failed one too, with what the server said', *found[3][1])
    t.ok(found[4][0].group(2) == '?' and '(damaged; ' in found[4][1][0],
         'and a damaged one', *found[4][1])
    t.ok(not any(octet < 32 and octet != 10 or octet == 127
                 for octet in run.out) and b'\\x1b[2J' in run.out,
         'no control character of a stranger is printed', run.out)
    t.ok(lines(run)[-1] == '-- 1 Kbytes in 6 Requests.',
         'it ends as that of Postfix does', lines(run)[-1])


def test_parsers(t, home):
    spool = Spool(home)
    for count in 1, 2:
        spool.put(message=b'x' * 700 + b'\r\n')
        run = spool.run('-bp')
        for name, (line, pattern) in PARSERS.items():
            match = re.search(pattern, lines(run)[line])
            t.ok(run.status == 0 and run.err == b'' and match and
                 match.group(1) == str(count),
                 f'{name} counts {count} in the last line', run.words())
        t.ok(len(re.findall('^[A-F0-9]', run.out.decode(), re.M)) == count,
             f'grep counts {count} at the beginnings of lines', run.words())
    t.ok(sum(name[0] in 'qQ' for name in spool.names()) == 2,
         "munin's sendmail_mailqueue counts files")


def test_json(t, home):
    spool = Spool(home)
    run = spool.run('-bp', '--json')
    told = json.loads(run.out)
    t.ok(run.status == 0 and told['mails'] == [] and told['error'] is None and
         told['spools'][0] == {'path': str(spool.path), 'error': None} and
         told['waiting'] == 0 and told['status'] == 0,
         'JSON of an empty spool', run.words())
    ids = [spool.put(age=100, due=60, journal=['T 1 1 451 451 x' + ESCAPES]),
           spool.put('H', age=50, account='gone'),
           spool.put('F', age=40, recipients=[(REFUSED, 'x@example.org')])]
    run = home.run('--json', name='mailq', environment=spool.usual())
    told = json.loads(run.out)
    mail = told['mails'][0]
    t.ok(run.status == 0 and run.out.count(b'\n') == 1 and
         [m['id'] for m in told['mails']] == ids and
         [m['state'] for m in told['mails']] == ['waiting', 'held', 'failed'],
         'mailq --json is one line of JSON with each mail', run.words())
    t.ok(mail['next'] == spool.now + 60 and mail['doubtful'] is True and
         mail['code'] == 451 and mail['error'].startswith('451 x\\x1b') and
         mail['recipients'] == [{'address': 'bob@example.org',
                                 'state': 'open', 'reply': None}] and
         told['mails'][1]['account_missing'] is True and
         told['mails'][2]['recipients'][0]['reply'] == '550 5.1.1 nobody' and
         (told['waiting'], told['held'], told['failed']) == (1, 1, 1) and
         told['oldest'] >= 100, 'and what is known of it', run.words())
    run = spool.run('--show', ids[0], '--json')
    shown = json.loads(run.out)['mails']
    t.ok([mail['id'] for mail in shown] == [ids[0]] and run.out.count(b'\n') == 1,
         '--show --json prints that of one', run.words())


def test_acts(t, home):
    log = home.path / 'log'
    spool = Spool(home, ACCOUNT + f'\nlog {log}\n')
    one, two = spool.put(age=2 ** 20), spool.put(due=500)
    run = spool.run('--hold', one[:8])
    t.ok(run.status == 0 and run.silent() and
         spool.names() == ['H' + one, 'Q' + two], '--hold by a beginning',
         run.words(), *spool.names())
    run = spool.run('--release', one, two)
    t.ok(run.status == 0 and run.silent() and
         spool.names() == ['Q' + one, 'Q' + two] and
         (spool.path / ('Q' + two)).stat().st_mtime <= time.time(),
         '--release of two: one is back, and both are due', run.words())
    run = spool.run('--hold', '00')
    t.ok(run.status == 64 and b"the ids of 2 mails begin with `00'" in run.err
         and spool.names() == ['Q' + one, 'Q' + two],
         'a beginning of two is refused', run.words())
    run = spool.run('--delete', one, 'fffff')
    t.ok(run.status == 66 and b'fffff' in run.err and
         spool.names() == ['Q' + one, 'Q' + two],
         'where one is not there nothing is done', run.words())
    run = spool.run('--delete', one, '--delete', two)
    t.ok(run.status == 0 and run.silent() and spool.names() == [],
         '--delete of two', run.words())
    told = log.read_text()
    t.ok(all(f'{did} by hand: id={name} from=<alice@example.com>' in told
             for did, name in (('held', one), ('released', two),
                               ('deleted', one))), 'each is in the log', told)


def test_failed(t, home):
    spool = Spool(home, ACCOUNT + 'spool-lifetime 2h\n')
    name = spool.put('F', age=10 ** 6, journal=[
        f'A 1 {spool.now - 10 ** 6}', 'R F 0 550 5.1.1 550 5.1.1 no',
        'B 1'], recipients=[('o', 'bob@example.org'), (REFUSED, 'c@x.example'),
                            ('d', 'd@x.example')])
    run = spool.run('--release', name)
    t.ok(run.status == 0 and run.silent() and spool.names() == ['Q' + name],
         '--release takes up a mail that has failed', run.words())
    run = spool.run('--show', name, '--json')
    told = json.loads(run.out)['mails'][0]
    t.ok(told['state'] == 'waiting' and told['next'] <= time.time() and
         [r['state'] for r in told['recipients']] ==
         ['open', 'open', 'delivered'] and
         abs(told['expires'] - time.time() - 7200) < harness.WAIT,
         'who was refused is open, who has it is not, and it is due',
         run.words())
    t.ok(spool.run('--hold', name).status == 0 and
         spool.names() == ['H' + name], 'it can be held')
    other = spool.put('X')
    for option, words in ('--hold', b'cannot be held'), \
            ('--release', b'cannot be sent'):
        run = spool.run(option, other)
        t.ok(run.status == 64 and words in run.err and
             spool.names()[1] == 'X' + other,
             f'{option} of a damaged mail is refused', run.words())


def on_terminal(spool, *argv):
    """What a terminal at standard output gets."""
    master, slave = pty.openpty()
    process = spool.home.start(*argv, config=spool.config, stdout=slave,
                               stdin=subprocess.DEVNULL)
    os.close(slave)
    out = b''
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        out += piece
    process.wait(HANG)
    os.close(master)
    return out


def test_show(t, home):
    spool = Spool(home)
    message = tickets.MESSAGE + ('\r\n%s\x00x\r\n' % ESCAPES).encode() + \
        b'y' * 40000 + b'\r\n'
    name = spool.put(age=60, due=60, message=message, journal=[
        f'A 1 {spool.now}', 'T 1 0 451 451 later'],
        recipients=[('o', 'bob@example.org'), ('d', 'c@example.org')])
    run = spool.run('--show', name)
    head, _, rest = run.out.partition(b'\n\n')
    told = head.decode().splitlines()
    t.ok(run.status == 0 and run.err == b'' and rest == message,
         '--show prints the message, octet for octet', run.words())
    t.ok(f'id: {name}' in told and 'to: <bob@example.org>: open' in told and
         'to: <c@example.org>: delivered' in told and
         'from: <alice@example.com>' in told and
         any(re.fullmatch(f'journal: A 1 {spool.now} [0-9a-f]{{8}}', line)
             for line in told), 'behind envelope and journal', *told)
    out = on_terminal(spool, '--show', name)
    t.ok(b'\x1b' not in out and b'\\x1b[2J' in out and b'\0' not in out and
         out.count(b'y') >= 40000, 'a terminal gets no controls', out[:2000])
    damaged = spool.put('X', age=50)
    with (spool.path / ('X' + damaged)).open('r+b') as file:
        file.write(b'sendling' + ESCAPES.encode())
    run = spool.run('--show', damaged)
    t.ok(run.status == 0 and b'state: damaged; never sent' in run.out and
         tickets.MESSAGE in run.out, 'of a damaged mail all that is there',
         run.words())


def test_check(t, home):
    spool = Spool(home)

    def check(status, words, sentence):
        run = spool.run('--check-spool')
        t.ok(run.status == status and run.err == b'' and
             run.out.count(b'\n') == 1 and words in run.out.decode(),
             sentence, run.words())

    check(0, 'SPOOL OK: 0 waiting | waiting=0 ', 'an empty spool is well')
    spool.put(age=8 * 3600 - 600)
    check(0, 'SPOOL OK: 1 waiting, the oldest for 7h', 'so is a young mail')
    held = spool.put('H', age=10 ** 6)
    check(0, ', 1 held |', 'and one that somebody holds')
    run = spool.run('--check-spool=2h')
    t.ok(run.status == 75 and b'1 waiting for too long (over 2h)' in run.out,
         'one that is older than the time that is given is not', run.words())
    run = spool.run('--check-spool=soon')
    t.ok(run.status == 64 and b"`soon' is no age" in run.err,
         'a time that is none is a usage error', run.words())
    late = spool.put(age=8 * 3600 + 1)
    check(75, '1 waiting for too long', 'nor is one of 8 hours')
    run = spool.run('--check-spool', '--json')
    told = json.loads(run.out)
    t.ok(run.status == 75 and told['late'] == 1 and told['status'] == 75 and
         told['waiting'] == 2, 'as JSON', run.words())
    (spool.path / ('Q' + late)).unlink()
    gone = spool.put(account='gone')
    check(75, '1 without an account', 'nor one whose account is gone')
    (spool.path / ('Q' + gone)).unlink()
    failed = spool.put('F', age=5)
    check(69, '1 failed for good', 'nor one that has failed')
    (spool.path / ('F' + failed)).unlink()
    (spool.path / ('H' + held)).rename(spool.path / ('X' + held))
    check(69, '1 damaged', 'nor a damaged one')
    spool.path.chmod(0o755)
    check(73, 'others may look', 'nor is what nobody can read')
    spool.path.chmod(0o700)
    spool.config = home.config(f'spool {spool.path}\nnonsense\n')
    check(78, 'unknown keyword', 'nor what is configured wrong')
    run = home.run('--check-spool', environment={'HOME': str(home.path)})
    t.ok(run.status == 0 and run.out.startswith(b'SPOOL OK: 0 waiting'),
         'where there is no spool nothing is wrong with it', run.words())


def test_unreadable(t, home):
    other = home.path / 'other'
    other.mkdir(mode=0o755)
    other.chmod(0o755)
    spool = Spool(home, f'account default\n{ACCOUNT}account second\n'
                        f'{ACCOUNT}spool {other}\n')
    run = spool.run('-bp')
    t.ok(run.status == 73 and run.out == b'' and str(other).encode() in run.err
         and b'hint: chmod 700' in run.err,
         'what waits in a spool that cannot be read is not called nothing',
         run.words())
    spool.put()
    run = spool.run('-bp')
    t.ok(run.status == 73 and lines(run)[-1] == '-- 1 Kbytes in 1 Request.' and
         str(other).encode() in run.err, 'the other spool is listed',
         run.words())
    told = json.loads(spool.run('-bp', '--json').out)
    t.ok(told['status'] == 73 and len(told['mails']) == 1 and
         told['spools'][0]['error'] is None and
         told['spools'][1]['error']['status'] == 73,
         'JSON says which could not be read', told)
    run = spool.run('--delete', 'ffff')
    t.ok(run.status == 73, 'a mail may be in the one that cannot be read',
         run.words())
    spool.path.chmod(0o755)
    run = spool.run('-bp')
    t.ok(run.status == 73 and run.err.count(b'others may look') == 2,
         'each that cannot be read is told', run.words())
    run = spool.run('--check-spool')
    t.ok(run.status == 73 and run.err == b'' and run.out.count(b'\n') == 1,
         'but to a plugin in one line', run.words())


def test_full(t, home):
    spool = Spool(home)
    for sentence in 'an empty spool', 'a mail':
        with open('/dev/full', 'wb') as full:
            run = spool.run('-bp', stdout=full)
        t.ok(run.status == 71 and b'standard output' in run.err,
             f'that {sentence} cannot be printed is told', run.words())
        name = spool.put()
    with open('/dev/full', 'wb') as full:
        run = spool.run('--show', name, stdout=full)
    t.ok(run.status == 71 and b'standard output' in run.err,
         'so it is with --show', run.words())


def test_broken_configuration(t, home):
    spool = Spool(home, ACCOUNT + 'nonsense 1\n')
    name = spool.put(account='gone')
    run = spool.run('-bp')
    t.ok(run.status == 78 and b'unknown keyword' in run.err and
         lines(run)[-1] == '-- 1 Kbytes in 1 Request.' and
         b'not in the configuration' not in run.out,
         'a broken configuration is told, and the mails are listed',
         run.words())
    run = spool.run('--hold', name)
    t.ok(run.status == 0 and run.silent() and spool.names() == ['H' + name],
         'and they can be held', run.words())
    run = spool.run('--hold', 'ffff')
    t.ok(run.status == 78 and b'unknown keyword' in run.err,
         'what is not found may be for the configuration', run.words())


def test_locked(t, home):
    """As a flush has it while it sends."""
    spool = Spool(home)
    name = spool.put()
    with (spool.path / ('Q' + name)).open('rb') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        run = spool.run('-bp')
        t.ok(run.status == 0 and name.encode() in run.out,
             'a mail that is being sent is listed', run.words())
        for option in '--delete', '--hold', '--release':
            run = spool.run(option, name)
            t.ok(run.status == 75 and b'being sent' in run.err and
                 spool.names() == ['Q' + name], f'{option} leaves it alone',
                 run.words())


def test_many(t, home):
    """Nothing but the names of the mails is kept in memory: 6 MiB of it, which
    what is printed alone would take."""
    spool, count = Spool(home), 20000
    made = tickets.ticket('0' * 35, spool.now)
    for age in range(count):
        name = tickets.make_id(spool.now - age)
        (spool.path / ('Q' + name)).write_bytes(
            made.replace(b'i ' + b'0' * 35, b'i ' + name.encode()))
    if SANITIZED:
        t.skip('memory', 'a sanitizer takes its own')
    run = spool.run('-bp', '--json', preexec_fn=None if SANITIZED else limit)
    told = json.loads(run.out or b'null')
    t.ok(run.status == 0 and len(told['mails']) == count and
         told['mails'][0]['id'] < told['mails'][-1]['id'],
         f'{count} mails are listed in little memory', run.words()[:200])
    run = spool.run('-bp', preexec_fn=None if SANITIZED else limit)
    t.ok(run.status == 0 and run.out.count(b'alice@example.com') == count,
         'and as a table', run.words()[:200])


def limit():
    resource.setrlimit(resource.RLIMIT_DATA, (6 << 20, 6 << 20))


def test_kept(t, home):
    """A mail that sendling has kept itself."""
    spool = Spool(home, ACCOUNT + 'from alice@example.com\n')
    run = home.run('--queue-only', 'bob@example.org', stdin=tickets.MESSAGE,
                   environment=spool.usual())
    listed = spool.run('-bp')
    t.ok(run.status == 0 and run.silent() and listed.status == 0 and
         [entry.group(5) for entry, _ in entries(listed)] ==
         ['alice@example.com'] and b'0 attempts, due now' in listed.out,
         'what was kept is listed', run.words(), listed.words())
    name = spool.names()[0][1:]
    run = spool.run('--show', name)
    t.ok(run.status == 0 and b'\r\nSubject: kept\r\n' in run.out and
         b'\r\nDate: ' in run.out and run.out.endswith(b'\r\n\r\nHello.\r\n'),
         'and shown as it will be sent', run.words())
    run = spool.run('--hold', name)
    t.ok(run.status == 0 and spool.names() == ['H' + name], 'and held',
         run.words())


def test_released(t, home, box):
    """To those who were refused, and to nobody else."""
    spool = Spool(home, f'smarthost smtp+plain://127.0.0.1:'
                        f'{box.ports["smtp"]}\nauth off\n')
    name = spool.put('F', age=10 ** 6, recipients=[
        (REFUSED, 'bob@example.org'), ('d', 'carol@example.org')])
    run = spool.run('-q')
    t.ok(run.status == 0 and not box.took and spool.names() == ['F' + name],
         'a failed mail is not sent', run.words(), *spool.names())
    spool.run('--release', name)
    run = spool.run('-q')
    box.settle()
    t.ok(run.status == 0 and run.silent() and len(box.took) == 1 and
         box.took[0][1]['to'] == ['bob@example.org'] and
         not spool.names(), 'but when it is released',
         run.words(), *spool.names(), *box.took)


def test_cron_line(t, home):
    """What the manual has for cron: no word, or it is a mail."""
    spool = Spool(home, 'smarthost smtp+plain://127.0.0.1:1\nauth off\n')
    name = spool.put()
    page = (harness.TESTS.parent / 'man/sendling-spool.7').read_text()
    argv = re.search(r'^\*/5 .*/sendling (.*)', page, re.M).group(1).split()
    run = spool.run(*argv)
    t.ok(run.status == 75 and run.silent() and spool.names() == ['Q' + name],
         'cron has nothing to send where the smarthost is away', run.words())
    run = spool.run('-q')
    t.ok(run.status == 0 and run.silent(),
         'nor is the mail due at once again', run.words())
    run = spool.run('-bp')
    t.ok(b', 1 attempt, next in ' in run.out and
         b'Connection refused' in run.out, 'mailq says why it waits',
         run.words())


def page_script(heading):
    """The commands that the manual shows behind a heading."""
    page = (harness.TESTS.parent / 'man/sendling-spool.7').read_text()
    return re.search(rf'^\.Ss {heading}.*?^\.Bd -literal\n(.*?)^\.Ed', page,
                     re.M | re.S).group(1).replace('\\e', '\\')


def move(home, heading, old):
    """Runs them in a home with a spool; the runs' end and the JSON of the
    spool."""
    spool = Spool(home, ACCOUNT + 'from alice@example.com\n')
    run = subprocess.run(
        ['sh', '-c', page_script(heading).replace(
            '/var/spool/nullmailer/queue', str(old))],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=HANG,
        env={**spool.usual(), 'PATH': f'{home.path}:{os.environ["PATH"]}'})
    return run, spool, json.loads(spool.run('-bp', '--json').out)['mails']


def test_moving_from_nullmailer(t, home):
    old = home.path / 'old'
    old.mkdir()
    for number in '1', '2':
        (old / number).write_bytes(
            b'carol@example.com\nbob@example.org\ndave@example.org\n\n' +
            tickets.MESSAGE.replace(b'\r', b''))
    run, spool, mails = move(home, 'nullmailer', old)
    t.ok(run.returncode == 0 and not list(old.iterdir()) and len(mails) == 2 and
         all(mail['sender'] == 'carol@example.com' and
             [r['address'] for r in mail['recipients']] ==
             ['bob@example.org', 'dave@example.org'] for mail in mails) and
         spool.run('--show', mails[0]['id']).out.endswith(
             b'\r\n\r\nHello.\r\n'),
         'the manual moves the mails of nullmailer', run.stdout, mails)


def test_moving_from_msmtpq(t, home):
    old = home.path / '.msmtp.queue'
    old.mkdir()
    (old / '2026-11-27-12.00.00.mail').write_bytes(
        tickets.MESSAGE.replace(b'\r', b''))
    (old / '2026-11-27-12.00.00.msmtp').write_text(
        '-oi -f carol@example.com -t\n')
    run, _, mails = move(home, 'msmtpq', old)
    t.ok(run.returncode == 0 and not list(old.iterdir()) and
         [(mail['sender'], mail['recipients'][0]['address'])
          for mail in mails] == [('carol@example.com', 'bob@example.org')],
         'and those of msmtpq', run.stdout, mails)


def test_service(t, home):
    """Root sees the spool of the service, which is another user's."""
    if not can_mount():
        t.skip("the service's spool", 'no mount namespace is to be had')
        return
    spool = Spool(home)
    spool.put(age=50)
    theirs = home.path / 'theirs'
    theirs.mkdir(mode=0o700)
    name = tickets.put(theirs, 'Q', spool.now - 100)
    for path in theirs, theirs / ('Q' + name):
        os.chown(path, NOBODY, NOBODY)

    def prepare():
        private_mounts()
        mount('none', os.path.dirname(SERVICE), 'tmpfs')
        os.mkdir(SERVICE)
        mount(str(theirs), SERVICE, flags=MS_BIND)

    run = spool.run('-bp', preexec_fn=prepare)
    t.ok(run.status == 0 and name.encode() in run.out and
         lines(run)[-1] == '-- 1 Kbytes in 2 Requests.',
         "root's mailq has the mails of the service", run.words())
    run = spool.run('--hold', name, preexec_fn=prepare)
    held = theirs / ('H' + name)
    t.ok(run.status == 0 and held.exists() and
         held.stat().st_uid == NOBODY, 'and root can hold them', run.words())
    home.path.chmod(0o755)
    config = home.config(f'spool {home.path}/none\n{ACCOUNT}', owner=NOBODY)
    run = home.run('-bp', config=config, preexec_fn=in_order(
        prepare, lambda: become(NOBODY)))
    t.ok(run.status == 0 and run.out == b'Mail queue is empty\n',
         'nobody else looks there', run.words())
    accounts_of_service(t, home, spool, theirs, prepare)


def accounts_of_service(t, home, spool, theirs, prepare):
    """They are said by its own configuration, unless -C names one for all."""
    for path in theirs.iterdir():
        path.unlink()
    names = [tickets.put(theirs, letter, spool.now - 20000, account=account)
             for letter, account in (('Q', 'relay'), ('F', 'relay'),
                                     ('Q', 'gone'), ('Q', 'mine'))]
    for path in theirs.iterdir():
        os.chown(path, NOBODY, NOBODY)
    environment = spool.usual()
    config = home.path / '.config/sendling/config'
    config.write_text(config.read_text() + 'account mine\n' + ACCOUNT)
    (home.path / 'etc').mkdir(mode=0o755)
    system = home.file('etc/sendling.conf', '', 0o644)

    def look(text, *argv, **more):
        system.write_text(text)
        return home.run(*argv, preexec_fn=in_order(prepare, lambda: mount(
            str(system.parent), '/etc', flags=MS_BIND)), **more)

    def missing(run):
        found = {mail['id']: mail.get('account_missing', 'none')
                 for mail in json.loads(run.out)['mails']}
        return [found[name] for name in names]

    own = ('account relay\nspool-lifetime 90d\nspool-retry 1h 2h\n' + ACCOUNT)
    run = look(own, '-bp', '--json', environment=environment)
    t.ok(missing(run) == [False, False, True, True], "the service's accounts "
         'are those of its own configuration', run.words())
    t.ok({mail['id']: mail['late'] for mail in json.loads(run.out)['mails']}
         [names[0]], '... so are their times', run.words())
    run = look('nonsense\n' + own, '-bp', '--json', environment=environment)
    t.ok(missing(run) == [False, False, None, None] and
         json.loads(run.out)['account_missing'] == 0, '... where that has '
         'faults nobody knows of others', run.words())
    run = look(own, '-bp', '--json', config=config)
    t.ok(missing(run) == [True, True, True, False],
         '... and where -C names one that counts', run.words())
    config_of_service(t, home, look, missing, own)
    run = look(own, '--release', names[1], environment=environment)
    show = look(own, '--json', '--show', names[1], environment=environment)
    t.ok(run.status == 0 and show.out and
         json.loads(show.out)['mails'][0]['expires'] - spool.now > 89 * 86400,
         '... and a mail of its is released for as long as it says',
         run.words(), show.words())


HOOKS = (
    (True, ('eth0', 'up'), {}, 'NetworkManager: up'),
    (True, ('none', 'connectivity-change'), {'CONNECTIVITY_STATE': 'FULL'},
     'NetworkManager: all can be reached'),
    (True, (), {'IFACE': 'eth0', 'MODE': 'start'}, 'ifupdown'),
    (True, (), {'IFACE': 'eth0'}, 'networkd-dispatcher'),
    (False, ('eth0', 'down'), {}, 'NetworkManager: down'),
    (False, ('lo', 'up'), {}, 'loopback is no network'),
    (False, ('none', 'connectivity-change'), {'CONNECTIVITY_STATE': 'PORTAL'},
     'nor is a portal'),
    (False, (), {'IFACE': 'lo', 'MODE': 'start'}, 'nor is it for ifupdown'))


def config_of_service(t, home, look, missing, own):
    (home.path / 'etc/sendling').mkdir(mode=0o755)
    path = home.file('etc/sendling/config', own, 0o644)
    run = look('account mine\n' + ACCOUNT, '-bp', '--json')
    t.ok(missing(run) == [False, False, True, True],
         '... of /etc/sendling/config, where that is there', run.words())
    path.unlink()


def test_hook(t, home):
    """The flush in the background is over when nobody has its pipe any more,
    which stands in for /dev/null."""
    hook = harness.TESTS.parent / 'cmd/sendling-online'
    fake = home.file('fake', '#!/bin/sh\necho "$*"\n', 0o755)
    script = home.file('hook', hook.read_text().replace(
        '/usr/local/bin/sendling', str(fake)).replace(' >/dev/null', ''), 0o755)
    for flushes, argv, environment, sentence in HOOKS:
        done = subprocess.run(
            [script, *argv], stdout=subprocess.PIPE, timeout=HANG, check=True,
            env={'PATH': os.environ['PATH'], **environment})
        t.ok(done.stdout == (b'-oeq -qf\n' if flushes else b''),
             f'hook: {sentence}', done.stdout)


if __name__ == '__main__':
    sys.exit(run_tests(globals()))
