#!/usr/bin/env python3
"""Holds the manual pages, README, NEWS and --help against the program: they
name every option, keyword and exit status that it knows and no other, the
configurations they show are accepted, and the commands they show parse; and
what README names is there."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap

import harness

TOP = harness.TESTS.parent
PAGE = TOP / 'man/sendling.1'
CONFIG_PAGE = TOP / 'man/sendling.conf.5'
PROVIDERS = TOP / 'man/sendling-providers.7'
SPOOL = TOP / 'man/sendling-spool.7'
RECIPES = TOP / 'man/sendling-recipes.7'
JSON = TOP / 'man/sendling-json.7'
README = TOP / 'README'
NEWS = TOP / 'cmd/NEWS'
TABLE = TOP / 'cmd/providers'
EXAMPLE = TOP / 'config.example'
SPELLINGS = pathlib.Path(harness.SENDLING).parent / 'tests/spellings'

# What makes an account of an example that shows one line of it.
REST = {'smarthost': 'smtps://mail.example.org', 'user': 'alice@example.org'}
FILES_ONLY = {'password', 'include', 'account'}


def program_words():
    """Lists of what the program calls things, by kind."""
    words = {'option': [], 'keyword': [], 'usual': [], 'status': []}
    done = subprocess.run([SPELLINGS], stdout=subprocess.PIPE, check=True)
    for line in done.stdout.decode().splitlines():
        kind, word = line.split(' ', 1)
        words[kind].append(word)
    return words


def section(page, title):
    return re.search(r'^\.Sh %s\n(.*?)(?=^\.Sh|\Z)' % title, page,
                     re.M | re.S).group(1)


def items(page, macro):
    """The words behind a macro in the tags of lists."""
    return [word for line in re.findall(r'^\.It (.*)', page, re.M)
            for word in re.findall(r'(?:^| )%s (\S+)' % macro, line)]


def options(page):
    """Every option that is named anywhere, its dashes written."""
    return ['-' + word for line in re.findall(r'^\.(?!\\).*', page, re.M)
            for word in re.findall(r'(?:^\.|[ ])Fl (?!\\|Ns)(\S+)', line)]


def is_known(option, words):
    return option in words['option'] or re.fullmatch('-(o[a-z]+|q[0-9a-z]+)', option)


def check_options(tap, words, page, config_page):
    tags = items(page, 'Fl')
    for option in sorted(set(words['option'])):
        tap.ok(tags.count(option[1:]) == 1,
               'sendling(1) has one item for ' + option,
               '%d items' % tags.count(option[1:]))
    for name, text in (('sendling(1)', page), ('sendling.conf(5)', config_page),
                       ('sendling-spool(7)', SPOOL.read_text()),
                       ('sendling-json(7)', JSON.read_text())):
        unknown = {o for o in options(text) if not is_known(o, words)}
        tap.ok(not unknown, name + ' names no option that does not exist',
               *unknown)


def check_help(tap, words):
    done = subprocess.run([harness.SENDLING, '--help'], stdout=subprocess.PIPE)
    text = done.stdout.decode()
    named = re.findall(r'(?:^  |, )(--?[A-Za-z][-a-z]*)', text, re.M)
    unknown = [o for o in named if not is_known(o, words)]
    tap.ok(done.returncode == 0 and len(named) > 20 and not unknown,
           '--help names no option that does not exist', *unknown)


def check_keywords(tap, words, page, config_page):
    tags = items(config_page, 'Ic')
    for keyword in words['keyword']:
        tap.ok(tags.count(keyword) == 1,
               'sendling.conf(5) has one item for ' + keyword,
               '%d items' % tags.count(keyword))
    for name, text in (('sendling.conf(5)', config_page),
                       ('sendling-providers(7)', PROVIDERS.read_text()),
                       ('sendling-recipes(7)', RECIPES.read_text()),
                       ('sendling-spool(7)', SPOOL.read_text())):
        named = re.findall(r'(?:^\.|[ ])Ic (\S+)', text, re.M)
        unknown = set(named) - set(words['keyword'])
        tap.ok(named and not unknown,
               name + ' names no keyword that does not exist', *unknown)
    example = EXAMPLE.read_text()
    missing = [k for k in words['keyword']
               if not re.search(r'^#?%s ' % k, example, re.M)]
    tap.ok(not missing, 'config.example shows every keyword', *missing)


def check_defaults(tap, words, config_page):
    """What --check -v shows for a keyword that is not set."""
    for keyword, value in (usual.split(' ', 1) for usual in words['usual']):
        item = re.search(r'^\.It Ic %s\s(.*?)(?=^\.It Ic|^\.El)' % keyword,
                         config_page, re.M | re.S)
        told = item.group(1).partition('Default:')[2] if item else 'no item'
        told = re.sub(r'\b(?:Cm|Pa|Ns)\b|[.\s]', '', told)
        tap.ok(told.startswith(value.replace(' ', '')),
               'sendling.conf(5) has the default of ' +
               keyword, told, value)


def check_variables(tap, words, texts):
    settable = {'SENDLING_' + k.upper().replace('-', '_')
                for k in words['keyword'] if k not in FILES_ONLY}
    # What a command of ours finds in its environment.
    settable.add('SENDLING_TOKEN_REFUSED')
    # A field of the journal.
    settable.add('SENDLING_TO')
    for name, text in texts.items():
        unknown = set(re.findall(r'SENDLING_[A-Z_]+', text)) - settable
        tap.ok(not unknown, name + ' names no variable without a keyword',
               *unknown)


def check_mechanisms(tap, page):
    """Those that the program lists where one is misspelt."""
    done = subprocess.run(
        [harness.SENDLING, '-C', '/dev/null', '--set', 'auth=none', '--check'],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    known = set(re.findall(r'\b[A-Z][A-Z0-9-]{4,}\b',
                           done.stdout.decode().partition('hint: ')[2]))
    told = set(re.findall(r'[A-Z][A-Z0-9-]{4,}', section(page, 'STANDARDS')))
    tap.ok(len(known) > 5 and known <= told,
           'STANDARDS has each mechanism of AUTH', known, known - told)


def check_statuses(tap, words, page):
    """The rows of the table, with the names of sysexits.h."""
    rows = re.findall(r'^\.It (\d+) Pq Dv (\w+)(?: ; Cm (\w+))?$',
                      section(page, 'EXIT STATUS'), re.M)
    shown = sorted('%s %s' % (status, word or 'none')
                   for status, _, word in rows)
    known = sorted(words['status'])
    tap.ok(shown == known, 'EXIT STATUS has the rows that the program has',
           'manual:', *shown, 'program:', *known)
    wrong = [row for row in rows if getattr(os, row[1], None) != int(row[0])]
    tap.ok(not wrong, 'EXIT STATUS gives them the names of sysexits.h', *wrong)


def check_news(tap, readme):
    """The release that is made of this is that of which NEWS tells first, and
    README."""
    done = subprocess.run([harness.SENDLING, '--version'],
                          stdout=subprocess.PIPE)
    release = re.match(r'sendling ([\d.]+)', done.stdout.decode())[1]
    first = re.search(r'^(\d[\d.]*), .*\n-+$', NEWS.read_text(), re.M)
    tap.ok(first and first[1] == release, 'cmd/NEWS begins with ' + release,
           first)
    tap.ok(f'version is {release};' in ' '.join(readme.split()),
           'README names it')


def check_length(tap, readme):
    """What one reads in ten minutes, tables and commands included."""
    count = len(readme.split())
    tap.ok(count < 2800, 'README is read in ten minutes', count)


def check_named(tap, readme):
    """Files of the sources, pages and targets of make that README names."""
    pages = set(re.findall(r'(sendling[-a-z.]*)\((\d)\)', readme))
    missing = [f'{name}.{number}' for name, number in pages
               if not (TOP / f'man/{name}.{number}').exists()]
    tap.ok(len(pages) > 5 and not missing, 'README names pages that are there',
           *missing)
    unnamed = [page.name for page in (TOP / 'man').glob('*.[157]')
               if tuple(page.name.rsplit('.', 1)) not in pages]
    tap.ok(not unnamed, '... and all of them', *unnamed)
    files = re.findall(r'\b(?:man|cmd|src|tests)/[\w./-]*\w', readme)
    tap.ok(files and all((TOP / name).exists() for name in files),
           '... and files that are there', *files)
    done = subprocess.run(['make', '-C', TOP, '-qp', 'all'], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    targets = set(re.findall(r'^([a-z-]+):', done.stdout, re.M))
    named = set(re.findall(r'\bmake ([a-z][a-z-]+)\b', readme)) - {'is'}
    tap.ok(named and named <= targets, '... and targets of make',
           *named - targets)


def check_folders(tap):
    """The table of src/README against that of tests/levels.sh."""
    rule = (harness.TESTS / 'levels.sh').read_text()
    held = re.search(r"^folders='(.*?)'", rule, re.M).group(1).split()
    page = (harness.TESTS.parent / 'src' / 'README').read_text()
    shown = re.findall(r'^    ([a-z]+)/? {2,}\S', page, re.M)
    tap.ok(shown[:len(held)] == held,
           'src/README has the folders of tests/levels.sh, in that order',
           *shown)


def literal(page):
    """Blocks and lines of an mdoc page that are shown as they are."""
    return re.findall(r'^\.Bd -literal.*?\n(.*?)^\.Ed', page, re.M | re.S) + \
        re.findall(r'^\.Dl (.*)', page, re.M)


def page_configurations(page):
    """All that sendling.conf(5) shows literally is a configuration."""
    for block in literal(page):
        for escape, octets in ('\\c\n', ''), ('\\&', ''), ('\\-', '-'), \
                ('\\(aq', "'"), ('\\(ha', '^'), ('\\(ti', '~'), \
                ('\\e', '\\'):
            block = block.replace(escape, octets)
        yield block


def readme_configurations(readme, keywords):
    """The blocks of which half the lines begin with a keyword."""
    for block in re.findall(r'(?:^ {4,}.*\n)+', readme, re.M):
        block = textwrap.dedent(block)
        firsts = [line.split()[0] for line in block.splitlines() if line]
        if 2 * sum(word in keywords for word in firsts) > len(firsts):
            yield block


def complete(block):
    """An example of one line becomes a whole configuration. The aliases that
    it names need not be on this machine."""
    block = block.replace('/etc/aliases', 'off')
    if len(block.splitlines()) > 2:
        return block
    rest = ['%s %s' % (keyword, value) for keyword, value in REST.items()
            if not re.search('^%s' % keyword, block, re.M)]
    if 'tls-key ' in block:
        rest.append('tls-certificate /client.pem')
    return '\n'.join(rest + [block])


def with_files(folder, block):
    """The block with files that are there in place of its paths."""
    folder = pathlib.Path(folder)
    (folder / 'secret').write_text('x\n')
    (folder / 'secret').chmod(0o600)
    for keyword, name in (('log', 'log'), ('password-file', 'secret'),
                          ('spool', 'spool'),
                          ('tls-trust', 'ca.pem'), ('tls-crl', 'ca.crl'),
                          ('tls-certificate', 'both.pem'),
                          ('tls-key', 'client.key')):
        block = re.sub(rf'^({keyword}\s+)/\S+', rf'\g<1>{folder / name}',
                       block, flags=re.M)
    return block


def with_programs(folder, block):
    """Programs that are there in place of those that the block runs."""
    path = pathlib.Path(folder) / 'bin'
    path.mkdir(exist_ok=True)
    for program in re.findall(r'^[a-z]+-command\s+([^\s/]+)', block, re.M):
        (path / program).write_text('#!/bin/sh\n')
        (path / program).chmod(0o755)
    if str(path) not in os.environ['PATH']:
        os.environ['PATH'] += f':{path}'
    return block


def check_configurations(tap, folder, name, blocks, least):
    blocks = list(blocks)
    tap.ok(len(blocks) >= least, '%s shows %d configurations or more' %
           (name, least), len(blocks))
    for block in blocks:
        run = harness.Run(
            folder, with_programs(folder, with_files(
                folder, complete(block))) + '\n', '--check')
        tap.ok(run.status == 0, '%s: --check accepts "%s"' %
               (name, ' '.join(block.split())[:60]), run.words(), block)


def commands(text):
    """The commands in examples that call us, as lists of arguments."""
    text = text.replace('\\e\n', ' ').replace('\\\n', ' ')
    text = text.replace('\\(dq', '"').replace('\\e', '\\')
    for line in re.findall(r'^(?: {4,}|(?=[a-z]))(.*)', text, re.M):
        match = re.search(r'(?:^|[ /"|])(?:sendling|sendmail) (-.*)', line)
        if match:
            words = re.split(r' [<>|;&]', match.group(1))[0]
            words = words.rstrip('"') if words.count('"') % 2 else words
            yield shlex.split(words, comments=True)


def check_commands(tap, name, text, least):
    """--version at their end says whether the options before it parse."""
    found = list(commands(text))
    tap.ok(len(found) >= least, '%s shows %d commands or more' %
           (name, least), *found)
    for arguments in found:
        done = subprocess.run([harness.SENDLING, *arguments, '--version'],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              stdout=subprocess.PIPE, timeout=harness.WAIT)
        tap.ok(done.returncode == 0 and done.stdout.startswith(
            (b'sendling ', b'{"program":"sendling"')),
               '%s: options of sendling %s' % (name, ' '.join(arguments)),
               done.stderr.decode(errors='replace'))


def check_lint(tap):
    """Whether another page is installed here says nothing about ours."""
    if not shutil.which('mandoc'):
        tap.skip('mandoc -Tlint finds nothing', 'mandoc is missing')
        return
    done = subprocess.run(['mandoc', '-Tlint', *(TOP / 'man').glob('*.[157]')],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = [line for line in done.stdout.decode().splitlines()
             if 'referenced manual not found' not in line]
    tap.ok(not found, 'mandoc -Tlint finds nothing', *found)


def check_providers(tap, readme):
    """What README demands of a provider is what the table has; in an entry
    nothing stands twice but lists."""
    logins = {}
    for entry in re.findall(r'(?:^[^#\n].*\n)+', TABLE.read_text(), re.M):
        words = [line.split() for line in entry.splitlines()]
        names = [line[0] for line in words if line[0] not in (
            'domain', 'mx', 'smarthost', 'ask', 'say', 'source')]
        tap.ok(len(names) == len(set(names)),
               '%s: each thing is said once' % words[0][1], *names)
        login = [name for line in words if line[0] == 'login'
                 for name in line[1:]]
        logins.update({re.sub(r':\d+$', '', line[1]): login for line in words
                       if line[0] == 'smarthost'})
    rows = [row for row in re.findall(
        r'^    \S.* {2,}(smtps?://\S+) +(.*)$', readme, re.M)
        if row[0] in logins]
    tap.ok(len(rows) > 5, 'README has rows of the table', *rows)
    for url, demand in rows:
        login = logins[url]
        tap.ok(('OAuth' in demand) == ('oauth' in login) and
               ('app password' in demand) == (login[:1] == ['app-password']),
               '%s: README and cmd/providers agree' % url, demand, *login)


def check_text(tap, name, text):
    wide = [line for line in text.splitlines() if len(line) > 80]
    tap.ok(not wide, name + ' has no line of more than 80 characters', *wide)
    tap.ok(text.isascii(), name + ' is plain ASCII')


def main():
    if not SPELLINGS.exists():
        harness.skip_all('%s is missing: make %s' % (
            SPELLINGS, os.path.relpath(SPELLINGS, TOP)))
    tap = harness.Tap()
    words = program_words()
    page, config_page = PAGE.read_text(), CONFIG_PAGE.read_text()
    readme = README.read_text()
    texts = {'sendling(1)': page, 'sendling.conf(5)': config_page,
             'README': readme}

    check_options(tap, words, page, config_page)
    check_help(tap, words)
    check_keywords(tap, words, page, config_page)
    check_defaults(tap, words, config_page)
    check_variables(tap, words, texts)
    check_mechanisms(tap, page)
    check_statuses(tap, words, page)
    check_news(tap, readme)
    check_length(tap, readme)
    check_named(tap, readme)
    check_folders(tap)
    check_providers(tap, readme)
    with tempfile.TemporaryDirectory() as folder:
        harness.make_certificates(folder, 'more')
        for name, blocks, least in (
                ('sendling.conf(5)', page_configurations(config_page), 20),
                ('sendling-providers(7)',
                 page_configurations(PROVIDERS.read_text()), 24),
                ('README', readme_configurations(readme, words['keyword']), 2),
                ('config.example', [EXAMPLE.read_text()], 1)):
            check_configurations(tap, folder, name, blocks, least)
    check_commands(tap, 'sendling(1)', '\n'.join(literal(page)), 5)
    check_commands(tap, 'README', readme, 5)
    check_commands(tap, 'sendling-json(7)', '\n'.join(
        literal(JSON.read_text())), 2)
    check_commands(tap, 'sendling-spool(7)', '\n'.join(
        re.findall(r'^\.Dl (.*)', SPOOL.read_text(), re.M)), 5)
    check_lint(tap)
    check_text(tap, 'README', readme)
    check_text(tap, 'cmd/NEWS', NEWS.read_text())
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
