// SPDX-License-Identifier: GPL-3.0-or-later
// Nine columns of a log by DuckDB.  Prints the seconds of the COPY.
//
//     node to-csv-duckdb.mjs LOG CSV          as one types it: the types are
//                                             detected
//     node to-csv-duckdb.mjs LOG CSV typed    the way that is its fastest: only
//                                             what is asked for is read, with
//                                             its types given

const {DuckDBInstance} = await import(new URL(
	'../peers/node_modules/@duckdb/node-api/lib/index.js', import.meta.url));
const [log, csv] = process.argv.slice(2, 4).map(
	(name) => `'${name.replaceAll("'", "''")}'`);
const typed = `read_json(${log}, format = 'newline_delimited', columns = {
		id: 'VARCHAR', event_id: 'VARCHAR', topic: 'VARCHAR',
		module: 'VARCHAR', level: 'BIGINT', start_time: 'BIGINT',
		channel: 'STRUCT(id BIGINT, name VARCHAR)',
		channel_id: 'BIGINT', channel_name: 'VARCHAR',
		params: 'STRUCT(identities STRUCT(plates STRUCT(number VARCHAR)[])[])'
	    })`;
const from = process.argv[4] === 'typed' ? typed :
	`read_ndjson_auto(${log})`;
const connection = await (await DuckDBInstance.create(':memory:')).connect();
const start = process.hrtime.bigint();
await connection.run(`COPY (
	SELECT id, event_id, topic, module, level, start_time,
	    coalesce(channel.id, channel_id) AS "channel.id",
	    coalesce(channel.name, channel_name) AS "channel.name",
	    params.identities[1].plates[1].number AS "plate.number"
	FROM ${from}
    ) TO ${csv} (HEADER)`);
console.log(Number(process.hrtime.bigint() - start) / 1e9);
