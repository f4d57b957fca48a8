{# DuckDB: how JSON files are read, as {relation, columns}, one object a line; plugins/raw_files.py has written
   other JSON so. Pass 1 finds the keys of all lines, in alphabetical order, pass 2 is the relation. Nested
   values stay JSON text; keys that differ in case only are one column. A line that is no object is malformed.

   Arguments:
     files (list of mappings): what open_file of plugins/raw_files.py gives, and `file`.
     copy (string): the table that what cannot be read in place is copied to.
     table (source node): the table that they are read for. #}
{% macro duckdb_json(files, copy, table) %}
    {%- set ns = namespace(paths=files | map(attribute='path') | list, is_copy=files | selectattr('is_copy') | list | length > 0) -%}
    {%- if not ns.is_copy -%}
        {%- do clientele.duckdb_read_lines("temporary table landing_scan",
            "case when ltrim(line) like '{%' and json_valid(line) then json_keys(line) end as keys, count(*) as line_count", ns.paths, condition="trim(line) != '' group by 1") -%}
        {%- set scan = run_query("select coalesce(sum(line_count), 0), count(*) filter (keys is null), (select count(*) from landing_rejects) from landing_scan").rows[0] -%}
        {%- set ns.paths = clientele.duckdb_readable(files, table, scan[0]) -%}
        {%- set ns.is_copy = scan[2] > 0 -%}
        {#- Where all lines are objects the relation need not look again. -#}
        {%- set object = "case when ltrim(line) like '{%' and json_valid(line) then line end" if scan[1] else "line" -%}
        {%- set source = "(select " ~ object ~ " as object, line from " ~ clientele.duckdb_lines(ns.paths) ~ " where trim(line) != '')" -%}
    {%- endif -%}
    {%- if ns.is_copy -%}
        {%- do clientele.duckdb_read_lines("table " ~ copy, "case when ltrim(line) like '{%' and json_valid(line) and not contains(line, '\ufdd0') then line end as object, replace(line, '\ufdd0', '\ufffd') as line", ns.paths, condition="trim(line) != ''") -%}
        {%- do run_query("insert into " ~ copy ~ " (line) select csv_line from landing_rejects") -%}
        {%- do run_query("create or replace temporary table landing_scan as select json_keys(object) as keys, count(*) as line_count from " ~ copy ~ " group by 1") -%}
        {%- set source = copy -%}
    {%- endif -%}
    {%- set columns = clientele.query_column("select distinct unnest(keys) as name from landing_scan order by lower(name), name") -%}
    {%- if not columns -%}
        {{ exceptions.raise_compiler_error("Raw table '" ~ table.name ~ "': " ~ files | map(attribute='file') | join(', ')
            ~ " holds no JSON object; it needs one a line, or an array of them.") }}
    {%- endif -%}
    {%- set pointers, places = [], {} -%}
    {%- for column in columns -%}
        {%- do pointers.append('/' ~ column.replace('~', '~0').replace('/', '~1')) -%}
        {%- do places.setdefault(column | lower, [column]).append('fields[' ~ loop.index ~ ']') -%}
    {%- endfor -%}
    {%- set relation -%}
        (select
            {% for place in places.values() -%}
            coalesce({{ place[1:] | join(', ') }}) as "{{ place[0].replace('"', '""') }}",
            {% endfor -%}
            case when object is null then line end as landing_record
        from (select object, line, json_extract_string(object, {{ clientele.duckdb_texts(pointers) }}) as fields from {{ source }} as objects) as records)
    {%- endset -%}
    {{- return({'relation': relation, 'columns': columns}) -}}
{% endmacro %}
