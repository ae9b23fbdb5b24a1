# nullmailer.awk: reads nullmailer's folder, a role for each file, for
# accounts.awk. Remotes with the same login are smarthosts of one account.

BEGIN {
	flags = " auth-login tls ssl starttls x509fmtder insecure tls-anon-auth " \
	    "daemon syslog "
	values = " port user pass source x509certfile x509keyfile x509cafile " \
	    "x509crlfile host "
}

function read_line(role, line) {
	line = trim(line)
	if (role == "remotes")
		read_remote(line)
	else if (!(role in setting)) { # the first line counts
		setting[role] = line
		line_at[role] = here
	}
}

# As a shell cuts words: into word[]; the count, or -1 for an open quote.
function cut_words(text, word,    i, c, quoted, count, open) {
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (quoted == "" && c ~ /[ \t]/) {
			open = 0
			continue
		}
		if (!open) {
			word[++count] = ""
			open = 1
		}
		if (c == quoted)
			quoted = ""
		else if (quoted == "" && c ~ /["']/)
			quoted = c
		else if (c == "\\" && quoted != "'" && i < length(text))
			word[count] = word[count] substr(text, ++i, 1)
		else
			word[count] = word[count] c
	}
	return quoted == "" ? count + 0 : -1
}

function read_remote(line,    word, count, i, n) {
	if (line == "" || line ~ /^#/)
		return
	count = cut_words(line, word)
	if (count == -1) {
		left(here, "", "a quote is open")
		return
	}
	if (count > 1 && word[2] != "smtp") {
		left(here, word[2] ~ /^[a-z]+$/ ? word[2] : "", \
		    "there is no such protocol here but smtp")
		return
	}
	n = ++remotes
	remote_line[n] = here
	remote[n, "host"] = word[1]
	for (i = 3; i <= count; i++)
		i += read_option(n, word[i], i < count ? word[i + 1] : "")
}

# Old files have --user alice and -p 25; 1: the next word is the value.
function read_option(n, option, next_word,    name, value) {
	name = option
	if (name ~ /^#/)
		return 1000
	sub(/^--?/, "", name)
	value = name
	sub(/=.*/, "", name)
	if (!sub(/^[^=]*=/, "", value))
		value = ""
	if (option ~ /^-p$/)
		name = "port"
	if (index(flags, " " name " "))
		remote[n, name] = 1
	else if (!index(values, " " name " "))
		left(here, "", "an option that nullmailer does not know, or that " \
		    "sendling-import does not")
	else if (option ~ /=/)
		remote[n, name] = value
	else {
		remote[n, name] = next_word
		return 1
	}
	return 0
}

# --- From nullmailer's words to sendling's.

function given(role) {
	if (setting[role] == "")
		return 0
	here = line_at[role]
	return 1
}

# All that an account has but once.
function rest_of(n,    text) {
	text = remote[n, "user"] "\t" remote[n, "pass"] "\t" \
	    remote[n, "x509certfile"] "\t" remote[n, "x509cafile"] "\t" \
	    remote[n, "x509crlfile"] "\t" remote[n, "source"] "\t" \
	    remote[n, "auth-login"]
	return text
}

function carry_remote(a, n,    tls, port) {
	here = remote_line[n]
	if (n > 1 && rest_of(n) != rest_of(1)) {
		left(here, "remote", "it has another login, or other files, than " \
		    "the first: that needs an account of its own")
		return
	}
	tls = remote[n, "starttls"] ? "starttls" : \
	    remote[n, "tls"] || remote[n, "ssl"] ? "tls" : "plain"
	port = remote[n, "port"]
	if (port == "" && tls == "starttls" && !has_port(remote[n, "host"]))
		port = 25
	add_host(a, remote[n, "host"], port, tls, 0)
	if (remote[n, "insecure"] || remote[n, "tls-anon-auth"])
		left_unverified(here, "insecure")
}

function carry_option(a, name, keyword) {
	if (remote[1, name] != "")
		put(a, keyword, remote[1, name])
}

function carry_login(a) {
	carry_option(a, "user", "user")
	if (remote[1, "pass"] != "")
		put_password(a, remote[1, "pass"])
	else if (remote[1, "user"] != "")
		put(a, "no-password", 1)
	if (remote[1, "auth-login"])
		put(a, "auth", "LOGIN")
}

function carry_tls(a) {
	if (remote[1, "x509fmtder"]) {
		left(here, "x509fmtder", "certificates are in PEM: openssl x509 " \
		    "-inform DER -in FILE turns them")
		return
	}
	carry_option(a, "x509cafile", "tls-trust")
	carry_option(a, "x509certfile", "tls-certificate")
	carry_option(a, "x509keyfile", "tls-key")
	carry_option(a, "x509crlfile", "tls-crl")
}

function qualified(host) {
	if (host ~ /\./ || host == "" || host == "localhost" ||
	    setting["defaultdomain"] == "")
		return host
	return host "." setting["defaultdomain"]
}

function carry_names(a,    host) {
	host = given("defaulthost") ? qualified(setting["defaulthost"]) : \
	    given("me") ? qualified(setting["me"] "") : mailname
	if (host != "" && host != "localhost")
		put(a, "domain", host)
	if (given("helohost"))
		put(a, "helo", setting["helohost"])
	if (given("allmailfrom")) {
		put(a, "force-from", setting["allmailfrom"])
		mind_forced(here, "allmailfrom")
	}
}

function seconds(role, least, most) {
	if (!given(role))
		return ""
	if (is_number(setting[role], least, most))
		return setting[role] + 0
	left(here, role, "it is no number of seconds that sendling takes")
	return ""
}

function carry_spool(a,    first, longest) {
	here = main_path
	put_spool(a, "nullmailer", "queue")
	first = seconds("pausetime", 0, 604800)
	longest = seconds("maxpause", 1, 604800)
	if (first == 0 && first != "")
		left(line_at["pausetime"], "pausetime", "0 has no like here")
	else if (first != "")
		put(a, "spool-retry", first "s" (longest == "" ? "" : \
		    " " (longest > first ? longest : first) "s"))
	else if (longest != "")
		put(a, "spool-retry", (longest < 300 ? longest : 300) "s " \
		    longest "s")
	if (seconds("queuelifetime", 1, 31622400) != "")
		put(a, "spool-lifetime", setting["queuelifetime"] + 0 "s")
	if (setting["sendtimeout"] != 0 && seconds("sendtimeout", 1, 604800) != "")
		put(a, "deadline", setting["sendtimeout"] + 0 "s")
	if (given("bounceto"))
		put(a, "spool-report", setting["bounceto"])
}

function carry_left() {
	if (given("adminaddr"))
		left(here, "adminaddr", "write `default: ADDRESS' into the " \
		    "aliases: it stands for all names of this machine")
	if (given("doublebounceto"))
		left(here, "doublebounceto", "no reports are sent about reports")
	if (given("idhost"))
		left(here, "idhost", "Message-IDs have the host's name, or the " \
		    "sender's domain")
	if (given("bouncelines"))
		left(here, "bouncelines", "a report returns the header")
}

function conclude(    n) {
	begin("default")
	for (n = 1; n <= remotes; n++)
		carry_remote("default", n)
	here = remotes ? remote_line[1] : main_path
	if (remotes) {
		if (is_ipv4(remote[1, "source"] "") || is_ipv6(remote[1, "source"] ""))
			put("default", "source-address", remote[1, "source"])
		else if (remote[1, "source"] != "")
			left(here, "source", "it is no address")
		carry_login("default")
		carry_tls("default")
	}
	carry_names("default")
	carry_spool("default")
	carry_left()
	here = remotes ? remote_line[1] : main_path
}
