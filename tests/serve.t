#!/usr/bin/python3
"""sendling -bs against the tests' own strict server: the dialogues of the
programs that speak it, many mails through one session, and what the client is
told when the smarthost will not."""

import contextlib
import os
import pathlib
import re
import select
import shutil
import subprocess
import sys
import tempfile

import harness
from smtpd import Server

HEADER = ('Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n'
          'Message-ID: <1@example.com>\r\n')
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.startswith('SENDLING')}


def message(subject, body=''):
    return (f'From: alice@example.com\r\nTo: bob@example.org\r\n{HEADER}'
            f'Subject: {subject}\r\n\r\n{body}')


class Smarthost(Server):
    """A strict server, its configuration for us, and what it took."""

    def __init__(self, **options):
        super().__init__(**options)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='serve.'))

    def close(self, **more):
        super().close(**more)
        shutil.rmtree(self.folder)

    def configure(self, *lines):
        return harness.write_config(self.folder,
                                    self.config('log off', *lines))

    def mails(self):
        return [(mail.decode(), envelope) for mail, envelope in self.took]

    def envelopes(self):
        return [(e['from'], *e['to']) for _, e in self.took]

    def connections(self):
        return [e['connection'] for _, e in self.took]


class Client:
    """Speaks SMTP with sendling -bs; one_pipe: as nmh has it, stderr is where
    stdout is."""

    def __init__(self, path, one_pipe=False, argv=()):
        self.replies = []
        self.process = subprocess.Popen(
            [harness.SENDLING, '-C', path, '-bs', *argv], env=ENVIRONMENT,
            bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if one_pipe else subprocess.PIPE)
        self.hear()

    def hear(self):
        """The next reply, all its lines."""
        lines = []
        while not lines or lines[-1][3:4] == '-':
            if not select.select([self.process.stdout], [], [],
                                 harness.WAIT)[0]:
                raise SystemExit(f'no reply after {self.replies[-3:]}')
            line = self.process.stdout.readline().decode()
            if not line.endswith('\r\n'):
                line += '(no CRLF)  '
            lines.append(line[:-2])
            if not line[:1].isdigit():
                break
        self.replies.append('\n'.join(lines))
        return self.replies[-1]

    def say(self, *lines):
        """Says them at once and hears as many replies."""
        self.tell(''.join(line + '\r\n' for line in lines))
        return [self.hear() for _ in lines]

    def tell(self, text):
        data = text.encode()
        while data:
            data = data[self.process.stdin.write(data):]

    def start(self, sender, *recipients):
        self.say(f'MAIL FROM:<{sender}>')
        for recipient in recipients:
            self.say(f'RCPT TO:<{recipient}>')
        return self.say('DATA')[0]

    def send(self, sender, *recipients, text=message('hello', 'Hello.\r\n')):
        """A mail as nearly all clients send it; the reply to its end."""
        if not self.start(sender, *recipients).startswith('354 '):
            return self.replies[-1]
        self.tell(re.sub('^[.]', '..', text, flags=re.M) + '.\r\n')
        return self.hear()

    def end(self):
        """What was on stderr, and the exit status."""
        self.process.stdin.close()
        rest = self.process.stdout.read().decode()
        err = self.process.stderr
        words = rest + (err.read().decode() if err else '')
        return words, self.process.wait()

    def quit(self):
        self.say('QUIT')
        return self.end()

    def codes(self):
        return ' '.join(reply[:3] for reply in self.replies)


@contextlib.contextmanager
def ready(t, title, *, config=(), one_pipe=False, argv=(), **options):
    """A client and its smarthost; afterwards neither may have complained."""
    with Smarthost(**options) as smarthost:
        client = Client(smarthost.configure(*config), one_pipe, argv)
        yield client, smarthost
        if client.process.returncode is None:
            words, status = client.quit()
            t.ok((words, status) == ('', 0), f'{title}: silent, status 0',
                 words, status)
        smarthost.settle()
        t.ok(not smarthost.faults, f'{title}: the smarthost is content',
             *smarthost.faults)


def test_symfony(t):
    text = message('one', '.a dot\r\n\r\nends in CRLF CRLF\r\n\r\n')
    with ready(t, 'Symfony') as (client, smarthost):
        client.say('HELO [127.0.0.1]')
        first = client.send('alice@example.com', 'bob@example.org',
                            'carol@example.org', text=text)
        client.say('NOOP')
        second = client.send('dave@example.com', 'erin@example.org')
        ids = [re.search(r'(?mis)Ok:? queued as (?P<id>[A-Z0-9]+)\r?$', reply)
               for reply in (first, second)]
        t.ok([i and i['id'] for i in ids] == ['0001', '0002'],
             'Symfony reads the queue ids of the smarthost', first, second)
        mails = smarthost.mails()
        t.ok([mail for mail, _ in mails] == [text, message(
            'hello', 'Hello.\r\n')] and smarthost.envelopes() ==
             [('alice@example.com', 'bob@example.org', 'carol@example.org'),
              ('dave@example.com', 'erin@example.org')],
             'Symfony: two mails word for word', mails)


def test_swiftmailer(t):
    with ready(t, 'SwiftMailer') as (client, smarthost):
        client.say('HELO [127.0.0.1]')
        for n in range(3):
            client.send(f'a{n}@example.com', f'b{n}@example.org')
        t.ok(smarthost.envelopes() == [(f'a{n}@example.com',
                                        f'b{n}@example.org')
                                       for n in range(3)]
             and smarthost.connections() == [1, 1, 1],
             'SwiftMailer: three mails without RSET, one session',
             smarthost.mails())


def test_nmh(t):
    with ready(t, 'nmh', one_pipe=True) as (client, smarthost):
        client.say('EHLO client.example')
        client.say('MAIL FROM:<alice@example.com>')
        client.say('RCPT TO:<bob@example.org>')
        client.say('RCPT TO:<blind@example.org>')
        client.say('RSET')
        client.send('alice@example.com', 'bob@example.org')
        client.say('RSET')
        client.send('alice@example.com', 'blind@example.org')
        client.say('RSET')
        t.ok(client.codes() == '220 250 250 250 250 250 250 250 354 250 250 '
             '250 250 354 250 250' and smarthost.envelopes() ==
             [('alice@example.com', 'bob@example.org'),
              ('alice@example.com', 'blind@example.org')],
             'nmh: a trial run sends nothing, then each copy goes',
             client.replies)


def test_swaks(t):
    swaks = shutil.which('swaks')
    if swaks is None:
        t.skip('swaks --pipe', 'swaks is not installed')
        return
    with Smarthost() as smarthost:
        path = smarthost.configure()
        done = subprocess.run(
            [swaks, '--pipe', f'{harness.SENDLING} -C {path} -bs', '--from',
             'alice@example.com', '--to', 'bob@example.org,carol@example.org'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=ENVIRONMENT, timeout=harness.WAIT)
        t.ok(done.returncode == 0 and not smarthost.faults and
             smarthost.envelopes() == [('alice@example.com', 'bob@example.org',
                                        'carol@example.org')],
             'swaks --pipe', done.stdout.decode())


def test_pipelining(t):
    with ready(t, 'PIPELINING') as (client, smarthost):
        client.say('EHLO client.example')
        replies = client.say(
            'MAIL FROM:<alice@example.com>', 'RCPT TO:<bob@example.org>',
            'RCPT TO:<@@>', 'RCPT TO:<carol@example.org>', 'DATA')
        client.tell(message('hello') + '.\r\nRSET\r\n')
        replies += [client.hear(), client.hear()]
        t.ok([r[:3] for r in replies] ==
             ['250', '250', '501', '250', '354', '250', '250'] and
             smarthost.envelopes() == [('alice@example.com', 'bob@example.org',
                                        'carol@example.org')],
             'PIPELINING: each command of a group has its reply', replies)


def test_bdat(t):
    text = message('hello', '.\r\n..\r\nHello.\r\n')
    with ready(t, 'BDAT') as (client, smarthost):
        client.say('EHLO client.example')
        client.say('MAIL FROM:<alice@example.com> BODY=8BITMIME')
        client.say('RCPT TO:<bob@example.org>')
        client.tell('BDAT 10\r\n' + text[:10])
        client.tell(f'BDAT {len(text) - 10} LAST\r\n' + text[10:])
        replies = [client.hear(), client.hear()]
        t.ok([r[:3] for r in replies] == ['250', '250'] and
             [mail for mail, _ in smarthost.mails()] == [text],
             'BDAT: octets as they came', replies, smarthost.mails())


def test_wishes(t):
    """What argv wishes holds where the client says nothing."""
    with ready(t, 'wishes of argv', argv=('-V', 'a b', '-N', 'failure',
                                          '-R', 'hdrs')) as (client, host):
        client.say('EHLO client.example')
        client.send('alice@example.com', 'bob@example.org')
        client.say('MAIL FROM:<alice@example.com> ENVID=client RET=FULL',
                   'RCPT TO:<bob@example.org> NOTIFY=DELAY',
                   'RCPT TO:<carol@example.org>', 'DATA')
        client.tell(message('hello') + '.\r\n')
        client.hear()
        client.send('alice@example.com', 'bob@example.org')
        seen = [(e['mail_parameters'].get('ENVID'),
                 e['mail_parameters'].get('RET'),
                 *(r.get('NOTIFY') for r in e['rcpt_parameters']))
                for _, e in host.mails()]
        ours = ('a+20b', 'HDRS', 'FAILURE')
        t.ok(seen == [ours, ('client', 'FULL', 'DELAY', 'FAILURE'), ours],
             'wishes of argv lie under those of the client', seen)
    with ready(t, 'a wish that is not met',
               argv=('-O', 'mt-priority=3')) as (client, host):
        reply = client.send('alice@example.com', 'bob@example.org')
        t.ok(reply.startswith('554 ') and 'MT-PRIORITY' in reply and
             host.mails() == [], 'a wish of argv that the smarthost cannot '
             'meet is not forgotten', reply)


def one_of_many(n):
    return (f'MAIL FROM:<a{n}@example.com>\r\nRCPT TO:<b{n}@example.org>\r\n'
            f'DATA\r\n{message(n, f"mail {n}")}\r\n.\r\n')


def test_hundred(t, waiting):
    title = '100 mails ' + ('in turns' if waiting else 'at once')
    with ready(t, title) as (client, smarthost):
        client.say('EHLO client.example')
        for n in range(100):
            client.tell(one_of_many(n))
            if waiting:
                for _ in range(4):
                    client.hear()
        if not waiting:
            for _ in range(400):
                client.hear()
        queued = [reply for reply in client.replies if 'queued as' in reply]
        t.ok(len(queued) == len(set(queued)) == 100,
             f'{title}: each has its own reply', client.codes())
        t.ok([(mail, e['from'], *e['to']) for mail, e in smarthost.mails()] ==
             [(message(n, f'mail {n}\r\n'), f'a{n}@example.com',
               f'b{n}@example.org') for n in range(100)],
             f'{title}: nothing of one is in another', smarthost.envelopes())
        t.ok(set(smarthost.connections()) == {1},
             f'{title}: one session with the smarthost',
             smarthost.connections())


def test_large(t):
    """The first is kept in a file, which the second must not see."""
    large = message('large', 'x' * 78 + '\r\n')
    large += ('y' * 78 + '\r\n') * 40000
    with ready(t, 'a large mail') as (client, smarthost):
        client.say('EHLO client.example')
        client.start('alice@example.com', 'bob@example.org')
        client.tell(large[:2000000])
        client.process.stdin.flush()
        client.tell(large[2000000:] + '.\r\n')
        client.hear()
        client.send('alice@example.com', 'bob@example.org')
        client.send('alice@example.com', 'bob@example.org', text=large)
        t.ok([mail for mail, _ in smarthost.mails()] ==
             [large, message('hello', 'Hello.\r\n'), large],
             'a large mail, a small one, a large one',
             [len(mail) for mail, _ in smarthost.mails()])


def test_gone_in_data(t):
    with ready(t, 'the client goes away in its mail') as (client, smarthost):
        client.say('EHLO client.example')
        client.start('alice@example.com', 'bob@example.org')
        client.tell(message('hello', 'Hello.\r\n'))
        words, status = client.end()
        t.ok((words, status) == ('', 0) and smarthost.mails() == [],
             'the client goes away in its mail: nothing is sent', words,
             status)


def test_not_listening(t):
    """QUIT is said, and nobody reads the answers."""
    with ready(t, 'nobody reads') as (client, smarthost):
        client.process.stdout.close()
        client.tell(one_of_many(1) + 'QUIT\r\n')
        client.process.stdin.close()
        err = client.process.stderr.read().decode()
        status = client.process.wait()
        t.ok(status in (0, 74) and len(smarthost.mails()) <= 1,
             'nobody reads: it ends', status, err)


def test_stdout_closed(t):
    with Smarthost() as smarthost:
        path = smarthost.configure()
        done = subprocess.run(
            ['sh', '-c', 'exec "$0" -C "$1" -bs >&- 2>&-', harness.SENDLING,
             path], input=(one_of_many(1) + 'QUIT\r\n').encode(),
            env=ENVIRONMENT, timeout=harness.WAIT)
        t.ok(done.returncode == 0 and not smarthost.faults and
             smarthost.envelopes() == [('a1@example.com', 'b1@example.org')],
             'stdout and stderr closed: the mail goes, and no reply gets into '
             'the smarthost\'s session', done.returncode)


def test_line_ends(t):
    with Smarthost() as smarthost:
        run = harness.Run(smarthost.folder, smarthost.config('log off'), '-bs',
                          message=one_of_many(1).replace('\r', '').encode())
        t.ok(run.status == 0 and run.err == '' and
             re.findall('^[0-9]+', run.out, re.M) ==
             ['220', '250', '250', '354', '250'] and
             [mail for mail, _ in smarthost.mails()] ==
             [message(1, 'mail 1\r\n')],
             'a client with bare LFs that does not wait', run.words())


def test_refused_recipient(t, **options):
    with ready(t, 'a recipient is refused', refuse={
            'x@example.org': '550 5.1.1 No such user here'},
               **options) as (client, host):
        client.say('EHLO client.example')
        client.send('alice@example.com', 'bob@example.org')
        alone = client.send('alice@example.com', 'x@example.org')
        both = client.send('alice@example.com', 'bob@example.org',
                           'x@example.org')
        after = client.send('alice@example.com', 'carol@example.org')
        t.ok(alone.startswith('550 5.1.1 ') and 'No such user here' in alone,
             'the only recipient is refused: the smarthost\'s code and words',
             alone)
        t.ok(both.startswith('554 ') and 'x@example.org: 550 5.1.1' in both,
             'one of two recipients is refused: 554, as 4yz would bring the '
             'other a second copy; the reply names it', both)
        t.ok(after.startswith('250 ') and host.envelopes() ==
             [('alice@example.com', 'bob@example.org')] * 2 +
             [('alice@example.com', 'carol@example.org')] and
             host.connections() == [1, 1, 1],
             'and the next mail goes, through the same session',
             client.replies, host.connections())


def test_later_recipient(t):
    with ready(t, 'a recipient is refused for now', refuse={
            'x@example.org': '450 4.2.1 Busy'}) as (client, _):
        client.say('EHLO client.example')
        reply = client.send('alice@example.com', 'x@example.org')
        t.ok(reply.startswith('450 4.2.1 ') and 'Busy' in reply,
             'a recipient is refused for now: 450 and words', reply)


def test_too_large(t):
    with ready(t, 'the smarthost\'s limit', size=1000) as (client, smarthost):
        client.say('EHLO client.example')
        large = client.send('alice@example.com', 'bob@example.org',
                            text=message('x', 'x' * 2000 + '\r\n'))
        small = client.send('alice@example.com', 'bob@example.org')
        t.ok(re.match('55[24] 5', large) and small.startswith('250 ') and
             len(smarthost.mails()) == 1,
             'the smarthost\'s limit: 55y, and the next mail goes',
             large, small)


def test_going_away(t):
    with ready(t, 'the smarthost goes away', mails_max=1) as (client, smarthost):
        client.say('EHLO client.example')
        replies = []
        for n in range(3):
            replies.append(client.send('alice@example.com',
                                       f'b{n}@example.org'))
            smarthost.settle()
        t.ok(all(reply.startswith('250 ') for reply in replies) and
             smarthost.connections() == [1, 2, 3] and
             [to for _, to in smarthost.envelopes()] ==
             [f'b{n}@example.org' for n in range(3)],
             'the smarthost goes away after each mail: the next one goes '
             'through a new session', replies, smarthost.mails())


def test_words(t):
    """Whose fault it is, for a client that knows of no command line."""
    with ready(t, 'words', without=['DSN']) as (client, _):
        client.say('EHLO client.example')
        replies = [client.send('root', 'bob@example.org'),
                   client.send('alice@example.com', 'root')]
        client.say('MAIL FROM:<alice@example.com>',
                   'RCPT TO:<bob@example.org> NOTIFY=NEVER', 'DATA')
        client.tell(message('hello') + '.\r\n')
        replies.append(client.hear())
        t.ok(all(reply[0] in '45' for reply in replies) and
             "`root' has no domain" in replies[0] and
             "`root' has no domain" in replies[1] and
             'NEVER' in replies[2], 'words: refused, and why', *replies)
        t.ok(not re.search(r"option|command line|[ `]-", ''.join(replies)),
             'words: no option and no command line', *replies)


def test_wrong_password(t):
    with ready(t, 'a wrong password', users={'alice': 'right'},
               config=['password Tr0ub4dor']) as (client, host):
        client.say('EHLO client.example')
        reply = client.send('alice@example.com', 'bob@example.org')
        t.ok(reply.startswith('451 4.') and 'Authentication failed' in reply
             and 'Tr0ub4dor' not in reply and host.mails() == [],
             'a wrong password: 451 with the smarthost\'s words', reply)
        t.ok(client.say('NOOP')[0].startswith('250 '),
             'a wrong password: the dialogue goes on', client.replies)


def test_no_smarthost(t):
    with ready(t, 'nobody listens', config=[
            'account x', 'smarthost smtp+plain://127.0.0.1:1',
            'account default', 'smarthost smtp+plain://127.0.0.1:1'],
               ) as (client, _):
        client.say('EHLO client.example')
        reply = client.send('alice@example.com', 'bob@example.org')
        t.ok(reply.startswith('451 4.') and '127.0.0.1' in reply,
             'nobody listens: 451 and why', reply)


def test_no_configuration(t):
    with tempfile.TemporaryDirectory() as folder:
        run = harness.Run(folder, 'smarthots x\n', '-bs',
                          message=b'EHLO x\r\nQUIT\r\n')
        t.ok(run.status == 78 and run.err == '' and
             re.fullmatch(r'421 4\.3\.5 [ -~]+/config:1: [ -~]*'
                          r'`smarthost\'[ -~]*\r\n', run.out),
             'a broken configuration: 421, 78, silence on stderr',
             run.words())
        run = harness.Run(folder, 'log off\n', '-bs',
                          message=one_of_many(1).encode())
        t.ok(run.status == 0 and run.err == '' and
             re.search(r'^451 4\.0\.0 .*smarthost', run.out, re.M),
             'no smarthost: 451, silence on stderr', run.words())
        home = {**ENVIRONMENT, 'HOME': folder, 'XDG_CONFIG_HOME': folder}
        if pathlib.Path('/etc/sendling.conf').exists():
            t.skip('no configuration', 'this machine has one')
            return
        done = subprocess.run([harness.SENDLING, '-bs'], input=b'',
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=home, timeout=harness.WAIT)
        t.ok(done.returncode == 78 and done.stderr == b'' and
             re.fullmatch(rb'421 4\.3\.5 [ -~]+\r\n', done.stdout),
             'no configuration: 421, 78, silence on stderr', done)


def main():
    t = harness.Tap()
    test_symfony(t)
    test_swiftmailer(t)
    test_nmh(t)
    test_swaks(t)
    test_pipelining(t)
    test_bdat(t)
    test_wishes(t)
    test_hundred(t, True)
    test_hundred(t, False)
    test_large(t)
    test_gone_in_data(t)
    test_not_listening(t)
    test_stdout_closed(t)
    test_line_ends(t)
    test_refused_recipient(t)
    test_refused_recipient(t, without=['CHUNKING'])
    test_later_recipient(t)
    test_too_large(t)
    test_going_away(t)
    test_words(t)
    test_wrong_password(t)
    test_no_smarthost(t)
    test_no_configuration(t)
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
