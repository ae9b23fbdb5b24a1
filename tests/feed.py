#!/usr/bin/python3
"""tests/feed.py SECONDS PROGRAM [FOLDER]: gives the whole program what the
fuzzers give to its rooms, and random changes of that: as messages, as
addresses in arguments and in fields, as mails that go to the strict server of
smtpd.py, as dialogues of -bs. FOLDER has further inputs, one folder for each
target, as `make fuzz' leaves them. The program may refuse what it gets, in the
ways that its manual tells, and what it takes must come out clean.

tests/feed.py --again FILE PROGRAM: one input that failed, once more."""

import argparse
import collections
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import unicodedata

TESTS = pathlib.Path(__file__).resolve().parent
HANG = 300  # seconds, which nothing takes that does not hang
LINE_MAX = 998
KEPT_MAX = 5  # inputs that are kept of those with one fault
SIZE_MAX = 300000

TARGETS = ('header', 'message', 'fields', 'recode', 'address', 'serve')
TOKENS = (
    b'\0', b'\r', b'\n', b'\r\n', b'\r\n\r\n', b'\n\n', b'\r\r\n', b'\n.\n',
    b'\r\n.\r\n', b'.', b' ', b'\t', b'\n ', b'\n\t\n', b':', b'<', b'>',
    b'<>', b'"', b'\\', b'(', b')', b',', b';', b'@', b'%', b'-', b'|', b'/',
    b'\xc3\xa9', b'\xff', b'\xc2\x9b', b'\xe2\x80\xae', b'\x1b[2J', b'\x7f',
    b'=?utf-8?q?=C3=A9?=', b'=?x?b?', b'?=', b'xn--', b'a@b.example',
    b'From ', b'\nFrom: ', b'\nTo: ', b'\nBcc: eve@example.org',
    b'\nBcc : eve@example.org', b'\nResent-To: eve@example.org',
    b'\nResent-Bcc: eve@example.org', b'\nDate: ', b'\nMessage-ID: ',
    b'\nMIME-Version: 1.0', b'\nContent-Transfer-Encoding: 8bit',
    b'\nContent-Type: multipart/mixed; boundary=b', b'\n--b\n', b'\n--b--\n',
    b'\nContent-Type: text/plain; charset=utf-8', b'x' * 1000, b' ' * 1000,
    b'RCPT TO:<eve@example.org>\r\n', b'RSET\r\n', b'DATA\r\n',
    b'BDAT 10 LAST\r\n', b'MAIL FROM:<a@b.example>\r\n', b'SMTPUTF8')
FIELDS = (b'From', b'To', b'Cc', b'Bcc', b'Sender', b'Reply-To', b'Resent-To',
          b'Resent-From', b'Subject', b'Message-ID', b'Date', b'Content-Type')
ADDED = {b'from', b'to', b'date', b'message-id', b'reply-to', b'mime-version',
         b'content-type', b'content-transfer-encoding'}
CONFIG = ('helo client.example', 'auth off', 'aliases off', 'log off')
VARIANTS = (('from alice@example.com', 'domain example.com'),) * 5 + (
    ('from alice@example.com',), ('domain example.com', 'from-header yes'),
    ('from-header yes',), ('domain example.com', 'full-name Alice, "A."',
                           'force-from alice@example.com'))


class Case:
    """One run of the program, whole."""

    def __init__(self, kind, argv, stdin, config, server=None):
        self.kind = kind
        self.argv = [bytes(a) for a in argv]
        self.stdin = stdin
        self.config = config
        self.server = server

    def save(self, path):
        path.write_text(json.dumps({
            **vars(self), 'stdin': self.stdin.decode('latin-1'),
            'argv': [a.decode('latin-1') for a in self.argv]}, indent=1))

    @classmethod
    def load(cls, path):
        values = json.loads(path.read_text())
        values['stdin'] = values['stdin'].encode('latin-1')
        values['argv'] = [a.encode('latin-1') for a in values['argv']]
        return cls(**values)


# What is fed.

def read_seeds(folder):
    """The inputs of each target: those of its unit test, and those found, of
    which there are many more, with less sense."""
    pools = {}
    with tempfile.TemporaryDirectory() as seeds:
        for name in TARGETS:
            subprocess.run([sys.executable, TESTS / 'fuzz/seeds.py',
                            f'{seeds}/{name}', name], check=True)
            told, found = ({
                path.read_bytes()[:SIZE_MAX] for place in places if place
                for path in pathlib.Path(place, name).glob('*')}
                for places in ((seeds,), (TESTS / 'fuzz/corpus', folder)))
            pools[name] = [sorted(p) for p in (told, found) if p] or [[b'']]
    return pools


def pick(rng, pool):
    return rng.choice(rng.choice(pool))


def change(rng, data, pool):
    """One random change."""
    at = rng.randint(0, len(data))
    end = min(len(data), at + rng.choice((1, 1, 4, 30, 1000)))
    match rng.randrange(7):
        case 0 | 1:
            return data[:at] + rng.choice(TOKENS) + data[at:]
        case 2:
            return data[:at] + rng.randbytes(1) + data[at + 1:]
        case 3:
            return data[:at] + data[end:]
        case 4:
            return data[:end] + data[at:end] * rng.choice((1, 3, 200)) \
                + data[end:]
        case 5:
            return data[:at] + pick(rng, pool)
        case 6:
            return data[:at] + pick(rng, pool) + data[at:]


def make_input(rng, pool):
    data = pick(rng, pool)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4, 10))):
        data = change(rng, data, pool)[:SIZE_MAX]
    return data


def make_message(rng, pools):
    name = rng.choice(('header', 'message', 'fields', 'recode', 'address'))
    data = make_input(rng, pools[name])
    if name in ('fields', 'address'):
        data = rng.choice(FIELDS) + b': ' + data + b'\n\nHello.\n'
    if rng.random() < 0.3:
        data = b'To: bob@example.org\n' + data
    return data


def make_argument(rng, pools):
    """No argument can hold a NUL, or be of any length."""
    return make_input(rng, pools['address']).replace(b'\0', b'')[:100000]


def make_case(rng, pools):
    config = [*CONFIG, *rng.choice(VARIANTS)]
    show = rng.choice((b'--dry-run', b'--dry-run', b'-bv'))
    kind = rng.choices(('message', 'argument', 'reverse-path', 'mail',
                        'dialogue'), (50, 12, 8, 20, 10))[0]
    message = make_message(rng, pools)
    server = rng.choice(('8bit', '7bit'))
    if kind == 'message':
        more = rng.choice(((), (b'bob@example.net',), (b'-n', b'-U', b'bob'),
                           (b'-F', make_argument(rng, pools))))
        return Case(kind, (b'-t', show, *more), message, config)
    if kind == 'argument':
        return Case(kind, (show, b'--', make_argument(rng, pools)), message,
                    config)
    if kind == 'reverse-path':
        return Case(kind, (show, b'-f', make_argument(rng, pools),
                           b'bob@example.org'), message, config)
    if kind == 'mail':
        more = rng.choice(((), (), (b'-U',), (b'-N', b'success', b'-Rhdrs'),
                           (b'-V', b'id', b'-B8BITMIME'),
                           (b'--', make_argument(rng, pools))))
        return Case(kind, (b'-t', b'bob@example.net', *more), message, config,
                    server)
    return Case(kind, (b'-bs',), make_input(rng, pools['serve']), config,
                server)


# What comes out.

def statuses(case):
    """Those of the manual that this input may lead to."""
    if case.kind == 'dialogue':
        return {0}
    expected = {0, 65}
    if case.kind == 'argument' or b'-F' in case.argv:
        expected.add(64)
    if not any(line.startswith('domain ') for line in case.config):
        expected |= {67, 78}  # a recipient, and a sender, without domain
    if case.kind == 'mail':
        expected |= {64, 69}
    return expected


def is_printable(data):
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(c) == 'Cc' for c in text)


def check_end(case, done):
    words = case.stdin + b','.join(case.argv)
    lines = done.err.split(b'\n')
    if done.status is None:
        yield f'still runs after {HANG} s'
    elif done.status < 0:
        yield f'died of signal {-done.status}'
    elif done.status not in statuses(case):
        yield f'status {done.status}'
    if b'Sanitizer' in done.err or b'runtime error:' in done.err:
        yield 'a sanitizer speaks up'
    if lines.pop() != b'' or not all(map(is_printable, lines)):
        yield 'stderr is no printable text'
    refused = words.count(b',') + 1 if case.kind == 'mail' else 0
    if len(lines) > 3 + refused:
        yield f'stderr has {len(lines)} lines'
    if done.status == 0 and done.err:
        yield 'stderr is not empty on success'
    if done.status and not done.err:
        yield 'a failure without a word'
    if done.out and (done.status or case.kind == 'mail'):
        yield 'stdout is not empty'


def canonical(data):
    data = re.sub(rb'\r(?!\n)', b' ', data)
    data = re.sub(rb'(?<!\r)\n', b'\r\n', data)
    return data if not data or data.endswith(b'\n') else data + b'\r\n'


def is_plain(data):
    """Nothing in it has to be written otherwise."""
    return data.isascii() and b'\0' not in data and \
        max(map(len, canonical(data).split(b'\r\n'))) <= LINE_MAX


def can_be_folded(line):
    """A field's line that is too long, and has white space to fold at. What
    stands behind a backslash cannot go to another line."""
    return re.search(rb'[^ \t\\][ \t]+[^ \t]',
                     line.partition(b':')[2] or line[1:]) is not None


def check_header(header, source):
    source = canonical(source)
    given_blank = re.search(rb'^[ \t\0]+\r$', source, re.M)
    names = []
    for line in header.split(b'\r\n'):
        field = re.match(rb'([!-9;-~]+)[ \t]*:', line)
        if field and line[:1] not in b' \t':
            names.append(field[1].lower())
        elif line[:1] not in (b' ', b'\t') or not names:
            yield 'the header has a line that is no field'
        if not line.strip() and not given_blank:
            yield 'the header has a blank line'
        if len(line) > LINE_MAX and can_be_folded(line):
            yield 'the header has a line that could be folded'
    for name in (b'from', b'date', b'message-id'):
        given = len(re.findall(rb'^' + name + rb'[ \t]*:', source,
                               re.M | re.I))
        if not 1 <= names.count(name) <= max(1, given):
            yield f'{names.count(name)} fields {name.decode()}'
    given = {name.lower() for name in re.findall(
        rb'^([!-9;-~]+)[ \t]*:', source, re.M)}
    if not given | ADDED >= set(names):
        yield 'a field that nobody gave'
    if not {b'bcc', b'resent-bcc', b'return-path'}.isdisjoint(names):
        yield 'Bcc or Return-Path is still there'
    if header.decode(errors='replace').encode() != header:
        yield 'the header is not UTF-8'


def check_message(message, source):
    """A mail as it goes out; source: the bytes that came in, or None."""
    header, end, body = message.partition(b'\r\n\r\n')
    if re.search(rb'\r(?!\n)|(?<!\r)\n', message):
        yield 'a bare CR or LF'
    if b'\0' in message:
        yield 'a NUL in the ' + ('header' if b'\0' in header else 'body')
    if not end or body and not body.endswith(b'\r\n'):
        yield 'a line without its end'
    if max(map(len, body.split(b'\r\n'))) > LINE_MAX:
        yield 'a line of the body is too long'
    if source is not None:
        yield from check_header(header, source)
        if is_plain(source) and not canonical(source).endswith(body):
            yield 'the body is another'


def check_shown(case, done):
    """What --dry-run and -bv print."""
    shown = re.match(rb'account: default\nfrom: <[^\n]*>\n(to: <[^\n]+>\n)+',
                     done.out)
    if not shown or not is_printable(shown[0].replace(b'\n', b'')):
        yield 'the envelope is no clean text'
        return
    rest = done.out[shown.end():]
    if (rest != b'') != (b'--dry-run' in case.argv):
        yield 'more is shown than was asked for, or less'
    elif rest:
        yield from check_message(rest[1:], case.stdin)


def check_taken(case, message, envelope):
    """One mail that the server took."""
    asked = envelope['mail_parameters']
    header = message.partition(b'\r\n\r\n')[0]
    yield from check_message(
        message, case.stdin if case.kind == 'mail' else None)
    if not message.isascii() and asked.get('BODY') != '8BITMIME':
        yield 'a mail with 8-bit bytes without BODY=8BITMIME'
    if not header.isascii() and 'SMTPUTF8' not in asked:
        yield 'a header with 8-bit bytes without SMTPUTF8'
    if case.server == '7bit' and not message.isascii():
        yield '8-bit bytes to a server that takes none'
    if case.kind == 'mail' and 'bob@example.net' not in envelope['to']:
        yield 'a recipient is missing'
    if asked.get('SIZE') != str(len(message)):
        yield 'SIZE= is wrong'


def check_dialogue(done):
    lines = done.out.split(b'\r\n')
    if lines.pop() != b'' or not all(
            re.fullmatch(rb'[2-5][0-9]{2}[ -][ -~]*', s) for s in lines):
        yield '-bs says what is no reply'
    return sum(re.match(rb'250 .*queued as', s) is not None for s in lines)


def check_taken_all(case, done, server):
    """What the server has to say of this run."""
    for fault in server.faults:
        yield 'server: ' + re.sub(r'^connection \d+: ', '', fault)[:60]
    for message, envelope in server.took:
        yield from check_taken(case, message, envelope)
    if case.kind == 'dialogue':
        said = yield from check_dialogue(done)
    else:
        said = int(done.status == 0)
    if said != len(server.took):
        yield f'{len(server.took)} mails were taken and {said} are told of'


class Feeder:
    """Runs cases, with the servers they need, in a folder of its own."""

    def __init__(self, program, folder):
        # Where the program is must be known before these are loaded.
        os.environ['SENDLING'] = program
        import home  # pylint: disable=import-outside-toplevel
        import smtpd  # pylint: disable=import-outside-toplevel
        # A quoted local-part may hold angle brackets.
        smtpd.PATH = re.compile(
            r'<((?:[^<>"]|"(?:[^"\\]|\\.)*")*)>((?: +\S+)*) *', re.A)
        self.environment = home.SPEAK_UP
        self.done = home.Done
        self.servers = {'8bit': smtpd.Server(), '7bit': smtpd.Server(
            without=('8BITMIME', 'SMTPUTF8', 'CHUNKING'))}
        self.program = program
        self.folder = folder

    def run(self, case):
        server = self.servers[case.server or '8bit']
        server.clear()
        config = self.folder / 'config'
        config.touch(mode=0o600)
        config.write_text(
            f'smarthost smtp+plain://127.0.0.1:{server.ports["smtp"]}\n'
            + ''.join(line + '\n' for line in case.config))
        try:
            end = subprocess.run(
                [self.program, '-C', config, *case.argv], input=case.stdin,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=HANG,
                env=self.environment)
            done = self.done(end.returncode, end.stdout, end.stderr)
        except subprocess.TimeoutExpired as hung:
            done = self.done(None, hung.stdout or b'', hung.stderr or b'')
        server.settle()
        return done

    def faults(self, case, done):
        yield from check_end(case, done)
        if case.server:
            yield from check_taken_all(case, done, self.servers[case.server])
        elif done.status == 0:
            yield from check_shown(case, done)


# What is told.

class Tally:
    def __init__(self, options):
        self.options = options
        self.fed = collections.Counter()
        self.taken = collections.Counter()
        self.failed = collections.Counter()
        self.faults = {}  # kind and fault: how often, and the first files

    def add(self, case, done, faults):
        self.fed[case.kind] += 1
        self.taken[case.kind] += done.status == 0
        if not faults:
            return
        self.failed[case.kind] += 1
        path = self.options.keep / (
            f'{case.kind}-{self.options.seed}-{sum(self.fed.values())}')
        for fault in faults:
            paths = self.faults.setdefault((case.kind, fault), [])
            if len(paths) < KEPT_MAX and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                case.save(path)
            paths.append(path)

    def tell(self):
        for n, kind in enumerate(sorted(self.fed), 1):
            print('%s %d - %d inputs as %s, %d with status 0' % (
                'not ok' if self.failed[kind] else 'ok', n, self.fed[kind],
                kind, self.taken[kind]))
            for (of, fault), paths in self.faults.items():
                if of == kind:
                    print(f'# {len(paths)} times: {fault}')
                    for path in paths[:3]:
                        print(f'#   tests/feed.py --again {path} '
                              f'{self.options.program}')
        print(f'1..{len(self.fed)}')
        return 1 if self.failed else 0


def feed(options):
    print('# seed', options.seed, flush=True)
    pools = read_seeds(options.folder)
    rng = random.Random(options.seed)
    tally = Tally(options)
    end = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as folder:
        feeder = Feeder(options.program, pathlib.Path(folder))
        while time.monotonic() < end:
            case = make_case(rng, pools)
            done = feeder.run(case)
            faults = list(dict.fromkeys(feeder.faults(case, done)))
            tally.add(case, done, faults)
    return tally.tell()


def again(options):
    case = Case.load(options.again)
    with tempfile.TemporaryDirectory() as folder:
        feeder = Feeder(options.program, pathlib.Path(folder))
        done = feeder.run(case)
        faults = list(feeder.faults(case, done))
    print(f'argv: {case.argv}\nconfig: {case.config}\n'
          f'stdin: {case.stdin[:4000]!r}\n{done.words()}')
    print('\n'.join(faults) or 'no fault')
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('seconds', type=int, nargs='?')
    parser.add_argument('program')
    parser.add_argument('folder', nargs='?', type=pathlib.Path)
    parser.add_argument('--again', type=pathlib.Path, metavar='FILE')
    parser.add_argument('--seed', type=int,
                        default=int.from_bytes(os.urandom(4), 'big'))
    parser.add_argument('--keep', type=pathlib.Path, metavar='FOLDER')
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    options.keep = options.keep or pathlib.Path(options.program).parent / 'feed'
    return again(options) if options.again else feed(options)


if __name__ == '__main__':
    sys.exit(main())
