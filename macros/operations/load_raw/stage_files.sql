{# Send the files of relations to the stage; returns the relations, each with `format` and
   `files`, a list of {name, source, md5}: name in the stage, name here, hash of the content; none for an
   optional table that the shop does not have. Raises one sentence naming what is missing or claimed twice.

   Arguments:
     stage (string): the stage.
     relations (list of mappings): as landed_relations gives them.
     files (string): wildcard of the single files.
     resend (boolean): whether to send files whose names are staged already. #}
{% macro stage_relations(stage, relations, files, resend) %}
    {%- set raw_folder = clientele.absolute_raw_folder() -%}
    {%- set sent, found = {}, [] -%}
    {%- for relation in relations if relation.folder not in sent -%}
        {%- set path = raw_folder ~ '/' ~ (relation.wildcard or files) -%}
        {%- do sent.update({relation.folder: run_query("put 'file://" ~ path.replace("\\", "\\\\").replace("'", "\\'") ~ "' @" ~ stage ~ "/" ~ relation.folder
            ~ " parallel = 16 auto_compress = true overwrite = " ~ (resend | lower))}) -%}
    {%- endfor -%}
    {%- set hashes, unused = {}, [] -%}
    {%- for row in run_query("list @" ~ stage) -%}
        {%- do hashes.update({row[0].split('/', 1)[1]: row[2]}) -%}
    {%- endfor -%}
    {%- for relation in relations -%}
        {%- set staged, formats = {}, [] -%}
        {%- for row in sent.get(relation.folder, []) -%}
            {%- set source, target, format = row[0], row[1], clientele.raw_format(row[0]) -%}
            {%- set bare = clientele.without_ending(source) -%}
            {%- if format and (relation.wildcard or relation.name in (source, bare, source.removesuffix('.gz'))) -%}
                {%- if target in staged or (staged and relation.folder == 'files') -%}
                    {{ exceptions.raise_compiler_error(([source] + (staged.values() | map(attribute='source') | list)) | sort | join(' and ')
                        ~ " in " ~ raw_folder ~ " both claim to be " ~ relation.name ~ "; keep one of them.") }}
                {%- endif -%}
                {%- do formats.append(format) if format not in formats -%}
                {%- do staged.update({target: {'name': target, 'source': source, 'md5': hashes.get(relation.folder ~ '/' ~ target)}}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if formats | length > 1 -%}
            {{ exceptions.raise_compiler_error(raw_folder ~ '/' ~ relation.wildcard ~ " has files of several formats (" ~ formats | sort | join(', ')
                ~ "); keep those of one.") }}
        {%- elif staged or relation.optional -%}
            {%- do found.append(dict(relation, format=formats | first, files=staged.values() | sort(attribute='name') | list)) -%}
        {%- else -%}
            {{ exceptions.raise_compiler_error("There is no " ~ relation.name ~ ".csv, .json, .jsonl, .ndjson or .parquet in " ~ raw_folder
                ~ "; put it there, or say `relation: " ~ relation.name ~ "/` if it is a folder.") }}
        {%- endif -%}
    {%- endfor -%}
    {#- What else was in the folder need not stay in the account. -#}
    {%- set used = found | map(attribute='files') | sum(start=[]) | map(attribute='source') | list -%}
    {%- for row in sent.get('files', []) if row[0] not in used -%}
        {%- do unused.append(modules.re.escape(row[1])) -%}
    {%- endfor -%}
    {%- if unused -%}
        {%- do run_query("remove @" ~ stage ~ "/files/ pattern = " ~ clientele.text_literal(".*/(" ~ unused | join("|") ~ ")")) -%}
    {%- endif -%}
    {{- return(found) -}}
{% endmacro %}

{# The folder of raw files as an absolute path, which is what PUT takes; a relative one stands in the
   project's folder. Raises one sentence for a folder whose name PUT would take for a wildcard. #}
{% macro absolute_raw_folder() %}
    {%- set ns = namespace(folder=env_var('CLIENTELE_RAW_DIR', 'sample').rstrip('/')) -%}
    {%- for base in [invocation_args_dict.project_dir | string, env_var('PWD', '')] if not modules.re.match('/|[A-Za-z]:', ns.folder) -%}
        {%- set ns.folder = base ~ '/' ~ ns.folder -%}
    {%- endfor -%}
    {%- if modules.re.search('[*?]|\\[|\\]', ns.folder) -%}
        {{ exceptions.raise_compiler_error("Snowflake's PUT takes the signs * ? [ ] in " ~ ns.folder
            ~ " for wildcards: rename the folder of CLIENTELE_RAW_DIR.") }}
    {%- endif -%}
    {{- return(ns.folder) -}}
{% endmacro %}

{# Format of a raw file by its ending: csv, json or parquet; none for any other file. #}
{% macro raw_format(file) %}
    {%- set found = modules.re.search('[.](csv|json|jsonl|ndjson|parquet)([.]gz)?$', file | lower) -%}
    {%- if not found or (found.group(1) == 'parquet' and found.group(2)) -%} {{- return(none) -}} {%- endif -%}
    {{- return({'csv': 'csv', 'parquet': 'parquet'}.get(found.group(1), 'json')) -}}
{% endmacro %}

{# A raw file's name without the ending that says its format. #}
{% macro without_ending(file) %}
    {{- return(modules.re.sub('[.](csv|json|jsonl|ndjson|parquet)([.]gz)?$', '', file, flags=modules.re.I)) -}}
{% endmacro %}

{# A text as a literal of SQL; a backslash escapes on Snowflake. #}
{% macro text_literal(text) %}
    {{- return("'" ~ text.replace("\\", "\\\\").replace("'", "''") ~ "'") -}}
{% endmacro %}

{# Texts as literals of SQL, with commas between. #}
{% macro text_literals(texts) %}
    {%- set literals = [] -%}
    {%- for text in texts -%}
        {%- do literals.append(clientele.text_literal(text)) -%}
    {%- endfor -%}
    {{- return(literals | join(", ")) -}}
{% endmacro %}

{# The table that a relation lands in: its name in upper case, other signs than letters and digits as _. #}
{% macro landed_identifier(name) %}
    {{- return(modules.re.sub('[^A-Z0-9_$]+', '_', name | upper).strip('_')) -}}
{% endmacro %}

{# Create a temporary file format, in place of one of the same name. #}
{% macro create_format(name, options) %}
    {%- do run_query("create or replace temporary file format " ~ name ~ " " ~ options) -%}
{% endmacro %}
