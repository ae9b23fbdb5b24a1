# shellcheck shell=sh
# mime-construct, which logcheck mails with: sendmail -oi from PATH.
. /tests/callers/lib.sh

mime-construct --to rcpt@example.org --bcc bcc@example.org \
    --subject 'To you' --encoding 8bit --type 'text/plain; charset=utf-8' \
    --file /run/text
look 1 <<END
from root@example.org
to rcpt@example.org bcc@example.org
field Subject: To you
text
END
