// SPDX-License-Identifier: GPL-3.0-or-later
// Which lines of a log ajv refuses by a schema: one number a line.
//
// usage: node agree.mjs FOLDER-OF-PACKAGES SCHEMA LOG
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [packages, schema, log] = process.argv.slice(2);
const Ajv = createRequire(`${packages}/`)('ajv/dist/2020.js').default;
const valid = new Ajv({ strict: true, strictTypes: false,
	strictRequired: false, strictTuples: false,
	allowUnionTypes: true }).compile(JSON.parse(readFileSync(schema)));
// Not by readline: a raw CR in a string ends no line of ours.
readFileSync(log, 'utf8').split('\n').forEach((line, index) => {
	let value;
	try {
		value = JSON.parse(line);
	} catch {
		return;
	}
	if (!valid(value))
		console.log(index + 1);
});
