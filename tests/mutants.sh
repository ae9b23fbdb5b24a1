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
word=${1-}
n=0 failed=0 seen=

# What sees it.
see() {
	case $1 in
	dialogues) seer=build/tests/dialogue ;;
	unit) seer=build/tests/unit/$2 ;;
	threats|tls|pkcs11|mailq) seer=all ;;
	faults|states|storm) seer='all build/tests/spool/inject' ;;
	esac
	# shellcheck disable=SC2086 # of several words
	make -s $seer || return
	case $1 in
	dialogues) "$seer" tests/dialogues/*.dialogue ;;
	unit) "$seer" ;;
	threats|tls|pkcs11|mailq) "tests/$1.t" "$2" ;;
	faults|states|storm) "tests/spool/$1.t" "$2" ;;
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

# What is to see it sees nothing before, once, or red would say nothing.
whole() {
	case $seen in
	*"|$*|"*) return ;;
	esac
	seen="$seen|$*|"
	if see "$@" >said 2>&1; then
		verdict ok "whole: $*"
	else
		verdict 'it is red' "whole: $*"
		sed 's/^/# /' said
	fi
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
	test "$word" = --places || whole "$@"
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

mutant 'a refused BDAT counts as the end of its transaction' \
    src/smtp/transaction.c \
    '/A BDAT that was refused/,/round_leave/s/t->round.taken/true/' dialogues
mutant 'a reply to BDAT counts before the chunk is out' \
    src/smtp/transaction.c \
    '/^answer_bdat/,/^}/s/!round_is_out(&t->round)/false/' dialogues
mutant 'a reply to the end of the data counts before it is out' \
    src/smtp/transaction.c \
    '/^answer_end/,/^}/s/!round_is_out(&t->round)/false/' dialogues
mutant 'a refusal of a mail is taken for that of a RSET' \
    src/smtp/session.c 's/!learned->reset && //' dialogues
mutant 'a mail that is left alone has no RSET' src/smtp/flight.c \
    's/f->several && transaction_chunks(last)/false/' dialogues
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
    src/smtp/login.c '/\tsay(l, command, /{n;d}' threats canary_in_session
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
mutant 'mailq: all mails are in memory as JSON' cmd/mailq.c \
    's/if (m->answer.out.len < CHUNK)/if (true)/' mailq many
mutant 'mailq: a mail that waits too long is well' cmd/mailq.c \
    's/sum->late + sum->stranded > 0/sum->stranded > 0/' mailq check


# The spool.
mutant 'the spool: the folder is not synced' src/world/folder.c \
    '/^folder_publish/,/^}/s/ || sync_all(f->fd) == -1//' states enqueue
mutant 'the spool: a file is not synced' src/world/folder.c \
    '/^folder_publish/,/^}/s/sync_all(file->fd) == -1/false/' states enqueue
mutant 'the spool: a file is not synced before it has a name' \
    src/world/folder.c \
    '/^folder_publish/,/^}/s/if (sync_all(file->fd) == -1)/if (false)/' \
    states enqueue
mutant 'the spool: a file is not synced when it has a name' \
    src/world/folder.c \
    '/^folder_publish/,/^}/s/(sync_all(file->fd) == -1 || /(/' states enqueue
mutant 'the spool: what could not be synced counts as kept' \
    src/world/folder.c \
    's/return (int)TEMP_FAILURE_RETRY(fsync(fd));/return 0 * fsync(fd);/' \
    faults enqueue
mutant 'the spool: a name that is not safe stays' src/world/folder.c \
    '/^folder_publish/,/^}/s/unpublish(f, file, name, e);/(void)unpublish;/' \
    faults enqueue
mutant 'the spool: a lock is not asked for again' src/world/folder.c \
    '/^lock_file/,/^}/s/TEMP_FAILURE_RETRY(\(.*\));/\1;/' faults enqueue
mutant 'the spool: an interrupted write is an error' src/world/folder.c \
    '/^folder_write/,/^}/s/errno == EINTR/false/' faults enqueue
mutant 'the spool: a short write counts as whole' src/world/folder.c \
    '/^folder_write/,/^}/s/len -= (size_t)n;/len = 0;/' faults enqueue
mutant 'the spool: errors of writing are passed over' src/world/folder.c \
    '/^folder_write/,/^}/{s/if (n <= 0)/if (n <= 0 \&\& e != NULL)/
	s/return fail(.*);/return 0;/}' faults enqueue
mutant 'the spool: files without a name are needed' src/world/folder.c \
    's/file->fd == -1 && new_draft(f, file, e) == -1/file->fd == -1/' \
    faults 'without unnamed'
mutant 'the spool: a draft is not locked' src/world/folder.c \
    '/^try_draft/,/^}/s/lock_file(fd) == -1/false/' storm stopped
mutant 'the spool: drafts of the living are collected' src/world/folder.c \
    '/^collect(/,/^}/s/folder_lock(.*) == 1/unlink_name(f, name) == 1/' \
    storm stopped
mutant 'the spool: two may have a mail' src/world/folder.c \
    '/^folder_lock(/,/^}/s/lock_file(file->fd) == -1/false/' storm passing
mutant 'the spool: the octets are not compared' src/run/spool.c \
    '/^check_hash/,/^}/s/return ticket_check_trailer(/return true || (/' \
    faults damaged
mutant 'the spool: nothing is told where it could not be kept' \
    src/run/enqueue.c \
    '/^keep_open/,/^}/s/tell_trouble(.*);/error_clear(e);/' faults enqueue
mutant 'the spool: who has the mail gets it again' src/submit/ticket.c \
    "/^state_of/,/^}/s/return 'd';/return 'o';/" faults 'some later'
mutant 'the spool: who was refused is asked again' src/submit/ticket.c \
    "/^state_of/,/^}/s/return ticket_is_told.*/return 'o';/" faults never
mutant 'the spool: no answer to the end is a good one' src/run/attempt.c \
    '/^is_settled/,/^}/s/r->verdict == VERDICT_DELIVERED/& || \
	r->verdict == VERDICT_DOUBTFUL/' faults dropped
mutant 'the spool: what was delivered is not on record' src/run/attempt.c \
    '/^note_results/,/^}/s/note_all(a, VERDICT_DELIVERED, list);//' \
    faults 'flush, some later'
mutant 'the spool: a record that stays is not synced' src/run/attempt.c \
    '/^keep(/,/^}/s/folder_sync_file(.*);//' states 'flush, some later'
mutant 'the spool: removals in passing are not synced' src/run/batch.c \
    '/^sync_folder/,/^}/s/folder_sync(.*);//' states 'in passing'
mutant 'the spool: what was deleted comes back' src/run/queue.c \
    '/^queue_delete/,/^}/s/status = folder_sync(.*)/status = 0/' states delete
mutant 'the spool: what was held is sent' src/run/queue.c \
    '/^rename_to/,/^}/s/return folder_sync(.*);/return 0;/' states hold
mutant 'the spool: a mail fails before its report is safe' \
    src/run/attempt.c \
    '/^give_up/,/^}/s/if (report(a) == -1)/spooled_rename(\&a->spooled, 70, \
	failed(a)); if (report(a) == -1)/' faults 'with a report'
mutant 'the spool: a refused mail is gone' src/run/attempt.c \
    '/^settle/,/^}/s/ && is_told(t)//' faults never
mutant 'the spool: a damaged file is removed' src/run/attempt.c \
    '/^distrust/,/^}/s/spooled_rename(.*) == 0/folder_unlink( \
	a->terms->folder, \&a->spooled.file, failed(a)) == 0/' faults damaged

echo "1..$n"
exit $failed
