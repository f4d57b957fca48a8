{# The steps of an export, by warehouse: on DuckDB files of a folder, on Snowflake those of a stage. #}

{# Where an export stands if nobody says otherwise.

   Arguments:
     mart (relation): a sales mart. #}
{% macro export_place(mart) %}
    {{- return(adapter.dispatch('export_place', 'clientele')(mart)) -}}
{% endmacro %}

{% macro default__export_place(mart) %}
    {{- return('exports') -}}
{% endmacro %}

{% macro snowflake__export_place(mart) %}
    {{- return(mart.database ~ '.' ~ mart.schema ~ '.exports') -}}
{% endmacro %}

{# Begin an export; returns the place to write into, which nobody reads yet.

   Arguments:
     place (string): where the export shall stand: a folder, or a stage with its schema. #}
{% macro begin_export(place) %}
    {{- return(adapter.dispatch('begin_export', 'clientele')(place)) -}}
{% endmacro %}

{% macro default__begin_export(place) %}
    {#- Rows in the order that they are selected in. -#}
    {%- do run_query("set preserve_insertion_order = true") -%}
    {{- return(run_query("select begin_export('" ~ place ~ "')").columns[0].values()[0]) -}}
{% endmacro %}

{% macro snowflake__begin_export(place) %}
    {%- do run_query("create stage if not exists " ~ place) -%}
    {{- return("@" ~ place ~ "/" ~ invocation_id) -}}
{% endmacro %}

{# Write the rows of a select.

   Arguments:
     sql (string): the select; of a partitioned table with the columns `year` and `month`.
     path (string): file to write, without its ending; of a partitioned table the folder.
     format (string): parquet, csv or json.
     is_partitioned (boolean): whether to write a folder per year and month. #}
{% macro write_export(sql, path, format, is_partitioned=false) %}
    {{- return(adapter.dispatch('write_export', 'clientele')(sql, path, format, is_partitioned)) -}}
{% endmacro %}

{% macro default__write_export(sql, path, format, is_partitioned) %}
    {%- set file = path if is_partitioned else path ~ '.' ~ {'json': 'jsonl'}.get(format, format) -%}
    {%- do run_query("select make_folders('" ~ file ~ "')") -%}
    {%- set options = {'csv': ', header true', 'parquet': ', compression zstd', 'json': ''}[format] -%}
    {%- do run_query("copy (" ~ sql ~ " order by all) to '" ~ file ~ "' (format " ~ format ~ options
        ~ (", partition_by (year, month)" if is_partitioned else "") ~ ")") -%}
{% endmacro %}

{% macro snowflake__write_export(sql, path, format, is_partitioned) %}
    {%- set options = {
        'csv': "(type = csv field_optionally_enclosed_by = '\"' empty_field_as_null = false null_if = () compression = none)",
        'parquet': '(type = parquet)',
        'json': '(type = json compression = none)',
    }[format] -%}
    {%- set rows = "select object_construct(*) from (" ~ sql ~ ")" if format == 'json' else sql -%}
    {%- do run_query("copy into " ~ path ~ "/ from (" ~ rows ~ ")"
        ~ (" partition by ('year=' || year || '/month=' || month)" if is_partitioned else "")
        ~ " file_format = " ~ options
        ~ ("" if format == 'json' else " header = true")) -%}
{% endmacro %}

{# Write a text.

   Arguments:
     text (string): what to write.
     path (string): the file. #}
{% macro write_export_text(text, path) %}
    {{- return(adapter.dispatch('write_export_text', 'clientele')(text, path)) -}}
{% endmacro %}

{% macro default__write_export_text(text, path) %}
    {%- do run_query("select write_text('" ~ path ~ "', '" ~ text.replace("'", "''") ~ "')") -%}
{% endmacro %}

{% macro snowflake__write_export_text(text, path) %}
    {%- do run_query("copy into " ~ path ~ " from (select '" ~ text.replace("\\", "\\\\").replace("'", "''") ~ "')"
        ~ " file_format = (type = csv field_delimiter = none record_delimiter = none compression = none) single = true") -%}
{% endmacro %}

{# Put a whole export in the place of the last one; returns where it stands.

   Arguments:
     place (string): as in begin_export. #}
{% macro publish_export(place) %}
    {{- return(adapter.dispatch('publish_export', 'clientele')(place)) -}}
{% endmacro %}

{% macro default__publish_export(place) %}
    {{- return(run_query("select publish_export('" ~ place ~ "')").columns[0].values()[0]) -}}
{% endmacro %}

{#- A stage renames nothing: each export has a folder of its own, and the file LATEST names the last whole one. Older
    ones go only then. -#}
{% macro snowflake__publish_export(place) %}
    {%- do run_query("copy into @" ~ place ~ "/LATEST from (select '" ~ invocation_id ~ "') file_format = (type = csv compression = none)"
        ~ " single = true overwrite = true") -%}
    {%- set files = run_query("list @" ~ place).columns[0].values() -%}
    {%- set folders = [] -%}
    {%- for file in files if file.split('/')[1:] | length > 1 -%}
        {%- do folders.append(file.split('/')[1]) -%}
    {%- endfor -%}
    {%- for folder in folders | unique if folder != invocation_id -%}
        {%- do run_query("remove @" ~ place ~ "/" ~ folder) -%}
    {%- endfor -%}
    {{- return("@" ~ place ~ "/" ~ invocation_id) -}}
{% endmacro %}
