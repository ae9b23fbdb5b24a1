# shellcheck shell=sh
# bsd-mailx: mail(1) of Debian, which runs `sendmail -i -t`.
. /tests/callers/lib.sh

bsd-mailx -s 'Grüße' -c cc@example.org -b bcc@example.org rcpt@example.org \
    </run/text
look 1 <<END
from root@example.org
to rcpt@example.org cc@example.org bcc@example.org
field Subject: Grüße
field To: rcpt@example.org
field Cc: cc@example.org
text
END
