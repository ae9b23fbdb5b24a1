# shellcheck shell=sh
# vacation: answers a mail; -f with a bare user name, no -i and a lone dot.
. /tests/callers/lib.sh

cd /home/hank || exit
{ printf '%s\n' 'From: hank@example.org' 'Subject: Away' '' &&
    cat /run/text; } >.vacation.msg
chown hank: .vacation.msg
as_user hank HOME=/home/hank vacation -I
printf '%s\n' 'From other@example.com Mon Jan  1 00:00:00 2024' \
    'From: other@example.com' 'To: hank@example.org' \
    'Subject: Question' '' 'Where?' |
    as_user hank HOME=/home/hank vacation -a hank@example.org hank
look 1 <<END
from hank@example.org
to other@example.com
field To: other@example.com
field Subject: Away
text
END
