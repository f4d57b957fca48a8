{# Read the lines of staged text files into the temporary table `landing_lines` (file, line_number, line);
   returns the beginnings of the files, a list of {file, source, lines}.

   A byte that is not of the encoding makes its line hold U+FDD0, which csv_records takes for malformed.

   Arguments:
     schema (string): where the table goes.
     location (string): the folder in the stage.
     relation (mapping): as landed_relations gives it.
     files (list of mappings): as load_plan gives them. #}
{% macro load_lines(schema, location, relation, files) %}
    {%- set lines, encoding = schema ~ ".landing_lines", clientele.snowflake_encoding(relation) -%}
    {%- set unreadable = clientele.copy_lines(lines, location, files | map(attribute='name') | list, encoding, false) -%}
    {%- if unreadable -%}
        {#- Read again with a sign in place of the bytes; a line that holds the sign of its own was read already. -#}
        {%- set marked = schema ~ ".landing_marked_lines" -%}
        {%- do clientele.copy_lines(marked, location, unreadable, encoding, true) -%}
        {%- set in_unreadable = "file in (" ~ clientele.text_literals(unreadable) ~ ")" -%}
        {%- do run_query("create or replace temporary table " ~ lines ~ " as"
            ~ " select file, line_number, line from " ~ lines ~ " where not " ~ in_unreadable
            ~ " union all select marked.file, marked.line_number,"
            ~ " case when readable.line is null then replace(marked.line, '\ufffd', '\ufdd0') else marked.line end as line"
            ~ " from " ~ marked ~ " as marked left join (select distinct file, line from " ~ lines ~ " where " ~ in_unreadable
            ~ " and contains(line, '\ufffd')) as readable on marked.file = readable.file and marked.line = readable.line") -%}
    {%- endif -%}
    {%- set heads = [] -%}
    {%- for row in run_query("select file, line_number, left(line, 10000) from " ~ lines ~ " where line_number <= 20 order by 1, 2") -%}
        {%- if not heads or heads[-1].file != row[0] -%}
            {%- set source = files | selectattr('name', 'equalto', row[0]) | map(attribute='source') | first -%}
            {%- do heads.append({'file': row[0], 'source': source, 'lines': []}) -%}
        {%- endif -%}
        {%- do heads[-1].lines.append((row[2] or '').replace('\ufeff', '')) -%}
        {%- if '\x00' in heads[-1].lines[-1] -%}
            {{ exceptions.raise_compiler_error(heads[-1].source ~ " is UTF-16; say `encoding: utf-16` in the table's mapping.") }}
        {%- endif -%}
    {%- endfor -%}
    {%- if unreadable -%}
        {%- for row in run_query("select file, min(case when contains(line, '\ufdd0') then line_number end) from " ~ lines
                ~ " group by 1 having 10 * count_if(contains(line, '\ufdd0')) > count_if(line != '') order by 1") -%}
            {{ exceptions.raise_compiler_error((files | selectattr('name', 'equalto', row[0]) | map(attribute='source') | first) ~ " is not " ~ relation.encoding
                ~ ": line " ~ row[1] ~ " and more than a tenth of all hold bytes that are no characters of it; name the encoding in the"
                ~ " table's mapping (`encoding: cp1252` for what Excel on Windows saves).") }}
        {%- endfor -%}
    {%- endif -%}
    {{- return(heads) -}}
{% endmacro %}

{# Copy the lines of staged files into a new temporary table (file, line_number, line), all files in
   parallel; returns the files with lines that were left out, when bytes that are not of the encoding are
   not to be replaced.

   Blank lines are not skipped, since a field in quotes may hold them. Should Snowflake leave them out as
   errors of their own, the lines are numbered anew, since csv_records takes no holes.

   Arguments:
     lines (string): the table.
     location (string): the folder in the stage.
     names (list of strings): the files.
     encoding (string): Snowflake's name of it.
     replace (boolean): whether U+FFFD takes the place of such bytes. #}
{% macro copy_lines(lines, location, names, encoding, replace) %}
    {%- set format, unreadable, blank = lines ~ "_format", [], [] -%}
    {%- do clientele.create_format(format, "type = csv field_delimiter = none skip_blank_lines = false null_if = ()"
        ~ " empty_field_as_null = false escape_unenclosed_field = none encoding = '" ~ encoding ~ "' replace_invalid_characters = " ~ replace | lower) -%}
    {%- do run_query("create or replace temporary table " ~ lines ~ " (file varchar, line_number integer, line varchar)") -%}
    {#- FILES takes a thousand names. -#}
    {%- for some in names | batch(1000) -%}
        {%- for row in run_query("copy into " ~ lines ~ " (file, line_number, line) from (select split_part(metadata$filename, '/', -1), metadata$file_row_number, $1 from @"
                ~ location ~ ") files = (" ~ clientele.text_literals(some) ~ ") file_format = (format_name = '" ~ format ~ "') on_error = continue") if row[5] -%}
            {%- if not replace -%}
                {%- do unreadable.append(row[0].rsplit('/', 1)[-1]) -%}
            {%- elif 'end of record' in row[6] | lower -%}
                {%- do blank.append(row[0]) -%}
            {%- else -%}
                {{ exceptions.raise_compiler_error(row[0].rsplit('/', 1)[-1] ~ " could not be read (line " ~ row[7] ~ ": " ~ row[6] ~ ").") }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if blank -%}
        {%- do run_query("create or replace temporary table " ~ lines ~ " as select file,"
            ~ " row_number() over (partition by file order by line_number) as line_number, line from " ~ lines) -%}
    {%- endif -%}
    {{- return(unreadable) -}}
{% endmacro %}

{# Snowflake's name of a relation's encoding. What programs call latin-1 is what Windows writes. Raises one
   sentence for an encoding that Snowflake does not read.

   Arguments:
     relation (mapping): as landed_relations gives it. #}
{% macro snowflake_encoding(relation) %}
    {%- set name = modules.re.sub('[^a-z0-9]', '', relation.encoding | lower) -%}
    {%- set names = {'utf8sig': 'UTF8', 'latin1': 'WINDOWS1252', 'iso88591': 'WINDOWS1252', 'l1': 'WINDOWS1252', 'ansi': 'WINDOWS1252',
        'ascii': 'UTF8', 'usascii': 'UTF8', 'latin2': 'ISO88592', 'latin9': 'ISO885915', 'sjis': 'SHIFTJIS', 'gbk': 'GB18030', 'gb2312': 'GB18030'} -%}
    {%- set known = ['BIG5', 'EUCJP', 'EUCKR', 'GB18030', 'ISO88592', 'ISO88595', 'ISO88596', 'ISO88597', 'ISO88598', 'ISO88599', 'ISO885915',
        'ISO2022JP', 'ISO2022KR', 'KOI8R', 'SHIFTJIS', 'UTF8', 'UTF16', 'UTF16BE', 'UTF16LE', 'UTF32', 'UTF32BE', 'UTF32LE', 'WINDOWS874',
        'WINDOWS949', 'WINDOWS1250', 'WINDOWS1251', 'WINDOWS1252', 'WINDOWS1253', 'WINDOWS1254', 'WINDOWS1255', 'WINDOWS1256'] -%}
    {%- set found = names.get(name, modules.re.sub('^(cp|win)(?=[0-9])', 'windows', name) | upper) -%}
    {%- if found not in known -%}
        {{ exceptions.raise_compiler_error("Snowflake does not read the encoding `" ~ relation.encoding ~ "` of " ~ relation.name
            ~ ": save the file as UTF-8, or name one of utf-8, utf-16, cp1250 to cp1256, latin-1, iso-8859-2 to -9, -15, koi8-r, big5, gb18030, shift_jis, euc-jp, euc-kr.") }}
    {%- endif -%}
    {{- return(found) -}}
{% endmacro %}
