"""What a run does while it is struck: each is a spool that has something in it
or not, a server that behaves somehow, and a call of the program."""

import socket

import rig  # finds the modules of the folder above
import harness
import judge

BOB, CAROL, DAVE = ('bob@example.org', 'carol@example.org',
                    'dave@example.org')
PLAIN, STARTTLS, TLS = 'smtp+plain', 'smtp', 'smtps'


class Scenario:
    """name; `argv' of the run that is struck; its mail: `number', None for
    none, and `to'; `size' of each mail; `held': the recipients of each mail
    that is in the spool before, numbered from 1; `fail': what the server is
    told to do meanwhile; `scheme' with `auth'; `lines' of the configuration;
    `damaged', `stale': a file of that kind is there as well; `unnamed': the
    error of each open of an unnamed file; `down': nobody listens; `forgotten':
    there is no password. `status' is how it ends without a fault; `may_fail':
    mails may stay as failed; `mixed': some recipients may have it where others
    were refused; `serve': the mail comes by SMTP; `report': reports are asked
    for; `early': so many mails are taken then; `first': the
    loading of the program is struck as well; `without': what the server does
    not offer; `act': what is to be done to the first mail that is held, called
    ID in argv, whose file has this `letter' before."""

    def __init__(self, name, *argv, number=100, to=(BOB,), size=0, held=(),
                 fail=None, scheme=PLAIN, auth=None, lines=(), damaged=False,
                 stale=False, unnamed=0, down=False, may_fail=False,
                 mixed=False, report=False, serve=False, status=0,
                 first=False, forgotten=False, early=None, without=(),
                 act=None, letter='Q'):
        self.name, self.argv, self.number, self.to = name, argv, number, to
        self.size, self.held, self.fail = size, held, fail or {}
        self.scheme, self.auth, self.lines = scheme, auth, lines
        self.damaged, self.stale, self.unnamed = damaged, stale, unnamed
        self.down, self.may_fail, self.mixed = down, may_fail, mixed
        self.report, self.serve, self.status = report, serve, status
        self.first, self.forgotten, self.early = first, forgotten, early
        self.without = without
        self.act, self.letter, self.id = act, letter, None
        self.tls = scheme != PLAIN
        self.lost = bool(self.fail.get('lose'))
        self.stays, self.struck, self.baseline = set(), 0, None

    def numbers(self):
        own = [] if self.number is None else [self.number]
        return own + list(range(1, len(self.held) + 1))

    def recipients_of(self, number):
        return self.to if number == self.number else self.held[number - 1]

    def message_of(self, number):
        return rig.mail(number, self.size)

    def check_foreign(self, message):
        """A mail that is none of the numbered: a report."""
        if not self.report or b'report-type=delivery-status' not in message:
            yield 'I3', 'nobody sent this: %r' % message[:400]

    def check_act(self, names, sent, promised):
        """What is wrong with what became of the first mail when a run has been
        through the spool: words, or None."""
        now = [name[0] for name in names if name[1:] == self.id], sent
        done = {'hold': (['H'], False), 'release': ([], True),
                'delete': ([], False)}[self.act]
        before = ([], True) if self.letter == 'Q' else ([self.letter], False)
        if now == done or not promised and now == before:
            return None
        return '%s: there is %r, it was %ssent' % (
            self.act, now[0], '' if sent else 'not ')

    def stdin(self):
        if self.number is None:
            return b''
        message = self.message_of(self.number)
        if not self.serve:
            return message
        return b''.join((
            b'EHLO client\r\nMAIL FROM:<alice@example.com>\r\n',
            *(b'RCPT TO:<%s>\r\n' % r.encode() for r in self.to), b'DATA\r\n',
            rig.wired(message).replace(b'\r\n.', b'\r\n..'),
            b'.\r\nQUIT\r\n'))

    def arguments(self):
        argv = [self.id if word == 'ID' else word for word in self.argv]
        return [*argv, *(() if self.number is None or self.serve
                         else ('--', *self.to))]

    def log_descriptors(self, trace):
        return {c.result for c in trace
                if c.name == 'openat' and c.path().endswith('/log')}


FLUSH = {'number': None, 'held': ((BOB,), (CAROL,), (BOB, DAVE))}
SCENARIOS = (
    Scenario('enqueue', '--queue-only', first=True),
    Scenario('enqueue, large', '--queue-only', size=200_000),
    Scenario('enqueue without unnamed files', '--queue-only', unnamed=95),
    Scenario('direct, good', early=1),
    Scenario('direct, nobody listens', down=True),
    Scenario('direct, no password', scheme=TLS, auth='plain', forgotten=True),
    Scenario('direct, lost after the end', fail={'lose': True}),
    Scenario('direct, dropped after the end', fail={'drop': True}),
    Scenario('direct, 4yz to MAIL', fail={'at_mail': '451 4.3.0 Later'}),
    Scenario('direct, 4yz to RCPT',
             fail={'refusals': {BOB: '450 4.2.0 Later'}}),
    Scenario('direct, 4yz to the end', fail={'at_end': '451 4.3.0 Later'}),
    Scenario('direct, 5yz to RCPT', may_fail=True, status=67,
             fail={'refusals': {BOB: '550 5.1.1 Nobody'}}),
    Scenario('direct, some later', to=(BOB, CAROL, DAVE),
             fail={'refusals': {CAROL: '450 4.2.0 Later'}}, mixed=True),
    Scenario('direct, some later, some never', to=(BOB, CAROL, DAVE),
             mixed=True, may_fail=True, status=67,
             fail={'refusals': {CAROL: '450 4.2.0 Later',
                                DAVE: '550 5.1.1 Nobody'}}),
    Scenario('by -bs, 4yz to the end', '-bs', serve=True,
             fail={'at_end': '451 4.3.0 Later'}),
    Scenario('direct, 4yz without unnamed files', unnamed=2,
             fail={'at_end': '451 4.3.0 Later'}),
    Scenario('by -bs, enqueue', '-bs', '--queue-only', serve=True),
    Scenario('all or none, some later', '--all-or-none', to=(BOB, CAROL),
             fail={'refusals': {CAROL: '450 4.2.0 Later'}}, mixed=True),
    Scenario('flush, good', '-qf', early=3, **FLUSH),
    Scenario('flush, large', '-qf', early=2, size=200_000, number=None,
             held=((BOB,), (CAROL,))),
    Scenario('flush, eight at a time', '-qf', early=8, number=None,
             held=((BOB,), (CAROL,)) * 4),
    Scenario('flush, one at a time', '-qf', early=3,
             without=('PIPELINING', 'CHUNKING'), **FLUSH),
    Scenario('flush, 4yz to MAIL', '-qf', fail={'at_mail': '451 4.3.0 Later'},
             **FLUSH),
    Scenario('flush, 4yz to the end', '-qf',
             fail={'at_end': '451 4.3.0 Later'}, **FLUSH),
    Scenario('flush, some later', '-qf', mixed=True,
             fail={'refusals': {DAVE: '450 4.2.0 Later'}}, **FLUSH),
    Scenario('flush, some never', '-qf', may_fail=True,
             fail={'refusals': {DAVE: '550 5.1.1 Nobody',
                                CAROL: '550 5.1.1 Nobody'}}, **FLUSH),
    Scenario('flush, lost after the end', '-qf', status=75,
             fail={'lose': True}, **FLUSH),
    Scenario('flush, dropped after the end', '-qf', status=75,
             fail={'drop': True}, **FLUSH),
    Scenario('flush, nobody listens', '-qf', down=True, status=75, **FLUSH),
    Scenario('flush with a report', '-qf', may_fail=True, report=True,
             lines=('spool-report sender',),
             fail={'refusals': {DAVE: '550 5.1.1 Nobody'}}, **FLUSH),
    Scenario('flush with a report, without unnamed files', '-qf',
             may_fail=True, report=True, unnamed=21,
             lines=('spool-report sender',),
             fail={'refusals': {DAVE: '550 5.1.1 Nobody'}}, **FLUSH),
    Scenario('flush in passing, some never', may_fail=True,
             held=((BOB,), (CAROL,)), to=(DAVE,),
             fail={'refusals': {CAROL: '550 5.1.1 Nobody'}}),
    Scenario('flush in passing', held=((BOB,), (CAROL,)), early=3),
    Scenario('flush past a damaged file', '-qf', damaged=True, **FLUSH),
    Scenario('flush that collects', '-qf', stale=True, **FLUSH),
    Scenario('flush, STARTTLS and SCRAM', '-qf', scheme=STARTTLS,
             auth='scram-sha-256', number=None, held=((BOB,), (CAROL,))),
    Scenario('flush, TLS and PLAIN, some later', '-qf', scheme=TLS,
             auth='plain', mixed=True,
             fail={'refusals': {DAVE: '450 4.2.0 Later'}}, **FLUSH),
    Scenario('direct, TLS and PLAIN, 4yz', scheme=TLS, auth='plain',
             fail={'at_end': '451 4.3.0 Later'}),
    Scenario('hold', '--hold', 'ID', act='hold', **FLUSH),
    Scenario('release what is held', '--release', 'ID', act='release',
             letter='H', **FLUSH),
    Scenario('release what has failed', '--release', 'ID', act='release',
             letter='F', **FLUSH),
    Scenario('delete', '--delete', 'ID', act='delete', **FLUSH),
)


class Stage:
    """A scenario with a folder, a server and a spool: plays it again and
    again. The spool is in memory, or where a path says."""

    def __init__(self, scenario, certificate=None, spool=None):
        self.scenario = s = scenario
        self.rig = rig.Rig()
        if spool:
            self.rig.spool = spool
        self.box = rig.Box(certificate if s.tls else None, without=s.without,
                           users={rig.USER: rig.PASSWORD} if s.auth else ())
        self.dead = socket.socket()  # bound, and nobody listens
        self.dead.bind(('127.0.0.1', 0))
        lines = [f'spool {self.rig.spool}', f'log {self.rig.log}', *s.lines,
                 *([] if spool else ['spool-volatile yes'])]
        if s.auth:
            lines += [f'auth {s.auth}', f'password {rig.PASSWORD}']
        good = self.box.config(*lines, scheme=s.scheme)
        first = good
        if s.down:
            first = good.replace(str(self.box.ports['smtp']),
                                 str(self.dead.getsockname()[1]))
        if s.forgotten:
            first = good.replace(f'password {rig.PASSWORD}',
                                 'password-file /nowhere/password')
        self.rig.config('then', good)
        self.rig.config('first', first)
        self.before = self.held()

    def close(self):
        self.box.close(settle=False)
        self.dead.close()
        self.rig.__exit__()

    def filled(self):
        """Files of the mails that are held, whose names, which have chance in
        them, are in the order of their numbers."""
        while True:
            self.rig.lay({})
            for i, recipients in enumerate(self.scenario.held):
                ran = self.rig.run('--queue-only', '--', *recipients,
                                   stdin=self.scenario.message_of(i + 1))
                if ran.status != 0:
                    raise OSError('nothing to begin with: %r' % ran)
            files = {name: (content, 10 ** 18) for name, (content, _) in
                     self.rig.save().items() if name != '.lock'}
            numbers = [rig.number_of(rig.message_of(content))
                       for content, _ in files.values()]
            if numbers == sorted(numbers) or len(numbers) > 3:
                return files

    def held(self):
        """What the spool holds before each run."""
        files = self.filled()
        some = next(iter(files.items()), None)
        if self.scenario.act:
            name, (content, when) = some
            del files[name]
            self.scenario.id = name[1:]
            if self.scenario.letter == 'F':
                content = rig.with_records(
                    content, name[1:],
                    ['A 1 1', 'R F 0 550 5.1.1 550 5.1.1 Nobody'])
            files[self.scenario.letter + name[1:]] = content, when
        if self.scenario.damaged:
            name, (content, when) = some
            other = 'Q' + '0' * 9 + name[10:]
            at = content.index(b'The end')
            content = content[:at] + b't' + content[at + 1:]
            # The hash alone is wrong.
            files[other] = (content.replace(name[1:].encode(),
                                            other[1:].encode()), when)
            self.scenario.stays = {'X' + other[1:]}
        if self.scenario.stale:
            name, (content, when) = some
            files['t' + '0' * 9 + name[10:]] = (content[:700], when)
        return files

    def play(self, n=0, act='none', lay=lambda: None, cut=None):
        """The evidence of one run with that fault, and of what came after.
        `lay' is called when the spool has its beginning, `cut' when the run
        has ended."""
        s, box = self.scenario, self.box
        self.rig.lay(self.before)
        lay()
        self.rig.log.write_bytes(b'')
        box.clear()
        box.mend()
        for name, value in s.fail.items():
            setattr(box, name, value)
        s.struck = n
        ran = self.rig.inject(n, act, *s.arguments(), stdin=s.stdin(),
                              unnamed=s.unnamed)
        box.settle()
        trace = rig.read_trace(self.rig.trace)
        early = len(box.took)
        box.mend()
        if cut:
            cut()
        between = self.rig.save()
        clean = []
        # Of an empty spool nothing more can come.
        if set(between) - {'.lock'}:
            clean.append(self.rig.run('-qf'))
            if s.report and clean[0].status == 0:
                clean.append(self.rig.run('-qf'))
            box.settle()
        took = [(rig.number_of(message), envelope['to'], message, i < early)
                for i, (message, envelope) in enumerate(box.took)]
        return judge.Evidence(s, ran, act, trace, between, self.rig.save(),
                              took, clean, self.rig.log.read_bytes(),
                              cut is not None)


class Broken(Exception):
    """A scenario that does not even go as it should when nothing is wrong."""


def faults_of(stage, every=1):
    """Plays it once without a fault, and returns what can be done where."""
    s = stage.scenario
    s.baseline = stage.play()
    wrong = list(judge.judge(s.baseline))
    early = sum(t[3] for t in s.baseline.took)
    if s.early is not None and early != s.early:
        wrong.append(('early', '%d mails were taken' % early))
    if s.baseline.ran.status != s.status:
        wrong.append(('status', '%r' % s.baseline.ran))
    if wrong:
        raise Broken('\n'.join(' '.join(w) for w in wrong))
    calls = s.baseline.trace
    begin = rig.begin_of(calls)
    places = [(c.n, act) for c in calls if s.first or c.n >= begin
              for act in rig.acts_at(c, c.n < begin)]
    places.append((s.baseline.ran.calls, 'before'))  # the call that ends it
    return places[::every]


def certificates(folder):
    return harness.make_certificates(folder)


def named(name):
    return next(s for s in SCENARIOS if s.name == name)
