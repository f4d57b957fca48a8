{# Load the raw files of CLIENTELE_RAW_DIR (default `sample`) into RAW_DATABASE.RAW_SCHEMA: one table per
   relation that the shop's mapping names, every column text, a malformed line's text in `landing_record`.

   dbt run-operation load_raw --target snowflake
   dbt run-operation load_raw --target snowflake --args '{full: true}'

   Afterwards a table holds what its files hold, as on DuckDB. A file whose present content the table has
   already (`landing_file`, `landing_key`) is not read again; of a file with new content the former rows
   go, and so do those of a file that is gone. All files are read before any table changes, so a load
   that fails changes nothing.

   Arguments:
     full (boolean): read all files again and replace each table by one statement.
     folders (list of strings): relations whose files stand in a folder of that name.
     files (string): which files beside the folders to send; the wildcards * and ?.
     keep_files (boolean): keep the rows of files that are gone, for folders that are cleared once loaded.
     resend (boolean): false sends only files whose names are not staged yet, for folders of large files
       that never change. #}
{% macro load_raw(full=false, folders=[], files='*.*', keep_files=false, resend=true) %}
    {%- do clientele.set_session_parameters() -%}
    {%- set raw = api.Relation.create(database=env_var('RAW_DATABASE', 'RAW'), schema=env_var('RAW_SCHEMA', 'SHOP')) -%}
    {%- if not adapter.check_schema_exists(raw.database, raw.schema) -%}
        {%- do adapter.create_schema(raw) -%}
    {%- endif -%}
    {%- set schema = raw.database ~ "." ~ raw.schema -%}
    {%- set stage = schema ~ ".landing" -%}
    {#- With Snowflake's default the client encrypts each time by another key: a file sent again would look new. -#}
    {%- do run_query("create stage if not exists " ~ stage ~ " encryption = (type = 'SNOWFLAKE_SSE')") -%}
    {%- set plans = [] -%}
    {%- for relation in clientele.stage_relations(stage, clientele.landed_relations(folders), files, resend) -%}
        {%- set plan = clientele.load_plan(schema, relation, full, keep_files) -%}
        {%- if plan.files -%}
            {%- do plan.update(clientele.read_staged_files(schema, stage, plan)) -%}
        {%- endif -%}
        {%- do plans.append(plan) if plan.files or plan.kept or plan.gone -%}
    {%- endfor -%}
    {%- for plan in plans -%}
        {%- do clientele.replace_landed_rows(plan) -%}
        {%- if plan.files or plan.kept -%}
            {{ log(plan.target ~ ": " ~ clientele.query_column("select count(*) from " ~ plan.target)[0] ~ " rows; read "
                ~ (plan.files | map(attribute='source') | join(', ') or "nothing, since nothing is new"), info=true) }}
        {%- else -%}
            {{ log(plan.target ~ " dropped: its files are gone", info=true) }}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{# The relations that the shop's mapping names, once each, as a list of {name, identifier, folder,
   wildcard, optional, delimiter, encoding}: `folder` in the stage, `wildcard` of the files that PUT
   sends there, none for a single file in the folder of raw files.

   Arguments:
     folders (list of strings): relations whose files stand in a folder of that name. #}
{% macro landed_relations(folders) %}
    {%- set relations = {} -%}
    {%- for table in clientele.raw_tables() -%}
        {%- for part in clientele.mapping_relations(table.name, clientele.shop_mapping().get(table.name) or {}) if not clientele.is_table_name(part.name) -%}
            {%- set name, own = part.name, part.settings -%}
            {%- set identifier = clientele.landed_identifier(name) -%}
            {%- set found = {'name': name, 'identifier': identifier, 'folder': identifier, 'wildcard': none,
                'optional': table.config.meta.optional, 'delimiter': own.get('delimiter', ',').replace('\\t', '\t'), 'encoding': own.get('encoding', 'utf-8')} -%}
            {%- if '*' in name or '?' in name -%}
                {%- do found.update({'wildcard': name}) -%}
            {%- elif name in folders or name.endswith('/') -%}
                {%- do found.update({'wildcard': name.rstrip('/') ~ '/*.*'}) -%}
            {%- elif '/' in name -%}
                {%- do found.update({'wildcard': name if clientele.raw_format(name) else name ~ '.*'}) -%}
            {%- else -%}
                {%- do found.update({'folder': 'files'}) -%}
            {%- endif -%}
            {%- if '*' in name.rpartition('/')[0] or '?' in name.rpartition('/')[0] -%}
                {{ exceptions.raise_compiler_error("The shop's mapping of '" ~ table.name ~ "' names " ~ name
                    ~ ": Snowflake's PUT takes * and ? in a file's name only, not in a folder's.") }}
            {%- endif -%}
            {%- if found.delimiter | length != 1 or found.delimiter in '"\'\\^]\n\r' -%}
                {{ exceptions.raise_compiler_error("The delimiter of '" ~ table.name ~ "' in the shop's mapping must be one character such as , ; | or \\t, not `"
                    ~ found.delimiter ~ "`.") }}
            {%- endif -%}
            {%- set known = relations.get(identifier, found) -%}
            {%- if (known.name, known.delimiter, known.encoding) != (found.name, found.delimiter, found.encoding) -%}
                {{ exceptions.raise_compiler_error("The shop's mapping reads " ~ found.name ~ " in two ways (" ~ known.name ~ " with delimiter "
                    ~ known.delimiter ~ " and encoding " ~ known.encoding ~ ", and " ~ found.delimiter ~ " and " ~ found.encoding
                    ~ "); on Snowflake a file lands in one way: let all tables name the same.") }}
            {%- endif -%}
            {%- do relations.update({identifier: dict(found, optional=known.optional and found.optional)}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(relations.values() | list) -}}
{% endmacro %}

{# Whether a relation's name is that of a table in the account, such as `raw.shop.orders`: it needs no loading. #}
{% macro is_table_name(name) %}
    {{- return(modules.re.fullmatch('([\\w$]+|"[^"]+")([.]([\\w$]+|"[^"]+")){1,2}', name) is not none and not clientele.raw_format(name)) -}}
{% endmacro %}

{# What is to be done for a relation: {relation, target, files, keys, kept, gone}. `files` are those to
   read, `keys` what tells their content and how it is read, `kept` the files whose rows stay.

   Arguments:
     schema (string): where raw tables stand.
     relation (mapping): as stage_relations gives it.
     full (boolean): read all files again.
     keep_files (boolean): keep the rows of files that are gone. #}
{% macro load_plan(schema, relation, full, keep_files) %}
    {%- set database, name = schema.split('.') -%}
    {%- set landed = adapter.get_relation(database=database, schema=name, identifier=relation.identifier) -%}
    {%- set present = adapter.get_columns_in_relation(landed) | map(attribute='name') | list if landed else [] -%}
    {%- set held = {} -%}
    {%- if 'LANDING_KEY' in present -%}
        {%- for row in run_query("select landing_file, max(landing_key) from " ~ landed ~ " group by 1") -%}
            {%- do held.update({row[0]: row[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set plan = {'relation': relation, 'target': schema ~ "." ~ adapter.quote(relation.identifier), 'columns': present,
        'files': [], 'keys': {}, 'kept': [], 'gone': []} -%}
    {%- set names = relation.files | map(attribute='name') | list -%}
    {%- for file in relation.files -%}
        {%- set key = [file.md5, relation.delimiter, relation.encoding] | join(' ') -%}
        {#- Some clouds give no hash: such a file is read every time. -#}
        {%- if full or not file.md5 or held.get(file.name) != key -%}
            {%- do plan.files.append(file) -%}
            {%- do plan['keys'].update({file.name: key}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in held if name not in plan['keys'] -%}
        {%- do plan['kept' if keep_files or name in names else 'gone'].append(name) -%}
    {%- endfor -%}
    {{- return(plan) -}}
{% endmacro %}

{# Read a plan's staged files into a temporary table, by their format; returns {rows, new_columns}: the
   table, and its columns as the files have them.

   Arguments:
     schema (string): where temporary tables go.
     stage (string): the stage.
     plan (mapping): as load_plan gives it. #}
{% macro read_staged_files(schema, stage, plan) %}
    {%- set location = stage ~ "/" ~ plan.relation.folder ~ "/" -%}
    {%- set load = {'csv': clientele.load_csv, 'json': clientele.load_json, 'parquet': clientele.load_parquet}[plan.relation.format] -%}
    {%- set landed = load(schema, location, plan.relation, plan.files) -%}
    {%- set keys = [] -%}
    {%- for file, key in plan['keys'].items() -%}
        {%- do keys.append("(" ~ clientele.text_literal(file) ~ ", " ~ clientele.text_literal(key) ~ ")") -%}
    {%- endfor -%}
    {%- set rows = schema ~ ".landing_" ~ plan.relation.identifier -%}
    {%- do run_query("create or replace temporary table " ~ rows ~ " as select landed.*, read_files.landing_key from (" ~ landed.sql
        ~ ") as landed inner join (values " ~ keys | join(", ") ~ ") as read_files (landing_file, landing_key)"
        ~ " on landed.landing_file = read_files.landing_file") -%}
    {{- return({'rows': rows, 'new_columns': landed.columns}) -}}
{% endmacro %}

{# Bring what was read into the landed table: by one statement where no former row stays, else by one
   transaction that takes the rows of changed and of vanished files out and puts the new ones in.

   Arguments:
     plan (mapping): as load_plan and read_staged_files give it. #}
{% macro replace_landed_rows(plan) %}
    {%- set gone = plan.gone + plan['keys'].keys() | list -%}
    {%- if plan.files and not plan.kept -%}
        {%- do run_query("create or replace transient table " ~ plan.target ~ " as select * from " ~ plan.rows) -%}
    {%- elif not plan.kept -%}
        {%- do run_query("drop table " ~ plan.target) -%}
    {%- elif gone -%}
        {%- set statements = ["delete from " ~ plan.target ~ " where landing_file in (" ~ clientele.text_literals(gone) ~ ")"] -%}
        {%- if plan.files -%}
            {%- set present, names, values = {}, [], [] -%}
            {%- for column in plan['columns'] -%}
                {%- do present.update({column | lower: column}) -%}
            {%- endfor -%}
            {%- for column in plan.new_columns + ['LANDING_RECORD', 'LANDING_FILE', 'LANDING_KEY'] -%}
                {%- if column | lower not in present -%}
                    {%- do run_query("alter table " ~ plan.target ~ " add column " ~ adapter.quote(column) ~ " varchar") -%}
                {%- endif -%}
                {%- do names.append(adapter.quote(present.get(column | lower, column))) -%}
                {%- do values.append(adapter.quote(column)) -%}
            {%- endfor -%}
            {%- do statements.append("insert into " ~ plan.target ~ " (" ~ names | join(", ") ~ ") select " ~ values | join(", ") ~ " from " ~ plan.rows) -%}
        {%- endif -%}
        {%- do run_query("begin;\n" ~ statements | join(";\n") ~ ";\ncommit;") -%}
    {%- endif -%}
{% endmacro %}
