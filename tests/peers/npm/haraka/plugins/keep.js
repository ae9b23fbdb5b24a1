// Haraka's side of keep.js.
"use strict";

const keep = require("../../keep.js");

exports.register = function () {
	this.inherits("auth/auth_base");
};

exports.hook_capabilities = (next, connection) => {
	const methods = ["PLAIN", "LOGIN", "CRAM-MD5"];

	connection.capabilities.push(`AUTH ${methods.join(" ")}`);
	connection.notes.allowed_auth_methods = methods;
	next();
};

exports.get_plain_passwd = (user, connection, done) =>
	done(user === keep.user ? keep.password : null);

exports.hook_rcpt = (next, connection, [to]) => keep.knows(to.address) ?
	next(OK) : next(DENY, "5.1.1 No such user here");

// What somebody sends who has logged in goes out, to Haraka.
exports.hook_queue_outbound = (next, connection) => {
	const to = connection.transaction.rcpt_to.map(one => one.address);

	connection.transaction.message_stream.get_data(mail => {
		keep.deliver(to, mail);
		next(OK, "2.0.0 Taken");
	});
};
