# shellcheck shell=sh
# at: no From, no Date, as the user with the group daemon.
. /tests/callers/lib.sh

mkdir -p /var/spool/cron/atjobs /var/spool/cron/atspool
echo 0 >/var/spool/cron/atjobs/.SEQ
chown -R daemon: /var/spool/cron/atjobs /var/spool/cron/atspool
echo 'cat /run/text' | at now
atd -f &
look 1 <<END
from root@example.org
to root@example.org
like Subject: Output from your job +1
field To: root@example.org
text
END
