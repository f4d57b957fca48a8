{# Records of staged Parquet files, as {sql, columns}: a select of the columns as text, `landing_record`
   and `landing_file`, and the columns' names. Files may have different columns.

   Parquet's own types are read (`use_logical_type`: without it timestamps arrive as numbers), each column
   in its type, and written out in forms that no setting of the account changes. The faster scanner takes
   text that is marked as bytes for bytes, so it is not used.

   Arguments: as of load_lines. #}
{% macro load_parquet(schema, location, relation, files) %}
    {%- set format, table = schema ~ ".landing_format", schema ~ ".landing_typed" -%}
    {%- do clientele.create_format(format, "type = parquet use_logical_type = true binary_as_text = true use_vectorized_scanner = false") -%}
    {%- set kinds, names = {}, files | map(attribute='name') | list -%}
    {%- for some in names | batch(1000) -%}
        {%- for row in run_query("select column_name, type, min(order_id) from table(infer_schema(location => '@" ~ location ~ "', files => ("
                ~ clientele.text_literals(some) ~ "), file_format => '" ~ format ~ "')) group by 1, 2 order by 3, 1, 2") -%}
            {%- set kind = modules.re.sub('^REAL$', 'DOUBLE', row[1]) -%}
            {#- A column whose type differs from file to file is read as text. -#}
            {%- do kinds.update({row[0]: kind if kinds.get(row[0], kind) == kind else 'VARCHAR'}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set typed, reads, values = [], [], [] -%}
    {%- for name, kind in kinds.items() -%}
        {%- set column = adapter.quote(name) -%}
        {%- do typed.append(column ~ " " ~ kind) -%}
        {%- do reads.append("$1:" ~ column ~ "::" ~ kind) -%}
        {%- do values.append(clientele.text_of_typed(column, kind) ~ " as " ~ column) -%}
    {%- endfor -%}
    {%- do run_query("create or replace temporary table " ~ table ~ " (" ~ (typed + ["landing_file varchar"]) | join(", ") ~ ")") -%}
    {%- for some in names | batch(1000) -%}
        {%- do run_query("copy into " ~ table ~ " from (select " ~ (reads + ["split_part(metadata$filename, '/', -1)"]) | join(", ") ~ " from @" ~ location
            ~ ") files = (" ~ clientele.text_literals(some) ~ ") file_format = (format_name = '" ~ format ~ "')") -%}
    {%- endfor -%}
    {{- return({'columns': kinds.keys() | list, 'sql': "select " ~ (values + ["cast(null as varchar) as landing_record",
        "landing_file"]) | join(", ") ~ " from " ~ table}) -}}
{% endmacro %}

{# A typed column as the text that DuckDB's reader gives.

   Arguments:
     column (string): the column.
     kind (string): its type. #}
{% macro text_of_typed(column, kind) %}
    {%- if kind.startswith('TIMESTAMP_NTZ') -%}
        {{- return("rtrim(rtrim(to_varchar(" ~ column ~ ", 'YYYY-MM-DD HH24:MI:SS.FF6'), '0'), '.')") -}}
    {%- elif kind.startswith('TIMESTAMP') -%}
        {{- return(clientele.text_of_typed("cast(convert_timezone('UTC', " ~ column ~ ") as timestamp_ntz)", 'TIMESTAMP_NTZ') ~ " || '+00'") -}}
    {%- elif kind == 'DATE' -%}
        {{- return("to_varchar(" ~ column ~ ", 'YYYY-MM-DD')") -}}
    {%- elif kind == 'DOUBLE' -%}
        {{- return("case when " ~ column ~ " = floor(" ~ column ~ ") and abs(" ~ column ~ ") < 1e15 then cast(cast(" ~ column
            ~ " as number(38, 0)) as varchar) else cast(" ~ column ~ " as varchar) end") -}}
    {%- elif kind.startswith('BINARY') -%}
        {{- return("to_varchar(" ~ column ~ ", 'utf-8')") -}}
    {%- elif kind in ['VARIANT', 'OBJECT', 'ARRAY'] -%}
        {{- return("to_json(" ~ column ~ ")") -}}
    {%- endif -%}
    {{- return("cast(" ~ column ~ " as varchar)") -}}
{% endmacro %}
