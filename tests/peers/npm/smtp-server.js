// A server by smtp-server, nodemailer's, on the three ports of peer.py.
"use strict";

const { SMTPServer } = require("smtp-server");
const keep = require("./keep.js");

function refuse(code, words) {
	return Object.assign(new Error(words), { responseCode: code });
}

function authenticate(auth, session, done) {
	const good = auth.username === keep.user && (
		auth.method === "CRAM-MD5" ? auth.validatePassword(keep.password) :
		auth.method === "XOAUTH2" ? auth.accessToken === keep.token :
		auth.password === keep.password);

	if (good)
		done(null, { user: auth.username });
	else if (auth.method === "XOAUTH2")
		done(null, { data: { status: "401", schemes: "bearer",
			scope: "https://mail.example.org/" } });
	else
		done(refuse(535, "5.7.8 Wrong user or password"));
}

function take(stream, session, done) {
	const chunks = [`Received: with ${session.transmissionType}\r\n`];

	stream.on("data", chunk => chunks.push(chunk));
	stream.on("end", () => {
		if (stream.sizeExceeded)
			return done(refuse(552, "5.3.4 Too large"));
		keep.deliver(session.envelope.rcptTo.map(to => to.address),
		    Buffer.concat(chunks.map(chunk => Buffer.from(chunk))));
		return done(null, "2.0.0 Taken");
	});
}

for (const [port, more] of [[25, { disabledCommands: ["STARTTLS"] }],
    [587, {}], [465, { secure: true }]])
	new SMTPServer({
		...keep.certificate,
		name: "mail.example.org",
		size: 5000000,
		disableReverseLookup: true,
		allowInsecureAuth: port === 25,
		authMethods: ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"],
		onAuth: authenticate,
		onRcptTo: (to, session, done) => done(keep.knows(to.address) ?
			null : refuse(550, "5.1.1 No such user here")),
		onData: take,
		...more,
	}).on("error", error => console.error(error.message)).listen(port,
	    "127.0.0.1");
