{# Text as a timestamp in UTC, null when unreadable. It is ISO 8601 (a date, or a date and a time with or without
   zone: Z, UTC, GMT, +02, +0200, +02:00, also after a blank), or in a `date_format` of the table's mapping: one
   format or several, tried in order; ISO 8601 is read beside them unless one of them begins with a year. A
   time without zone is the shop's.

   Arguments:
     expression (string): SQL of a text value.
     entity (string): the table of the source `shop` it stands in.
     written (string): the column that written_time made of it, a step before: worked out here it would stand in
       this expression a score of times. #}
{% macro to_utc(expression, entity, written) %}
    {%- set local = clientele.local_to_utc(written) -%}
    {%- if not clientele.is_iso_read(entity) -%} {{- return(local) -}} {%- endif -%}
    {{- return('coalesce(' ~ local ~ ', ' ~ adapter.dispatch('read_iso_moment', 'clientele')(clientele.clean_text(expression)) ~ ')') -}}
{% endmacro %}

{# The time that a text names without a zone, as a timestamp; null when it names none.

   Arguments:
     expression (string): SQL of a text value.
     entity (string): the table of the source `shop` it stands in. #}
{% macro written_time(expression, entity) %}
    {%- set text = clientele.clean_text(expression) -%}
    {%- set readings = [] -%}
    {%- for format in clientele.date_formats(entity) -%}
        {%- do readings.append(clientele.read_time(text, format, entity)) -%}
    {%- endfor -%}
    {%- if clientele.is_iso_read(entity) -%}
        {%- do readings.append(adapter.dispatch('read_iso_time', 'clientele')(expression, text)) -%}
    {%- endif -%}
    {{- return('coalesce(' ~ readings | join(', ') ~ ', null)') -}}
{% endmacro %}

{# The forms of dates that a table's mapping names, as a list.

   Arguments:
     entity (string): a table of the source `shop`. #}
{% macro date_formats(entity) %}
    {%- set setting = clientele.table_settings(entity).get('date_format') or [] -%}
    {{- return([setting] if setting is string else setting) -}}
{% endmacro %}

{# Whether ISO 8601 is read in a table: unless its mapping names a form that could be taken for it.

   Arguments:
     entity (string): a table of the source `shop`. #}
{% macro is_iso_read(entity) %}
    {%- set ns = namespace(is_read=true) -%}
    {%- for format in clientele.date_formats(entity) if format[:2] | lower == '%y' -%}
        {%- set ns.is_read = false -%}
    {%- endfor -%}
    {{- return(ns.is_read) -}}
{% endmacro %}

{# What ISO 8601 looks like, as regular expressions: a time without zone, and the zone after it. #}
{% macro iso_time() -%}
    [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([ T]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]*)?)?)?
{%- endmacro %}

{% macro iso_moment() -%}
    [0-9-]+[ T][0-9:.,]+ *(Z|UTC|GMT|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)
{%- endmacro %}

{# The usual forms are told by their length and marks, which costs less than an expression. DuckDB alone would
   also read `infinity`, slashes and an hour 24, and take 11:30 PM for the morning. #}
{% macro duckdb__read_iso_time(expression, text) -%}
    case
        when
            substr({{ expression }}, 5, 1) = '-' and substr({{ expression }}, 8, 1) = '-' and (
                length({{ expression }}) = 10
                or substr({{ expression }}, 14, 1) = ':' and substr({{ expression }}, 12, 2) <> '24' and (
                    length({{ expression }}) = 16
                    or length({{ expression }}) = 19 and substr({{ expression }}, 17, 1) = ':'
                )
            )
            then try_cast({{ expression }} as timestamp)
        when regexp_full_match({{ text }}, '{{ clientele.iso_time() }}')
            then try_cast(replace({{ text }}, ',', '.') as timestamp)
    end
{%- endmacro %}

{% macro duckdb__read_iso_moment(text) -%}
    case
        when regexp_full_match({{ text }}, '{{ clientele.iso_moment() }}')
            then timezone('UTC', try_cast(regexp_replace(
                regexp_replace(replace({{ text }}, ',', '.'), ' *(Z|UTC|GMT)$', '+00'), ' +([+-][0-9:]+)$', '\1'
            ) as timestamptz))
    end
{%- endmacro %}

{# Put together anew in one form, which is named: what Snowflake reads by itself depends on the session, and
   includes 20240131 as seconds since 1970 and 31-JAN-2024 as a day. #}
{% macro snowflake__read_iso_time(expression, text) -%}
    {%- set day = "split_part(translate(" ~ text ~ ", 'T,', ' .'), ' ', 1)" -%}
    {%- set time = "split_part(translate(" ~ text ~ ", 'T,', ' .'), ' ', 2)" -%}
    case
        when regexp_like({{ text }}, '{{ clientele.iso_time() }}')
            then try_to_timestamp_ntz(
                split_part({{ day }}, '-', 1)
                || '-' || lpad(split_part({{ day }}, '-', 2), 2, '0')
                || '-' || lpad(split_part({{ day }}, '-', 3), 2, '0')
                || ' ' || lpad(split_part({{ time }}, ':', 1), 2, '0')
                || ':' || lpad(split_part({{ time }}, ':', 2), 2, '0')
                || ':' || lpad(split_part(split_part({{ time }}, ':', 3), '.', 1), 2, '0')
                || '.' || rpad(left(split_part({{ time }}, '.', 2), 6), 6, '0'),
                'YYYY-MM-DD HH24:MI:SS.FF6'
            )
    end
{%- endmacro %}

{% macro snowflake__read_iso_moment(text) -%}
    {%- set local = "regexp_replace(" ~ text ~ ", ' *(Z|UTC|GMT|[+-][0-9:]+)$', '')" -%}
    {%- set offset = "replace(coalesce(regexp_substr(" ~ text ~ ", '[+-][0-9:]+$'), '+0000'), ':', '')" -%}
    case
        when regexp_like({{ text }}, '{{ clientele.iso_moment() }}')
            then dateadd(
                'minute',
                case when left({{ offset }}, 1) = '-' then 1 else -1 end * (
                    60 * cast(substr({{ offset }}, 2, 2) as integer)
                    + cast(rpad(substr({{ offset }}, 4, 2), 2, '0') as integer)
                ),
                {{ clientele.snowflake__read_iso_time(local, local) }}
            )
    end
{%- endmacro %}
