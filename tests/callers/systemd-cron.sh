# shellcheck shell=sh
# systemd-cron: its mailer for a job that failed. What it asks systemctl for
# is said by a stand-in.
. /tests/callers/lib.sh

mkdir bin
cat >bin/systemctl <<'END'
#!/bin/sh
case $* in
*--property=User) echo User=root ;;
*--property=Environment) echo Environment=MAILTO=rcpt@example.org ;;
*) cat /run/text && exit 3 ;;
esac
END
chmod +x bin/systemctl
PATH=/root/bin:$PATH
/opt/systemd-cron/lib/systemd-cron/mail_on_failure job.service
look 1 <<END
from root@example.org
to rcpt@example.org
field From: root@example.org (systemd-cron)
field Subject: [box.example.net] job job.service failed
text
END
