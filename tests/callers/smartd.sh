# shellcheck shell=sh
# smartd: its warning script, as it runs it for a failing disk; mail(1) is
# GNU's here.
. /tests/callers/lib.sh

mkdir bin
ln -s /usr/bin/mail.mailutils bin/mail
PATH=/root/bin:$PATH
export PATH SMARTD_MAILER=mail SMARTD_ADDRESS='rcpt@example.org' \
    SMARTD_DEVICE=/dev/sda SMARTD_DEVICETYPE=sat SMARTD_DEVICESTRING=/dev/sda \
    SMARTD_DEVICEINFO='A DISK' SMARTD_FAILTYPE=Health \
    SMARTD_MESSAGE='Device: /dev/sda, FAILED SMART self-check.' \
    SMARTD_PREVCNT=0 SMARTD_NEXTDAYS='' SMARTD_TFIRST='now' \
    SMARTD_TFIRSTEPOCH=0
/usr/share/smartmontools/smartd_warning.sh
look 1 <<END
from root@box.example.net
to rcpt@example.org
field Subject: SMART error (Health) detected on host: box
line Device: /dev/sda, FAILED SMART self-check.
END
