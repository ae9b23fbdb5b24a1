#!/bin/sh
# tests/levels.sh [TREE]: holds src/ and cmd/ against the plan of the rooms. The
# folder is the level: a room includes rooms of its own folder and of those
# before it, never in a circle. What touches the world has one place each; the
# folders before world touch nothing and keep no state. Prints each breach,
# exits 1 where there is one.

set -u
cd "${1-$(dirname "$0")/..}" || exit 1

folders='base message auth submit smtp config world run cmd'

# The rooms around a session of TLS, and what hashes.
gnutls='src/base/crypt.c src/world/tls.c '
for room in certificate identity revocation verify; do
	gnutls="$gnutls src/world/$room.c src/world/$room.h"
done

# What stands for one part of the world, and the only files that may name it.
# The first column: call (a function), include (a header), word (a name).
places='
include gnutls/.*	'"$gnutls"'
word gnutls_[a-z0-9_]+	'"$gnutls"'
include sysexits[.]h	src/base/error.c
word EX_[A-Z]+		src/base/error.c
call _?exit|quick_exit|v?errx?|v?errc	src/world/process.c cmd/sendling.c cmd/memory.c
call socket|socketpair|connect|bind|listen|accept4?	src/world/net.c src/world/syslog.c
call getaddrinfo|freeaddrinfo|getnameinfo|gethostby[a-z]+	src/world/net.c
call res_n?(query|search|send|init)	src/world/net.c
call p?poll|p?select|epoll_[a-z]+	src/world/clock.c
call (secure_)?getenv|setenv|putenv|get(pw|gr)[a-z_]+|getlogin(_r)?	src/world/host.c
word environ		src/world/host.c
call time|gettimeofday|ftime	src/world/host.c
call clock_gettime	src/world/host.c src/world/clock.c
call v?fork|exec[lv]p?e?|fexecve|posix_spawnp?|popen|system	src/world/process.c
call pthread_create	src/world/resolve.c
call flock|futimens|utimensat|getdents64|linkat	src/world/folder.c
call f?statfs|mkdir(at)?	src/world/directory.c
call rename(at2?)?|unlinkat	src/world/folder.c
word fsync|fdatasync|syncfs	src/world/folder.c src/world/directory.c
'

# What no room before world may do, but for the files named.
pure='
call is(alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper)
call isxdigit|tolower|toupper|str(n)?casecmp|strcasestr|strcoll|strtok
call setlocale|localeconv|nl_langinfo|localtime(_r)?|strftime|strptime
call open|openat|close|read|write|pread|pwrite|stat|fstat|lseek|unlink
call fopen|fdopen|v?f?printf|v?dprintf|f?puts|putchar|fwrite
word stdin|stdout|stderr
include (ctype|strings|locale|time|fcntl|poll|pwd|spawn|netdb|unistd)[.]h
include sys/(socket|stat|time|wait)[.]h
'

LIMIT=100 # lines of a function
ROOM=900  # and of a file

# shellcheck disable=SC2046
awk -v folders="$folders" -v places="$places" -v pure="$pure" \
    -v limit=$LIMIT -v most=$ROOM '
function breach(what) {
	printf "%s:%d: %s\n", FILENAME, FNR, what
	bad = 1
}

# rules[i], its kind, its pattern and the files it lets through.
function add(text, outside,	lines, n, i, f, k, j) {
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++) {
		if ((k = split(lines[i], f, /[ \t]+/)) < 2)
			continue
		count++
		everywhere[count] = outside
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
	folder = name
	sub(/\/.*$/, "", folder)
	if (!(folder in level))
		breach("includes " name ", which is in none of the folders")
	else if (level[folder] > mine)
		breach("includes " name ", from a folder that comes later")
	else
		wants[room] = wants[room] name " "
}

function check_static(line) {
	if (mine < level["world"] && line ~ /(^|[ \t])static / &&
	    line !~ /[(]/ && line ~ /[;=]/ && line !~ /(^|[^a-z])const /)
		breach("mutable static state before world")
}

# 1 while a room is being looked at, 2 when no circle leads through it.
function check_circle(name, way,	next_ones, n, i) {
	if (seen[name] == 1) {
		print "a circle: " way name
		bad = 1
	}
	if (seen[name])
		return
	seen[name] = 1
	n = split(wants[name], next_ones, " ")
	for (i = 1; i <= n; i++)
		check_circle(next_ones[i], way name " -> ")
	seen[name] = 2
}

function end_file() {
	if (lines > most) {
		printf "%s has %d lines, %d are the limit\n", file, lines, most
		bad = 1
	}
}

BEGIN {
	n = split(folders, names, " ")
	for (i = 1; i <= n; i++)
		level[names[i]] = i
	add(places, 1)
	add(pure, 0)
}

FNR == 1 {
	end_file()
	comment = open = 0
	file = room = FILENAME
	sub(/^src\//, "", room)
	sub(/[.][ch]$/, "", room)
	folder = room
	sub(/\/.*$/, "", folder)
	mine = level[folder]
	if (!mine || room !~ /^[a-z]+\/[a-z0-9]+$/)
		breach("is in none of the folders")
}

{
	lines = FNR
	line = code($0)
	check_include(line)
	check_static(line)
	for (i = 1; i <= count; i++)
		if ((everywhere[i] || mine < level["world"]) &&
		    line ~ rule[i] &&
		    index(allowed[i], " " FILENAME " ") == 0)
			breach("not here: " shown[i])
}

/^[{]/ { open = FNR }
/^[A-Za-z_].*[(]/ { name = $0; sub(/[(].*/, "", name) }
/^[}]/ && open {
	long = FNR - open + 1
	if (long > limit)
		breach(name "() has " long " lines, " limit " are the limit")
	open = 0
}

END {
	end_file()
	for (name in wants)
		check_circle(name, "")
	exit bad
}
' $(find src cmd -name '*.[ch]' | sort)
status=$?

for source in src/*/*.c cmd/*.c; do
	case $source in
	*'*'*|cmd/sendling.c) continue ;;
	esac
	if ! test -e "${source%.c}.h"; then
		echo "$source: has no header"
		status=1
	fi
done
exit $status
