"""A Postfix of Debian's package, in a folder of its own below daemons.RUN, so
that there may be several."""

import os
import shutil

import harness

CACHE = harness.TESTS.parent / 'build/e2e'
PACKAGES = ['postfix', 'dovecot-core']
USERS = {'postfix': 901, 'postdrop': 902, 'dovecot': 903, 'dovenull': 904,
         'vmail': 905}

MAIN_CF = '''
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log/mail
maillog_file_prefixes = {folder}
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:905
virtual_gid_maps = static:905
virtual_mailbox_limit = 0
'''

MASTER_CF = '''
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
tlsmgr    unix - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
'''


class Postfix:
    """Mails for example.org go into maildirs below folder/mail. `settings' are
    further lines of main.cf, `listeners' the first ones of master.cf; in both
    {folder} stands for it."""

    def __init__(self, folder, settings, listeners):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        for name in ('etc', 'log', 'mail', 'queue', 'data'):
            (folder / name).mkdir()
        (folder / 'log').chmod(0o777)
        shutil.chown(folder / 'mail', 'vmail', 'vmail')
        shutil.chown(folder / 'data', 'postfix', 'postfix')
        (folder / 'queue/pid').mkdir()
        for name in ('active', 'bounce', 'corrupt', 'defer', 'deferred',
                     'flush', 'hold', 'incoming', 'maildrop', 'private',
                     'public', 'saved', 'trace'):
            (folder / 'queue' / name).mkdir(mode=0o700)
            shutil.chown(folder / 'queue' / name, 'postfix', 'postdrop')
        (folder / 'etc/main.cf').write_text(
            (MAIN_CF + settings).format(folder=folder))
        (folder / 'etc/master.cf').write_text(listeners.strip('\n') + MASTER_CF)

    def command(self):
        """What runs it in the foreground, and its environment."""
        etc = str(self.folder / 'etc')
        return (['/usr/lib/postfix/sbin/master', '-s', '-c', etc],
                {**os.environ, 'MAIL_CONFIG': etc})

    def queued(self):
        """The files of what it has accepted, and not delivered. Others, which
        are not whole yet, cannot be executed."""
        return [path for name in ('maildrop', 'incoming', 'active', 'deferred')
                for path in (self.folder / 'queue' / name).rglob('*')
                if path.is_file() and os.access(path, os.X_OK)]

    def is_idle(self):
        """Whether nothing is on its way any more."""
        return not self.queued()
