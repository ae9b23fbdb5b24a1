# shellcheck shell=bash
# Completions for sendling and its commands in bash(1), with bash-completion or
# by `. sendling.bash'. What is asked of sendling itself connects nowhere and
# runs no command. tests/completions.t holds it against the program.

# Of a name that sendling also goes by only the options that are known there.
_sendling_short='-t -i -f -F -a -n -G -U -N -R -V -B -O -L -v -q -qf -bs -bv
    -bp -bi -oi -oeq -odq -odi'
_sendling_options="$_sendling_short -C -X -bC --account --config --set
    --all-or-none --json --queue-only --no-queue --show --hold --release
    --delete --check-spool --dry-run --check --probe --serverinfo --help
    --version"

# As --set takes them: a password cannot be set so, nor a file or an account.
_sendling_keywords='smarthost user password-file password-command
    password-credential auth auth-in-clear from force-from from-header full-name
    domain aliases helo match recipients tls-trust tls-pin tls-name
    tls-certificate tls-key tls-crl tls-verify tls-priority timeout deadline
    connect-timeout pipelining chunking family connect-command source-address
    log log-format dsn-notify dsn-return spool spool-lifetime spool-keep
    spool-retry spool-limit spool-passing spool-volatile spool-report sender-of
    socket-slots socket-size'

# The program that was typed, with the configuration that was named; under the
# name of another program the one that has the answers.
_sendling_ask() {
	local program=${COMP_WORDS[0]/#\~/$HOME} config=() i
	[[ ${program##*/} == sendling* ]] || program=sendling
	for ((i = 1; i < COMP_CWORD - 1; i++)); do
		case ${COMP_WORDS[i]} in
		-C | --config)
			config=(-C "${COMP_WORDS[i + 1]/#\~/$HOME}") ;;
		esac
		# --config=FILE is three words, where `=' breaks them.
		[[ ${config[1]-} != = ]] ||
			config=(-C "${COMP_WORDS[i + 2]/#\~/$HOME}")
	done
	"$program" "${config[@]}" "$@" </dev/null 2>/dev/null
}

_sendling_accounts() {
	_sendling_ask --check -v | sed -n 's/^account //p'
}

_sendling_ids() {
	_sendling_ask -bp |
	    sed -n 's/^\([0-9a-f][0-9a-f-]*\)[ !#?] .*/\1/p'
}

# _sendling_words WORDS: those that begin as what is typed, a line or a space
# between them.
_sendling_words() {
	local IFS=$' \t\n'
	# shellcheck disable=SC2207 # no word of ours has a space or a `*'
	COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_sendling_files() {
	local IFS=$'\n'
	compopt -o filenames 2>/dev/null
	# shellcheck disable=SC2207
	COMPREPLY=($(compgen "-$1" -- "$cur"))
}

# Of a list with commas.
_sendling_list() {
	local before=
	[[ $cur != *,* ]] || before=${cur%,*},
	cur=${cur##*,}
	_sendling_words "$1"
	COMPREPLY=("${COMPREPLY[@]/#/$before}")
}

# The word that is typed, and the option that it belongs to: `--show=1f' is one
# word or three.
_sendling_begin() {
	COMPREPLY=()
	cur=${COMP_WORDS[COMP_CWORD]}
	option=${COMP_WORDS[COMP_CWORD - 1]}
	before=
	attached=yes
	if [[ $cur == = ]]; then
		cur=
	elif [[ $option == = ]]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	elif [[ $cur == --*=* ]]; then
		option=${cur%%=*}
		before=$option=
		cur=${cur#*=}
	else
		attached=
	fi
}

# _sendling_value: of the option; 1 where it takes none.
_sendling_value() {
	case $option in
	-a | --account) _sendling_words "$(_sendling_accounts)" ;;
	--show | --hold | --release | --delete)
		_sendling_words "$(_sendling_ids)" ;;
	-C | --config | -X) _sendling_files f ;;
	--set)
		_sendling_words "${_sendling_keywords//[[:space:]]/ }"
		COMPREPLY=("${COMPREPLY[@]/%/=}")
		compopt -o nospace 2>/dev/null ;;
	-N) _sendling_list 'never success failure delay' ;;
	-R) _sendling_words 'full hdrs' ;;
	-B) _sendling_words '7BIT 8BITMIME' ;;
	-O) _sendling_words 'requiretls=yes smtputf8=yes DeliveryMode=queueonly' ;;
	--check-spool)
		test -n "$attached" || return 1
		_sendling_words '30m 4h 1d' ;;
	-f | -F | -V | -L) ;;
	*) return 1 ;;
	esac
	return 0
}

_sendling() {
	local cur option before attached
	_sendling_begin
	if _sendling_value; then
		COMPREPLY=("${COMPREPLY[@]/#/$before}")
	elif [[ $cur == -* ]]; then
		case ${COMP_WORDS[0]##*/} in
		sendling*) _sendling_words "$_sendling_options" ;;
		mailq) _sendling_words '--json -v' ;;
		newaliases) _sendling_words -v ;;
		*) _sendling_words "$_sendling_short" ;;
		esac
	fi
	[[ ${#COMPREPLY[@]} != 1 || -n ${COMPREPLY[0]} ]] || COMPREPLY=()
}

_sendling_setup() {
	local cur option before attached
	_sendling_begin
	case $option in
	-p) _sendling_files f ;;
	*) [[ $cur != -* ]] || _sendling_words '-n -p --system' ;;
	esac
}

_sendling_token() {
	local cur option before attached
	_sendling_begin
	case $option in
	-d) _sendling_files d ;;
	--secret-file) _sendling_files f ;;
	--provider | --tenant | --client-id | --scope | --redirect | \
	    --*-endpoint) ;;
	*) [[ $cur != -* ]] || _sendling_words '-d --login --paste --listen
	    --device --unattended --provider --tenant --client-id --secret-file
	    --scope --redirect --authorization-endpoint --token-endpoint
	    --device-endpoint --help' ;;
	esac
}

_sendling_import() {
	local cur option before attached
	_sendling_begin
	case $option in
	-t) _sendling_words 'msmtp ssmtp nullmailer dma esmtp' ;;
	-s) _sendling_files f ;;
	*) if [[ $cur == -* ]]; then
		_sendling_words '-p -s -t'
	else
		_sendling_files f
	fi ;;
	esac
}

complete -F _sendling sendling
complete -F _sendling_setup sendling-setup
complete -F _sendling_token sendling-token
complete -F _sendling_import sendling-import

# The names of sendmail are another program's, unless they lead here.
for _sendling_name in sendmail mailq newaliases; do
	_sendling_path=$(type -P "$_sendling_name") &&
	    [[ $_sendling_path -ef $(type -P sendling) ]] &&
	    complete -F _sendling "$_sendling_name"
done
unset _sendling_name _sendling_path

# Read by bash-completion for one of these names that leads elsewhere: it is to
# look for another file then, and would ask for this one again and again.
case ${BASH_SOURCE[0]##*/} in
sendmail | mailq | newaliases)
	complete -p "${BASH_SOURCE[0]##*/}" &>/dev/null ;;
esac
