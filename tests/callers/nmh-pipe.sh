# shellcheck shell=sh
# nmh, sendmail/pipe: -t -i.
. /tests/callers/lib.sh

mkdir Mail
echo 'Path: Mail' >.mh_profile
echo 'mts: sendmail/pipe' >>/etc/nmh/mts.conf
{ printf '%s\n' 'From: sender@example.com' 'To: rcpt@example.org' \
    'Cc: cc@example.org' 'Subject: Grüße' '' && cat /run/text; } >draft
/usr/bin/mh/send /root/draft
look 1 <<END
from sender@example.com
to rcpt@example.org cc@example.org
field Subject: Grüße
text
END
