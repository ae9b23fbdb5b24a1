#!/usr/bin/env python3
"""sendling-departures(7): each item names tests that are there; and those that
no other file has."""

import re
import socket
import sys

import harness
import smtpd
from home import MESSAGE, run_tests

PAGE = harness.TESTS.parent / 'man/sendling-departures.7'
BOB = 'bob@example.org'


def test_page(t, _):
    """Below the tag of an item stand its tests."""
    items = re.findall(r'^\.It ((?:.*\\\n)*.*\n)((?:\.\\" .*\n)*)',
                       PAGE.read_text(), re.M)
    t.ok(len(items) > 50, 'the page has items', len(items))
    for tag, comments in items:
        held = re.findall(r'tests: (\S+)(?: (\S+))?$', comments, re.M)
        missing = [pair for pair in held if not is_there(*pair)]
        t.ok(held and not missing,
             'held by tests: ' + ' '.join(tag.replace('\\\n', '').split()),
             *missing or ['it names none'])


def is_there(file, name):
    path = harness.TESTS / file
    return path.is_file() and (not name or re.search(
        rf'^(def )?{name}\(', path.read_text(), re.M))


def box_of(play):
    return smtpd.Server(play=play)


def plain(sock, *replies):
    """A server's part, a reply for each group of commands."""
    for reply in replies:
        sock.sendall(reply)
        if not sock.recv(65536):
            return


def test_quit(t, home):
    """A server that never answers QUIT, and never closes."""
    left = []

    def play(server, sock):
        plain(sock, b'220 x\r\n', b'250 x\r\n', b'250 x\r\n', b'250 x\r\n',
              b'354 x\r\n', b'250 taken\r\n')
        left.append(sock.recv(100))

    with box_of(play) as box:
        run = home.run(BOB, config=home.config(box.config()))
    t.ok(run.status == 0 and run.silent(),
         'nobody waits for the reply to QUIT', run.words())
    t.ok(left == [b''], '... and the connection is closed', left)


def sent(t, home, box, *argv, stdin=MESSAGE, **more):
    """The message and the envelope that came, of one run that went well."""
    box.clear()
    if not more:
        more['config'] = home.config(box.config())
    run = home.run(*argv, stdin=stdin, **more)
    box.settle()
    if run.status != 0 or len(box.took) != 1:
        t.ok(False, 'one mail comes', run.words(), len(box.took))
        return b'', {}
    return box.took[0]


def with_spool(home, config):
    """A spool's folder, and what a run needs that is to use it: the usual file
    alone counts for a mail that is kept."""
    folder = home.path / '.config/sendling'
    folder.mkdir(parents=True, exist_ok=True)
    spool = home.path / 'spool'
    home.config(f'{config}\nspool {spool}\nspool-volatile yes\n',
                '.config/sendling/config')
    return spool, {'environment': {'HOME': str(home.path)}}


def test_no_report(t, home, box):
    """Put off, and then refused for good, with a spool that nobody has told
    whom to report to."""
    spool, surroundings = with_spool(home, box.config())
    box.refusals = {BOB: '451 4.3.0 not now'}
    run = home.run(BOB, **surroundings)
    box.refusals = {BOB: '550 5.1.1 no such user'}
    again = home.run('-qf', stdin=b'', **surroundings)
    more = home.run('-qf', stdin=b'', **surroundings)
    box.settle()
    t.ok(run.status == again.status == more.status == 0 and not box.took and
         [f.name[0] for f in spool.iterdir() if f.name[0] != '.'] == ['F'],
         'a refusal is kept, and reported to nobody', run.words(),
         again.words(), more.words(), box.took, *spool.iterdir())


def test_no_mail_about_errors(t, home, box):
    box.refusals = {BOB: '550 5.1.1 no such user'}
    for option in ('-oem', '-oee', '-oew', '-em'):
        run = home.run(option, BOB, config=home.config(box.config()))
        box.settle()
        t.ok(run.status == 67 and b'5.1.1' in run.err and not box.took,
             f'{option}: told, and not mailed', run.words(), box.took)


def test_no_received(t, home, box):
    message, _ = sent(t, home, box, '-bs', stdin=b'EHLO x\r\nMAIL FROM:<a@b.c>'
                      b'\r\nRCPT TO:<b@b.c>\r\nDATA\r\n' + MESSAGE +
                      b'.\r\nQUIT\r\n')
    t.ok(b'Hello' in message and b'received:' not in message.lower(),
         '-bs adds no Received', message)
    _, surroundings = with_spool(home, box.config())
    home.run('--queue-only', BOB, **surroundings)
    message, _ = sent(t, home, box, '-qf', stdin=b'', **surroundings)
    t.ok(b'Hello' in message and b'received:' not in message.lower(),
         '... nor does the spool', message)


def test_vrfy(t, home, box):
    run = home.run('-bs', stdin=b'VRFY bob\r\nVRFY nobody@x.example\r\n',
                   config=home.config(box.config()))
    replies = [line[:3] for line in run.out.splitlines()]
    t.ok(replies == [b'220', b'252', b'252'], 'VRFY is 252 always',
         run.words())


def test_no_header(t, home, box):
    for text, body in ((b'just words\n', b'just words\r\n'),
                       (b'Subject: x\njust words\n', b'just words\r\n'),
                       (b'disk: full\n', b''),
                       (b'\ndisk: full\n', b'disk: full\r\n')):
        message, _ = sent(t, home, box, BOB, stdin=text)
        t.ok(message.partition(b'\r\n\r\n')[2] == body,
             f'{text!r} has a body', message)


def test_not_mended(t, home, box):
    odd = (b'From: a@example.com\r\nTo: b@example.org\r\nDate: yesterday\r\n'
           b'Message-ID: none\r\nSubject: one\r\nSubject: two\r\n'
           b'\r\nHello.\r\n')
    message, _ = sent(t, home, box, BOB, stdin=odd)
    t.ok(message == odd, 'what is only odd stays as it is', message)


def test_tls_required(t, home, certificate):
    """TLS is asked for all the same, and a certificate that is none."""
    message = b'TLS-Required: No\r\n' + MESSAGE
    with smtpd.Server(certificate) as box:
        config = re.sub('tls-trust.*', '', box.config(scheme='smtp'))
        run = home.run(BOB, stdin=message, config=home.config(config))
        t.ok(run.status == 77 and not box.took,
             'TLS-Required: No makes no certificate good', run.words())
        took, _ = sent(t, home, box, BOB, stdin=message)
        t.ok(took == message, '... and is passed on', took)
    with smtpd.Server(certificate, without=['STARTTLS']) as box:
        run = home.run(BOB, stdin=message,
                       config=home.config(box.config(scheme='smtp')))
        t.ok(run.status != 0 and not box.took,
             '... nor does it take STARTTLS away', run.words())


def test_later(t, home):
    """Nobody listens: 75 is not kept, and what is kept is 0."""
    with socket.create_server(('127.0.0.1', 0)) as dead:
        port = dead.getsockname()[1]
    text = f'smarthost smtp+plain://127.0.0.1:{port}\nfrom a@example.com\n'
    run = home.run(BOB, config=home.config(text))
    spool, surroundings = with_spool(home, text)
    kept = home.run(BOB, **surroundings)
    t.ok(run.status == 75 and kept.status == 0, '75 where nothing is kept, 0 '
         'where it waits', run.words(), kept.words())
    t.ok(len(list(spool.glob('Q*'))) == 1, '... once', *spool.iterdir())


def test_background(t, home, box):
    box.refusals = {BOB: '550 5.1.1 no such user'}
    for option in ('-odb', '-ODeliveryMode=b', '-odi'):
        run = home.run(option, BOB, config=home.config(box.config()))
        t.ok(run.status == 67, f'{option}: the verdict is waited for',
             run.words())


def test_sender(t, home, box):
    message, envelope = sent(t, home, box, '-f', 'ceo@example.net', BOB)
    t.ok(envelope.get('from') == 'ceo@example.net' and message == MESSAGE,
         'any sender goes, and no warning is added', envelope, message)


def test_bv(t, home, box):
    run = home.run('-bv', 'nobody@no.example', stdin=b'',
                   config=home.config(box.config()))
    t.ok(run.status == 0 and b'nobody@no.example' in run.out and
         box.count == 0, '-bv asks nobody', run.words(), box.count)


if __name__ == '__main__':
    sys.exit(run_tests(globals()))
