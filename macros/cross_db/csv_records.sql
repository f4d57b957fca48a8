{# A select of the records among the lines of delimited text: one row per record, its fields as text under
   their columns' names, and one per malformed line, which has its text in `landing_record` and null in
   all other columns; `landing_file` is its file. Nothing is left out but blank lines.

   A line is a record if it is well-formed (RFC 4180, blanks around quoted fields allowed, and quotes within
   a field that does not begin with one, as in 5" pipe) and has a field per column. Fields in quotes may hold
   line breaks. In a well-formed record the number of quotes is odd
   up to each of its inner line breaks and even at its end, so a record of several lines begins in a line
   with an odd number of quotes and ends in the next such line: each line is looked at once however far a
   stray quote reaches, and such a pair of lines is one record or none. It costs a stray quote's line alone.

   - Lines between the two may be records themselves. Then the quotes are either a text's, with lines that
     look like records, or strays that happen to fit. It counts as text up to 10 lines, as strays beyond.
   - A pair that is well-formed but has too few or too many fields is one malformed record, if no line in
     it is a record and neither end belongs to another.
   - Where both (a, b) and (b, c) would be records, the first in the file is.

   Arguments:
     lines (string): a relation with the columns file, line_number (without holes in a file) and line.
     delimiter (string): one character.
     columns (list of strings): names of the columns, in order. #}
{% macro csv_records(lines, delimiter, columns) %}
    {%- set record, any_record = clientele.csv_pattern(delimiter, columns | length), clientele.csv_pattern(delimiter) -%}
    {%- set opening = clientele.csv_pattern(delimiter, is_open=true) -%}
    {%- set longest_span = 100 -%}
    with

    counted_lines as (
        select
            file,
            line_number,
            coalesce(line, '') as line,
            {{ clientele.full_match('line', record) }} as is_record,
            mod(length(line) - length(replace(line, '"', '')), 2) = 1 as has_odd_quotes
        from {{ lines }} as landed_lines
    ),

    odd_lines as (
        select
            file,
            line_number as first_number,
            lead(line_number) over (partition by file order by line_number) as last_number,
            line
        from counted_lines
        where has_odd_quotes
    ),

    steps as (
        select step from (values {% for step in range(longest_span) %}({{ step }}){{ ',' if not loop.last }}{% endfor %}) as numbers (step)
    ),

    pair_lines as (
        select
            odd_lines.file,
            odd_lines.first_number,
            odd_lines.last_number,
            odd_lines.first_number + steps.step as line_number
        from odd_lines
        inner join steps
            on odd_lines.last_number - odd_lines.first_number >= steps.step
        where odd_lines.last_number - odd_lines.first_number < {{ longest_span }}
            and {{ clientele.full_match('odd_lines.line', opening) }}
    ),

    pair_texts as (
        select
            pair_lines.file,
            pair_lines.first_number,
            pair_lines.last_number,
            {{ dbt.listagg('counted_lines.line', "'\n'", 'order by counted_lines.line_number') }} as record,
            count(*) as line_count,
            sum(case when counted_lines.is_record then 1 else 0 end) as record_count
        from pair_lines
        inner join counted_lines
            on pair_lines.file = counted_lines.file
            and pair_lines.line_number = counted_lines.line_number
        group by 1, 2, 3
    ),

    pairs as (
        select
            file,
            first_number,
            last_number,
            record,
            {{ clientele.full_match('record', record) }} as is_record
        from pair_texts
        where line_count = last_number - first_number + 1
            and (
                (record_count = 0 and {{ clientele.full_match('record', any_record) }})
                or (line_count <= 10 and {{ clientele.full_match('record', record) }})
            )
    ),

    {#- A well-formed pair with another number of fields gives way to records that share a line with it. #}
    neighbours as (
        select
            *,
            lag(case when is_record then last_number end) over (partition by file order by first_number) as record_before,
            lead(case when is_record then first_number end) over (partition by file order by first_number) as record_after
        from pairs
    ),

    remaining as (
        select
            *,
            lag(last_number) over (partition by file order by first_number) as last_number_before
        from neighbours
        where is_record or (
            coalesce(record_before != first_number, true) and coalesce(record_after != last_number, true)
        )
    ),

    chains as (
        select
            *,
            sum(case when last_number_before = first_number then 0 else 1 end)
                over (partition by file order by first_number rows unbounded preceding) as chain
        from remaining
    ),

    spans as (
        select
            *,
            row_number() over (partition by file, chain order by first_number) as place
        from chains
    ),

    spanned_lines as (
        select
            pair_lines.file,
            pair_lines.line_number
        from pair_lines
        inner join spans
            on pair_lines.file = spans.file
            and pair_lines.first_number = spans.first_number
        where mod(spans.place, 2) = 1
    ),

    records as (
        select
            file,
            record,
            is_record
        from spans
        where mod(place, 2) = 1
        union all
        select
            counted_lines.file,
            counted_lines.line,
            counted_lines.is_record
        from counted_lines
        left join spanned_lines
            on counted_lines.file = spanned_lines.file
            and counted_lines.line_number = spanned_lines.line_number
        where trim(counted_lines.line) != '' and spanned_lines.line_number is null
    ),

    fields as (
        select
            file,
            case when is_record then {{ clientele.csv_fields('record', delimiter) }} end as field,
            {#- What stands for a byte that is not of the encoding (plugins/raw_files.py) is shown as such. #}
            case when not is_record then replace(record, '{{ '\ufdd0' }}', '{{ '\ufffd' }}') end as landing_record
        from records
    )

    select
        {%- for column in columns %}
        {{ clientele.csv_value(clientele.text_item('field', loop.index0)) }} as {{ adapter.quote(column) }},
        {%- endfor %}
        landing_record,
        file as landing_file
    from fields
{% endmacro %}

{# A regular expression of a record of delimited text, for full_match. It uses what the warehouses have
   in common: neither lookaheads nor groups that capture nothing, and no backslashes.

   Arguments:
     delimiter (string): one character.
     column_count (integer): fields that it has; none: any number.
     is_open (boolean): whether its last field is in quotes that are not closed. #}
{% macro csv_pattern(delimiter, column_count=none, is_open=false) %}
    {#- A record, of a number of columns, holds no byte that is not of its encoding (plugins/raw_files.py). -#}
    {%- set unreadable = '' if column_count is none else '\ufdd0' -%}
    {%- set quoted = '"([^"' ~ unreadable ~ ']|"")*' -%}
    {%- set bare = unreadable ~ delimiter ~ '\n' -%}
    {%- set field = '( *' ~ quoted ~ '" *| *[^ "' ~ bare ~ '][^' ~ bare ~ ']*| *)' -%}
    {%- if is_open -%}
        {{- return('(' ~ field ~ '[' ~ delimiter ~ '])* *' ~ quoted) -}}
    {%- endif -%}
    {%- set count = '*' if column_count is none else '{' ~ (column_count - 1) ~ '}' -%}
    {{- return(field ~ '([' ~ delimiter ~ ']' ~ field ~ ')' ~ count) -}}
{% endmacro %}

{# Fields of a well-formed record, as they stand in it, as an array. #}
{% macro csv_fields(record, delimiter) %}
    {{- return(adapter.dispatch('csv_fields', 'clientele')(record, delimiter)) -}}
{% endmacro %}

{% macro duckdb__csv_fields(record, delimiter) -%}
    case
        when contains({{ record }}, '"')
            then regexp_extract_all('{{ delimiter }}' || {{ record }}, '[{{ delimiter }}]( *"([^"]|"")*" *| *[^ "{{ delimiter }}][^{{ delimiter }}]*| *)', 1)
        else string_split({{ record }}, '{{ delimiter }}')
    end
{%- endmacro %}

{% macro snowflake__csv_fields(record, delimiter) -%}
    case
        when contains({{ record }}, '"')
            then regexp_substr_all('{{ delimiter }}' || {{ record }}, '[{{ delimiter }}]( *"([^"]|"")*" *| *[^ "{{ delimiter }}][^{{ delimiter }}]*| *)', 1, 1, 'e', 1)
        else split({{ record }}, '{{ delimiter }}')
    end
{%- endmacro %}

{# The value of a field: what its quotes hold; null when nothing is in it. #}
{% macro csv_value(field) -%}
    nullif(case
        when trim({{ field }}) like '"%' then replace(substr(trim({{ field }}), 2, length(trim({{ field }})) - 2), '""', '"')
        else {{ field }}
    end, '')
{%- endmacro %}

{# The text at a place of an array of texts, counted from 0. #}
{% macro text_item(array, place) %}
    {{- return(adapter.dispatch('text_item', 'clientele')(array, place)) -}}
{% endmacro %}

{% macro duckdb__text_item(array, place) -%}
    {{ array }}[{{ place + 1 }}]
{%- endmacro %}

{% macro snowflake__text_item(array, place) -%}
    cast({{ array }}[{{ place }}] as varchar)
{%- endmacro %}
