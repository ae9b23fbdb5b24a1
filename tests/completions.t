#!/usr/bin/python3
"""The completions of cmd/completions in the shells themselves: each option that
the program knows is offered by all of them, with its values, the accounts of
the configuration and the mails of the spool.

    tests/completions.t [WORD ...]    only the tests whose names hold a WORD
"""

import fcntl
import os
import pathlib
import re
import shlex
import shutil
import struct
import subprocess
import sys
import termios

import harness
from home import MESSAGE, SPEAK_UP, Home
from person import Person

FILES = harness.TESTS.parent / 'cmd/completions'
SPELLINGS = pathlib.Path(harness.SENDLING).parent / 'tests/spellings'
PACKAGE = '/usr/share/bash-completion/bash_completion'

# Options that nobody is to be led to, and why.
IGNORED = 'it is taken for sendmail\'s sake and does nothing'
REFUSED = 'it is refused'
LEFT_OUT = {
    **dict.fromkeys('-A -D -c -m -x -h -M -p -T'.split(), IGNORED),
    **dict.fromkeys('-s -Q -J -E -ba -bd -bD -bh -bH -bP -bS -bt'.split(),
                    REFUSED),
    **dict.fromkeys('-b -o -e'.split(), 'what it begins is offered whole'),
    '-d': 'it is -v', '-r': 'it is -f', '-I': 'it is -bi',
    '-bm': 'it is what is done anyway',
}
# Words that go on from an option of the table.
BEGUN = {'-qf', '-oi', '-oeq', '-odq', '-odi'}
# Under the name sendmail no long option exists, nor one that names a file.
OURS = re.compile('--|-[CX]$|-bC$')
# What --set does not take.
FILES_ONLY = {'password', 'include', 'account'}


class Fish:
    """By `complete -C'."""

    def __init__(self, home, environment, _path=None):
        self.folder = home.path
        self.environment = environment

    def offers(self, line):
        done = subprocess.run(
            ['fish', '--no-config', '-c',
             f'source {FILES}/sendling.fish; complete -C {shlex.quote(line)}'],
            env=self.environment, cwd=self.folder, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=harness.WAIT)
        return {row.partition('\t')[0]
                for row in done.stdout.decode().splitlines()}

    def takes_value(self, option):
        """It says so itself; a word with a dash is an option to it there."""
        done = subprocess.run(
            ['fish', '--no-config', '-c',
             f'source {FILES}/sendling.fish; complete -c sendling'],
            env=self.environment, stdout=subprocess.PIPE,
            timeout=harness.WAIT).stdout.decode()
        kind = 'l' if option.startswith('--') else \
            's' if len(option) == 2 else 'o'
        return any(re.match(
            f'complete --(exclusive|force-files|require-parameter) sendling '
            f'-{kind} {option.lstrip("-")}( |$)', row)
            for row in done.splitlines())

    def close(self):
        pass


class Typed:
    """A shell at a terminal, in which a line is typed and a tab."""

    prompt = 'PROMPT> '
    argv = ()
    setting = ()

    def __init__(self, home, environment, *more):
        self.person = Person(
            self.argv, {**environment, 'PS1': self.prompt, 'TERM': 'xterm'},
            home.path)
        fcntl.ioctl(self.person.terminal, termios.TIOCSWINSZ,
                    struct.pack('4H', 200, 250, 0, 0))
        for line in (*self.setting, *more):
            self.person.types(line + '\n')

    def typed(self, line):
        """What is listed, and the line as it is then."""
        # What was drawn before is over with this.
        self.person.types('\x15echo READY$((40 + 2))\n')
        self.person.sees('READY42\n')
        self.person.sees(self.prompt)
        begin = len(self.person.shown)
        self.person.types(line + '\t\x18\x10')
        self.person.sees('LINE<')
        self.person.sees('>\n')
        self.person.sees(self.prompt) # or the kernel would take what is typed
        listed, _, rest = self.person.shown[begin:].partition('LINE<')
        # zsh goes up to the line again.
        listed = re.split('\033\\[[0-9]*A', listed)[0]
        listed = re.sub('\033(\\[[0-9;?]*[A-Za-z]|[=>])', ' ', listed)
        listed = listed.partition('\n')[2].replace('\r', '\n').replace('\a', '')
        if self.prompt in listed:
            listed = listed[:listed.rindex(self.prompt)]
        return set(listed.split()), rest[:rest.index('>\n')]

    def offers(self, line):
        listed, now = self.typed(line)
        if now.rstrip() != line.rstrip() and not listed:
            listed.add(now[line.rindex(' ') + 1:].rstrip())
        return listed

    def takes_value(self, option):
        return not any(word.startswith('--') for word in
                       self.offers(f'sendling {option} --'))

    def close(self):
        self.person.__exit__()


class Bash(Typed):
    argv = ('bash', '--norc', '--noprofile', '-i')
    setting = ('bind "set bell-style none"',
               'bind "set enable-bracketed-paste off"',
               'bind "set show-all-if-ambiguous on"',
               'bind "set completion-query-items 0"',
               'bind "set page-completions off"',
               'bind -x \'"\\C-x\\C-p": echo "LINE<$READLINE_LINE>"\'',
               f'PS1=\'{Typed.prompt}\'')

    def __init__(self, home, environment, *more):
        super().__init__(home, environment,
                         *(more or (f'. {FILES}/sendling.bash',)))


class Zsh(Typed):
    argv = ('zsh', '-f', '-i')
    setting = ('unsetopt zle_bracketed_paste beep prompt_sp list_ambiguous',
               f'fpath=({FILES} $fpath); LISTMAX=1000',
               'autoload -U compinit; compinit -D -u',
               'zstyle ":completion:*" verbose no',
               'show() { zle -I; print "LINE<$BUFFER>" }; zle -N show',
               'bindkey -e; bindkey "^X^P" show; bindkey "^U" kill-whole-line',
               f'PS1=\'{Typed.prompt}\'')


SHELLS = {'bash': Bash, 'zsh': Zsh, 'fish': Fish}


class World:
    """A user with two accounts, two mails in a spool, and sendling as
    sendmail."""

    def __init__(self, home):
        folder = home.path / 'xdg/sendling'
        folder.mkdir(parents=True)
        home.config('from alice@example.com\nsmarthost smtp+plain://127.0.0.1:1'
                    f'\nspool {home.path}/spool\nlog off\naccount private\n'
                    'account work\n', 'xdg/sendling/config')
        home.config('from alice@example.com\nsmarthost smtp+plain://127.0.0.1:1'
                    '\naccount third\naccount fourth\n', 'named')
        for name in ('sendling-setup', 'sendling-token', 'sendling-import'):
            (home.path / name).symlink_to('/bin/true')
        self.home = home
        self.environment = {
            **SPEAK_UP, 'XDG_CONFIG_HOME': str(home.path / 'xdg'),
            'HOME': str(home.path), 'LC_ALL': 'C.UTF-8',
            'PATH': f'{home.path}:{os.environ["PATH"]}'}
        for _ in range(2):
            self.run('--queue-only', '-a', 'work', 'bob@example.org',
                     stdin=MESSAGE)
        self.ids = set(re.findall('^[0-9a-f]+-[0-9a-f]+', self.run('-bp'),
                                  re.M))

    def run(self, *argv, **more):
        done = self.home.run(*argv, environment=self.environment, **more)
        return (done.out + done.err).decode(errors='replace')


def words_of(kind):
    done = subprocess.run([SPELLINGS], stdout=subprocess.PIPE, check=True)
    return {line.split()[1] for line in done.stdout.decode().splitlines()
            if line.split()[0] == kind}


def options_of(shell):
    """All that is offered."""
    return {word for start in ('-', '--') for word in
            shell.offers('sendling ' + start) if word.startswith('-')}


def pared(words):
    return {word.rstrip('=') for word in words} - {'-', '--'}


def test_options(t, world, name, shell):
    """Those of the table, of --help, and no other."""
    offered = pared(options_of(shell))
    table = words_of('option')
    stale = set(LEFT_OUT) - table
    missing = table - offered - set(LEFT_OUT)
    t.ok(not missing and not stale, f'{name} offers each option', 'missing:',
         *missing, 'stale:', *stale)
    unknown = offered - (table - set(LEFT_OUT)) - BEGUN
    t.ok(not unknown, f'{name} offers no option that does not exist', *unknown)
    helped = set(re.findall(r'(?:^  |, )(--?[A-Za-z][-a-zA-Z]*)',
                            world.run('--help'), re.M))
    helped |= BEGUN
    t.ok(len(helped) > 30 and helped <= offered,
         f'{name} offers what --help has', *helped - offered)


def takes_value(world, option):
    """As the program says it."""
    return 'needs a value' in world.run(option, stdin=b'')


def test_values(t, world, name, shell):
    """What takes a value is followed by one, and what takes none by options."""
    wrong = []
    for option in sorted(words_of('option') - set(LEFT_OUT)):
        if shell.takes_value(option) != takes_value(world, option):
            wrong.append(option)
    t.ok(not wrong, f'{name} knows which options take a value', *wrong)
    for option, values in (
            ('-R', {'full', 'hdrs'}), ('-B', {'7BIT', '8BITMIME'}),
            ('-N', {'never', 'success', 'failure', 'delay'}),
            ('-a', {'private', 'work'}), ('--account', {'private', 'work'}),
            *((o, world.ids) for o in ('--show', '--hold', '--release',
                                       '--delete'))):
        offered = shell.offers(f'sendling {option} ')
        t.ok(values <= offered and not any(
            word.startswith('-') for word in offered) and len(world.ids) == 2,
             f'{name} offers the values of {option}', *offered)
    keywords = {word.rstrip('=') for word in shell.offers('sendling --set ')}
    t.ok(keywords == words_of('keyword') - FILES_ONLY,
         f'{name} offers each keyword for --set',
         *keywords ^ (words_of('keyword') - FILES_ONLY))
    t.ok(shell.offers('sendling -a w') == {'work'} and
         shell.offers('sendling -C named -a th') == {'third'} and
         shell.offers('sendling --config named --account fo') == {'fourth'},
         f'{name}: accounts are those of the file that is named')
    t.ok({word.rpartition('=')[2] for word in
          shell.offers('sendling --account=')} >= {'private', 'work'} and
         {word.rpartition('=')[2] for word in
          shell.offers('sendling --config=named --account=')} >= {
              'third', 'fourth'},
         f'{name}: behind = too', *shell.offers('sendling --account='))
    t.ok({word.rpartition(',')[2] for word in
          shell.offers('sendling -N success,')} >= {'failure', 'delay'},
         f'{name}: a list goes on', *shell.offers('sendling -N success,'))
    for option in ('-C', '--config', '-X'):
        t.ok(any(word.startswith('named') for word in
                 shell.offers(f'sendling {option} na')),
             f'{name}: files for {option}',
             *shell.offers(f'sendling {option} na'))


def test_others(t, world, name, shell):
    """The commands beside it, against what they say themselves."""
    for command, more in (('sendling-setup', '-p '), ('sendling-token',
                                                      '--secret-file '),
                          ('sendling-import', '-s ')):
        script = FILES.parent / command
        if not script.exists():
            t.skip(f'{name}: {command}', 'it is not there')
            continue
        usage = re.search(r"^usage='(.*?)'$", script.read_text(),
                          re.M | re.S).group(1)
        known = set(re.findall(r'(?<![\w-])--?[a-z][-a-z]*', usage))
        offered = pared({word for start in ('-', '--')
                         for word in shell.offers(f'{command} {start}')
                         if word.startswith('-')}) - {'--help'}
        t.ok(known == offered, f'{name}: the options of {command}',
             *known ^ offered)
        t.ok(any(word.startswith('named') for word in
                 shell.offers(f'{command} {more}na')),
             f'{name}: files for {command} {more}')
    t.ok(shell.offers('sendling-import -t ms') == {'msmtp'},
         f'{name}: programs for sendling-import -t')


def test_sendmail(t, world, name, shell):
    """Where it leads to sendling it has the options that are known there, which
    the program itself says; and where it does not, none."""
    offered = {word for word in shell.offers('sendmail -')
               if word.startswith('-')} - {'-', '--'}
    wanted = {word for word in options_of(shell) if not OURS.match(word)}
    t.ok(offered and offered == wanted - {'-', '--'},
         f'{name}: sendmail has its options', *offered ^ wanted)
    for other, wanted in ('mailq', {'--json', '-v'}), ('newaliases', {'-v'}):
        offered = {word for start in ('-', '--') for word in
                   shell.offers(f'{other} {start}')
                   if word.startswith('-')} - {'-', '--'}
        t.ok(offered == wanted, f'{name}: {other} has its own', *offered)


def test_strange_sendmail(t, world, name, _):
    other = world.home.path / 'other'
    other.mkdir(exist_ok=True)
    (other / 'sendmail').unlink(missing_ok=True)
    shutil.copy('/bin/true', other / 'sendmail')
    shell = SHELLS[name](world.home, {
        **world.environment,
        'PATH': f'{other}:{world.environment["PATH"]}'})
    offered = {word for word in shell.offers('sendmail -')
               if word.startswith('-')}
    shell.close()
    t.ok(not offered - {'-'}, f'{name}: another sendmail has none of ours',
         *offered)


def test_nothing_told(t, world, name, shell):
    """A configuration that is broken, or not there, puts no word on the
    terminal; nothing that is asked runs a command."""
    ran = world.home.path / 'ran'
    world.home.config(
        'smarthost smtps://127.0.0.1:1\nuser a\npassword-command touch '
        f'{ran}; echo x\nnonsense\naccount fifth\n', 'broken')
    for argv in ('-C broken -a ', '-C nowhere -a ', '-C broken --show ',
                 '-C nowhere --show '):
        offered = shell.offers('sendling ' + argv)
        t.ok(offered <= {'fifth'}, f'{name}: silence, {argv}', *offered)
    t.ok(not ran.exists(), f'{name}: no command is run')


def test_with_package(t, world, name, _):
    """bash-completion and fish find the file by the name of the command, where
    it is installed."""
    share = world.home.path / 'share'
    if not share.exists():
        subprocess.run(
            [os.environ.get('MAKE', 'make'), '-s', 'install', 'PREFIX=',
             f'DESTDIR={world.home.path}',
             f'B={pathlib.Path(harness.SENDLING).parent}'],
            cwd=harness.TESTS.parent, check=True, stdout=sys.stderr,
            env={key: value for key, value in os.environ.items()
                 if not key.startswith('MAKE') and key != 'MFLAGS'})
    if name == 'bash':
        check_loader(t, world, share)
    if name == 'fish':
        for command, wanted in (('sendling --dry', '--dry-run'),
                                ('sendling-setup --s', '--system'),
                                ('sendmail -oe', '-oeq'),
                                ('mailq --j', '--json')):
            done = subprocess.run(
                ['fish', '--no-config', '-c',
                 f'set fish_complete_path {share}/fish/vendor_completions.d; '
                 f'complete -C "{command}"'], env=world.environment,
                cwd=world.home.path, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, timeout=harness.WAIT).stdout
            t.ok(done.decode().partition('\t')[0].strip() == wanted,
                 f'fish at first: {command}', done)


def check_loader(t, world, share):
    if not os.path.exists(PACKAGE):
        t.skip('bash-completion finds it', 'bash-completion is not there')
        return

    def complete(command, path=''):
        shell = Bash(world.home, {
            **world.environment, 'XDG_DATA_DIRS': str(share),
            'PATH': path + world.environment['PATH']}, f'. {PACKAGE}')
        listed, line = shell.typed(command)
        shell.close()
        return listed, line.split()[-1]
    for command, wanted in (('sendling --dry', '--dry-run'),
                            ('sendling-setup --s', '--system'),
                            ('sendling-token --sec', '--secret-file'),
                            ('sendling -a w', 'work'),
                            ('sendling --account=w', '--account=work'),
                            ('sendmail -oe', '-oeq'),
                            ('mailq --j', '--json'), ('newaliases -', '-v')):
        _, word = complete(command)
        t.ok(word == wanted, f'bash-completion at first: {command}', word)
    other = world.home.path / 'strange'
    other.mkdir()
    shutil.copy('/bin/true', other / 'mailq')
    listed, word = complete('mailq nam', f'{other}:')
    t.ok(word == 'named' and not listed,
         'bash-completion: of another mailq files are offered', word, *listed)


def main():
    t = harness.Tap()
    tests = {key: test for key, test in globals().items()
             if key.startswith('test_') and (not sys.argv[1:] or any(
                 word in key for word in sys.argv[1:]))}
    with Home() as home:
        world = World(home)
        for name, kind in SHELLS.items():
            if shutil.which(name) is None:
                t.skip(f'completions in {name}', f'{name} is not there')
                continue
            for test in tests.values():
                shell = kind(home, world.environment)
                try:
                    test(t, world, name, shell)
                except AssertionError as wrong:
                    t.ok(False, f'{name}: {test.__name__} died', wrong)
                shell.close()
    return t.end()


sys.exit(main())
