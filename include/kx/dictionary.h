/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is said about columns: a line for a person, a JSON object for a
 * program, and the SQL of a table that takes what a table of events holds.
 */
#ifndef KX_DICTIONARY_H
#define KX_DICTIONARY_H

#include "kx/base.h"
#include "kx/buf.h"
#include "kx/column.h"
#include "kx/table.h"

/* name TAB type TAB unit TAB meaning LF; `-' where it has no unit. */
void kx_dictionary_line(const struct kx_column *column, struct kx_buf *out);

/*
 * The same as a JSON object and LF: name, type, unit, meaning, whether it is
 * one of the defaults of such rows; of a field its group, its pointer, and
 * whether the event must have it; its values, least and most where the format
 * limits them.
 */
void kx_dictionary_json(const struct kx_column *column, enum kx_group rows,
    struct kx_buf *out);

enum kx_sql { KX_SQL_SQLITE, KX_SQL_POSTGRESQL };

/*
 * CREATE TABLE for a table of events, named as its rows are.  PostgreSQL:
 * numbers of events are numeric, which holds them as they are spelled.  SQLite:
 * a trigger makes the empty cells of .import NULL, for it has no other way.
 */
void kx_dictionary_sql(const struct kx_table *table, enum kx_sql sql,
    struct kx_buf *out);

#endif
