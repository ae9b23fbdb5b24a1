# shellcheck shell=sh
# Python's email package and subprocess, LF and CRLF.
. /tests/callers/lib.sh

cat >send.py <<'END'
import subprocess
from email.message import EmailMessage
from email.policy import SMTP, default

for policy in (default, SMTP):
    message = EmailMessage()
    message["From"] = "Sender <sender@example.com>"
    message["To"] = "Grüße <rcpt@example.org>"
    message["Bcc"] = "bcc@example.org"
    message["Subject"] = "Grüße"
    message.set_content(open("/run/text").read(), cte="8bit")
    done = subprocess.run(["/usr/sbin/sendmail", "-t", "-oi"], check=True,
                          input=message.as_bytes(policy=policy),
                          capture_output=True)
    assert done.stdout + done.stderr == b"", done
END
python3 send.py
for number in 1 2; do
	look $number <<-END
	from sender@example.com
	to rcpt@example.org bcc@example.org
	field To: Grüße <rcpt@example.org>
	field Subject: Grüße
	text
	END
done
