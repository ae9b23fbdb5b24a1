"""The invariants of the spool:

I1  status 0: each recipient has the mail, or it is queued, or failed and kept;
    or what was to be done to a mail that waits is done
I2  the same for what was in the spool before
I3  what a server took is, octet for octet, what was submitted, each time
I4  after a run that nothing hinders nothing is left but what has failed, and
    no file is damaged
I5  another status, and no doubt told: nothing is sent later; a mail to which
    something was to be done is as before, or it is done
I6  twice only where the fault lies between the server's acceptance and our
    record of it, or the server's reply was lost
I7  a call that was interrupted or short changes nothing; nor does a log, a
    stdout or a stderr that fails
I8  nothing hangs or dies, and no secret is told
"""

import errno
import re
import signal

import rig

INVARIANTS = ('I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8')
# What may lie between a reply that is read and the record of what it means:
# the record itself, and looking for more.
READING = {'recvfrom', 'recvmsg', 'read', 'poll', 'ppoll', 'pwrite64', 'write',
           'writev', 'pwritev', 'fcntl', 'brk', 'mmap', 'munmap', 'mprotect'}
JOURNAL = ('pwrite64', 'write', 'writev', 'pwritev')
ENTRY = re.compile(r'[QHFX][0-9a-f]{10}-[0-9a-f]{24}(-b\d{1,2})?')
ANY_ID = re.compile(rb'^Message-ID: .*', re.M | re.I)
ALREADY_THERE = 'errno=%d:%d' % (errno.EEXIST, rig.NUMBERS['linkat'])
DOUBT = b'may have been delivered'


class Evidence:
    """What is known of one case. `took' is what servers accepted: (number,
    recipients, octets, whether before the last clean run, the whole). `ran' is
    the run with the fault; `clean' those after it; `cut': the power went off
    between them."""

    def __init__(self, scenario, ran, act, trace, before, after, took, clean,
                 log, cut):
        self.scenario, self.ran, self.act = scenario, ran, act
        self.trace, self.before, self.after = trace, before, after
        self.took, self.clean, self.log = took, clean, log
        self.cut = cut

    def times(self, number, recipient):
        return sum(number == t[0] and recipient in t[1] for t in self.took)

    def reply(self):
        """What a client of -bs was told at the end of its mail, or b''."""
        return self.ran.out.partition(b'\n354 ')[2].partition(b'\n')[2]

    def promised(self):
        """Whether the caller was told that all is well."""
        if self.scenario.serve:
            return self.reply().startswith(b'250 ')
        return self.ran.status == 0

    def denied(self):
        """Whether the caller was told that nothing will be sent."""
        if DOUBT in self.ran.err + self.ran.out:
            return False
        if self.scenario.serve:
            return self.reply()[:1] in (b'4', b'5')
        return self.ran.status != 0 and not was_killed(self.ran)

    def failed(self, number, recipient):
        """Whether a file keeps it as failed: for him, or given up."""
        return any(name[0] == 'F' and rig.number_of(rig.message_of(content))
                   == number and rig.settled(content).get(recipient) in ('f', 'o')
                   for name, (content, _) in self.after.items())


def was_killed(ran):
    return ran.status == -signal.SIGKILL


def judge(e):
    """The violations: (invariant, words)."""
    for check in (kept, acted, reported, intact, left, refused, twice,
                  unchanged, alive):
        yield from check(e)


def kept(e):
    """I1 and I2."""
    s = e.scenario
    for number in s.numbers():
        new = number == s.number
        if new and not e.promised() or s.act and number == 1:
            continue
        if new and e.act.startswith('errno=') and e.ran.hit == 'fsync' and \
                not rig.is_harmless(e.act) and not any(
                    t[0] == number and t[3] for t in e.took):
            yield 'I1', 'it is kept, and could not be synced'
        for recipient in s.recipients_of(number):
            if not e.times(number, recipient) and \
                    not e.failed(number, recipient):
                yield 'I1' if new else 'I2', '%d is lost to %s' % (
                    number, recipient)


def acted(e):
    """I1 and I5 for who holds, releases or deletes a mail: what became of it
    shows when a run has been through the spool."""
    s = e.scenario
    if not s.act:
        return
    words = s.check_act(e.after, any(
        e.times(1, recipient) for recipient in s.recipients_of(1)),
        e.ran.status == 0)
    if words:
        yield 'I1' if e.ran.status == 0 else 'I5', words


def reported(e):
    """I2 and I6 for reports, where they are asked for: one about each mail that
    has failed for somebody."""
    # Who is told that the report is there already believes it.
    if not e.scenario.report or e.act == ALREADY_THERE:
        return
    failed = sum(any(e.failed(number, r)
                     for r in e.scenario.recipients_of(number))
                 for number in e.scenario.numbers())
    reports = [t for t in e.took if t[0] is None]
    names = {ANY_ID.search(t[2])[0] for t in reports}
    if len(names) < failed:
        yield 'I2', '%d have failed, %d reports came' % (failed, len(names))
    if len(names) > failed or len(reports) > len(names) and not (
            was_killed(e.ran) and any(t[3] for t in reports)):
        yield 'I6', '%d have failed, %d reports came, %d of which differ' % (
            failed, len(reports), len(names))


def intact(e):
    """I3."""
    for number, _, message, _ in e.took:
        if number is None:
            yield from e.scenario.check_foreign(message)
        elif message != rig.wired(e.scenario.message_of(number)):
            yield 'I3', '%d came as %r' % (number, message[:400])


def unrecorded(e):
    """Whether a record could not be written: the mail is given up then, as who
    has it would get it again."""
    return e.ran.hit in JOURNAL and e.act.startswith('errno=') and \
        not rig.is_harmless(e.act)


def left(e):
    """I4."""
    for name in e.scenario.stays - set(e.after):
        yield 'I2', '%s is gone' % name
    for name in e.after:
        if name == '.lock' or name in e.scenario.stays or (
                name[1:] == e.scenario.id):  # acted() knows
            continue
        if not ENTRY.fullmatch(name):
            yield 'I4', 'there is a file called %s' % name
        elif name[0] != 'F' or not (e.scenario.may_fail or unrecorded(e)):
            yield 'I4', '%s is left' % name
    for ran in e.clean:
        if ran.status != 0:
            yield 'I4', 'the clean run ended so: %r' % ran


def refused(e):
    """I5."""
    if e.scenario.number is None or not e.denied():
        return
    for number, recipients, _, early in e.took:
        if number != e.scenario.number:
            continue
        for recipient in recipients:
            if b'mail not sent' in e.ran.err or \
                    b'<' + recipient.encode() + b'>' in e.ran.err or \
                    not early and not e.scenario.mixed:
                yield 'I5', '%d went to %s all the same: %r' % (
                    number, recipient, e.ran)


def twice(e):
    """I6."""
    for number in e.scenario.numbers():
        for recipient in e.scenario.recipients_of(number):
            if e.times(number, recipient) > 1 and \
                    not reply_was_lost(e, number):
                yield 'I6', '%d went to %s %d times' % (
                    number, recipient, e.times(number, recipient))


def reply_was_lost(e, number):
    """Whether the first acceptance may be unknown to the spool."""
    if e.scenario.lost:
        return True
    if rig.is_harmless(e.act):
        return False
    if e.cut and was_killed(e.ran):
        return True  # marks need not be on the disk before the run has ended
    end = e.trace[-1].n if e.trace else 0
    at = last_news(e, number)
    if at is None:
        return True
    behind = [c for c in e.trace if at < c.n]
    if was_killed(e.ran):
        return all(c.name in READING for c in behind if c.n <= end)
    # An error: it struck the record, or the reading before it.
    return bool(behind) and e.ran.hit in JOURNAL and \
        any(c.name in JOURNAL and c.result < 0 for c in behind)


def last_news(e, number):
    """The call that brought the reply to the end of this mail; None where none
    did. Within TLS: the last that wrote to the server, or None where the fault
    was no later."""
    tokens = [b'queued as %04d\r\n' % (i + 1) for i, t in enumerate(e.took)
              if t[0] == number]
    if not e.scenario.tls:
        for call in e.trace:
            if call.name == 'recvfrom' and tokens and \
                    tokens[0] in joined(e.trace, call):
                return call.n
        return None
    sent = [c.n for c in e.trace if c.name == 'sendmsg' and c.result > 0]
    if not was_killed(e.ran):
        return None
    return sent[-1] if sent else None


def joined(trace, call):
    """What was read from that socket up to this call: a reply may come in
    pieces."""
    return b''.join(c.data for c in trace if c.name == 'recvfrom' and
                    c.args[0] == call.args[0] and c.n <= call.n)


def ancillary(e):
    """Whether the fault struck what may fail without a word: what is told."""
    if e.act.startswith('errno=') and e.trace:
        for call in e.trace:
            if call.n == e.scenario.struck:
                return call.name in ('write', 'writev', 'sendto') and (
                    call.args[0] in (1, 2) and not e.scenario.serve or
                    call.args[0] in e.scenario.log_descriptors(e.trace))
    return False


def unchanged(e):
    """I7."""
    if not rig.is_harmless(e.act) and not ancillary(e):
        return
    clean = e.scenario.baseline
    if e.ran.status != clean.ran.status:
        yield 'I7', 'the status is %s, it was %s: %r' % (
            e.ran.status, clean.ran.status, e.ran)
    if outcome(e) != outcome(clean):
        yield 'I7', 'taken and kept: %r, it was %r' % (outcome(e),
                                                       outcome(clean))


def outcome(e):
    """What became of the mails, whatever they are called."""
    return (sorted((str(t[0]), sorted(t[1]), t[3]) for t in e.took),
            sorted(name[0] for name in e.before if name != '.lock'),
            sorted(name[0] for name in e.after if name != '.lock'))


def alive(e):
    """I8."""
    for ran in (e.ran, *e.clean):
        if ran.status == rig.HUNG:
            yield 'I8', 'it hangs: %r' % ran
        elif ran.status < 0 and not (
                ran is e.ran and e.act in ('before', 'after')):
            yield 'I8', 'it died: %r' % ran
        if b'Sanitizer' in ran.err or b'runtime error' in ran.err:
            yield 'I8', 'a sanitizer speaks: %r' % ran
        if rig.PASSWORD.encode() in ran.out + ran.err + e.log:
            yield 'I8', 'the password is told'
    for name, (content, _) in {**e.before, **e.after}.items():
        if rig.PASSWORD.encode() in content:
            yield 'I8', '%s holds the password' % name
