#!/usr/bin/python3
"""What a person at a terminal sees and a program does not: what is wrong before
a message is typed, that one is waited for, how far a long one is, colours.

    tests/terminal.t [WORD ...]    only the tests whose names hold a WORD
"""

import os
import sys

from home import MESSAGE, SPEAK_UP, run_tests
from person import Person

BOB = 'bob@example.org'
TYPED = MESSAGE.replace(b'\r', b'').decode()


def sits(home, config, *argv, name='sendling', environment=None, under=()):
    """A person who calls it."""
    named = () if config is None else ('-C', config)
    return Person([*under, home.path / name, *named, *argv],
                  {'TERM': 'xterm', 'PATH': os.environ['PATH'], **SPEAK_UP,
                   **(environment or {})})


def usual(home, text):
    """An environment in which that is the configuration."""
    folder = home.path / 'xdg/sendling'
    folder.mkdir(parents=True, exist_ok=True)
    home.config(text, 'xdg/sendling/config')
    return {'XDG_CONFIG_HOME': str(folder.parent)}


# Before a message is typed

ACCOUNT = 'from alice@example.com\nlog off\n'
TLS = 'smarthost smtps://127.0.0.1:1\n'
PLAIN = 'smarthost smtp+plain://127.0.0.1:1\n'

FORESEEN = (
    ('no smarthost', ACCOUNT, (BOB,), 78, 'has no `smarthost\''),
    ('no such account', ACCOUNT + PLAIN, ('-a', 'work', BOB), 78,
     'there is no account `work\''),
    ('the account that -f chooses', ACCOUNT + PLAIN + 'account default\n'
     'account work\nmatch *@work.example\nuser a\npassword-file /nowhere\n',
     ('-f', 'a@work.example', BOB), 78, '/nowhere'),
    ('a password-file that is not there', ACCOUNT + TLS +
     'user a\npassword-file /nowhere\n', (BOB,), 78, '/nowhere'),
    ('a password-command that is not there', ACCOUNT + TLS +
     'user a\npassword-command /nowhere/pass x\n', (BOB,), 78, '/nowhere/pass'),
    ('a credential that is not there', ACCOUNT + TLS +
     'user a\npassword-credential x\n', (BOB,), 78, 'x'),
    ('a trust file that is not there', ACCOUNT + TLS + 'tls-trust /nowhere\n',
     (BOB,), 78, '/nowhere'),
    ('aliases that are not there', ACCOUNT + PLAIN + 'aliases /nowhere\n',
     ('root',), 78, '/nowhere'),
    ('a bare name', ACCOUNT + PLAIN + 'aliases off\n', ('root',), 67,
     '`domain'),
    ('a bare name beside -t', ACCOUNT + PLAIN + 'aliases off\n',
     ('-t', 'root'), 67, '`domain'),
    ('no address', ACCOUNT + PLAIN, ('a@b@c',), 65,
     "an '@' stands"),
    ('no sender', PLAIN + 'log off\n', ('-f', 'alice', BOB), 78, 'alice'),
    ('an envelope identifier that is none', ACCOUNT + PLAIN,
     ('-V', '\x01', BOB), 64, ''),
)


def test_foreseen(t, home):
    """Nothing was typed when it ended; with no prompt."""
    for sentence, config, argv, status, words in FORESEEN:
        path = home.config(config)
        with sits(home, path, *argv) as person:
            ended = person.wait()
            t.ok(ended == status and words in person.shown and
                 'type the message' not in person.shown,
                 f'{sentence}: told before a message is typed', ended,
                 person.shown)


def test_foreseen_as_sendmail(t, home):
    """Also under a name that knows no -C."""
    with sits(home, None, BOB, name='sendmail',
              environment=usual(home, ACCOUNT)) as person:
        ended = person.wait()
        t.ok(ended == 78 and 'has no `smarthost\'' in person.shown,
             'as sendmail too', ended, person.shown)


def test_not_foreseen(t, home, box):
    """What the message still decides is no fault."""
    broken = ('account work\nmatch alice@example.com\naccount default\n'
              'from root@example.org\nuser a\npassword-file /nowhere\n')
    for sentence, config, argv in (
            ('a good account', box.config(), (BOB,)),
            ('an account that From chooses', box.config() + broken, (BOB,)),
            ('and with the null reverse-path', box.config() + broken,
             ('-f', '', BOB)),
            ('a sender that From names', box.config('from-header yes').replace(
                'from alice@example.com\n', ''), (BOB,)),
            ('recipients that To names', box.config(), ('-t',)),
            ('whose spool takes it without a password', box.config(
                'user a', 'password-file /nowhere', f'spool {home.path}/spool'),
             ('--queue-only', BOB))):
        with sits(home, None, *argv,
                  environment=usual(home, config)) as person:
            person.types(TYPED + '.\n')
            status = person.wait()
        box.settle()
        t.ok(status == 0 and len(box.took) == ('--queue-only' not in argv),
             f'{sentence}: a message may be typed', status, person.shown)
        box.clear()


def test_prompt(t, home, box):
    """One line, for who calls sendling and types."""
    config = home.config(box.config())
    environment = usual(home, box.config())
    for argv, name, shown in (
            ((BOB,), 'sendling', True), (('-t',), 'sendling', True),
            (('-i', BOB), 'sendling', True), (('-oeq', BOB), 'sendling', False),
            ((BOB,), 'sendmail', False), (('-t', '-i'), 'send-mail', False)):
        with sits(home, None, *argv, name=name,
                  environment=environment) as person:
            person.types(TYPED + '\x04')
            status = person.wait()
        box.settle()
        first = person.shown.partition('\n')[0]
        t.ok(status == 0 and len(box.took) == 1 and
             person.shown.count('type the message') == shown and
             ('lone dot' in person.shown) == (shown and '-i' not in argv) and
             ('Control-D' in person.shown) == shown,
             f'{name} {" ".join(argv)}: {"a" if shown else "no"} prompt',
             status, person.shown, first)
        box.clear()
    for argv in (('-bs',), ('-bv', BOB), ('--check',)):
        with sits(home, config, *argv) as person:
            person.types('QUIT\n')
            status = person.wait()
            t.ok(status == 0 and 'type the message' not in person.shown,
                 f'{argv[0]}: no prompt', status, person.shown)
    with sits(home, None, BOB, environment=environment,
              under=('sh', '-c', '"$0" "$@" 2>' + str(home.path / 'err'))
              ) as person:
        person.types(TYPED + '\x04')
        status = person.wait()
        said = (home.path / 'err').read_text()
        t.ok(status == 0 and said == '', 'no prompt in a file', status, said)


sys.exit(run_tests(globals()))
