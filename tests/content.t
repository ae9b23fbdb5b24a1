#!/usr/bin/python3
"""What becomes of a body that a server cannot take as it is, read again by
another program: each leaf decodes to the octets that it had, signatures hold,
and what may not be changed is not sent.

    tests/content.t [WORD ...]    only the tests whose names hold a WORD
"""

import base64
import email
import random
import re
import resource
import shutil
import subprocess
import sys

from home import HEADER, SANITIZED, run_tests
from smtpd import Server

BOB = 'bob@example.org'
MIME = HEADER + b'MIME-Version: 1.0\r\n'
TYPE, LABEL = b'Content-Type: ', b'Content-Transfer-Encoding: '
TEXT = TYPE + b'text/plain; charset=utf-8\r\n'
HTML = TYPE + b'text/html; charset=utf-8\r\n'
IMAGE = TYPE + b'image/png\r\n'
# A job's line of 3000 octets, with all that an encoding must watch.
LONG = (b'Gr\xc3\xbc\xc3\x9fe =3D ' * 220)[:2900].rstrip() + b'.' * 100
DOTS = b'.\r\n..' + b'.' * 1500 + b'\r\n.\r\n'
ZERO = b'a\0b\0\0\r\n\0\r\n'
BLANKS = b'x \t' + b' ' * 1200 + b'\r\n' + b'\t' * 999 + b'\r\n'
# What an odd job leaves: no line end for long, every octet but CR and LF.
BINARY = bytes(i for i in range(256) if i not in b'\r\n') * 5
DASHES = b'-' * 72 + b'--b--' + b'-' * 950 + b'\r\n--bb\r\n'
CONTENTS = {'a long line': LONG + b'\r\n', 'dots': DOTS, 'NULs': ZERO,
            'blanks': BLANKS, 'binary': BINARY + b'\r\n',
            'dashes': DASHES, 'a long line of ASCII': b'y' * 5000 + b'\r\n',
            'words': b'word ' * 400 + b'\r\nshort\r\n'}
LABELS = (b'', LABEL + b'7bit\r\n', LABEL + b'8bit\r\n',
          LABEL + b'BINARY (as it is)\r\n')


def multipart(*parts, subtype=b'mixed', boundary=b'b', label=b'', more=b''):
    """An entity of these parts."""
    lines = [TYPE + b'multipart/' + subtype + b'; boundary="' + boundary +
             b'"' + more + b'\r\n' + label + b'\r\nFor old readers.\r\n']
    lines += [b'--' + boundary + b'\r\n' + part for part in parts]
    return b'\r\n'.join(lines) + b'\r\n--' + boundary + b'--\r\n'


def leaf(content, fields=TEXT):
    return fields + b'\r\n' + content


def leaves(mail):
    """The type, the charset and the octets of each, as Python reads them."""
    return [(part.get_content_type(), part.get_content_charset(),
             part.get_payload(decode=True))
            for part in email.message_from_bytes(mail).walk()
            if not part.is_multipart()]


def is_kept(mail, came):
    """A charset may be added where there was none."""
    was, now = leaves(mail), leaves(came or b'')
    return len(was) == len(now) and all(
        a == b or a == (b[0], None, b[2]) for a, b in zip(was, now))


def is_lawful(mail, eightbit):
    """As RFC 5321 and RFC 2045 have it, labels included."""
    rank = ['7bit', '8bit', 'binary']

    def label(part):
        """What the part says, or None where it promises too little."""
        own = part.get('Content-Transfer-Encoding', '7bit').split()[0].lower()
        inner = ([label(inner) for inner in part.get_payload()]
                 if part.is_multipart() else [])
        if None in inner or inner and own not in rank:
            return None
        if any(rank.index(own) < rank.index(l) for l in inner if l in rank):
            return None
        return own

    lines = mail.split(b'\r\n')
    return (max(map(len, lines)) <= 998 and b'\0' not in mail and
            (eightbit or mail.isascii()) and
            label(email.message_from_bytes(mail)) is not None)


class Boxes:
    """A server with 8BITMIME, and one without."""

    def __init__(self, home):
        self.boxes = {True: Server(), False: Server(without=('8BITMIME',))}
        self.home = home

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for box in self.boxes.values():
            box.close()

    def send(self, mail, eightbit, *argv, **more):
        """The run, the mail that came, and the note in the log."""
        box = self.boxes[eightbit]
        box.clear()
        log = self.home.path / 'log'
        log.write_bytes(b'')
        run = self.home.run(*argv, BOB, stdin=mail, config=self.home.config(
            box.config(f'log {log}')), **more)
        box.settle()
        came = box.took[0][0] if len(box.took) == 1 else None
        return run, came if not box.faults else None, log.read_text()


def keeps(t, boxes, mails, sentence, servers=(True, False)):
    """They arrive, lawful, and their leaves are what they were."""
    for eightbit in servers:
        wrong = []
        for mail in mails:
            run, came, log = boxes.send(mail, eightbit)
            if (run.status or not is_kept(mail, came) or not is_lawful(
                    came, eightbit) or 'folded' in log or 'removed' in log):
                wrong += [run.words(), log, mail[:1500], came and came[:1500],
                          leaves(mail)[:3], came and leaves(came)[:3]]
        t.ok(mails and not wrong, f'{sentence}: {len(mails)} mails, '
             f'{"8BITMIME" if eightbit else "7 bits"}', *wrong[:6])


def refused(t, boxes, mail, words, sentence, servers=(True, False)):
    for eightbit in servers:
        run, came, _ = boxes.send(mail, eightbit)
        told = ' '.join(run.err.decode(errors='replace').split())
        t.ok(run.status == 65 and came is None and
             all(word in told for word in words),
             f'{sentence}: refused, {"8BITMIME" if eightbit else "7 bits"}',
             run.words(), words)


# Leaves

def test_single_leaves(t, home):
    with Boxes(home) as boxes:
        for what, content in CONTENTS.items():
            keeps(t, boxes, [
                MIME + leaf(content, fields + label) for label in LABELS
                for fields in (TEXT, HTML, IMAGE, TYPE + b'a/b\r\n')], what)


def test_parts(t, home):
    """One leaf cannot go as it is, the others can."""
    plain = leaf(b'Nothing of note.\r\n')
    umlauts = leaf(b'\xc3\xbc\r\n', TEXT + LABEL + b'8bit\r\n')
    with Boxes(home) as boxes:
        for what, content in CONTENTS.items():
            parts = [leaf(content, fields + label) for label in LABELS
                     # What says nothing of 8-bit octets has none.
                     for fields in (TEXT, IMAGE, b'')
                     if fields or content.isascii()]
            keeps(t, boxes, [
                MIME + multipart(plain, part, umlauts, label=label)
                for part in parts for label in LABELS[2:]],
                  f'{what} in a part')


def test_nested_parts(t, home):
    text, image = leaf(LONG, TEXT), leaf(BINARY, IMAGE)
    inner = multipart(text, leaf(LONG, HTML + LABEL + b'8bit\r\n'),
                      subtype=b'alternative', boundary=b'bb',
                      label=LABEL + b'8bit\r\n')
    mails = {
        'two levels': multipart(inner, image),
        'five levels': multipart(multipart(multipart(multipart(
            inner, boundary=b'b4'), boundary=b'b3', label=LABELS[3]),
            boundary=b'b2'), image),
        'a message': TYPE + b'message/rfc822\r\n\r\n' + HEADER + b'\r\n' +
                     LONG + b'\r\n',
        'a message without fields of MIME': multipart(
            TYPE + b'message/rfc822\r\n' + LABELS[2] + b'\r\n' + HEADER +
            b'\r\n' + LONG, image),
        'a message with parts': multipart(
            TYPE + b'message/rfc822\r\n' + LABELS[3] + b'\r\n' + MIME +
            multipart(text, image, boundary=b'bb')),
        'messages in messages': multipart(
            b'\r\n' + HEADER + TYPE + b'message/rfc822\r\n\r\n' + HEADER +
            TEXT + b'\r\n' + LONG, subtype=b'digest'),
    }
    with Boxes(home) as boxes:
        for what, mail in mails.items():
            keeps(t, boxes, [MIME + mail], what)
            _, came, _ = boxes.send(MIME + mail, True)
            outer = email.message_from_bytes(came or b'')
            whole = [part for part in outer.walk()
                     if part.get_content_type() == 'message/rfc822' and
                     part.get('Content-Transfer-Encoding', '7bit') not in
                     ('7bit', '8bit', 'BINARY (as it is)')]
            t.ok(came and not whole, f'{what}: no message is encoded as a '
                 f'whole', came)


def test_labels_that_no_longer_hold(t, home):
    """A multipart is as its parts are, and says so."""
    text, umlauts = leaf(LONG, TEXT + LABELS[2]), leaf(b'\xc3\xbc', TEXT)
    # One that holds already is not touched, however it is written.
    with Boxes(home) as boxes:
        for label in LABELS[2:]:
            for parts, expected in (((text,), '7bit'),
                                    ((text, umlauts), '8bit')):
                _, came, _ = boxes.send(
                    MIME + multipart(*parts, label=label), True)
                said = email.message_from_bytes(came or b'').get_all(
                    'Content-Transfer-Encoding')
                t.ok(said == [expected], f'{label} becomes {expected}', said,
                     came)


def test_what_has_no_fields_of_mime(t, home):
    """cron on an old system, and what it prints."""
    with Boxes(home) as boxes:
        for what, content in CONTENTS.items():
            charset = ('us-ascii' if content.isascii() else
                       'unknown-8bit' if content.startswith(BINARY) else
                       'utf-8')
            for eightbit in (True, False):
                run, came, _ = boxes.send(HEADER + b'\r\n' + content, eightbit)
                mail = email.message_from_bytes(came or b'')
                t.ok(run.status == 0 and mail['MIME-Version'] == '1.0' and
                     leaves(came or b'') == [('text/plain', charset, content)],
                     f'{what}: {charset}', run.words(), came)


def test_cron(t, home):
    """What cronie and Debian's cron write above the output of a job."""
    headers = {
        'cronie': b'From: "(Cron Daemon)" <root>\nTo: root\nSubject: Cron '
                  b'<root@host> job\nMIME-Version: 1.0\nContent-Type: '
                  b'text/plain; charset=UTF-8\nAuto-Submitted: auto-generated\n'
                  b'Precedence: bulk\nX-Cron-Env: <LANG=en_US.UTF-8>\n',
        'Debian': b'From: root (Cron Daemon)\nTo: root\nSubject: Cron '
                  b'<root@host> job\nMIME-Version: 1.0\nContent-Type: '
                  b'text/plain; charset=UTF-8\nContent-Transfer-Encoding: '
                  b'8bit\nX-Cron-Env: <SHELL=/bin/sh>\n',
    }
    with Boxes(home) as boxes:
        for cron, header in headers.items():
            for what, content in CONTENTS.items():
                mail = header + b'\n' + content.replace(b'\r\n', b'\n')
                run, came, log = boxes.send(mail, True, '--set',
                                            'domain=example.com')
                t.ok(run.status == 0 and came is not None and
                     [octets for _, _, octets in leaves(came)] == [content]
                     and 'folded' not in log,
                     f'{cron}: {what}', run.words(), came)


def test_what_is_encoded_already(t, home):
    """Soft line breaks for quoted-printable, lines of 76 for base64."""
    quoted = (b'Gr=C3=BC=C3=9Fe ' * 300 + b'=\r\n  =\r\nend =20\r\n' +
              b'a=3D' * 20 + b'=\r\n' + b'long ' * 300 + b' \t  \r\n=41')
    code = base64.b64encode(BINARY * 9)
    wrong = code[:50] + b'\r\n' + code[50:4000] + b' \r\n\r\n' + code[4000:]
    with Boxes(home) as boxes:
        for fields, content in (
                (TEXT + LABEL + b'quoted-printable\r\n', quoted),
                (IMAGE + LABEL + b'base64\r\n', code),
                (IMAGE + LABEL + b'Base64\r\n', wrong)):
            part = leaf(content, fields)
            mails = [MIME + part + b'\r\n', MIME + multipart(part, part)]
            keeps(t, boxes, mails, f'{fields[-18:]}')
            for mail in mails:
                _, came, _ = boxes.send(mail, True)
                t.ok(came and max(map(len, came.split(b'\r\n'))) <= 76,
                     'no line has more than 76 octets', came)
        # What is fit stays as it is.
        part = leaf(b'a' * 900 + b'=41\r\n', TEXT + LABEL +
                    b'quoted-printable\r\n')
        _, came, _ = boxes.send(MIME + multipart(part), True)
        t.ok(came == MIME + multipart(part), 'what is fit stays as it is')


def test_other_encodings(t, home):
    """There is nothing but to fold, and to say so."""
    with Boxes(home) as boxes:
        for label in (b'x-uuencode', b'x-odd', b'8-bit'):
            part = leaf(b'M' * 1500 + b'\r\n', IMAGE + LABEL + label + b'\r\n')
            for mail in (MIME + part, MIME + multipart(part)):
                run, came, log = boxes.send(mail, True)
                t.ok(run.status == 0 and came is not None and
                     'folded' in log and
                     re.sub(rb'\s', b'', came) == re.sub(rb'\s', b'', mail),
                     f'{label} is folded, with a note', run.words(), log)


def test_nothing_is_wrong(t, home):
    """What fits is not touched."""
    fit = multipart(leaf(b'\xc3\xbc' * 499 + b'\r\n', TEXT + LABELS[2]),
                    leaf(b'x' * 998, IMAGE + LABELS[3]), label=LABELS[2])
    with Boxes(home) as boxes:
        for mail in (MIME + fit, MIME + leaf(b'\xff' * 998 + b'\r\n',
                                             IMAGE + LABELS[2])):
            run, came, _ = boxes.send(mail, True)
            t.ok(run.status == 0 and came == mail, 'as it came', run.words(),
                 came)


def test_random_leaves(t, home):
    """Leaves of anything, in multiparts of any form."""
    dice = random.Random(8)
    pieces = [b'a', b' ', b'\t', b'=', b'=3D', b'.', b'--b', b'\xc3\xbc',
              b'\0', b'\r\n', b'\r\n', b'x' * 900, b'\xff', b'From ']

    def some(depth):
        if depth < 3 and dice.randrange(3) == 0:
            return multipart(*(some(depth + 1) for _ in range(
                dice.randrange(1, 4))), boundary=b'=_%d' % depth,
                label=LABELS[3])
        return leaf(b''.join(dice.choices(pieces, k=dice.randrange(30))),
                    dice.choice((TEXT, IMAGE)) + dice.choice(LABELS))
    with Boxes(home) as boxes:
        keeps(t, boxes, [
            MIME + multipart(some(1), some(1), boundary=b'=_0',
                             label=LABELS[3]) for _ in range(150)],
              'random mails')


def test_memory(t, home):
    """A large mail of which one leaf is encoded is not held."""
    if SANITIZED:
        return t.skip('64 MB in 16 MiB', 'sanitizers need memory')
    part = leaf((b'z' * 76 + b'\r\n') * 400000 + LONG, TEXT + LABELS[2])
    image = leaf((b'QUJD' * 19 + b'\r\n') * 400000,
                 IMAGE + LABEL + b'base64\r\n')
    mail = MIME + multipart(part, image)
    with Boxes(home) as boxes:
        run, came, _ = boxes.send(mail, True, preexec_fn=lambda: (
            resource.setrlimit(resource.RLIMIT_DATA, (16 << 20, 16 << 20))))
        t.ok(run.status == 0 and is_kept(mail, came), '64 MB in 16 MiB',
             run.words())
    return None


# What may not be changed

SIGNED = b'signed; protocol="application/pgp-signature"; micalg=pgp-sha256'
SIGNATURE = (TYPE + b'application/pgp-signature; name=signature.asc\r\n\r\n'
             b'-----BEGIN PGP SIGNATURE-----\r\n\r\nAAAA\r\n'
             b'-----END PGP SIGNATURE-----\r\n')
MAY_NOT = ('which may not be changed', 'anew')


def signed(content, fields=TEXT):
    return multipart(leaf(content, fields), SIGNATURE, subtype=SIGNED,
                     boundary=b's')


def test_signed_parts_are_refused(t, home):
    encrypted = multipart(
        TYPE + b'application/pgp-encrypted\r\n\r\nVersion: 1\r\n',
        leaf(b'x' * 999, TYPE + b'application/octet-stream\r\n'),
        subtype=b'encrypted', boundary=b's')
    with Boxes(home) as boxes:
        for what, mail in (
                ('signed', signed(b'a\r\n' + b'x' * 999)),
                ('in a multipart', multipart(leaf(b'a\r\n'),
                                             signed(b'x' * 999))),
                ('in a message', TYPE + b'message/rfc822\r\n\r\n' + MIME +
                 signed(b'x' * 999, TEXT + LABELS[2])),
                ('in another signed one', multipart(
                    signed(b'x' * 999), SIGNATURE, subtype=SIGNED)),
                ('encoded already', signed(
                    b'x' * 999, TEXT + LABEL + b'quoted-printable\r\n')),
                ('encrypted', encrypted),
                ('in a field of a part', signed(
                    b'a', TEXT + b'X-Long: ' + b'x' * 1000 + b'\r\n'))):
            line = 1 + next(i for i, line in enumerate(
                (MIME + mail).partition(b'\r\n\r\n')[2].split(b'\r\n'))
                            if len(line) > 998)
            refused(t, boxes, MIME + mail,
                    (f'line {line} of the body has more than 998 octets',
                     *MAY_NOT), what)
        line = 4
        refused(t, boxes, MIME + signed(b'a\0b'), (
            f'line {line + 2} of the body holds a NUL', *MAY_NOT), 'a NUL')
        refused(t, boxes, MIME + signed(b'a\rb\r\n'), (
            f'line {line + 2} of the body holds a CR without LF', *MAY_NOT), 'a bare CR')
        refused(t, boxes, MIME + signed(b'a\r\n\xc3\xbc'), (
            f'line {line + 3} of the body', '8-bit', '8BITMIME', *MAY_NOT),
                '8-bit octets', servers=(False,))


def test_signed_parts_stay(t, home):
    """Every octet of them, whatever becomes of their neighbours."""
    odd = (b'trailing \t\r\nFrom here\r\n.\r\n-- \r\n\x01\x7f=20\r\n' +
           b'x' * 998 + b'\r\n\r\n')
    with Boxes(home) as boxes:
        for fields in (TEXT, TEXT + LABELS[2], IMAGE + LABELS[3], b''):
            part = signed(odd, fields)
            mail = MIME + multipart(leaf(LONG), part, leaf(BINARY, IMAGE),
                                    label=LABELS[2])
            for eightbit in (True, False):
                run, came, _ = boxes.send(mail, eightbit)
                t.ok(run.status == 0 and is_kept(mail, came) and
                     part in came and came != mail,
                     f'a signed part beside others, {fields}', run.words(),
                     came)
        # A CR elsewhere is a space as ever, and refuses nothing.
        part = signed(odd)
        run, came, _ = boxes.send(
            MIME + multipart(leaf(b'a\rb\r\r\n'), part, leaf(b'c\r')), True)
        t.ok(run.status == 0 and came is not None and part in came and
             [octets for _, _, octets in leaves(came)][0] == b'a b \r\n',
             'a CR beside a signed part', run.words(), came)


def test_signatures_hold(t, home):
    """Those of S/MIME, as openssl makes and verifies them."""
    if not shutil.which('openssl'):
        return t.skip('signatures hold', 'no openssl')
    key, cert = home.path / 'key', home.path / 'cert'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes',
                    '-keyout', key, '-out', cert, '-subj', '/CN=alice',
                    '-days', '9'], check=True, stderr=subprocess.DEVNULL)

    def verifies(mail):
        return subprocess.run(
            ['openssl', 'cms', '-verify', '-CAfile', cert, '-purpose', 'any'],
            input=mail, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL).returncode == 0

    with Boxes(home) as boxes:
        for detached in (True, False):
            part = subprocess.run(
                ['openssl', 'cms', '-sign', '-signer', cert, '-inkey', key,
                 *(() if detached else ('-nodetach',))],
                input=leaf(b'Hello \r\n' + b'x' * 998 + b'\r\n'), check=True,
                stdout=subprocess.PIPE).stdout
            part = re.sub(rb'\r?\n', b'\r\n', part).partition(
                b'MIME-Version: 1.0\r\n')[2]
            t.ok(verifies(MIME + part), 'the signature is good')
            for eightbit in (True, False):
                run, came, _ = boxes.send(
                    MIME + multipart(leaf(LONG), part), eightbit)
                at = came.find(part) if came else -1
                t.ok(run.status == 0 and at > 0 and verifies(
                    b'MIME-Version: 1.0\r\n' + came[at:]), 'it still is',
                     run.words(), came)
        # What is signed is what the last part's base64 decodes to, however
        # its lines end.
        fields, border, body = part.partition(b'\r\n\r\n')
        run, came, _ = boxes.send(
            MIME + fields + border + body.replace(b'\r\n', b'') + b'\r\n',
            True)
        t.ok(run.status == 0 and came is not None and verifies(came) and
             max(map(len, came.split(b'\r\n'))) <= 998,
             'a signature in base64 of one line', run.words(), came)
    return None


sys.exit(run_tests(dict(globals())))
