"""Reads the files of a spool as a person with other tools would: what is there
is what the manual says, and not what the program makes of it."""

import hashlib
import pathlib
import re


class Ticket:
    """One file. `head` is its lines by their letter, `recipients` a list of
    (state, path), `records` the lines of the journal without checksums."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.letter, self.id = self.path.name[0], self.path.name[1:]
        octets = self.path.read_bytes()
        head, _, rest = octets.partition(b'\n\n')
        lines = head.decode().split('\n')
        size = int(lines[0].split()[1])
        self.head = {line[0]: line[2:] for line in lines[1:] if line[0] != 'r'}
        self.recipients = [(line[2], line.split()[4]) for line in lines
                           if line.startswith('r ')]
        self.message, trailer = rest[:size], rest[size:size + 67]
        digest = hashlib.sha256(head + b'\n\n' + self.message).hexdigest()
        end = len(head) + 2 + size + 67
        at = -(-end // 4096) * 4096
        self.whole = trailer == b'E %s\n' % digest.encode() and \
            octets[end:at].strip(b'\0') == b'' and len(octets) > at
        self.records = [re.sub(' [0-9a-f]{8}$', '', line) for line in
                        octets[at:].rstrip(b'\0').decode().splitlines()]
        self.due = self.path.stat().st_mtime

    def __repr__(self):
        return f'{self.path.name} {self.head} {self.recipients} {self.records}'


def tickets(folder, letters='QHFX'):
    """Those of a folder, the oldest first; an empty list where there is none."""
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        return []
    return [Ticket(path) for path in sorted(
        folder.iterdir(), key=lambda path: path.name[1:])
        if path.name[0] in letters]
