# shellcheck shell=sh
# nmh, sendmail/smtp: a dialogue with -bs on one pipe, with a trial run before
# each copy; the blind one is a message of its own.
. /tests/callers/lib.sh

mkdir Mail
echo 'Path: Mail' >.mh_profile
echo 'mts: sendmail/smtp' >>/etc/nmh/mts.conf
{ printf '%s\n' 'From: sender@example.com' 'To: rcpt@example.org' \
    'Bcc: bcc@example.org' 'Subject: Grüße' '' && cat /run/text; } >draft
/usr/bin/mh/send /root/draft
look 1 <<END
from sender@example.com
to rcpt@example.org
field Subject: Grüße
text
END
look 2 <<END
from sender@example.com
to bcc@example.org
END
