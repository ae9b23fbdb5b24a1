"""Files of a spool as sendling writes them, made without it: for as many as
there shall be, and of any time and fate."""

import hashlib
import os
import random
import zlib

BLOCK = 4096
MESSAGE = (b'From: alice@example.com\r\nTo: bob@example.org\r\n'
           b'Subject: kept\r\n\r\nHello.\r\n')


def make_id(created, chance=random):
    return '%010x-%024x' % (created, chance.getrandbits(96))


def xtext(words):
    return ''.join('+%02X' % octet if octet in b'+=' or not 33 <= octet <= 126
                   else chr(octet) for octet in words.encode())


def head(ticket_id, created, account='default', lifetime=432000, mail='',
         sender='alice@example.com', recipients=(('o', 'bob@example.org'),),
         size=len(MESSAGE), owner=None):
    """Recipients are pairs of a state, o, d, f or t, with its reply behind it,
    as in 'f 550 5.1.1 550 5.1.1 nobody', and an address."""
    lines = ['sendlingq1 %d' % size, 'i ' + ticket_id, 'a ' + xtext(account),
             't %d %d' % (created, created + lifetime),
             'u %d %d' % (os.geteuid() if owner is None else owner,
                          os.getegid()), 'm' + mail,
             's ' + xtext(sender)]
    for state, address in recipients:
        state, _, reply = state.partition(' ')
        lines.append(f'r {state} - - {xtext(address)} {reply}'.rstrip())
    return ('\n'.join(lines) + '\n\n').encode()


def records(ticket_id, lines):
    """Those of a journal, each with the checksum that builds on the last."""
    chain = zlib.crc32(ticket_id.encode())
    for line in lines:
        chain = zlib.crc32(line.encode(), chain)
        yield line.encode() + b' %08x\n' % chain


def ticket(ticket_id, created, journal=(), message=MESSAGE, recipients=None,
           **more):
    if recipients is not None:
        more['recipients'] = recipients
    octets = head(ticket_id, created, size=len(message), **more) + message
    octets += b'E ' + hashlib.sha256(octets).hexdigest().encode() + b'\n'
    octets += bytes(-len(octets) % BLOCK)
    count = len(recipients) if recipients else 1
    room = -(-((2 * 56 + 64) * count + 2144) // BLOCK) * BLOCK
    kept = b''.join(records(ticket_id, journal))
    return octets + kept + bytes(room - len(kept))


def put(folder, letter, created, due=None, **more):
    """A ticket in the spool; its id."""
    name = make_id(created)
    path = folder / (letter + name)
    path.write_bytes(ticket(name, created, **more))
    path.chmod(0o600)
    os.utime(path, (created, created if due is None else due))
    return name
