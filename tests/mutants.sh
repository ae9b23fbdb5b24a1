#!/bin/sh
# tests/mutants.sh [WORD]: breaks the program in one place at a time, in a copy
# of the tree, and expects that a test sees it; only where the title holds WORD.
# With --places it sees only whether there still is what is to be broken.
# TAP on stdout. `make mutants` runs it; it is not part of the check.

set -u
cd "$(dirname "$0")/.." || exit 1
B=${B-build}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 1' HUP INT TERM
cp -a Makefile src cmd tests man README config.example "$copy" || exit 1
test ! -d "$B" || test "${1-}" = --places || cp -a "$B" "$copy/build"
cd "$copy" || exit 1
export SENDLING="$copy/build/sendling" PYTHONDONTWRITEBYTECODE=1
n=0 failed=0

# What sees it.
see() {
	case $1 in
	dialogues) program=build/tests/dialogue ;;
	unit) program=build/tests/unit/$2 ;;
	threats|tls|pkcs11|mailq) program=all ;;
	esac
	make -s "$program" || return
	case $1 in
	dialogues) "$program" tests/dialogues/*.dialogue ;;
	unit) "$program" ;;
	threats|tls|pkcs11|mailq) "tests/$1.t" "$2" ;;
	esac
}

verdict() {
	n=$((n + 1))
	case $1 in
	ok) echo "ok $n - $2" ;;
	*)
		failed=1
		echo "not ok $n - $2: $1"
		;;
	esac
}

# mutant TITLE FILE SED-PROGRAM WHAT-SEES-IT...: red, but not since it does not
# compile, nor since the place to break is not there any more.
mutant() {
	title=$1 file=$2 program=$3
	shift 3
	case $title in
	*"${word#--places}"*) ;;
	*) return ;;
	esac
	cp "$file" whole
	sed -i "$program" "$file"
	if cmp -s "$file" whole; then
		verdict 'the place is not there any more' "$title"
	elif test "$word" = --places; then
		verdict ok "$title"
	elif ! make -s all >said 2>&1; then
		verdict 'it does not compile' "$title"
		sed 's/^/# /' said
	elif see "$@" >said 2>&1; then
		verdict "nothing was seen by $*" "$title"
	else
		verdict ok "$title"
	fi
	cp whole "$file"
}

word=${1-}

# Or red would say nothing.
whole() {
	test "$word" != --places || return
	if see "$@" >said 2>&1; then
		verdict ok "whole: $*"
	else
		verdict 'it is red' "whole: $*"
		sed 's/^/# /' said
	fi
}
whole dialogues
whole unit message/recode
whole threats canary_in_memory
whole threats canary_in_session
whole threats forgotten
whole threats key_log
whole unit world/tls
whole unit world/verify
whole unit world/identity
whole unit world/stream
whole tls small
whole tls nothing
whole pkcs11 modules
mutant 'a refused BDAT counts as the end of its transaction' \
    src/smtp/transaction.c \
    '/A BDAT that was refused/{n;s/reply_accepts(a->reply)/true/}' dialogues
mutant 'a reply to BDAT counts before the chunk is out' \
    src/smtp/transaction.c \
    '/^answer_bdat/,/^}/s/!round_is_out(&t->round)/false/' dialogues
mutant 'a reply to the end of the data counts before it is out' \
    src/smtp/transaction.c \
    '/^answer_end/,/^}/s/!round_is_out(&t->round)/false/' dialogues
mutant 'LMTP has one reply to the end of the data' \
    src/smtp/transaction.c \
    '/^answer_recipient/,/^}/s/++round->answered < round->accepted/false/' \
    dialogues
mutant 'a reply of LMTP is about whoever was asked, also one refused' \
    src/smtp/transaction.c \
    '/^answer_recipient/,/^}/s/while (r->verdict != .*);/while (false);/' \
    dialogues
mutant 'everybody may read a password' src/world/access.c \
    's/(st->st_mode & S_IROTH) != 0 &&$/false \&\&/' unit world/access
mutant 'a terminal is not put right' src/world/terminal.c \
    '/^restore/,/^}/s/tcsetattr(.*);//' unit world/terminal
mutant 'timeout shortens the wait for the end of the data' \
    src/smtp/session.c 's/ || step == STEP_END//' dialogues
mutant 'AUTH has a line of 514 octets' src/smtp/login.c \
    's/\(#define LOGIN_COMMAND_MAX\).*/\1 514/' dialogues
mutant 'quoted-printable has lines of 77' src/message/encoder.c \
    's/\(#define QP_LINE\).*/\1 76/' unit message/recode
mutant 'base64 has lines of 80' src/message/encoder.c \
    '/^#define BASE64_/{s/57/60/;s/76/80/}' unit message/recode
mutant 'the initial response is not wiped when it was sent' \
    src/smtp/login.c '/say_secret(l, command/{n;d}' threats canary_in_session
mutant 'a response is not wiped when it was sent' src/smtp/login.c \
    's/buf_wipe(&response)/buf_clear(\&response)/' threats canary_in_memory
mutant 'what AUTH sent is not wiped' src/smtp/login.c \
    '/^login_answer/,/^}/s/pipeline_wipe(.*);//' threats canary_in_session
mutant 'the secrets to know an echo by are not wiped' src/smtp/echo.c \
    '/^echo_clear/,/^}/s/buf_wipe/buf_clear/' threats canary_in_memory
mutant 'what a server says is not wiped' src/run/connection.c \
    's/explicit_bzero(in, len);//' threats canary_in_memory
mutant 'the password is not wiped' src/run/outlet.c \
    's/buf_wipe(&o->password)/buf_clear(\&o->password)/' \
    threats canary_in_memory
mutant 'the password is not forgotten' src/run/outlet.c \
    '/^forget_password/,/^}/s/buf_wipe(&o->password);//' threats forgotten
mutant 'the password in the configuration is not forgotten' \
    src/run/outlet.c 's/config_forget(.*);//' threats forgotten
mutant 'the password file is not wiped' src/world/secret.c \
    's/buf_wipe(&whole)/buf_clear(\&whole)/' threats canary_in_memory
mutant 'a buffer that grows leaves its bytes behind' src/base/buf.c \
    's/mem_wipe(b->at, b->size);/free(b->at);/' threats canary_in_memory


# Who the server is.
mutant 'TLS: verification says yes' src/world/verify.c \
    '/^verify_server/,/^}/s/if (status == 0)/if (count > 0)/' \
    unit world/verify
mutant 'TLS: nothing is verified without being told so' src/world/verify.c \
    '/^verify_is_on/,/^}/s/!= SWITCH_NO/== SWITCH_YES/' unit world/verify
mutant 'TLS: any key is the one that is pinned' src/world/verify.c \
    's/strcmp(pins->at\[i\], own.pin) == 0/own.pin[0] != 0/' unit world/verify
mutant 'TLS: only the first pin counts' src/world/verify.c \
    's/i < pins->count/i < 1/' unit world/verify
mutant 'TLS: another key than the one that is pinned passes' \
    src/world/verify.c 's/return CERTIFICATE_UNPINNED;/return 0;/' \
    unit world/verify
mutant 'TLS: a pin stands in for the list' src/world/verify.c \
    's/is_pinned(v) ? status & .*;/is_pinned(v) ? 0 : status;/' \
    unit world/verify
mutant 'TLS: a list revokes nothing' src/world/revocation.c \
    '/^check_list/,/^}/s/return GNUTLS_CERT_REVOKED;/return 0;/' \
    unit world/verify
mutant 'TLS: an old list is taken' src/world/revocation.c \
    's/return CERTIFICATE_LIST_OLD;/return 0;/' unit world/verify
mutant 'TLS: a forged list is taken' src/world/revocation.c \
    's/return CERTIFICATE_LIST_FORGED;/return 0;/' unit world/verify
mutant 'TLS: a list of another issuer is taken' src/world/revocation.c \
    '/^check_one/,/^}/s/status = CERTIFICATE_UNLISTED;/status = 0;/' \
    unit world/verify
mutant 'TLS: only the first certificate is looked for in a list' \
    src/world/revocation.c '/^revocation_check(/,/^}/s/i < count/i < 1/' \
    unit world/verify
mutant 'TLS: what the server shows as revoked passes with a pin' \
    src/world/revocation.c 's/revoked ? GNUTLS_CERT_REVOKED : 0/0/' \
    unit world/verify
mutant 'TLS: the name does not count' src/world/verify.c \
    's/session, wanted, 2,/session, wanted + 1, 1,/' \
    unit world/verify
mutant 'TLS: the purpose does not count' src/world/verify.c \
    's/session, wanted, 2,/session, wanted, 1,/' \
    unit world/tls
mutant 'TLS: the common name is a name' src/world/verify.c \
    's/!certificate_has_dns_name(chain\[0\])/false/' unit world/verify
mutant 'TLS: a small key will do' src/world/certificate.h \
    's/\(#define CERTIFICATE_RSA_MIN\).*/\1 512/' unit world/verify
mutant 'TLS: an authority with a small key will do' src/world/verify.c \
    '/^add_root/,/^}/s/if (bits == 0 || .*)/if (true)/' unit world/verify
mutant 'TLS: a small group will do' src/world/tls.c \
    's/\(#define TLS_GROUP_MIN\).*/\1 512/' tls small
mutant 'TLS: old versions are spoken' src/world/tls.c \
    's/\(#define TLS_OLD_VERSIONS\).*/\1 "-VERS-SSL3.0"/' unit world/tls
mutant 'TLS: a session is resumed by a ticket' src/world/tls.c \
    's/ | GNUTLS_NO_TICKETS//' tls nothing
mutant 'TLS: keys go where SSLKEYLOGFILE says' src/world/tls.c \
    '/gnutls_session_set_keylog_function/d' unit world/tls
mutant 'TLS: the environment of GnuTLS counts' src/world/host.c \
    's/strncmp(\*from, "GNUTLS_", strlen("GNUTLS_")) != 0/true/' \
    threats key_log
mutant 'TLS: others may read the key' src/world/identity.c \
    's/read_file(KEY, place, ACCESS_SECRET/read_file(KEY, place, ACCESS_ANY/' \
    unit world/identity
mutant 'TLS: others may read the PIN' src/world/identity.c \
    '/^read_pin/,/^}/s/ACCESS_SECRET/ACCESS_ANY/' unit world/identity
mutant 'TLS: root loads modules of the user' cmd/sendling.c \
    '/identity_distrust_user/d' pkcs11 modules
mutant 'mailq: a stranger has control characters in the table' \
    src/run/listing.c 's/text_visible(text_of(words), shown, size)/words/' \
    unit run/listing
mutant 'mailq: a terminal gets a message as it is' cmd/mailq.c \
    's/isatty(STDOUT_FILENO) != 0/false/' mailq show
mutant 'mailq: who looks has the lock' src/run/queue.c \
    's/SPOOLED_UNLOCKED/0/' unit run/queue
mutant 'mailq: what cannot be read is empty' src/run/queue.c \
    's/s->error.sys == ENOENT/true/' unit run/queue
mutant 'mailq: a failed mail gets its name back and no more' \
    src/run/queue.c 's/status = spooled_append(.*);/status = 0;/' \
    unit run/queue
mutant 'mailq: all mails are in memory' cmd/mailq.c \
    's/if (m->out.len >= CHUNK)/if (false)/' mailq many
mutant 'mailq: a mail that waits too long is well' cmd/mailq.c \
    's/sum->late + sum->stranded > 0/sum->stranded > 0/' mailq check

echo "1..$n"
exit $failed
