# shellcheck shell=sh
# Ruby's mail gem. It writes the body quoted-printable with a CR of its own at
# the end of each line.
. /tests/callers/lib.sh

cat >send.rb <<'END'
require "mail"
Mail.defaults { delivery_method :sendmail }
Mail.deliver do
  charset = "UTF-8"
  from "Sender <sender@example.com>"
  to "rcpt@example.org"
  bcc "bcc@example.org"
  subject "Grüße"
  body File.read("/run/text")
end
END
ruby send.rb
sed -i 's/$/\r/' /run/text
look 1 <<END
from sender@example.com
to rcpt@example.org bcc@example.org
field From: Sender <sender@example.com>
field Subject: Grüße
text
END
