#!/bin/sh
# tests/levels.sh [TREE]: holds src/ and cmd/ against the plan of the rooms.
# A room includes rooms of a lower level, and those of its own level that
# stand behind its name; what touches the world has one place each; the rooms
# of levels 0 to 3 touch nothing. Prints each breach, exits 1 where one is.

set -u
cd "${1-$(dirname "$0")/..}" || exit 1

rooms='
0 error
0 mem		error
0 text
0 buf		mem text
1 header
1 address
1 date
1 reply
1 ehlo		reply
1 crypt
2 message
2 envelope
2 choice
2 account	choice envelope
2 alias
2 scram
2 sasl		choice scram
2 fields	message
2 mime		message
2 recode	fields message mime
3 keyword
3 config	keyword
3 submit
3 wire
3 command
3 outcome
3 trouble
3 session	command outcome trouble wire
3 serve		submit
4 host
4 file
4 settings	file host
4 secret	file stream
4 net
4 trust		file
4 tls		trust
4 stream	net tls
4 log		file host
5 deliver
5 dispatch	deliver
5 relay		dispatch
5 options
6 sendling
'

# What stands for one part of the world, and the only files that may name it.
# The first column: call (a function), include (a header), word (a name).
places='
include gnutls/.*	src/tls.c src/crypt.c
word gnutls_[a-z0-9_]+	src/tls.c src/crypt.c
include sysexits[.]h	src/error.c
word EX_[A-Z]+		src/error.c
call _?exit|quick_exit|v?errx?|v?errc	src/mem.c cmd/sendling.c cmd/options.c
call socket|socketpair|connect|bind|listen|accept4?	src/net.c
call getaddrinfo|freeaddrinfo|getnameinfo|gethostby[a-z]+	src/net.c
call p?poll|p?select|epoll_[a-z]+	src/stream.c
call (secure_)?getenv|setenv|putenv|getpw[a-z_]+|getlogin(_r)?	src/host.c
word environ		src/host.c src/secret.c
call time|gettimeofday|ftime	src/host.c
call clock_gettime	src/host.c src/stream.c
call v?fork|exec[lv]p?e?|fexecve|posix_spawnp?|popen|system	src/secret.c
'

# What no room of levels 0 to 3 may do, but for the files named.
pure='
call is(alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper)
call isxdigit|tolower|toupper|str(n)?casecmp|strcasestr|strcoll|strtok
call setlocale|localeconv|nl_langinfo|localtime(_r)?|strftime|strptime
call open|openat|close|read|write|pread|pwrite|stat|fstat|lseek|unlink
call fopen|fdopen|v?f?printf|v?dprintf|f?puts|putchar|fwrite	src/mem.c
word stdin|stdout|stderr	src/mem.c
include (ctype|strings|locale|time|fcntl|poll|pwd|spawn|netdb)[.]h
include unistd[.]h	src/mem.c
include sys/(socket|stat|time|wait)[.]h
'

LIST=80
LIMIT=100

# shellcheck disable=SC2046
awk -v rooms="$rooms" -v places="$places" -v pure="$pure" -v list=$LIST \
    -v limit=$LIMIT '
function breach(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	bad = 1
}

# rules[i], its kind, its pattern and the files it lets through.
function add(text, upto,	lines, n, i, f, k, j) {
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++) {
		if ((k = split(lines[i], f, /[ \t]+/)) < 2)
			continue
		count++
		below[count] = upto
		shown[count] = f[1] " " f[2]
		allowed[count] = " "
		for (j = 3; j <= k; j++)
			allowed[count] = allowed[count] f[j] " "
		if (f[1] == "call")
			rule[count] = "(^|[^A-Za-z0-9_>.])(" f[2] ")[ ]?[(]"
		else if (f[1] == "word")
			rule[count] = \
			    "(^|[^A-Za-z0-9_])(" f[2] ")($|[^A-Za-z0-9_])"
		else
			rule[count] = "^#[ \t]*include[ \t]+[<](" f[2] ")[>]"
	}
}

# The code of a line: without comments, and without what strings say.
function code(line,	at) {
	if (comment) {
		if ((at = index(line, "*/")) == 0)
			return ""
		comment = 0
		line = substr(line, at + 2)
	}
	if (line !~ /^#[ \t]*include/) {
		gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
		gsub(/\047([^\047\\]|\\.)\047/, "0", line)
	}
	while ((at = index(line, "/*")) > 0) {
		if (index(substr(line, at + 2), "*/") == 0) {
			comment = 1
			return substr(line, 1, at - 1)
		}
		line = substr(line, 1, at - 1) " " \
		    substr(line, at + 1 + index(substr(line, at + 2), "*/") + 2)
	}
	return line
}

function check_include(line,	name) {
	if (line !~ /^#[ \t]*include[ \t]+"/)
		return
	name = line
	sub(/^[^"]*"/, "", name)
	sub(/[.]h".*$/, "", name)
	if (name == room)
		return
	if (!(name in level))
		breach("includes " name ", which is no room")
	else if (level[name] > level[room] || (level[name] == level[room] &&
	    index(beside[room], " " name " ") == 0))
		breach(room " (level " level[room] ") may not include " name \
		    " (level " level[name] ")")
}

function check_static(line) {
	if (level[room] > 3 || line !~ /(^|[ \t])static /)
		return
	if (line !~ /[(]/ && line ~ /[;=]/ && line !~ /(^|[^a-z])const /)
		breach("mutable static state below level 4")
}

BEGIN {
	n = split(rooms, lines, "\n")
	for (i = 1; i <= n; i++) {
		k = split(lines[i], f, /[ \t]+/)
		if (k < 2)
			continue
		level[f[2]] = f[1]
		beside[f[2]] = " "
		for (j = 3; j <= k; j++)
			beside[f[2]] = beside[f[2]] f[j] " "
	}
	add(places, 9)
	add(pure, 3)
}

FNR == 1 {
	comment = 0
	open = 0
	room = FILENAME
	sub(/^.*\//, "", room)
	sub(/[.][ch]$/, "", room)
	if (!(room in level))
		breach(room " does not stand in the table of rooms")
}

{
	line = code($0)
	check_include(line)
	check_static(line)
	for (i = 1; i <= count; i++)
		if (level[room] <= below[i] && line ~ rule[i] &&
		    index(allowed[i], " " FILENAME " ") == 0)
			breach("not here: " shown[i])
}

/^[{]/ { open = FNR }
/^[A-Za-z_].*[(]/ { name = $0; sub(/[(].*/, "", name) }
/^[}]/ && open {
	long = FNR - open + 1
	if (long > limit)
		breach(name "() has " long " lines, " limit " are the limit")
	else if (long > list)
		printf "%s:%d: %s() has %d lines\n", FILENAME, open, name, long
	open = 0
}

END { exit bad }
' $(find src cmd -name '*.[ch]' | sort)
status=$?

for source in src/*.c cmd/*.c; do
	case $source in
	'src/*.c'|'cmd/*.c'|cmd/sendling.c) continue ;;
	esac
	if ! test -e "${source%.c}.h"; then
		echo "$source: has no header"
		status=1
	fi
done
exit $status
