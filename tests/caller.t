#!/usr/bin/python3
"""One account for a machine: sendling -bs at a socket, as its own user, for
callers of whom the kernel tells who they are: as whom each may send, how many
connections he has, what he is told and what the log knows; and what anybody may
do to the socket, which takes it down for nobody.

    tests/caller.t [WORD ...]    only the tests whose names hold a WORD
"""

import contextlib
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time

import harness
from home import become, run_tests
from smtpd import Server

# Users of this machine that every Debian has, and one that is none.
SERVICE, BOB, CAROL, WWW, NAMELESS = 10, 2, 3, 33, 61234
LOGINS = {BOB: 'bin', CAROL: 'sys', WWW: 'www-data', 0: 'root'}
TEXT = 'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@x.example>\r\n'
AS_ANOTHER = threading.Lock() # the whole process is, while it connects


class Caller:
    """A connection to the service, as whoever calls."""

    def __init__(self, service, sock):
        self.service, self.sock = service, sock
        self.sock.settimeout(harness.WAIT)
        self.lines = sock.makefile('rb')

    def hear_line(self):
        return self.lines.readline().decode().rstrip('\r\n')

    def hear(self):
        """The next reply, of several lines the last; '' at the end."""
        line = b'   -'
        while line[3:4] == b'-':
            line = self.lines.readline()
        return line.decode().rstrip('\r\n')

    def say(self, *commands):
        """Says them at once; the last reply."""
        self.sock.sendall(''.join(c + '\r\n' for c in commands).encode())
        return [self.hear() for _ in commands][-1]

    def send(self, sender, text='', recipient='dave@example.net', more=''):
        """A mail, and what became of it."""
        reply = self.say(f'MAIL FROM:{sender}{more}')
        if reply.startswith('250'):
            self.say(f'RCPT TO:<{recipient}>')
            self.say('DATA')
            reply = self.say(text + TEXT + '\r\nHello.\r\n.')
        return reply

    def close(self):
        self.lines.close()
        self.sock.close()


class Service:
    """Accepts, and starts the program for each connection, as a service manager
    does that has Accept=yes."""

    def __init__(self, home, config, *, inet=False, slots=True,
                 environment=()):
        self.home = home
        self.config = None if config is None else \
            home.config(config, 'service', 0o600, SERVICE)
        self.runtime = home.path / 'slots'
        self.runtime.mkdir(mode=0o700, exist_ok=True)
        os.chown(self.runtime, SERVICE, SERVICE)
        self.environment = dict(environment)
        if slots:
            self.environment['RUNTIME_DIRECTORY'] = str(self.runtime)
        if inet:
            self.listener = socket.create_server(('127.0.0.1', 0))
        else:
            self.path = home.path / 'submit'
            self.path.unlink(missing_ok=True)
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(self.path))
            self.path.chmod(0o666)
        self.listener.listen(200)
        self.processes = []
        self.stopped = False
        self.thread = threading.Thread(target=self.accept)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        for process in self.processes:
            process.kill()
            process.wait()

    def accept(self):
        while not self.stopped:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with AS_ANOTHER:
                self.processes.append(self.home.start(
                    '-bs', config=self.config, stdin=sock, stdout=sock,
                    stderr=subprocess.DEVNULL, environment=self.environment,
                    preexec_fn=lambda: become(SERVICE)))
            sock.close()

    def connect(self, uid=None):
        """As this user, who is asked for when the connection is made."""
        if self.listener.family != socket.AF_UNIX:
            return Caller(self, socket.create_connection(
                self.listener.getsockname()))
        sock = socket.socket(socket.AF_UNIX)
        with AS_ANOTHER:
            os.seteuid(uid or 0)
            try:
                sock.connect(str(self.path))
            finally:
                os.seteuid(0)
        return Caller(self, sock)

    @contextlib.contextmanager
    def caller(self, uid=None):
        caller = self.connect(uid)
        greeting = caller.hear()
        if not greeting.startswith('220 '):
            raise EOFError(greeting)
        caller.say('EHLO client')
        yield caller
        caller.close()

    def send(self, uid, sender, text='', **more):
        with self.caller(uid) as caller:
            return caller.send(sender, text, **more)

    def started(self):
        """All that were, for connections that have got an answer."""
        with AS_ANOTHER:
            return list(self.processes)

    def ends(self):
        """The statuses of those, when they have ended."""
        return [process.wait(harness.WAIT) for process in self.started()]


def config(box, *lines, log='off'):
    return box.config('domain example.org', f'log {log}', *lines)


def senders(box):
    return [envelope['from'] for _, envelope in box.took]


def field(mail, name):
    """The values of a field of the header."""
    header = mail.decode().split('\r\n\r\n')[0]
    return re.findall(rf'(?mi)^{name}: (.*)$', header.replace('\r', ''))


def test_who_may(t, home, box):
    log = home.file('log', '', 0o600, SERVICE)
    with Service(home, config(
            box, f'sender-of {LOGINS[WWW]} *@example.org', log=log)) as service:
        for uid, sender, code in (
                (BOB, '<bin@example.org>', '250'),
                (BOB, '<bin@EXAMPLE.ORG>', '250'),
                (BOB, '<bin>', '250'),
                (BOB, '<>', '250'),
                (BOB, '<sys@example.org>', '550'),
                (CAROL, '<bin@example.org>', '550'),
                (WWW, '<news@example.org>', '250'),
                (WWW, '<news@example.com>', '550'),
                (BOB, '<news@example.org>', '550'),
                (NAMELESS, f'<uid{NAMELESS}@example.org>', '250'),
                (NAMELESS, f'<{NAMELESS}@example.org>', '550'),
                (0, '<anybody@anywhere.example>', '250')):
            reply = service.send(uid, sender)
            t.ok(reply.startswith(code), f'uid {uid} as {sender}: {code}',
                 reply)
        reply = service.send(CAROL, '<bin@example.org>')
        t.ok(reply == '550 5.7.1 user sys (uid 3) may not send as '
             "<bin@example.org>; write `sender-of sys bin@example.org' into "
             "the service's configuration", 'the reply has the line to write',
             reply)
        t.ok(set(service.ends()) == {0}, 'each ends well', service.ends())
    t.ok(senders(box) == ['bin@example.org', 'bin@EXAMPLE.ORG',
                          'bin@example.org', '', 'news@example.org',
                          f'uid{NAMELESS}@example.org',
                          'anybody@anywhere.example'],
         'the smarthost has what was allowed, and no more', senders(box))
    lines = log.read_text().splitlines()
    t.ok(any("write `sender-of sys bin@example.org'" in line
             for line in lines), 'so has the log', *lines)
    lines = [line for line in lines if ' from=' in line]
    t.ok([re.search(r'uid=(\d+)', line)[1] for line in lines] == [
        str(uid) for uid in (BOB, BOB, BOB, BOB, BOB, CAROL, WWW, WWW, BOB,
                             NAMELESS, NAMELESS, 0, CAROL)],
        'the log has the uid of each mail, and of each refusal', *lines)
    t.ok('from=<sys@example.org>' in lines[4] and 'status=69' in lines[4] and
         'may not send as' in lines[4], 'and what he wanted to be', lines[4])


# What must not let a user be another, by what the smarthost would be told.
ATTACKS = (
    'FROM:<"sys"@example.org>', r'FROM:<"\s\y\s"@example.org>',
    'FROM:<sys>', 'FROM:sys@example.org', 'FROM: <sys@example.org>',
    'FROM:<SYS@EXAMPLE.ORG>', 'FROM:<sys@example.org.>',
    'FROM:<@bin.example:sys@example.org>', 'FROM:<"bin@example.org"@evil.example>',
    'FROM:<"bin@example.org">', 'FROM:<bin@example.org@evil.example>',
    'FROM:<bin@example.org,sys@example.org>', 'FROM:<(bin) sys@example.org>',
    'FROM:<sys(bin@example.org)@example.org>', 'FROM:<bin@[example.org]>',
    'FROM:<bin@x.example.org>', 'FROM:<bin+x@example.org>',
    'FROM:<bin@example.org> FROM:<sys@example.org>',
    'FROM:<sys@example.org> SIZE=0', 'FROM:<sys@example.org> SIZE=99999999999',
    'FROM:<sys@example.org> AUTH=<bin@example.org>',
    'FROM:<bin@example.org> SENDER=sys', 'FROM:<bin@ex\u00e4mple.org> SMTPUTF8',
    'FROM:<b\u0131n@example.org> SMTPUTF8', 'FROM:<\uff42in@example.org> SMTPUTF8',
    'FROM:bin <sys@example.org>', 'FROM:<*@example.org>', 'FROM:<?in@example.org>',
    'FROM:<\x00bin@example.org>', 'FROM:<bin\x00@example.org>',
    'FROM:<root@example.org>', 'FROM:<tcp@example.org>', 'FROM:<1@example.org>')


def test_attacks(t, home, box):
    with Service(home, config(box, 'sender-of tcp *', 'sender-of 0 *')) as \
            service:
        let = []
        for attack in ATTACKS:
            with service.caller(BOB) as caller:
                reply = caller.say('MAIL ' + attack)
                if reply[:1] != '5':
                    caller.say('RCPT TO:<dave@example.net>')
                    caller.say('DATA')
                    let.append((attack, caller.say('x\r\n.')))
        t.ok(not let and not box.took, 'no spelling makes a user another', *let)
        with service.caller(BOB) as caller:
            first = caller.say('MAIL FROM:<bin@example.org>')
            second = caller.say('MAIL FROM:<sys@example.org>')
            caller.say('RCPT TO:<dave@example.net>', 'DATA', 'x\r\n.')
            caller.say('MAIL FROM:<bin@example.org>', 'RSET')
            third = caller.say('MAIL FROM:<sys@example.org>')
            t.ok((first[:3], second[:3], third[:3]) == ('250', '503', '550'),
                 'neither do two MAILs, nor RSET', first, second, third)
        t.ok(senders(box) == ['bin@example.org'], 'what went was his own',
             senders(box))
        with service.caller(BOB) as caller:
            caller.sock.sendall(
                b'MAIL FROM:<sys@example.org>\r\nRCPT TO:<dave@example.net>\r\n'
                b'DATA\r\nx\r\n.\r\nMAIL FROM:<bin@example.org>\r\n'
                b'RCPT TO:<dave@example.net>\r\nDATA\r\ny\r\n.\r\nQUIT\r\n')
            heard = [line[:3].decode() for line in caller.lines]
            t.ok(heard == ['550', '503', '354', '554', '250', '250', '354',
                           '250', '221'],
                 'who does not wait is told of each mail', heard)
        t.ok(senders(box) == ['bin@example.org'] * 2, 'and his own goes',
             senders(box))


def test_header(t, home, box):
    with Service(home, config(box, 'sender-of sys *@list.example')) as service:
        mails = [
            (BOB, '<bin@example.org>', 'From: root (Cron Daemon)\r\n',
             ['root@example.org (Cron Daemon)'], ['bin@example.org']),
            (BOB, '<bin@example.org>',
             'From: sys@example.org\r\nSender: sys@example.org\r\n',
             ['sys@example.org'], ['bin@example.org']),
            (BOB, '<>', 'From: sys@example.org\r\n', ['sys@example.org'],
             ['bin@example.org']),
            (BOB, '<bin@example.org>', 'From: Me <bin@example.org>\r\n',
             ['Me <bin@example.org>'], []),
            (BOB, '<bin@example.org>', '', ['bin <bin@example.org>'], []),
            (CAROL, '<x@list.example>', 'From: y@list.example\r\n',
             ['y@list.example'], []),
            (0, '<x@y.example>', 'From: z@y.example\r\n', ['z@y.example'], [])]
        for uid, sender, text, author, named in mails:
            box.clear()
            reply = service.send(uid, sender, text)
            mail = box.took[0][0] if box.took else b''
            t.ok(field(mail, 'From') == author and
                 field(mail, 'Sender') == named,
                 f'uid {uid} as {sender}, {text.encode()!r}: Sender is '
                 f'{named or "none"}', reply, mail)


def test_tcp(t, home, box):
    log = home.file('log', '', 0o600, SERVICE)
    with Service(home, config(box, log=log), inet=True) as service:
        for sender in '<root@example.org>', '<tcp@example.org>':
            reply = service.send(None, sender)
            t.ok(reply.startswith('550 5.7.1 a caller over TCP may not send') and
                 'sender-of tcp ' + sender[1:-1] in reply,
                 f'over TCP without a line: {sender} is refused', reply)
        reply = service.send(None, '<>', 'From: root@example.org\r\n')
        t.ok(reply.startswith('550 5.7.1') and 'sender-of tcp <>' in reply,
             'and the null reverse-path', reply)
    with Service(home, config(
            box, 'sender-of tcp *@example.org', 'force-from robot@example.net',
            log=log), inet=True) as service:
        t.ok(service.send(None, '<x@example.com>').startswith('550'),
             'force-from lets in nobody of whom nothing is known')
        t.ok(service.send(None, '<x@example.org>').startswith('250'),
             'a line does')
    t.ok(senders(box) == ['robot@example.net'], 'by force-from', senders(box))
    t.ok(log.read_text().count(' uid=tcp') == 5, 'the log has uid=tcp',
         log.read_text())


def test_accounts(t, home, box):
    """Nobody gets at an account by a sender that is not his."""
    with Server() as work:
        smarthost = work.config().splitlines()[0]
        with Service(home, config(
                box, 'account default', 'account work', 'match *@work.example',
                'match sys@*', smarthost, 'sender-of sys *@work.example')) as \
                service:
            replies = [
                service.send(BOB, '<boss@work.example>'),
                service.send(BOB, '<>', 'From: boss@work.example\r\n'),
                service.send(CAROL, '<sys@example.org>'),
                service.send(CAROL, '<boss@work.example>'),
                service.send(CAROL, '<>', 'From: boss@work.example\r\n')]
        t.ok([reply[:3] for reply in replies] == ['550'] + ['250'] * 4,
             'a sender of another account is refused', *replies)
        t.ok(senders(work) == ['sys@example.org', 'boss@work.example', ''],
             'that account has what may go there', senders(work))
        t.ok(senders(box) == [''] and field(box.took[0][0], 'Sender') ==
             ['bin@example.org'], 'a From field of another chooses it for '
             'nobody', *box.took)


def test_force_from(t, home, box):
    with Service(home, config(
            box, 'force-from %U-robot@example.net', 'full-name %U on tin')) as \
            service:
        reply = service.send(BOB, '<sys@example.org>',
                             'From: sys@example.org\r\nSender: sys@x.example\r\n')
        mail, envelope = box.took[0]
        t.ok(reply.startswith('250') and
             envelope['from'] == 'bin-robot@example.net' and
             field(mail, 'From') == ['bin on tin <bin-robot@example.net>'] and
             field(mail, 'Reply-To') == ['sys@example.org'] and
             not field(mail, 'Sender'),
             'force-from takes any sender, and names the caller', reply, mail)


def test_nothing_applies(t, home, box):
    """To who starts the program himself, whatever it is that he hands it."""
    path = home.config(config(box))
    words = (b'MAIL FROM:<anybody@anywhere.example>\r\n'
             b'RCPT TO:<dave@example.net>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n')
    done = home.run('-bs', config=path, stdin=words)
    t.ok(done.status == 0 and senders(box) == ['anybody@anywhere.example'],
         'a pipe', done.words())
    ours, theirs = socket.socketpair()
    ours.sendall(words)
    process = home.start('-bs', config=path, stdin=theirs, stdout=theirs)
    theirs.close()
    ours.settimeout(harness.WAIT)
    heard = ours.makefile('rb').read()
    ours.close()
    t.ok(process.wait() == 0 and len(box.took) == 2 and b'\r\n221 ' in heard,
         'a socket of our own', heard)
    with Service(home, config(box, 'socket-slots 1')) as service, \
            service.caller(SERVICE), service.caller(SERVICE) as second:
        reply = second.send('<anybody@anywhere.example>')
        t.ok(reply.startswith('250'), "the service's own user at its socket",
             reply)


def test_size(t, home, box):
    """Nobody fills the service's temporary folder by one mail."""
    def announced(caller):
        caller.sock.sendall(b'EHLO client\r\n')
        return [line for line in iter(caller.hear_line,
                                      '250 ENHANCEDSTATUSCODES')
                if 'SIZE' in line]
    with Service(home, config(box)) as service, service.caller(BOB) as caller:
        lines = announced(caller)
        t.ok(lines == [f'250-SIZE {150 * 1024 * 1024}'],
             'a caller is told what is too large', *lines)
    largest = 1 << 20
    with Service(home, config(box, 'socket-size 1M')) as service, \
            service.caller(BOB) as caller:
        lines = announced(caller)
        t.ok(lines == [f'250-SIZE {largest}'], 'which socket-size says', *lines)
        reply = caller.say(
            f'MAIL FROM:<bin@example.org> SIZE={largest + 1}')
        t.ok(reply.startswith('552 '), 'and that his is, before he sends it',
             reply)
        caller.say('RSET', 'MAIL FROM:<bin@example.org>',
                   'RCPT TO:<dave@example.net>')
        caller.sock.sendall(f'BDAT {largest + 1} LAST\r\n'.encode() +
                            b'.' * (largest + 1))
        reply = caller.hear()
        t.ok(reply.startswith('552 ') and box.took == [],
             'or behind it, where he did not say', reply)
        reply = caller.send('<bin@example.org>')
        t.ok(reply.startswith('250 '), 'and a smaller one goes after it',
             reply)


def test_loop(t, home, box):
    """A service that lacks its configuration takes that of its users, which
    leads to itself."""
    (home.path / 'link').symlink_to(home.path / 'submit')
    for name in 'submit', 'link', None:
        with Service(home, config(box), inet=name is None) as service:
            url = f'smtp+unix:{home.path / name}' if name else \
                f'smtp+plain://127.0.0.1:{service.listener.getsockname()[1]}'
            home.config(f'smarthost {url}\ndomain example.org\nlog off\n'
                        'sender-of tcp *\n', 'service', 0o600, SERVICE)
            reply = service.send(BOB, '<bin@example.org>')
            t.ok(reply.startswith('451 4.') and
                 'leads back to the socket' in reply and
                 len(service.started()) <= 2,
                 f'{url}: who would call himself says so', reply,
                 len(service.started()))


def test_slots(t, home, box):
    log = home.file('log', '', 0o600, SERVICE)
    with Service(home, config(box, 'socket-slots 2', log=log)) as service:
        held = [service.connect(BOB) for _ in range(2)]
        t.ok([caller.hear()[:3] for caller in held] == ['220'] * 2,
             'a user holds two connections')
        more = service.connect(BOB)
        reply = more.hear()
        t.ok(reply.startswith('421 4.7.0 user bin (uid 2) holds 2 connections '
                              'already') and more.hear() == '',
             'a third is 421 4.7.0', reply)
        more.close()
        t.ok(service.started()[-1].wait(harness.WAIT) == 75, 'status 75')
        t.ok(service.send(CAROL, '<sys@example.org>').startswith('250'),
             'another user is served all the same')
        service.started()[0].kill()
        service.started()[0].wait()
        t.ok(service.send(BOB, '<bin@example.org>').startswith('250'),
             'a process that is killed leaves its place')
        roots = [service.connect(0) for _ in range(9)]
        greetings = [caller.hear()[:3] for caller in roots]
        t.ok(greetings.count('220') == 8 and greetings.count('421') == 1,
             'root holds four times as many', greetings)
        many = [service.connect(NAMELESS + i) for i in range(3)]
        greetings = sorted(caller.hear()[:3] for caller in many)
        t.ok(greetings == ['220', '220', '421'], 'uids without a login, of '
             'which a user may have thousands, hold as many as one', greetings)
        for caller in held + roots + many:
            caller.close()
        service.ends()
        t.ok(service.send(BOB, '<bin@example.org>').startswith('250'),
             'who is gone has left his place')
    t.ok(any('uid=2' in line and 'holds 2 connections' in line and
             'status=75' in line for line in log.read_text().splitlines()),
         'the log has it', log.read_text())
    os.chmod(home.path / 'slots', 0)
    os.chown(home.path / 'slots', 0, 0)
    with Service(home, config(box)) as service:
        os.chown(home.path / 'slots', 0, 0)
        reply = service.connect(BOB).hear()
        t.ok(reply.startswith('421 ') and 'cannot be counted' in reply,
             'where they cannot be counted nobody is let in', reply)
    if not os.path.exists('/run/sendling/slots'):
        log.write_text('')
        with Service(home, config(box, log=log), slots=False) as service:
            t.ok(service.send(BOB, '<bin@example.org>').startswith('250') and
                 'not counted' in log.read_text(),
                 'where no folder is for it the log says so', log.read_text())


def garbage(chance):
    """What a caller may say: noise, and dialogues in pieces, doubled, cut."""
    pieces = [b'EHLO x\r\n', b'MAIL FROM:<bin@example.org>\r\n', b'DATA\r\n',
              b'RCPT TO:<dave@example.net>\r\n', b'.\r\n', b'RSET\r\n', b'\r',
              b'BDAT 99999999999999999999\r\n', b'BDAT 5 LAST\r\n', b'\x00' * 99,
              b'x' * 20000, b'\n' * 99, b'\x16\x03\x01\x02\x00\x01', b'\xff',
              b'GET / HTTP/1.1\r\n\r\n', b'MAIL FROM:<' + b'"' * 9000,
              b'STARTTLS\r\n', b'BDAT -1\r\n', b'%n%s%x\r\n', b'.' * 5000]
    return b''.join(chance.choice(pieces) if chance.random() < .8 else
                    chance.randbytes(chance.randrange(400))
                    for _ in range(chance.randrange(12)))


def abuse(caller, chance):
    """One caller who means no good, and does not wait for an answer."""
    with contextlib.suppress(OSError):
        caller.sock.settimeout(1)
        caller.sock.sendall(garbage(chance))
        end = chance.randrange(4)
        if end == 0:
            caller.sock.shutdown(socket.SHUT_WR)
            caller.lines.read()
        elif end == 1:
            caller.sock.shutdown(socket.SHUT_RD)
            caller.sock.sendall(garbage(chance))
        elif end == 2:
            caller.lines.readline()
    caller.close()


def test_garbage(t, home, box):
    chance = random.Random(62875)
    with Service(home, config(box, 'socket-slots 64')) as service:
        for _ in range(60):
            abuse(service.connect(BOB), chance)
        statuses = service.ends()
        t.ok(set(statuses) <= {0, 74}, 'garbage, half a dialogue, an early end: '
             'no process dies of it', statuses)
        t.ok(all(sender == 'bin@example.org' for sender in senders(box)),
             'and nothing goes that is not his', senders(box))
        box.clear()
        callers = [service.connect(CAROL if i % 2 else BOB) for i in range(100)]
        replies = [caller.hear() for caller in callers]
        t.ok({reply[:3] for reply in replies} <= {'220', '421'} and
             sum(reply.startswith('220') for reply in replies) >= 64,
             'a hundred at once are answered', replies)
        for caller in callers:
            caller.close()
        t.ok(service.send(CAROL, '<sys@example.org>').startswith('250') and
             senders(box) == ['sys@example.org'],
             'the next caller is served as ever')
        t.ok(set(service.ends()) <= {0, 74, 75}, 'no process has died',
             service.ends())


def start_client(home, service, uid, *lines):
    """A user's own run, by way of the socket."""
    path = home.config('\n'.join([
        f'smarthost smtp+unix:{service.path}', 'domain example.org',
        'log off', *lines, '']), 'client', 0o644)
    process = home.start('dave@example.net', config=path,
                         stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                         preexec_fn=lambda: become(uid))
    process.stdin.write(b'Subject: x\n\nHello.\n')
    process.stdin.close()
    return process


def refused(service, already):
    """A connection behind so many that was told 421."""
    end = time.monotonic() + harness.WAIT
    while len(service.started()) <= already and time.monotonic() < end:
        time.sleep(0.01)
    return service.started()[already].wait(harness.WAIT) == 75


def test_patience(t, home, box):
    """Our own clients try again while all places are taken."""
    with Service(home, config(box, 'socket-slots 1')) as service:
        held = service.connect(BOB)
        t.ok(held.hear().startswith('220'), 'a user holds his only connection')
        client = start_client(home, service, BOB, 'connect-timeout 5m')
        t.ok(refused(service, 1) and client.poll() is None,
             'his next mail is told 421, and waits', *service.started())
        held.close()
        t.ok(client.wait(harness.WAIT) == 0 and client.stderr.read() == b'' and
             senders(box) == ['bin@example.org'],
             'until there is a place', client.returncode, senders(box))
        client.stderr.close()
        service.ends()
        held = service.connect(BOB)
        held.hear()
        client = start_client(home, service, BOB, 'connect-timeout 1s')
        status, words = client.wait(harness.WAIT), client.stderr.read()
        t.ok(status == 75 and b'holds 1 connections already' in words,
             'or connect-timeout is over', status, words)
        client.stderr.close()
        held.close()


def prepare_spool(home, box, *lines):
    """Of the service, with its configuration: the folder, the log, and the
    environment that leads there."""
    spool, folder = home.path / 'spool', home.path / 'etc/sendling'
    spool.mkdir(mode=0o700)
    os.chown(spool, SERVICE, SERVICE)
    folder.mkdir(parents=True)
    log = home.file('log', '', 0o600, SERVICE)
    home.file('etc/sendling/config',
              config(box, f'spool {spool}', *lines, log=log), 0o644)
    return spool, log, {'XDG_CONFIG_HOME': str(home.path / 'etc')}


def test_spool(t, home, box):
    """What waits belongs to the service's user, and goes by him."""
    spool, log, environment = prepare_spool(home, box, 'spool-retry 1s')
    box.refusals = {'later@example.net': '451 4.3.0 later'}
    with Service(home, None, environment=environment) as service:
        reply = service.send(BOB, '<bin@example.org>',
                             recipient='later@example.net')
        other = service.send(BOB, '<sys@example.org>',
                             recipient='later@example.net')
    files = list(spool.glob('Q*'))
    t.ok(reply.startswith('250 2.0.0 queued as') and other.startswith('550') and
         len(files) == 1 and files[0].stat().st_uid == SERVICE,
         "a mail that is kept is the service's", reply, other, *files)
    t.ok('uid=2 queued=' in log.read_text(), 'the log has whose it was',
         log.read_text())
    box.refusals = {}
    done = home.run('-qf', stdin=subprocess.DEVNULL,
                    environment=environment,
                    preexec_fn=lambda: become(SERVICE))
    t.ok(done.status == 0 and senders(box) == ['bin@example.org'] and
         not list(spool.glob('Q*')), 'and goes by a run of his', done.words(),
         senders(box), *spool.iterdir(), log.read_text())


def test_crowd(t, home, box):
    """Who holds most of his places, as when the smarthost does not answer,
    loses nothing that he has besides."""
    spool, log, environment = prepare_spool(home, box, 'socket-slots 4')
    with Service(home, None, environment=environment) as service:
        held = [service.connect(BOB) for _ in range(3)]
        t.ok([caller.hear()[:3] for caller in held] == ['220'] * 3,
             'a user holds three connections of four')
        reply = service.send(BOB, '<bin@example.org>')
        t.ok(reply.startswith('250 2.0.0 queued as') and
             len(list(spool.glob('Q*'))) == 1 and senders(box) == [],
             'what comes by the fourth is kept, and waits for nobody', reply,
             senders(box), *spool.iterdir())
        reply = service.send(CAROL, '<sys@example.org>')
        t.ok(reply.startswith('250 ') and senders(box) == ['sys@example.org'],
             "another user's is sent at once", reply, senders(box))
        for caller in held:
            caller.close()
        service.ends()
        box.clear()
        reply = service.send(BOB, '<bin@example.org>')
        t.ok(reply.startswith('250 ') and senders(box) == ['bin@example.org'],
             'and so is his, when the others are gone', reply, senders(box))
    with Service(home, config(box, 'socket-slots 4')) as service:
        held = [service.connect(BOB) for _ in range(3)]
        for caller in held:
            caller.hear()
        box.clear()
        reply = service.send(BOB, '<bin@example.org>')
        t.ok(reply.startswith('250 ') and senders(box) == ['bin@example.org'],
             'without a spool all are sent', reply, senders(box))
        for caller in held:
            caller.close()


def test_share(t, home, box):
    """Nobody fills the spool for the others."""
    spool, log, environment = prepare_spool(home, box, 'spool-limit 4')
    box.refusals = {'later@example.net': '451 4.3.0 later',
                    'nobody@example.net': '550 5.1.1 nobody'}
    with Service(home, None, environment=environment) as service:
        def send(uid, recipient):
            return service.send(uid, '<>', recipient=recipient)
        for _ in range(6):
            reply = send(BOB, 'nobody@example.net')
        t.ok(reply.startswith('550 5.1.1') and len(list(spool.glob('F*'))) == 3
             and 'no copy is kept: spool' in log.read_text(),
             'who has his mails refused fills no disk by their copies', reply,
             *spool.iterdir())
        replies = [send(BOB, 'later@example.net') for _ in range(4)]
        t.ok([reply[:3] for reply in replies] == ['250'] * 3 + ['451'] and
             'no room for more of user bin (uid 2)' in replies[3],
             'one user fills it no further than what is left', *replies)
        reply = send(CAROL, 'later@example.net')
        t.ok(reply.startswith('250 2.0.0 queued as'), "another's is kept",
             reply)


if os.geteuid() != 0:
    harness.skip_all('only root can call as several users')
sys.exit(run_tests(dict(globals())))
