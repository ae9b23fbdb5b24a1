# shellcheck shell=sh
# smartd: its warning script, as it runs it for a failing disk; mail(1) is
# bsd-mailx here.
. /tests/callers/lib.sh

export SMARTD_MAILER=mail SMARTD_ADDRESS='rcpt@example.org' \
    SMARTD_DEVICE=/dev/sda SMARTD_DEVICETYPE=sat SMARTD_DEVICESTRING=/dev/sda \
    SMARTD_DEVICEINFO='A DISK' SMARTD_FAILTYPE=Health \
    SMARTD_MESSAGE='Device: /dev/sda, FAILED SMART self-check.' \
    SMARTD_PREVCNT=0 SMARTD_NEXTDAYS='' SMARTD_TFIRST='now' \
    SMARTD_TFIRSTEPOCH=0
/usr/share/smartmontools/smartd_warning.sh
look 1 <<END
from root@example.org
to rcpt@example.org
field Subject: SMART error (Health) detected on host: box
line Device: /dev/sda, FAILED SMART self-check.
END
