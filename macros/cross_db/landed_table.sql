{# Where a raw relation has landed, as {relation, columns, name}: `relation` is SQL in brackets to select
   text columns and `landing_record` (the text of a malformed record, else null) from; it is none for an
   optional table that the shop does not have. `columns` are the names as they stand in the file, in order,
   a repeated one as often as it does. Raises one sentence when a required table is missing or unreadable.

   Arguments:
     name (string): the relation's name.
     table (source node): the table of the raw contract that it is read for.
     settings (mapping): the table's part of the var `shop`. #}
{% macro landed_table(name, table, settings) %}
    {{- return(adapter.dispatch('landed_table', 'clientele')(name, table, settings)) -}}
{% endmacro %}

{# DuckDB: a file, those of a folder, or those of a glob, in CLIENTELE_RAW_DIR. #}
{% macro duckdb__landed_table(name, table, settings) %}
    {%- set folder = env_var('CLIENTELE_RAW_DIR', 'sample').rstrip('/') -%}
    {%- set path = folder ~ '/' ~ name -%}
    {%- set found = clientele.duckdb_plugin('find_raw_files', [folder, name]) -%}
    {%- if found.problem -%}
        {{ exceptions.raise_compiler_error("Raw table '" ~ table.name ~ "': " ~ found.problem ~ ".") }}
    {%- elif not found.files and table.config.meta.optional -%}
        {{- return({'relation': none, 'columns': [], 'name': path}) -}}
    {%- elif not found.files -%}
        {{ exceptions.raise_compiler_error("Raw table '" ~ table.name ~ "' not found: there is no " ~ path
            ~ ".csv, .json or .parquet" ~ (" (only " ~ found.others | join(', ') ~ ")" if found.others)
            ~ "; put it there, name the right folder in CLIENTELE_RAW_DIR, or map it to an empty relation if the shop has none (shops/README.md).") }}
    {%- endif -%}
    {%- set encoding, delimiter = settings.get('encoding', 'utf-8'), settings.get('delimiter', ',').replace('\\t', '\t') -%}
    {%- if delimiter | length != 1 or delimiter in '"\'\\^]\n\r' -%}
        {{ exceptions.raise_compiler_error("The delimiter of '" ~ table.name ~ "' in the shop's mapping must be one character such as , ; | or \\t, not `"
            ~ delimiter ~ "`.") }}
    {%- endif -%}
    {%- set files = [] -%}
    {%- for file in found.files -%}
        {%- set opened = clientele.duckdb_plugin('open_raw_file', [file, encoding, delimiter]) -%}
        {%- if opened.problem -%}
            {{ exceptions.raise_compiler_error("Raw table '" ~ table.name ~ "': " ~ file ~ " " ~ opened.problem ~ ".") }}
        {%- endif -%}
        {%- do files.append(dict(opened, file=file)) -%}
    {%- endfor -%}
    {#- What cannot be read from its file as it stands is copied into a table beside the views. -#}
    {%- set copy = table.schema ~ '."' ~ table.identifier ~ ('_' ~ modules.re.sub('[^A-Za-z0-9]+', '_', name) if name != table.name) ~ '_lines"' -%}
    {%- set read = context['clientele']['duckdb_' ~ found.format](files, copy, table) -%}
    {{- return(dict(read, name=found.files[0] if found.files | length == 1 else path, files=found.files)) -}}
{% endmacro %}

{# Say which files of CLIENTELE_RAW_DIR no table is read from: one of them may be a table under a slip of a
   name. On Snowflake nothing is said: RAW is a schema of the shop's, who keeps there what it likes.

   Arguments:
     plans (list of mappings): what raw_plans gives. #}
{% macro report_other_files(plans) %}
    {%- do adapter.dispatch('report_other_files', 'clientele')(plans) -%}
{% endmacro %}

{% macro default__report_other_files(plans) %}{% endmacro %}

{% macro duckdb__report_other_files(plans) %}
    {%- set folder, files = env_var('CLIENTELE_RAW_DIR', 'sample').rstrip('/'), [] -%}
    {%- for plan in plans -%}
        {%- for landing in plan.landings -%}
            {%- do files.extend(landing.get('files') or []) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set others = clientele.duckdb_plugin('other_raw_files', [folder, tojson(files)]) -%}
    {%- if others -%}
        {%- do log("NOT READ: " ~ others[:10] | join(', ') ~ (" and " ~ (others | length - 10) ~ " more" if others | length > 10)
            ~ " in " ~ folder ~ ": no table has such a name; rename or map what is one (docs/own_shop.md).", info=true) -%}
    {%- endif -%}
{% endmacro %}

{# Snowflake: a table in RAW_DATABASE.RAW_SCHEMA, as load_raw names it or as the shop has it. #}
{% macro snowflake__landed_table(name, table, settings) %}
    {%- set database, schema = env_var('RAW_DATABASE', 'RAW'), env_var('RAW_SCHEMA', 'SHOP') -%}
    {%- set identifier = clientele.landed_identifier(name) -%}
    {%- set landed = adapter.get_relation(database=database, schema=schema, identifier=name | upper)
        or adapter.get_relation(database=database, schema=schema, identifier=identifier) -%}
    {%- if not landed and table.config.meta.optional -%}
        {{- return({'relation': none, 'columns': [], 'name': identifier}) -}}
    {%- elif not landed -%}
        {{ exceptions.raise_compiler_error("Raw table '" ~ table.name ~ "' not found: there is no " ~ database ~ "." ~ schema
            ~ "." ~ identifier ~ "; load it, or name its database and schema in RAW_DATABASE and RAW_SCHEMA.") }}
    {%- endif -%}
    {{- return(clientele.landed_relation(landed)) -}}
{% endmacro %}

{# What a function of plugins/raw_files.py gives for texts. #}
{% macro duckdb_plugin(function, texts) %}
    {%- set quoted = clientele.duckdb_texts(texts)[1:-1] -%}
    {{- return(fromjson(clientele.query_column("select " ~ function ~ "(" ~ quoted ~ ")")[0])) -}}
{% endmacro %}

{# SQL that reads text files as lines: `file` and `line`, which is null for an empty one.

   Arguments:
     paths (list of strings): the files.
     line_end (string): `\r\n` takes any line end, mixed ones too, for what it is; `\n` sees an empty line
       after each that ends in CRLF, by which line ends can be told.
     options (string): further options of read_csv. #}
{% macro duckdb_lines(paths, line_end='\\r\\n', options='') %}
    {{- return("(select " ~ ("file" if paths | length > 1 else "'' as file") ~ ", line from read_csv(" ~ clientele.duckdb_texts(paths)
        ~ ", auto_detect = false, header = false, delim = '', quote = '', escape = '', strict_mode = false, columns = {'line': 'VARCHAR'},"
        ~ " filename = " ~ ("'file'" if paths | length > 1 else "false") ~ ", new_line = '" ~ line_end ~ "'" ~ options ~ "))") -}}
{% endmacro %}

{# Create a table of the lines of text files, its rowid in the order of the files and their lines. Lines
   that DuckDB cannot read (bytes that are no UTF-8, more than 2 MB) are put into temp.landing_rejects.

   Arguments:
     target (string): what is created: `table` or `temporary table`, and its name.
     expressions (string): what is selected from `file` and `line`.
     paths (list of strings): the files.
     line_end (string): see duckdb_lines.
     condition (string): what follows `where`. #}
{% macro duckdb_read_lines(target, expressions, paths, line_end='\\r\\n', condition='true') %}
    {%- for rejects in ['landing_rejects', 'landing_rejects_scan'] -%}
        {%- do run_query("drop table if exists temp." ~ rejects) -%}
    {%- endfor -%}
    {%- do run_query("set preserve_insertion_order = true") -%}
    {%- do run_query("create or replace " ~ target ~ " as select " ~ expressions ~ " from " ~ clientele.duckdb_lines(paths, line_end,
        ", store_rejects = true, rejects_table = 'landing_rejects', rejects_scan = 'landing_rejects_scan'") ~ " where " ~ condition) -%}
    {%- do run_query("set preserve_insertion_order = false") -%}
{% endmacro %}

{# Paths to read files from whose lines were read: those they were read from if all lines could be;
   else new ones, with every byte that is no UTF-8 marked (plugins/raw_files.py). Raises one sentence if
   that is more than a tenth of the lines, for then the encoding is another.

   Arguments:
     files (list of mappings): what open_file of plugins/raw_files.py gives, and `file`.
     table (source node): the table that they are read for.
     line_count (integer): lines that could be read. #}
{% macro duckdb_readable(files, table, line_count) %}
    {%- set paths = files | map(attribute='path') | list -%}
    {%- set rejected = run_query("select count(*), min(landing_rejects.line), min_by(file_path, landing_rejects.line) from landing_rejects inner join"
        ~ " landing_rejects_scan using (scan_id, file_id) where error_type = 'INVALID ENCODING'").rows[0] -%}
    {%- if 10 * rejected[0] > line_count -%}
        {{ exceptions.raise_compiler_error("Raw table '" ~ table.name ~ "': " ~ rejected[2] ~ " is not UTF-8: line " ~ rejected[1]
            ~ " and more than a tenth of all hold bytes that are no characters of it; name the encoding in the table's mapping (`encoding: cp1252` for what Excel on Windows saves).") }}
    {%- elif rejected[0] -%}
        {%- set paths = [] -%}
        {%- for file in files -%}
            {%- do paths.append(clientele.duckdb_plugin('raw_file_as_utf8', [file.file])) -%}
        {%- endfor -%}
        {{- return(paths) -}}
    {%- endif -%}
    {{- return(paths) -}}
{% endmacro %}

{# A DuckDB list of text literals. #}
{% macro duckdb_texts(texts) %}
    {%- set quoted = [] -%}
    {%- for text in texts -%}
        {%- do quoted.append("'" ~ text.replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {{- return("[" ~ quoted | join(', ') ~ "]") -}}
{% endmacro %}

{# The first column of a query's result, as a list. #}
{% macro query_column(query) %}
    {{- return(run_query(query).columns[0].values() | list) -}}
{% endmacro %}
