# shellcheck shell=sh
# reportbug: it does not run as root, nor for an address at example.org.
. /tests/callers/lib.sh

cd /home/hank || exit
touch .reportbugrc
yes '' | as_user hank HOME=/home/hank LC_ALL=C.UTF-8 \
    reportbug --offline --no-query-bts --no-check-available --no-verify \
    --no-check-installed --no-bug-script --no-config-files --no-cc-menu \
    --no-tags-menu --no-compress --no-debconf --no-cc --mode=expert \
    --bts=debian --class=sw-bug --type=other --email=sender@home.arpa \
    --realname='Full Name' --severity=normal --package-version=1 \
    --subject='Grüße' --body-file=/run/text --mta=/usr/sbin/sendmail tool ||
	:
look 1 <<END
from sender@home.arpa
to submit@bugs.debian.org
field From: Full Name <sender@home.arpa>
field Subject: Grüße
text
END
