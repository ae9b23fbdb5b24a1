# shellcheck shell=sh
# apt-listchanges: the news of a package, without a From.
. /tests/callers/lib.sh

doc=package/usr/share/doc/tool
mkdir -p package/DEBIAN "$doc"
printf '%s\n' 'Package: tool' 'Version: 2' 'Architecture: all' \
    'Maintainer: Some One <one@example.org>' 'Description: tool' \
    >package/DEBIAN/control
{
	printf '%s\n\n' 'tool (2) unstable; urgency=low'
	sed 's/^/  /' /run/text
	printf '\n%s\n' \
	    ' -- Some One <one@example.org>  Mon, 01 Jan 2024 00:00:00 +0000'
} | gzip -n >"$doc/NEWS.Debian.gz"
dpkg-deb -b package tool.deb
apt-listchanges --frontend=mail --email-address=rcpt@example.org \
    --which=news --since=1 --save-seen=/root/seen.db ./tool.deb
look 1 <<END
from root@example.org
to rcpt@example.org
like Subject: apt-listchanges: .*news for box.example.net
line   ..two dots
line   grün
END
