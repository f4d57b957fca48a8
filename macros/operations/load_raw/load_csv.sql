{# Records of staged delimited files, as {sql, columns}: a select of the columns as text, `landing_record`
   and `landing_file`, and the columns' names. Files may have different headers: columns go by name.

   Arguments: as of load_lines. #}
{% macro load_csv(schema, location, relation, files) %}
    {%- set groups, ns = {}, namespace(columns={}) -%}
    {%- for head in clientele.load_lines(schema, location, relation, files) -%}
        {%- set header = clientele.csv_header(head, relation.delimiter) -%}
        {%- set key = [header.delimiter, header.line_count] + header.names -%}
        {%- do groups.setdefault(key | tojson, dict(header, files=[])).files.append(head.file) -%}
        {%- for name in header.names if name -%}
            {%- do ns.columns.setdefault(name | lower, name) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set selects = [] -%}
    {%- for header in groups.values() -%}
        {%- set lines = "(select file, line_number, line from " ~ schema ~ ".landing_lines where line_number > " ~ header.line_count
            ~ (" and file in (" ~ clientele.text_literals(header.files) ~ ")" if groups | length > 1) ~ ")" -%}
        {%- set own, fields, values = header.names | map('lower') | list, [], [] -%}
        {%- for name in own -%}
            {%- do fields.append('FIELD_' ~ loop.index) -%}
        {%- endfor -%}
        {%- for key, name in ns.columns.items() -%}
            {%- do values.append((fields[own.index(key)] if key in own else "cast(null as varchar)") ~ " as " ~ adapter.quote(name)) -%}
        {%- endfor -%}
        {%- do selects.append("select " ~ values | join(", ") ~ ", landing_record, landing_file from ("
            ~ clientele.csv_records(lines, header.delimiter, fields) ~ ") as records") -%}
    {%- endfor -%}
    {{- return({'sql': selects | join(" union all "), 'columns': ns.columns.values() | list}) -}}
{% endmacro %}

{# The header of a delimited file, as {names, line_count, delimiter}: the columns' names, of which one that
   stands again is followed by its number (`email (2)`); the lines up to the header's end; the delimiter,
   which Excel's line `sep=;` may set. Raises one sentence for a header that is none.

   Arguments:
     head (mapping): {source, lines}, the file's name and first lines.
     delimiter (string): as the mapping says. #}
{% macro csv_header(head, delimiter) %}
    {%- set ns = namespace(delimiter=delimiter, text='', line_count=0, is_read=false) -%}
    {%- for line in head.lines if not ns.is_read -%}
        {%- set ns.line_count = loop.index -%}
        {%- if loop.first and modules.re.fullmatch('(?i)sep=.', line) -%}
            {%- set ns.delimiter = line[4] -%}
        {%- elif ns.text or line | trim -%}
            {%- set ns.text = ns.text ~ '\n' ~ line if ns.text else line -%}
            {%- set ns.is_read = ns.text.count('"') % 2 == 0 -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set cut = '[' ~ ns.delimiter ~ ']' -%}
    {%- set field = '( *"(?:[^"]|"")*" *|[^"' ~ ns.delimiter ~ ']*)' -%}
    {%- set place = " (line " ~ ns.line_count ~ ")" -%}
    {%- if not ns.text -%}
        {{ exceptions.raise_compiler_error(head.source ~ " is empty; it needs a header line with the columns' names.") }}
    {%- endif -%}
    {%- for other in [',', ';', '\t', '|'] if ns.delimiter not in ns.text and other in ns.text -%}
        {{ exceptions.raise_compiler_error(head.source ~ " has one column in its header" ~ place ~ ", `" ~ ns.text[:200] ~ "`, when cut at `"
            ~ ns.delimiter ~ "`; its delimiter seems to be another: say `delimiter: \"" ~ (other | replace('\t', '\\t')) ~ "\"` in the table's mapping.") }}
    {%- endfor -%}
    {%- if not ns.is_read or not modules.re.fullmatch(field ~ '(' ~ cut ~ field ~ ')*', ns.text) -%}
        {{ exceptions.raise_compiler_error(head.source ~ " has a header" ~ place ~ " with a quote that is never closed; close it.") }}
    {%- elif '\ufdd0' in ns.text -%}
        {{ exceptions.raise_compiler_error(head.source ~ " has a header" ~ place ~ " with bytes that are not of its encoding; "
            ~ "name the right one in the table's mapping (`encoding: cp1252` for what Excel on Windows saves).") }}
    {%- endif -%}
    {%- set names, seen, words = [], {}, [] -%}
    {%- for found in modules.re.findall(cut ~ field, ns.delimiter ~ ns.text) -%}
        {%- set name = found | trim -%}
        {%- set name = (name[1:-1].replace('""', '"') if name.startswith('"') else name) | trim -%}
        {%- do words.append(name) if modules.re.search('[^\\W\\d_]', name) -%}
        {%- set count = seen.get(name | lower, 0) + 1 -%}
        {%- do seen.update({name | lower: count}) -%}
        {%- do names.append(name ~ (' (' ~ count ~ ')' if name and count > 1 else '')) -%}
    {%- endfor -%}
    {%- if 2 * words | length < names | length -%}
        {{ exceptions.raise_compiler_error(head.source ~ " has no header: line " ~ ns.line_count ~ " holds values (`" ~ ns.text[:200]
            ~ "`), not the columns' names; put them above it.") }}
    {%- endif -%}
    {{- return({'names': names, 'line_count': ns.line_count, 'delimiter': ns.delimiter}) -}}
{% endmacro %}
