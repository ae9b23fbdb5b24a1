# shellcheck shell=sh
# unattended-upgrades: its report.
. /tests/callers/lib.sh

printf '%s\n' 'Unattended-Upgrade::Mail "rcpt@example.org";' \
    'Unattended-Upgrade::MailReport "always";' \
    >/etc/apt/apt.conf.d/99mail
unattended-upgrade --dry-run
look 1 <<END
to rcpt@example.org
like Subject: .*unattended-upgrades result for box.*
END
