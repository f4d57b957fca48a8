{# DuckDB: how delimited files are read, as {relation, columns}. Columns go by name: a file may lack some.
   Of names that stand twice, or differ in case only, the first is taken.

   Arguments:
     files (list of mappings): what open_file of plugins/raw_files.py gives, and `file`.
     copy (string): the table that what cannot be read in place is copied to.
     table (source node): the table that they are read for. #}
{% macro duckdb_csv(files, copy, table) %}
    {#- Files with one header, and one kind of line ends, are read together. -#}
    {%- set groups, columns = {}, [] -%}
    {%- for file in files -%}
        {%- do groups.setdefault([file.names, file.delimiter, file.header_lines, file.line_end, file.is_copy] | string, []).append(file) -%}
        {%- for name in file.names -%}
            {%- if file.names[:loop.index].count(name) > columns.count(name) -%}
                {%- do columns.append(name) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set relations = [] -%}
    {%- for group in groups.values() -%}
        {%- set own_names, fields, ns = group[0].names | map('lower') | list, [], namespace(selected=[]) -%}
        {%- for name in own_names -%}
            {%- do fields.append('field_' ~ loop.index) -%}
        {%- endfor -%}
        {%- for name in columns | select | unique -%}
            {%- set field = fields[own_names.index(name | lower)] if name | lower in own_names else "cast(null as varchar)" -%}
            {%- do ns.selected.append(field ~ ' as "' ~ name.replace('"', '""') ~ '"') -%}
        {%- endfor -%}
        {%- set group_copy = copy[:-1] ~ ('_' ~ loop.index if not loop.first) ~ '"' -%}
        {%- do relations.append("select " ~ ns.selected | join(', ') ~ ", landing_record from "
            ~ clientele.duckdb_csv_fields(group, fields, group_copy, table) ~ " as records") -%}
    {%- endfor -%}
    {{- return({'relation': "(" ~ relations | join(" union all ") ~ ")", 'columns': columns}) -}}
{% endmacro %}

{# SQL to read the fields, and `landing_record`, of files with one header from. Pass 1 reads the lines as they
   are and looks whether each, or a few together, are a well-formed record. If so, and all lines end alike,
   DuckDB's own reader cannot go astray: it is pass 2. Else pass 2 copies records and malformed lines.

   Arguments:
     files (list of mappings), copy (string), table (source node): see duckdb_csv.
     fields (list of strings): names for the fields. #}
{% macro duckdb_csv_fields(files, fields, copy, table) %}
    {%- set first, ns = files[0], namespace(paths=files | map(attribute='path') | list) -%}
    {%- set record = clientele.csv_pattern(first.delimiter, fields | length) -%}
    {%- if not first.is_copy -%}
        {#- Nothing but its place is kept of a line that is a record. -#}
        {%- do clientele.duckdb_read_lines("temporary table landing_scan",
            "file, case when not " ~ clientele.full_match("coalesce(line, '')", record) ~ " then coalesce(line, '') end as line", ns.paths, "\\n") -%}
        {%- set is_crlf = first.line_end == '\r\n' -%}
        {%- set scan = run_query("select count(*) filter (line is distinct from ''), bool_and(coalesce(line = '', false) = (rowid % 2 = 1)),"
            ~ " coalesce(max(strlen(line)), 0), (select count(*) from landing_rejects) from landing_scan").rows[0] -%}
        {%- set ns.paths = clientele.duckdb_readable(files, table, scan[0]) -%}
        {#- The longest record that csv_records makes is then within the 2 MB that DuckDB allows for one. -#}
        {%- if (scan[1] or not is_crlf) and scan[2] < 20000 and not scan[3] and first.header_lines == 1 and fields | length > 1
            and clientele.duckdb_lines_make_records(record, is_crlf) -%}
            {%- set types = [] -%}
            {%- for field in fields -%}
                {%- do types.append("'" ~ field ~ "': 'VARCHAR'") -%}
            {%- endfor -%}
            {{- return("(select *, cast(null as varchar) as landing_record from read_csv(" ~ clientele.duckdb_texts(ns.paths)
                ~ ", auto_detect = false, header = true, delim = '" ~ first.delimiter ~ "', quote = '\"', escape = '\"', columns = {"
                ~ types | join(', ') ~ "}))") -}}
        {%- endif -%}
    {%- endif -%}
    {%- do clientele.duckdb_read_lines("temporary table landing_scan", "file, line", ns.paths) -%}
    {%- set lines -%}
        (select landing_scan.file, landing_scan.rowid - starts.first_row as line_number, landing_scan.line
        from landing_scan
        inner join (select file, min(rowid) as first_row from landing_scan group by 1) as starts on landing_scan.file = starts.file
        where landing_scan.rowid - starts.first_row >= {{ first.header_lines }})
    {%- endset -%}
    {%- do run_query("create or replace table " ~ copy ~ " as " ~ clientele.csv_records(lines, first.delimiter, fields)) -%}
    {%- do run_query("insert into " ~ copy ~ " (landing_record) select csv_line from landing_rejects") -%}
    {%- do run_query("drop table landing_scan") -%}
    {{- return(copy) -}}
{% endmacro %}

{# Whether all lines that pass 1 has kept are the lines of records of several lines each: from one with an odd
   number of quotes to the next such line, none missing, of as many lines at most as csv_records puts together, and
   well-formed (see there).

   Arguments:
     record (string): the pattern of a record.
     is_crlf (boolean): whether an empty line follows each line, and is none. #}
{% macro duckdb_lines_make_records(record, is_crlf) %}
    {%- set query -%}
        with lines as (
            select
                file,
                line,
                rowid{{ ' // 2' if is_crlf }} as line_number,
                coalesce(sum((strlen(line) - strlen(replace(line, '"', ''))) % 2)
                    over (partition by file order by rowid rows between unbounded preceding and 1 preceding), 0)::bigint as quotes_before
            from landing_scan
            where line {{ "!= ''" if is_crlf else 'is not null' }}
        ),

        records as (
            select
                max(line_number) - min(line_number) = count(*) - 1 and count(*) <= 100 as is_whole,
                string_agg(line, '{{ '\n' }}' order by line_number) as record
            from lines
            group by file, quotes_before // 2
        )

        select coalesce(bool_and(is_whole and {{ clientele.full_match('record', record) }}), true) from records
    {%- endset -%}
    {{- return(clientele.query_column(query)[0]) -}}
{% endmacro %}
