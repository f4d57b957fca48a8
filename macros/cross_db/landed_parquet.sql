{# DuckDB: how Parquet files are read, as {relation, columns}, columns by name. Whole numbers that are stored as
   doubles, as pandas does with a column that lacks some, are whole numbers again; binary that is text is text;
   nested values are JSON.

   Arguments:
     files (list of mappings): what open_file of plugins/raw_files.py gives, and `file`.
     copy (string): unused: Parquet is read in place.
     table (source node): the table that they are read for. #}
{% macro duckdb_parquet(files, copy, table) %}
    {%- set reader = "read_parquet(" ~ clientele.duckdb_texts(files | map(attribute='path')) ~ ", union_by_name = true)" -%}
    {%- set columns, ns = [], namespace(selected=[]) -%}
    {%- for row in run_query("describe select * from " ~ reader).rows -%}
        {%- set name, type = '"' ~ row[0].replace('"', '""') ~ '"', row[1] -%}
        {%- do columns.append(row[0]) -%}
        {%- set text = "cast(" ~ name ~ " as varchar)" -%}
        {%- if type in ('DOUBLE', 'FLOAT') -%}
            {%- set text = "coalesce(case when " ~ name ~ " = trunc(" ~ name ~ ") then cast(try_cast(" ~ name ~ " as hugeint) as varchar) end, " ~ text ~ ")" -%}
        {%- elif type == 'BLOB' -%}
            {%- set text = "coalesce(try(decode(" ~ name ~ ")), " ~ text ~ ")" -%}
        {%- elif type.endswith(']') or type.startswith(('STRUCT', 'MAP')) -%}
            {%- set text = "cast(to_json(" ~ name ~ ") as varchar)" -%}
        {%- endif -%}
        {%- do ns.selected.append(text ~ " as " ~ name) -%}
    {%- endfor -%}
    {{- return({'relation': "(select " ~ ns.selected | join(', ') ~ ", cast(null as varchar) as landing_record from " ~ reader ~ ")", 'columns': columns}) -}}
{% endmacro %}
