/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is said about columns.
 */
#include <config.h>

#include <string.h>

#include "kx/dictionary.h"

void
kx_dictionary_line(const struct kx_column *column, struct kx_buf *out)
{
	kx_buf_adds(out, column->name);
	kx_buf_addc(out, '\t');
	kx_buf_adds(out, kx_cell_name(column->cell));
	kx_buf_addc(out, '\t');
	kx_buf_adds(out, column->unit[0] != '\0' ? column->unit : "-");
	kx_buf_addc(out, '\t');
	kx_buf_adds(out, column->meaning);
	kx_buf_addc(out, '\n');
}

static bool
is_default(const char *name, enum kx_group rows)
{
	const char *const *other;

	for (other = kx_column_defaults(rows); *other != NULL; other++) {
		if (!strcmp(*other, name))
			return true;
	}
	return false;
}

static void
add_member(struct kx_buf *out, const char *name, const char *value)
{
	kx_buf_addf(out, ",\"%s\":\"", name);
	kx_buf_addjson(out, kx_span_str(value));
	kx_buf_addc(out, '"');
}

/* Blank-separated values, as the type has them. */
static void
add_values(struct kx_buf *out, const char *values, bool numbers)
{
	const char *sep = ",\"values\":[";
	size_t len;

	for (; *values != '\0'; values += len + (values[len] == ' ')) {
		len = strcspn(values, " ");
		kx_buf_adds(out, sep);
		if (!numbers)
			kx_buf_addc(out, '"');
		kx_buf_add(out, values, len);
		if (!numbers)
			kx_buf_addc(out, '"');
		sep = ",";
	}
	if (*sep == ',' && sep[1] == '\0')
		kx_buf_addc(out, ']');
}

static void
add_field(struct kx_buf *out, const struct kx_column *column)
{
	const struct kx_field_info *info = &kx_field_info[column->field];
	bool number = info->type == KX_TYPE_INT || info->type == KX_TYPE_NUM ||
	    info->type == KX_TYPE_PROB;

	add_member(out, "pointer", info->pointer);
	kx_buf_adds(out, ",\"required\":");
	kx_buf_adds(out, info->presence == KX_PRESENCE_REQ ? "true" :
	    "false");
	add_values(out, info->values, number);
	if (info->min < info->max)
		kx_buf_addf(out, number ? ",\"minimum\":%g,\"maximum\":%g" :
		    ",\"minLength\":%g,\"maxLength\":%g", info->min,
		    info->max);
}

void
kx_dictionary_json(const struct kx_column *column, enum kx_group rows,
    struct kx_buf *out)
{
	kx_buf_adds(out, "{\"name\":\"");
	kx_buf_addjson(out, kx_span_str(column->name));
	kx_buf_addc(out, '"');
	add_member(out, "type", kx_cell_name(column->cell));
	if (column->unit[0] != '\0')
		add_member(out, "unit", column->unit);
	add_member(out, "meaning", column->meaning);
	add_member(out, "of", kx_group_name(column->group));
	kx_buf_adds(out, ",\"default\":");
	kx_buf_adds(out, column->program < 0 && is_default(column->name,
	    rows) ? "true" : "false");
	if (column->field >= 0)
		add_field(out, column);
	kx_buf_adds(out, "}\n");
}

/* --- SQL ---------------------------------------------------------------- */

/*
 * A number of an event may have any number of digits, and one that does not
 * fit must not cost the load of a whole night: so numeric.  What was counted
 * here does fit.
 */
static const char *
sql_type(const struct kx_column *column, enum kx_sql sql)
{
	bool counted = column->field < 0 || column->type == KX_TYPE_ARRAY;

	switch (column->cell) {
	case KX_CELL_INTEGER:
		return sql == KX_SQL_SQLITE ? "INTEGER" :
		    counted ? "bigint" : "numeric";
	case KX_CELL_NUMBER:
		return sql == KX_SQL_SQLITE ? "REAL" : "numeric";
	case KX_CELL_BOOLEAN:
		return sql == KX_SQL_SQLITE ? "TEXT" : "boolean";
	case KX_CELL_TIME:
		return sql == KX_SQL_SQLITE ? "TEXT" : "timestamptz";
	case KX_CELL_TEXT:
	case KX_CELL_JSON:
		break;
	}
	return sql == KX_SQL_SQLITE ? "TEXT" : "text";
}

/* "name", with its quotes doubled. */
static void
add_name(struct kx_buf *out, const char *name)
{
	kx_buf_addc(out, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"')
			kx_buf_addc(out, '"');
		kx_buf_addc(out, *name);
	}
	kx_buf_addc(out, '"');
}

/* A row that comes in has its empty cells made NULL. */
static void
add_trigger(const struct kx_table *table, struct kx_buf *out)
{
	const char *rows = kx_group_name(table->rows);
	size_t i;

	kx_buf_addf(out, "CREATE TRIGGER \"%s_empty\" AFTER INSERT ON \"%s\"\n"
	    "BEGIN\n    UPDATE \"%s\" SET\n", rows, rows, rows);
	for (i = 0; i < table->n; i++) {
		kx_buf_adds(out, i == 0 ? "        " : ",\n        ");
		add_name(out, table->column[i].name);
		kx_buf_adds(out, " = nullif(NEW.");
		add_name(out, table->column[i].name);
		kx_buf_adds(out, ", '')");
	}
	kx_buf_adds(out, "\n    WHERE rowid = NEW.rowid;\nEND;\n");
}

void
kx_dictionary_sql(const struct kx_table *table, enum kx_sql sql,
    struct kx_buf *out)
{
	const struct kx_column *column = table->column;
	size_t i;

	kx_buf_addf(out, "CREATE TABLE \"%s\" (\n",
	    kx_group_name(table->rows));
	for (i = 0; i < table->n; i++, column++) {
		kx_buf_adds(out, "    ");
		add_name(out, column->name);
		kx_buf_addf(out, " %s%s\n", sql_type(column, sql),
		    i + 1 < table->n ? "," : "");
	}
	kx_buf_adds(out, ");\n");
	if (sql == KX_SQL_SQLITE)
		add_trigger(table, out);
}
