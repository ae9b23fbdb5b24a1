#!/usr/bin/python3
"""sendling -q: what becomes of the mails of a spool, against servers of every
kind. The files are made without sendling, by tickets.py, and read by it."""

import os
import pathlib
import re
import subprocess
import sys
import time

import home as surroundings
import tickets
from smtpd import Server

MINUTE, HOUR, DAY = 60, 3600, 86400
LETTER = (b'From: alice@example.com\r\nTo: bob@example.org\r\nSubject: %d\r\n'
          b'Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <%d@x>\r\n'
          b'MIME-Version: 1.0\r\n'
          b'Content-Type: text/plain; charset=utf-8\r\n'
          b'Content-Transfer-Encoding: 8bit\r\n\r\n.\r\n..two\r\nF\xc3\xbcr %d\r\n')


class Spool:
    """A folder with mails, and the runs through it."""

    def __init__(self, home, name='spool'):
        self.home = home
        self.path = home.path / name
        self.path.mkdir(mode=0o700)
        self.now = int(time.time())
        self.count = 0
        self.log = home.path / 'log'
        self.text = None

    def put(self, letter='Q', age=100, due=None, **more):
        """A mail of that age, due so many seconds from now; its id."""
        created = self.now - age
        self.count += 1
        more.setdefault('message', LETTER % ((self.count,) * 3))
        return tickets.put(self.path, letter, created,
                           created if due is None else self.now + due, **more)

    def names(self):
        return sorted(p.name for p in self.path.iterdir()
                      if p.name != '.lock')

    def due(self, name):
        """In seconds from the beginning of the test."""
        return (self.path / name).stat().st_mtime - self.now

    def journal(self, name):
        """The records, without their checksums; of attempts the beginning."""
        octets = (self.path / name).read_bytes()
        end = re.search(rb'\r\nE [0-9a-f]{64}\n', octets).end()
        lines = octets[-(-end // 4096) * 4096:].rstrip(b'\0').decode()
        return [re.sub('^(A [0-9]+) .*', r'\1', line[:-9])
                for line in lines.splitlines()]

    def config(self, server, *lines):
        return self.home.config(server.config(
            f'spool {self.path}', f'log {self.log}', *lines))

    def lines(self):
        """What the log has gained."""
        text = self.log.read_text() if self.log.exists() else ''
        self.log.unlink(missing_ok=True)
        return [line.split(']: ', 1)[1] for line in text.splitlines()]

    def run(self, server, *argv, lines=(), **more):
        return self.home.run(*(argv or ('-q',)), stdin=b'',
                             config=self.config(server, *lines), **more)


def subjects(server):
    found = (re.search(rb'Subject: (\d+)', mail) for mail, _ in server.took)
    return sorted(int(match[1]) for match in found if match)


def recipients(server):
    return [e['to'] for _, e in server.took]


def between(number, low, high):
    return low <= number <= high


def test_good(t, home, box):
    spool = Spool(home)
    for _ in range(40):
        spool.put()
    done = spool.run(box)
    t.ok(done.status == 0 and done.silent(), 'mails that are due: status 0 '
         'and no word', done.words())
    t.ok(sorted(mail for mail, _ in box.took) ==
         sorted(LETTER % ((i,) * 3) for i in range(1, 41)),
         'each is sent once, octet for octet', box.took[:2])
    t.ok(box.count == 1 and not box.faults, 'in one session, without a fault',
         box.count, box.faults)
    t.ok(spool.names() == [], 'nothing is left in the spool', spool.names())
    lines = spool.lines()
    t.ok(len(lines) == 40 and all(
        'from=<alice@example.com> to=<bob@example.org>' in line and
        'smarthost=127.0.0.1:' in line and 'msgid=<' in line and
        'code=250' in line and 'status=0' in line for line in lines),
        'the log has a line of each', *lines[:3])


def test_window(t, home):
    spool = Spool(home)
    for _ in range(100):
        spool.put()
    with Server(delay=20) as slow:
        spool.run(slow)
        turns = sum(e['turns'] for _, e in slow.took[-1:])
        t.ok(len(slow.took) == 100 and turns < 20,
             'a hundred mails take the turns of sixteen at a time', turns)


def test_what_is_due(t, home, box):
    spool = Spool(home)
    later = spool.put(due=HOUR)
    more = spool.put(due=HOUR)
    spool.put(due=-1)
    spool.put(age=-DAY, due=HOUR)       # a clock that was wrong then
    spool.put(due=400 * DAY)            # ... or when it was tried
    for option in '-q', '-q30m':
        spool.run(box, option)
    t.ok(subjects(box) == [3, 4, 5], 'what is due goes, and what no clock that '
         'goes right would have put so far off', subjects(box))
    t.ok(spool.names() == sorted(['Q' + later, 'Q' + more]), 'the others wait',
         spool.names())
    spool.run(box, '-qI' + more)
    t.ok(subjects(box) == [2, 3, 4, 5], '-qI names one', subjects(box))
    held = spool.put('H')
    for option in 'ffff', held, later + '0':
        done = spool.run(box, '-qI' + later, '-qI' + option) \
            if option == 'ffff' else spool.run(box, '-qI' + option)
        t.ok(done.status == 66 and b'no mail that waits has the id `' +
             option.encode() in done.err, '-qI of an id that none has: 66',
             done.words())
    t.ok(subjects(box) == [1, 2, 3, 4, 5] and spool.names() == ['H' + held],
         'which keeps no other one', subjects(box))
    done = spool.run(box, '-qI')
    t.ok(done.status == 64 and spool.names() == ['H' + held],
         '-qI of none: 64', done.words())
    (spool.path / ('H' + held)).unlink()
    spool.put(due=HOUR)
    spool.run(box, '-qf')
    t.ok(subjects(box) == [1, 2, 3, 4, 5, 7] and spool.names() == [],
         '-qf sends all', subjects(box))


def test_first_to_last(t, home, box):
    spool = Spool(home)
    cron = b'Subject: 1\n\nthe disk is full\n.\n\xff \n'
    with Server(play=greets(b'421 4.3.2 closed\r\n')) as down:
        done = passing(spool, down, '-i', 'carol@example.org', stdin=cron)
        t.ok(done.status == 0 and done.silent() and len(spool.names()) == 1,
             'a mail that meets a dead server is kept', done.words())
    octets = (spool.path / spool.names()[0]).read_bytes()
    first = [re.search(field + rb': (.*)\r\n', octets)[1]
             for field in (b'Message-ID', b'Date')]
    with Server(refuse={'carol@example.org': '450 4.2.1 full'}) as server:
        spool.run(server, '-qf')
    spool.run(box, '-qf')
    spool.run(box, '-qf')
    mail = box.took[0][0]
    t.ok(len(box.took) == 1 and
         [re.search(field + rb': (.*)\r\n', mail)[1]
          for field in (b'Message-ID', b'Date')] == first and
         mail.endswith(b'\r\n\r\nthe disk is full\r\n.\r\n\xff \r\n'),
         'and arrives once, with its first Date and Message-ID', mail, first)


def test_released(t, home, box):
    spool = Spool(home)
    one = spool.put('F', age=9 * DAY, due=-4 * DAY, recipients=[
        ('o', 'a@example.org'), ('o', 'b@example.org')],
        journal=['A 1 1', 'R D 0', 'R F 1 550 5.1.1 550 5.1.1 nobody'])
    done = spool.run(box, '--release', one)
    spool.run(box)
    t.ok(done.status == 0 and recipients(box) == [['b@example.org']] and
         spool.names() == [], 'a failed mail that is released goes to who was '
         'refused, and no other', done.words(), recipients(box), spool.names())


def test_held_and_failed(t, home, box):
    spool = Spool(home)
    spool.put('H')
    spool.put('F')
    spool.put('X')
    before = spool.names()
    done = spool.run(box, '-qf')
    t.ok(done.status == 0 and box.count == 0 and spool.names() == before,
         'what is held, has failed or is damaged waits for a person',
         done.words(), spool.names())


def test_refused_for_now(t, home):
    spool = Spool(home)
    young = spool.put(recipients=[('o', 'full@example.org')])
    spool.put()
    old = spool.put(age=3 * HOUR, recipients=[('o', 'full@example.org')])
    with Server(refuse={'full@example.org': '450 4.2.1 full'}) as server:
        done = spool.run(server)
        t.ok(done.status == 0 and done.silent() and subjects(server) == [2],
             'a 4yz for one mail does not stop the next, and is no failure of '
             'the run', done.words(), subjects(server))
        t.ok(spool.names() == sorted(['Q' + young, 'Q' + old]),
             'it stays', spool.names())
        t.ok(between(spool.due('Q' + young), 30 * MINUTE, 34 * MINUTE),
             'for half an hour at least', spool.due('Q' + young))
        t.ok(between(spool.due('Q' + old), 2.6 * HOUR, 3.4 * HOUR),
             'and as long as it has waited', spool.due('Q' + old))
        records = spool.journal('Q' + young)
        t.ok(records == ['A 1', 'T 1 0 450 450 4.2.1 full'], 'it says why', records)
        lines = spool.lines()
        t.ok(sum('status=0 ' in line and '450' in line and 'queued=' in line
                 and 'error=' in line for line in lines) == 2,
             'so does the log', *lines)
        count = server.count
        spool.run(server)
        t.ok(server.count == count, 'it is not asked again before', count)


def test_refused_for_good(t, home, box):
    spool = Spool(home)
    one = spool.put(recipients=[('o', 'no@example.org')])
    spool.put()
    with Server(refuse={'no@example.org': '550 5.1.1 nobody'}) as server:
        done = spool.run(server)
        t.ok(done.status == 0 and done.silent() and subjects(server) == [2],
             'a 5yz stops no other mail', done.words())
    t.ok(spool.names() == ['F' + one], 'the mail is kept as failed',
         spool.names())
    t.ok(between(spool.due('F' + one), -1, MINUTE), 'from now on',
         spool.due('F' + one))
    records = spool.journal('F' + one)
    t.ok(records == ['A 1', 'R F 0 550 5.1.1 550 5.1.1 nobody',
                     'T 1 0 550 550 5.1.1 nobody'],
         'it says who was refused, and that nobody can have it', records)
    lines = spool.lines()
    t.ok(any('status=67' in line and '550' in line for line in lines) and
         any(one in line and 'given up' in line for line in lines),
         'so does the log', *lines)
    spool.run(box, '-qf')
    t.ok(box.count == 0, 'it is never sent again', box.took)


def test_only_the_open(t, home, box):
    spool = Spool(home)
    one = spool.put(recipients=[('o', 'a@example.org'), ('d', 'b@example.org'),
                                ('o', 'no@example.org'),
                                ('o', 'full@example.org'),
                                ('t 550 5.1.1 550 5.1.1 nobody', 'e@example.org'),
                                ('o', 'f@example.org')])
    with Server(refuse={'no@example.org': '550 5.1.1 nobody',
                        'full@example.org': '450 4.2.1 full'}) as server:
        spool.run(server)
        lines = spool.lines()
        t.ok(any('not sent to <no@example.org>: 550' in line
                 for line in lines) and 'error=' in lines[-1],
             'the log names who was refused', *lines)
        t.ok(recipients(server) == [['a@example.org', 'f@example.org']] and
             not any('<b@' in told or '<e@' in told
                     for _, told in server.told),
             'who has it, or was refused, is not asked again', server.told)
    t.ok(spool.names() == ['Q' + one], 'it waits for who is left',
         spool.names())
    records = spool.journal('Q' + one)
    t.ok(records == [
        'A 1', 'R D 0,5', 'R F 2 550 5.1.1 550 5.1.1 nobody', 'T 1 0 450 450 4.2.1 full'], 'each is noted', records)
    spool.run(box, '-qf')
    t.ok(recipients(box) == [['full@example.org']], 'who alone is asked then',
         box.told)
    t.ok(spool.names() == ['F' + one], 'it has failed for one', spool.names())


def test_who_was_told(t, home, box):
    spool = Spool(home)
    spool.put(recipients=[('t 550 5.1.1 550 5.1.1 nobody', 'a@example.org'),
                          ('o', 'b@example.org')])
    spool.run(box)
    t.ok(recipients(box) == [['b@example.org']] and spool.names() == [],
         'a mail whose refusals the caller knows is done with when the others '
         'have it', spool.names())


def test_killed(t, home, box):
    spool = Spool(home)
    names = [f'{i}@example.org' for i in range(3)]
    one = spool.put(recipients=[('o', name) for name in names])
    runs = []

    def play(server, sock):
        """Takes a recipient at a time, and kills whoever asks for more."""
        sock.sendall(b'220 mx\r\n')
        server.hear(sock, b'EHLO')
        sock.sendall(b'250-mx\r\n250 LIMITS RCPTMAX=1\r\n')
        take_mail(server, sock)
        sock.sendall(b'250 taken\r\n')
        server.hear(sock, b'MAIL')
        runs[0].kill()
        runs[0].wait()

    with Server(play=play) as server:
        config = spool.config(server)
        with server.changed:  # nobody is served before
            runs.append(home.start('-q', config=config,
                                   stdin=subprocess.DEVNULL))
        runs[0].wait(surroundings.HANG)
    t.ok(spool.journal('Q' + one) == ['A 1', 'R D 0'],
         'who has the mail stands in its file before anything else is asked',
         spool.journal('Q' + one))
    spool.run(box, '-qf')
    t.ok(recipients(box) == [names[1:]], 'and is not asked again',
         recipients(box))


def test_tried_by_another(t, home):
    spool = Spool(home)
    names = ['Q' + spool.put(age=200 - i) for i in range(3)]

    def play(server, sock):
        """Takes a mail; another run has the second meanwhile."""
        sock.sendall(b'220 mx\r\n')
        server.hear(sock, b'EHLO')
        sock.sendall(b'250 mx\r\n')
        for _ in range(3):
            take_mail(server, sock)
            os.utime(spool.path / names[1], (spool.now + HOUR,) * 2)
            sock.sendall(b'250 taken\r\n')
        server.hear(sock, b'QUIT')

    with Server(play=play) as server:
        done = spool.run(server)
    t.ok(done.status == 0 and spool.names() == [names[1]],
         'what another run has put off meanwhile is not tried again',
         done.words(), spool.names())


def test_session_is_refused(t, home, box):
    spool = Spool(home)
    for _ in range(5):
        spool.put()

    def play(server, sock):
        """Takes RSET and then does not, with mails behind it."""
        sock.sendall(b'220 mx\r\n')
        server.hear(sock, b'EHLO')
        sock.sendall(b'250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n')
        server.hear(sock, b'Subject')
        sock.sendall(b'250 ok\r\n250 ok\r\n250 taken\r\n')
        server.hear(sock, b'RSET')
        sock.sendall(b'250 ok\r\n250 ok\r\n250 taken\r\n250 ok\r\n')
        sock.sendall(b'250 ok\r\n250 ok\r\n250 taken\r\n550 no RSET\r\n')
        server.hear(sock, b'QUIT')

    with Server(play=play) as server:
        spool.run(server)
    t.ok(all(name[0] == 'Q' for name in spool.names()) and
         len(spool.names()) == 3, 'a refusal that ends the session is none of '
         'the mails that it was to have', spool.names())
    spool.run(box, '-qf')
    t.ok(spool.names() == [], 'which go with the next', spool.names())


def test_no_rset(t, home):
    spool = Spool(home)
    for _ in range(40):
        spool.put()
    with Server(without={'RSET'}) as server:
        done = spool.run(server, '-qf')
    t.ok(done.status == 0 and spool.names() == [] and len(server.took) == 40,
         'a server without RSET gets each mail once', done.words(),
         len(server.took), spool.names())


def test_shifted(t, home):
    """One reply too many, each time before a mail that is refused."""
    spool = Spool(home)
    for extension in (b'PIPELINING', b'CHUNKING'):
        names = ['Q' + spool.put(age=200 - i, recipients=[
            ('o', f'{i}@example.org')]) for i in range(8)]
        took = []

        def play(server, sock):
            heard = sock.makefile('rb')
            sock.sendall(b'220 mx\r\n')
            for line in heard:
                verb, answer = line[:4].upper(), b'250 ok\r\n'
                if verb == b'EHLO':
                    answer = (b'250-mx\r\n250-' + extension +
                              b'\r\n250 PIPELINING\r\n')
                if verb == b'QUIT':
                    sock.sendall(b'221 bye\r\n')
                    return
                if verb == b'RCPT':
                    number = int(line[9:10])
                if verb == b'DATA':
                    sock.sendall(b'354 go\r\n')
                    while heard.readline() not in (b'.\r\n', b''):
                        pass
                if verb == b'BDAT':
                    heard.read(int(line.split()[1]))
                if verb in (b'DATA', b'BDAT'):
                    if number == 4:
                        answer = b'554 spam\r\n'
                    else:
                        took.append(number)
                    if number == 3:
                        answer += b'250 twice\r\n'
                sock.sendall(answer)

        with Server(play=play) as server:
            spool.run(server)
        left = [name[1:] for name in spool.names()]
        t.ok(names[4][1:] in left and
             all(names[i][1:] in left for i in range(8) if i not in took),
             'no mail that was refused is gone for a reply too many', took,
             [names.index('Q' + name) for name in left])
        for name in spool.names():
            (spool.path / name).unlink()


def test_one_that_ends_sessions(t, home):
    spool = Spool(home)
    for i in range(6):
        spool.put(age=200 - i, recipients=[
            ('o', f'{"bad" if i == 1 else i}@example.org')])

    def play(server, sock):
        sock.sendall(b'220 mx\r\n')
        server.hear(sock, b'EHLO')
        sock.sendall(b'250 mx\r\n')
        while server.hear(sock, b'MAIL'):
            sock.sendall(b'250 ok\r\n')
            if b'bad' in server.hear(sock, b'RCPT'):
                return
            sock.sendall(b'250 ok\r\n')
            server.hear(sock, b'DATA')
            sock.sendall(b'354 go\r\n')
            server.hear(sock, b'\r\n.\r\n')
            sock.sendall(b'250 taken\r\n')

    with Server(play=play) as server:
        done = spool.run(server)
        t.ok(done.status == 0 and len(spool.names()) == 1 and
             server.count == 2, 'a mail that a server cannot stand keeps no '
             'other from it', done.words(), spool.names(), server.count)


def test_wishes(t, home):
    spool = Spool(home)
    spool.put(age=400, mail=' deliver-by=1000;R')
    with Server(offers=('DELIVERBY',)) as server:
        spool.run(server)
        by = [e['mail_parameters'].get('BY') for _, e in server.took]
    t.ok(len(by) == 1 and re.fullmatch('5[89][0-9];R|600;R', by[0]),
         'what is left of its time is asked for', by)


def test_all_or_none(t, home, box):
    for words, letter in (('550 5.1.1 nobody', 'F'), ('450 4.2.1 full', 'Q')):
        spool = Spool(home, letter)
        one = spool.put(mail=' all-or-none', recipients=[('o', 'a@example.org'),
                                                 ('o', 'no@example.org')])
        with Server(refuse={'no@example.org': words}) as server:
            spool.run(server)
            t.ok(server.took == [] and spool.names() == [letter + one],
                 f'all recipients or none: {words}', spool.names())
        spool.run(box, '-qf')
    t.ok(recipients(box) == [['a@example.org', 'no@example.org']],
         'what waits is for all', recipients(box))

    def leaves(server, sock):
        """Having taken one mail, and refused one recipient of the next."""
        server.play = None
        sock.sendall(b'220 mx\r\n')
        for heard, answer in ((b'EHLO', b'250 mx'), (b'MAIL', b'250 ok'),
                              (b'RCPT', b'250 ok'), (b'DATA', b'354 go'),
                              (b'\r\n.\r\n', b'250 ok'), (b'MAIL', b'250 ok'),
                              (b'<no@', b'550 5.1.1 nobody'),
                              (b'<a@', b'421 4.3.2 closed')):
            server.hear(sock, heard)
            sock.sendall(answer + b'\r\n')

    refused = ('A 1 1', 'R F 0 550 5.1.1 550 5.1.1 nobody')
    for sentence, play, journal in (
            ('where the session ends then', leaves, ()),
            ('where that was noted', None, refused),
            ('where that was reported', None, (*refused, 'B 1'))):
        spool = Spool(home, sentence)
        spool.put(age=200)
        one = spool.put(mail=' all-or-none', journal=journal, recipients=[
            ('o', 'no@example.org'), ('o', 'a@example.org')])
        with Server(refuse={'no@example.org': '550 5.1.1 nobody'},
                    play=play) as server:
            spool.run(server)
            t.ok(not any('a@' in str(who) for who in recipients(server)) and
                 spool.names() == ['F' + one], 'one is refused: nobody gets '
                 'it, ' + sentence, spool.names(), recipients(server))


BAD = [('o', f'{i}@bad.example') for i in range(3)]


def impatient():
    """A smarthost that sends away who asks for many that it does not know, as
    Postfix does."""
    return Server(errors_max=2, refuse={
        address: '450 4.1.2 no such domain' for _, address in BAD})


def test_who_ends_sessions(t, home):
    """A mail that each session ends with keeps no other from its turn."""
    spool = Spool(home)
    bad = spool.put(age=300, recipients=BAD)
    for _ in range(3):
        spool.put(age=200)
    with impatient() as server:
        done = spool.run(server)
    t.ok(subjects(server) == [2, 3, 4] and spool.names() == ['Q' + bad],
         'those behind it are sent by the next session', done.words(),
         subjects(server), spool.names())
    spool = Spool(home, 'between')
    names = [spool.put(age=300), spool.put(age=250, recipients=BAD),
             spool.put(age=200)]
    with impatient() as server:
        done = spool.run(server)
    t.ok(subjects(server) == [1, 3] and spool.names() == ['Q' + names[1]],
         'so is what was under way with it', done.words(), subjects(server),
         spool.names())
    spool = Spool(home, 'many')
    for _ in range(9):
        spool.put(age=300, recipients=BAD)
    with impatient() as server:
        done = spool.run(server)
    t.ok(done.status == 75 and server.count <= 5 and len(spool.names()) == 9,
         'but there is an end to such sessions', done.words(), server.count)
    for _ in range(2):
        spool.put(age=200, owner=33)
    with impatient() as server:
        done = spool.run(server, '-qf')
    t.ok(subjects(server) == [10, 11] and len(spool.names()) == 9,
         "and the mails of another user have their turn in between",
         done.words(), subjects(server), spool.names())


def test_lmtp(t, home):
    spool = Spool(home)
    names = [f'{i}@example.org' for i in range(5)]
    one = spool.put(recipients=[('o', name) for name in names])

    def play(server, sock):
        sock.sendall(b'220 mx\r\n')
        server.hear(sock, b'LHLO')
        sock.sendall(b'250-mx\r\n250 PIPELINING\r\n')
        server.hear(sock, b'DATA')
        sock.sendall(b'250 ok\r\n' * 6 + b'354 go\r\n')
        server.hear(sock, b'\r\n.\r\n')
        sock.sendall(b'250 ok\r\n550 5.1.1 no\r\n250 ok\r\n')

    with Server(play=play) as server:
        config = home.config(
            f'smarthost lmtp://127.0.0.1:{server.ports["smtp"]}\n'
            f'spool {spool.path}\n')
        home.run('-q', stdin=b'', config=config)
    records = spool.journal('Q' + one)
    t.ok(records[:4] == ['A 1', 'R D 0', 'R F 1 550 5.1.1 550 5.1.1 no',
                         'R D 2'] and records[4].startswith('T 1 1'),
         'LMTP: each reply is noted when it comes', records)


def test_done_before_a_crash(t, home, box):
    spool = Spool(home)
    done = spool.put(journal=['A 1 1', 'R D 0'])
    one = spool.put(journal=['A 1 1', 'R F 0 550 5.1.1 550 5.1.1 nobody'])
    some = spool.put(recipients=[('o', 'a@example.org'), (
        'o', 'b@example.org')], journal=[
            'A 1 1', 'R D 0', 'R F 1 550 5.7.1 550 5.7.1 not you'])
    spool.run(box)
    t.ok(box.count == 0 and spool.names() == sorted(['F' + one, 'F' + some]),
         'what was noted is done, with nobody asked', spool.names())
    lines = spool.lines()
    of = {name: [line for line in lines if f'queued={name}' in line]
          for name in (done, one, some)}
    t.ok(all(len(found) == 1 and 'smarthost=- ' in found[0]
             for found in of.values()), '... and each has its line', *lines)
    t.ok('code=550' in of[one][0] and '"550 5.1.1 nobody"' in of[one][0] and
         'status=67' in of[one][0] and 'status=0' in of[done][0] and
         'sent to 1 of 2' in of[some][0] and
         any('<b@example.org>: 550 5.7.1 not you' in line for line in lines),
         '... that says why', *lines)
    t.ok(all(any(f'kept as F{name}' in line for line in lines)
             for name in (one, some)), '... and where it is', *lines)
    spool.put(recipients=[('f', 'a@example.org')])
    spool.run(box)
    lines = spool.lines()
    t.ok('status=69' in lines[-1] and '"the mail was refused"' in lines[-1],
         '... where it was no server that refused it, too', *lines)


def test_syncs(t, home, box):
    if not surroundings.can_trace():
        return t.skip('how often the folder is synced', 'no strace')
    spool = Spool(home)
    calls = []
    for _ in range(5):  # of which one is not kept waiting, as others may be
        for _ in range(3):
            spool.put()
        calls.append(surroundings.trace(
            home, 'fsync,fdatasync', '-q', stdin=b'',
            config=spool.config(box))[1])
    t.ok(len(box.took) == 15 and spool.names() == [] and
         all(calls) and min(map(len, calls)) == 1,
         'three mails that are sent cost one fsync', *calls)


def test_lost(t, home, box):
    spool = Spool(home)
    for i in range(60):
        spool.put(age=200 - i)  # so that they go in their order

    def dies(server, sock):
        """In the midst of several mails, having taken one."""
        sock.sendall(b'220 mx\r\n')
        server.hear(sock, b'EHLO')
        sock.sendall(b'250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n')
        server.hear(sock, b'Subject')
        if server.count > 1:
            return
        sock.sendall(b'250 ok\r\n250 ok\r\n250 taken\r\n')
        server.hear(sock, b'Subject: 3')

    with Server(play=dies) as server:
        done = spool.run(server)
        t.ok(server.count == 2, 'where mails were taken there is one more '
             'session, and no third where that takes none', server.count)
    t.ok(done.status == 75 and done.err.count(b'\n') == 1,
         'a smarthost that cannot be used: 75, and one line', done.words())
    left = len(spool.names())
    t.ok(left == 59, 'one was taken', left)
    doubtful = [name for name in spool.names() if any(
        re.match(r'T \d+ 1', record) for record in spool.journal(name))]
    t.ok(2 <= len(doubtful) <= 2 * 16,
         'of those that were under way it is known that they may have arrived',
         len(doubtful))
    t.ok(all(spool.due(name) > 0 for name in spool.names()),
         'none is due now', [spool.due(name) for name in spool.names()])
    spool.run(box, '-qf')
    t.ok(len(box.took) == 59 and spool.names() == [],
         'all are sent in the end', len(box.took))


def take_mail(server, sock):
    """The commands and the data of one mail, one after the other, but for
    the last reply."""
    for end in b'MAIL', b'RCPT', b'DATA':
        server.hear(sock, end)
        sock.sendall(b'354 go\r\n' if end == b'DATA' else b'250 ok\r\n')
    server.hear(sock, b'\r\n.\r\n')


def greets(words):
    def play(_, sock):
        sock.sendall(words)
    return play


def test_storm(t, home):
    spool = Spool(home)
    for i in range(200):
        spool.put(age=100 + i * MINUTE, due=-1)
    later = spool.put(due=HOUR)
    # A run before was cut short when all had been said.
    has_it = spool.put(age=90, due=-1, journal=['A 1 1', 'R D 0'])
    failed = spool.put(age=80, due=-1,
                       journal=['A 1 1', 'R F 0 550 5.1.1 550 no'])
    with Server(play=greets(b'421 4.3.2 closed\r\n')) as server:
        done = spool.run(server, '-qf')
        t.ok(server.count == 1, 'one probe serves all mails', server.count)
    t.ok(done.status == 75 and done.err.count(b'sendling: ') == 1 and
         len(done.err) < 1000 and b'closed' in done.err, 'status 75, and one line', done.words())
    lines = spool.lines()
    t.ok('error=' in lines[0] and
         'account default: 199 more wait' in lines[-1] and
         all(has_it in line or failed in line for line in lines[1:-1]),
         'a line of the probe, and one of all who wait, but for mails that a '
         'run before had settled', *lines[:5])
    t.ok([name for name in spool.names() if has_it in name or
          failed in name] == ['F' + failed], '... which does not wait')
    dues = {name: spool.due(name) for name in spool.names()
            if name[0] == 'Q'}
    t.ok(all(due >= 4.5 * MINUTE and due < 4.5 * HOUR
             for due in dues.values()) and max(dues.values()) > 3 * HOUR,
         'each is due again by its age', sorted(dues.values())[::40])
    t.ok(between(dues['Q' + later], HOUR - 1, HOUR + 1),
         'but for one that was not due', dues['Q' + later])
    with Server(play=greets(b'421 4.3.2 closed\r\n')) as server:
        spool.run(server)
        t.ok(server.count == 0, 'before that nobody asks', server.count)


def test_login(t, home):
    for words, sentence in ((b'454 4.7.0 Too many login attempts\r\n',
                             'too many logins'),
                            (b'535 5.7.8 no\r\n', 'a wrong password')):
        spool = Spool(home, sentence.replace(' ', '-'))
        for _ in range(5):
            spool.put()

        def refuses(server, sock, words=words):
            sock.sendall(b'220 mx\r\n')
            server.hear(sock, b'EHLO')
            sock.sendall(b'250-mx\r\n250 AUTH PLAIN\r\n')
            server.hear(sock, b'AUTH')
            sock.sendall(words)
            server.hear(sock, b'QUIT')

        with Server(play=refuses) as server:
            done = spool.run(server, lines=('user a', 'password b',
                                            'auth-in-clear yes'))
            t.ok(server.count == 1 and done.status == 75 and
                 len(spool.names()) == 5,
                 f'{sentence}: one try, however many mails wait',
                 server.count, done.words())


def test_configuration(t, home, box):
    spool = Spool(home)
    one = spool.put()
    done = spool.run(box, lines=('user a', 'password-file /nowhere'))
    t.ok(done.status == 75 and b'/nowhere' in done.err and
         spool.names() == ['Q' + one] and spool.due('Q' + one) > 0,
         'a password that is not there: the mail waits', done.words())


def test_mailmax(t, home):
    spool = Spool(home)
    for _ in range(10):
        spool.put()
    with Server(mails_max=4, offers=('LIMITS MAILMAX=4',)) as server:
        done = spool.run(server)
        t.ok(done.status == 0 and len(server.took) == 10 and
             server.count == 3, 'LIMITS MAILMAX: the next session',
             done.words(), server.count)
    for _ in range(10):
        spool.put()
    with Server(mails_max=4, without=('CHUNKING',)) as server:
        done = spool.run(server)
        t.ok(done.status == 0 and len(server.took) == 10 and
             server.count == 3 and spool.names() == [],
             'the same where it closes without a word', done.words(),
             server.count)
    for pipelining in 'auto', 'off':
        for _ in range(10):
            spool.put()
        with Server(mails_taken=4) as server:
            done = spool.run(server, lines=(f'pipelining {pipelining}',))
            t.ok(done.status == 0 and len(server.took) == 10 and
                 server.count == 3 and spool.names() == [],
                 f'pipelining {pipelining}: ... and where it refuses to take '
                 'more in a session', done.words(), server.count)
    for _ in range(10):
        spool.put()
    with Server(mails_taken=0) as server:
        done = spool.run(server)
        t.ok(done.status == 0 and server.count == 1 and
             len(spool.names()) == 10,
             'one that takes none is not asked again', done.words(),
             server.count)


def test_several_smarthosts(t, home, box):
    spool = Spool(home)
    for _ in range(5):
        spool.put()
    with Server(play=greets(b'421 no\r\n')) as busy:
        done = spool.run(box, lines=())
        spool.put()
        config = home.config('smarthost ' + busy.url('smtp+plain') + '\n' +
                             box.config(f'spool {spool.path}'))
        done = home.run('-q', stdin=b'', config=config)
        t.ok(done.status == 0 and busy.count == 1 and len(box.took) == 6,
             'where the first smarthost has no time the second takes them',
             done.words(), busy.count, len(box.took))


def two_accounts(home, spool, first, second):
    return home.config('\n'.join([
        f'spool {spool.path}', f'log {spool.log}', 'helo client',
        'account one', 'smarthost ' + first.url('smtp+plain'),
        'account two', 'smarthost ' + second.url('smtp+plain'), '']))


def test_accounts(t, home, box):
    spool = Spool(home)
    for i in range(20):
        spool.put(account='one' if i % 2 else 'two')
    with Server() as other:
        done = home.run('-q', stdin=b'',
                        config=two_accounts(home, spool, box, other))
        t.ok(done.status == 0 and len(box.took) == len(other.took) == 10 and
             box.count == other.count == 1,
             'each account has one session, with its mails', done.words(),
             box.count, other.count)
    for i in range(4):
        spool.put(account='one' if i % 2 else 'two')
    with Server(play=greets(b'421 no\r\n')) as down:
        done = home.run('-q', stdin=b'',
                        config=two_accounts(home, spool, down, box))
        t.ok(done.status == 75 and len(box.took) == 12 and
             len(spool.names()) == 2,
             'one that cannot be used stops no other', done.words())


def test_account_is_gone(t, home, box):
    spool = Spool(home)
    gone = spool.put(account='gone')
    spool.put()
    done = spool.run(box)
    t.ok(done.status == 0 and done.silent() and subjects(box) == [2] and
         spool.names() == ['Q' + gone],
         'a mail whose account is gone waits', done.words(), spool.names())
    lines = spool.lines()
    t.ok(any('accounts that are gone' in line for line in lines),
         'the log says so', *lines)


def test_expired(t, home, box):
    spool = Spool(home)
    one = spool.put(lifetime=50, due=0, recipients=[('o', 'full@example.org')])
    spool.put(lifetime=50, due=0)
    with Server(refuse={'full@example.org': '450 4.2.1 full'}) as server:
        done = spool.run(server)
        t.ok(done.status == 0 and subjects(server) == [2] and
             spool.names() == ['F' + one],
             'a mail whose time is over is tried once more, and given up',
             done.words(), spool.names())
    spool.lines()
    for _ in range(100):
        spool.put(lifetime=50, due=-10)
    early = spool.put(lifetime=DAY, due=-10)
    asleep = spool.put(age=9 * DAY, lifetime=5 * DAY, due=-8 * DAY)
    with Server(play=greets(b'421 no\r\n')) as down:
        spool.run(down)
    names = spool.names()
    t.ok(sum(name[0] == 'F' for name in names) == 101 and
         'Q' + early in names, 'so is it where one probe serves all',
         len(names))
    t.ok('Q' + asleep in names, 'but not one that nobody has tried for a week',
         names)
    lines = spool.lines()
    t.ok(len(lines) == 3 and '100 more ' in lines[2] and
         'given up' in lines[2], 'with one line of the log, not a hundred',
         *lines[:5])


def test_damaged(t, home, box):
    spool = Spool(home)
    names = [spool.put() for _ in range(6)]
    for name, damage in ((names[0], lambda b: b[:300] + b'!' + b[301:]),
                         (names[1], lambda b: b[:600]),
                         (names[2], lambda b: b''),
                         (names[3], lambda b: b'x' + b[1:]),
                         (names[4], lambda b: b + bytes(4096))):
        path = spool.path / ('Q' + name)
        path.write_bytes(damage(path.read_bytes()))
        os.utime(path, (spool.now - 5, spool.now - 5))
    done = spool.run(box)
    t.ok(subjects(box) == [6] and done.status == 0 and done.silent(),
         'what is not what was written is not sent, and stops nothing',
         subjects(box), done.words())
    t.ok(spool.names() == sorted('X' + name for name in names[:5]),
         'it waits for a person', spool.names())
    lines = spool.lines()
    t.ok(all(any('X' + name in line for line in lines)
             for name in names[:5]), 'the log names it', *lines)


def test_foreign_files(t, home, box):
    spool = Spool(home)
    one = spool.put()
    (spool.path / 'Qlink').symlink_to('/etc/passwd')
    link = 'Q' + tickets.make_id(spool.now - 5)
    (spool.path / link).symlink_to(spool.path / ('Q' + one))
    (spool.path / ('Q' + tickets.make_id(spool.now - 5))).mkdir()
    os.mkfifo(spool.path / ('Q' + tickets.make_id(spool.now - 5)))
    (spool.path / 'Qother').write_text('x')
    done = spool.run(box, timeout=60)
    t.ok(subjects(box) == [1] and done.status in (0, 73),
         'what is no mail is passed over', done.words(), subjects(box))


def test_at_once(t, home):
    spool = Spool(home)
    for _ in range(300):
        spool.put()
    with Server(delay=2) as server:
        config = spool.config(server)
        runs = [home.start('-q', config=config, stdin=subprocess.DEVNULL)
                for _ in range(3)]
        runs += [home.start('-qI0', config=config, stdin=subprocess.DEVNULL)
                 for _ in range(5)]
        statuses = [run.wait(surroundings.HANG) for run in runs]
        t.ok(statuses[:3] == [0] * 3 and set(statuses) <= {0, 66} and
             subjects(server) == list(range(1, 301)),
             'eight runs at once send each mail once', statuses,
             len(server.took))
        t.ok(spool.names() == [], 'and leave none', spool.names()[:5])
        t.ok(1 < server.count <= 6, 'those that take all leave the work to one '
             'of them', server.count)


def test_reports(t, home, box):
    spool = Spool(home)
    refused = [('o', 'no@example.org'), ('o', 'bob@example.org')]
    one = spool.put(recipients=refused)
    spool.put(recipients=refused, sender='')
    with Server(refuse={'no@example.org': '550 5.1.1 nobody'}) as server:
        done = spool.run(server, lines=('spool-report sender',))
        t.ok(done.status == 0 and done.silent(), 'a report is no failure',
             done.words())
    names = spool.names()
    t.ok(sum(name[0] == 'F' for name in names) == 2 and
         [name for name in names if name[0] == 'Q'] == [f'Q{one}-b1'],
         'a refusal is reported, but for the null sender, and the mail kept',
         names)
    spool.run(box, lines=('spool-report sender',))
    t.ok(len(box.took) == 1 and box.took[0][1]['from'] == '' and
         box.took[0][1]['to'] == ['alice@example.com'] and
         b'multipart/report' in box.took[0][0] and
         b'nobody' in box.took[0][0] and b'no@example.org' in box.took[0][0],
         'the report goes to who has sent it', box.took)
    t.ok(len(spool.names()) == 2 and
         'B 1' in spool.journal('F' + one), 'which is noted',
         spool.names(), spool.journal('F' + one))


def test_one_report(t, home):
    spool = Spool(home)
    one = spool.put('F', recipients=[('o', 'no@example.org')], journal=[
        'A 1 1', 'R F 0 550 5.1.1 550 5.1.1 nobody', 'B 1'])
    with Server(refuse={'no@example.org': '550 5.1.1 nobody'}) as server:
        spool.run(server, '--release', one)
        spool.run(server, lines=('spool-report sender',))
    t.ok(spool.names() == ['F' + one], 'there is one report of a mail',
         spool.names())


def test_report_that_is_refused(t, home):
    spool = Spool(home)
    one = spool.put(recipients=[('o', 'no@example.org')])
    refuse = {'no@example.org': '550 5.1.1 nobody',
              'alice@example.com': '550 5.1.1 nor she'}
    with Server(refuse=refuse) as server:
        for _ in range(3):
            spool.run(server, '-qf', lines=('spool-report sender',))
    t.ok(spool.names() == sorted(['F' + one, f'F{one}-b1']),
         'no report is made about a report', spool.names())


def test_kept_long_enough(t, home, box):
    spool = Spool(home)
    for _ in range(15):
        spool.put('F', age=40 * DAY, due=-31 * DAY)
    young = spool.put('F', age=40 * DAY, due=-29 * DAY)
    bad = spool.put('F', age=40 * DAY, due=-31 * DAY)
    path = spool.path / ('F' + bad)
    path.write_bytes(b'x' + path.read_bytes()[1:])
    os.utime(path, (spool.now - 31 * DAY,) * 2)
    done = spool.run(box)
    t.ok(done.status == 0 and done.silent() and
         spool.names() == sorted(['F' + young, 'F' + bad]),
         'failed mails leave after 30 days, but for what cannot be read',
         spool.names(), done.words())
    lines = spool.lines()
    t.ok(len(lines) == 11 and '5 more' in lines[-1],
         'with a line of the log, of many one for all', *lines)
    spool.run(box, lines=('spool-keep 28d',))
    t.ok(spool.names() == ['F' + bad], '`spool-keep\' says how long',
         spool.names())
    jumped = spool.put('F', age=500 * DAY, due=-400 * DAY)
    spool.run(box)
    t.ok('F' + jumped in spool.names() and
         abs(spool.due('F' + jumped)) < DAY,
         'under a clock that jumped their time begins anew', spool.names())


def test_no_spool(t, home, box):
    for text, status, sentence in (
            ('', 0, 'without a spool there is nothing to do'),
            (f'spool {home.path}/none\n', 0, 'nor where it is not there'),
            (f'spool {home.path}/link\n', 73, 'a symbolic link is refused'),
            (f'spool {home.path}/open\n', 73, 'so is one that others see')):
        if not (home.path / 'link').is_symlink():
            (home.path / 'link').symlink_to('/tmp')
            (home.path / 'open').mkdir(mode=0o755)
        done = home.run('-q', stdin=b'',
                        config=home.config(box.config() + text))
        t.ok(done.status == status and (status != 0 or done.silent()),
             sentence, done.words())
    t.ok(not (home.path / 'none').exists(), 'a run makes no folder')


def test_large(t, home, box):
    spool = Spool(home)
    message = LETTER % (1, 1, 1) + b'x' * 70 + b'\r\n'
    message += (b'%070d\r\n' % 7) * 60000
    spool.put(message=message)
    spool.put()
    done = spool.run(box)
    t.ok(done.status == 0 and sorted(subjects(box)) == [1, 2] and
         message in [mail for mail, _ in box.took],
         'a large mail is sent from its file, octet for octet',
         done.words())


def test_service(t, home, box):
    sentence = 'root sends the mails of the service, with its rights'
    if not surroundings.can_mount():
        t.skip(sentence, 'no mount namespace is to be had')
        return
    (home.path / 'var').mkdir(mode=0o755)
    spool = Spool(home, 'var/sendling')
    spool.put()
    for path in (spool.path, *spool.path.iterdir()):
        os.chown(path, surroundings.NOBODY, surroundings.NOBODY)
    note = home.path / 'note'
    note.mkdir(mode=0o777)
    note.chmod(0o777)

    def prepare():
        surroundings.private_mounts()
        surroundings.mount(str(home.path / 'var'), '/var/spool',
                           flags=surroundings.MS_BIND)

    with Server(users={'a': 'b'}) as server:
        done = home.run(
            '-q', stdin=b'', preexec_fn=prepare, config=home.config(
                server.config('auth-in-clear yes', 'password-command '
                              f'id -ru >{note}/id; env >{note}/env; echo b')))
        t.ok(done.status == 0 and len(server.took) == 1 and
             spool.names() == [], sentence, done.words(), spool.names())
        one = spool.put()
        os.chown(spool.path / ('Q' + one), surroundings.NOBODY,
                 surroundings.NOBODY)
        config = home.config(server.config('auth-in-clear yes',
                                           'password b'))
        statuses = [home.run(option, stdin=b'', preexec_fn=prepare,
                             config=config).status
                    for option in ('-qI0ff', '-qI' + one)]
        t.ok(statuses == [66, 0] and len(server.took) == 2,
             'one that is named, too', statuses)
    t.ok((note / 'id').read_text() == f'{surroundings.NOBODY}\n' and
         'HOME' not in (note / 'env').read_text(),
         'and with nothing of root\'s environment',
         (note / 'id').read_text(), (note / 'env').read_text())
    path = spool.path / ('Q' + spool.put())
    os.chown(path, surroundings.NOBODY, surroundings.NOBODY)
    done = home.run('-q', stdin=b'', preexec_fn=prepare, config=home.config(
        'smarthost smtp+plain://127.0.0.1:1\n'))
    t.ok(done.status == 75 and done.err.count(b'sendling: ') == 1 and
         b'refused' in done.err, 'how it went is told', done.words())

    def prepare_etc():
        prepare()
        surroundings.mount(str(home.path / 'etc'), '/etc',
                           flags=surroundings.MS_BIND)

    for folder in ('etc', 'xdg/sendling'):
        (home.path / folder).mkdir(mode=0o755, parents=True)
    with Server() as server:
        home.file('etc/sendling.conf', server.config('log off'), 0o644)
        home.file('xdg/sendling/config', box.config('log off'))
        done = home.run('-qf', stdin=b'', preexec_fn=prepare_etc, environment={
            'XDG_CONFIG_HOME': str(home.path / 'xdg')})
        t.ok(done.status == 0 and len(server.took) == 1 and box.count == 0 and
             spool.names() == [], 'by what the service has, and not by what '
             'root has at home', done.words(), spool.names(), box.took)
        flush_by_itself(t, home, spool, server, prepare_etc)


def flush_by_itself(t, home, spool, server, prepare):
    """A service with a configuration of its own, as its units name it."""
    path = spool.path / ('Q' + spool.put())
    os.chown(path, surroundings.NOBODY, surroundings.NOBODY)
    (home.path / 'etc/sendling').mkdir(mode=0o755)
    home.file('etc/sendling/config', server.config(
        'log off', 'spool /var/spool/sendling'), 0o644)
    server.took.clear()
    done = home.run('-qf', stdin=b'', preexec_fn=prepare)
    t.ok(done.status == 0 and server.took == [] and
         spool.names() == [path.name], 'where the service has a configuration '
         'of its own, root leaves its mails to it', done.words(),
         spool.names())
    done = home.run('-qI' + path.name[1:], stdin=b'', preexec_fn=prepare)
    t.ok(done.status == 66 and b', but perhaps in /var/spool/sendling, which '
         b'the service ' in done.err and spool.names() == [path.name],
         'and does not say of one that is named that none is there',
         done.words())
    done = home.run('-q', stdin=b'', environment={'XDG_CONFIG_HOME': '/etc'},
                    preexec_fn=surroundings.in_order(
                        prepare, lambda: surroundings.become(
                            surroundings.NOBODY)))
    t.ok(done.status == 0 and len(server.took) == 1 and spool.names() == [],
         'which sends them as its own user', done.words(), spool.names())


def passing(spool, server, *argv, lines=(), start=False, **more):
    """A mail to carol, with the configuration where no option names it."""
    folder = spool.home.path / 'xdg/sendling'
    folder.mkdir(parents=True, exist_ok=True)
    text = server.config(f'spool {spool.path}', f'log {spool.log}', *lines)
    if text != spool.text:  # another may be reading it
        spool.home.config(text, 'xdg/sendling/config')
    spool.text = text
    run = spool.home.start if start else spool.home.run
    return run(*(argv or ('carol@example.org',)), environment={
        'XDG_CONFIG_HOME': str(folder.parent)}, **more)


def test_in_passing(t, home, box):
    spool = Spool(home)
    for _ in range(12):
        spool.put()
    later = spool.put(due=HOUR)
    other = spool.put(account='other')
    large = spool.put(message=LETTER % (1, 1, 1) + b'xxx\r\n' * 60000)
    done = passing(spool, box)
    t.ok(done.status == 0 and done.silent() and
         recipients(box)[0] == ['carol@example.org'] and
         len(box.took) == 11 and box.count == 1,
         'ten mails that wait go with one that is sent, in its session, and '
         'nothing is said', done.words(), len(box.took), box.count)
    t.ok(len(spool.names()) == 5 and not box.faults, 'and no more',
         spool.names())
    passing(spool, box)
    t.ok(spool.names() == sorted(['Q' + later, 'Q' + other, 'Q' + large]),
         'what is not due, of another account, or large is none of them',
         spool.names())


def test_not_in_passing(t, home, box):
    spool = Spool(home)
    one = spool.put()
    passing(spool, box, lines=('spool-passing no',))
    passing(spool, box, '--no-queue', 'carol@example.org')
    passing(spool, box, '-bs', stdin=surroundings.SERVE)
    with Server(refuse={'carol@example.org': '550 no'}) as server:
        done = passing(spool, server)
        t.ok(done.status == 67 and server.took == [],
             'with a mail that is refused none goes', done.words())
    t.ok(len(box.took) == 3 and 'Q' + one in spool.names(),
         'nor with `spool-passing no\', --no-queue or -bs', spool.names())
    for _ in range(3):
        spool.put()
    with Server(mails_max=2, offers=('LIMITS MAILMAX=2',)) as server:
        done = passing(spool, server)
        t.ok(done.status == 0 and len(server.took) == 2 and server.count == 1,
             'no other session is opened for them', done.words(),
             server.count)


def test_trouble_in_passing(t, home, box):
    spool = Spool(home)
    refused = spool.put(recipients=[('o', 'no@example.org')])
    spool.put()
    with Server(refuse={'no@example.org': '550 5.1.1 nobody'}) as server:
        done = passing(spool, server)
        t.ok(done.status == 0 and done.silent() and len(server.took) == 2 and
             spool.names() == ['F' + refused],
             'what becomes of them changes nothing for the mail', done.words(),
             spool.names())

    def dies(server, sock):
        sock.sendall(b'220 mx\r\n')
        server.hear(sock, b'EHLO')
        sock.sendall(b'250-mx\r\n250-CHUNKING\r\n250 PIPELINING\r\n')
        server.hear(sock, b'Hello')
        sock.sendall(b'250 ok\r\n250 ok\r\n250 taken\r\n')
        server.hear(sock, b'MAIL')

    names = ['Q' + spool.put() for _ in range(5)]
    with Server(play=dies) as server:
        done = passing(spool, server)
        t.ok(done.status == 0 and done.silent() and server.count == 1 and
             set(names) < set(spool.names()) and
             all(spool.due(name) > 0 for name in names),
             'nor does the end of the session', done.words(),
             [spool.due(name) for name in names])


def test_one_mail_a_session_in_passing(t, home):
    """As some servers take, and say with 421."""
    spool = Spool(home)
    told = ('A 1 1', 'T 1 0 450 450 full')
    names = sorted(['Q' + spool.put(due=-9, journal=told),
                    'Q' + spool.put(due=-9, journal=told, age=9 * DAY)])

    def leaves(server, sock):
        sock.sendall(b'220 mx\r\n')
        for heard, answer in ((b'EHLO', b'250 mx'), (b'MAIL', b'250 ok'),
                              (b'RCPT', b'250 ok'), (b'DATA', b'354 go'),
                              (b'\r\n.\r\n', b'250 ok'),
                              (b'MAIL', b'421 4.7.0 one is enough')):
            server.hear(sock, heard)
            sock.sendall(answer + b'\r\n')

    with Server(play=leaves) as server:
        done = passing(spool, server)
    t.ok(done.status == 0 and done.silent() and spool.names() == names,
         'what the session did not take waits as before, and its time is not '
         'over', spool.names())
    t.ok(all(spool.due(name) < 0 and spool.journal(name)[1:] == [told[1]]
             for name in names), 'it is due, and its reason is what it was',
         [spool.due(name) for name in names],
         [spool.journal(name) for name in names])


def test_at_once_in_passing(t, home):
    spool = Spool(home)
    for _ in range(60):
        spool.put()
    with Server(delay=1) as server:
        runs = [passing(spool, server, start=True, stdin=subprocess.DEVNULL)
                for _ in range(12)]
        statuses = [run.wait(surroundings.HANG) for run in runs]
        waited = [mail for mail, _ in server.took if b'Subject' in mail]
        t.ok(statuses == [0] * 12 and len(waited) == len(set(waited)),
             'twelve at once send no mail twice', statuses, len(waited))
        while spool.names():
            passing(spool, server)
        t.ok(subjects(server) == list(range(1, 61)), 'and each once',
             len(server.took))


if __name__ == '__main__':
    sys.exit(surroundings.run_tests(dict(globals())))
