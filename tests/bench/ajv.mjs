// SPDX-License-Identifier: GPL-3.0-or-later
// How fast ajv validates a log: parse each line, validate it, count.
//
// usage: node ajv.mjs FOLDER-OF-PACKAGES SCHEMA LOG
import { createReadStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [packages, schema, log] = process.argv.slice(2);
const Ajv = createRequire(`${packages}/`)('ajv/dist/2020.js').default;
const valid = new Ajv({ strict: false })
	.compile(JSON.parse(readFileSync(schema)));
let rest = '', good = 0, bad = 0;
function line(text) {
	if (text !== '')
		valid(JSON.parse(text)) ? good++ : bad++;
}
for await (const chunk of createReadStream(log,
	{ encoding: 'utf8', highWaterMark: 1 << 20 })) {
	const lines = (rest + chunk).split('\n');
	rest = lines.pop();
	lines.forEach(line);
}
line(rest);
console.log(good, bad);
