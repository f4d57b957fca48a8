{# Records of staged JSON files, as {sql, columns}: a select of the keys of all records as text,
   `landing_record` and `landing_file`, and the keys. A file holds one object a line, or an array in any
   layout; a line that is no object is malformed.

   Arguments: as of load_lines. #}
{% macro load_json(schema, location, relation, files) %}
    {%- set lines, records = schema ~ ".landing_lines", schema ~ ".landing_records" -%}
    {%- set arrays, by_line = [], [] -%}
    {%- for head in clientele.load_lines(schema, location, relation, files) -%}
        {%- set first = head.lines | map('trim') | select | first | default('{}') -%}
        {#- A long line was cut off. -#}
        {%- set is_object = first.startswith('{') and (fromjson(first, none) is mapping or first | length > 9000) -%}
        {%- do (by_line if is_object else arrays).append({'name': head.file, 'source': head.source}) -%}
    {%- endfor -%}
    {%- do run_query("create or replace temporary table " ~ records ~ " as select file as landing_file, case when not contains(line, '\ufdd0') then try_parse_json(trim(line, ' \t\ufeff')) end as record, line as text from "
        ~ lines ~ " where trim(line) != ''" ~ (" and file not in (" ~ clientele.text_literals(arrays | map(attribute='name')) ~ ")" if arrays)) -%}
    {%- if arrays -%}
        {%- do clientele.load_json_arrays(schema, location, relation, arrays) -%}
    {%- endif -%}
    {#- Keys that differ in case only are one column. -#}
    {%- set columns, selects = {}, [] -%}
    {%- for key in clientele.query_column("select distinct fields.key from " ~ records ~ " as records,"
            ~ " lateral flatten(input => case when typeof(records.record) = 'OBJECT' then records.record end) as fields order by lower(fields.key), fields.key") -%}
        {%- do columns.setdefault(key | lower, [key]).append("record:" ~ adapter.quote(key) ~ "::varchar") -%}
    {%- endfor -%}
    {%- for values in columns.values() -%}
        {%- do selects.append(("coalesce(" ~ values[1:] | join(", ") ~ ")" if values | length > 2 else values[1]) ~ " as " ~ adapter.quote(values[0])) -%}
    {%- endfor -%}
    {%- if not selects -%}
        {{ exceptions.raise_compiler_error(files | map(attribute='source') | join(', ') ~ " holds no JSON object; it needs one a line, or an array of them.") }}
    {%- endif -%}
    {{- return({'columns': columns.values() | map('first') | list, 'sql': "select " ~ selects | join(", ")
        ~ ", case when record is null then replace(text, '\ufdd0', '\ufffd') end as landing_record, landing_file"
        ~ " from (select landing_file, text, case when typeof(record) = 'OBJECT' then record end as record from " ~ records ~ ") as records"}) -}}
{% endmacro %}

{# Add the elements of JSON arrays to `landing_records`. An array with a comma at its end is read as if it had
   none, one that is broken otherwise line by line, each without the array's own signs; if most lines are no
   objects then, one sentence names the file.

   Arguments: as of load_lines. #}
{% macro load_json_arrays(schema, location, relation, files) %}
    {%- set format, elements, records = schema ~ ".landing_format", schema ~ ".landing_elements", schema ~ ".landing_records" -%}
    {%- set broken = {} -%}
    {%- if clientele.snowflake_encoding(relation) != 'UTF8' -%}
        {{ exceptions.raise_compiler_error(files[0].source ~ " is JSON but not one object a line: Snowflake reads that in UTF-8 only, not in `"
            ~ relation.encoding ~ "`; save it as UTF-8.") }}
    {%- endif -%}
    {%- do clientele.create_format(format, "type = json strip_outer_array = true") -%}
    {%- do run_query("create or replace temporary table " ~ elements ~ " (record variant, landing_file varchar)") -%}
    {%- for some in files | map(attribute='name') | batch(1000) -%}
        {%- for row in run_query("copy into " ~ elements ~ " from (select $1, split_part(metadata$filename, '/', -1) from @" ~ location ~ ") files = ("
                ~ clientele.text_literals(some) ~ ") file_format = (format_name = '" ~ format ~ "') on_error = skip_file") if row[5] -%}
            {%- do broken.update({row[0].rsplit('/', 1)[-1]: "line " ~ row[7] ~ ": " ~ row[6]}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do run_query("insert into " ~ records ~ " select landing_file, record, to_json(record) from " ~ elements) -%}
    {#- A comma before the array's end and nothing else wrong; a text of Snowflake's holds 16 MB at least. -#}
    {%- set wholes = schema ~ ".landing_wholes" -%}
    {%- if broken -%}
        {%- do run_query("create or replace temporary table " ~ wholes ~ " as select file as landing_file, try_parse_json(regexp_replace(trim("
            ~ dbt.listagg('line', "' '", 'order by line_number') ~ "), ',[ \t]*[]]$', ']')) as record from " ~ schema ~ ".landing_lines where file in ("
            ~ clientele.text_literals(broken) ~ ") group by 1 having sum(length(line) + 1) < 4000000") -%}
        {%- do run_query("insert into " ~ records ~ " select wholes.landing_file, elements.value, to_json(elements.value) from " ~ wholes
            ~ " as wholes, lateral flatten(input => wholes.record) as elements where typeof(wholes.record) = 'ARRAY'") -%}
        {%- for file in clientele.query_column("select landing_file from " ~ wholes ~ " where typeof(record) = 'ARRAY'") -%}
            {%- do broken.pop(file) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if broken -%}
        {%- set bare = "rtrim(ltrim(line, ' \t\ufeff['), ' \t,')" -%}
        {%- do run_query("create or replace temporary table " ~ elements ~ " as select file as landing_file, line, "
            ~ "coalesce(try_parse_json(" ~ bare ~ "), try_parse_json(rtrim(" ~ bare ~ ", ' \t],'))) as record from " ~ schema ~ ".landing_lines"
            ~ " where file in (" ~ clientele.text_literals(broken) ~ ") and " ~ bare ~ " not in ('', ']')") -%}
        {%- for row in run_query("select landing_file from " ~ elements ~ " group by 1 having 2 * count_if(typeof(record) = 'OBJECT') < count(*) order by 1") -%}
            {{ exceptions.raise_compiler_error((files | selectattr('name', 'equalto', row[0]) | map(attribute='source') | first)
                ~ " is neither one JSON object a line nor a JSON array: it breaks in " ~ broken[row[0]] ~ ".") }}
        {%- endfor -%}
        {%- do run_query("insert into " ~ records ~ " select landing_file, record, line from " ~ elements) -%}
    {%- endif -%}
{% endmacro %}
