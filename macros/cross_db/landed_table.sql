{# Where a raw table has landed, as {relation, columns, name}: `relation` is SQL to select text columns
   and `landing_record` (the text of a malformed record, else null) from; it is none for an optional
   table that the shop does not have. Raises one sentence when a required table is missing.

   Arguments:
     table (source node): a table of the raw contract.
     settings (mapping): the table's part of the var `shop`. #}
{% macro landed_table(name, table, settings) %}
    {{- return(adapter.dispatch('landed_table', 'clientele')(name, table, settings)) -}}
{% endmacro %}

{# DuckDB: a file, or a folder of Parquet files, in CLIENTELE_RAW_DIR. #}
{% macro duckdb__landed_table(name, table, settings) %}
    {%- set path = env_var('CLIENTELE_RAW_DIR', 'sample').rstrip('/') ~ '/' ~ name -%}
    {%- set files = [] -%}
    {%- for ending in ['csv', 'csv.gz', 'json', 'jsonl', 'json.gz', 'parquet'] -%}
        {%- do files.append(path ~ '.' ~ ending) -%}
    {%- endfor -%}
    {%- set candidates = files + [path ~ '/*.parquet', path ~ '.parquet/*.parquet'] -%}
    {%- set found = clientele.query_column("select file from glob(" ~ clientele.duckdb_texts(candidates) ~ ")") -%}
    {%- if not found and table.config.meta.optional -%}
        {{- return({'relation': none, 'columns': [], 'name': path}) -}}
    {%- elif not found -%}
        {{ exceptions.raise_compiler_error("Raw table '" ~ table.name ~ "' not found: there is no " ~ path
            ~ ".csv, .json (JSON lines) or .parquet; put it there, name the right folder in CLIENTELE_RAW_DIR, or map it to an empty relation if the shop has none (shops/README.md).") }}
    {%- endif -%}
    {%- set file = files | select('in', found) | first | default(none) -%}
    {%- if file is none or file.endswith('.parquet') -%}
        {%- set reader = "read_parquet(" ~ clientele.duckdb_texts([file] if file else found) ~ ", union_by_name = true)" -%}
        {%- set columns = clientele.query_column("select column_name from (describe select * from " ~ reader ~ ")") -%}
        {%- set relation = "(select columns(*)::varchar, cast(null as varchar) as landing_record from " ~ reader ~ ")" -%}
    {%- elif '.csv' in file -%}
        {%- set dialect = "header = true, delim = '" ~ settings.get('delimiter', ',') ~ "', quote = '\"', escape = '\"', encoding = '"
            ~ settings.get('encoding', 'utf-8') ~ "'" -%}
        {%- set columns = clientele.query_column("select column_name from (describe select * from read_csv("
            ~ clientele.duckdb_texts([file]) ~ ", all_varchar = true, strict_mode = false, ignore_errors = true, " ~ dialect ~ "))") -%}
        {%- set relation = clientele.duckdb_lines(name, table, file, columns, dialect) -%}
    {%- else -%}
        {%- set dialect = "header = false, delim = '\x01', quote = '', escape = '', encoding = '" ~ settings.get('encoding', 'utf-8') ~ "'" -%}
        {%- set lines = clientele.duckdb_lines(name, table, file, ['line'], dialect) -%}
        {#- A line that is no JSON object becomes an empty one here, and its text the landing_record. -#}
        {%- set objects -%}
            (select
                case when json_valid(line) then line else '[]' end as json_text,
                coalesce(landing_record, line) as landing_record
            from {{ lines }} as lines
            where trim(line) != '' or landing_record is not null) as objects
        {%- endset -%}
        {%- set columns = clientele.query_column("select distinct unnest(json_keys(json_text)) from (select json_text from "
            ~ objects ~ " limit 1000) where json_type(json_text) = 'OBJECT' order by 1") -%}
        {%- set paths = [] -%}
        {%- for column in columns -%}
            {%- do paths.append('$."' ~ column ~ '"') -%}
        {%- endfor -%}
        {%- set relation -%}
            (select
                {% for column in columns -%}
                fields[{{ loop.index }}] as "{{ column }}",
                {% endfor -%}
                landing_record
            from (
                select
                    json_extract_string(json_text, {{ clientele.duckdb_texts(paths or ['$']) }}) as fields,
                    case when json_type(json_text) != 'OBJECT' then landing_record end as landing_record
                from {{ objects }}
            ) as records)
        {%- endset -%}
    {%- endif -%}
    {{- return({'relation': relation, 'columns': columns, 'name': file or path}) -}}
{% endmacro %}

{# Snowflake: a table in RAW_DATABASE.RAW_SCHEMA. #}
{% macro snowflake__landed_table(name, table, settings) %}
    {%- set database, schema = env_var('RAW_DATABASE', 'RAW'), env_var('RAW_SCHEMA', 'SHOP') -%}
    {%- set name = name | upper -%}
    {%- set landed = adapter.get_relation(database=database, schema=schema, identifier=name) -%}
    {%- if not landed and table.config.meta.optional -%}
        {{- return({'relation': none, 'columns': [], 'name': name}) -}}
    {%- elif not landed -%}
        {{ exceptions.raise_compiler_error("Raw table '" ~ table.name ~ "' not found: there is no " ~ database ~ "." ~ schema
            ~ "." ~ name ~ "; load it, or name its database and schema in RAW_DATABASE and RAW_SCHEMA.") }}
    {%- endif -%}
    {{- return(clientele.landed_relation(landed)) -}}
{% endmacro %}

{# SQL that reads a delimited text file as text columns and `landing_record`. A file that holds a line
   which is no record (too few or too many fields, a stray quote, bytes that are no text) is copied
   into a table, its malformed lines beside its records, so that it neither fails nor loses one. #}
{% macro duckdb_lines(name, table, file, columns, dialect) %}
    {%- set types = [] -%}
    {%- for column in columns -%}
        {%- do types.append("'" ~ column.replace("'", "''") ~ "': 'VARCHAR'") -%}
    {%- endfor -%}
    {%- set rejects = "rejects_" ~ modules.re.sub('\\W', '_', name) -%}
    {%- set reader = "read_csv(" ~ clientele.duckdb_texts([file]) ~ ", auto_detect = false, " ~ dialect
        ~ ", columns = {" ~ types | join(', ') ~ "}" -%}
    {%- set store = ", store_rejects = true, rejects_table = '" ~ rejects ~ "', rejects_scan = '" ~ rejects ~ "_scan')" -%}
    {%- do run_query("drop table if exists temp." ~ rejects) -%}
    {%- do run_query("drop table if exists temp." ~ rejects ~ "_scan") -%}
    {#- All columns: DuckDB looks for bytes that are no text only in those that are read. -#}
    {%- do run_query("select count(columns(*)) from " ~ reader ~ store) -%}
    {%- if clientele.query_column("select count(*) from " ~ rejects)[0] == 0 -%}
        {{- return("(select *, cast(null as varchar) as landing_record from " ~ reader ~ "))") -}}
    {%- endif -%}
    {%- set copy = table.schema ~ "." ~ modules.re.sub('\\W', '_', name) ~ "_lines" -%}
    {%- do run_query("delete from " ~ rejects) -%}
    {%- do run_query("create or replace table " ~ copy ~ " as select *, cast(null as varchar) as landing_record from " ~ reader ~ store) -%}
    {%- do run_query("insert into " ~ copy ~ " (landing_record) select min(coalesce(csv_line, error_message)) from "
        ~ rejects ~ " group by line") -%}
    {{- return("(select * from " ~ copy ~ ")") -}}
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
