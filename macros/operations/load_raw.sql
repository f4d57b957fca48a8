{# Load the raw files of CLIENTELE_RAW_DIR (default `sample`) into RAW_DATABASE.RAW_SCHEMA: one table per
   file of the raw contract, every column text, and the malformed lines in `landing_record`. Each table is
   replaced by one statement when its file has been read whole, so loading again replaces and a load that
   fails changes nothing.

   dbt run-operation load_raw --target snowflake

   Arguments:
     folders (list of strings): tables whose Parquet files stand in a folder named like the table. #}
{% macro load_raw(folders=[]) %}
    {%- do clientele.set_session_parameters() -%}
    {%- set raw = api.Relation.create(database=env_var('RAW_DATABASE', 'RAW'), schema=env_var('RAW_SCHEMA', 'SHOP')) -%}
    {%- if not adapter.check_schema_exists(raw.database, raw.schema) -%}
        {%- do adapter.create_schema(raw) -%}
    {%- endif -%}
    {%- set schema = raw.database ~ "." ~ raw.schema -%}
    {%- set stage = schema ~ ".landing" -%}
    {%- set source = "file://" ~ env_var('CLIENTELE_RAW_DIR', 'sample').rstrip('/') -%}
    {%- do run_query("create or replace temporary stage " ~ stage) -%}
    {#- Matches .csv, .json, .jsonl and .parquet, compressed or not, in one transfer. -#}
    {%- do run_query("put '" ~ source ~ "/*.[cjp][sa][vor]*' @" ~ stage ~ " overwrite = true") -%}
    {%- for folder in folders -%}
        {%- do run_query("put '" ~ source ~ "/" ~ folder ~ "/*.parquet' @" ~ stage ~ "/" ~ folder ~ " overwrite = true") -%}
    {%- endfor -%}
    {%- set files = [] -%}
    {%- for name in clientele.query_column("list @" ~ stage) -%}
        {%- do files.append(name.split('/', 1)[1]) -%}
    {%- endfor -%}
    {%- set loaded = [] -%}
    {%- for table in clientele.raw_tables() -%}
        {%- set settings = (var('shop') or {}).get(table.name, {}) -%}
        {%- set name = settings.get('relation', table.name) -%}
        {%- set file = files | select('in', clientele.file_names(name)) | first | default(none) -%}
        {%- if file is none and name in folders -%}
            {%- set file = name ~ '/' -%}
        {%- endif -%}
        {#- Several tables of the contract may be taken from one file. -#}
        {%- if name in loaded -%}
        {%- elif file and name -%}
            {%- do loaded.append(name) -%}
            {%- set target = schema ~ "." ~ adapter.quote(name | upper) -%}
            {%- set rows = clientele.load_raw_file(target, schema, stage ~ "/" ~ file, settings) -%}
            {{ log(target ~ ": " ~ rows ~ " rows from " ~ file, info=true) }}
        {%- elif name and not table.config.meta.optional -%}
            {{ exceptions.raise_compiler_error("There is no " ~ name ~ ".csv, .json (JSON lines) or .parquet in "
                ~ env_var('CLIENTELE_RAW_DIR', 'sample') ~ ".") }}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{# The names that a table's file can have in the stage; PUT compresses what is not yet compressed. #}
{% macro file_names(name) %}
    {%- set names = [] -%}
    {%- for ending in ['csv', 'csv.gz', 'json.gz', 'jsonl.gz', 'parquet'] -%}
        {%- do names.append(name ~ '.' ~ ending) -%}
    {%- endfor -%}
    {{- return(names) -}}
{% endmacro %}

{# Load one file, or the Parquet files of a folder, into a table; returns its rows.

   Arguments:
     target (string): the table.
     schema (string): its schema, where the temporary objects go.
     location (string): the file in its stage.
     settings (mapping): the table's part of the var `shop`. #}
{% macro load_raw_file(target, schema, location, settings) %}
    {%- set format, lines = schema ~ ".landing_format", schema ~ ".landing_lines" -%}
    {%- set encoding = "encoding = '" ~ clientele.snowflake_encoding(settings.get('encoding', 'utf-8')) ~ "'" -%}
    {%- set text = "type = csv skip_blank_lines = true escape_unenclosed_field = none " ~ encoding -%}
    {%- set kind = 'csv' if '.csv' in location else 'json' if '.json' in location else 'parquet' -%}
    {%- if kind == 'csv' -%}
        {%- set text = text ~ " field_optionally_enclosed_by = '\"' field_delimiter = '" ~ settings.get('delimiter', ',') ~ "'" -%}
        {%- do clientele.create_format(format, text ~ " parse_header = true error_on_column_count_mismatch = false") -%}
        {%- set columns = clientele.infer_columns(location, format) -%}
        {%- do clientele.create_format(format, text ~ " skip_header = 1") -%}
    {%- elif kind == 'json' -%}
        {#- Each line as it stands: a line that is no JSON then stops no other. -#}
        {%- set columns = ['LINE'] -%}
        {%- do clientele.create_format(format, text ~ " field_delimiter = none") -%}
    {%- else -%}
        {%- do clientele.create_format(format, "type = parquet") -%}
        {%- set columns = clientele.infer_columns(location, format) -%}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for column in columns -%}
        {%- do names.append(adapter.quote(column)) -%}
    {%- endfor -%}
    {%- do run_query("create or replace temporary table " ~ lines ~ " (" ~ names | join(" varchar, ") ~ " varchar)") -%}
    {%- set from_stage = "@" ~ location -%}
    {%- if kind == 'parquet' -%}
        {%- set values = [] -%}
        {%- for column in columns -%}
            {%- do values.append("$1:" ~ adapter.quote(column) ~ "::varchar") -%}
        {%- endfor -%}
        {%- set from_stage = "(select " ~ values | join(", ") ~ " from " ~ from_stage ~ ")" -%}
    {%- endif -%}
    {%- do run_query("copy into " ~ lines ~ " from " ~ from_stage ~ " file_format = (format_name = " ~ format ~ ")"
        ~ (" on_error = continue" if kind != 'parquet')) -%}
    {%- if kind == 'json' -%}
        {%- do run_query("create or replace temporary table " ~ schema ~ ".landing_objects as"
            ~ " select line, case when typeof(try_parse_json(line)) = 'OBJECT' then try_parse_json(line) end as record from " ~ lines) -%}
        {%- set keys = clientele.query_column("select distinct fields.key from " ~ schema
            ~ ".landing_objects as objects, lateral flatten(input => objects.record) as fields order by 1") -%}
        {%- set names, values = [], [] -%}
        {%- for key in keys -%}
            {%- do names.append(adapter.quote(key)) -%}
            {%- do values.append("record:" ~ adapter.quote(key) ~ "::varchar as " ~ names[-1]) -%}
        {%- endfor -%}
        {%- set landed = "select " ~ values | join(", ") ~ ", case when record is null then line end as landing_record from "
            ~ schema ~ ".landing_objects" -%}
    {%- else -%}
        {%- set landed = "select " ~ names | join(", ") ~ ", cast(null as varchar) as landing_record from " ~ lines -%}
    {%- endif -%}
    {%- if kind != 'parquet' -%}
        {%- set landed = landed ~ " union all select " ~ (["null"] * names | length) | join(", ")
            ~ ", min(rejected_record) from table(validate(" ~ lines ~ ", job_id => '_last')) group by file, line" -%}
    {%- endif -%}
    {%- do run_query("create or replace transient table " ~ target ~ " as " ~ landed) -%}
    {{- return(clientele.query_column("select count(*) from " ~ target)[0]) -}}
{% endmacro %}

{# Create a temporary file format, in place of one of the same name. #}
{% macro create_format(name, options) %}
    {%- do run_query("create or replace temporary file format " ~ name ~ " " ~ options) -%}
{% endmacro %}

{# Names of the columns of staged files, as the files have them, in order. #}
{% macro infer_columns(location, format) %}
    {{- return(clientele.query_column("select column_name from table(infer_schema(location => '@" ~ location
        ~ "', file_format => '" ~ format ~ "')) group by 1 order by min(order_id)")) -}}
{% endmacro %}

{# Snowflake's name of a character set of the var `shop`. #}
{% macro snowflake_encoding(encoding) %}
    {{- return({'utf-8': 'UTF8', 'utf-16': 'UTF16', 'latin-1': 'ISO88591'}[encoding | lower]) -}}
{% endmacro %}
