#!/usr/bin/python3
"""The promise of the spool, sentence by sentence, as far as a run keeps it that
has a mail to send: what is kept, what is told, and what is done where nothing
can be kept.

    tests/spool.t [WORD ...]    only the tests whose names hold a WORD
"""

import json
import os
import pty
import select
import socket
import sys

from home import (
    CLONE_NEWUTS, LARGE, LIBC, MESSAGE, MS_BIND, MS_RDONLY, MS_REMOUNT, NOBODY,
    SERVE, become, can_mount, can_trace, check, in_order, mount,
    private_mounts, run_tests, trace)
from smtpd import Server
from spooled import tickets
from tickets import put

BOB, CAROL, DAVE = (f'{name}@example.org' for name in ('bob', 'carol', 'dave'))
NOBODY_THERE = 'smarthost smtp+plain://127.0.0.1:9\nfrom alice@example.com\n'
CRON = b'''From: "(Cron Daemon)" <root>
To: root
Subject: Cron <root@box> backup
X-Cron-Env: <HOME=/root>

backup: disk is full
'''


class Box:
    """A user with a configuration in the usual place, a spool, and a log."""

    def __init__(self, home, config, spool='spool'):
        self.home = home
        self.spool = home.path / spool
        self.log = home.path / 'log'
        folder = home.path / 'xdg/sendling'
        folder.mkdir(parents=True, exist_ok=True)
        if 'spool ' not in config:
            config += f'spool {self.spool}\n'
        self.configure(config)

    def configure(self, config):
        self.config = config
        self.home.file('xdg/sendling/config', config + f'log {self.log}\n')

    def run(self, *argv, environment=None, **more):
        return self.home.run(*argv, environment={
            'XDG_CONFIG_HOME': str(self.home.path / 'xdg'),
            **(environment or {})}, **more)

    def trace(self, calls, *argv, **more):
        return trace(self.home, calls, *argv, environment={
            'XDG_CONFIG_HOME': str(self.home.path / 'xdg')}, **more)

    def tickets(self, letters='QHFXt'):
        return tickets(self.spool, letters)

    def logged(self):
        return self.log.read_text() if self.log.exists() else ''

    def clear(self):
        for path in (*self.spool.glob('*'), self.log):
            path.unlink(missing_ok=True)


def plays(*dialogue):
    """A server for which each item is what it hears, and what it says then;
    None: it closes."""
    def play(server, sock):
        sock.sendall(b'220 mx\r\n')
        buffer = b''
        for heard, said in dialogue:
            while heard not in buffer:
                chunk = sock.recv(65536)
                if not chunk:
                    return
                buffer += chunk
            buffer = buffer.partition(heard)[2].partition(b'\r\n')[2]
            if said is None:
                return
            sock.sendall(said.encode() + b'\r\n')
        while sock.recv(65536):
            pass
    return play


EHLO = (b'EHLO', '250 mx')
MAIL, RCPT = (b'MAIL', '250 ok'), (b'RCPT', '250 ok')
DATA, END = (b'DATA', '354 go'), b'\r\n.'


def dialogue(step, said):
    """Up to a step, which gets this reply."""
    steps = [EHLO, MAIL, RCPT, DATA, (END, '250 taken')]
    names = ['EHLO', 'MAIL', 'RCPT', 'DATA', 'END']
    at = names.index(step)
    return plays(*steps[:at], (steps[at][0], said))


def test_cron(t, home):
    """The network is off, and cron tries once."""
    box = Box(home, NOBODY_THERE + 'domain example.com\n')
    run = box.run('-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root',
                  name='sendmail', stdin=CRON)
    kept = box.tickets()
    t.ok(run.status == 0 and run.silent(), 'status 0, and not a word',
         run.words())
    if not t.ok([k.letter for k in kept] == ['Q'] and kept[0].whole,
                'the mail is in the spool', *kept):
        return
    kept = kept[0]
    t.ok(kept.recipients == [('o', 'root@example.com')] and
         kept.head['s'] == 'alice@example.com' and kept.head['a'] == 'default',
         'with its envelope and its account', kept)
    header, _, body = kept.message.partition(b'\r\n\r\n')
    names = [line.split(b':')[0] for line in header.split(b'\r\n')]
    t.ok(all(name in names for name in (b'Date', b'Message-ID')) and
         b'To: root@example.com' in header and
         body == b'backup: disk is full\r\n',
         'as it would have gone out: repaired, with Date and Message-ID',
         header)
    t.ok(kept.path.stat().st_mode & 0o7777 == 0o600 and
         box.spool.stat().st_mode & 0o7777 == 0o700,
         'nobody else may read it, nor look into the folder')
    log = box.logged()
    t.ok(f'status=0 queued={kept.id} error="' in log and 'refused' in log and
         len(log.splitlines()) == 1, 'the log says where it is, and why', log)
    t.ok('Connection refused' in kept.records[0] and
         kept.records[0].startswith('T '), 'the journal says why', kept)


def on_terminal(box, *argv):
    """What a person sees on standard error."""
    ours, theirs = pty.openpty()
    run = box.run(*argv, stderr=theirs)
    os.close(theirs)
    seen = b''
    try:
        while select.select([ours], [], [], 0)[0]:
            seen += os.read(ours, 65536)
    except OSError:
        pass
    os.close(ours)
    return run, seen.decode()


def test_words(t, home):
    """A caller takes a word for a failure, and sends again."""
    box = Box(home, NOBODY_THERE)
    run, seen = on_terminal(box, BOB)
    kept = box.tickets()
    t.ok(run.status == 0 and len(kept) == 1 and len(seen.splitlines()) == 1 and
         f'is kept in the spool as {kept[0].id}: ' in seen and
         'Connection refused' in seen, 'a person at a terminal gets a line',
         run.words(), seen)
    run, seen = on_terminal(box, '-oeq', BOB)
    t.ok(run.status == 0 and seen == '', '... but not with -oeq', seen)
    run = box.run('-v', BOB)
    t.ok(run.status == 0 and b'-- the mail is kept in the spool as ' in run.err,
         'with -v the dialogue says so', run.words())
    box.clear()
    run = box.run('--json', BOB)
    told, kept = json.loads(run.out), box.tickets()
    t.ok(run.status == told['status'] == 0 and run.err == b'' and
         told['queued'] == kept[0].id and
         told['recipients'][0]['verdict'] == 'queued' and
         'Connection refused' in told['error']['text'],
         'as JSON: the id, the verdict, and why', told)


def kept_all(box, recipients=1):
    kept = box.tickets()
    return len(kept) == 1 and kept[0].letter == 'Q' and kept[0].whole and \
        [state for state, _ in kept[0].recipients] == ['o'] * recipients


def without(box, *argv, **more):
    return box.run('--no-queue', *argv, **more)


def expect_kept(t, box, sentence, status, **more):
    """Kept with status 0; and without the spool the status is as ever."""
    box.clear()
    run = box.run(BOB, **more)
    t.ok(run.status == 0 and run.silent() and kept_all(box),
         f'{sentence}: kept', run.words(), *box.tickets())
    kept = box.tickets()
    direct = without(box, BOB, **more)
    t.ok(direct.status == status and len(box.tickets()) == len(kept),
         f'... and {status} with --no-queue', direct.words())


def test_what_may_be_mended(t, home, certificate):
    box = Box(home, '')
    spool = f'from alice@example.com\nspool {box.spool}\n'
    for sentence, status, lines in (
            ('nobody listens', 75, 'smarthost smtp+plain://127.0.0.1:9\n'),
            ('no such name', 68, 'smarthost smtps://nowhere.invalid\n'),
            ('no password', 78,
             'smarthost smtps://127.0.0.1:9\nuser a\n'),
            ('a password file that is not there', 78,
             'smarthost smtps://127.0.0.1:9\nuser a\npassword-file /none\n'),
            ('a password command that fails', 78,
             'smarthost smtps://127.0.0.1:9\nuser a\n'
             'password-command false\n'),
            ('no smarthost', 78, ''),
            ('a fault in the configuration', 78,
             'smarthost smtps://127.0.0.1:9\ntimeout soon\n')):
        box.configure(lines + spool)
        expect_kept(t, box, sentence, status)
    with Server(certificate, users=[('alice', 'secret')]) as server:
        box.configure(server.config('password wrong', spool.split('\n')[1]))
        expect_kept(t, box, 'a password that is refused', 77)
        box.configure(server.config('password secret', spool.split('\n')[1])
                      .replace(f'tls-trust {server.trust}\n', ''))
        expect_kept(t, box, 'a certificate that is not trusted', 77)
    for step, said, status in (
            ('EHLO', None, 75), ('MAIL', '451 4.3.0 wait', 75),
            ('MAIL', '421 4.3.0 closing', 75), ('RCPT', '450 4.2.1 wait', 75),
            ('DATA', '451 4.3.0 wait', 75), ('END', '452 4.3.1 full', 75),
            ('MAIL', None, 75), ('DATA', None, 75)):
        with Server(play=dialogue(step, said)) as server:
            box.configure(server.config(f'spool {box.spool}'))
            expect_kept(t, box, f'{said or "the end"} to {step}', status)


def test_doubt(t, home):
    """The mail may have been delivered, and is sent again all the same: that is
    said in its journal, and nowhere else."""
    with Server(play=dialogue('END', None)) as server:
        box = Box(home, server.config())
        run = box.run(BOB)
        kept = box.tickets()
        t.ok(run.status == 0 and run.silent() and kept_all(box) and
             kept[0].records[0].startswith('A '),
             'no answer to the end of the data: kept, as doubtful', run.words(),
             *kept)


def test_what_lasts(t, home):
    """What is refused for good is told as ever, and a copy is kept."""
    for step, said, status in (
            ('MAIL', '550 5.7.1 not you', 69), ('RCPT', '550 5.1.1 who', 67),
            ('DATA', '554 5.7.1 no', 69), ('END', '554 5.7.1 spam', 69)):
        with Server(play=dialogue(step, said)) as server:
            box = Box(home, server.config())
            box.clear()
            run = box.run(BOB)
            kept = box.tickets()
            t.ok(run.status == status and said.encode() in run.err,
                 f'{said} to {step}: status {status}', run.words())
            t.ok([k.letter for k in kept] == ['F'] and kept[0].whole and
                 kept[0].recipients == [('t', BOB)],
                 '... and a copy is kept of what failed', *kept)
            t.ok(f'a copy is in the spool as {kept[0].id}' in box.logged() and
                 'queued=' not in box.logged(), '... which the log says',
                 box.logged())


def test_some(t, home):
    """Whoever has the mail does not get it again."""
    refuse = {CAROL: '451 4.2.1 wait'}
    with Server(refuse=refuse) as server:
        box = Box(home, server.config())
        run = box.run(BOB, CAROL)
        kept = box.tickets()
        t.ok(run.status == 0 and run.silent() and
             [to['to'] for _, to in server.took] == [[BOB]],
             'one has it, another was put off: status 0', run.words())
        t.ok([k.letter for k in kept] == ['Q'] and
             kept[0].recipients == [('d', BOB), ('o', CAROL)],
             '... and waits for the other alone', *kept)
        server.refusals[DAVE] = '550 5.1.1 who'
        box.clear()
        run = box.run('--json', BOB, CAROL, DAVE)
        kept = box.tickets()
        t.ok(run.status == 67 and DAVE.encode() in run.err and
             CAROL.encode() not in run.err and BOB.encode() not in run.err,
             'a third was refused: he alone is named', run.words())
        t.ok(kept[0].recipients == [('d', BOB), ('o', CAROL), ('t', DAVE)],
             '... and is not open', *kept)
        t.ok([r['verdict'] for r in json.loads(run.out)['recipients']] ==
             ['delivered', 'queued', 'refused'], '... nor in JSON', run.out)
        box.clear()
        run = box.run(CAROL, DAVE)
        t.ok(run.status == 67 and b'refused for 1 of 2' in run.err and
             CAROL.encode() not in run.err and
             box.tickets()[0].recipients == [('o', CAROL), ('t', DAVE)],
             'one refused, one put off: the same', run.words(), *box.tickets())


def test_all_or_none(t, home):
    refuse = {CAROL: '451 4.2.1 wait'}
    with Server(refuse=refuse) as server:
        box = Box(home, server.config('recipients all'))
        run = box.run(BOB, CAROL)
        t.ok(run.status == 0 and run.silent() and kept_all(box, 2) and
             not server.took, 'one is put off: all wait', run.words())
        server.refusals[DAVE] = '550 5.1.1 who'
        box.clear()
        run = box.run(BOB, CAROL, DAVE)
        t.ok(run.status == 67 and not server.took and
             [k.letter for k in box.tickets()] == ['F'],
             'one is refused: nobody waits', run.words(), *box.tickets())


def test_what_is_no_mail(t, home):
    box = Box(home, NOBODY_THERE)
    for sentence, status, argv, message in (
            ('a wrong option', 64, ('--frobnicate', BOB), MESSAGE),
            ('no recipient', 64, (), MESSAGE),
            ('none in the message', 65, ('-t',), b'Subject: x\n\nx\n'),
            ('what is no address', 65, ('<<',), MESSAGE),
            ('a name without a domain', 67, ('bob',), MESSAGE),
            ('a transcript that cannot be opened', 78,
             ('-X', '/nowhere/x', BOB), MESSAGE)):
        run = box.run(*argv, stdin=message)
        t.ok(run.status == status and not box.tickets(),
             f'{sentence}: {status}, and nothing is kept', run.words())
    box.configure(NOBODY_THERE + f'spool {box.spool}\nfrmo x@y\n')
    run = box.run(BOB)
    t.ok(run.status == 78 and not box.tickets(),
         'a line that may be about the sender: 78', run.words())


def test_queue_only(t, home):
    with Server() as server:
        box = Box(home, server.config())
        for option in ('--queue-only', '-odq', '-odd', '-ODeliveryMode=q'):
            box.clear()
            run = box.run(option, BOB)
            kept = box.tickets()
            t.ok(run.status == 0 and run.silent() and kept_all(box) and
                 server.count == 0 and kept[0].due == 0 and
                 not kept[0].records,
                 f'{option}: kept, due at once, and nobody is connected to',
                 run.words(), *kept)
        box.clear()
        run = box.run('-odq', BOB, name='sendmail')
        t.ok(run.status == 0 and kept_all(box),
             'who calls sendmail may say so', run.words())
        box.configure(server.config())
        run = box.run('--queue-only', BOB)
        t.ok(run.status == 73 and server.count == 0 and
             b'no spool' in run.err, 'no spool: --queue-only is 73',
             run.words())
        run = box.run('-odq', BOB)
        t.ok(run.status == 0 and len(server.took) == 1,
             '... and -odq sends it', run.words())
        box.spool.chmod(0o755)
        box.configure(server.config(f'spool {box.spool}'))
        run = box.run('--queue-only', BOB)
        t.ok(run.status == 75 and len(server.took) == 1 and
             b'chmod 700' in run.err,
             'a spool that cannot be used: --queue-only is 75', run.words())
        run = box.run('-odq', BOB)
        t.ok(run.status == 0 and len(server.took) == 2,
             '... and -odq sends it', run.words())


def test_no_queue(t, home):
    box = Box(home, NOBODY_THERE)
    run, lines = box.trace('%file', '--no-queue', BOB) if can_trace() else \
        (box.run('--no-queue', BOB), [])
    t.ok(run.status == 75 and not box.spool.exists() and
         not any(str(box.spool) in line for line in lines),
         '--no-queue: the spool is not looked at', run.words())


def test_serve(t, home):
    box = Box(home, NOBODY_THERE)
    run = box.run('-bs', stdin=SERVE)
    kept = box.tickets()
    t.ok(run.status == 0 and len(kept) == 1 and
         f'250 2.0.0 queued as {kept[0].id}\r\n'.encode() in run.out,
         '-bs: 250, and the id', run.words())
    box.clear()
    with Server(refuse={CAROL: '550 5.1.1 who', DAVE: '450 4.2.1 wait'}) as \
            server:
        box.configure(server.config(f'spool {box.spool}'))
        more = ''.join(f'RCPT TO:<{who}>\r\n' for who in (CAROL, DAVE))
        run = box.run('-bs', stdin=SERVE.replace(
            b'DATA\r\n', more.encode() + b'DATA\r\n'))
        kept = box.tickets()
        answer = [line for line in run.out.split(b'\r\n')
                  if CAROL.encode() in line]
        t.ok(len(answer) == 1 and answer[0].startswith(b'554') and
             DAVE.encode() not in run.out and len(server.took) == 1 and
             kept[0].recipients == [('d', 'bob@example.org'), ('t', CAROL),
                                    ('o', DAVE)],
             'some were refused: they alone are named', run.words(), *kept)
    box.clear()
    box.configure(NOBODY_THERE + f'spool {box.spool}\n')
    run = box.run('-bs', '--no-queue', stdin=SERVE)
    t.ok(b'451' in run.out and not box.tickets(), '--no-queue: 451 as ever',
         run.words())


def test_who_chose_the_way(t, home):
    """A later run has the usual files alone."""
    with Server(play=dialogue('MAIL', '451 wait')) as server:
        box = Box(home, server.config())
        url = server.url('smtp+plain')
        other = url.replace('127.0.0.1', 'localhost')
        named = home.config(server.config(f'spool {box.spool}'), 'named')
        elsewhere = home.config(f'account elsewhere\n{server.config()}'
                                f'spool {box.spool}\n', 'elsewhere')
        astray = home.config(server.config(f'spool {box.spool}2'), 'astray')
        for sentence, argv, environment, kept in (
                ('-C, the same', ('-C', named), {}, True),
                ('-C, another account', ('-C', elsewhere), {}, False),
                ('--set, the same', ('--set', f'smarthost={url}'), {}, True),
                ('--set, another', ('--set', f'smarthost={other}'), {}, False),
                ('-C, another spool', ('-C', astray), {}, False),
                ('--set, another spool', ('--set', f'spool={box.spool}2'), {},
                 False),
                ('the environment, another spool', (),
                 {'SENDLING_SPOOL': f'{box.spool}2'}, False),
                ('the environment, the same spool', (),
                 {'SENDLING_SPOOL': str(box.spool)}, True),
                ('--set of what is no way', ('--set', 'timeout=9'), {}, True),
                ('the environment, the same', (),
                 {'SENDLING_SMARTHOST': url}, True),
                ('the environment, another', (),
                 {'SENDLING_SMARTHOST': other}, False),
                ('another user', (), {'SENDLING_USER': 'bob', 'SENDLING_AUTH':
                                      'EXTERNAL'}, False)):
            box.clear()
            run = box.run(*argv, BOB, environment=environment)
            if kept:
                t.ok(run.status == 0 and kept_all(box), f'{sentence}: kept',
                     run.words())
            else:
                t.ok(run.status != 0 and not box.tickets() and
                     b'not kept for later' in run.err,
                     f'{sentence}: both reasons are told', run.words())


def test_large(t, home):
    """From a file that is read a second time, and from a pipe."""
    box = Box(home, NOBODY_THERE)
    source = home.file('large', LARGE)
    for sentence, given in (('a pipe', LARGE), ('a file', open(source, 'rb'))):
        box.clear()
        run = box.run(BOB, stdin=given)
        t.ok(run.status == 0 and kept_all(box) and
             box.tickets()[0].message == LARGE,
             f'a large message of {sentence}: kept octet for octet',
             run.words())
    size = os.path.getsize(source)
    with open(source, 'r+b') as given, \
            Server(play=dialogue('MAIL', '451 wait')) as server:
        box.clear()

        def change(server, sock):
            os.pwrite(given.fileno(), b'!', size - 100)
            dialogue('MAIL', '451 wait')(server, sock)
        server.play = change
        box.configure(server.config(f'spool {box.spool}'))
        run = box.run(BOB, stdin=given)
        t.ok(run.status not in (0, None) and not box.tickets() and
             b'changed' in run.err,
             'a file that has changed meanwhile is not kept', run.words())


def test_calls(t, home):
    """What durability costs, and what it costs who needs none."""
    if not can_trace():
        return t.skip('how often fsync is called', 'no strace')
    box = Box(home, NOBODY_THERE)
    box.run(BOB)
    run, lines = box.trace('fsync,fdatasync,sync,syncfs', BOB)
    t.ok(run.status == 0 and len(lines) <= 3 and len(box.tickets()) == 2,
         'a mail that is kept costs at most three fsyncs', *lines)
    with Server() as server:
        box.configure(server.config(f'spool {box.spool}'))
        run, lines = box.trace('fsync,fdatasync,sync,syncfs', BOB)
        t.ok(run.status == 0 and not lines and len(server.took) == 1,
             'one that is not costs none', *lines)
    box.configure(NOBODY_THERE + f'spool {box.spool}\n')
    for number in range(1001):
        (box.spool / f'Q{number:010x}-{number:024x}').touch()
    # The next has another number of mails before it.
    runs = [box.trace('/stat', '--queue-only', BOB) for _ in range(2)]
    t.ok(all(run.status == 0 for run, _ in runs) and
         min(len(lines) for _, lines in runs) < 200,
         'nor is each of many that wait looked at for each',
         *(len(lines) for _, lines in runs))


def test_ancillary(t, home):
    """A log that cannot be written, standard error that is closed."""
    box = Box(home, NOBODY_THERE)
    box.home.file('xdg/sendling/config', box.config + 'log /dev/full\n')
    run = box.run(BOB)
    t.ok(run.status == 0 and len(box.tickets()) == 1, 'a log that is full',
         run.words())
    for sentence, prepare in (
            ('standard error is closed', lambda: os.close(2)),
            ('all three are', lambda: os.closerange(0, 3))):
        box.clear()
        run = box.run(BOB, preexec_fn=prepare, stdout=None, stderr=None)
        want = 0 if 'error' in sentence else 74
        t.ok(run.status == want and len(box.tickets()) == (want == 0),
             f'{sentence}: status {want}', run.words())


def test_full_outputs(t, home):
    """Who reads nothing of what is told changes nothing."""
    box = Box(home, NOBODY_THERE)
    with open('/dev/full', 'wb') as full:
        for argv in ('--json', BOB), ('-v', BOB), (BOB,):
            box.clear()
            run = box.run(*argv, stdout=full, stderr=full)
            t.ok(run.status == 0 and len(box.tickets()) == 1,
                 f'outputs that are full, {argv[0]}: status 0', run.words())
    box.clear()
    run = box.run(BOB, environment={'HOME': '/nowhere', 'LC_ALL': 'xx_YY',
                                    'TMPDIR': '/nowhere'}, stdin=LARGE)
    t.ok(run.status == 0 and run.silent() and kept_all(box),
         'no HOME, no locale, no TMPDIR: the same', run.words())


def becomes_unusable(home, box):
    """Ways in which a spool takes nothing: a sentence, what makes it so in the
    child, what undoes it, and a word of the reason."""
    def mode(bits):
        return lambda: box.spool.chmod(bits)

    def replace(make):
        def act():
            box.spool.rename(home.path / 'aside')
            make()
        return act

    def restore():
        box.spool.unlink()
        (home.path / 'aside').rename(box.spool)

    nothing = (lambda: None)
    yield 'others may look into it', mode(0o750), mode(0o700), 'chmod 700', None
    yield 'it is a file', replace(box.spool.touch), restore, 'not a folder', None
    yield 'it is a symbolic link', replace(
        lambda: box.spool.symlink_to(home.path / 'aside')), restore, \
        'symbolic link', None
    if os.geteuid() == 0:
        yield 'it is somebody else\'s', lambda: os.chown(box.spool, 1, 1), \
            lambda: os.chown(box.spool, 0, 0), 'belongs to', None
    if not can_mount():
        return

    def remount():
        mount(box.spool, box.spool, flags=MS_BIND)
        mount(None, box.spool, flags=MS_BIND | MS_REMOUNT | MS_RDONLY)

    yield 'it is read-only', nothing, nothing, 'Read-only', \
        in_order(private_mounts, remount)
    yield 'it is in memory', nothing, nothing, 'in memory', in_order(
        private_mounts, lambda: mount('none', box.spool, 'tmpfs',
                                      data='mode=0700'))


def test_unusable(t, home):
    """The mail is tried all the same, and where it stays both reasons are
    told."""
    with Server() as server:
        box = Box(home, server.config())
        up, down = box.config, NOBODY_THERE + f'spool {box.spool}\n'
        box.spool.mkdir(mode=0o700)
        for sentence, make, undo, word, prepare in \
                becomes_unusable(home, box):
            before = len(server.took)
            make()
            box.configure(up)
            run = box.run(BOB, preexec_fn=prepare)
            t.ok(run.status == 0 and run.silent() and
                 len(server.took) == before + 1,
                 f'{sentence}: the mail goes out', run.words())
            box.configure(down)
            run = box.run(BOB, preexec_fn=prepare)
            t.ok(run.status == 75 and b'Connection refused' in run.err and
                 word.encode() in run.err,
                 '... and where it cannot, both reasons are told', run.words())
            undo()
            t.ok(not box.tickets(), '... and nothing is kept', *box.tickets())


def test_full(t, home):
    """A disk that is full, and a spool that is."""
    box = Box(home, NOBODY_THERE + f'spool {home.path}/spool\n'
              'spool-limit 2 1G\n')
    for _ in range(2):
        box.run(BOB)
    run = box.run(BOB)
    t.ok(run.status == 75 and b'Connection refused' in run.err and
         b'spool-limit' in run.err and len(box.tickets()) == 2,
         'a spool with as many mails as it takes: 75', run.words())
    if not can_mount():
        return t.skip('a disk that is full', 'no private mount namespace')
    box.clear()
    box.configure(NOBODY_THERE + f'spool {box.spool}\nspool-volatile yes\n')
    full = in_order(private_mounts, lambda: mount(
        'none', box.spool, 'tmpfs', data='mode=0700,size=8k'))
    run = box.run(BOB, stdin=LARGE, preexec_fn=full)
    t.ok(run.status == 75 and b'Connection refused' in run.err and
         b'No space left' in run.err, 'a disk that is full: 75', run.words())
    with Server() as server:
        box.configure(server.config(f'spool {box.spool}',
                                    'spool-volatile yes'))
        run = box.run(BOB, stdin=LARGE, preexec_fn=full)
        t.ok(run.status == 0 and len(server.took) == 1,
             '... where the mail goes out all the same', run.words())


def test_removed(t, home):
    """The folder is removed while the mail is on its way."""
    box = Box(home, NOBODY_THERE)

    def remove(server, sock):
        box.spool.rmdir()
        dialogue('MAIL', '451 4.3.0 wait')(server, sock)
    with Server(play=remove) as server:
        box.configure(server.config(f'spool {box.spool}'))
        run = box.run(BOB)
        t.ok(run.status == 75 and b'451 4.3.0 wait' in run.err and
             b'removed meanwhile' in run.err,
             'a folder that was removed: 75, with both reasons', run.words())


def test_names_change(t, home):
    """The machine gets another name, and the user another number."""
    if not can_mount():
        return t.skip('other names', 'no namespaces of our own')

    def rename(name):
        def act():
            check(LIBC.unshare(CLONE_NEWUTS))
            socket.sethostname(name)
        return act

    box = Box(home, NOBODY_THERE)
    box.run(BOB, preexec_fn=rename('first.example'))
    box.run(BOB, preexec_fn=rename('second.example'))
    kept = box.tickets()
    t.ok(len(kept) == 2 and all(k.whole for k in kept),
         'two mails of two names are kept', *kept)
    with Server() as server:
        box.configure(server.config(f'spool {box.spool}'))
        box.log.chmod(0o666)
        for path in (box.spool, *box.spool.iterdir(),
                     *(home.path / 'xdg').rglob('*')):
            os.chown(path, NOBODY, NOBODY)
        run = box.run('-qf', preexec_fn=in_order(
            rename('third.example'), lambda: become(NOBODY)))
        t.ok(run.status == 0 and not box.tickets('QHFX') and
             sorted(message for message, _ in server.took) ==
             sorted(k.message for k in kept),
             'under a third, and as another user, both go out as they were',
             run.words(), *box.tickets())


def test_clocks(t, home):
    """What was kept in 1970 and in 2100 goes out now, and is not given up before
    it was tried."""
    box = Box(home, NOBODY_THERE)
    box.spool.mkdir(mode=0o700)
    for created in (0, 1, 4102444800):
        put(box.spool, 'Q', created, due=created)
    with Server() as server:
        box.configure(server.config(f'spool {box.spool}'))
        run = box.run('-q')
        t.ok(run.status == 0 and len(server.took) == 3 and
             not box.tickets('QHFX'), 'mails of 1970 and of 2100 go out',
             run.words(), *box.tickets())


if __name__ == '__main__':
    sys.exit(run_tests(dict(globals())))
