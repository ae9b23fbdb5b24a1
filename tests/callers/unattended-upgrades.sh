# shellcheck shell=sh
# unattended-upgrades: its report.
. /tests/callers/lib.sh

printf '%s\n' 'Unattended-Upgrade::Mail "rcpt@example.org";' \
    'Unattended-Upgrade::MailReport "always";' \
    >/etc/apt/apt.conf.d/99mail
unattended-upgrade
look 1 <<END
from root@example.org
to rcpt@example.org
like Subject: .*unattended-upgrades result for box.*
holds No packages found that can be upgraded
END
