# shellcheck shell=sh
# git send-email: finds sendmail by itself, two mails in a row.
. /tests/callers/lib.sh

git init -q work
cd work || exit
git config user.name 'Some Author'
git config user.email author@example.com
echo one >file
git add file
{ printf 'Grüße\n\n' && cat /run/text; } | git commit -q -F -
echo two >file
git commit -q -a -m 'The second'
git format-patch -q --root
git send-email --confirm=never --from sender@example.com \
    --to rcpt@example.org --cc cc@example.org --bcc bcc@example.org \
    --suppress-cc=all ./*.patch
look 1 <<END
from sender@example.com
to rcpt@example.org cc@example.org bcc@example.org
field Subject: [PATCH 1/2] Grüße
text
END
look 2 <<END
to rcpt@example.org cc@example.org bcc@example.org
field Subject: [PATCH 2/2] The second
line +two
END
