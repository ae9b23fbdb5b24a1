# shellcheck shell=sh
# Debian's cron: a user's own crontab without MAILTO, so a bare name.
. /tests/callers/lib.sh

rm -rf /etc/crontab /etc/cron.d/*
echo '@reboot cat /run/text' >/var/spool/cron/crontabs/hank
chmod 600 /var/spool/cron/crontabs/hank
chown hank: /var/spool/cron/crontabs/hank
cron -f &
look 1 <<END
from root@example.org
to hank@example.org
field To: hank@example.org
field Subject: Cron <hank@box> cat /run/text
text
END
